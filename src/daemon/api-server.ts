// The API on its Unix socket. Only the socket's owner may connect (0600); requests are bounded in size, number
// and time, so that nobody who may connect can hold the daemon up. A socket that a dead daemon left is replaced,
// one that answers is not, and a path that is no socket is never touched.

import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import { TenbinError } from '../base/errors.ts'
import { whoAnswers } from './who-answers.ts'

const MAX_CONNECTIONS = 64

/** ApiServer: a listening API; `close` ends connections and removes the socket. */
export interface ApiServer {
  close(): Promise<void>
}

/** serveApi listens at `path`. Throws DAEMON_RUNNING, SOCKET_PATH_INVALID, NOT_PERMITTED. */
export async function serveApi(path: string, app: Hono): Promise<ApiServer> {
  await makeRoom(path)
  const server = createServer(
    {
      maxHeaderSize: 8192,
      headersTimeout: 5_000,
      requestTimeout: 10_000,
      keepAliveTimeout: 2_000,
      connectionsCheckingInterval: 1_000,
    },
    getRequestListener(app.fetch, { overrideGlobalObjects: false }),
  )
  server.maxConnections = MAX_CONNECTIONS
  const umask = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ path, backlog: MAX_CONNECTIONS }, resolve)
      // The socket exists from here on, and listen has bound it before it returned.
      process.umask(umask)
    })
    chmodSync(path, 0o600)
  } catch (cause) {
    throw socketError(path, cause)
  } finally {
    process.umask(umask)
  }
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function makeRoom(path: string): Promise<void> {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (!found) return
    if (!found.isSocket()) {
      throw new TenbinError('SOCKET_PATH_INVALID', 'open the API', {
        detail: `${path} is there and is no socket`,
      })
    }
    const who = await whoAnswers(path)
    if (who) throw new TenbinError('DAEMON_RUNNING', 'open the API', { detail: `${who} has ${path}` })
    rmSync(path, { force: true })
  } catch (cause) {
    throw socketError(path, cause)
  }
}

function socketError(path: string, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException).code
  const detail = `${path}: ${(cause as Error).message}`
  if (code === 'EADDRINUSE') return new TenbinError('DAEMON_RUNNING', 'open the API', { detail, cause })
  if (code === 'EACCES' || code === 'EPERM') {
    return new TenbinError('NOT_PERMITTED', 'open the API', { detail, cause })
  }
  if (cause instanceof TenbinError) return cause
  return new TenbinError('SOCKET_PATH_INVALID', 'open the API', { detail, cause })
}
