// Headers as the packet path reads them: RFC 791, RFC 9293, IEEE 802.3.

import { bytes, wire } from '../bpf/types.ts'

export const Ethernet = wire('ethernet', { dst: bytes(6), src: bytes(6), type: 'be16' })
/** Tags: what follows the first type of a tagged frame: inner type, or a second tag and its type (802.1Q, 802.1ad). */
export const Tags = wire('tags', { tci: 'be16', type: 'be16', tci2: 'be16', type2: 'be16' })
export const Ipv4 = wire('ipv4', {
  versionIhl: 'u8',
  tos: 'u8',
  length: 'be16',
  id: 'be16',
  fragment: 'be16',
  ttl: 'u8',
  protocol: 'u8',
  checksum: 'u16',
  source: 'be32',
  destination: 'be32',
}) // prettier-ignore
/** Tcp: source and destination port are read together or apart; the rest matters only by being there. */
export const Tcp = wire('tcp', { ports: bytes(4), rest: bytes(16) })

export const ETH_P_IP = 0x0800
export const ETH_P_8021Q = 0x8100
export const ETH_P_8021AD = 0x88a8
export const IPPROTO_TCP = 6
/** IP_FRAGMENT: more-fragments flag and offset. */
export const IP_FRAGMENT = 0x3fff
