// VRRP advertisements: version 3 for IPv4 and IPv6 (RFC 9568 5.2), version 2 for IPv4 (RFC 3768 5.3). Encoding takes only
// what can be said on the wire; decoding names what is wrong with the bytes and never throws, because whoever is on the
// link can send them. What a defect is worth to a virtual router is judged in vrrp/receive.ts.
//
//   version 3                                             version 2
//   0 version|type   1 VRID   2 priority   3 count        the same
//   4 reserved(4 bits)|interval(12 bits, in 1/100 s)      4 auth type   5 interval (in s)
//   6 checksum       8 addresses: 4 or 16 bytes each      6 checksum    8 addresses: 4 bytes each, then 8 bytes auth data
//
// Bytes behind an advertisement are a trailer (vrrp-trailer.ts), which the checksum covers.

import { type Ip, type Ip4, isIp4, type Mac } from '../base/addresses.ts'
import { need, refuse, viewOf } from './decode.ts'
import { ip6Bytes, ip6FromBytes } from './ipv6.ts'
import { checksumFormOf, type Ends, type VrrpChecksum, vrrpChecksum } from './vrrp-checksum.ts'

/** Where adverts go by multicast: 224.0.0.18 and ff02::12 (RFC 9568 5.1.1.2, 5.1.2.2). */
export const vrrpGroup = { 4: 0xe0000012 as Ip4, 6: ((0xff02n << 112n) | 0x12n) as Ip } as const
/** VRRP_TTL: the TTL or hop limit of adverts (RFC 9568 5.1.1.3); any other has crossed a router. */
export const VRRP_TTL = 255

/** virtualRouterMac: 00-00-5E-00-01-{VRID} for IPv4, 00-00-5E-00-02-{VRID} for IPv6 (RFC 9568 7.3). */
export const virtualRouterMac = (vrid: number, family: 4 | 6): Mac =>
  `00:00:5e:00:0${family === 4 ? 1 : 2}:${vrid.toString(16).padStart(2, '0')}` as Mac

/** PRIORITY: what values mean beside 1..254 (RFC 9568 5.2.4): the owner of the addresses, and "I leave". */
export const PRIORITY = { owner: 255, leaving: 0 } as const

/** VrrpAuth of version 2: none (0), or a simple password (1; RFC 2338 5.3.6.2): 8 bytes, zeros behind a shorter one. */
export type VrrpAuth = { readonly type: 0 } | { readonly type: 1; readonly data: Uint8Array }

interface Advert {
  /** 1..255. */
  readonly vrid: number
  /** 0..255. */
  readonly priority: number
  /** 1..255 of them, all of one family: that of the IP header. */
  readonly addresses: readonly Ip[]
}
/** Vrrp3: `maxAdverCs` is Max Advertise Interval, 1..4095 hundredths of a second. */
export interface Vrrp3 extends Advert {
  readonly version: 3
  readonly maxAdverCs: number
}
/** Vrrp2: `adverS` is Adver Int, 1..255 seconds; addresses are IPv4. */
export interface Vrrp2 extends Advert {
  readonly version: 2
  readonly adverS: number
  readonly auth: VrrpAuth
}
export type Vrrp = Vrrp2 | Vrrp3

/** VrrpDefect: why bytes are no advert. */
export type VrrpDefect =
  | { readonly name: 'truncated'; readonly got: number; readonly needed: number }
  | { readonly name: 'version'; readonly got: number }
  | { readonly name: 'type'; readonly got: number }
  | { readonly name: 'checksum'; readonly got: number }
  | { readonly name: 'vrid'; readonly got: number }
  | { readonly name: 'count'; readonly got: number }
  | { readonly name: 'interval'; readonly got: number }
  | { readonly name: 'auth-type'; readonly got: number }

/** VrrpDecoded: an advert and what is behind it, or why there is none. */
export type VrrpDecoded =
  | {
      readonly kind: 'advert'
      readonly advert: Vrrp
      /** Which form of checksum it has; undefined where there is but one. */
      readonly form: VrrpChecksum | undefined
      readonly trailer: Uint8Array
    }
  | { readonly kind: 'defect'; readonly defect: VrrpDefect }

const ADVERTISEMENT = 1
const HEADER = 8
const AUTH = 8
const CHECKSUM_AT = 6

const addressSize = (ip: Ip): number => (isIp4(ip) ? 4 : 16)

const inRange = (what: string, value: number, first: number, last: number): void => {
  if (!Number.isInteger(value) || value < first || value > last)
    refuse('VRRP', `${what} ${value} is not ${first}..${last}`)
}

function checkAdvert(advert: Vrrp, { source, destination }: Ends): void {
  inRange('VRID', advert.vrid, 1, 255)
  inRange('priority', advert.priority, 0, 255)
  inRange('count of addresses', advert.addresses.length, 1, 255)
  if (advert.version === 3) inRange('interval', advert.maxAdverCs, 1, 4095)
  else {
    inRange('interval', advert.adverS, 1, 255)
    if (!isIp4(source)) refuse('VRRP', 'version 2 is for IPv4 only')
    if (advert.auth.type === 1) inRange('length of authentication data', advert.auth.data.length, AUTH, AUTH)
  }
  if ([destination, ...advert.addresses].some((ip) => isIp4(ip) !== isIp4(source)))
    refuse('VRRP', 'addresses of both families')
}

/**
 * encodeVrrp: an advert, with `trailer` behind it. `form` counts for version 3 over IPv4 alone. Throws PACKET_INVALID for
 * what cannot be said.
 */
export function encodeVrrp(
  advert: Vrrp,
  ends: Ends,
  form: VrrpChecksum = 'rfc5798',
  trailer: Uint8Array = new Uint8Array(0),
): Uint8Array {
  checkAdvert(advert, ends)
  const { version, vrid, priority, addresses } = advert
  const size = addressSize(ends.source)
  const end = HEADER + size * addresses.length + (version === 2 ? AUTH : 0)
  const bytes = new Uint8Array(end + trailer.length)
  const view = viewOf(bytes)
  bytes[0] = (version << 4) | ADVERTISEMENT
  bytes[1] = vrid
  bytes[2] = priority
  bytes[3] = addresses.length
  if (version === 3) view.setUint16(4, advert.maxAdverCs)
  else {
    bytes[4] = advert.auth.type
    bytes[5] = advert.adverS
    if (advert.auth.type === 1) bytes.set(advert.auth.data, end - AUTH)
  }
  for (const [index, ip] of addresses.entries()) {
    if (isIp4(ip)) view.setUint32(HEADER + 4 * index, ip)
    else bytes.set(ip6Bytes(ip), HEADER + 16 * index)
  }
  bytes.set(trailer, end)
  sealVrrp(bytes, ends, form)
  return bytes
}

/** sealVrrp writes the checksum over all of `bytes`, an encoded advert. Throws PACKET_INVALID for fewer than 8. */
export function sealVrrp(bytes: Uint8Array, ends: Ends, form: VrrpChecksum = 'rfc5798'): void {
  need(bytes, HEADER, 'VRRP')
  const view = viewOf(bytes)
  view.setUint16(CHECKSUM_AT, 0)
  view.setUint16(CHECKSUM_AT, vrrpChecksum(bytes, ends, form))
}

const defect = (found: VrrpDefect): VrrpDecoded => ({ kind: 'defect', defect: found })

/** decodeVrrp reads what an IP header with protocol 112 carries, all of it. It never throws. */
export function decodeVrrp(bytes: Uint8Array, ends: Ends): VrrpDecoded {
  const got = bytes.length
  if (got < HEADER) return defect({ name: 'truncated', got, needed: HEADER })
  const view = viewOf(bytes)
  const version = bytes[0]! >> 4
  const isV4 = isIp4(ends.source)
  if (version !== 3 && !(version === 2 && isV4)) return defect({ name: 'version', got: version })
  const type = bytes[0]! & 0xf
  if (type !== ADVERTISEMENT) return defect({ name: 'type', got: type })
  const count = bytes[3]!
  const size = isV4 ? 4 : 16
  const end = HEADER + size * count + (version === 2 ? AUTH : 0)
  if (got < end) return defect({ name: 'truncated', got, needed: end })
  const form = checksumFormOf(bytes, ends)
  if (form === undefined) return defect({ name: 'checksum', got: view.getUint16(CHECKSUM_AT) })
  const [vrid, priority] = [bytes[1]!, bytes[2]!]
  if (vrid === 0) return defect({ name: 'vrid', got: 0 })
  if (count === 0) return defect({ name: 'count', got: 0 })
  const addresses = Array.from({ length: count }, (_, index) => {
    const at = HEADER + size * index
    return isV4 ? (view.getUint32(at) as Ip4) : ip6FromBytes(bytes, at)
  })
  const trailer = bytes.subarray(end)
  if (version === 3) {
    // the four bits before it are reserved: ignored on receipt
    const maxAdverCs = view.getUint16(4) & 0xfff
    if (maxAdverCs === 0) return defect({ name: 'interval', got: 0 })
    const advert: Vrrp3 = { version, vrid, priority, addresses, maxAdverCs }
    return { kind: 'advert', advert, form: isV4 ? form : undefined, trailer }
  }
  const [authType, adverS] = [bytes[4]!, bytes[5]!]
  if (authType > 1) return defect({ name: 'auth-type', got: authType })
  if (adverS === 0) return defect({ name: 'interval', got: 0 })
  const auth: VrrpAuth = authType === 0 ? { type: 0 } : { type: 1, data: bytes.slice(end - AUTH, end) }
  return {
    kind: 'advert',
    advert: { version: 2, vrid, priority, addresses, adverS, auth },
    form: undefined,
    trailer,
  }
}

/** adverMs: an advert's interval in milliseconds. */
export const adverMs = (advert: Vrrp): number =>
  advert.version === 3 ? advert.maxAdverCs * 10 : advert.adverS * 1000
