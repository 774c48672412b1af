// The maps of one generation: created as the program's spec has them, filled while nothing reads them, read back.

import { TenbinError } from '../base/errors.ts'
import type { MapSpec } from '../bpf/program.ts'
import { fillSlots, type Layout } from '../dataplane/fill.ts'
import { ScheduleImage } from '../dataplane/scheduling.ts'
import type { Shape, Tables } from '../dataplane/shape.ts'
import { BpfMap } from '../kernel/map.ts'
import { type Images, imagesOf } from './images.ts'

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
    return new Uint32Array(this.#memory('slots'))
  }

  /**
   * words of a map that is there only where flows are tracked: `flows`, `answers`, `failed`, `shut`, `before` or `clock`.
   */
  words(name: 'flows' | 'answers' | 'failed' | 'shut' | 'before' | 'clock'): Uint32Array | undefined {
    return this.all.has(name) ? new Uint32Array(this.#memory(name)) : undefined
  }

  /** schedule: what schedulers that count go by; undefined where there is none. */
  schedule({ memory }: Layout): ScheduleImage | undefined {
    if (!memory.scheduling) return undefined
    return new ScheduleImage(memory.scheduling, new Uint8Array(this.#memory(memory.scheduling.map.name)))
  }

  /** fillSchedules: as nothing had been picked yet. */
  fillSchedules(layout: Layout, { schedules }: Pick<Tables, 'schedules'>): void {
    const image = this.schedule(layout)
    image?.loads.fill(0)
    for (const [service, table] of schedules ?? []) image?.fill(service, table)
  }

  [Symbol.dispose](): void {
    for (const map of this.all.values()) map[Symbol.dispose]()
  }

  #memory(name: string): ArrayBuffer {
    const map = this.all.get(name)
    if (!map)
      throw new TenbinError('PINS_DAMAGED', 'open the packet path', {
        detail: `the program has no map ${name}`,
      })
    return map.memory
  }

  #words64(name: string): BigUint64Array {
    const memory = this.#memory(name)
    return new BigUint64Array(memory, 0, Math.floor(memory.byteLength / 8))
  }

  #fill(layout: Layout, shape: Shape, tables: Tables): void {
    const images = imagesOf(layout, shape, tables)
    const words = new Uint32Array(layout.memory.totalSlots)
    fillSlots(shape, tables, words)
    this.fillSchedules(layout, tables)
    for (const name of ['failed', 'shut', 'before'] as const)
      if (images[name]) this.words(name)!.set(images[name])
    const written = this.tables.subarray(0, images.tables.length)
    const slots = this.slots.subarray(0, words.length)
    written.set(images.tables)
    slots.set(words)
    this.#images = images
    if (isSame(written, images.tables) && isSame(slots, words)) return
    throw new TenbinError('PINS_DAMAGED', 'fill the tables', {
      detail: 'they do not read back as they were written',
    })
  }
}

const isSame = (one: ArrayBufferView, other: ArrayBufferView): boolean =>
  Buffer.compare(bytesOf(one), bytesOf(other)) === 0
const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)
