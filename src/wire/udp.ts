// UDP headers (RFC 768): 0 source port, 2 destination port, 4 length, 6 checksum (0 = none was computed).

import { type Decoded, need, refuse, viewOf } from './decode.ts'

/** Udp: a header as on the wire; `length` counts header and payload. */
export interface Udp {
  readonly source: number
  readonly destination: number
  readonly length: number
  readonly checksum: number
}

/** encodeUdp: 8 bytes. */
export function encodeUdp(header: Udp): Uint8Array {
  const bytes = new Uint8Array(8)
  const view = viewOf(bytes)
  view.setUint16(0, header.source)
  view.setUint16(2, header.destination)
  view.setUint16(4, header.length)
  view.setUint16(6, header.checksum)
  return bytes
}

/** decodeUdp reads a header; the payload ends where the length says. Throws PACKET_INVALID. */
export function decodeUdp(bytes: Uint8Array): Decoded<Udp> {
  need(bytes, 8, 'UDP')
  const view = viewOf(bytes)
  const length = view.getUint16(4)
  if (length < 8) refuse('UDP', `length ${length} ends within the header`)
  need(bytes, length, 'UDP')
  const header = {
    source: view.getUint16(0),
    destination: view.getUint16(2),
    length,
    checksum: view.getUint16(6),
  }
  return { header, payload: bytes.subarray(8, length) }
}
