// One generation of the packet path in the kernel: a program and the maps that were made and filled for it, found
// again from the program alone. It is complete and tested before anything reads it; what changes later are single
// words. Replacing it is the engine's business, which swaps one program for another.

import type { Mac } from '../base/addresses.ts'
import type { MapSpec } from '../bpf/program.ts'
import type { Built } from '../bpf/xdp.ts'
import { layoutOf, serverWord } from '../dataplane/fill.ts'
import { failedBit } from '../dataplane/memory.ts'
import { packetProgram } from '../dataplane/packet-path.ts'
import type { ServerEntry, Tables } from '../dataplane/shape.ts'
import { BpfMap } from '../kernel/map.ts'
import { type BpfProgram, type Loaded, loadProgram } from '../kernel/program.ts'
import { bindMap, mapsOfProgram } from '../kernel/program-maps.ts'
import { testRun } from '../kernel/test-run.ts'
import type { Assignment } from './assignment.ts'
import { GenerationMaps } from './generation-maps.ts'
import type { Known } from './known.ts'
import { decodeMeta, encodeMeta, fits, META_MAP, type Meta, metaOf } from './meta.ts'
import { fingerprint, type Plan } from './plan.ts'
import type { Schedules } from './schedules.ts'
import { selfTest } from './self-test.ts'

/** Maps of records, which survive generations. */
const RECORDS = ['flows', 'answers'] as const
const ENTRY_ZERO = new Uint8Array(4)
const NOBODY_MAC = '00:00:00:00:00:00' as Mac

/** Prepared: a plan as a program and memory, not yet in the kernel. */
export interface Prepared {
  readonly plan: Plan
  readonly keys: BigUint64Array
  readonly layout: ReturnType<typeof layoutOf>
  readonly built: Built
  /** Equal fingerprints: the same program for the same spec and keys. */
  readonly fingerprint: string
}

/** prepare generates the program. `before`: for each pool the words of its table before, if any has one. Pure. */
export function prepare(
  planned: Plan,
  keys: BigUint64Array,
  before?: readonly ArrayLike<number>[],
): Prepared {
  const shape = before ? { ...planned.shape, before: before.map(({ length }) => length) } : planned.shape
  const plan = { ...planned, shape }
  const layout = layoutOf(plan.shape, keys)
  const built = packetProgram(plan.shape, layout.memory)
  const { code, relocations } = built.spec
  // An IPv6 address is a bigint.
  const facts = JSON.stringify([relocations, plan.spec, plan.shape.cpus, plan.ids], (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  )
  return { plan, keys, layout, built, fingerprint: fingerprint(code, facts, new Uint8Array(keys.buffer)) }
}

/** Contents: what a new generation is filled with. `shared`: maps that it takes over from the one before. */
export interface Contents {
  readonly macOf: (server: string) => Mac | undefined
  readonly assignment: Assignment
  readonly known: Known
  readonly schedules: Schedules | undefined
  readonly shared: ReadonlyMap<string, BpfMap>
}

/** entriesOf: server entries by id for what is known of each server's MAC, and their addresses. */
function entriesOf(plan: Plan, macOf: (server: string) => Mac | undefined): ServerEntry[] {
  const addresses = new Map(plan.spec.servers.map(({ name, address }) => [name, address]))
  return plan.servers.map((server) => {
    const mac = server === undefined ? undefined : macOf(server)
    const address = server === undefined ? undefined : addresses.get(server)
    return { mac: mac ?? NOBODY_MAC, usable: mac !== undefined, ...(address !== undefined && { address }) }
  })
}

export class Generation implements Disposable {
  readonly program: BpfProgram
  readonly maps: GenerationMaps
  /** undefined: pinned by something that this version cannot read; only good for being replaced. */
  readonly meta: Meta | undefined
  readonly loadMs: number

  private constructor(program: BpfProgram, maps: GenerationMaps, meta: Meta | undefined, loadMs: number) {
    this.program = program
    this.maps = maps
    this.meta = meta
    this.loadMs = loadMs
  }

  /** adopt what a running program is. Owns the program from now on. Throws PINS_NEWER. */
  static adopt(program: BpfProgram): Generation {
    const maps = new GenerationMaps(mapsOfProgram(program))
    try {
      const text = maps.all.get(META_MAP)?.lookup(ENTRY_ZERO)
      const meta = text && decodeMeta(text)
      const isSound = meta && fits(meta, (name) => maps.all.get(name)?.info.valueSize ?? 0)
      return new Generation(program, maps, isSound ? meta : undefined, 0)
    } catch (error) {
      maps[Symbol.dispose]()
      throw error
    }
  }

  /** create: maps filled, program loaded, tested, counters at zero. Throws; nothing is left behind then. */
  static create(prepared: Prepared, number: number, contents: Contents): Generation {
    const { plan, keys, layout, built } = prepared
    const { macOf, assignment, known, schedules, shared } = contents
    const failed = assignment.failed(known, layout.memory)
    const shut = assignment.shut(known, layout.memory)
    const tables: Tables = {
      keys,
      servers: entriesOf(plan, macOf),
      slots: plan.pools.map((_, pool) => assignment.wordsOf(pool)),
      ...(assignment.before && { before: assignment.before }),
      ...(failed && { failed }),
      ...(shut && { shut }),
      ...(schedules && { schedules: schedules.tables() }),
    }
    const maps = GenerationMaps.create(built.spec.maps, layout, plan.shape, tables, shared)
    try {
      const { program, loadMs } = testedProgram(prepared, tables, maps, shared)
      try {
        maps.counters.fill(0n)
        maps.fillSchedules(layout, tables)
        const meta = metaOf(plan, layout.memory, number, prepared.fingerprint, loadMs)
        bindMeta(program, meta)
        return new Generation(program, maps, meta, loadMs)
      } catch (error) {
        program[Symbol.dispose]()
        throw error
      }
    } catch (error) {
      maps[Symbol.dispose]()
      throw error
    }
  }

  /** storeServer: a server's MAC and state, by one 64-bit store. */
  storeServer(prepared: Prepared, id: number, mac: Mac | undefined): void {
    const at = prepared.layout.memory.tables.type.offsets.servers / 8 + id
    const word = serverWord({ mac: mac ?? NOBODY_MAC, usable: mac !== undefined })
    if (this.maps.tables[at] !== word) Atomics.store(this.maps.tables, at, word)
  }

  /** storeBit: a server's bit of a pool, by one store of its word; nothing where the program has no such bits. */
  storeBit({ layout }: Prepared, name: 'failed' | 'shut', pool: number, id: number, isSet: boolean): void {
    const words = this.maps.words(name)
    if (!words) return
    const bit = failedBit(layout.memory, pool, id)
    if (isSet) Atomics.or(words, bit >>> 5, 1 << (bit & 31))
    else Atomics.and(words, bit >>> 5, ~(1 << (bit & 31)))
  }

  [Symbol.dispose](): void {
    this.program[Symbol.dispose]()
    this.maps[Symbol.dispose]()
  }
}

/**
 * testedProgram: loaded, and its answers are the model's. The test writes records, so where tables of records go on being
 * used, with flows of clients in them, the program is tested with tables of its own, and then loaded with the real ones.
 */
function testedProgram(
  { plan, built }: Prepared,
  tables: Tables,
  maps: GenerationMaps,
  shared: ReadonlyMap<string, BpfMap>,
): Loaded {
  using flows = trialOf(built, shared, 'flows')
  using answers = trialOf(built, shared, 'answers')
  const trials = new Map([...maps.all, ...(flows?.named ?? []), ...(answers?.named ?? [])])
  const loaded = loadProgram(built.spec, trials)
  try {
    selfTest(plan.shape, tables, (packet) => {
      const { verdict, packet: frame } = testRun(loaded.program, { packet })
      return { verdict, frame }
    })
  } catch (error) {
    loaded.program[Symbol.dispose]()
    throw error
  }
  for (const name of RECORDS) if (!shared.has(name)) maps.words(name)?.fill(0)
  if (!flows && !answers) return loaded
  loaded.program[Symbol.dispose]()
  return loadProgram(built.spec, maps.all)
}

/** trialOf a map of records that is shared: one of its own for the test. */
function trialOf(
  { spec }: Built,
  shared: ReadonlyMap<string, BpfMap>,
  name: (typeof RECORDS)[number],
): ({ readonly named: readonly (readonly [string, BpfMap])[] } & Disposable) | undefined {
  const wanted = shared.has(name) ? spec.maps.find((map) => map.name === name) : undefined
  if (!wanted) return undefined
  const map = BpfMap.create(wanted)
  return { named: [[name, map]], [Symbol.dispose]: () => map[Symbol.dispose]() }
}

function bindMeta(program: BpfProgram, meta: Meta): void {
  const text = encodeMeta(meta)
  const spec: MapSpec = { name: META_MAP, type: 'array', keySize: 4, valueSize: text.length, maxEntries: 1 }
  using map = BpfMap.create(spec)
  map.update(ENTRY_ZERO, text)
  bindMap(program, map)
}
