// A real server of Debian's for tests of checks: in the foreground, in the network namespace that the test has entered,
// in a folder of its own, ended by its pid. What it says goes to a file, which is shown when it does not come up.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** RealServerOptions: `port`: TCP, which it listens on when it is ready. */
export interface RealServerOptions {
  readonly folder: string
  readonly command: readonly [string, ...string[]]
  readonly port: number
  readonly uid?: number
  readonly gid?: number
}

/** RealServer: `stop` freezes it, and resolves when all its threads stand still; `go` lets it go on. */
export interface RealServer extends AsyncDisposable {
  readonly stop: () => Promise<void>
  readonly go: () => void
}

export async function realServer({
  folder,
  command,
  port,
  uid,
  gid,
}: RealServerOptions): Promise<RealServer> {
  const [file, ...args] = command
  const logFile = join(folder, `${file.split('/').at(-1)}.log`)
  const log = openSync(logFile, 'a')
  const child = spawn(file, args, {
    ...{ stdio: ['ignore', log, log], detached: true, cwd: folder },
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
  } as const)
  closeSync(log)
  for (let tries = 0; !(await listens(port)); tries++) {
    if (tries < 1200 && child.exitCode === null) await delay(25)
    else
      throw new Error(
        `${file} does not listen on port ${port}:\n${readFileSync(logFile, 'utf8').slice(-2000)}`,
      )
  }
  const signal = (name: NodeJS.Signals) => process.kill(-child.pid!, name)
  return {
    stop: async () => {
      signal('SIGSTOP')
      while (!standsStill(child.pid!)) await delay(5)
    },
    go: () => signal('SIGCONT'),
    [Symbol.asyncDispose]: () => end(child),
  }
}

/**
 * standsStill: every thread of the process group is stopped, which one is only once it has been scheduled (proc(5): stat), or
 * has ended: whoever is stopped waits for no child of his.
 */
function standsStill(group: number): boolean {
  const statOf = (path: string) => readFileSync(path, 'latin1').split(') ')[1]!.split(' ')
  return readdirSync('/proc').every((pid) => {
    try {
      if (!/^[0-9]+$/.test(pid) || Number(statOf(`/proc/${pid}/stat`)[2]) !== group) return true
      const tasks = readdirSync(`/proc/${pid}/task`)
      return tasks.every((task) => ['T', 'Z'].includes(statOf(`/proc/${pid}/task/${task}/stat`)[0]!))
    } catch {
      // it has ended meanwhile
      return true
    }
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  process.kill(-child.pid!, 'SIGTERM')
  const hard = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), 5000)
  await ended
  clearTimeout(hard)
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
