// The numbers of trailers: each has the number of this node's start, and a running one within it. Its idea: the start is
// counted on disk before the first number that has it, so that no number comes twice, whatever the clock says. Where the file
// was lost (another disk, a snapshot, a machine without disks) the clock says how far it had come at most: a start is at least
// the seconds since 1970. Left out: what a receiver makes of numbers (replay-window.ts).

import { invariant, TenbinError } from '../base/errors.ts'
import { readIfThere, writePrivate } from '../sys/private-file.ts'
import type { TrailerNumber } from '../wire/vrrp-trailer.ts'

/** STARTS: a trailer has room for less. */
const STARTS = 2 ** 32

/** TrailerNumbers: numbers that this node has never used. */
export class TrailerNumbers {
  readonly #path: string
  readonly #now: () => number
  #boot: number | undefined
  #sequence = 0n

  /** `path`: where starts are counted; `now`: ms since 1970. */
  constructor(path: string, now: () => number = Date.now) {
    this.#path = path
    this.#now = now
  }

  /** begin: counts this start, once: before the first number. Throws VRRP_COUNTER_INVALID, VRRP_COUNTER_UNKEPT. */
  begin(): void {
    this.#boot ??= countStart(this.#path, Math.floor(this.#now() / 1000))
  }

  /** next: one more; touches no file. */
  next(): TrailerNumber {
    invariant(this.#boot !== undefined, 'a start is counted before its first number')
    this.#sequence += 1n
    return { boot: this.#boot, sequence: this.#sequence }
  }
}

/** countStart: higher than any before. The clock counts where it says more than the file. */
function countStart(path: string, seconds: number): number {
  try {
    const text = readIfThere(path)?.toString('latin1').trim() ?? '0'
    const next = (/^\d{1,10}$/.test(text) ? Number(text) : Number.NaN) + 1
    if (!(next < STARTS))
      throw new TenbinError('VRRP_COUNTER_INVALID', `read ${path}`, { detail: `"${text}" is no counter` })
    const boot = seconds < STARTS ? Math.max(next, seconds) : next
    writePrivate(path, `${boot}\n`)
    return boot
  } catch (error) {
    if (error instanceof TenbinError) throw error
    const detail = (error as NodeJS.ErrnoException).code ?? String(error)
    throw new TenbinError('VRRP_COUNTER_UNKEPT', `count a start in ${path}`, { cause: error, detail })
  }
}
