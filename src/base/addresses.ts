// Addresses as values. Ip4 is a 32-bit unsigned number, Ip6 a 128-bit bigint, both in host order, so that
// comparing and masking are plain arithmetic; typeof tells the families apart. Mac is its canonical text.
// Text forms: RFC 5952 for IPv6, colon-separated lower case for MAC. Zone identifiers are left out.

import { TenbinError } from './errors.ts'

declare const brand: unique symbol
export type Ip4 = number & { readonly [brand]: 'Ip4' }
export type Ip6 = bigint & { readonly [brand]: 'Ip6' }
export type Ip = Ip4 | Ip6
/** Mac: lower-case, colon-separated, 17 characters. */
export type Mac = string & { readonly [brand]: 'Mac' }
export type Protocol = 'tcp' | 'udp'

/** Endpoint: where a listener or a client is. Ports are 1..65535 in host order. */
export interface Endpoint {
  readonly address: Ip
  readonly port: number
}

export const isIp4 = (ip: Ip): ip is Ip4 => typeof ip === 'number'

/** tryIp4 reads dotted-quad text (no leading zeros: 010 means different things to different parsers). */
export function tryIp4(text: string): Ip4 | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  if (!match) return undefined
  let value = 0
  for (const part of match.slice(1)) {
    if (Number(part) > 255 || (part.length > 1 && part.startsWith('0'))) return undefined
    value = value * 256 + Number(part)
  }
  return value as Ip4
}

/** tryIp6 reads the text forms of RFC 4291 2.2, the one with a dotted quad at its end included. */
export function tryIp6(text: string): Ip6 | undefined {
  const quad = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  let plain = text
  if (quad) {
    const low = tryIp4(quad[2]!)
    if (low === undefined) return undefined
    plain = `${quad[1]}${(low >>> 16).toString(16)}:${(low & 0xffff).toString(16)}`
  }
  const halves = plain.split('::')
  if (halves.length > 2) return undefined
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')))
  const count = groups.reduce((sum, half) => sum + half.length, 0)
  if (halves.length === 2 ? count > 7 : count !== 8) return undefined
  if (!groups.flat().every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined
  const zeros = Array<string>(8 - count).fill('0')
  const all = halves.length === 2 ? [...groups[0]!, ...zeros, ...groups[1]!] : groups[0]!
  return all.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n) as Ip6
}

/** parseIp reads either family. Throws ADDRESS_INVALID. */
export function parseIp(text: string): Ip {
  const ip = tryIp4(text) ?? tryIp6(text)
  if (ip === undefined)
    throw new TenbinError('ADDRESS_INVALID', 'parse address', {
      detail: `"${text}" is not an IPv4 or IPv6 address`,
    })
  return ip
}

/** parseIp4 reads IPv4 only. Throws ADDRESS_INVALID. */
export function parseIp4(text: string): Ip4 {
  const ip = tryIp4(text)
  if (ip === undefined)
    throw new TenbinError('ADDRESS_INVALID', 'parse address', { detail: `"${text}" is not an IPv4 address` })
  return ip
}

/** formatIp writes IPv4 as a dotted quad and IPv6 as RFC 5952 has it. */
export function formatIp(ip: Ip): string {
  if (isIp4(ip)) return [24, 16, 8, 0].map((shift) => (ip >>> shift) & 0xff).join('.')
  const groups = Array.from({ length: 8 }, (_, i) => Number((ip >> BigInt(112 - 16 * i)) & 0xffffn))
  let best = { at: -1, length: 1 }
  for (let at = 0; at < 8; at++) {
    let length = 0
    while (at + length < 8 && groups[at + length] === 0) length++
    if (length > best.length) best = { at, length }
  }
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(':')
  return best.at < 0
    ? text(groups)
    : `${text(groups.slice(0, best.at))}::${text(groups.slice(best.at + best.length))}`
}

/** formatEndpoint writes 192.0.2.1:80 or [2001:db8::1]:80. */
export const formatEndpoint = ({ address, port }: Endpoint): string =>
  isIp4(address) ? `${formatIp(address)}:${port}` : `[${formatIp(address)}]:${port}`

/** tryEndpoint reads 192.0.2.1:80 or [2001:db8::1]:80; the port is 1..65535. */
export function tryEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([^\]]+)\]|([^[\]:]+)):([1-9]\d{0,4})$/.exec(text)
  if (!match) return undefined
  const address = match[1] === undefined ? tryIp4(match[2]!) : tryIp6(match[1])
  const port = Number(match[3])
  return address === undefined || port > 65535 ? undefined : { address, port }
}

/** Ports: an address and protocol with one port or a range of them; 1..65535 are all of them. */
export interface Ports extends Endpoint {
  readonly lastPort?: number
  readonly protocol: Protocol
}

/**
 * formatListener writes 192.0.2.1:80, 192.0.2.1:8000..8099, 192.0.2.1:*, and [2001:db8::1]:53/udp where the protocol
 * is not TCP.
 */
export function formatListener({ address, port, lastPort = port, protocol }: Ports): string {
  const ip = isIp4(address) ? formatIp(address) : `[${formatIp(address)}]`
  const ports = port === 1 && lastPort === 65_535 ? '*' : lastPort === port ? port : `${port}..${lastPort}`
  return `${ip}:${ports}${protocol === 'udp' ? '/udp' : ''}`
}

/** tryListener reads an endpoint with /tcp, /udp or nothing behind it, which is TCP. */
export function tryListener(text: string): (Endpoint & { readonly protocol: Protocol }) | undefined {
  const [, endpoint, protocol = 'tcp'] = /^(.*?)(?:\/(tcp|udp))?$/.exec(text) ?? []
  const read = endpoint === undefined ? undefined : tryEndpoint(endpoint)
  return read && { ...read, protocol: protocol as Protocol }
}

/** parseMac reads six hex octets separated by colons. Throws ADDRESS_INVALID. */
export function parseMac(text: string): Mac {
  if (!/^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/.test(text)) {
    throw new TenbinError('ADDRESS_INVALID', 'parse address', { detail: `"${text}" is not a MAC address` })
  }
  return text.toLowerCase() as Mac
}

/** macBytes: the six octets in wire order. */
export const macBytes = (mac: Mac): Uint8Array =>
  Uint8Array.from(mac.split(':'), (octet) => Number.parseInt(octet, 16))

/** macFromBytes reads six octets in wire order, from `offset`. */
export const macFromBytes = (bytes: Uint8Array, offset = 0): Mac =>
  Array.from(bytes.subarray(offset, offset + 6), (octet) => octet.toString(16).padStart(2, '0')).join(
    ':',
  ) as Mac
