// The daemon's loop: it makes the machine what the file says, keeps it so, and answers what is. Its idea: one
// thing at a time (apply, reload, repair are queued), each step all or nothing, and every repair starts from what
// the kernel says now, not from what was done before. The order of an apply: resolve the servers, swap the packet
// path, then addresses on, then addresses off, so that no address is up before its packets are handled.
// Nothing here takes anything away when it ends: what is in the kernel goes on forwarding.

import { type Endpoint, formatEndpoint, formatIp, formatListener, type Protocol } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import type { DesiredState } from '../config/state.ts'
import type { Applied, Changed, Neighbour } from '../engine/engine.ts'
import type { FoundPool } from '../engine/holders.ts'
import type { EventLog } from '../events/event-log.ts'
import { isUsable } from '../netlink/links.ts'
import type { Network } from '../netlink/network.ts'
import type { Operations, OrderCommand } from './api-routes.ts'
import type { ListingAnswer, OrderAnswer, Problem, ReloadAnswer, Status, TraceAnswer } from './api-schema.ts'
import type { ChecksAnswer } from './api-schema-checks.ts'
import type { CheckFilter } from './check-details.ts'
import type { OpenChecker } from './checker.ts'
import type { Log } from './log.ts'
import { leaveOtherLinks, recordLinks } from './managed-links.ts'
import { type MachineMemory, requireMemory } from './memory.ts'
import { OpenProblems } from './open-problems.ts'
import type { OverrideStore } from './override-store.ts'
import {
  type EthernetLink,
  type Facts,
  findLink,
  forwardingNics,
  linkChanges,
  type Placement,
  place,
  specLink,
  summaryOf,
} from './placement.ts'
import type { PacketPath } from './ports.ts'
import { mapSizes } from './preview.ts'
import { Problems, problem, problemsOf, problemText } from './problem.ts'
import { Rates } from './rates.ts'
import type { RecordStore } from './record.ts'
import { nothingRuns, type Running, runningStatus, wantedSysctls } from './running.ts'
import { Serial } from './serial.ts'
import { ServerHealth } from './server-health.ts'
import { type Server, ServerNeighbours } from './server-neighbours.ts'
import { type PoolServerName, ServerOrders } from './server-orders.ts'
import {
  ownedText,
  type PromoteSecondaries,
  ServiceAddresses,
  settleAddresses,
  wantedOf,
} from './service-addresses.ts'
import { Sysctls } from './sysctls.ts'
import { serverText, servicesOf, tellApplied, tellNeighbour, tellRefused } from './tell.ts'
import { version } from './version.ts'

/** ControllerOptions: the outside world, handed in. The controller disposes of none of it. */
export interface ControllerOptions {
  readonly instance: string
  /** file: the path that every reload reads. */
  readonly file: string
  /** load reads the file. Throws ConfigError. */
  readonly load: (path: string) => DesiredState
  readonly network: Network
  readonly packetPath: PacketPath
  readonly store: RecordStore
  /** overrides: where what operators say of servers is kept. */
  readonly overrides: OverrideStore
  /** openChecker: what looks at servers. */
  readonly openChecker: OpenChecker
  /** memory: this machine's, now. */
  readonly memory: () => MachineMemory
  /** keepKeys makes the packet path's hash key survive a boot. */
  readonly keepKeys: (keys: BigUint64Array) => void
  readonly log: Log
  /** events: where changes of state are told. */
  readonly events: EventLog
  /** elsewhere: what is wrong beside the packet path. */
  readonly elsewhere: () => readonly Problem[]
  readonly now: () => Date
  /** monotonic: ms of a clock that nobody sets. */
  readonly monotonic: () => number
  /** settleMs: how long an apply waits for the first answers of servers. */
  readonly settleMs: number
  /** checkerPatienceMs: how long it waits for a checker's first word. */
  readonly checkerPatienceMs: number
  readonly promote?: PromoteSecondaries
  /** Stands in for /proc/sys. */
  readonly sysctlRoot?: string
  /** found: of the packet path that runs already when the daemon starts. */
  readonly found: Found
}

/** Found: the servers that it knows, and who holds slots of its pools. */
export interface Found {
  readonly servers: readonly string[]
  readonly pools: readonly FoundPool[]
}

export class Controller implements Operations, Disposable {
  readonly #options: ControllerOptions
  readonly #startedAt: Date
  readonly #serial = new Serial()
  readonly #addresses: ServiceAddresses
  readonly #sysctls: Sysctls
  readonly #neighbours: ServerNeighbours
  readonly #health: ServerHealth
  readonly #orders: ServerOrders
  readonly #subscription: Disposable
  readonly #problems: OpenProblems
  readonly #rates = new Rates()
  /** A good file that cannot be applied yet: something it needs is not there. */
  #waiting: DesiredState | undefined
  #running: Running | undefined
  /** NICs that forward since the last apply, or would if they were there. */
  #forwards: ReadonlySet<string> = new Set()
  #lastReload: Status['lastReload']
  #sweepFault: readonly Problem[] = []
  #isPoked = false

  constructor(options: ControllerOptions) {
    this.#options = options
    this.#startedAt = options.now()
    this.#problems = new OpenProblems(options.events)
    this.#addresses = new ServiceAddresses(options.network, options.store, options.promote)
    this.#sysctls = new Sysctls(options.store, options.sysctlRoot)
    this.#neighbours = new ServerNeighbours({
      network: options.network,
      settleMs: options.settleMs,
      onChange: (server, neighbour) => this.#tellNeighbour(server, neighbour),
    })
    const { overrides: store, packetPath, log, events, now } = options
    this.#health = new ServerHealth({
      open: options.openChecker,
      events,
      now,
      monotonic: options.monotonic,
      onViews: (changed) => this.#tellHealth(changed),
      onQuorum: () => this.#orders.tellLost(),
      leftOf: (services, server) => this.#orders.leftOf(services, server),
      patienceMs: options.checkerPatienceMs,
      found: options.found.pools,
    })
    this.#orders = new ServerOrders({ store, packetPath, log, events, now, health: this.#health })
    this.#subscription = options.network.subscribe(['links', 'addresses', 'routes'], () => this.#poke())
  }

  get events(): EventLog {
    return this.#options.events
  }

  /**
   * start applies the file, or waits for what it needs of the machine (an interface, an address, a route). Throws
   * ConfigError, and what the packet path throws: then nothing was changed.
   */
  start(): Promise<void> {
    return this.#serial.run(async () => {
      const desired = this.#options.load(this.#options.file)
      if (this.#placement(desired, 'start')) await this.#apply(desired, 'start')
    })
  }

  /** reload applies the file as it is now, all of it, or throws all that is wrong and changes nothing. */
  reload(cause: string): Promise<ReloadAnswer> {
    return this.#serial.run(async () => {
      const { file, load, now } = this.#options
      try {
        // The start failed, and the process is about to end.
        if (!this.#running && !this.#waiting) this.#mustRun('reload')
        const desired = load(file)
        if (!this.#running && !this.#placement(desired, cause))
          throw new Problems('reload', this.#problems.now)
        const { change, generation, instructions, loadMs, notes } = await this.#apply(desired, cause)
        this.#lastReload = { at: now().toISOString(), done: true, problems: [] }
        return { change, generation, instructions, loadMs, notes: [...notes] }
      } catch (error) {
        const problems = problemsOf(error)
        this.#lastReload = { at: now().toISOString(), done: false, problems }
        tellRefused(this.#options, cause, problems)
        throw error
      }
    })
  }

  /** verify compares the machine with what was applied and repairs what differs. */
  verify(cause: string): Promise<void> {
    return this.#serial.run(async () => {
      this.#isPoked = false
      try {
        if (this.#running) this.#problems.set(this.#repair(this.#running, cause))
        else if (this.#waiting && this.#placement(this.#waiting, cause))
          await this.#apply(this.#waiting, cause)
      } catch (error) {
        this.#problems.set(problemsOf(error))
      }
    })
  }

  /** tick: the same on a timer, for what no event told of. */
  async tick(): Promise<void> {
    await this.verify('timer')
  }

  /** sweep does what comes with time: records expire, changes settle, deadlines pass. A few milliseconds, ten times a second. */
  sweep(): void {
    if (!this.#running) return
    try {
      this.#options.packetPath.tick()
      this.#orders.sweep()
      this.#health.sweep()
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

  async status(): Promise<Status> {
    const { file, instance, network, packetPath } = this.#options
    const running = this.#running
    return {
      version,
      instance,
      pid: process.pid,
      startedAt: this.#startedAt.toISOString(),
      state: running ? 'forwarding' : 'waiting',
      file: { path: file, ...(running && { appliedAt: running.appliedAt.toISOString() }) },
      ...(this.#lastReload && { lastReload: this.#lastReload }),
      problems: [...this.#problems.now],
      ...this.#health.status,
      ...(running
        ? runningStatus(running, {
            links: network.listLinks(),
            addresses: network.listAddresses(),
            own: this.#addresses.own(),
            engine: packetPath.status(),
            rates: this.#rates.view,
            overrides: this.#orders.overrides,
            sysctls: this.#sysctls.statusOf(wantedSysctls(running)),
            pools: this.#orders.pools,
            health: this.#health,
            now: this.#options.now(),
          })
        : nothingRuns),
    }
  }

  trace(client: Endpoint, listener: Endpoint, protocol: Protocol = 'tcp'): TraceAnswer {
    this.#mustRun('trace')
    const { steps, ...trace } = this.#options.packetPath.trace(client, listener, protocol)
    const asked = {
      client: formatEndpoint(client),
      listener: formatListener({ ...listener, protocol }),
      protocol,
    }
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

  /** #placement: what the file means here; undefined: not yet, and what is missing is named and waited for. */
  #placement(desired: DesiredState, cause: string): Placement | undefined {
    try {
      return this.#place(desired)
    } catch (error) {
      const before = this.#waiting
      this.#waiting = desired
      this.#problems.set(problemsOf(error))
      if (!before) this.#options.log.warn({ cause }, 'waits for what the file needs')
      return undefined
    }
  }

  #place(desired: DesiredState): Placement {
    return place(desired, this.#facts())
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
    }
  }

  /** #indexes of the NICs that play a role, of those that are there. */
  #indexes(nics: readonly string[]): number[] {
    return this.#options.network
      .listLinks()
      .flatMap(({ name, index }) => (nics.includes(name) ? [index] : []))
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

  async #apply(desired: DesiredState, cause: string): Promise<Applied> {
    const { file, keepKeys, network, now, packetPath, store } = this.#options
    const before = this.#running
    const placement = this.#place(desired)
    const memory = this.#options.memory()
    requireMemory(mapSizes(placement.spec, memory.cpus), memory)
    const takeBack = recordLinks(store, network, this.#indexes(placement.nics))
    const prepared = await this.#neighbours.prepare(placement.nics, placement.spec.servers)
    let applied: Applied
    try {
      await this.#health.prepare(desired, placement.node)
      applied = packetPath.apply(placement.spec, prepared.view, ...this.#orders.viewsFor(desired))
      if (before) this.#addOrUndo(placement, before)
    } catch (error) {
      prepared.abandon()
      takeBack()
      this.#health.revert()
      throw error
    }
    prepared.commit()
    this.#running = { desired, placement, appliedAt: now() }
    this.#forwards = new Set(placement.links.map(({ name }) => name))
    this.#waiting = undefined
    this.#health.commit()
    this.#orders.adopt(desired)
    tellApplied(this.#options, 'node.applied', applied, `applied ${file}: ${summaryOf(placement)}`, cause)
    keepKeys(packetPath.keys)
    this.#problems.set([
      ...this.#settleAddresses(this.#running, cause),
      ...this.#settleSysctls(this.#running, cause),
      ...this.#orders.settle(),
      ...this.#health.problems(),
      ...this.#options.elsewhere(),
    ])
    leaveOtherLinks(store, network, this.#indexes(placement.nics))
    return applied
  }

  /** #addOrUndo adds what addresses are missing; if one cannot be added, what ran before runs again. */
  #addOrUndo(placement: Placement, before: Running): void {
    try {
      for (const owned of this.#addresses.add(wantedOf(placement))) {
        this.#tellChanged('file', `added ${ownedText(owned)}`)
      }
    } catch (error) {
      const views = this.#orders.viewsFor(before.desired)
      this.#options.packetPath.apply(before.placement.spec, this.#neighbours.view, ...views)
      throw error
    }
  }

  #repair(running: Running, cause: string): Problem[] {
    const { network, packetPath, store } = this.#options
    const { links, problems } = this.#present(running)
    const why = [...linkChanges(running.placement.links, links), ...packetPath.drift()]
    let current = running
    let settings: readonly Problem[] | undefined
    if (why.length > 0) {
      const { nics } = running.placement
      const spec = { ...running.placement.spec, interfaces: links.map(specLink) }
      recordLinks(store, network, this.#indexes(nics))
      const views = this.#orders.viewsFor(running.desired)
      const applied = packetPath.apply(spec, this.#neighbours.view, ...views)
      current = { ...running, placement: { ...running.placement, links, spec } }
      this.#running = current
      this.#orders.adopt(running.desired)
      leaveOtherLinks(store, network, this.#indexes(nics))
      tellApplied(this.#options, 'node.healed', applied, `applied again: ${why.join('; ')}`, cause)
      settings = this.#settleSysctls(current, cause)
    }
    this.#neighbours.resync()
    const usable = new Set(links.filter(isUsable).map(({ name }) => name))
    const down = links.filter(({ name }) => !usable.has(name))
    // of an interface that is down or gone, that is enough
    const doubts = this.#neighbours
      .doubts()
      .filter(({ on }) => usable.has(on))
      .map(({ server, why }) =>
        problem('SERVER_DOUBTFUL', `server ${server.name} ${formatIp(server.address)}: ${why}`),
      )
    return [
      ...problems,
      ...down.map(({ name }) => problem('INTERFACE_DOWN', `${name} is down or has no carrier`)),
      ...doubts,
      ...this.#settleAddresses(current, cause),
      ...(settings ?? this.#sysctls.problems(wantedSysctls(current))),
      ...this.#orders.settle(),
      ...this.#health.problems(),
      ...this.#options.elsewhere(),
      ...this.#sweepFault,
    ]
  }

  /**
   * #present: the NICs that are to forward now: those of before, and any by which a server is reached since. What is not
   * there is a problem, and the others forward without it. Throws what is wrong with the last of them.
   */
  #present({ desired, placement }: Running): { links: EthernetLink[]; problems: Problem[] } {
    const facts = this.#facts()
    const nics = new Set([...this.#forwards, ...forwardingNics(desired, placement.node, facts)])
    const links: EthernetLink[] = []
    const errors: unknown[] = []
    for (const nic of placement.nics.filter((each) => nics.has(each))) {
      try {
        links.push(findLink(nic, facts.links))
      } catch (error) {
        errors.push(error)
      }
    }
    if (links.length === 0) throw errors[0]
    this.#forwards = nics
    return { links, problems: errors.flatMap(problemsOf) }
  }

  #settleAddresses({ placement }: Running, cause: string): Problem[] {
    return settleAddresses(this.#addresses, wantedOf(placement), (text) => this.#tellChanged(cause, text))
  }

  #settleSysctls(running: Running, cause: string): Problem[] {
    return this.#sysctls.settle(wantedSysctls(running), (text) => this.#tellChanged(cause, text))
  }

  #tellChanged(cause: string, text: string): void {
    this.#options.events.record({ kind: 'node.changed', severity: 'info', text, data: { cause } })
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

  /** #poke verifies soon, once for any number of events in between. */
  #poke(): void {
    if (this.#isPoked) return
    this.#isPoked = true
    void this.verify('network')
  }
}
