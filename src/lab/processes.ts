// Processes of a lab, found and ended. A process is known by its pid and its start time together, because a pid alone
// may be another's by the time it is used; and a process that lives in a lab's namespace is the lab's, whoever
// started it. Both facts come from /proc (proc(5): stat field 22, ns/net).

import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** ProcessId: one process and no later one. `startTime`: ticks since boot, as in /proc/PID/stat. */
export interface ProcessId {
  readonly pid: number
  readonly startTime: string
}

/** identify: the process with this pid, if it is there and not just waiting to be reaped. */
export function identify(pid: number): ProcessId | undefined {
  const fields = statOf(pid)
  const startTime = fields?.[19]
  return startTime === undefined || fields![0] === 'Z' ? undefined : { pid, startTime }
}

/** statOf: the fields of /proc/PID/stat from the third one on, which is the state. */
function statOf(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the command in brackets and may itself hold spaces and brackets.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/** isStopped: it is there, and stopped by a signal (SIGSTOP). */
export const isStopped = (process: ProcessId): boolean => isAlive(process) && statOf(process.pid)?.[0] === 'T'

/** hasTerminal: somebody has it on a terminal. */
export const hasTerminal = ({ pid }: ProcessId): boolean => (statOf(pid)?.[4] ?? '0') !== '0'

/** isAlive: whether exactly this process still runs. */
export const isAlive = (process: ProcessId): boolean => identify(process.pid)?.startTime === process.startTime

/** processesIn: all processes but this one whose network namespace is one of those at `paths` (missing: none). */
export function processesIn(paths: readonly string[]): ProcessId[] {
  const wanted = new Set<string>()
  for (const path of paths) {
    const found = statSync(path, { throwIfNoEntry: false })
    if (found) wanted.add(`net:[${found.ino}]`)
  }
  if (wanted.size === 0) return []
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return []
    // Identified before its namespace is read: a pid that changes hands in between is then not taken for ours.
    const found = identify(Number(entry))
    return found && wanted.has(namespaceOf(found.pid)) && isAlive(found) ? [found] : []
  })
}

function namespaceOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return ''
  }
}

/**
 * endProcesses asks each to end (SIGTERM), and after `graceMs` no longer asks (SIGKILL). Resolves when none is left.
 */
export async function endProcesses(processes: readonly ProcessId[], graceMs = 2000): Promise<void> {
  for (const one of processes) signal(one, 'SIGTERM')
  let left = processes.filter(isAlive)
  for (const deadline = Date.now() + graceMs; left.length > 0 && Date.now() < deadline; ) {
    await delay(10)
    left = left.filter(isAlive)
  }
  while (left.length > 0) {
    for (const one of left) signal(one, 'SIGKILL')
    await delay(10)
    left = left.filter(isAlive)
  }
}

function signal(target: ProcessId, name: 'SIGTERM' | 'SIGKILL'): void {
  if (!isAlive(target)) return
  try {
    process.kill(target.pid, name)
  } catch {
    // It ended by itself in between.
  }
}
