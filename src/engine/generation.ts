// One generation of the packet path in the kernel: the maps that were made and filled for it, and over them a program
// for each interface, any of which leads to all of it again. It is complete and tested before anything reads it; what
// changes later are single words. Replacing it is the engine's business, which swaps one program after another.

import type { Mac } from '../base/addresses.ts'
import type { MapSpec } from '../bpf/program.ts'
import type { Built } from '../bpf/xdp.ts'
import { AWAITING } from '../dataplane/awaiting.ts'
import type { DefenceTables } from '../dataplane/defence-shape.ts'
import { layoutOf, serverWord } from '../dataplane/fill.ts'
import { packetProgram } from '../dataplane/packet-path.ts'
import { RECORD_KINDS, RecorderState } from '../dataplane/record.ts'
import type { ServerEntry, Shape, Tables } from '../dataplane/shape.ts'
import { BpfMap } from '../kernel/map.ts'
import { type BpfProgram, type Loaded, loadProgram } from '../kernel/program.ts'
import { mapsOfProgram } from '../kernel/program-maps.ts'
import { testRun } from '../kernel/test-run.ts'
import type { Assignment } from './assignment.ts'
import { building } from './building.ts'
import { Description } from './description.ts'
import { GenerationMaps } from './generation-maps.ts'
import { imagesOf, setBit } from './images.ts'
import type { Known, Reach, ReachOf } from './known.ts'
import { META_MAP, type Meta, metaOf } from './meta.ts'
import { fingerprint, type Plan, type PlannedInterface } from './plan.ts'
import type { Schedules } from './schedules.ts'
import { selfTest } from './self-test.ts'

/** Maps of records, which survive generations. */
const RECORDS = ['flows', 'answers', 'proven', 'sources', 'banned', 'known'] as const
const NOBODY_MAC = '00:00:00:00:00:00' as Mac

/** PreparedProgram: what goes to an interface. */
export interface PreparedProgram extends PlannedInterface {
  readonly built: Built
}

/** Prepared: a plan as programs and memory, not yet in the kernel. */
export interface Prepared {
  readonly plan: Plan
  readonly keys: BigUint64Array
  readonly layout: ReturnType<typeof layoutOf>
  /** One for each interface, in the plan's order. */
  readonly programs: readonly PreparedProgram[]
  /** Of all programs together. */
  readonly maps: readonly MapSpec[]
  /** Equal ones: they differ at most in who is in which pool, and with which weight; so by words alone. */
  readonly structure: string
  /** Equal fingerprints: the same programs for the same spec and keys. */
  readonly fingerprint: string
}

/**
 * prepare generates the programs. `before`: for each pool the words of its table before, if any has one. Pure. Throws
 * PROGRAM_UNBUILT.
 */
export const prepare = (
  planned: Plan,
  keys: BigUint64Array,
  before?: readonly ArrayLike<number>[],
): Prepared => building(() => generate(planned, keys, before))

function generate(
  planned: Plan,
  keys: BigUint64Array,
  before: readonly ArrayLike<number>[] | undefined,
): Prepared {
  const withBefore = (shape: Shape): Shape =>
    before ? { ...shape, before: before.map(({ length }) => length) } : shape
  const interfaces = planned.interfaces.map((each) => ({ ...each, shape: withBefore(each.shape) }))
  const plan: Plan = { ...planned, interfaces, shape: interfaces[0]!.shape }
  const layout = layoutOf(plan.shape, keys)
  const programs = interfaces.map((each) => ({ ...each, built: packetProgram(each.shape, layout.memory) }))
  const { pools, ...spec } = plan.spec
  const { cpus, pools: slots, before: slotsBefore } = plan.shape
  const relocations = programs.map(({ built }) => built.spec.relocations)
  const names = pools.map(({ name }) => name)
  // An IPv6 address is a bigint.
  const facts = JSON.stringify(
    [relocations, spec, names, slots, slotsBefore, cpus, plan.ids],
    (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value),
  )
  const code = programs.map(({ built }) => built.spec.code)
  const structure = fingerprint(...code, facts, new Uint8Array(keys.buffer))
  return {
    plan,
    keys,
    layout,
    programs,
    maps: mapsOfAll(programs),
    structure,
    fingerprint: fingerprint(structure, JSON.stringify(pools)),
  }
}

/** mapsOfAll: each map once. */
const mapsOfAll = (programs: readonly PreparedProgram[]): readonly MapSpec[] => [
  ...new Map(
    programs.flatMap(({ built }) => built.spec.maps.map((map) => [map.name, map] as const)),
  ).values(),
]

/** Contents: what a new generation is filled with. `shared`: maps that it takes over from the one before. */
export interface Contents {
  readonly reachOf: ReachOf
  readonly assignment: Assignment
  readonly known: Known
  readonly schedules: Schedules | undefined
  readonly defence: DefenceTables | undefined
  readonly shared: ReadonlyMap<string, BpfMap>
}

/** entryOf: what a server's entry holds; nowhere to be reached: not usable. */
const entryOf = (plan: Plan, reach: Reach | undefined): ServerEntry =>
  reach
    ? { mac: reach.mac, usable: true, via: plan.ids.interfaces.indexOf(reach.on) }
    : { mac: NOBODY_MAC, usable: false, via: 0 }

/** entriesOf: server entries by id for what is known of how each server is reached. */
function entriesOf(plan: Plan, reachOf: ReachOf): ServerEntry[] {
  const specOf = new Map(plan.spec.servers.map((server) => [server.name, server]))
  return plan.servers.map((server) => {
    const entry = entryOf(plan, server === undefined ? undefined : reachOf(server))
    const spec = server === undefined ? undefined : specOf.get(server)
    if (!spec) return entry
    const { address, network } = spec
    return { ...entry, address, ...(network !== undefined && { network }) }
  })
}

/** Found: a program, and where it was found attached (0: no longer attached). */
export interface Found {
  readonly ifindex: number
  readonly program: BpfProgram
}

export class Generation implements Disposable {
  /** By interface number; of an adopted one those that were found. */
  readonly programs: ReadonlyMap<number, BpfProgram>
  readonly maps: GenerationMaps
  /** undefined: pinned by something that this version cannot read; only good for being replaced. */
  readonly description: Description | undefined
  readonly loadMs: number

  private constructor(
    programs: ReadonlyMap<number, BpfProgram>,
    maps: GenerationMaps,
    description: Description | undefined,
    loadMs: number,
  ) {
    this.programs = programs
    this.maps = maps
    this.description = description
    this.loadMs = loadMs
  }

  /**
   * adopt what running programs are. Where a process died between two swaps, they are of two generations: the newer one
   * counts. Owns the programs from now on. Throws PINS_NEWER.
   */
  static adopt(found: readonly Found[]): Generation {
    const owned: Disposable[] = found.map(({ program }) => program)
    try {
      const candidates = found.map(({ ifindex, program }) => {
        const maps = new GenerationMaps(mapsOfProgram(program))
        owned.push(maps)
        return { ifindex, program, maps, found: Description.find(maps), id: maps.all.get(META_MAP)?.info.id }
      })
      const newest = candidates.reduce((a, b) =>
        (b.found?.meta.generation ?? 0) > (a.found?.meta.generation ?? 0) ? b : a,
      )
      const { maps, found: description, id } = newest
      const programs = new Map<number, BpfProgram>()
      for (const each of candidates) {
        const number = description?.meta.interfaces.findIndex(({ index }) => index === each.ifindex) ?? -1
        if (each.id === id && number >= 0) programs.set(number, each.program)
      }
      const kept = new Set<Disposable>([maps, ...programs.values()])
      for (const each of owned) if (!kept.has(each)) each[Symbol.dispose]()
      return new Generation(programs, maps, description, 0)
    } catch (error) {
      for (const each of owned) each[Symbol.dispose]()
      throw error
    }
  }

  /** create: maps filled, program loaded, tested, counters at zero. Throws; nothing is left behind then. */
  static create(prepared: Prepared, number: number, contents: Contents): Generation {
    const { plan, layout } = prepared
    const { shared } = contents
    const tables = tablesOf(prepared, contents)
    const maps = GenerationMaps.create(prepared.maps, layout, plan.shape, tables, shared)
    const programs = new Map<number, BpfProgram>()
    try {
      silence(maps, layout)
      const loadMs = new Map<number, number>()
      for (const each of prepared.programs) {
        const loaded = testedProgram(each, tables, layout, maps, shared)
        // the test took turns, which the next program's test, and clients, begin with
        maps.fillSchedules(layout, tables)
        programs.set(each.number, loaded.program)
        loadMs.set(each.number, loaded.loadMs)
      }
      maps.counters.fill(0n)
      for (const name of ['rules', 'openings'] as const) maps.words(name)?.fill(0)
      if (!shared.has('defence')) maps.fillDefence(layout, plan.shape, tables)
      const meta = metaOf(plan, layout.memory, number, prepared.fingerprint, loadMs)
      return new Generation(
        programs,
        maps,
        Description.bind([...programs.values()], meta),
        [...loadMs.values()].reduce((sum, ms) => sum + ms, 0),
      )
    } catch (error) {
      for (const program of programs.values()) program[Symbol.dispose]()
      maps[Symbol.dispose]()
      throw error
    }
  }

  /** meta: the description, if it can be read. */
  get meta(): Meta | undefined {
    return this.description?.meta
  }

  /** instructions of the longest program. */
  get instructions(): number {
    return Math.max(0, ...[...this.programs.values()].map(({ info }) => info.instructions))
  }

  /** rename: the same programs are of another fingerprint from now on. Throws SyscallError; then nothing has changed. */
  rename(fingerprint: string): void {
    this.description!.rename(fingerprint)
  }

  /** expect that the maps, filled by another daemon, hold these contents; what does not is for the audit to mend. */
  expect(prepared: Prepared, contents: Omit<Contents, 'shared'>): void {
    this.maps.expect(imagesOf(prepared.layout, prepared.plan.shape, tablesOf(prepared, contents)))
  }

  /** storeServer: a server's MAC and state, by one 64-bit store. `reach` is by one of the plan's interfaces. */
  storeServer({ plan, layout }: Prepared, id: number, reach: Reach | undefined): void {
    const at = layout.memory.tables.type.offsets.servers / 8 + id
    const word = serverWord(entryOf(plan, reach))
    this.maps.images!.tables[at] = word
    if (this.maps.tables[at] !== word) Atomics.store(this.maps.tables, at, word)
  }

  /** storeBit: a server's bit of a pool, by one store of its word; nothing where the program has no such bits. */
  storeBit({ layout }: Prepared, name: 'failed' | 'shut', pool: number, id: number, isSet: boolean): void {
    for (const words of [this.maps.images![name], this.maps.words(name)])
      if (words) setBit(layout.memory, words, { pool, id, isSet })
  }

  /** storeBefore: the words of a pool's table before, which nobody asks yet. */
  storeBefore({ plan, layout }: Prepared, pool: number, before: Uint32Array): void {
    const sizes = plan.shape.before!
    const base = sizes.slice(0, pool).reduce((sum, slots) => sum + slots, 0)
    const place = layout.memory.tracking!.before!.type.offsets.words / 4 + base
    for (const words of [this.maps.images!.before!, this.maps.words('before')!]) words.set(before, place)
  }

  [Symbol.dispose](): void {
    for (const program of this.programs.values()) program[Symbol.dispose]()
    this.description?.[Symbol.dispose]()
    this.maps[Symbol.dispose]()
  }
}

/** silence the recorder, until the counters are zero: the test's packets are nobody's evidence. */
function silence({ counters }: GenerationMaps, { memory }: Prepared['layout']): void {
  const { Block } = memory
  const spent = (Block.offsets.recorder + RecorderState.offsets.spent) / 8
  for (let at = spent; at < counters.length; at += Block.size / 8)
    counters.fill(0xffff_ffff_ffff_ffffn, at, at + RECORD_KINDS.length)
}

/** tablesOf these contents. */
function tablesOf(
  { plan, keys, layout }: Prepared,
  { reachOf, assignment, known, schedules, defence }: Omit<Contents, 'shared'>,
): Tables {
  const failed = assignment.failed(known, layout.memory)
  const shut = assignment.shut(known, layout.memory)
  return {
    keys,
    servers: entriesOf(plan, reachOf),
    slots: plan.pools.map((_, pool) => assignment.wordsOf(pool)),
    ...(assignment.before && { before: assignment.before }),
    ...(failed && { failed }),
    ...(shut && { shut }),
    ...(schedules && { schedules: schedules.tables() }),
    ...(defence && { defence }),
  }
}

/**
 * testedProgram: loaded, and its answers are the model's. The test writes records, so where tables of records go on being
 * used, with flows of clients in them, the program is tested with tables of its own, and then loaded with the real ones.
 */
function testedProgram(
  { shape, built }: PreparedProgram,
  tables: Tables,
  layout: Prepared['layout'],
  maps: GenerationMaps,
  shared: ReadonlyMap<string, BpfMap>,
): Loaded {
  using trials = new Trials(built, shared)
  const all = new GenerationMaps(new Map([...maps.all, ...trials.maps]))
  const loaded = loadProgram(built.spec, all.all)
  // lists and limits are left out: by whom and in which second a test's packet comes nobody knows
  const { defence: _, ...tested } = tables
  try {
    all.fillDefence(layout, shape, tested)
    selfTest(shape, tested, (packet) => {
      const { verdict, packet: frame } = testRun(loaded.program, { packet })
      return { verdict, frame }
    })
  } catch (error) {
    loaded.program[Symbol.dispose]()
    throw error
  }
  for (const name of RECORDS) if (!shared.has(name)) maps.words(name)?.fill(0)
  if (trials.maps.size === 0) return loaded
  loaded.program[Symbol.dispose]()
  return loadProgram(built.spec, maps.all)
}

/** Trials: of each map of records that is shared one of its own for the test. Owned: dispose it. */
class Trials implements Disposable {
  readonly maps = new Map<string, BpfMap>()

  constructor({ spec }: Built, shared: ReadonlyMap<string, BpfMap>) {
    const names = new Set<string>([...RECORDS, 'defence', AWAITING.name])
    try {
      for (const map of spec.maps)
        if (names.has(map.name) && shared.has(map.name)) this.maps.set(map.name, BpfMap.create(map))
    } catch (error) {
      this[Symbol.dispose]()
      throw error
    }
  }

  [Symbol.dispose](): void {
    for (const map of this.maps.values()) map[Symbol.dispose]()
  }
}
