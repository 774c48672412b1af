// The engine that forwards by generated XDP programs, one for each interface, over maps that they share. Everything hangs
// on the links' pins: a link holds its program, the program the maps, one of them says what they mean. So a swap of a
// program swaps all of it for that interface in one step, and a new daemon finds each interface with either the old
// generation or the new one, never with parts of both. Between the first swap and the last both forward, each by maps
// of its own that are complete; that is what remains, too, where the process dies in between, until the next apply.
//
//   /sys/fs/bpf/tenbin/<instance>/link-eth0 -> link -> program -> tables, slots, counters, meta | flows, failed, shut, before
//                                 link-eth1 -> link -> program ----^
//
// What happens to servers, in the order in which no packet is misled. The slots' words alone say who takes new flows;
// `failed` says whose flows are to end. A failure: words, then the bit; so no flow begins with a server that is marked,
// and would be reset. A return: the bit, then the words, for the same reason. `shut` says to whom client networks do not
// come back: it is set before the words, and cleared after them. A MAC is known before words name its
// server, and taken away after none does.

import type { Endpoint, Protocol } from '../base/addresses.ts'
import { invariant } from '../base/errors.ts'
import { atOnce, type Steps } from '../base/steps.ts'
import { listing as listProgram } from '../bpf/listing.ts'
import { clockOf } from '../dataplane/flow-clock.ts'
import { type Clock, HASH_KEYS } from '../dataplane/shape.ts'
import { possibleCpus } from '../kernel/cpus.ts'
import { ensureBpffs } from '../kernel/pin.ts'
import { jiffiesPerSecond } from '../sys/clock.ts'
import type { Reactor } from '../sys/reactor.ts'
import { differsInWords } from './amend.ts'
import { Assignment } from './assignment.ts'
import type { Audit, Rewritten } from './audit.ts'
import { auditOf } from './audited.ts'
import { CheckWay, type WantedWay } from './check-way.ts'
import { readTotals, writeCarry } from './counters.ts'
import { carryCounts, carryRules, readRules } from './defence-maps.ts'
import type { EngineDefence } from './defence-status.ts'
import type {
  Applied,
  Changed,
  Engine,
  EngineSpec,
  EngineStatus,
  Neighbour,
  ServerView,
  Totals,
  Trace,
  Views,
} from './engine.ts'
import { Estate } from './estate.ts'
import { FlowKeeper } from './flow-keeper.ts'
import { Generation, type Prepared, prepare } from './generation.ts'
import { HeldFragments } from './held-fragments.ts'
import { heritageOf, knownOf, neighboursOf, sameKeys } from './heritage.ts'
import { Hook, modeOf } from './hook.ts'
import { onOneOf } from './known.ts'
import { numberedIn } from './meta.ts'
import { scaledWeights } from './picker.ts'
import { isComplete, placesOf } from './places.ts'
import { planOf } from './plan.ts'
import type { RecorderReader } from './recorded.ts'
import { Recorder } from './recorder.ts'
import { LiveReplica, type Replica } from './replica.ts'
import { Schedules } from './schedules.ts'
import { type Live, statusSteps } from './status.ts'
import { FlowSuccession } from './succession.ts'
import { trace } from './trace.ts'
import { followSide, followSides, sidesOf } from './turned.ts'
import { XdpDefence } from './xdp-defence.ts'

/** XdpOptions: `keys` are used where nothing pinned has its own. */
export interface XdpOptions {
  readonly instance: string
  readonly keys: BigUint64Array
  /** Milliseconds of a clock that never goes back; the process's own where none is given. */
  readonly now?: () => number
  /** Where the packet path has its time from; the kernel's jiffies where it is not said. */
  readonly clock?: Clock['source']
  /** Waits for fragments that came before their first; without it they are dropped. */
  readonly reactor?: Reactor
}

/** What apply() is told of servers. */
interface Told {
  readonly neighbours: ReadonlyMap<string, Neighbour>
  readonly views: Views
  readonly lost: ReadonlySet<string>
}

/** What apply() works on. */
interface Work {
  readonly before: Generation | undefined
  readonly prepared: Prepared
  readonly assignment: Assignment
  readonly known: Live['known']
  readonly schedules: Live['schedules']
  readonly notes: string[]
}

export class XdpEngine implements Engine {
  #ownKeys: BigUint64Array
  /** The own keys go before those that are in use. */
  #isRekeyed = false
  readonly #hook: Hook
  readonly #now: () => number
  readonly #clockSource: Clock['source']
  readonly #held: HeldFragments | undefined
  readonly #way: CheckWay
  readonly #replica: LiveReplica
  readonly #recorder = new Recorder()
  readonly #defence: XdpDefence
  #live: Live | undefined
  #audit: Audit | undefined

  constructor({ instance, keys, now = () => performance.now(), clock = 'jiffies', reactor }: XdpOptions) {
    invariant(keys.length === HASH_KEYS, `${keys.length} hash keys`)
    this.#hook = new Hook(instance)
    this.#way = new CheckWay(instance)
    this.#ownKeys = keys
    this.#now = now
    this.#defence = new XdpDefence(now)
    this.#clockSource = clock
    this.#held = reactor && new HeldFragments(reactor)
    this.#replica = new LiveReplica(() => this.#live, now)
  }

  /** replica: what other nodes share, and what is shared with them. */
  get replica(): Replica {
    return this.#replica
  }

  /** keys: the hash key in use: the pinned one where there was one. */
  get keys(): BigUint64Array {
    return this.#live?.prepared.keys ?? this.#ownKeys
  }

  /** defence: of what runs, where the packet path has one. */
  get defence(): EngineDefence | undefined {
    return this.#defence.isFollowing ? this.#defence : undefined
  }

  /** recorder: what was recorded of packets; undefined: nothing is. */
  get recorder(): RecorderReader | undefined {
    return this.#live?.prepared.layout.memory.recorder && this.#recorder
  }

  /**
   * rekey: from the next apply on these are the hash keys, whatever is pinned. Every flow is another server's then but by
   * chance, and none is remembered: for a node whose packets go elsewhere.
   */
  rekey(keys: BigUint64Array): void {
    this.#ownKeys = keys
    this.#isRekeyed = true
  }

  apply(
    spec: EngineSpec,
    neighbours: ReadonlyMap<string, Neighbour>,
    views: Views = new Map(),
    lost: ReadonlySet<string> = new Set(),
  ): Applied {
    const notes: string[] = []
    if (ensureBpffs()) notes.push('bpffs was not mounted at /sys/fs/bpf: mounted')
    this.#hook.open()
    const before = this.#live?.generation ?? this.#adopt(notes)
    const hadWay = this.#way.isThere
    try {
      const work = this.#prepare(before, spec, { neighbours, views, lost }, notes)
      const applied = this.#run(before, work)
      if (spec.turn) this.#way.open()
      else if (hadWay) this.#way.remove()
      return applied
    } catch (error) {
      if (spec.turn && !hadWay) this.#way.remove()
      if (before && before !== this.#live?.generation) before[Symbol.dispose]()
      if (!this.#live) this.#hook.removeIfEmpty()
      throw error
    }
  }

  setNeighbour(server: string, neighbour: Neighbour): void {
    const live = this.#applied()
    const { prepared, generation, assignment, known, schedules } = live
    const id = prepared.plan.idOf.get(server)
    if (id === undefined) return
    known.setNeighbour(server, onOneOf(prepared.plan.interfaces, neighbour))
    const reach = known.reachOf(server)
    const sides = sidesOf(live)
    if (reach) generation.storeServer(prepared, id, reach)
    assignment.change(server, known, this.#now(), reach === undefined)
    schedules?.change(known)
    followSides(live, sides)
    if (!reach) generation.storeServer(prepared, id, undefined)
  }

  setServer(pool: string, server: string, view: ServerView): Changed {
    const live = this.#applied()
    const { prepared, generation, assignment, known, schedules } = live
    const { weight: asked = 0 } = view
    invariant(Number.isInteger(asked) && asked >= 0, `a weight of ${asked}`)
    const at = prepared.plan.poolAt.get(pool) ?? -1
    const place = prepared.plan.pools[at]?.members.findIndex(({ name }) => name === server) ?? -1
    if (place < 0) return { slots: 0, of: 0, peers: 0, weight: 0, clamped: false }
    const { weight: most } = prepared.plan.pools[at]!.members[place]!
    const id = prepared.plan.idOf.get(server)!
    const now = this.#now()
    const { held, isSorry } = assignment.poolAt(at)
    const before = held.slice()
    known.setView(pool, server, view, now)
    if (!known.isOpen(pool, server, most)) generation.storeBit(prepared, 'shut', at, id, true)
    if (view.up) generation.storeBit(prepared, 'failed', at, id, false)
    const slots = assignment.change(server, known, now, !view.up, at)
    schedules?.change(known, at)
    if (!view.up) generation.storeBit(prepared, 'failed', at, id, true)
    if (assignment.isOpen(at, place, known)) generation.storeBit(prepared, 'shut', at, id, false)
    followSide(live, at, isSorry)
    const touched = before.reduce((sum, had, each) => sum + (had === held[each] ? 0 : 1), 0)
    return {
      ...{ slots, of: prepared.plan.pools[at]!.table.slots, peers: Math.max(0, touched - 1) },
      ...{ weight: known.weightOf(pool, server, most), clamped: asked > most },
    }
  }

  setLost(pool: string, isLost: boolean): number {
    const live = this.#applied()
    const { prepared, assignment, known, schedules } = live
    const at = prepared.plan.poolAt.get(pool)
    if (at === undefined) return 0
    const { isSorry } = assignment.poolAt(at)
    known.setLost(pool, isLost)
    const slots = assignment.setLost(at, known, this.#now())
    schedules?.change(known, at)
    followSide(live, at, isSorry)
    return slots
  }

  sorry(): ReadonlySet<string> {
    const live = this.#applied()
    const sides = sidesOf(live)
    return new Set(live.prepared.plan.pools.flatMap(({ name }, pool) => (sides[pool] ? [name] : [])))
  }

  tick(): void {
    const { assignment, keeper, schedules } = this.#applied()
    const now = this.#now()
    assignment.expire(now)
    keeper?.step(now, assignment, schedules)
    this.#defence.tick()
  }

  status(): EngineStatus {
    return atOnce(this.statusSteps())
  }

  statusSteps(): Steps<EngineStatus> {
    return statusSteps({ live: () => this.#applied(), modeOf, now: () => this.#now() })
  }

  totals(): Totals {
    const { generation } = this.#applied()
    return readTotals(generation.maps.counters, generation.meta!)
  }

  trace(client: Endpoint, listener: Endpoint, protocol: Protocol = 'tcp'): Trace {
    return trace(this.#applied(), client, listener, protocol)
  }

  /** drift: what is no longer as apply left it, or is to be another; empty = nothing. apply() with the same spec repairs it. */
  drift(): readonly string[] {
    const { prepared, generation } = this.#applied()
    const wanted = wayOf(prepared.plan.spec)
    return [
      ...this.#hook.drift(
        placesOf(prepared, generation).map((place) => ({ ...place, program: place.program!.info.id })),
      ),
      ...(wanted ? this.#way.drift(wanted) : []),
      ...this.#replica.wants(),
      ...(this.#isRekeyed && !sameKeys(prepared.keys, this.#ownKeys)
        ? ['the hash keys are not those of the cluster']
        : []),
    ]
  }

  audit(): readonly Rewritten[] {
    return this.#audit?.step() ?? []
  }

  /** listing: the programs of the last apply with their source lines, each under its interface's name. */
  listing(): readonly string[] {
    return this.#applied().prepared.programs.flatMap(({ name, built }) => [
      `on ${name}:`,
      ...listProgram(built.assembled).split('\n'),
    ])
  }

  [Symbol.dispose](): void {
    this.#held?.[Symbol.dispose]()
    this.#defence[Symbol.dispose]()
    this.#live?.keeper?.[Symbol.dispose]()
    this.#live?.generation[Symbol.dispose]()
    this.#live = undefined
    this.#audit = undefined
    this.#hook[Symbol.dispose]()
  }

  #applied(): Live {
    invariant(this.#live, 'the engine was asked before anything was applied')
    return this.#live
  }

  /** The generation that runs on links found pinned. */
  #adopt(notes: string[]): Generation | undefined {
    const found = this.#hook.programs()
    if (found.length === 0) return undefined
    const generation = Generation.adopt(found)
    if (!generation.meta)
      notes.push(`what was pinned is of another format: replaced in one step, its counters start anew`)
    return generation
  }

  #prepare(
    before: Generation | undefined,
    spec: EngineSpec,
    { neighbours, views, lost }: Told,
    notes: string[],
  ): Work {
    const now = this.#now()
    const wanted = wayOf(spec)
    const way = wanted && this.#way.ensure(wanted)
    notes.push(...(way?.notes ?? []))
    const machine = {
      cpus: possibleCpus().ids,
      clock: clockOf(jiffiesPerSecond(), this.#clockSource),
      ...(way && { veth: way.ifindex }),
    }
    const meta = before?.meta
    const numbers = this.#live?.prepared.plan ?? (meta && { ids: numberedIn(meta) })
    const estate = meta && new Estate(meta, before.maps, this.#live?.assignment)
    const plan = planOf(spec, machine, numbers)
    const inUse = this.#live?.prepared.keys ?? heritageOf(before)?.keys
    const keys = this.#isRekeyed ? this.#ownKeys : (inUse ?? this.#ownKeys)
    const isOther = inUse !== undefined && !sameKeys(keys, inUse)
    if (isOther) notes.push('the hash keys are others: flows are spread anew')
    const known = knownOf({
      spec,
      neighbours: neighboursOf(spec, neighbours, before),
      views,
      lost,
      now,
      before: this.#live?.known,
      estate,
    })
    const assignment = new Assignment(
      plan,
      known,
      now,
      isOther ? undefined : estate,
      this.#replica.leaders(plan),
    )
    const prepared = prepare(plan, keys, assignment.before)
    const rows = prepared.layout.memory.scheduling?.rows
    const schedules = rows && Schedules.of(plan, rows, known, this.#live?.schedules)
    notes.push(...scaledWeights(spec))
    if (spec.defence && meta && !meta.defence)
      notes.push('services are defended from now on, as the file does not say `defence: off`')
    return { before, prepared, assignment, known, schedules, notes }
  }

  /** #run what is prepared: what runs already, attached again where it is not, or a generation of its own. */
  #run(before: Generation | undefined, work: Work): Applied {
    const { fingerprint } = work.prepared
    const isSame = before?.meta?.fingerprint === fingerprint
    if (!before?.meta || !(isSame || differsInWords(this.#live, work))) return this.#replace(work)
    const places = placesOf(work.prepared, before)
    if (!this.#hook.runs(places)) {
      if (!isComplete(places)) return this.#replace(work)
      work.notes.push(...this.#hook.attach(places))
    }
    if (isSame) return this.#takeOver(before, work)
    before.rename(fingerprint)
    return { ...this.#takeOver(before, work), change: 'amended' }
  }

  /** #takeOver programs that are right, and of whose memory each word becomes so by one store, in the order of failures. */
  #takeOver(generation: Generation, work: Work): Applied {
    const { prepared, assignment, known, schedules, notes } = work
    const meta = generation.meta!
    const { plan, layout } = prepared
    for (const pin of this.#hook.repin()) notes.push(`pin ${pin} was gone: pinned anew`)
    const reachOf = (server: string) => known.reachOf(server)
    const defence = this.#defence.tables(plan)
    generation.expect(prepared, { reachOf, assignment, known, schedules, defence })
    const failed = assignment.failed(known, layout.memory)
    const marks = generation.maps.words('failed')
    const shut = assignment.shut(known, layout.memory)
    for (const [at, word] of shut?.entries() ?? []) Atomics.store(generation.maps.words('shut')!, at, word)
    for (const [name, id] of plan.idOf) {
      const reach = known.reachOf(name)
      if (reach) generation.storeServer(prepared, id, reach)
    }
    for (const [at, word] of failed?.entries() ?? []) Atomics.and(marks!, at, word)
    assignment.bind(generation.maps.slots)
    schedules?.takeOver(generation.maps.schedule(layout)!)
    for (const [at, word] of failed?.entries() ?? []) Atomics.or(marks!, at, word)
    for (const [name, id] of plan.idOf)
      if (!known.isReachable(name)) generation.storeServer(prepared, id, undefined)
    const keeper = FlowKeeper.open(plan, generation.maps, assignment.words)
    this.#enter({ prepared, assignment, known, generation, keeper, schedules })
    this.#defence.follow(this.#applied(), meta)
    const { instructions } = generation
    const loadMs = meta.interfaces.reduce((sum, each) => sum + each.loadMs, 0)
    return { change: 'taken-over', generation: meta.generation, loadMs, instructions, notes }
  }

  #replace({ before, prepared, assignment, known, schedules, notes }: Work): Applied {
    const { plan, layout } = prepared
    const number = (before?.meta?.generation ?? 0) + 1
    const succession = new FlowSuccession(before, prepared)
    const shared = succession.shared()
    const reachOf = (server: string) => known.reachOf(server)
    const defence = this.#defence.tables(plan)
    const contents = { reachOf, assignment, known, schedules, defence, shared }
    const generation = Generation.create(prepared, number, contents)
    const carry = () => {
      if (!before?.meta) return
      writeCarry(generation.maps.counters, generation.meta!, readTotals(before.maps.counters, before.meta))
      carryRules(generation.maps, generation.meta!, readRules(before.maps, before.meta))
    }
    let keeper: FlowKeeper | undefined
    try {
      keeper = FlowKeeper.open(plan, generation.maps, assignment.words)
      // Before the swap too: a process that dies in it must not lose all that was ever counted.
      carry()
      if (keeper) notes.push(...succession.copy(keeper))
      if (keeper && schedules) {
        keeper.walk(this.#now())
        schedules.bind(generation.maps.schedule(layout)!, (pool, id) => keeper!.loadOf(pool, id))
      }
      carryCounts(before, generation, prepared, shared)
      const places = placesOf(prepared, generation)
      invariant(isComplete(places), 'a generation without a program for an interface')
      notes.push(...this.#hook.attach(places))
    } catch (error) {
      keeper?.[Symbol.dispose]()
      generation[Symbol.dispose]()
      throw error
    }
    assignment.bind(generation.maps.slots, 'these')
    // first of all: a flow that began in the moment between finds its record
    succession.finish()
    carry()
    succession.finish()
    if (before !== this.#live?.generation) before?.[Symbol.dispose]()
    this.#enter({ prepared, assignment, known, generation, keeper, schedules })
    this.#defence.follow(this.#applied(), before?.meta, { tables: defence, shared })
    const { instructions } = generation
    return {
      change: before ? 'replaced' : 'created',
      generation: number,
      loadMs: generation.loadMs,
      instructions,
      notes,
    }
  }

  /** #followHeld: fragments that came before their first are this generation's from now on. */
  #followHeld({ prepared, generation }: Live): void {
    const ring = generation.maps.all.get(prepared.layout.memory.held.name)!
    const interfaces = prepared.plan.interfaces.map(({ index, mac, number }) => ({
      index,
      mac,
      program: generation.programs.get(number)!,
    }))
    this.#held?.follow({ ring, interfaces })
  }

  /** #enter makes a generation the live one, and closes what was. */
  #enter(live: Live): void {
    const before = this.#live
    live.assignment.bind(live.generation.maps.slots)
    live.keeper?.purge()
    this.#live = live
    this.#replica.again()
    this.#audit = auditOf(live)
    this.#followHeld(live)
    const { recorder } = live.prepared.layout.memory
    if (recorder)
      this.#recorder.follow(live.generation.maps.memory(recorder.name), recorder, live.prepared.plan)
    before?.keeper?.[Symbol.dispose]()
    if (before && before.generation !== live.generation) before.generation[Symbol.dispose]()
  }
}

/** wayOf: what checks through service addresses need; undefined: no check goes through one. */
const wayOf = ({ turn, interfaces }: EngineSpec): WantedWay | undefined =>
  turn && { addresses: turn.addresses, mtu: Math.min(...interfaces.map(({ mtu }) => mtu)) }

/** openXdpEngine: nothing is touched before apply(). */
export const openXdpEngine = (options: XdpOptions): XdpEngine => new XdpEngine(options)
