// The builder of frames for tests and probes: layers as plain data, from the outermost on, `packet()` puts them
// together. What a layer does not say is filled in so that the frame is sound (types, lengths, checksums over
// what really follows); what it does say is written as said, so that frames can lie.
//
//   packet(ether({ destination: mac }), ipv4({ source: '192.0.2.1', ttl: 1 }), tcp({ flags: tcpFlag.SYN }), 'x')

import { encodeLayer } from './fill.ts'
import type { ExtensionKind } from './ipv6-extension.ts'
import type {
  ArpFields,
  EtherFields,
  ExtensionFields,
  FragmentFields,
  IcmpFields,
  Ipv4Fields,
  Ipv6Fields,
  Layer,
  TcpFields,
  UdpFields,
} from './layer.ts'

/** ether: defaults are zero MACs, no tags, the type of the next layer. */
export const ether = (fields: EtherFields = {}): Layer => ({ kind: 'ether', fields })
/** ipv4: defaults are TTL 64, no options, DF clear, the protocol of the next layer, sound lengths and checksum. */
export const ipv4 = (fields: Ipv4Fields = {}): Layer => ({ kind: 'ipv4', fields })
/** ipv6: defaults are hop limit 64, the number of the next layer (59, none, before plain bytes), a sound length. */
export const ipv6 = (fields: Ipv6Fields = {}): Layer => ({ kind: 'ipv6', fields })
/** extension: an extension header with a length; the default body is 6 bytes of padding options, or of zeros. */
export const extension = (number: ExtensionKind, fields: ExtensionFields = {}): Layer => ({
  kind: 'extension',
  number,
  fields,
})
/** fragment: defaults are those of an atomic fragment, which is all there is (RFC 6946). */
export const fragment = (fields: FragmentFields = {}): Layer => ({ kind: 'fragment', fields })
/** tcp: defaults are a bare ACK, window 65535, sound data offset and checksum. */
export const tcp = (fields: TcpFields = {}): Layer => ({ kind: 'tcp', fields })
/** udp: defaults are sound length and checksum. */
export const udp = (fields: UdpFields = {}): Layer => ({ kind: 'udp', fields })
/** icmp: defaults are an echo request, of ICMPv6 if it is within IPv6, and a sound checksum. */
export const icmp = (fields: IcmpFields = {}): Layer => ({ kind: 'icmp', fields })
/** arp: defaults are a request and zero addresses. */
export const arp = (fields: ArpFields = {}): Layer => ({ kind: 'arp', fields })

/**
 * packet puts layers together, the first one outermost. No padding to Ethernet's minimum. Throws
 * ADDRESS_INVALID for an address in text that is none.
 */
export function packet(...layers: readonly Layer[]): Uint8Array {
  let bytes: Uint8Array = new Uint8Array(0)
  for (let i = layers.length - 1; i >= 0; i--) {
    const header = encodeLayer(layers, i, bytes)
    const longer = new Uint8Array(header.length + bytes.length)
    longer.set(header)
    longer.set(bytes, header.length)
    bytes = longer
  }
  return bytes
}
