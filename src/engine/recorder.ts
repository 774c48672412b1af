// The recorder's rings, read while the packet path writes to them. Each CPU's ring is overwritten from its oldest record on,
// so a record counts only if it still says the number that it was read as after it has been copied. Rings are merged by
// time. Names are those of the generation in which a packet was recorded, as far as this process has seen it.
//
// Left out: order between CPUs within the time that two of them need to write at once.

import type { Protocol } from '../base/addresses.ts'
import { createListeners, type Listening } from '../dataplane/model-listeners.ts'
import { PacketRecord, RecorderHead, type RecorderMemory } from '../dataplane/record.ts'
import { type ReadRecord, readRecord, sequenceOf, timeOfRecord } from '../dataplane/record-read.ts'
import { outlineOf } from '../wire/outline.ts'
import type { Plan } from './plan.ts'
import type { Cursor, Recorded, RecordedNames, RecordedPacket, RecorderReader } from './recorded.ts'

/** MOST packets are read at once, where nothing else is asked for: some ten milliseconds' work. */
const MOST = 4_096
/** NAMES: of so many generations names are kept. */
const NAMES = 16
const PROTOCOLS: ReadonlyMap<number, Protocol> = new Map([
  [6, 'tcp'],
  [17, 'udp'],
])

/** RecorderClocks: CLOCK_MONOTONIC and the time of day, both in ms. */
export interface RecorderClocks {
  readonly monotonic: () => number
  readonly wall: () => number
}

/** CLOCKS: of this machine. */
export const CLOCKS: RecorderClocks = {
  monotonic: () => Number(process.hrtime.bigint()) / 1e6,
  wall: () => Date.now(),
}

/** Names: who had which number from a time on. Nothing else of a plan is kept: its tables take hundreds of megabytes. */
interface Names {
  readonly from: number
  readonly services: readonly (string | undefined)[]
  readonly servers: Plan['servers']
  readonly interfaces: Plan['ids']['interfaces']
  readonly listening: (frame: Uint8Array, at: number, length: 4 | 16) => Listening | undefined
}

/** Numbering: a plan, of which numbers and their names are read. */
type Numbering = Pick<Plan, 'services' | 'servers' | 'ids' | 'shape'>

/** Rings: memory that the packet path writes to, and how it is laid out. */
interface Rings {
  readonly view: DataView
  readonly cpus: number
  readonly records: number
  readonly start: number
}

export class Recorder implements RecorderReader {
  readonly #clocks: RecorderClocks
  readonly #names: Names[] = []
  #rings: Rings

  constructor(clocks: RecorderClocks = CLOCKS) {
    this.#clocks = clocks
    this.#rings = { view: new DataView(new ArrayBuffer(0)), cpus: 0, records: 0, start: 0 }
  }

  /** follow the rings of a generation from now on; cursors stay good where the memory is the same. */
  follow(memory: ArrayBuffer, { type }: RecorderMemory, plan: Numbering): void {
    const { servers, ids, shape } = plan
    const cpus = type.fields.heads.count
    const view = new DataView(memory)
    this.#rings = { view, cpus, records: type.fields.records.count / cpus, start: type.offsets.records }
    const from = this.#names.length === 0 ? 0 : this.#clocks.monotonic()
    const services = plan.services.map((each) => each?.name)
    const listening = createListeners(shape)
    this.#names.push({ from, services, servers, interfaces: ids.interfaces, listening })
    if (this.#names.length > NAMES) this.#names.shift()
  }

  get interfaces(): readonly string[] {
    return this.#names.at(-1)?.interfaces.filter((name) => name !== undefined) ?? []
  }

  get kept(): { readonly records: number; readonly bytes: number } {
    const { cpus, records, view } = this.#rings
    return { records: cpus * records, bytes: view.byteLength }
  }

  get names(): RecordedNames {
    const of = (namesOf: (names: Names) => readonly (string | undefined)[]): string[] => [
      ...new Set(this.#names.flatMap((names) => namesOf(names).filter((name) => name !== undefined))),
    ]
    return {
      service: of(({ services }) => services),
      server: of(({ servers }) => servers),
      interface: of(({ interfaces }) => interfaces),
    }
  }

  oldest(): number | undefined {
    const { cpus, view } = this.#rings
    const times = Array.from({ length: cpus }, (_, cpu) => {
      const oldest = this.#oldest(cpu)
      return oldest === 0 ? Number.NEGATIVE_INFINITY : timeOfRecord(view, this.#place(cpu, oldest))
    })
    const latest = Math.max(Number.NEGATIVE_INFINITY, ...times)
    return Number.isFinite(latest) ? latest + this.#clocks.wall() - this.#clocks.monotonic() : undefined
  }

  end(): Cursor {
    return Array.from({ length: this.#rings.cpus }, (_, cpu) => this.#written(cpu))
  }

  from(ms: number): Cursor {
    const since = ms - this.#clocks.wall() + this.#clocks.monotonic()
    return Array.from({ length: this.#rings.cpus }, (_, cpu) => {
      let [low, high] = [this.#oldest(cpu), this.#written(cpu)]
      while (low < high) {
        const middle = Math.floor((low + high) / 2)
        if (timeOfRecord(this.#rings.view, this.#place(cpu, middle)) < since) low = middle + 1
        else high = middle
      }
      return low
    })
  }

  since(cursor: Cursor = [], most = MOST): Recorded {
    const { view, cpus } = this.#rings
    let lost = 0
    const ends = this.end()
    const next = ends.map((end, cpu) => {
      const oldest = this.#oldest(cpu)
      // a number that was never reached is of other rings
      const asked = cursor[cpu] ?? oldest
      const at = asked > end ? oldest : asked
      lost += Math.max(0, oldest - at)
      return Math.max(at, oldest)
    })
    const packets: RecordedPacket[] = []
    const offset = this.#clocks.wall() - this.#clocks.monotonic()
    while (packets.length < most) {
      let [earliest, first] = [-1, Number.POSITIVE_INFINITY]
      for (let cpu = 0; cpu < cpus; cpu++) {
        if (next[cpu]! >= ends[cpu]!) continue
        const time = timeOfRecord(view, this.#place(cpu, next[cpu]!))
        if (time < first || earliest < 0) [earliest, first] = [cpu, time]
      }
      if (earliest < 0) break
      const number = next[earliest]!
      next[earliest] = number + 1
      const at = this.#place(earliest, number)
      const record = readRecord(view, at)
      if (sequenceOf(view, at) !== (number + 1) % 2 ** 32) lost++
      else if (record) packets.push(this.#named(record, offset))
    }
    return { packets, cursor: next, lost, more: next.some((at, cpu) => at < ends[cpu]!) }
  }

  /** How many a CPU has ever written. */
  #written(cpu: number): number {
    const at = cpu * RecorderHead.size + RecorderHead.offsets.written
    return Number(this.#rings.view.getBigUint64(at, true))
  }

  /** The oldest one that is not overwritten, nor being overwritten. */
  #oldest(cpu: number): number {
    return Math.max(0, this.#written(cpu) - this.#rings.records + 1)
  }

  #place(cpu: number, number: number): number {
    const { records, start } = this.#rings
    return start + PacketRecord.size * (cpu * records + (number % records))
  }

  #named(record: ReadRecord, offset: number): RecordedPacket {
    const { ms, kind, outcome, direction, length, frame } = record
    const names = this.#names.findLast(({ from }) => from <= ms) ?? this.#names[0]!
    const { services, servers, interfaces } = names
    const service = services[record.service ?? serviceOf(names, frame, direction) ?? -1]
    const server = record.server === undefined ? undefined : servers[record.server]
    return {
      at: ms + offset,
      kind,
      outcome,
      direction,
      ...(service !== undefined && { service }),
      ...(server !== undefined && { server }),
      interface: interfaces[record.interface] ?? '',
      length,
      bytes: frame,
    }
  }
}

/** serviceOf a frame: whose listener it is for, or seems to come from. */
function serviceOf({ listening }: Names, frame: Uint8Array, direction: 'in' | 'out'): number | undefined {
  const outline = outlineOf(frame)
  const protocol = outline && PROTOCOLS.get(outline.protocol)
  if (!outline?.ports || !protocol) return undefined
  const [length, before] = typeof outline.source === 'number' ? ([4, 12] as const) : ([16, 8] as const)
  const at = outline.ip + before
  const to = listening(frame, at + length, length)?.(protocol, outline.ports.destination)
  if (to || direction === 'in') return to?.service
  return listening(frame, at, length)?.(protocol, outline.ports.source)?.service
}
