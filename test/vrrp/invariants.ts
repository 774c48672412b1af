// What must hold in every interleaving (simulator.ts), as observers that throw.
//
// 1. No gap beyond the bound. While some node is up and awake, the time without an active node, counted from the last
//    advert that any node heard (or from the last start, waking or yield), is at most the longest Active_Down_Interval,
//    in the slowest clock, and the lateness of a timer.
// 2. Nobody takes over beside an active node without cause: it has heard nothing of a higher priority, or of any that it
//    does not preempt, for Active_Down_Interval (Skew_Time after a priority 0; or it listened after it overslept).
// 3. Two active nodes do not stay two. Whoever hears the one with more right is a backup at once; whoever hears one with
//    less right has said so within the last tenth of an interval, or does now. So, where nothing is lost, both are active
//    for one interval and delay at most after the first advert between them arrives.
// 4. Who overslept does not fight: an active node stepped three of its intervals or more after its last advert leaves in
//    that very step, and sends nothing.
// 5. After a calm, longer than any hold, one node is active, and if all preempt it is the one of the highest priority.

import assert from 'node:assert/strict'
import type { Effect, Event } from '../../src/vrrp/event.ts'
import { activeDownMs, listenMs, skewMs, type VirtualRouter } from '../../src/vrrp/router.ts'
import type { State } from '../../src/vrrp/state.ts'
import { PRIORITY } from '../../src/wire/vrrp.ts'
import type { Advert, Observer, SimulatedNode, Simulation } from './simulator.ts'

/** Seen: how often what the rules are about was met, so that a run in which nothing happened is seen as one. */
export interface Seen {
  gaps: number
  takeovers: number
  overlaps: number
  ended: number
  overslept: number
  longestGap: number
}
export const nothingSeen = (): Seen => ({
  gaps: 0,
  takeovers: 0,
  overlaps: 0,
  ended: 0,
  overslept: 0,
  longestGap: 0,
})

const EPSILON = 1e-5

/** hasMoreRight: RFC 9568 6.4.3. */
const hasMoreRight = (a: VirtualRouter, b: VirtualRouter): boolean =>
  a.priority > b.priority || (a.priority === b.priority && a.primary > b.primary)

/** NoGap: rule 1. */
export class NoGap implements Observer {
  readonly #simulation: Simulation
  readonly #seen: Seen
  #since: number | undefined
  /** Of all intervals that may have been learnt. */
  readonly #boundMs: number

  constructor(simulation: Simulation, seen: Seen) {
    this.#simulation = simulation
    this.#seen = seen
    const { routers, rates, timerMs, faults } = simulation.scenario
    const longest = Math.max(...routers.map(({ adverMs }) => adverMs))
    const least = faults.filter(({ kind }) => kind === 'priority').map(({ priority }) => priority)
    const slowest = Math.min(...rates)
    const down = routers.flatMap((router) =>
      [router.priority, ...least].map((priority) => activeDownMs({ ...router, priority }, longest)),
    )
    this.#boundMs = Math.max(...down) / slowest + timerMs + EPSILON
  }

  stepped(): void {
    this.#look(false)
  }
  heard(): void {
    this.#look(true)
  }
  happened(_: SimulatedNode, what: string): void {
    this.#look(what === 'start' || what === 'wake' || what === 'yield')
  }

  #look(isAnew: boolean): void {
    const { nodes, now } = this.#simulation
    if (this.#since !== undefined) {
      const gap = now - this.#since
      this.#seen.longestGap = Math.max(this.#seen.longestGap, gap)
      assert.ok(gap <= this.#boundMs, `nobody active for ${gap} ms at ${now}, bound ${this.#boundMs}`)
    }
    const isGap = nodes.some((node) => this.#simulation.isAwake(node)) && !nodes.some((node) => node.isActive)
    if (!isGap) this.#since = undefined
    else if (this.#since === undefined || isAnew) {
      if (this.#since === undefined) this.#seen.gaps++
      this.#since = now
    }
  }
}

/** Cause: rule 2. */
export class Cause implements Observer {
  readonly #simulation: Simulation
  readonly #seen: Seen
  /** Of each node, in its own clock: the last advert that it may not preempt, and what that advert allows it. */
  readonly #quietFrom = new Map<SimulatedNode, { at: number; ms: number }>()

  constructor(simulation: Simulation, seen: Seen) {
    this.#simulation = simulation
    this.#seen = seen
  }

  stepped(node: SimulatedNode, before: State, event: Event, effects: readonly Effect[]): void {
    const { router } = node
    const now = this.#simulation.clock(node)
    for (const effect of effects) {
      if (effect.kind !== 'role') continue
      if (effect.why.name === 'overslept') {
        this.#seen.overslept++
        this.#quietFrom.set(node, { at: now, ms: listenMs(router, router.adverMs) })
      } else if (effect.to === 'backup')
        this.#quietFrom.set(node, { at: now, ms: activeDownMs(router, router.adverMs) })
      else if (effect.to === 'active') {
        this.#seen.takeovers++
        if (effect.why.name === 'owner') continue
        const quiet = this.#quietFrom.get(node)!
        assert.ok(
          now - quiet.at >= quiet.ms - EPSILON,
          `${node.index} took over (${effect.why.name}) ${now - quiet.at} ms after an advert, not ${quiet.ms}`,
        )
      }
    }
    if (event.kind !== 'advert' || node.state.phase.role !== 'backup') return
    const role = before.phase.role
    if (event.priority === PRIORITY.leaving) {
      if (role === 'backup') {
        const { activeAdverMs } = node.state.phase
        this.#quietFrom.set(node, { at: now, ms: skewMs(router, activeAdverMs) })
      }
      return
    }
    const mayPreempt = event.priority < router.priority && (router.preempt || router.priority === 255)
    // it need not preempt: a delay or hold is not over
    const hasCounted = node.state.phase.cause !== 'preempted'
    if (!mayPreempt || hasCounted)
      this.#quietFrom.set(node, { at: now, ms: activeDownMs(router, event.adverMs) })
  }
}

interface Overlap {
  readonly since: number
  /** When the first advert between the two arrived. */
  firstAt?: number
  isExcused: boolean
}

/** NotTwo: rule 3. */
export class NotTwo implements Observer {
  readonly #simulation: Simulation
  readonly #seen: Seen
  readonly #overlaps = new Map<string, Overlap>()
  readonly #lastSent = new Map<SimulatedNode, number>()

  constructor(simulation: Simulation, seen: Seen) {
    this.#simulation = simulation
    this.#seen = seen
  }

  stepped(node: SimulatedNode, _: State, __: Event, effects: readonly Effect[]): void {
    if (effects.some((effect) => effect.kind === 'send' && effect.priority > 0))
      this.#lastSent.set(node, this.#simulation.now)
    this.#look()
  }

  heard({ from, to, heard, sentAt }: Advert, before: State): void {
    const { now } = this.#simulation
    this.#look()
    if (before.phase.role !== 'active' || heard.priority === PRIORITY.leaving) return
    const isPresent = heard.priority === from.router.priority
    if (!isPresent) return
    if (hasMoreRight(from.router, to.router))
      assert.equal(to.isActive, false, `${to.index} stays beside ${from.index}, which has more right`)
    else if (to.isActive) {
      const since = now - this.#lastSent.get(to)!
      const tenth = to.router.adverMs / 10 / this.#simulation.scenario.rates[to.index]!
      assert.ok(
        since <= tenth + EPSILON,
        `${to.index} left ${from.index} unanswered, ${since} ms after its last`,
      )
    }
    const overlap = this.#overlaps.get(keyOf(from, to))
    if (overlap && sentAt >= overlap.since) overlap.firstAt ??= now
  }

  failed({ from, to }: Advert): void {
    this.#excuse(from, to)
  }
  happened(node: SimulatedNode): void {
    for (const other of this.#simulation.nodes) this.#excuse(node, other)
    this.#look()
  }

  #excuse(a: SimulatedNode, b: SimulatedNode): void {
    const overlap = this.#overlaps.get(keyOf(a, b))
    if (overlap) overlap.isExcused = true
  }

  #look(): void {
    const { nodes, now, scenario } = this.#simulation
    const { link, timerMs, rates } = scenario
    for (const a of nodes)
      for (const b of nodes) {
        if (a.index >= b.index) continue
        const key = keyOf(a, b)
        const overlap = this.#overlaps.get(key)
        const isAsleep = !this.#simulation.isAwake(a) || !this.#simulation.isAwake(b)
        const areTwo = a.isActive && b.isActive
        if (areTwo && overlap === undefined) {
          this.#seen.overlaps++
          // who wakes up in one begins it anew, as far as the two can know
          this.#overlaps.set(key, { since: now, isExcused: isAsleep })
        }
        if (overlap === undefined) continue
        const interval = Math.max(a.router.adverMs, b.router.adverMs) / Math.min(...rates)
        const bound = interval + link.delayMs + timerMs + EPSILON
        if (overlap.firstAt !== undefined && !overlap.isExcused) {
          const took = now - overlap.firstAt
          assert.ok(took <= bound, `${a.index} and ${b.index} both active ${took} ms after an advert arrived`)
        }
        if (areTwo) continue
        if (overlap.firstAt !== undefined) this.#seen.ended++
        this.#overlaps.delete(key)
      }
  }
}

/** StepsBack: rule 4. */
export class StepsBack implements Observer {
  readonly #simulation: Simulation
  readonly #lastSent = new Map<SimulatedNode, number>()

  constructor(simulation: Simulation) {
    this.#simulation = simulation
  }

  stepped(node: SimulatedNode, before: State, _: Event, effects: readonly Effect[]): void {
    const now = this.#simulation.clock(node)
    const hasSent = effects.some(({ kind }) => kind === 'send')
    if (before.phase.role === 'active' && now - this.#lastSent.get(node)! >= 3 * node.router.adverMs) {
      assert.equal(effects[0]?.kind, 'leave', 'who overslept leaves first of all')
      assert.equal(hasSent, false, 'who overslept says nothing')
    }
    if (hasSent) this.#lastSent.set(node, now)
  }
}

const keyOf = (a: SimulatedNode, b: SimulatedNode): string =>
  a.index < b.index ? `${a.index} ${b.index}` : `${b.index} ${a.index}`

/** assertCalm: rule 5, at the end of a run. */
export function assertCalm({ nodes }: Simulation): void {
  const up = nodes.filter(({ isUp }) => isUp)
  const active = up.filter(({ isActive }) => isActive)
  if (up.length === 0) return
  assert.equal(active.length, 1, `${active.length} active after a calm`)
  if (!up.every(({ router }) => router.preempt)) return
  assert.ok(
    up.every(({ router }) => router.priority <= active[0]!.router.priority),
    'somebody of a higher priority is a backup after a calm',
  )
}
