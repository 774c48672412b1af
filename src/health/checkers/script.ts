// script: a program of the operator's says how the server is, by its exit status: 0 up, 1 down, and, where that was asked
// for, 2..255 up with the weight status - 2. Compatible with keepalived's MISC_CHECK. No shell, unless its #! names one;
// an environment of its own; a user without privileges; a process group of its own, killed as a whole when the verdict is
// there, however that came about, so that nothing is left of it; who left the group by setsid(2) is ended by offspring.ts.

import { type ChildProcess, spawn } from 'node:child_process'
import { formatIp } from '../../base/addresses.ts'
import { unprotected } from '../../sys/real-time.ts'
import { bad, type Checker, good, type Target, type Verdict } from '../checker.ts'
import { shown } from '../failure.ts'
import { offspring } from '../offspring.ts'
import { isProgram } from '../program.ts'

/** ScriptOptions: of `command` the first word is a path; {address} and {port} in the others are the target's. */
export interface ScriptOptions {
  readonly command: readonly string[]
  /** Statuses 2..255 are weights. */
  readonly isDynamic: boolean
  readonly uid: number
  readonly gid: number
}

/** OUTPUT_LIMIT: bytes of output that are kept; the rest is read and dropped. */
const OUTPUT_LIMIT = 256

const NO_PROGRAM = 'script cannot be started: it begins neither with #! nor as a program'

/** script: a checker of one target. */
export function script(target: Target, { command, isDynamic, uid, gid }: ScriptOptions): Checker {
  const [address, port] = [formatIp(target.address), `${target.port}`]
  const [file = '', ...words] = command
  const args = words.map((word) => word.replaceAll('{address}', address).replaceAll('{port}', port))
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', TENBIN_ADDRESS: address, TENBIN_PORT: port }
  return (look) =>
    new Promise((resolve) => {
      look.doing = 'script'
      // A script that is gone, or may not be run, says nothing of the server.
      const refuse = (error: unknown) => {
        const { code, message } = error as NodeJS.ErrnoException
        resolve({ outcome: 'none', text: `script cannot be started: ${code ?? message}` })
      }
      let child: ChildProcess
      try {
        if (!isProgram(file)) {
          resolve({ outcome: 'none', text: NO_PROGRAM })
          return
        }
        child = unprotected(() =>
          spawn(file, args, {
            uid,
            gid,
            env,
            cwd: '/',
            detached: true,
            stdio: ['ignore', 'pipe', 'pipe'],
          }),
        )
      } catch (error) {
        refuse(error)
        return
      }
      if (child.pid !== undefined) offspring.begun(child.pid, uid)
      look.own({ [Symbol.dispose]: () => end(child) })
      let output: Buffer = Buffer.alloc(0)
      const keep = (bytes: Buffer) => {
        const room = OUTPUT_LIMIT - output.length
        if (room > 0) output = Buffer.concat([output, bytes.subarray(0, room)])
      }
      // Without descriptors there are no pipes.
      child.stdout?.on('data', keep)
      child.stderr?.on('data', keep)
      child.once('error', refuse)
      // 'close' would wait for offspring that holds the pipes. Another child's SIGCHLD may have told of this one's end before
      // the pipes were looked at: the second turn begins behind that.
      child.once('exit', (status, signal) =>
        setImmediate(setImmediate, () =>
          resolve(verdictOf(status, signal, output.toString('latin1').trim(), isDynamic)),
        ),
      )
    })
}

/** end kills all that is left of it. */
function end(child: ChildProcess): void {
  child.stdout?.destroy()
  child.stderr?.destroy()
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // Nobody of the group is left.
  }
  offspring.ended(child.pid)
}

function verdictOf(
  status: number | null,
  signal: string | null,
  output: string,
  isDynamic: boolean,
): Verdict {
  const said = output === '' ? '' : `: ${shown(Buffer.from(output, 'latin1'), 120)}`
  if (status === null) return bad(`script was killed by ${signal}${said}`)
  if (status === 0) return good(`exit 0${said}`)
  if (isDynamic && status >= 2)
    return good(`exit ${status}, weight ${status - 2}${said}`, { weight: status - 2 })
  return bad(`exit ${status}${said}`)
}
