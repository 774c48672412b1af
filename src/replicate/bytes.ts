// Bytes of messages between nodes, written and read in order: whole numbers as LEB128 (seven bits a byte, the lowest
// first), words and floats little-endian, texts as UTF-8 behind their length. What is read is a stranger's until it has been
// read: every count has a bound, and whatever does not fit throws REPLICA_MALFORMED.

import { invariant, TenbinError } from '../base/errors.ts'

/** TEXT_MAX: bytes of a text, at most. */
export const TEXT_MAX = 255

/** malformed: what came is not what this version writes. */
export const malformed = (what: string): TenbinError =>
  new TenbinError('REPLICA_MALFORMED', 'read what another node shares', { detail: what })

/** ByteWriter: grows as it is written to. */
export class ByteWriter {
  #bytes = Buffer.alloc(1_024)
  #length = 0

  #room(bytes: number): number {
    const at = this.#length
    this.#length += bytes
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(this.#length, 2 * this.#bytes.length))
      this.#bytes.copy(larger, 0, 0, at)
      this.#bytes = larger
    }
    return at
  }

  u8(value: number): this {
    const at = this.#room(1)
    this.#bytes.writeUInt8(value, at)
    return this
  }

  u32(value: number): this {
    const at = this.#room(4)
    this.#bytes.writeUInt32LE(value, at)
    return this
  }

  f64(value: number): this {
    const at = this.#room(8)
    this.#bytes.writeDoubleLE(value, at)
    return this
  }

  /** whole: 0..2^53 - 1. */
  whole(value: number): this {
    let rest = value
    while (rest > 0x7f) {
      this.u8((rest % 0x80) + 0x80)
      rest = Math.floor(rest / 0x80)
    }
    return this.u8(rest)
  }

  text(value: string): this {
    const bytes = Buffer.from(value)
    invariant(bytes.length <= TEXT_MAX, `a text of ${bytes.length} bytes`)
    return this.u8(bytes.length).raw(bytes)
  }

  raw(bytes: Uint8Array): this {
    const at = this.#room(bytes.length)
    this.#bytes.set(bytes, at)
    return this
  }

  /** done: a copy of what was written. */
  done(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#bytes, 0, this.#length)
  }
}

/** ByteReader: each read throws REPLICA_MALFORMED where the bytes end before. */
export class ByteReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  #take(bytes: number): number {
    const at = this.#at
    if (at + bytes > this.#bytes.length) throw malformed(`it ends after ${this.#bytes.length} bytes`)
    this.#at += bytes
    return at
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#take(1))
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4))
  }

  f64(): number {
    return this.#bytes.readDoubleLE(this.#take(8))
  }

  /** whole: a number up to `most`; `what` it is, for the message. */
  whole(most: number, what: string): number {
    let [value, unit] = [0, 1]
    for (;;) {
      const byte = this.u8()
      value += (byte & 0x7f) * unit
      if (value > most) throw malformed(`${what}: ${value} of ${most}`)
      if (byte < 0x80) return value
      unit *= 0x80
      // a number that only goes on in zeros
      if (unit > 2 ** 49) throw malformed(`${what}: no end`)
    }
  }

  text(): string {
    const length = this.u8()
    const at = this.#take(length)
    return this.#bytes.toString('utf8', at, at + length)
  }

  raw(length: number): Uint8Array {
    const at = this.#take(length)
    return Uint8Array.prototype.slice.call(this.#bytes, at, at + length)
  }

  /** end: nothing is left. */
  end(): void {
    if (this.#at < this.#bytes.length)
      throw malformed(`${this.#bytes.length - this.#at} bytes behind its end`)
  }
}
