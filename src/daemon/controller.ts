// The daemon's loop: it makes the machine what the file says, keeps it so, and answers what is. Its idea: one
// thing at a time (apply, reload, repair are queued), each step all or nothing, and every repair starts from what
// the kernel says now, not from what was done before. The order of an apply: resolve the servers, swap the packet
// path, then addresses on, then addresses off, so that no address is up before its packets are handled.
// Nothing here takes anything away when it ends: what is in the kernel goes on forwarding.

import type { Endpoint, Protocol } from '../base/addresses.ts'
import { BackOff } from '../base/back-off.ts'
import { TenbinError } from '../base/errors.ts'
import { Serial } from '../base/serial.ts'
import { onOne, type Steps } from '../base/steps.ts'
import type { DesiredState } from '../config/state.ts'
import type { Applied, Changed, EngineStatus, Neighbour } from '../engine/engine.ts'
import type { EventLog } from '../events/event-log.ts'
import { isRenewal } from '../netlink/renewal.ts'
import type { NodeOperations, OrderCommand } from './api-routes.ts'
import type { ListingAnswer, OrderAnswer, Problem, ReloadAnswer, Status, TraceAnswer } from './api-schema.ts'
import type { ChecksAnswer } from './api-schema-checks.ts'
import type { CheckFilter } from './check-details.ts'
import type { ControllerOptions } from './controller-options.ts'
import { withDrained } from './found-pools.ts'
import { Healing } from './healing.ts'
import { inTurns } from './in-turns.ts'
import { LastReload } from './last-reload.ts'
import { indexesOf, leaveOtherLinks, recordLinks } from './managed-links.ts'
import { requireMemory } from './memory.ts'
import { OpenProblems } from './open-problems.ts'
import { type Facts, type Placement, place, placeSome, specLink, summaryOf } from './placement.ts'
import { mapSizes } from './preview.ts'
import { Problems, problemsOf, problemText } from './problem.ts'
import { Rates, type RateView } from './rates.ts'
import { askedOf, nothingRuns, type Running, runningSteps, wantedSysctls } from './running.ts'
import { ServerHealth } from './server-health.ts'
import { type Server, ServerNeighbours } from './server-neighbours.ts'
import { type Health, type PoolServerName, ServerOrders } from './server-orders.ts'
import { ownedText, ServiceAddresses, wantedOf } from './service-addresses.ts'
import { Spaced } from './spaced.ts'
import { Sysctls } from './sysctls.ts'
import { serverText, servicesOf, tellApplied, tellNeighbour } from './tell.ts'
import { Upkeep } from './upkeep.ts'
import { version } from './version.ts'
import type { Said, Word } from './words.ts'

export class Controller implements NodeOperations, Disposable {
  readonly events: EventLog
  readonly notifications: ControllerOptions['notifications']
  readonly #options: ControllerOptions
  readonly #load = () => this.#options.load(this.#options.file)
  readonly #startedAt: Date
  readonly #serial = new Serial()
  readonly #addresses: ServiceAddresses
  readonly #sysctls: Sysctls
  readonly #neighbours: ServerNeighbours
  readonly #health: ServerHealth
  readonly #orders: ServerOrders
  readonly #healing: Healing
  readonly #upkeep: Upkeep
  readonly #subscription: Disposable
  readonly #looks: Spaced
  readonly #problems: OpenProblems
  readonly #rates = new Rates()
  /** A good file that cannot be applied yet, or not in full: something it needs is not there. */
  #waiting: DesiredState | undefined
  /** Why it was refused when all was there; nothing once something is applied. */
  #refusal: readonly Problem[] = []
  readonly #backOff = new BackOff()
  #running: Running | undefined
  readonly #lastReload: LastReload
  #sweepFault: readonly Problem[] = []
  #ticking: Promise<void> | undefined

  constructor(options: ControllerOptions) {
    this.#options = options
    this.events = options.events
    this.notifications = options.notifications
    this.#startedAt = options.now()
    this.#problems = new OpenProblems(options.events)
    this.#lastReload = new LastReload(options)
    this.#addresses = new ServiceAddresses(options.network, options.store, options.promote)
    this.#sysctls = new Sysctls(options.store, options.sysctlRoot)
    this.#neighbours = new ServerNeighbours({
      network: options.network,
      settleMs: options.settleMs,
      onChange: (server, neighbour) => this.#tellNeighbour(server, neighbour),
      onDeleted: (nic, count) => this.#healing.neighbours(nic, count),
    })
    const { overrides: store, packetPath, log, events, now } = options
    this.#healing = new Healing(events, options.monotonic)
    const health: Health = {
      viewOf: (pool, server) => this.#health.viewOf(pool, server),
      reconsider: (pools) => this.#health.reconsider(pools),
      lost: () => this.#health.lost(),
    }
    this.#orders = new ServerOrders({ store, packetPath, log, events, now, health, self: options.self })
    this.#health = new ServerHealth({
      open: options.openChecker,
      events,
      now,
      monotonic: options.monotonic,
      onViews: (changed) => this.#tellHealth(changed),
      onQuorum: () => this.#orders.tellLost(),
      leftOf: (services, server) => this.#orders.leftOf(services, server),
      patienceMs: options.checkerPatienceMs,
      found: withDrained(options.found.pools, this.#orders.overrides, now().getTime()),
    })
    this.#upkeep = new Upkeep({
      ...options,
      neighbours: this.#neighbours,
      orders: this.#orders,
      addresses: this.#addresses,
      sysctls: this.#sysctls,
      healing: this.#healing,
      facts: () => this.#facts(),
    })
    const { monotonic, gapMs } = options
    this.#looks = new Spaced({ gapMs, monotonic, job: () => this.verify('network') })
    this.#subscription = options.network.subscribe(['links', 'addresses', 'routes'], (events) => {
      if (!events.every(isRenewal)) this.#looks.ask()
    })
  }

  /**
   * start applies the file, or waits for what it needs of the machine (an interface, an address, a route); where some of
   * several interfaces are there, these forward meanwhile. Throws ConfigError, and what the packet path throws: then
   * nothing was changed.
   */
  start(load = this.#load): Promise<void> {
    return this.#serial.run(async () => {
      const desired = load()
      const placement = this.#placement(desired, 'start')
      if (placement) await this.#apply(desired, 'start', placement)
    })
  }

  /**
   * reload applies the file, as it is now if nothing else is said, or throws all that is wrong and changes nothing. `isAgain`: it
   * was refused before and is tried again by itself: the same reason is not told again.
   */
  reload(cause: string, load = this.#load, isAgain = false): Promise<ReloadAnswer> {
    return this.#serial.run(async () => {
      try {
        // The start failed, and the process is about to end.
        if (!this.#running && !this.#waiting) this.#mustRun('reload')
        const desired = load()
        const first = this.#running ? undefined : this.#placement(desired, cause)
        if (!this.#running && !first) throw new Problems('reload', this.#problems.now)
        const { change, generation, instructions, loadMs, notes } = await this.#apply(desired, cause, first)
        this.#lastReload.applied()
        return { change, generation, instructions, loadMs, notes: [...notes] }
      } catch (error) {
        this.#lastReload.refused(cause, error, isAgain)
        throw error
      }
    })
  }

  /** refuse: a changed file was not applied, and why. Told once. Rethrows what is a bug. */
  refuse(cause: string, error: unknown): void {
    this.#lastReload.refused(cause, error)
  }

  /** check throws what keeps a file from being applied on this machine as it is now. */
  check(desired: DesiredState): void {
    const { spec } = place(desired, this.#facts())
    const memory = this.#options.memory()
    requireMemory(mapSizes(spec, memory.cpus), memory)
  }

  /** defend: what is defended by is another. Throws what the packet path throws; then what ran runs on. */
  defend(): Promise<void> {
    return this.#serial.run(async () => {
      if (this.#running) this.#running = this.#upkeep.defend(this.#running)
    })
  }

  /** rates: what was counted lately. */
  get rates(): RateView {
    return this.#rates.view
  }

  /** running: what was applied last, and on which node; undefined: nothing yet. */
  get running(): { readonly desired: DesiredState; readonly node: string } | undefined {
    return this.#running && { desired: this.#running.desired, node: this.#running.placement.node }
  }

  /** verify compares the machine with what was applied and repairs what differs. */
  verify(cause: string): Promise<void> {
    return this.#serial.run(async () => {
      try {
        const placement = this.#waiting && this.#placement(this.#waiting, cause)
        const isReady = placement && (!this.#running || placement.missing.length === 0)
        if (isReady && (await this.#applyWaiting(placement, cause))) return
        const problems = this.#running ? this.#keep(this.#running, cause, placement) : []
        if (this.#running || isReady) this.#problems.set([...problems, ...this.#refusal])
      } catch (error) {
        this.#problems.set(problemsOf(error))
      }
    })
  }

  /** verifyRuns looks at the machine once more, and throws where it is not as this very file says, and cannot be made so. */
  async verifyRuns(desired: DesiredState): Promise<void> {
    await this.verify('apply')
    if (this.#running?.desired === desired) return this.#upkeep.requireWhole()
    throw new TenbinError('NOT_APPLIED', 'verify', { detail: 'another file runs' })
  }

  /** engine: what the packet path says of itself; undefined: nothing is applied yet. */
  get engine(): EngineStatus | undefined {
    return this.#running && this.#options.packetPath.status()
  }

  /** tick: the same on a timer, for what no event told of; one at a time, however long it takes. */
  tick(): Promise<void> {
    this.#ticking ??= this.verify('timer').finally(() => {
      this.#ticking = undefined
    })
    return this.#ticking
  }

  /** sweep does what comes with time: records expire, changes settle, deadlines pass. A few milliseconds, ten times a second. */
  sweep(): void {
    if (!this.#running) return
    try {
      this.#options.packetPath.tick()
      this.#healing.rewritten(this.#options.packetPath.audit())
      this.#orders.sweep()
      this.#health.sweep()
      this.#options.failover.sweep()
      this.#options.sharing.sweep()
      this.#options.flood.sweep()
      this.#rates.measure(() => this.#options.packetPath.totals(), this.#options.monotonic())
      this.#sweepFault = []
    } catch (error) {
      this.#sweepFault = problemsOf(error)
    }
  }

  /** order does what a command about a server says. Throws NOT_APPLIED, SERVER_UNKNOWN, SERVICE_UNKNOWN, ORDER_REFUSED. */
  order(command: OrderCommand, server: string, service: string | undefined): Promise<OrderAnswer> {
    return this.#serial.run(async () => {
      this.#mustRun(`${command.kind} ${server}`)
      return this.#orders.carryOut(command, server, service)
    })
  }

  /** said: what operators said of servers, as other nodes are told of it. */
  get said(): Said {
    return this.#orders.said
  }

  /** hear what was said of servers on another node; before a file is applied nothing is. */
  hear(words: readonly Word[], from: string): Promise<void> {
    return this.#serial.run(async () => void (this.#running && this.#orders.hear(words, from)))
  }

  status(): Promise<Status> {
    return inTurns(this.#statusSteps())
  }

  *#statusSteps(): Steps<Status> {
    const { file, instance, network, packetPath } = this.#options
    const ran = yield* onOne(
      () => this.#running,
      function* (running) {
        return running && { running, engine: yield* packetPath.statusSteps() }
      },
    )
    // All that is quickly said is of this very moment, so that nobody reads of a change what was before it and after it.
    const said = {
      ...{ version, instance, pid: process.pid, startedAt: this.#startedAt.toISOString() },
      state: ran ? ('forwarding' as const) : ('waiting' as const),
      file: { path: file, ...(ran && { appliedAt: ran.running.appliedAt.toISOString() }) },
      ...this.#options.beside?.(),
      ...this.#lastReload.status,
      problems: [...this.#problems.now],
      ...this.#health.status,
      ...this.#options.failover.status,
      ...this.#options.sharing.status,
    }
    const told =
      ran &&
      (yield* runningSteps(ran.running, {
        ...{ engine: ran.engine, links: network.listLinks(), addresses: network.listAddresses() },
        ...{ own: this.#addresses.own(), rates: this.#rates.view, health: this.#health },
        ...{ overrides: this.#orders.overrides, pools: this.#orders.pools },
        sysctls: this.#sysctls.statusOf(wantedSysctls(ran.running)),
        now: this.#options.now(),
      }))
    return { ...said, ...(told ?? nothingRuns) }
  }

  trace(client: Endpoint, listener: Endpoint, protocol: Protocol = 'tcp'): TraceAnswer {
    this.#mustRun('trace')
    const { steps, ...trace } = this.#options.packetPath.trace(client, listener, protocol)
    const asked = askedOf(client, listener, protocol)
    const byHand = trace.pool === undefined ? [] : this.#orders.stepsOf(trace.pool)
    return { ...asked, ...trace, steps: [...steps, ...byHand] }
  }

  checks(filter: CheckFilter): Promise<ChecksAnswer> {
    return this.#health.details(filter)
  }

  listing(): ListingAnswer {
    this.#mustRun('list the program')
    const { packetPath } = this.#options
    return { generation: packetPath.status().generation, lines: [...packetPath.listing()] }
  }

  /** idle resolves when nothing is being done. */
  idle(): Promise<void> {
    return this.#serial.idle()
  }

  /** Dispose: nothing is followed or repaired any more. The kernel keeps all it has. */
  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]()
    this.#looks[Symbol.dispose]()
    this.#neighbours[Symbol.dispose]()
    this.#health[Symbol.dispose]()
  }

  /** endChecks: this daemon stops, so nobody acts on what is seen of servers. */
  endChecks(): void {
    this.#health.end()
  }

  #mustRun(op: string): void {
    if (this.#running) return
    const detail = `nothing is applied yet: ${this.#problems.now.map(problemText).join('; ') || 'starting'}`
    throw new TenbinError('NOT_APPLIED', op, { detail })
  }

  /** #placement: what the file means here so far; undefined: nothing yet, and what is missing is named and waited for. */
  #placement(desired: DesiredState, cause: string): Placement | undefined {
    try {
      return placeSome(desired, this.#facts())
    } catch (error) {
      // What runs is kept up all the same.
      if (this.#running) return undefined
      const before = this.#waiting
      this.#waiting = desired
      this.#options.adopted(desired)
      this.#problems.set(problemsOf(error))
      if (!before) this.#options.log.warn({ cause }, 'waits for what the file needs')
      return undefined
    }
  }

  #facts(): Facts {
    const { network } = this.#options
    const own = this.#addresses.own()
    return {
      links: network.listLinks(),
      addresses: network.listAddresses(),
      route: (destination) => network.getRoute(destination),
      isOwn: (ifindex, address) => own.some((each) => each.ifindex === ifindex && each.address === address),
      isServing: (server) => this.#isServing(server),
      defended: (desired) => this.#options.flood.defended(desired),
    }
  }

  /** #isServing: what runs sends to it, and it has not failed; before the first apply that is what was found pinned. */
  #isServing(server: string): boolean {
    if (!this.#running) return this.#options.found.servers.includes(server)
    const { servers } = this.#running.placement.spec
    const neighbour = this.#neighbours.view.get(server)
    if (!servers.some(({ name }) => name === server) || !neighbour || !('mac' in neighbour)) return false
    // what is known of a failure goes with the pool: its flows would be sent to it as to any
    const { pools } = this.#options.packetPath.status()
    return !pools.some((pool) =>
      pool.servers.some(({ name, state }) => name === server && state === 'failed'),
    )
  }

  /**
   * #applyWaiting: whether the file that waited is applied now. Refused, it is tried again later each time, or when other
   * interfaces are there: an apply may change the machine itself, which is told as any change.
   */
  async #applyWaiting(placement: Placement, cause: string): Promise<boolean> {
    const where = JSON.stringify(placement.links.map(specLink))
    const now = this.#options.monotonic()
    if (!this.#backOff.isDue(where, now)) return false
    try {
      await this.#apply(this.#waiting!, cause, placement)
      return true
    } catch (error) {
      this.#backOff.done(where, now)
      this.#refusal = problemsOf(error)
      return false
    }
  }

  async #apply(
    desired: DesiredState,
    cause: string,
    placement = place(desired, this.#facts()),
  ): Promise<Applied> {
    const { file, keepKeys, network, now, packetPath, store } = this.#options
    const before = this.#running
    const memory = this.#options.memory()
    requireMemory(mapSizes(placement.spec, memory.cpus), memory)
    const takeBack = recordLinks(store, network, indexesOf(network, placement.nics))
    const prepared = await this.#neighbours.prepare(placement.nics, placement.spec.servers)
    let applied: Applied
    this.#options.sharing.adopt(desired, placement.node)
    try {
      await this.#health.prepare(desired, placement.node)
      applied = packetPath.apply(placement.spec, prepared.view, ...this.#orders.viewsFor(desired))
      if (before) this.#addOrUndo(placement, before)
    } catch (error) {
      prepared.abandon()
      takeBack()
      this.#health.revert()
      if (before) this.#options.sharing.adopt(before.desired, before.placement.node)
      throw error
    }
    prepared.commit()
    this.#running = { desired, placement, appliedAt: now() }
    this.#waiting = placement.missing.length > 0 ? desired : undefined
    this.#refusal = []
    this.#options.flood.adopt(desired)
    this.#options.adopted(desired)
    this.#health.commit()
    this.#orders.adopt(desired)
    this.#options.notifications.apply(desired.notify, placement.node)
    tellApplied(this.#options, 'node.applied', applied, `applied ${file}: ${summaryOf(placement)}`, cause)
    keepKeys(packetPath.keys)
    this.#problems.set([
      ...placement.missing,
      ...this.#upkeep.adopt(this.#running, cause),
      ...this.#orders.settle(),
      ...this.#health.problems(),
      ...this.#options.failover.problems(),
      ...this.#options.sharing.problems(),
      ...this.#options.flood.problems(),
      ...this.#options.elsewhere(),
    ])
    this.#options.failover.adopt(desired, placement.node)
    leaveOtherLinks(store, network, indexesOf(network, placement.nics))
    return applied
  }

  /** #addOrUndo adds what addresses are missing; if one cannot be added, what ran before runs again. */
  #addOrUndo(placement: Placement, before: Running): void {
    try {
      for (const owned of this.#addresses.add(wantedOf(placement))) {
        const text = `added ${ownedText(owned)}`
        this.#options.events.record({ kind: 'node.changed', severity: 'info', text, data: { cause: 'file' } })
      }
    } catch (error) {
      const views = this.#orders.viewsFor(before.desired)
      this.#options.packetPath.apply(before.placement.spec, this.#neighbours.view, ...views)
      throw error
    }
  }

  /** health: of servers, as checks find it. */
  get health(): Pick<ServerHealth, 'checked' | 'down' | 'standingOf' | 'hasQuorum'> {
    return this.#health
  }

  /** #keep what runs as it was applied; what it waits for still is a problem, too. */
  #keep(before: Running, cause: string, placement: Placement | undefined): Problem[] {
    const { running, problems } = this.#upkeep.keep(before, cause)
    this.#running = running
    const known = new Set(problems.map(({ message }) => message))
    return [
      ...problems,
      ...(placement ?? running.placement).missing.filter(({ message }) => !known.has(message)),
      ...this.#orders.settle(),
      ...this.#health.problems(),
      ...this.#options.failover.problems(),
      ...this.#options.sharing.problems(),
      ...this.#options.flood.problems(),
      ...this.#options.elsewhere(),
      ...this.#sweepFault,
    ]
  }

  #tellNeighbour(server: Server, neighbour: Neighbour): void {
    try {
      this.#options.packetPath.setNeighbour(server.name, neighbour)
    } catch (error) {
      for (const each of problemsOf(error))
        this.#options.log.error(
          { cause: 'neighbour', code: each.code },
          `${serverText(server)}: ${each.message}`,
        )
      return
    }
    tellNeighbour(this.#options, server, neighbour, servicesOf(this.#orders.pools, server.name))
  }

  #tellHealth(changed: readonly PoolServerName[]): ReadonlyMap<string, Changed> {
    return this.#running ? this.#orders.tellHealth(changed) : new Map()
  }
}
