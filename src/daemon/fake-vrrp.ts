// FakeVrrp: the vrrp process without a process, for tests of the daemon: it is there or not, remembers what main said, and
// tells what a test has it tell. Its roles are a test's to decide.

import type { SetStatus } from '../vrrp/protocol.ts'
import { LATENESS_BOUNDS, VRRP_PROTOCOL } from '../vrrp/protocol.ts'
import type { VrrpSpec } from '../vrrp/spec.ts'
import type { SaidToVrrp } from '../vrrp/vrrp-client.ts'
import type { FromVrrp, Vrrp, VrrpEvents } from './vrrp.ts'

export class FakeVrrp {
  /** said: what main said since it was there; all that it ever said where nothing cleared it. */
  said: SaidToVrrp[] = []
  isThere = false
  isWanted = false
  ended = 0
  #events: VrrpEvents | undefined

  readonly open = (events: VrrpEvents): Vrrp => {
    this.#events = events
    return {
      want: () => {
        this.isWanted = true
      },
      say: (message) => {
        if (this.isThere) this.said.push(message)
      },
      end: () => void this.ended++,
      [Symbol.dispose]: () => {
        this.#events = undefined
      },
    }
  }

  /** spec: what main ordered last. */
  get spec(): VrrpSpec | undefined {
    return this.said.flatMap((each) => (each.kind === 'spec' ? [each.spec] : [])).at(-1)
  }

  come(pid = 7): void {
    this.isThere = true
    this.said = []
    this.#events?.onPresent(pid)
  }

  vanish(why = 'ECONNREFUSED'): void {
    this.isThere = false
    this.#events?.onAbsent(why)
  }

  /** end: the process ended by itself, and is gone. */
  end(how: string): void {
    this.#events?.onEnded({ how })
    this.vanish(how)
  }

  tell(message: FromVrrp): void {
    this.#events?.onMessage(message)
  }

  /** tellSets: a status of these, and of the process. */
  tellSets(sets: readonly SetStatus[], problems: readonly string[] = []): void {
    this.tell({ v: VRRP_PROTOCOL, kind: 'status', at: 0, sets: [...sets], problems: [...problems] })
  }
}

/** setTold: what vrrp says of a set. */
export const setTold = (name: string, role: SetStatus['role'], more: Partial<SetStatus> = {}): SetStatus => ({
  ...{ name, role, since: 1_000, priority: 100, faults: [], tracks: [], routers: [] },
  counters: { sent: 1, received: 2, refused: {}, remarked: {}, takeovers: 0, announced: 0, unsent: 0 },
  lateness: { counts: Array(LATENESS_BOUNDS.length + 1).fill(0), sumMs: 0, worstMs: 0 },
  ...more,
})
