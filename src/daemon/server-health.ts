// What checks say of servers, as the packet path is to know it. Its idea: the checker tells standings by key; here they
// become one standing for each server of a pool (the worst of the checks that move it), the pool's step says who serves
// with what weight, and whoever asks gets a view; what has changed is told, with a line of cause each. What nobody has
// looked at gets nothing; but where no checker can be reached at all, what was known before goes on to count.

import { isDeepStrictEqual } from 'node:util'
import type { DesiredState } from '../config/state.ts'
import type { Changed as Moved, ServerView } from '../engine/engine.ts'
import type { FoundPool } from '../engine/holders.ts'
import type { EventSink, NewEvent } from '../events/event.ts'
import { labelOf } from '../health/label.ts'
import type { Ordered, User } from '../health/orders.ts'

import type { PoolState, Served } from '../health/pool.ts'
import type { Change, Order, State } from '../health/protocol.ts'
import type { Problem, Status } from './api-schema.ts'
import type { ChecksAnswer } from './api-schema-checks.ts'
import { type CheckFilter, checkDetails, meantBy } from './check-details.ts'
import { formerName, newPools, type Plan, planFound, planOf } from './check-plan.ts'
import type { Checker, OpenChecker } from './checker.ts'
import { CheckerLife } from './checker-life.ts'
import { movedText, reportText } from './moved.ts'
import type { Down, Standing } from './peer-health.ts'
import { guardEvent, lostText, quorumEvent } from './pool-events.ts'
import { stepChecked } from './pool-step.ts'
import { problem } from './problem.ts'
import { movedKey, type PoolServerName } from './server-orders.ts'

/** ServerHealthOptions: `onViews`: servers of pools whose view is another one now; what that moved, by movedKey(). */
export interface ServerHealthOptions {
  readonly open: OpenChecker
  readonly events: EventSink
  /** now: for people to read; what is counted is counted by `monotonic`. */
  readonly now: () => Date
  /** monotonic: ms of a clock that nobody sets. */
  readonly monotonic: () => number
  readonly onViews: (changed: readonly PoolServerName[]) => ReadonlyMap<string, Moved>
  /** onQuorum: lost() may be another. */
  readonly onQuorum: () => void
  /** leftOf: what an operator leaves of a server's weight, in the pool of these services; undefined: all. */
  readonly leftOf: (services: readonly string[], server: string) => number | undefined
  /** patienceMs: how long an apply waits for a checker's first word. */
  readonly patienceMs: number
  /** found: who gets new flows of what runs already. */
  readonly found: readonly FoundPool[]
}

/** Told: a transition of a check, and whom it is about. */
interface Told {
  readonly user: User
  readonly ordered: Ordered
  readonly transition: NonNullable<Change['transition']>
}

/** Reported: what a server says of its own weight now. */
interface Reported {
  readonly user: User
  readonly report: State['report']
}

/** CheckedServer: what a status tells of a server of a pool. */
export interface CheckedServer {
  readonly state: Served['state']
  readonly since?: number
  readonly why?: string
  readonly warning?: string
  readonly isOverdue?: boolean
}

/** PoolQuorum: weights: what counts of the pool's now, lost below `down`, back at `up`. */
export interface PoolQuorum {
  readonly state: PoolState['quorum']
  readonly present: number
  readonly up: number
  readonly down: number
}

export class ServerHealth implements Disposable {
  readonly #options: ServerHealthOptions
  readonly #checker: Checker
  #plan: Plan
  /** The plan before, while the file of the present one is not applied yet. */
  #before: Plan | undefined
  readonly #states = new Map<string, State>()
  /** No file was applied yet: what is known of before is what was found. */
  #isFirst = true
  readonly #life: CheckerLife
  /** No checker was reached when a file was applied: servers of pools of which nothing is known are taken for up. */
  #isBlind = false
  /** Pools that nothing was known of before the file that is applied, or before it was prepared. */
  #untried: ReadonlySet<string> = new Set()
  #waiting: (() => void) | undefined

  constructor(options: ServerHealthOptions) {
    this.#options = options
    this.#plan = planFound(options.found)
    this.#life = new CheckerLife(options)
    this.#checker = options.open({
      onStates: (states) => this.#takeStates(states),
      onChanges: (changes) => this.#takeChanges(changes),
      onAlive: (alive) => this.#life.heard(alive),
      onPresent: (pid) => this.#life.came(pid),
      onAbsent: (why) => this.#absent(why),
      onEnded: (end) => this.#life.ended(end),
    })
  }

  /** prepare: what a file asks to be looked at is being looked at; what is known of it is here, or its time is over. */
  async prepare(desired: DesiredState, node: string): Promise<void> {
    const before = this.#before ?? this.#plan
    this.#before = before
    this.#plan = planOf(desired, node, before)
    this.#untried = newPools(this.#plan, before)
    const { ordered } = this.#plan
    if (ordered.size === 0 && before.ordered.size === 0) return
    const told = new Promise<void>((resolve) => {
      this.#waiting = resolve
    })
    this.#order()
    if (ordered.size === 0) return
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#options.patienceMs)
    })
    await Promise.race([told, patience])
    clearTimeout(timer)
    this.#waiting = undefined
    if (this.#carry() || !this.#life.isPresent) {
      this.#isBlind = !this.#life.isPresent
      this.#order()
    }
    this.#step([...this.#plan.pools.keys()])
  }

  /** commit: the file that was prepared runs now. */
  commit(): void {
    this.#before = undefined
    this.#isFirst = false
    this.#forget()
  }

  /** revert: it does not; what was looked at before is again. */
  revert(): void {
    if (!this.#before) return
    this.#plan = this.#before
    this.#before = undefined
    if (this.#plan.ordered.size > 0 || this.#states.size > 0) this.#order()
    this.#forget()
    this.#options.onQuorum()
  }

  /** viewOf: what checks say of a server of a pool; undefined: nothing, since there are none, or nobody who looks. */
  viewOf(pool: string, server: string): ServerView | undefined {
    const served = this.#served(pool, server)
    if (!served) return undefined
    if (served.state === 'unknown')
      return this.#isBlind && this.#untried.has(pool) ? undefined : { up: false }
    if (served.state === 'down') return { up: false }
    const { members, sorry, state } = this.#plan.pools.get(pool)!
    if (sorry.has(server) && state.quorum === 'unknown' && !this.#isBlind) return { up: false }
    const { weight = 0 } = members.get(server) ?? sorry.get(server) ?? {}
    return served.weight < weight ? { up: true, weight: served.weight } : { up: true }
  }

  /** lost: the pools that have lost their quorum; none, where nobody looks. */
  lost(): ReadonlySet<string> {
    if (this.#isBlind) return new Set()
    return new Set(
      [...this.#plan.pools].flatMap(([name, { state }]) => (state.quorum === 'lost' ? [name] : [])),
    )
  }

  /** quorumOf a pool, for a status; undefined: no check moves its servers. */
  quorumOf(pool: string): PoolQuorum | undefined {
    const found = this.#plan.pools.get(pool)
    if (!found) return undefined
    const { state, present, rules } = found
    return { state: state.quorum, present, ...rules.quorum }
  }

  /** reconsider pools: what an operator leaves of their servers is another. */
  reconsider(pools: readonly string[]): void {
    this.#step(pools)
  }

  /** checked: the same for a status. */
  checked(pool: string, server: string): CheckedServer | undefined {
    const served = this.#served(pool, server)
    if (!served) return undefined
    const keys = this.#keysOf(pool, server)
    const states = keys.flatMap((key) => this.#states.get(key) ?? [])
    const isOverdue = keys.some((key) => this.#life.overdueKeys.includes(key))
    const worst = states.find(({ standing }) => standing === 'down') ?? states[0]
    const why =
      worst?.standing === 'down' ? worst.why : states.find((each) => each.fruitless)?.fruitless?.text
    const warnings = states.flatMap(({ warning }) => warning ?? [])
    return {
      state: served.state,
      ...(worst && { since: worst.since }),
      ...(why !== undefined && { why }),
      ...(warnings.length > 0 && { warning: warnings.join('; ') }),
      ...(isOverdue && { isOverdue }),
    }
  }

  /** standingOf a server of a pool, whatever the guard believes; undefined: it is not checked. */
  standingOf(pool: string, server: string): Standing | undefined {
    const state = this.#served(pool, server)?.state
    return state === 'held' ? 'down' : state
  }

  /** hasQuorum: the pool of a service; one that no check moves has it. Undefined: first looks are awaited, or it has none. */
  hasQuorum(service: string): boolean | undefined {
    const pool = this.#plan.poolOf.get(service)
    if (pool === undefined) return undefined
    const state = this.quorumOf(pool)?.state ?? 'there'
    return state === 'unknown' ? undefined : state === 'there'
  }

  /** down: servers of pools that checks find down, held by the guard or not. */
  down(): Down[] {
    return [...this.#plan.pools].flatMap(([pool, { served }]) =>
      [...served.values()].flatMap(({ name: server, state }) => {
        if (state !== 'down' && state !== 'held') return []
        const why = this.checked(pool, server)?.why
        return [{ pool, server, ...(why !== undefined && { why }) }]
      }),
    )
  }

  /** details: what checks have seen. */
  async details(filter: CheckFilter): Promise<ChecksAnswer> {
    const { meant, more } = meantBy(this.#plan.ordered, filter)
    const keys = new Set(meant.map(({ ordered }) => ordered.order.key))
    const details = await this.#checker.details([...keys])
    return { checks: checkDetails(meant, this.#states, details, this.#life.overdueKeys), more }
  }

  /** status: how the process that looks is; nothing where nothing is to be looked at. */
  get status(): Pick<Status, 'checker'> {
    return this.#plan.ordered.size === 0 ? {} : { checker: this.#life.status }
  }

  /** sweep: what comes with time: ramps go on, guards end. */
  sweep(): void {
    const now = this.#options.monotonic()
    const due = [...this.#plan.pools].filter(([, { wakeAt }]) => wakeAt <= now).map(([name]) => name)
    if (due.length > 0) this.#step(due)
  }

  /** problems: what keeps checks from being what the file says. */
  problems(): readonly Problem[] {
    if (this.#plan.ordered.size === 0) return []
    const namesOf = (keys: readonly string[]) =>
      keys.flatMap((key) => {
        const [user] = this.#plan.ordered.get(key)?.users ?? []
        return user ? [`${user.server} of ${user.service}`] : []
      })
    const found = [...this.#life.problems(namesOf), ...this.#fruitless()]
    for (const name of this.lost())
      found.push(problem('QUORUM_LOST', lostText(name, this.#plan.pools.get(name)!)))
    for (const [pool, { state, members }] of this.#plan.pools)
      if (state.guard.held.size > 0)
        found.push(
          problem(
            'GUARD_HOLDS',
            `${state.guard.held.size} of ${members.size} servers of pool ${pool} failed at once and are not believed: ${[...state.guard.held].slice(0, 5).join(', ')}`,
          ),
        )
    return found
  }

  /** end: nobody will act on what is seen any more. */
  end(): void {
    this.#checker.end()
  }

  [Symbol.dispose](): void {
    this.#checker[Symbol.dispose]()
  }

  /** #forget what is not looked at any more. */
  #forget(): void {
    for (const key of this.#states.keys()) if (!this.#plan.ordered.has(key)) this.#states.delete(key)
  }

  #fruitless(): readonly Problem[] {
    const all = [...this.#plan.ordered].flatMap(([key, { users }]) => {
      const { text } = this.#states.get(key)?.fruitless ?? {}
      return text === undefined ? [] : users.slice(0, 1).map((user) => ({ ...user, text }))
    })
    const [first] = all
    if (!first) return []
    const some = all.slice(0, 3).map(({ service, server }) => `${server} of ${service}`)
    const count = all.length === 1 ? '1 check finds' : `${all.length} checks find`
    return [problem('CHECKS_FRUITLESS', `${count} nothing: ${some.join(', ')}: ${first.text}`)]
  }

  #served(pool: string, server: string): Served | undefined {
    return this.#plan.pools.get(pool)?.served.get(server)
  }

  #keysOf(pool: string, server: string): readonly string[] {
    const { members, sorry } = this.#plan.pools.get(pool) ?? {}
    return members?.get(server)?.keys ?? sorry?.get(server)?.keys ?? []
  }

  #order(): void {
    this.#life.ordered(this.#plan.ordered.size)
    this.#checker.order(
      [...this.#plan.ordered.values()].map(({ order, users }) => {
        const seed = this.#seedOf(order, users)
        return { ...order, ...(seed !== undefined && { seed }) }
      }),
    )
  }

  /**
   * #seedOf: what is known by this key; or, for a check that takes the place of another, by that one. Of what was found
   * a checker that was there may know more, so it is asked first.
   */
  #seedOf(order: Order, users: readonly User[]): 'up' | 'down' | undefined {
    const { standing = 'unknown' } = this.#states.get(order.key) ?? {}
    if (standing !== 'unknown') return standing
    const isHoped = this.#isBlind && users.some(({ pool }) => this.#untried.has(pool))
    const isKnown = (this.#isBlind || !this.#isFirst) && this.#hasServed(order, users)
    return isHoped || isKnown ? 'up' : undefined
  }

  /** #hasServed: by the plan before; also without a check. */
  #hasServed({ address }: Order, users: readonly User[]): boolean {
    const before = this.#before
    if (!before) return false
    return users.some(({ pool, service, server }) => {
      const name = formerName(before, pool, [service])
      const state = before.pools.get(name)?.served.get(server)?.state
      return state === 'up' || state === 'held' || before.trusted.get(name)?.get(server) === address
    })
  }

  /** #carry: of whom nobody knows anything goes on as before until one has looked; whether there are any. */
  #carry(): boolean {
    let isAny = false
    for (const [key, { order, users }] of this.#plan.ordered) {
      if ((this.#states.get(key)?.standing ?? 'unknown') !== 'unknown') continue
      if (!this.#hasServed(order, users)) continue
      const since = this.#options.now().getTime()
      this.#states.set(key, { key, standing: 'up', since, isLooked: false })
      isAny = true
    }
    return isAny
  }

  #takeStates(states: readonly State[]): void {
    this.#life.answered()
    this.#isBlind = false
    for (const state of states) {
      // What a checker was handed down, and did not see itself, is older than what we know.
      const hasSeen = state.isLooked && state.standing !== 'unknown'
      if (!hasSeen && this.#states.has(state.key)) continue
      this.#take(state)
    }
    this.#waiting?.()
    // All pools: those whose servers nobody had looked at are known to be so now.
    if (!this.#waiting) this.#tellAll()
  }

  #takeChanges(changes: readonly Change[]): void {
    const pools = new Set<string>()
    const transitions: Told[] = []
    const reports: Reported[] = []
    for (const { transition, ...state } of changes) {
      const ordered = this.#plan.ordered.get(state.key)
      if (!ordered) continue
      const { report } = state
      const isReport = !transition && !isDeepStrictEqual(report, this.#states.get(state.key)?.report)
      this.#take(state)
      for (const user of ordered.users) {
        pools.add(user.pool)
        if (transition) transitions.push({ user, ordered, transition })
        else if (isReport && !user.isObserved) reports.push({ user, report })
      }
    }
    this.#step([...pools], (moves) => {
      for (const each of transitions) this.#tellUser(each, moves.get(movedKey(each.user)))
      for (const each of reports) this.#tellReport(each)
    })
  }

  /** #take: a warning that was not known is told. */
  #take(state: State): void {
    const { key, warning } = state
    const isNew = warning !== undefined && warning !== this.#states.get(key)?.warning
    this.#states.set(key, state)
    if (!isNew) return
    for (const { server, service, pool } of this.#plan.ordered.get(key)?.users ?? [])
      this.#options.events.record({
        ...{ kind: 'server.warned', severity: 'warning', server, services: [service], pool },
        text: `${server} in ${service}: ${warning}`,
      })
  }

  #tellUser({ user, ordered, transition }: Told, moved: Moved | undefined): void {
    const { server, service, pool, isObserved } = user
    const { to, text, count, from } = transition
    const check = labelOf(ordered.order.check.probe)
    const needed = count > 1 ? ` (${count} of ${count})` : ''
    const first = from === 'unknown' ? ', the first look' : ''
    const observed = isObserved ? ' (observed: moves nothing)' : ''
    const isHeld = to === 'down' && this.#served(pool, server)?.state === 'held'
    const gone = moved && movedText(moved, service, to === 'up')
    const effect = isHeld ? ', the guard keeps its traffic' : gone ? `, ${gone}` : ''
    this.#options.events.record({
      kind: to === 'up' ? 'server.up' : 'server.down',
      severity: to === 'up' ? 'notice' : 'warning',
      ...{ server, services: [service], pool },
      text: `${server} ${to} in ${service}: ${check}: ${text}${needed}${first}${observed}${observed ? '' : effect}`,
      data: {
        ...{ check, found: text, count, isFirst: from === 'unknown', isObserved },
        ...(moved && { slots: moved.slots, of: moved.of, peers: moved.peers }),
      },
    })
  }

  #tellReport({ user: { server, service, pool }, report }: Reported): void {
    this.#options.events.record({
      ...{ kind: 'server.reported', severity: 'info', server, services: [service], pool },
      text: `${server} in ${service} reports ${reportText(report)}`,
    })
  }

  /** #step: pools in which something may be other than it was; those who listen are told what is. `tell`: why. */
  #step(names: readonly string[], tell?: (moves: ReadonlyMap<string, Moved>) => void): void {
    const changed: PoolServerName[] = []
    const now = this.#options.monotonic()
    const { events, leftOf } = this.#options
    const sources = { stateOf: (key: string) => this.#states.get(key), leftOf }
    const turned: NewEvent[] = []
    for (const name of names) {
      const pool = this.#plan.pools.get(name)
      if (!pool) continue
      const was = pool.state.quorum
      const stepped = stepChecked(pool, sources, now)
      const about = { pool: name, services: pool.services }
      const { held, quorum } = stepped
      if ((held.before === 0) !== (held.now === 0))
        events.record(guardEvent(about, held.now, pool.members.size))
      // The first time that it is there is no news.
      if (quorum && (quorum === 'lost' || was === 'lost'))
        turned.push(quorumEvent(about, pool, quorum === 'there'))
      changed.push(...stepped.changed.map((server) => ({ pool: name, server })))
    }
    const moves = changed.length > 0 ? this.#options.onViews(changed) : new Map()
    if (turned.length > 0) this.#options.onQuorum()
    tell?.(moves)
    for (const each of turned) events.record(each)
  }

  #tellAll(): void {
    this.#step([...this.#plan.pools.keys()])
    this.#options.onViews(
      [...this.#plan.pools].flatMap(([pool, { served }]) =>
        [...served.keys()].map((server) => ({ pool, server })),
      ),
    )
    this.#options.onQuorum()
  }

  #absent(why: string): void {
    const wasPresent = this.#life.gone(why)
    // One that begins anew is to begin with what is known now.
    if (wasPresent && this.#plan.ordered.size > 0) this.#order()
  }
}
