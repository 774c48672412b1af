// ARP for IPv4 over Ethernet (RFC 826): hardware type 1, protocol type 0x0800, address lengths 6 and 4.
//
//   0 hardware type  2 protocol type  4 lengths  6 operation
//   8 sender MAC    14 sender IP     18 target MAC  24 target IP

import { type Ip4, type Mac, macBytes, macFromBytes } from '../base/addresses.ts'
import { type Decoded, need, refuse, viewOf } from './decode.ts'

/** Operations (RFC 826). */
export const arpOperation = { REQUEST: 1, REPLY: 2 } as const

/** Arp: who asks or says what. */
export interface Arp {
  readonly operation: number
  readonly senderMac: Mac
  readonly senderIp: Ip4
  readonly targetMac: Mac
  readonly targetIp: Ip4
}

const types = 0x00010800
const lengths = 0x0604

/** encodeArp: 28 bytes. */
export function encodeArp(header: Arp): Uint8Array {
  const bytes = new Uint8Array(28)
  const view = viewOf(bytes)
  view.setUint32(0, types)
  view.setUint16(4, lengths)
  view.setUint16(6, header.operation)
  bytes.set(macBytes(header.senderMac), 8)
  view.setUint32(14, header.senderIp)
  bytes.set(macBytes(header.targetMac), 18)
  view.setUint32(24, header.targetIp)
  return bytes
}

/** decodeArp reads a packet; what follows it is padding. Throws PACKET_INVALID. */
export function decodeArp(bytes: Uint8Array): Decoded<Arp> {
  need(bytes, 28, 'ARP')
  const view = viewOf(bytes)
  if (view.getUint32(0) !== types || view.getUint16(4) !== lengths)
    refuse('ARP', 'not for IPv4 over Ethernet')
  const header = {
    operation: view.getUint16(6),
    senderMac: macFromBytes(bytes, 8),
    senderIp: view.getUint32(14) as Ip4,
    targetMac: macFromBytes(bytes, 18),
    targetIp: view.getUint32(24) as Ip4,
  }
  return { header, payload: bytes.subarray(28) }
}
