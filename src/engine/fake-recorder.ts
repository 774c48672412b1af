// FakeRecorder: a recorder without a packet path, for tests of those who read one: it has what it is told, and overwrites
// the oldest.

import type { Cursor, Recorded, RecordedPacket, RecorderReader } from './recorded.ts'

export class FakeRecorder implements RecorderReader {
  readonly interfaces = ['eth0']
  readonly names = { service: ['www', 'shop'], server: ['web03'], interface: ['eth0'] }
  readonly kept: RecorderReader['kept']
  readonly #packets: RecordedPacket[] = []
  #gone = 0

  /** Room for so many. */
  constructor(records = 1_000) {
    this.kept = { records, bytes: 128 * records }
  }

  /** record packets, in the order of their time. */
  record(...packets: readonly RecordedPacket[]): void {
    for (const packet of packets) this.#packets.push(packet)
    const over = Math.max(0, this.#packets.length - this.kept.records)
    this.#packets.splice(0, over)
    this.#gone += over
  }

  since([asked = this.#gone]: Cursor = [], most = 4_096): Recorded {
    const from = Math.max(asked, this.#gone)
    const packets = this.#packets.slice(from - this.#gone, from - this.#gone + most)
    const next = from + packets.length
    return { packets, cursor: [next], lost: from - asked, more: next < this.#gone + this.#packets.length }
  }

  end(): Cursor {
    return [this.#gone + this.#packets.length]
  }

  oldest(): number | undefined {
    return this.#gone === 0 ? undefined : this.#packets[0]?.at
  }

  from(ms: number): Cursor {
    const at = this.#packets.findIndex((packet) => packet.at >= ms)
    return at < 0 ? this.end() : [this.#gone + at]
  }
}
