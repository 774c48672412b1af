// A program of the operator's that is told of an event: JSON on its standard input, exit 0 is success. No shell, unless its
// #! names one; an environment of its own; a user without privileges; a process group of its own, which is killed as a
// whole when it has ended or its time is over. Left out: offspring that leave the group by setsid(2).

import { type ChildProcess, spawn } from 'node:child_process'
import { TenbinError } from '../base/errors.ts'
import type { ScriptTarget } from '../config/notify-spec.ts'
import { scriptFault } from '../health/script-fault.ts'
import { lookUpUser } from '../health/user.ts'
import { done, failed, type Outcome, withoutSecrets } from './outcome.ts'

/** OUTPUT_LIMIT: bytes of output that are kept; the rest is read and dropped. */
const OUTPUT_LIMIT = 256

/** runScript: one attempt. Never rejects. */
export async function runScript(
  { command, user }: ScriptTarget,
  body: string,
  timeoutMs: number,
): Promise<Outcome> {
  const [file, ...args] = command
  const fault = scriptFault(file)
  if (fault !== undefined) return failed('run', `${file} ${fault}`)
  let child: ChildProcess
  try {
    child = spawn(file, args, {
      ...lookUpUser(user),
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
  } catch (error) {
    const { message } = error as Error
    return failed('run', error instanceof TenbinError ? (error.detail ?? message) : message)
  }
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise((resolve) => {
      let output: Buffer = Buffer.alloc(0)
      const keep = (bytes: Buffer) => {
        const room = OUTPUT_LIMIT - output.length
        if (room > 0) output = Buffer.concat([output, bytes.subarray(0, room)])
      }
      const said = () => (output.length === 0 ? '' : `: ${withoutSecrets(output.toString('latin1'), [])}`)
      timer = setTimeout(
        () => resolve(failed('run', `not done after ${timeoutMs / 1000} s${said()}`)),
        timeoutMs,
      )
      child.once('error', ({ message }) => resolve(failed('run', message)))
      // Without descriptors there are no pipes.
      child.stdout?.on('data', keep)
      child.stderr?.on('data', keep)
      // One that does not read is no error: its exit says how it was.
      child.stdin?.on('error', () => undefined)
      child.stdin?.end(`${body}\n`)
      // 'close' would wait for offspring that holds the pipes; the second turn begins when these were looked at once more.
      child.once('exit', (status, signal) =>
        setImmediate(setImmediate, () =>
          resolve(
            status === 0 ? done(`exit 0${said()}`) : failed('run', `${signal ?? `exit ${status}`}${said()}`),
          ),
        ),
      )
    })
  } finally {
    clearTimeout(timer)
    end(child)
  }
}

/** end kills all that is left of it. */
function end(child: ChildProcess): void {
  for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe?.destroy()
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // Nobody of the group is left.
  }
}
