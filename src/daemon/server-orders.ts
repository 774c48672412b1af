// Servers by hand: carries out the commands about servers, keeps what was said, and tells the packet path what it has to
// know of it: all at once with an apply, server by server afterwards. What cannot be kept counts all the same, and is
// tried again; what the file no longer has is forgotten, with a line in the log.

import { TenbinError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import type { DesiredState } from '../config/state.ts'
import type { Changed, ServerView, Views } from '../engine/engine.ts'
import type { EventSink } from '../events/event.ts'
import type { OrderCommand } from './api-routes.ts'
import type { OrderAnswer, Problem } from './api-schema.ts'
import type { Log } from './log.ts'
import { LostPools } from './lost-pools.ts'
import { movedText } from './moved.ts'
import { answerOf } from './order-answer.ts'
import { type Command, obstacle, ordered, type Target } from './orders.ts'
import type { OverrideStore } from './override-store.ts'
import {
  isStillMeant,
  leftOf,
  nextDeadline,
  type Override,
  standingOf,
  type UsedPool,
  usedPools,
  viewOf,
  viewsOf,
  weighedOf,
} from './overrides.ts'
import { PoolLines, someOf } from './pool-lines.ts'
import type { PacketPath } from './ports.ts'
import { problemsOf } from './problem.ts'
import { isOverride, merged, OVERRIDES_LIMIT, type Said, spoken, type TakenBack, type Word } from './words.ts'

/** ServerOrdersOptions: the outside world. */
export interface ServerOrdersOptions {
  readonly store: OverrideStore
  readonly packetPath: Pick<PacketPath, 'setServer' | 'setLost' | 'sorry' | 'status'>
  readonly log: Log
  readonly events: EventSink
  readonly now: () => Date
  readonly health: Health
  /** self: this node's name in its cluster; empty: it is in none. */
  readonly self: () => string
}

/** Health: what checks say. */
export interface Health {
  /** viewOf a server of a pool; undefined: nothing. */
  viewOf(pool: string, server: string): ServerView | undefined
  /** reconsider pools: what counts of their servers by hand may be another. */
  reconsider(pools: readonly string[]): void
  /** lost: the pools that have lost their quorum. */
  lost(): ReadonlySet<string>
}

/** PoolServerName: a server as one pool has it. */
export interface PoolServerName {
  readonly pool: string
  readonly server: string
}

export class ServerOrders {
  readonly #options: ServerOrdersOptions
  #said: Said
  #pools: readonly UsedPool[] = []
  /** What the packet path was told last; undefined where that is not certain. */
  #told: Told = new Map()
  #unkept: readonly Problem[] = []
  /** What checks say of these, and why the packet path could not be told. */
  #untold: readonly (PoolServerName & { readonly problems: readonly Problem[] })[] = []
  #deadline: number | undefined
  readonly #lost: LostPools

  constructor(options: ServerOrdersOptions) {
    this.#options = options
    this.#said = options.store.read()
    this.#lost = new LostPools({ ...options, lost: () => options.health.lost() })
  }

  /** overrides: what counts now. */
  get overrides(): readonly Override[] {
    return this.#said.overrides
  }

  /** said: the same, as other nodes are told of it. */
  get said(): Said {
    return this.#said
  }

  get #overrides(): readonly Override[] {
    return this.#said.overrides
  }

  /** pools: those of the file that runs. */
  get pools(): readonly UsedPool[] {
    return this.#pools
  }

  /** viewsFor: what an apply of this file has to know: of servers, and which pools have lost their quorum. */
  viewsFor(desired: DesiredState): readonly [views: Views, lost: ReadonlySet<string>] {
    const views = withReturns(this.#views(this.#overrides, usedPools(desired)), this.#told)
    // Until the apply is over nobody knows which of these count.
    this.#told = new Map(
      [...views].map(([pool, servers]) => [
        pool,
        new Map([...servers.keys()].map((name) => [name, undefined])),
      ]),
    )
    return [views, this.#lost.adopt()]
  }

  /** adopt: this file runs now, and its apply was given viewsFor() of it. */
  adopt(desired: DesiredState): void {
    this.#pools = usedPools(desired)
    const [kept, dropped] = [true, false].map((is) =>
      this.#overrides.filter((each) => isStillMeant(each, this.#pools) === is),
    ) as [Override[], Override[]]
    for (const { server, service, order, weight } of dropped) {
      const where = service === undefined ? '' : ` of service ${service}`
      this.#options.log.info(
        { cause: 'file', server, service, order, weight },
        `forgot what was said of server ${server}${where}: the file no longer has it`,
      )
    }
    this.#told = this.#views(kept, this.#pools)
    this.#untold = []
    const isMeant = (each: TakenBack) => isStillMeant(each, this.#pools)
    this.#said = { overrides: kept, takenBack: this.#said.takenBack.filter(isMeant) }
    if (dropped.length > 0) this.#keep()
    this.#plan()
    this.#lost.tell()
  }

  /** carryOut does what a command says. Throws SERVER_UNKNOWN, SERVICE_UNKNOWN, ORDER_REFUSED; then nothing changed. */
  carryOut(asked: OrderCommand, server: string, service: string | undefined): OrderAnswer {
    const now = this.#now()
    const command = commandOf(asked, now)
    const target = this.#target(command, server, service)
    const before = this.#overrides
    if (command.kind === 'undrain' || command.kind === 'enable') {
      const other = obstacle(before, target, command.kind, now)
      if (other) {
        const detail = `${server} is ${other.order}: \`tenbin ${other.remedy} ${server}\` undoes that`
        throw new TenbinError('ORDER_REFUSED', `${command.kind} ${server}`, { detail })
      }
    }
    const after = ordered(before, target, command, now)
    if (after.length > OVERRIDES_LIMIT) {
      const detail = `${OVERRIDES_LIMIT} servers are not as the file has them already`
      throw new TenbinError('ORDER_REFUSED', `${command.kind} ${server}`, { detail })
    }
    const was = this.#standings(target, now)
    this.#said = after === before ? this.#said : spoken(this.#said, after, this.#options.self())
    // What is meant to stop stops first; the disk may take its time.
    const changes = this.#tell(command.kind, now)
    this.#options.health.reconsider(target.pools.map(({ name }) => name))
    if (after !== before) this.#record(command, target, changes)
    if (after !== before) this.#keep()
    this.#plan()
    return answerOf({
      command,
      target,
      before: was,
      after: this.#standings(target, now),
      changes,
      unkept: this.#unkept,
      status: this.#options.packetPath.status(),
    })
  }

  /** hear what was said on another node, in `words`: the later word counts. Whether any of it was news. */
  hear(words: readonly Word[], from: string): boolean {
    const { said, news } = merged(this.#said, words, (each) => isStillMeant(each, this.#pools))
    if (said === this.#said) return false
    this.#said = said
    if (news.length > 0) {
      this.#tell(from, this.#now())
      this.#options.health.reconsider(this.#pools.map(({ name }) => name))
      for (const word of news) this.#recordHeard(word, from)
    }
    this.#keep()
    this.#plan()
    return true
  }

  #recordHeard(word: Word, from: string): void {
    const { server, service } = word
    const has = (pool: UsedPool) => weighedOf(pool).some((each) => each.server === server)
    const services =
      service === undefined ? this.#pools.filter(has).flatMap((each) => each.services) : [service]
    this.#options.events.record({
      kind: 'server.ordered',
      severity: 'notice',
      server,
      services,
      text: `${server} ${heardText(word)} by hand on ${from} in ${someOf(services)}`,
      data: { order: 'heard', from },
    })
  }

  /** tellHealth: what checks say of these is other than it was. Returns what that did, by movedKey(). */
  tellHealth(changed: readonly PoolServerName[]): ReadonlyMap<string, Changed> {
    const moves = new Map<string, Changed>()
    const lines = new PoolLines()
    const now = this.#now()
    const pools = new Map(this.#pools.map((each) => [each.name, each]))
    const again = new Set(changed.map(movedKey))
    const untold = this.#untold.filter((each) => !again.has(movedKey(each)))
    for (const each of changed) {
      const { pool, server } = each
      const services = pools.get(pool)?.services
      if (!services) continue
      try {
        const moved = this.#tellOne(each, services, now, lines)
        if (moved) moves.set(movedKey(each), moved)
      } catch (error) {
        untold.push({ pool, server, problems: problemsOf(error) })
      }
    }
    this.#untold = untold
    // Thousands of pools may have one server: words go out when all of them are told.
    for (const { slots, text } of lines.all()) this.#options.log.info({ cause: 'check', slots }, text)
    return moves
  }

  #tellOne(
    { pool, server }: PoolServerName,
    services: readonly string[],
    now: number,
    lines: PoolLines,
  ): Changed | undefined {
    const standing = standingOf(this.#overrides, server, services, now)
    const view = withHealth(viewOf(standing), this.#options.health.viewOf(pool, server))
    if (sameView(view, this.#toldOf(pool, server))) return undefined
    const changed = this.#options.packetPath.setServer(pool, server, view)
    const servers = this.#told.get(pool) ?? new Map<string, ServerView | undefined>()
    this.#told.set(pool, servers.set(server, view))
    lines.add(pool, server, view, changed)
    return changed
  }

  #record(command: Command, { server, service, pools }: Target, changes: ReadonlyMap<string, Changed>): void {
    const services = service === undefined ? pools.flatMap((each) => each.services) : [service]
    const [first, ...more] = [...changes]
    const isGain = command.kind === 'undrain' || command.kind === 'enable'
    const slots = [...changes.values()].reduce((sum, each) => sum + each.slots, 0)
    const moved =
      first && more.length === 0
        ? movedText(first[1], pools.length === 1 && services.length === 1 ? services[0]! : first[0], isGain)
        : `${slots} slots of ${changes.size} pools change hands`
    this.#options.events.record({
      kind: 'server.ordered',
      severity: 'notice',
      server,
      services,
      text: `${server} ${orderText(command)} by hand in ${someOf(services)}${slots === 0 ? '' : `, ${moved}`}`,
      data: { order: command.kind, slots },
    })
  }

  /** #toldOf: as the file has it, where nothing was told; undefined where that is not certain. */
  #toldOf(pool: string, server: string): ServerView | undefined {
    const told = this.#told.get(pool)
    return told?.has(server) ? told.get(server) : asFile
  }

  /** tellLost: which pools have lost their quorum is other than it was. */
  tellLost(): void {
    // Before the first apply there is nobody to be told.
    if (this.#pools.length > 0) this.#lost.tell()
  }

  /** leftOf: what was left of a server's weight by hand, for the pool of these services; undefined: all. */
  leftOf(services: readonly string[], server: string): number | undefined {
    return leftOf(this.#overrides, server, services, this.#now())
  }

  /** stepsOf: what was said by hand of a pool's servers, for a trace. */
  stepsOf(pool: string): string[] {
    const found = this.#pools.find(({ name }) => name === pool)
    if (!found) return []
    const { services } = found
    const said = weighedOf(found).flatMap(({ server, weight: most }) => {
      const standing = standingOf(this.#overrides, server, services, this.#now())
      const { order, isOverdue, weight = most } = standing
      const state = isOverdue ? 'drained past its deadline' : order
      return [
        ...(order === 'ready' ? [] : [`${server} is ${state}`]),
        ...(weight < most ? [`${server} has weight ${weight} of ${most}`] : []),
      ]
    })
    return said.length === 0 ? [] : [`By hand, in pool ${pool}: ${said.join(', ')}.`]
  }

  /** sweep: deadlines that have passed count, and it is told whose sorry servers answer now. */
  sweep(): void {
    this.#lost.watch(this.#pools)
    const now = this.#now()
    if (this.#deadline !== undefined && this.#deadline <= now) {
      this.#tell('deadline', now)
      this.#plan()
      this.#options.health.reconsider(this.#pools.map(({ name }) => name))
    }
  }

  /** settle tries again to keep what could not be kept, and to tell what could not be told, and says what is wrong. */
  settle(): readonly Problem[] {
    if (this.#unkept.length > 0) this.#keep()
    this.tellHealth(this.#untold)
    return [
      ...this.#unkept,
      ...this.#untold.flatMap(({ problems }) => problems),
      ...this.#lost.settle(),
      ...this.#options.store.problems(),
    ]
  }

  /** #views: what was said by hand of servers, and what checks say of them. */
  #views(
    overrides: readonly Override[],
    pools: readonly UsedPool[],
    now = this.#now(),
  ): Map<string, Map<string, ServerView>> {
    const said = viewsOf(overrides, pools, now)
    const all = new Map<string, Map<string, ServerView>>()
    for (const { name, ...pool } of pools) {
      const views = new Map(said.get(name))
      for (const { server } of weighedOf(pool)) {
        const health = this.#options.health.viewOf(name, server)
        if (health) views.set(server, withHealth(views.get(server) ?? asFile, health))
      }
      if (views.size > 0) all.set(name, views)
    }
    return all
  }

  #now(): number {
    return this.#options.now().getTime()
  }

  #plan(): void {
    this.#deadline = nextDeadline(this.#overrides, this.#now())
  }

  #standings({ server, pools }: Target, now: number) {
    return pools.map(({ services }) => standingOf(this.#overrides, server, services, now))
  }

  #target({ kind }: Command, server: string, service: string | undefined): Target {
    const op = `${kind} ${server}`
    const has = (pool: UsedPool) => weighedOf(pool).some((each) => each.server === server)
    const known = this.#pools.filter(has)
    if (known.length === 0) {
      const all = new Set(this.#pools.flatMap((pool) => weighedOf(pool).map((each) => each.server)))
      const detail = `no service has a server "${server}"${didYouMean(server, all)}`
      throw new TenbinError('SERVER_UNKNOWN', op, { detail })
    }
    if (service === undefined) return { server, pools: known }
    const pool = this.#pools.find(({ services }) => services.includes(service))
    if (!pool) {
      const all = this.#pools.flatMap(({ services }) => services)
      const detail = `there is no service "${service}"${didYouMean(service, all)}`
      throw new TenbinError('SERVICE_UNKNOWN', op, { detail })
    }
    if (!has(pool)) {
      const others = known.flatMap(({ services }) => services).join(', ')
      throw new TenbinError('SERVER_UNKNOWN', op, {
        detail: `service ${service} has no server ${server}: ${others} have`,
      })
    }
    return { server, service, pools: [pool] }
  }

  #keep(): void {
    try {
      this.#options.store.write(this.#said)
      this.#unkept = []
    } catch (error) {
      this.#unkept = problemsOf(error)
    }
  }

  /** #tell tells the packet path what it does not know yet, and the log a line for each server. */
  #tell(cause: string, now: number): ReadonlyMap<string, Changed> {
    const { packetPath, log } = this.#options
    const views = this.#views(this.#overrides, this.#pools, now)
    const changes = new Map<string, Changed>()
    const lines = new PoolLines()
    for (const [pool, servers] of withReturns(views, this.#told)) {
      for (const [server, view] of servers) {
        if (sameView(view, this.#toldOf(pool, server))) continue
        const changed = packetPath.setServer(pool, server, view)
        changes.set(pool, changed)
        lines.add(pool, server, view, changed)
      }
    }
    for (const { server, pools, slots, text } of lines.all())
      if (cause === 'deadline') this.#recordDeadline(server, pools, text, slots)
      else log.info({ cause, slots }, text)
    this.#told = views
    return changes
  }

  #recordDeadline(server: string, pools: readonly string[], line: string, slots: number): void {
    const services = this.#pools.flatMap((each) => (pools.includes(each.name) ? each.services : []))
    const text = `${line}: the deadline of its drain has passed`
    const data = { order: 'deadline', slots }
    this.#options.events.record({ kind: 'server.ordered', severity: 'notice', server, services, text, data })
  }
}

/** movedKey: a server of a pool, as tellHealth's answer names it. */
export const movedKey = ({ pool, server }: PoolServerName): string => `${pool}\0${server}`

function heardText(word: Word): string {
  if (!isOverride(word)) return 'is as the file has it again'
  const { order = 'ready', weight } = word
  return (
    [...(order === 'ready' ? [] : [order]), ...(weight === undefined ? [] : [`given weight ${weight}`])].join(
      ', ',
    ) || 'ready'
  )
}

function orderText(command: Command): string {
  if (command.kind === 'weight') return `given weight ${command.weight}`
  const words = { drain: 'drained', undrain: 'undrained', disable: 'disabled', enable: 'enabled' } as const
  return words[command.kind]
}

function commandOf(asked: OrderCommand, now: number): Command {
  if (asked.kind !== 'drain') return asked
  return { kind: 'drain', ...(asked.deadlineMs !== undefined && { deadline: now + asked.deadlineMs }) }
}

const asFile: ServerView = { up: true }

/** withHealth: it gets what both leave it. */
function withHealth(said: ServerView, health: ServerView | undefined): ServerView {
  if (!health || !said.up) return said
  if (!health.up) return { up: false }
  const weights = [said.weight, health.weight].filter((weight) => weight !== undefined)
  return weights.length === 0 ? said : { ...said, weight: Math.min(...weights) }
}

const sameView = (a: ServerView, b: ServerView | undefined): boolean =>
  a.up === b?.up && a.weight === b.weight

type Told = Map<string, Map<string, ServerView | undefined>>

/** withReturns: views, and for pairs that only `told` has, that they are as the file has them again. */
function withReturns(views: Views, told: Told): Views {
  const all = new Map([...views].map(([pool, servers]) => [pool, new Map(servers)]))
  for (const [pool, servers] of told) {
    const known = all.get(pool) ?? new Map<string, ServerView>()
    for (const server of servers.keys()) if (!known.has(server)) known.set(server, asFile)
    all.set(pool, known)
  }
  return all
}
