// Fills in what a layer of packet.ts leaves out, from the layers around it and the bytes behind it: the number of
// what comes next, lengths, and checksums under the pseudo-header of the IP layer around it, extension headers
// passed over. A routing header's last address is not followed: the pseudo-header has what the IP header says.

import { type Ip4, type Ip6, type Mac, parseIp4, parseMac, tryIp6 } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { encodeArp } from './arp.ts'
import { checksum, pseudoHeaderSum } from './checksum.ts'
import { encodeEthernet, etherType } from './ethernet.ts'
import { encodeIcmp, icmp6Type, icmpType } from './icmp.ts'
import { encodeIpv4, ipProtocol } from './ipv4.ts'
import { encodeIpv6, ipv6Next } from './ipv6.ts'
import { type ExtensionKind, encodeExtension, encodeFragment, extensionUnit } from './ipv6-extension.ts'
import {
  type ArpFields,
  type EtherFields,
  type ExtensionFields,
  type HeaderLayer,
  headerOf,
  type IcmpFields,
  type Ipv4Fields,
  type Ipv6Fields,
  type Layer,
  type TcpFields,
  type UdpFields,
} from './layer.ts'
import { encodeTcp, tcpFlag } from './tcp.ts'
import { encodeUdp } from './udp.ts'

const ip = (value: Ip4 | string | undefined): Ip4 =>
  typeof value === 'string' ? parseIp4(value) : (value ?? (0 as Ip4))
const mac = (value: string | undefined): Mac => parseMac(value ?? '00:00:00:00:00:00')
const none = new Uint8Array(0)

function ip6(value: Ip6 | string | undefined): Ip6 {
  if (typeof value !== 'string') return value ?? (0n as Ip6)
  const address = tryIp6(value)
  if (address === undefined)
    throw new TenbinError('ADDRESS_INVALID', 'parse address', { detail: `"${value}" is not an IPv6 address` })
  return address
}

const types: Partial<Record<HeaderLayer['kind'], number>> = {
  ipv4: etherType.IP,
  ipv6: etherType.IPV6,
  arp: etherType.ARP,
}

/** The protocol or next header that `next` is; `absent` if it is none. */
function numberOf(next: HeaderLayer | undefined, absent: number, icmp: number): number {
  if (next?.kind === 'extension') return next.number
  const numbers: Partial<Record<HeaderLayer['kind'], number>> = {
    tcp: ipProtocol.TCP,
    udp: ipProtocol.UDP,
    icmp,
    ipv4: ipProtocol.IPIP,
    ipv6: ipProtocol.IPV6,
    fragment: ipv6Next.FRAGMENT,
  }
  return (next && numbers[next.kind]) ?? absent
}
const nextHeader = (next: HeaderLayer | undefined): number => numberOf(next, ipv6Next.NONE, ipv6Next.ICMPV6)

function ether(fields: EtherFields, next: HeaderLayer | undefined): Uint8Array {
  const tags = (fields.tags ?? []).map((tag) => ({
    tpid: etherType['8021Q'],
    priority: 0,
    dropEligible: false,
    id: 1,
    ...tag,
  }))
  return encodeEthernet({
    type: (next && types[next.kind]) ?? 0,
    ...fields,
    tags,
    destination: mac(fields.destination),
    source: mac(fields.source),
  })
}

function ipv4(fields: Ipv4Fields, next: HeaderLayer | undefined, payload: Uint8Array): Uint8Array {
  const options = fields.options ?? none
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
    protocol: numberOf(next, 0, ipProtocol.ICMP),
    checksum: 0,
    ...fields,
    source: ip(fields.source),
    destination: ip(fields.destination),
    options,
  }
  if (fields.checksum !== undefined) return encodeIpv4(header)
  return encodeIpv4({ ...header, checksum: checksum(encodeIpv4({ ...header, checksum: 0 })) })
}

function ipv6(fields: Ipv6Fields, next: HeaderLayer | undefined, payload: Uint8Array): Uint8Array {
  return encodeIpv6({
    version: 6,
    trafficClass: 0,
    flowLabel: 0,
    payloadLength: payload.length,
    nextHeader: nextHeader(next),
    hopLimit: 64,
    ...fields,
    source: ip6(fields.source),
    destination: ip6(fields.destination),
  })
}

function extension(kind: ExtensionKind, fields: ExtensionFields, next: HeaderLayer | undefined): Uint8Array {
  const isOptions = kind === ipv6Next.HOPOPTS || kind === ipv6Next.DSTOPTS
  // PadN over all six (RFC 8200 4.2), else zeros
  const body = fields.body ?? (isOptions ? Uint8Array.of(1, 4, 0, 0, 0, 0) : new Uint8Array(6))
  const length = Math.ceil((2 + body.length - 8) / extensionUnit(kind))
  return encodeExtension({ nextHeader: nextHeader(next), length, ...fields, body })
}

type Sum = (protocol: number, segment: Uint8Array) => number

/** The checksum under the IP layer around the layer at `at`, or without a pseudo-header if there is none. */
const sumUnder =
  (layers: readonly Layer[], at: number): Sum =>
  (protocol, segment) => {
    const outer = ipAround(layers, at)
    if (outer === undefined) return checksum(segment)
    const [source, destination] =
      outer.kind === 'ipv4'
        ? [ip(outer.fields.source), ip(outer.fields.destination)]
        : [ip6(outer.fields.source), ip6(outer.fields.destination)]
    return checksum(segment, pseudoHeaderSum(source, destination, protocol, segment.length))
  }

function ipAround(layers: readonly Layer[], at: number) {
  for (let i = at - 1; i >= 0; i--) {
    const outer = headerOf(layers[i])
    if (outer?.kind === 'ipv4' || outer?.kind === 'ipv6') return outer
    if (outer?.kind !== 'extension' && outer?.kind !== 'fragment') return undefined
  }
  return undefined
}

const join = (header: Uint8Array, payload: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(header.length + payload.length)
  bytes.set(header)
  bytes.set(payload, header.length)
  return bytes
}

function tcp(fields: TcpFields, payload: Uint8Array, sum: Sum): Uint8Array {
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
  return encodeTcp({ ...header, checksum: sum(ipProtocol.TCP, join(encodeTcp(header), payload)) })
}

function udp(fields: UdpFields, payload: Uint8Array, sum: Sum): Uint8Array {
  const header = { source: 0, destination: 0, length: 8 + payload.length, checksum: 0, ...fields }
  if (fields.checksum !== undefined) return encodeUdp(header)
  // a computed zero is sent as 0xffff, since zero means none (RFC 768)
  return encodeUdp({ ...header, checksum: sum(ipProtocol.UDP, join(encodeUdp(header), payload)) || 0xffff })
}

function icmp(fields: IcmpFields, payload: Uint8Array, isV6: boolean, sum: Sum): Uint8Array {
  const type = isV6 ? icmp6Type.ECHO_REQUEST : icmpType.ECHO
  const header = { type, code: 0, checksum: 0, rest: 0, ...fields }
  if (fields.checksum !== undefined) return encodeIcmp(header)
  const message = join(encodeIcmp(header), payload)
  // only ICMPv6 has a pseudo-header
  const field = isV6 ? sum(ipv6Next.ICMPV6, message) : checksum(message)
  return encodeIcmp({ ...header, checksum: field })
}

function arp(fields: ArpFields): Uint8Array {
  return encodeArp({
    operation: fields.operation ?? 1,
    senderMac: mac(fields.senderMac),
    senderIp: ip(fields.senderIp),
    targetMac: mac(fields.targetMac),
    targetIp: ip(fields.targetIp),
  })
}

/** encodeLayer: the bytes of the layer at `at`, `payload` being those of all behind it. Throws ADDRESS_INVALID. */
export function encodeLayer(layers: readonly Layer[], at: number, payload: Uint8Array): Uint8Array {
  const layer = layers[at]!
  if (typeof layer === 'string') return new TextEncoder().encode(layer)
  if (layer instanceof Uint8Array) return layer
  const next = headerOf(layers[at + 1])
  const sum = sumUnder(layers, at)
  switch (layer.kind) {
    case 'ether':
      return ether(layer.fields, next)
    case 'ipv4':
      return ipv4(layer.fields, next, payload)
    case 'ipv6':
      return ipv6(layer.fields, next, payload)
    case 'extension':
      return extension(layer.number, layer.fields, next)
    case 'fragment':
      return encodeFragment({
        nextHeader: nextHeader(next),
        reserved: 0,
        offset: 0,
        reservedBits: 0,
        more: false,
        identification: 0,
        ...layer.fields,
      })
    case 'tcp':
      return tcp(layer.fields, payload, sum)
    case 'udp':
      return udp(layer.fields, payload, sum)
    case 'icmp':
      return icmp(layer.fields, payload, ipAround(layers, at)?.kind === 'ipv6', sum)
    case 'arp':
      return arp(layer.fields)
    default:
      return layer satisfies never
  }
}
