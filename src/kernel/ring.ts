// Reading a ring buffer (BPF_MAP_TYPE_RINGBUF): records that programs submitted, in order. Its idea: the kernel's
// positions and data are pages that this process maps; taking a record is a copy, and a store that frees its room. To be
// told when there is something, watch the map's descriptor by a Reactor.
// Left out: several readers of one ring. Reference: kernel/bpf/ringbuf.c, linux/bpf.h (BPF_RINGBUF_*).

import { invariant } from '../base/errors.ts'
import { SharedMemory } from '../sys/memory.ts'
import type { BpfMap } from './map.ts'

const PAGE = 4096
/** A record: length with two flags in 32 bits, its page in 32 more, the bytes, rounded up to 8. */
const HEADER = 8
const BUSY = 0x8000_0000
const DISCARD = 0x4000_0000

/** Ring: owns its mappings, not the map. */
export class Ring implements Disposable {
  readonly #size: number
  readonly #consumer: SharedMemory
  readonly #producer: SharedMemory

  /** Throws SyscallError (EPERM: the ring is another's; ENOMEM). */
  constructor(map: BpfMap) {
    invariant(map.info.type === 'ringbuf', `map ${map.info.name} is no ring`)
    this.#size = map.info.maxEntries
    this.#consumer = SharedMemory.map(map.fd, PAGE)
    // the data come twice in a row, so that a record that goes over the end lies in one piece
    this.#producer = SharedMemory.map(map.fd, PAGE + 2 * this.#size, { writable: false, offset: PAGE })
  }

  /** take: copies of all records that are complete; their room is free then. */
  take(): Uint8Array[] {
    const consumed = new BigUint64Array(this.#consumer.buffer, 0, 1)
    const produced = new BigUint64Array(this.#producer.buffer, 0, 1)
    const data = new DataView(this.#producer.buffer, PAGE)
    const records: Uint8Array[] = []
    let at = Atomics.load(consumed, 0)
    while (at < Atomics.load(produced, 0)) {
      const offset = Number(at & BigInt(this.#size - 1))
      const header = data.getUint32(offset, true)
      if ((header & BUSY) !== 0) break
      const length = header & ~DISCARD
      if ((header & DISCARD) === 0)
        records.push(new Uint8Array(data.buffer, data.byteOffset + offset + HEADER, length).slice())
      at += BigInt(8 * Math.ceil((HEADER + length) / 8))
      Atomics.store(consumed, 0, at)
    }
    return records
  }

  [Symbol.dispose](): void {
    this.#consumer[Symbol.dispose]()
    this.#producer[Symbol.dispose]()
  }
}
