// One process at a time works for an instance: its daemon, or `down`. The lock is an abstract Unix socket (unix(7)):
// the kernel lets one process bind its name and frees it when that process ends, however it ends, so it is never
// stale. It holds within a network namespace; across namespaces the API's socket does (api-server.ts).

import { createServer, type Server } from 'node:net'
import { TenbinError } from '../base/errors.ts'
import type { Instance } from './instance.ts'
import { whoAnswers } from './who-answers.ts'

/** Lock: held until disposed. */
export interface Lock {
  [Symbol.asyncDispose](): Promise<void>
}

/** lockInstance takes the instance's lock. Throws DAEMON_RUNNING when another process has it. */
export async function lockInstance({ name, socket }: Instance): Promise<Lock> {
  const server = createServer((connection) => connection.destroy())
  if (!(await isFree(server, `\0tenbin/${name}`))) {
    const who = (await whoAnswers(socket).catch(() => undefined)) ?? 'another process'
    throw new TenbinError('DAEMON_RUNNING', 'start', { detail: `${who} works for instance ${name}` })
  }
  // The lock alone keeps no process alive.
  server.unref()
  return {
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

function isFree(server: Server, path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EADDRINUSE') resolve(false)
      else reject(cause)
    })
    server.listen(path, () => resolve(true))
  })
}
