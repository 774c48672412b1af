// Whether records of flows may be on their way here from another node, which the packet path is told (dataplane/awaiting.ts):
// as long as this node is active for nothing, for a moment after each change of a role, and before one that is ordered. Its
// idea: whoever takes over is told already, so the daemon may be late, or not there, when a role comes. What the packet path
// was told outlives a daemon that is started again, and is left alone until roles are known: a daemon that starts changes no
// role. Whatever it was told and is not told again it ends by itself, a moment after the first packet that it has dropped, so
// neither a dead daemon nor one that hears of no role makes it drop for longer. One that ends for good takes it back at once.

import { AWAIT_MS } from '../dataplane/awaiting.ts'
import type { Replica } from '../engine/replica.ts'
import type { Roles, SetRole } from './roles.ts'

/** AwaitingRecordsOptions: as those of Sharing. */
export interface AwaitingRecordsOptions {
  readonly roles: Roles
  readonly replica: Pick<Replica, 'awaitRecords'>
  readonly monotonic: () => number
}

export class AwaitingRecords implements Disposable {
  readonly #options: AwaitingRecordsOptions
  readonly #known = new Map<string, SetRole['role']>()
  readonly #listening: Disposable
  #isOver = false
  #until = Number.NEGATIVE_INFINITY

  constructor(options: AwaitingRecordsOptions) {
    this.#options = options
    this.#listening = options.roles.onChange((set) => this.#changed(set))
  }

  /** expect a change of a role that is ordered, here or on another node, for `ms`, so that nothing comes between. */
  expect(ms: number): void {
    this.#until = Math.max(this.#until, this.#options.monotonic() + ms)
    this.step()
  }

  /** step tells the packet path, if that is known; cheap, for ten times a second. */
  step(): void {
    const { roles, replica, monotonic } = this.#options
    if (this.#isOver) return
    if (roles.sets().some((set) => roles.of(set) === undefined)) return
    const isIdle = roles.sets().length > 0 && !roles.isActive()
    replica.awaitRecords(isIdle || monotonic() < this.#until)
  }

  /** end: none are awaited any more, whatever roles come. */
  end(): void {
    this.#isOver = true
    this.#options.replica.awaitRecords(false)
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]()
  }

  #changed(set: string): void {
    const { roles } = this.#options
    const [before, role] = [this.#known.get(set), roles.of(set)?.role]
    if (role === undefined) return
    this.#known.set(set, role)
    // What is heard first was so already.
    if (before !== undefined && before !== role && [before, role].includes('active')) this.expect(AWAIT_MS)
    else this.step()
  }
}
