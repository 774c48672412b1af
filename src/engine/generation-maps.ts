// The maps of one generation: created as the program's spec has them, filled while nothing reads them, read back.

import { TenbinError } from '../base/errors.ts'
import type { MapSpec } from '../bpf/program.ts'
import { fillSlots, fillTables, fillTracking, type Layout } from '../dataplane/fill.ts'
import { ScheduleImage } from '../dataplane/scheduling.ts'
import type { Shape, Tables } from '../dataplane/shape.ts'
import { BpfMap } from '../kernel/map.ts'

/** GenerationMaps: typed views of the memory that program and daemon share. Owned: dispose closes the maps. */
export class GenerationMaps implements Disposable {
  readonly all: ReadonlyMap<string, BpfMap>

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
    const image = new Uint8Array(layout.memory.tables.type.size)
    const words = new Uint32Array(layout.memory.totalSlots)
    fillTables(layout, shape, tables, image)
    fillSlots(shape, tables, words)
    this.fillSchedules(layout, tables)
    fillTracking(layout, shape, tables, {
      failed: this.words('failed'),
      shut: this.words('shut'),
      before: this.words('before'),
    })
    const written = new Uint8Array(this.#memory('tables'), 0, image.length)
    const slots = this.slots.subarray(0, words.length)
    written.set(image)
    slots.set(words)
    const bytes = (array: Uint32Array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength)
    if (Buffer.compare(written, image) === 0 && Buffer.compare(bytes(slots), bytes(words)) === 0) return
    throw new TenbinError('PINS_DAMAGED', 'fill the tables', {
      detail: 'they do not read back as they were written',
    })
  }
}
