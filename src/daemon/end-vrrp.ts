// The process that has roles is ended, with main dead, or because it does not talk with main: told to, it gives them up with
// priority 0 and takes its addresses away. It is found by its command line, which has its socket, so that one that hangs, and would hear nothing, is found as
// well: that one is killed, and the kernel takes its addresses away when their lifetime is over.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { LINGER } from '../vrrp/linger.ts'

/** PATIENCE_MS: so long it may take to end: it serves until another node has its addresses. */
const PATIENCE_MS = LINGER.mostMs + 3_000
const LOOK_MS = 20

/** HUNG_MS: so long one may take that says nothing any more: it renews nothing, and will hear nothing. */
export const HUNG_MS = 1_000

/** EndVrrp: `signal`: SIGTERM for good; by SIGUSR2 whoever started it, as systemd, starts another. */
export interface EndVrrp {
  readonly signal?: 'SIGTERM' | 'SIGUSR2'
  readonly patienceMs?: number
}

/** endVrrp: whether there was one. One that does not end within `patienceMs` is killed. */
export async function endVrrp(
  { vrrpSocket }: { readonly vrrpSocket: string },
  { signal = 'SIGTERM', patienceMs = PATIENCE_MS }: EndVrrp = {},
): Promise<boolean> {
  const pids = processesOf(vrrpSocket)
  for (const pid of pids) send(pid, signal)
  const left = () => processesOf(vrrpSocket).filter((pid) => pids.includes(pid))
  for (let waited = 0; waited < patienceMs && left().length > 0; waited += LOOK_MS) await delay(LOOK_MS)
  for (const pid of left()) send(pid, 'SIGKILL')
  return pids.length > 0
}

/** processesOf a socket: those that run with it as an argument, and see the same folder, as a container's do not; not this one. */
function processesOf(socket: string): number[] {
  const place = placeOf('/', socket)
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return []
    const words = wordsOf(name)
    const isIt = words.includes(socket) && words.some((word) => /vrrp-process\.[jt]s$/.test(word))
    return isIt && placeOf(`/proc/${name}/root`, socket) === place ? [Number(name)] : []
  })
}

/** placeOf the folder of a path as somebody with this root sees it; undefined: it is not there. */
function placeOf(root: string, path: string): string | undefined {
  try {
    const { dev, ino } = statSync(`${root}${dirname(path)}`)
    return `${dev} ${ino}`
  } catch {
    return undefined
  }
}

function wordsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    // It has ended.
    return []
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended.
  }
}
