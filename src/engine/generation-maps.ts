// The maps of one generation: created as the program's spec has them, filled while nothing reads them, read back.

import { isIp4 } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import type { MapSpec } from '../bpf/program.ts'
import { NO_DEFENCE_TABLES } from '../dataplane/defence-shape.ts'
import { fillSlots, type Layout } from '../dataplane/fill.ts'
import { fillDefence } from '../dataplane/fill-defence.ts'
import { entryBytes, type ListEntry, listEntries } from '../dataplane/list-entries.ts'
import { poolBases } from '../dataplane/memory.ts'
import { ScheduleImage } from '../dataplane/scheduling.ts'
import type { Shape, Tables } from '../dataplane/shape.ts'
import { BpfMap } from '../kernel/map.ts'
import { type Images, imagesOf } from './images.ts'
import { isSame } from './same-bytes.ts'

/** DefenceMap: maps of defence that are direct memory. */
export type DefenceMap = 'defence' | 'proven' | 'sources' | 'banned' | 'known' | 'rules' | 'openings'

/** listOf: the trie that an entry is in. */
export const listOf = ({ prefix }: ListEntry): 'lists4' | 'lists6' =>
  isIp4(prefix.address) ? 'lists4' : 'lists6'

/** GenerationMaps: typed views of the memory that program and daemon share. Owned: dispose closes the maps. */
export class GenerationMaps implements Disposable {
  readonly all: ReadonlyMap<string, BpfMap>
  #images: Images | undefined

  /** Takes the maps over; they must hold `tables`, `slots` and `counters`. */
  constructor(all: ReadonlyMap<string, BpfMap>) {
    this.all = all
  }

  /**
   * create and fill. `shared` are maps of the generation before that go on being used, and taken over; by name. What
   * cannot be read back as it was written is an error; nothing is left open then.
   */
  static create(
    specs: readonly MapSpec[],
    layout: Layout,
    shape: Shape,
    tables: Tables,
    shared: ReadonlyMap<string, BpfMap> = new Map(),
  ): GenerationMaps {
    const made = new Map(shared)
    try {
      for (const spec of specs) if (!made.has(spec.name)) made.set(spec.name, BpfMap.create(spec))
      const maps = new GenerationMaps(made)
      maps.#fill(layout, shape, tables)
      if (layout.memory.defence) maps.#fillTries(tables, shared)
      if (!shared.has('defence')) maps.fillDefence(layout, shape, tables)
      return maps
    } catch (error) {
      for (const map of made.values()) map[Symbol.dispose]()
      throw error
    }
  }

  /** images: what was written; undefined where somebody else wrote it. */
  get images(): Images | undefined {
    return this.#images
  }

  /** expect that this is what was written. */
  expect(images: Images): void {
    this.#images = images
  }

  /** tables as 64-bit words: a server's entry is one. */
  get tables(): BigUint64Array {
    return this.#words64('tables')
  }

  get counters(): BigUint64Array {
    return this.#words64('counters')
  }

  get slots(): Uint32Array {
    return new Uint32Array(this.memory('slots'))
  }

  /**
   * words of a map that is there only where flows are tracked: `flows`, `answers`, `failed`, `shut`, `before`, `clock` or
   * `awaiting`; or where virtual routers have MACs: `roles`; or where services are defended.
   */
  words(
    name: 'flows' | 'answers' | 'failed' | 'shut' | 'before' | 'clock' | 'awaiting' | 'roles' | DefenceMap,
  ): Uint32Array | undefined {
    return this.all.has(name) ? new Uint32Array(this.memory(name)) : undefined
  }

  /** schedule: what schedulers that count go by; undefined where there is none. */
  schedule({ memory }: Layout): ScheduleImage | undefined {
    if (!memory.scheduling) return undefined
    return new ScheduleImage(memory.scheduling, new Uint8Array(this.memory(memory.scheduling.map.name)))
  }

  /** fillSchedules: as nothing had been picked yet. */
  fillSchedules(layout: Layout, { schedules }: Pick<Tables, 'schedules'>): void {
    const image = this.schedule(layout)
    image?.loads.fill(0)
    for (const [service, table] of schedules ?? []) image?.fill(service, table)
  }

  /** fillDefence: as nothing had been counted yet; nothing where the shape has none. */
  fillDefence({ memory }: Layout, shape: Shape, { keys, defence = NO_DEFENCE_TABLES }: Tables): void {
    const words = this.words('defence')
    words?.fill(0)
    if (words) fillDefence(memory, shape, defence, keys, words)
  }

  #fillTries({ defence = NO_DEFENCE_TABLES }: Tables, shared: ReadonlyMap<string, BpfMap>): void {
    for (const entry of listEntries(defence)) {
      const name = listOf(entry)
      if (shared.has(name)) continue
      const { key, value } = entryBytes(entry)
      this.all.get(name)?.update(key, value)
    }
  }

  [Symbol.dispose](): void {
    for (const map of this.all.values()) map[Symbol.dispose]()
  }

  /** memory of a map. Throws PINS_DAMAGED where there is none of that name. */
  memory(name: string): ArrayBuffer {
    const map = this.all.get(name)
    if (!map)
      throw new TenbinError('PINS_DAMAGED', 'open the packet path', {
        detail: `the program has no map ${name}`,
      })
    return map.memory
  }

  #words64(name: string): BigUint64Array {
    const memory = this.memory(name)
    return new BigUint64Array(memory, 0, Math.floor(memory.byteLength / 8))
  }

  #fill(layout: Layout, shape: Shape, tables: Tables): void {
    const images = imagesOf(layout, shape, tables)
    this.fillSchedules(layout, tables)
    for (const name of ['failed', 'shut', 'before'] as const)
      if (images[name]) this.words(name)!.set(images[name])
    const roles = this.words('roles')
    if (roles) for (const { at, active } of tables.active ?? []) roles[at] = active
    const written = this.tables.subarray(0, images.tables.length)
    written.set(images.tables)
    fillSlots(shape, tables, this.slots)
    this.#images = images
    const bases = poolBases(shape)
    const areSlots = tables.slots.every((words, pool) =>
      isSame(this.slots.subarray(bases[pool], bases[pool]! + words.length), words),
    )
    if (areSlots && isSame(written, images.tables)) return
    throw new TenbinError('PINS_DAMAGED', 'fill the tables', {
      detail: 'they do not read back as they were written',
    })
  }
}
