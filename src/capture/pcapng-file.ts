// Recorded packets as a pcapng stream: the section with its interfaces, then block after block. An interface that shows up
// later begins a section of its own, which readers take for the same file.

import { FRAME_BYTES } from '../dataplane/record.ts'
import type { RecordedPacket } from '../engine/recorded.ts'
import { encodePacket, encodeSection } from '../wire/pcapng.ts'
import { commentOf } from './packet-text.ts'

/** PcapngStream: gives the bytes that packets add to a file; the first have its beginning. */
export class PcapngStream {
  readonly #comment: string
  #interfaces: string[]

  /** `comment`: of the file as a whole: who recorded, and why. */
  constructor(comment: string, interfaces: readonly string[] = []) {
    this.#comment = comment
    this.#interfaces = [...interfaces]
  }

  /** begin: what a file begins with. */
  begin(): Buffer {
    return encodeSection(this.#interfaces, { comment: this.#comment, snapLength: FRAME_BYTES })
  }

  /** add packets. */
  add(packets: readonly RecordedPacket[]): Buffer {
    const parts: Buffer[] = []
    const unknown = [...new Set(packets.map((packet) => packet.interface))].filter(
      (name) => !this.#interfaces.includes(name),
    )
    if (unknown.length > 0) {
      this.#interfaces = [...this.#interfaces, ...unknown]
      parts.push(this.begin())
    }
    for (const packet of packets) {
      const { at, bytes, length, direction } = packet
      const nic = this.#interfaces.indexOf(packet.interface)
      parts.push(encodePacket({ interface: nic, at, bytes, length, direction, comment: commentOf(packet) }))
    }
    return Buffer.concat(parts)
  }
}
