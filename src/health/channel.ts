// A connection as checkers of line protocols read and write it, whatever is below (TCP, TLS). Its idea: nothing is read
// that was not asked for, so a server that sends a gigabyte fills its own buffers and not ours; what is read and not yet
// used is bounded by the one who reads. Left out: deadlines (the look closes the channel under whoever waits).

import { failed, shown } from './failure.ts'

/** Channel: bytes in both directions. `read` answers undefined at the end of what the server sends. */
export interface Channel extends Disposable {
  read(): Promise<Buffer | undefined>
  /** write resolves when all of it is handed over. */
  write(bytes: Uint8Array): Promise<void>
}

/** Reader: takes a channel's bytes in pieces of a protocol's own, none longer than `most`. */
export class Reader {
  readonly #channel: Channel
  readonly #most: number
  #held: Buffer = Buffer.alloc(0)

  constructor(channel: Channel, most = 4096) {
    this.#channel = channel
    this.#most = most
  }

  /** held: what was read and not taken. */
  get held(): Buffer {
    return this.#held
  }

  /** some: whatever comes next; undefined at the end. */
  async some(): Promise<Buffer | undefined> {
    if (this.#held.length === 0) return this.#channel.read()
    const bytes = this.#held
    this.#held = Buffer.alloc(0)
    return bytes
  }

  /** putBack: what was taken too much; nothing is held at that time. */
  putBack(bytes: Buffer): void {
    this.#held = bytes
  }

  /** exactly `count` bytes. Throws CHECK_FAILED when the connection ends before. */
  async exactly(count: number): Promise<Buffer> {
    if (count > this.#most) throw failed(`an answer of ${count} bytes, more than ${this.#most}`)
    while (this.#held.length < count) await this.#more('in the middle of its answer')
    return this.#take(count)
  }

  /** line without its end, LF or CRLF. Throws CHECK_FAILED: too long, or cut. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#held.indexOf(0x0a)
      if (end >= 0) {
        const text = this.#take(end + 1).toString('latin1')
        return text.endsWith('\r\n') ? text.slice(0, -2) : text.slice(0, -1)
      }
      if (this.#held.length >= this.#most)
        throw failed(`no end of a line within ${this.#most} bytes: ${shown(this.#held)}`)
      await this.#more(this.#held.length === 0 ? 'before it answered' : 'in the middle of a line')
    }
  }

  async #more(where: string): Promise<void> {
    const bytes = await this.#channel.read()
    if (bytes === undefined) throw failed(`the server closed the connection ${where}`)
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes])
  }

  #take(count: number): Buffer {
    const bytes = this.#held.subarray(0, count)
    this.#held = this.#held.subarray(count)
    return bytes
  }
}
