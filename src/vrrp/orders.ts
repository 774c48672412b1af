// What main ordered last, kept at each change so that the next start of the process goes on with it (kept.ts). What cannot be
// kept counts all the same, and is tried again with the next order.

import { type KeptOrders, keepOrders, readOrders } from './kept.ts'
import type { VrrpSpec } from './spec.ts'

export class Orders {
  readonly #path: string
  #orders: KeptOrders
  #unkept: string | undefined

  constructor(path: string) {
    this.#path = path
    this.#orders = readOrders(path)
  }

  get spec(): VrrpSpec {
    return this.#orders.spec
  }

  /** services: names of rules that main has told of. */
  get services(): readonly string[] {
    return Object.keys(this.#orders.tracked)
  }

  isMaintained(set: string): boolean {
    return this.#orders.maintained.includes(set)
  }

  /** isUp: as main said; undefined: it said nothing. */
  isUp(service: string): boolean | undefined {
    return this.#orders.tracked[service]
  }

  /** heldUntil: until when the set preempts nobody; 0: it may. */
  heldUntil(set: string): number {
    // a set may be called `constructor`
    return Object.hasOwn(this.#orders.held, set) ? this.#orders.held[set]! : 0
  }

  /** unkept: why the last order could not be kept. */
  get unkept(): string | undefined {
    return this.#unkept
  }

  /** respec: of sets that are no more no hold is kept. */
  respec(spec: VrrpSpec): void {
    this.#keep({ ...this.#orders, spec, held: this.#heldOf(spec, (name) => this.heldUntil(name)) })
  }

  /** hold a set, or all of them: nobody is preempted before `until`, ms of bootMs; 0: not held. */
  hold(set: string | undefined, until: number): void {
    const untilOf = (name: string) => (name === (set ?? name) ? until : this.heldUntil(name))
    this.#keep({ ...this.#orders, held: this.#heldOf(this.spec, untilOf) })
  }

  /** maintain a set, or all of them. */
  maintain(set: string | undefined, isMaintained: boolean): void {
    const names = set === undefined ? this.spec.sets.map(({ name }) => name) : [set]
    const others = this.#orders.maintained.filter((name) => !names.includes(name))
    this.#keep({ ...this.#orders, maintained: isMaintained ? [...others, ...names] : others })
  }

  /** track: of rules that sets have; of others main tells when they are there again. */
  track(service: string, isUp: boolean): void {
    const names = new Set(this.spec.sets.flatMap(({ track }) => track.map(({ name }) => name)))
    const known = Object.entries({ ...this.#orders.tracked, [service]: isUp })
    this.#keep({ ...this.#orders, tracked: Object.fromEntries(known.filter(([name]) => names.has(name))) })
  }

  #heldOf({ sets }: VrrpSpec, untilOf: (name: string) => number): KeptOrders['held'] {
    const all = sets.map(({ name }) => [name, untilOf(name)] as const)
    return Object.fromEntries(all.filter(([, until]) => until > 0))
  }

  #keep(orders: KeptOrders): void {
    const isSame = this.#unkept === undefined && JSON.stringify(orders) === JSON.stringify(this.#orders)
    this.#orders = orders
    if (isSame) return
    try {
      keepOrders(this.#path, orders)
      this.#unkept = undefined
    } catch (error) {
      this.#unkept = (error as NodeJS.ErrnoException).code ?? String(error)
    }
  }
}
