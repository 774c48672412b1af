// Prefixes: networks of addresses, `203.0.113.0/24` or `2001:db8::/32`; a bare address is its whole length. The bits behind
// the length are zero, so that two prefixes are the same network exactly when they are equal.

import { formatIp, type Ip, type Ip4, type Ip6, isIp4, tryIp4, tryIp6 } from './addresses.ts'

/** Prefix: `length` leading bits of `address` are the network: 0..32 or 0..128; the others are zero. */
export interface Prefix {
  readonly address: Ip
  readonly length: number
}

/** bitsOf an address: how many it has, 32 or 128. */
export const bitsOf = (address: Ip): 32 | 128 => (isIp4(address) ? 32 : 128)

/** prefixOf: the network of so many leading bits that an address is in. */
export function prefixOf(address: Ip, length: number): Prefix {
  if (isIp4(address)) {
    const mask = length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0
    return { address: ((address & mask) >>> 0) as Ip4, length }
  }
  const host = BigInt(128 - length)
  return { address: ((address >> host) << host) as Ip6, length }
}

/** tryPrefix reads a prefix; undefined: it is none. `isExact` is false where bits behind the length are set. */
export function tryPrefix(text: string): (Prefix & { readonly isExact: boolean }) | undefined {
  const [ip, length, more] = text.split('/')
  const address = tryIp4(ip!) ?? tryIp6(ip!)
  if (address === undefined || more !== undefined) return undefined
  const bits = bitsOf(address)
  if (length === undefined) return { address, length: bits, isExact: true }
  if (!/^(0|[1-9]\d{0,2})$/.test(length) || Number(length) > bits) return undefined
  const prefix = prefixOf(address, Number(length))
  return { ...prefix, isExact: prefix.address === address }
}

/** isIn: whether an address is in a network. */
export const isIn = (address: Ip, prefix: Prefix): boolean =>
  isIp4(address) === isIp4(prefix.address) && prefixOf(address, prefix.length).address === prefix.address

/** GLOBAL: all of IPv6 that is routed (RFC 4291 2.4: 2000::/3). */
const GLOBAL = tryIp6('2000::')!

/** isEverybody: whether a network is all of a family: a list of it would be of no use, or the end of the service. */
export const isEverybody = (prefix: Prefix): boolean =>
  prefix.length === 0 || (prefix.length <= 3 && isIn(GLOBAL, prefix))

/** formatPrefix writes 203.0.113.0/24; a whole address without its length. */
export const formatPrefix = ({ address, length }: Prefix): string =>
  length === bitsOf(address) ? formatIp(address) : `${formatIp(address)}/${length}`
