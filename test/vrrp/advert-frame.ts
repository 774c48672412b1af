// Frames that carry an advert, as a virtual router sends it by multicast or to a peer.

import { formatIp, type Ip, isIp4 } from '../../src/base/addresses.ts'
import { ipProtocol } from '../../src/wire/ipv4.ts'
import { ether, ipv4, ipv6, packet } from '../../src/wire/packet.ts'
import { encodeVrrp, VRRP_TTL, type Vrrp } from '../../src/wire/vrrp.ts'
import type { VrrpChecksum } from '../../src/wire/vrrp-checksum.ts'

/** MULTICAST_MAC: of 224.0.0.18 (RFC 1112 6.4) and ff02::12 (RFC 2464 7). */
export const MULTICAST_MAC = { 4: '01:00:5e:00:00:12', 6: '33:33:00:00:00:12' } as const

/** FrameEnds: MACs as text. */
export interface FrameEnds {
  readonly source: Ip
  readonly destination: Ip
  readonly sourceMac: string
  readonly destinationMac: string
}

/** advertFrame: from Ethernet on, TTL 255. */
export function advertFrame(advert: Vrrp, ends: FrameEnds, form: VrrpChecksum = 'rfc5798'): Uint8Array {
  const { source, destination } = ends
  const bytes = encodeVrrp(advert, ends, form)
  const link = ether({ source: ends.sourceMac, destination: ends.destinationMac })
  const ip = { source: formatIp(source), destination: formatIp(destination) }
  return isIp4(source)
    ? packet(link, ipv4({ ...ip, ttl: VRRP_TTL, protocol: ipProtocol.VRRP }), bytes)
    : packet(link, ipv6({ ...ip, hopLimit: VRRP_TTL, nextHeader: ipProtocol.VRRP }), bytes)
}
