// What main has to say to vrrp: the sets, maintenance, how tracked services are, whom nobody preempts for how long. Its
// idea: all of it is kept here and said again whenever vrrp is reached, so whichever of the two dies, they agree again.

import type { VrrpSpec } from '../vrrp/spec.ts'
import type { SaidToVrrp } from '../vrrp/vrrp-client.ts'

/** Says: vrrp's say, lost where it is not there. */
type Says = (message: SaidToVrrp) => void

export class VrrpTalk {
  readonly #say: Says
  readonly #now: () => number
  #spec: VrrpSpec = { sets: [] }
  #isMaintained = false
  /** By the names of rules. */
  readonly #tracked = new Map<string, boolean>()
  /** By set, then by who asks: until when; ms of `now`. */
  readonly #holds = new Map<string, Map<string, number>>()

  /** `now`: ms of the time of day: holds pass while main is not there, too. */
  constructor(say: Says, now: () => number) {
    this.#say = say
    this.#now = now
  }

  get spec(): VrrpSpec {
    return this.#spec
  }

  /** reached: vrrp is there, and knows nothing of us. */
  reached(): void {
    // Before it has sets: a set in maintenance never begins.
    this.#sayMaintenance()
    this.#saySpec()
    for (const set of this.#holds.keys()) this.#sayHold(set)
  }

  /** order these sets from now on. */
  order(spec: VrrpSpec): void {
    this.#spec = spec
    const names = new Set(spec.sets.map(({ name }) => name))
    for (const set of this.#holds.keys()) if (!names.has(set)) this.#holds.delete(set)
    const rules = new Set(spec.sets.flatMap(({ track }) => track.map(({ name }) => name)))
    for (const rule of this.#tracked.keys()) if (!rules.has(rule)) this.#tracked.delete(rule)
    this.#sayMaintenance()
    this.#saySpec()
  }

  /** maintain: no role from now on, or roles again. */
  maintain(isMaintained: boolean): void {
    this.#isMaintained = isMaintained
    this.#sayMaintenance()
  }

  /** tracked: a service that sets track, by the name of the rule. */
  tracked(name: string, isUp: boolean): void {
    if (this.#tracked.get(name) === isUp) return
    this.#tracked.set(name, isUp)
    this.#say({ kind: 'tracked', name, isUp })
  }

  /** yieldRole of a set, if it has it; nobody is preempted for `holdMs`. */
  yieldRole(set: string, holdMs: number): void {
    this.#say({ kind: 'order', set, order: 'yield', holdMs })
  }

  /** defer a set's role to another node, should who has it leave within so long. */
  defer(set: string, ms: number): void {
    this.#say({ kind: 'order', set, order: 'defer', holdMs: ms })
  }

  /** hold: a set preempts nobody for `ms`, as `who` wants it; 0: he wants it no more. The longest counts. */
  hold(set: string, who: string, ms: number): void {
    const holds = this.#holds.get(set) ?? new Map<string, number>()
    this.#holds.set(set, holds)
    if (ms > 0) holds.set(who, this.#now() + ms)
    else holds.delete(who)
    this.#sayHold(set)
  }

  /** #saySpec, and how its services are: vrrp forgets those of rules that were not there meanwhile. */
  #saySpec(): void {
    this.#say({ kind: 'spec', spec: this.#spec })
    for (const [name, isUp] of this.#tracked) this.#say({ kind: 'tracked', name, isUp })
  }

  #sayMaintenance(): void {
    const order = this.#isMaintained ? 'maintenance' : 'resume'
    for (const { name: set } of this.#spec.sets) this.#say({ kind: 'order', set, order, holdMs: 0 })
  }

  #sayHold(set: string): void {
    const ends = [...(this.#holds.get(set)?.values() ?? [])]
    this.#say({ kind: 'hold', set, ms: Math.max(0, ...ends.map((until) => until - this.#now())) })
  }
}
