// A process that cannot outlive us, and whose children cannot outlive it: it runs in a process-id namespace of its own,
// whose end ends all processes in it, and it is killed when this process dies, however that happens.
// References: setpriv(1) --pdeathsig, unshare(1) --kill-child, pid_namespaces(7).

import { spawn } from 'node:child_process'

/** Ended: a contained process's end; `status` is null when it was killed, by its time-out for instance. */
export interface Ended {
  readonly status: number | null
  readonly output: string
  readonly timedOut: boolean
  readonly ms: number
}

/** runContained runs a command for at most `timeoutMs`; SIGTERM and SIGINT of this process end it too. */
export function runContained(command: readonly string[], timeoutMs: number): Promise<Ended> {
  const started = performance.now()
  const child = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', 'unshare', '--pid', '--fork', '--kill-child', '--mount-proc'],
      ...['sh', '-c', '"$@"; exit $?', 'contained', ...command],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    child.kill('SIGKILL')
  }, timeoutMs)
  const interrupted = (signal: NodeJS.Signals) => {
    child.kill('SIGKILL')
    process.exit(signal === 'SIGINT' ? 130 : 143)
  }
  process.on('SIGINT', interrupted)
  process.on('SIGTERM', interrupted)
  return new Promise((resolve, reject) => {
    const done = () => {
      clearTimeout(timer)
      process.off('SIGINT', interrupted)
      process.off('SIGTERM', interrupted)
    }
    child.on('error', (error) => {
      done()
      reject(error)
    })
    child.on('close', (status) => {
      done()
      resolve({ status, output, timedOut, ms: performance.now() - started })
    })
  })
}
