// What revisions need of the node that they are applied on: its daemon, or a test's stand-in.

import type { DesiredState } from '../config/state.ts'

/** Ran: what came of running a file here, for people. */
export interface Ran {
  readonly change: 'taken-over' | 'amended' | 'replaced' | 'created'
  readonly generation: number
  readonly instructions: number
  readonly loadMs: number
  readonly notes: readonly string[]
}

export interface Runner {
  /** check throws all that is wrong with a file on this machine, and changes nothing. */
  check(desired: DesiredState): void
  /**
   * run makes this machine what the file says, all of it, or throws and changes nothing. `isAgain`: nobody asked for it now, it
   * was refused before and is tried again: a refusal for the same reason is not told.
   */
  run(desired: DesiredState, cause: string, isAgain?: boolean): Promise<Ran>
  /** verify looks at the machine once more, and throws where it is not what this file says. */
  verify(desired: DesiredState): Promise<void>
  /** isActive: clients' packets come to this node, as far as it knows. */
  isActive(): boolean
}

/** Clock: CLOCK_BOOTTIME in ms, which boot that is, and the time of day. */
export interface Clock {
  readonly boot: string
  bootMs(): number
  now(): Date
}
