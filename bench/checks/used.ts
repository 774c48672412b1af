// What a process takes of the machine, by /proc: the CPU that all of its threads had, and the memory that is its own.

import { readFileSync } from 'node:fs'

/** Used: of a process, since it was asked before. */
export interface Used {
  /** Cores. */
  readonly cpu: number
  readonly rssMb: number
}

/** TICKS: of /proc/PID/stat, a second (USER_HZ, which is 100 on all machines that we run on). */
const TICKS = 100

/** UsageMeter: of a process that runs. */
export class UsageMeter {
  readonly #pid: number
  #before = { ticks: 0, at: 0 }

  constructor(pid: number) {
    this.#pid = pid
  }

  /** used: since the last call; the first one's CPU means nothing. */
  used(): Used {
    const stat = readFileSync(`/proc/${this.#pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = Number(fields[11]) + Number(fields[12])
    const at = performance.now()
    const cpu = ((ticks - this.#before.ticks) / TICKS / (at - this.#before.at)) * 1000
    this.#before = { ticks, at }
    const rss = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.#pid}/status`, 'latin1'))?.[1] ?? '0'
    return { cpu, rssMb: Number(rss) / 1024 }
  }
}
