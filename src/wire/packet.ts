// The builder of frames for tests and probes: layers as plain data, from the outermost on, `packet()` puts them
// together. What a layer does not say is filled in so that the frame is sound (types, lengths, checksums over
// what really follows); what it does say is written as said, so that frames can lie.
//
//   packet(ether({ destination: mac }), ipv4({ source: '192.0.2.1', ttl: 1 }), tcp({ flags: tcpFlag.SYN }), 'x')

import { type Ip4, type Mac, parseIp4, parseMac } from '../base/addresses.ts'
import { type Arp, encodeArp } from './arp.ts'
import { checksum, pseudoHeaderSum } from './checksum.ts'
import { type Ethernet, encodeEthernet, etherType, type VlanTag } from './ethernet.ts'
import { encodeIcmp, type Icmp } from './icmp.ts'
import { encodeIpv4, type Ipv4, ipProtocol } from './ipv4.ts'
import { encodeTcp, type Tcp, tcpFlag } from './tcp.ts'
import { encodeUdp, type Udp } from './udp.ts'

/** Loose: all fields optional, addresses also as text. */
type Loose<Header> = {
  readonly [Field in keyof Header]?: Header[Field] extends Ip4 | Mac ? Header[Field] | string : Header[Field]
}

/** EtherFields: Ethernet's, with tags that need no more than an id. */
export type EtherFields = Loose<Omit<Ethernet, 'tags'>> & { readonly tags?: readonly Partial<VlanTag>[] }
export type Ipv4Fields = Loose<Ipv4>
export type TcpFields = Loose<Tcp>
export type UdpFields = Loose<Udp>
export type IcmpFields = Loose<Icmp>
export type ArpFields = Loose<Arp>

/** Layer: one header, or bytes or text (UTF-8) as they are. */
export type Layer =
  | { readonly kind: 'ether'; readonly fields: EtherFields }
  | { readonly kind: 'ipv4'; readonly fields: Ipv4Fields }
  | { readonly kind: 'tcp'; readonly fields: TcpFields }
  | { readonly kind: 'udp'; readonly fields: UdpFields }
  | { readonly kind: 'icmp'; readonly fields: IcmpFields }
  | { readonly kind: 'arp'; readonly fields: ArpFields }
  | Uint8Array
  | string

/** ether: defaults are zero MACs, no tags, the type of the next layer. */
export const ether = (fields: EtherFields = {}): Layer => ({ kind: 'ether', fields })
/** ipv4: defaults are TTL 64, no options, DF clear, the protocol of the next layer, sound lengths and checksum. */
export const ipv4 = (fields: Ipv4Fields = {}): Layer => ({ kind: 'ipv4', fields })
/** tcp: defaults are a bare ACK, window 65535, sound data offset and checksum. */
export const tcp = (fields: TcpFields = {}): Layer => ({ kind: 'tcp', fields })
/** udp: defaults are sound length and checksum. */
export const udp = (fields: UdpFields = {}): Layer => ({ kind: 'udp', fields })
/** icmp: defaults are an echo request and a sound checksum. */
export const icmp = (fields: IcmpFields = {}): Layer => ({ kind: 'icmp', fields })
/** arp: defaults are a request and zero addresses. */
export const arp = (fields: ArpFields = {}): Layer => ({ kind: 'arp', fields })

type Kind = Exclude<Layer, string | Uint8Array>['kind'] | undefined

const kindOf = (layer: Layer | undefined): Kind =>
  layer === undefined || typeof layer === 'string' || layer instanceof Uint8Array ? undefined : layer.kind
const ip = (value: Ip4 | string | undefined): Ip4 =>
  typeof value === 'string' ? parseIp4(value) : (value ?? (0 as Ip4))
const mac = (value: string | undefined): Mac => parseMac(value ?? '00:00:00:00:00:00')
const none = new Uint8Array(0)

const join = (...parts: Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function encodeEtherFields(fields: EtherFields, next: Kind): Uint8Array {
  const tags = (fields.tags ?? []).map((tag) => ({
    tpid: etherType['8021Q'],
    priority: 0,
    dropEligible: false,
    id: 1,
    ...tag,
  }))
  const type = next === 'ipv4' ? etherType.IP : next === 'arp' ? etherType.ARP : 0
  return encodeEthernet({
    type,
    ...fields,
    tags,
    destination: mac(fields.destination),
    source: mac(fields.source),
  })
}

function encodeIpv4Fields(fields: Ipv4Fields, next: Kind, payload: Uint8Array): Uint8Array {
  const options = fields.options ?? none
  const protocols = { tcp: ipProtocol.TCP, udp: ipProtocol.UDP, icmp: ipProtocol.ICMP, ipv4: ipProtocol.IPIP }
  const header = {
    version: 4,
    ihl: 5 + Math.ceil(options.length / 4),
    dscp: 0,
    ecn: 0,
    totalLength: 20 + options.length + payload.length,
    identification: 0,
    reserved: false,
    dontFragment: false,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: 64,
    protocol: next !== undefined && next in protocols ? protocols[next as keyof typeof protocols] : 0,
    checksum: 0,
    ...fields,
    source: ip(fields.source),
    destination: ip(fields.destination),
    options,
  }
  if (fields.checksum !== undefined) return encodeIpv4(header)
  return encodeIpv4({ ...header, checksum: checksum(encodeIpv4({ ...header, checksum: 0 })) })
}

/** sealed: the segment's checksum under the IPv4 layer around it, or without a pseudo-header if there is none. */
function sealed(outer: Layer | undefined, protocol: number, header: Uint8Array, payload: Uint8Array): number {
  const segment = join(header, payload)
  if (
    outer === undefined ||
    typeof outer === 'string' ||
    outer instanceof Uint8Array ||
    outer.kind !== 'ipv4'
  )
    return checksum(segment)
  const { source, destination } = outer.fields
  return checksum(segment, pseudoHeaderSum(ip(source), ip(destination), protocol, segment.length))
}

function encodeTcpFields(fields: TcpFields, outer: Layer | undefined, payload: Uint8Array): Uint8Array {
  const options = fields.options ?? none
  const header = {
    source: 0,
    destination: 0,
    sequence: 0,
    acknowledgment: 0,
    dataOffset: 5 + Math.ceil(options.length / 4),
    reserved: 0,
    flags: tcpFlag.ACK,
    window: 65535,
    checksum: 0,
    urgent: 0,
    ...fields,
    options,
  }
  if (fields.checksum !== undefined) return encodeTcp(header)
  return encodeTcp({ ...header, checksum: sealed(outer, ipProtocol.TCP, encodeTcp(header), payload) })
}

function encodeUdpFields(fields: UdpFields, outer: Layer | undefined, payload: Uint8Array): Uint8Array {
  const header = { source: 0, destination: 0, length: 8 + payload.length, checksum: 0, ...fields }
  if (fields.checksum !== undefined) return encodeUdp(header)
  // a computed zero is sent as 0xffff, since zero means none (RFC 768)
  return encodeUdp({
    ...header,
    checksum: sealed(outer, ipProtocol.UDP, encodeUdp(header), payload) || 0xffff,
  })
}

function encodeIcmpFields(fields: IcmpFields, payload: Uint8Array): Uint8Array {
  const header = { type: 8, code: 0, checksum: 0, rest: 0, ...fields }
  if (fields.checksum !== undefined) return encodeIcmp(header)
  return encodeIcmp({ ...header, checksum: checksum(join(encodeIcmp(header), payload)) })
}

function encodeArpFields(fields: ArpFields): Uint8Array {
  return encodeArp({
    operation: fields.operation ?? 1,
    senderMac: mac(fields.senderMac),
    senderIp: ip(fields.senderIp),
    targetMac: mac(fields.targetMac),
    targetIp: ip(fields.targetIp),
  })
}

function encodeLayer(layer: Layer, outer: Layer | undefined, next: Kind, payload: Uint8Array): Uint8Array {
  if (typeof layer === 'string') return new TextEncoder().encode(layer)
  if (layer instanceof Uint8Array) return layer
  switch (layer.kind) {
    case 'ether':
      return encodeEtherFields(layer.fields, next)
    case 'ipv4':
      return encodeIpv4Fields(layer.fields, next, payload)
    case 'tcp':
      return encodeTcpFields(layer.fields, outer, payload)
    case 'udp':
      return encodeUdpFields(layer.fields, outer, payload)
    case 'icmp':
      return encodeIcmpFields(layer.fields, payload)
    case 'arp':
      return encodeArpFields(layer.fields)
    default:
      return layer satisfies never
  }
}

/**
 * packet puts layers together, the first one outermost. No padding to Ethernet's minimum. Throws
 * ADDRESS_INVALID for an address in text that is none.
 */
export function packet(...layers: readonly Layer[]): Uint8Array {
  let bytes: Uint8Array = none
  for (let i = layers.length - 1; i >= 0; i--)
    bytes = join(encodeLayer(layers[i]!, layers[i - 1], kindOf(layers[i + 1]), bytes), bytes)
  return bytes
}
