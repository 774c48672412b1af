// Bytes on their way to a place that may be slow, full or gone: a disk, another node. They wait in memory, bounded; one send is
// under way at a time, and one that fails is tried again later. When there is no room what is new is dropped, since of an
// incident the beginning matters most. What has arrived is counted, in packets.

/** OutletOptions: `send` takes whole pieces, as many as fit `chunkBytes`, but one at least; false: the place takes no more, ever. */
export interface OutletOptions {
  readonly send: (bytes: Buffer) => Promise<boolean>
  readonly waitingBytes: number
  readonly chunkBytes: number
  readonly againMs: number
}

/** Piece: so many packets, in bytes that are sent whole or not at all. */
interface Piece {
  readonly bytes: Buffer
  readonly packets: number
}

export class Outlet implements Disposable {
  readonly #options: OutletOptions
  #waiting: Piece[] = []
  #waitingBytes = 0
  #sending = false
  #timer: NodeJS.Timeout | undefined
  #isOver = false
  #why: unknown
  #sent = 0
  #packets = 0
  /** The place has refused several pieces at once: it gets them one by one. */
  #isTight = false
  #isFull = false

  constructor(options: OutletOptions) {
    this.#options = options
  }

  /** why the last send failed; undefined: it did not. */
  get why(): unknown {
    return this.#why
  }

  /** sent: bytes that have arrived; packets: those in them. */
  get sent(): number {
    return this.#sent
  }

  get packets(): number {
    return this.#packets
  }

  /** isFull: the place takes no more. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** isIdle: nothing waits. */
  get isIdle(): boolean {
    return this.#waiting.length === 0
  }

  /** offer so many packets as one piece. */
  offer(bytes: Buffer, packets = 0): void {
    if (this.#isOver || this.#isFull || bytes.length === 0) return
    if (this.#waitingBytes + bytes.length > this.#options.waitingBytes) return
    this.#waiting.push({ bytes, packets })
    this.#waitingBytes += bytes.length
    this.#pump()
  }

  /** Dispose: what waits is dropped; a send that is under way ends. */
  [Symbol.dispose](): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#forget()
  }

  #forget(): void {
    this.#waiting = []
    this.#waitingBytes = 0
  }

  #pump(): void {
    if (this.#sending || this.#timer || this.#waiting.length === 0) return
    let [count, length] = [1, this.#waiting[0]!.bytes.length]
    while (
      !this.#isTight &&
      count < this.#waiting.length &&
      length + this.#waiting[count]!.bytes.length <= this.#options.chunkBytes
    )
      length += this.#waiting[count++]!.bytes.length
    const pieces = this.#waiting.slice(0, count)
    this.#sending = true
    this.#options.send(Buffer.concat(pieces.map(({ bytes }) => bytes))).then(
      (isTaken) => (isTaken ? this.#done(pieces) : this.#refused(pieces.length)),
      (error: unknown) => this.#failed(error),
    )
  }

  #done(pieces: readonly Piece[]): void {
    this.#sending = false
    this.#why = undefined
    for (const { bytes, packets } of pieces) {
      this.#sent += bytes.length
      this.#packets += packets
      if (!this.#isOver) this.#waitingBytes -= bytes.length
    }
    if (this.#isOver) return
    this.#waiting.splice(0, pieces.length)
    this.#pump()
  }

  #refused(pieces: number): void {
    this.#sending = false
    this.#why = undefined
    this.#isTight = true
    if (pieces > 1) this.#pump()
    else {
      this.#isFull = true
      this.#forget()
    }
  }

  #failed(error: unknown): void {
    this.#sending = false
    this.#why = error
    if (this.#isOver) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#pump()
    }, this.#options.againMs)
    this.#timer.unref()
  }
}
