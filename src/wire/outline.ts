// What can be said of a frame by its first bytes alone: who sends what to whom. For frames of which only a part was kept, so
// nothing is refused: what is not there is absent. Of a fragment that is not the first there are no ports.

import type { Ip, Ip4, Ip6 } from '../base/addresses.ts'
import { viewOf } from './decode.ts'
import { etherType } from './ethernet.ts'
import { ipv6Next } from './ipv6.ts'

/** Outline: offsets are from the frame's start. */
export interface Outline {
  /** Where the IP header is. */
  readonly ip: number
  readonly source: Ip
  readonly destination: Ip
  /** The transport's number: 6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6. */
  readonly protocol: number
  /** TTL or hop limit. */
  readonly hops: number
  /** Bytes of the IP packet, as its header says. */
  readonly length: number
  /** Where the transport header is, or would be. */
  readonly transport: number
  readonly isFragment: boolean
  /** Of TCP and UDP. */
  readonly ports?: { readonly source: number; readonly destination: number }
  readonly tcp?: {
    readonly flags: number
    /** As it stands in the header, not scaled. */
    readonly window: number
    /** Bytes of options. */
    readonly options: number
  }
}

const isTag = (type: number): boolean => type === etherType['8021Q'] || type === etherType['8021AD']

/** outlineOf a frame, or of its first bytes; undefined: it is not IP, or the IP header is not all there. */
export function outlineOf(frame: Uint8Array): Outline | undefined {
  if (frame.length < 34) return undefined
  const view = viewOf(frame)
  let at = 12
  while (at <= 16 && isTag(view.getUint16(at))) at += 4
  const ip = at + 2
  switch (view.getUint16(at)) {
    case etherType.IP:
      return frame.length < ip + 20 ? undefined : ipv4(view, ip)
    case etherType.IPV6:
      return frame.length < ip + 40 ? undefined : ipv6(view, ip)
    default:
      return undefined
  }
}

function ipv4(view: DataView, ip: number): Outline {
  const transport = ip + 4 * (view.getUint8(ip) & 15)
  const fragment = view.getUint16(ip + 6) & 0x3fff
  return {
    ip,
    source: view.getUint32(ip + 12) as Ip4,
    destination: view.getUint32(ip + 16) as Ip4,
    hops: view.getUint8(ip + 8),
    length: view.getUint16(ip + 2),
    ...behind(view, view.getUint8(ip + 9), transport, fragment !== 0, (fragment & 0x1fff) === 0),
  }
}

function ipv6(view: DataView, ip: number): Outline {
  const wide = (at: number) => ((view.getBigUint64(at) << 64n) | view.getBigUint64(at + 8)) as Ip6
  let next = view.getUint8(ip + 6)
  let transport = ip + 40
  let [isFragment, isFirst] = [false, true]
  const passes = () =>
    transport + 8 <= view.byteLength &&
    (
      [ipv6Next.HOPOPTS, ipv6Next.ROUTING, ipv6Next.DSTOPTS, ipv6Next.AH, ipv6Next.FRAGMENT] as number[]
    ).includes(next)
  while (isFirst && passes()) {
    const length = view.getUint8(transport + 1)
    if (next === ipv6Next.FRAGMENT) {
      isFragment = true
      isFirst = view.getUint16(transport + 2) >> 3 === 0
    }
    const size = next === ipv6Next.FRAGMENT ? 8 : next === ipv6Next.AH ? 4 * (length + 2) : 8 * (length + 1)
    next = view.getUint8(transport)
    transport += size
  }
  return {
    ip,
    source: wide(ip + 8),
    destination: wide(ip + 24),
    hops: view.getUint8(ip + 7),
    length: view.getUint16(ip + 4) + 40,
    ...behind(view, next, transport, isFragment, isFirst),
  }
}

function behind(view: DataView, protocol: number, transport: number, isFragment: boolean, isFirst: boolean) {
  const known = { protocol, transport, isFragment }
  const hasPorts = isFirst && (protocol === 6 || protocol === 17) && transport + 4 <= view.byteLength
  if (!hasPorts) return known
  const ports = { source: view.getUint16(transport), destination: view.getUint16(transport + 2) }
  if (protocol !== 6 || transport + 16 > view.byteLength) return { ...known, ports }
  const options = Math.max(0, 4 * (view.getUint8(transport + 12) >> 4) - 20)
  const tcp = { flags: view.getUint8(transport + 13), window: view.getUint16(transport + 14), options }
  return { ...known, ports, tcp }
}
