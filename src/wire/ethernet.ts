// Ethernet II frames with any number of VLAN tags (IEEE 802.3, 802.1Q, 802.1ad), without preamble and FCS.
//
//   0            6            12     14                     with a tag: 12     14            16
//   | destination | source    | type | payload ...                      | tpid | tag control | type | payload ...

import { type Mac, macBytes, macFromBytes } from '../base/addresses.ts'
import { type Decoded, need, viewOf } from './decode.ts'

/** EtherTypes, by the names of linux/if_ether.h without ETH_P_. */
export const etherType = { IP: 0x0800, ARP: 0x0806, '8021Q': 0x8100, IPV6: 0x86dd, '8021AD': 0x88a8 } as const

/** VlanTag: `tpid` 0x8100 or 0x88a8 (others can be written), `priority` 0..7, `id` 0..4095. */
export interface VlanTag {
  readonly tpid: number
  readonly priority: number
  readonly dropEligible: boolean
  readonly id: number
}

/** Ethernet: a frame's header; `type` is that of the payload, tags from the outermost on. */
export interface Ethernet {
  readonly destination: Mac
  readonly source: Mac
  readonly tags: readonly VlanTag[]
  readonly type: number
}

/** encodeEthernet: 14 bytes and 4 a tag. */
export function encodeEthernet(header: Ethernet): Uint8Array {
  const bytes = new Uint8Array(14 + 4 * header.tags.length)
  const view = viewOf(bytes)
  bytes.set(macBytes(header.destination), 0)
  bytes.set(macBytes(header.source), 6)
  let at = 12
  for (const tag of header.tags) {
    view.setUint16(at, tag.tpid)
    view.setUint16(at + 2, (tag.priority << 13) | (tag.dropEligible ? 0x1000 : 0) | tag.id)
    at += 4
  }
  view.setUint16(at, header.type)
  return bytes
}

/** decodeEthernet reads the header and all tags of 802.1Q and 802.1ad. Throws PACKET_INVALID. */
export function decodeEthernet(bytes: Uint8Array): Decoded<Ethernet> {
  need(bytes, 14, 'Ethernet')
  const view = viewOf(bytes)
  const tags: VlanTag[] = []
  let at = 12
  let type = view.getUint16(at)
  while (type === etherType['8021Q'] || type === etherType['8021AD']) {
    need(bytes, at + 6, 'Ethernet')
    const control = view.getUint16(at + 2)
    tags.push({
      tpid: type,
      priority: control >> 13,
      dropEligible: (control & 0x1000) !== 0,
      id: control & 0xfff,
    })
    at += 4
    type = view.getUint16(at)
  }
  const header = { destination: macFromBytes(bytes), source: macFromBytes(bytes, 6), tags, type }
  return { header, payload: bytes.subarray(at + 2) }
}
