// TCP headers (RFC 9293 3.1). Options stay bytes. The four reserved bits are written as given and read back.
//
//   0 source port  2 destination port  4 sequence number  8 acknowledgment number
//  12 data offset|reserved  13 flags  14 window  16 checksum  18 urgent pointer  20 options

import { type Decoded, need, refuse, viewOf } from './decode.ts'

/** The bits of the flags byte (RFC 9293, RFC 3168). */
export const tcpFlag = {
  FIN: 0x01,
  SYN: 0x02,
  RST: 0x04,
  PSH: 0x08,
  ACK: 0x10,
  URG: 0x20,
  ECE: 0x40,
  CWR: 0x80,
} as const

/** Tcp: a header as on the wire; `dataOffset` in 32-bit words. */
export interface Tcp {
  readonly source: number
  readonly destination: number
  readonly sequence: number
  readonly acknowledgment: number
  readonly dataOffset: number
  readonly reserved: number
  readonly flags: number
  readonly window: number
  readonly checksum: number
  readonly urgent: number
  /** A multiple of 4 bytes, at most 40, in an honest header. */
  readonly options: Uint8Array
}

/** encodeTcp: 20 bytes and the options, whatever `dataOffset` says. */
export function encodeTcp(header: Tcp): Uint8Array {
  const bytes = new Uint8Array(20 + header.options.length)
  const view = viewOf(bytes)
  view.setUint16(0, header.source)
  view.setUint16(2, header.destination)
  view.setUint32(4, header.sequence)
  view.setUint32(8, header.acknowledgment)
  bytes[12] = (header.dataOffset << 4) | header.reserved
  bytes[13] = header.flags
  view.setUint16(14, header.window)
  view.setUint16(16, header.checksum)
  view.setUint16(18, header.urgent)
  bytes.set(header.options, 20)
  return bytes
}

/** decodeTcp reads a header. Throws PACKET_INVALID. */
export function decodeTcp(bytes: Uint8Array): Decoded<Tcp> {
  need(bytes, 20, 'TCP')
  const view = viewOf(bytes)
  const dataOffset = bytes[12]! >> 4
  if (dataOffset < 5) refuse('TCP', `data offset of ${dataOffset} words`)
  need(bytes, 4 * dataOffset, 'TCP')
  const header: Tcp = {
    source: view.getUint16(0),
    destination: view.getUint16(2),
    sequence: view.getUint32(4),
    acknowledgment: view.getUint32(8),
    dataOffset,
    reserved: bytes[12]! & 0xf,
    flags: bytes[13]!,
    window: view.getUint16(14),
    checksum: view.getUint16(16),
    urgent: view.getUint16(18),
    options: bytes.subarray(20, 4 * dataOffset),
  }
  return { header, payload: bytes.subarray(4 * dataOffset) }
}
