// What makes the vrrp process one that is not late: code that stays in memory, a real-time priority, the last to be ended when memory
// is short. What this machine refuses is said, and the process goes on as an ordinary one.

import { setPriority } from 'node:os'
import { lockCode, runFirst, surviveShortage } from '../sys/real-time.ts'

/** Above other real-time programs that use the least, below the kernel's threads of interrupts (50). */
const PRIORITY = 10
/** NICE: of a process that one of these reaps: a real-time one below it might never end (decision 0023). */
const NICE = -20
const OOM_SCORE_ADJ = -900

/** standFirst: what was refused, in words. `isReaped`: it is the first of the ordinary ones. */
export function standFirst({ isReaped = false } = {}): string[] {
  const refused: string[] = []
  const attempt = (what: string, work: () => void): void => {
    try {
      work()
    } catch (error) {
      refused.push(`${what}: ${(error as Error).message}`)
    }
  }
  attempt('code is not locked in memory', lockCode)
  if (isReaped) attempt('no priority', () => setPriority(NICE))
  else attempt('no real-time priority', () => runFirst(PRIORITY))
  attempt('no protection when memory is short', () => surviveShortage(OOM_SCORE_ADJ))
  return refused
}
