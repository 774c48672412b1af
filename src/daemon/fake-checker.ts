// FakeChecker: a checker without a process, for tests of the daemon: it is there or not, remembers its orders, and tells
// what a test has it tell.

import type { Standing } from '../health/machine.ts'
import type { Alive, Detail, Order, State } from '../health/protocol.ts'
import type { Checker, CheckerEvents } from './checker.ts'

export class FakeChecker {
  orders: readonly Order[] = []
  isThere = true
  /** isFrozen: it is there, and answers nothing. */
  isFrozen = false
  ended = 0
  /** details: what it says when it is asked for particulars. */
  details: readonly Detail[] = []
  /** known: standings that it has from an earlier life, by address. */
  readonly known = new Map<string, Standing>()
  /** handedDown: the same, which it was told and did not see itself; seeds count more. */
  readonly handedDown = new Map<string, Standing>()
  /** whys: why they are down, by address. */
  readonly whys = new Map<string, string>()
  #events: CheckerEvents | undefined

  readonly open = (events: CheckerEvents): Checker => {
    this.#events = events
    return {
      order: (orders) => {
        this.orders = orders
        if (orders.length > 0 && this.isThere && !this.isFrozen) this.tellStates()
      },
      details: (keys) => Promise.resolve(this.details.filter(({ key }) => keys.includes(key))),
      end: () => void this.ended++,
      [Symbol.dispose]: () => {
        this.#events = undefined
      },
    }
  }

  tellStates(): void {
    this.#events?.onPresent(1)
    this.#events?.onStates(
      this.orders.map(({ key, address, seed }): State => {
        const looked = this.known.get(address)
        const why = this.whys.get(address)
        const standing = looked ?? seed ?? this.handedDown.get(address) ?? 'unknown'
        return {
          ...{ key, standing, since: 0, isLooked: looked !== undefined },
          ...(why !== undefined && { why }),
        }
      }),
    )
  }

  /** see: it found a server, by its address, up or down. */
  see(
    address: string,
    to: 'up' | 'down',
    text = to === 'up' ? 'connected' : 'connect: refused',
    warning?: string,
  ): void {
    for (const order of this.orders.filter((each) => each.address === address)) {
      const from = this.known.get(address) ?? 'unknown'
      this.known.set(address, to)
      if (to === 'down') this.whys.set(address, text)
      else this.whys.delete(address)
      this.#events?.onChanges([
        {
          ...{ key: order.key, standing: to, since: 0, isLooked: true },
          ...(to === 'down' && { why: text }),
          ...(warning !== undefined && { warning }),
          transition: { at: 0, from, to, text, count: from === 'unknown' ? 1 : 3 },
        },
      ])
    }
  }

  /** report: a server that is up says another weight. */
  report(address: string, report: NonNullable<State['report']>): void {
    this.#events?.onChanges(
      this.orders
        .filter((each) => each.address === address)
        .map(({ key }) => ({ ...{ key, standing: 'up', since: 0, isLooked: true }, report })),
    )
  }

  /** fail: looks at a server find nothing. */
  fail(address: string, text: string, count = 1): void {
    this.#events?.onChanges(
      this.orders
        .filter((each) => each.address === address)
        .map(({ key, seed }) => ({
          ...{ key, standing: this.known.get(address) ?? seed ?? 'unknown', since: 0, isLooked: true },
          fruitless: { count, text },
        })),
    )
  }

  /** tellAlive: a second has passed. */
  tellAlive(change: Partial<Alive> = {}): void {
    const overdue = { count: 0, keys: [] }
    const lateness = { counts: [], sumMs: 0 }
    const rest = { watched: this.orders.length, looks: 0, lateP99Ms: 0, latestMs: 0, totals: [], lateness }
    this.#events?.onAlive({ at: 0, ...rest, overdue, ...change })
  }

  /** end: the process ended by itself, and is gone. */
  end(how: string, words?: string): void {
    this.#events?.onEnded({ how, ...(words !== undefined && { words }) })
    this.vanish()
  }

  /** vanish: the process is gone. */
  vanish(why = 'ECONNREFUSED'): void {
    this.isThere = false
    this.#events?.onAbsent(why)
  }
}
