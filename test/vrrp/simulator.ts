// Nodes of one virtual router on a simulated link: each runs the real machine on a clock of its own, which drifts; adverts
// are lost, late, doubled and overtake each other; nodes crash, leave, sleep, are suspended and cut off. Its idea: a queue
// of what happens next, in virtual time, everything else from one seed, so that a run can be repeated. What must hold at
// every moment is said by observers (invariants.ts). Times are ms.

import assert from 'node:assert/strict'
import { createRandom } from '../../src/dataplane/vectors/random.ts'
import type { Effect, Event, Heard } from '../../src/vrrp/event.ts'
import { nextAt, step } from '../../src/vrrp/machine.ts'
import type { VirtualRouter } from '../../src/vrrp/router.ts'
import { initial, type State } from '../../src/vrrp/state.ts'

/** Link: `late` of all adverts take up to `lateMs` instead of `delayMs`. Shares are 0..1. */
export interface Link {
  readonly delayMs: number
  readonly loss: number
  readonly doubled: number
  readonly late: number
  readonly lateMs: number
}
/** Fault: `sleep` keeps what arrives for later, `suspend` loses it, `cut` loses what is sent and what arrives. */
export interface Fault {
  readonly at: number
  readonly node: number
  readonly kind: 'crash' | 'start' | 'shutdown' | 'sleep' | 'suspend' | 'cut' | 'yield' | 'priority'
  readonly forMs: number
  readonly priority: number
}
export interface Scenario {
  readonly seed: number
  readonly routers: readonly VirtualRouter[]
  /** How many ms of each node's clock a ms has. */
  readonly rates: readonly number[]
  readonly link: Link
  /** How late timers are noticed at most. */
  readonly timerMs: number
  readonly faults: readonly Fault[]
  /** From then on nothing is lost, late or doubled. */
  readonly calmAt: number
  readonly endAt: number
}

/** Advert: in flight. */
export interface Advert {
  readonly from: SimulatedNode
  readonly to: SimulatedNode
  readonly heard: Heard
  readonly sentAt: number
}

/** Observer: is told what happened, after it has. */
export interface Observer {
  stepped?(node: SimulatedNode, before: State, event: Event, effects: readonly Effect[]): void
  heard?(advert: Advert, before: State): void
  /** An advert was lost, or takes longer than the link's usual delay. */
  failed?(advert: Advert): void
  /** A node came, went, slept or woke. */
  happened?(node: SimulatedNode, what: Fault['kind'] | 'wake'): void
}

export class SimulatedNode {
  readonly index: number
  router: VirtualRouter
  state: State = initial
  isUp = false
  sleepsUntil = 0
  cutUntil = 0
  suspended = false
  /** Counts starts: timers of an earlier one are void. */
  life = 0
  waiting: Advert[] = []

  constructor(index: number, router: VirtualRouter) {
    this.index = index
    this.router = router
  }

  get isActive(): boolean {
    return this.isUp && this.state.phase.role === 'active'
  }
}

const ROUNDING_MS = 1e-6

interface Planned {
  readonly at: number
  readonly run: () => void
}

export class Simulation {
  readonly scenario: Scenario
  readonly nodes: readonly SimulatedNode[]
  now = 0
  readonly #queue: Planned[] = []
  readonly #random: () => number
  readonly #observers: readonly Observer[]

  constructor(scenario: Scenario, observersOf: (simulation: Simulation) => readonly Observer[]) {
    this.scenario = scenario
    const { word } = createRandom(scenario.seed)
    this.#random = () => word() / 2 ** 32
    this.nodes = scenario.routers.map((router, index) => new SimulatedNode(index, router))
    this.#observers = observersOf(this)
    for (const node of this.nodes) this.#plan(this.#random() * node.router.adverMs, () => this.#start(node))
    for (const fault of scenario.faults) this.#plan(fault.at, () => this.#fault(fault))
  }

  /** run: to the end of the scenario. */
  run(): void {
    for (;;) {
      const next = this.#queue.pop()
      if (next === undefined || next.at > this.scenario.endAt) break
      this.now = next.at
      next.run()
    }
    this.now = this.scenario.endAt
  }

  /** The node's own clock, at `at`. */
  clock(node: SimulatedNode, at = this.now): number {
    return 1_000_000 * node.index + at * this.scenario.rates[node.index]!
  }

  isAwake(node: SimulatedNode): boolean {
    return node.isUp && this.now >= node.sleepsUntil
  }

  #plan(at: number, run: () => void): void {
    // the soonest last; of one time in the order of planning
    let low = 0
    let high = this.#queue.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#queue[middle]!.at > at) low = middle + 1
      else high = middle
    }
    this.#queue.splice(low, 0, { at, run })
  }

  #step(node: SimulatedNode, event: Event): void {
    const before = node.state
    const [state, effects] = step(node.router, before, event, this.clock(node))
    node.state = state
    for (const effect of effects) if (effect.kind === 'send') this.#send(node, effect.priority)
    for (const observer of this.#observers) observer.stepped?.(node, before, event, effects)
    this.#arm(node)
  }

  #arm(node: SimulatedNode): void {
    const local = nextAt(node.state)
    if (local === undefined) return
    const at = (local - 1_000_000 * node.index) / this.scenario.rates[node.index]!
    const { life } = node
    // not before its time by a rounding
    this.#plan(Math.max(this.now, at) + ROUNDING_MS + this.#random() * this.scenario.timerMs, () => {
      if (life !== node.life || !this.isAwake(node)) return
      const due = nextAt(node.state)
      if (due !== undefined && due <= this.clock(node)) this.#step(node, { kind: 'tick', mayTake: true })
    })
  }

  #send(from: SimulatedNode, priority: number): void {
    const { link, calmAt } = this.scenario
    const isCalm = this.now >= calmAt
    const heard: Heard = { from: from.router.primary, priority, adverMs: from.router.adverMs }
    for (const to of this.nodes) {
      if (to === from) continue
      const advert: Advert = { from, to, heard, sentAt: this.now }
      const isCut = this.now < Math.max(from.cutUntil, to.cutUntil)
      if (isCut || (!isCalm && this.#random() < link.loss)) {
        for (const observer of this.#observers) observer.failed?.(advert)
        continue
      }
      const copies = !isCalm && this.#random() < link.doubled ? 2 : 1
      for (let copy = 0; copy < copies; copy++) {
        const isLate = !isCalm && this.#random() < link.late
        if (isLate) for (const observer of this.#observers) observer.failed?.(advert)
        const delay = this.#random() * (isLate ? link.lateMs : link.delayMs)
        this.#plan(this.now + delay, () => this.#deliver(advert))
      }
    }
  }

  #deliver(advert: Advert): void {
    const { to } = advert
    if (!to.isUp) return
    if (this.isAwake(to)) {
      const before = to.state
      this.#step(to, { kind: 'advert', ...advert.heard })
      for (const observer of this.#observers) observer.heard?.(advert, before)
    } else if (!to.suspended) to.waiting.push(advert)
  }

  #start(node: SimulatedNode): void {
    if (node.isUp) return
    Object.assign(node, { isUp: true, state: initial, life: node.life + 1, waiting: [], sleepsUntil: 0 })
    this.#happened(node, 'start')
    this.#step(node, { kind: 'startup' })
  }

  #fault({ node: index, kind, forMs, priority }: Fault): void {
    const node = this.nodes[index]!
    if (kind === 'start') {
      this.#start(node)
      return
    }
    if (!node.isUp || (kind !== 'crash' && !this.isAwake(node))) return
    switch (kind) {
      case 'crash':
        node.isUp = false
        break
      case 'shutdown':
        this.#step(node, { kind: 'shutdown', why: 'scenario' })
        node.isUp = false
        break
      case 'sleep':
      case 'suspend':
        node.sleepsUntil = this.now + forMs
        node.suspended = kind === 'suspend'
        this.#plan(node.sleepsUntil, () => this.#wake(node, node.life))
        break
      case 'cut':
        node.cutUntil = Math.min(this.now + forMs, this.scenario.calmAt)
        break
      case 'yield':
        this.#step(node, { kind: 'yield', why: 'scenario', holdMs: forMs })
        break
      case 'priority':
        node.router = { ...node.router, priority }
        this.#step(node, { kind: 'changed', addresses: false })
        break
      default:
    }
    this.#happened(node, kind)
  }

  #wake(node: SimulatedNode, life: number): void {
    if (!node.isUp || node.life !== life) return
    this.#happened(node, 'wake')
    // sockets first, then timers: what an instance promises (event.ts)
    for (const advert of node.waiting.splice(0)) this.#deliver(advert)
    this.#step(node, { kind: 'tick', mayTake: true })
  }

  #happened(node: SimulatedNode, what: Fault['kind'] | 'wake'): void {
    for (const observer of this.#observers) observer.happened?.(node, what)
  }
}

/** Holding: addresses are held by who is active, and by nobody else. */
export class Holding implements Observer {
  readonly #holders = new Set<SimulatedNode>()

  stepped(node: SimulatedNode, _: State, __: Event, effects: readonly Effect[]): void {
    for (const { kind } of effects) {
      if (kind === 'take') this.#holders.add(node)
      if (kind === 'leave') this.#holders.delete(node)
    }
    assert.equal(this.#holders.has(node), node.state.phase.role === 'active', 'addresses follow the role')
  }

  happened(node: SimulatedNode, what: string): void {
    if (what === 'crash') this.#holders.delete(node)
  }
}
