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

/** MULTICAST: from here on no IPv4 address is a client's (RFC 1112 4, RFC 6890). */
const MULTICAST: Prefix = { address: tryIp4('224.0.0.0')!, length: 3 }

/** isMost: whether a network is so much of a family that whoever drops it drops clients as such: 7 bits or fewer. */
export const isMost = (prefix: Prefix): boolean => {
  if (isEverybody(prefix)) return true
  if (prefix.length > 7) return false
  return isIp4(prefix.address)
    ? !isIn(prefix.address, MULTICAST)
    : isIn(prefix.address, { address: GLOBAL, length: 3 })
}

/** ALL: the first address of a family that may be a client's, and the first behind those. */
const ALL = {
  32: [BigInt(tryIp4('1.0.0.0')!), BigInt(MULTICAST.address)],
  128: [GLOBAL, GLOBAL + (1n << 125n)],
} as const

/** coveredBy networks together: the family of which nobody is left; undefined: somebody of each is. */
export function coveredBy(prefixes: readonly Prefix[]): 4 | 6 | undefined {
  if (isCovered(prefixes, 32)) return 4
  return isCovered(prefixes, 128) ? 6 : undefined
}

function isCovered(prefixes: readonly Prefix[], bits: 32 | 128): boolean {
  const [first, end] = ALL[bits]
  const of = prefixes.filter(({ address }) => bitsOf(address) === bits)
  const sizeOf = ({ length }: Prefix) => 2 ** (bits - length)
  // lists are long, and hardly any is that much
  if (of.reduce((sum, each) => sum + sizeOf(each), 0) < Number(end - first)) return false
  const ranges = of.map((each): [bigint, bigint] => {
    const from = BigInt(each.address)
    return [from, from + (1n << BigInt(bits - each.length))]
  })
  let reached: bigint = first
  for (const [from, to] of ranges.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) {
    if (from > reached) break
    if (to > reached) reached = to
  }
  return reached >= end
}

/** formatPrefix writes 203.0.113.0/24; a whole address without its length. */
export const formatPrefix = ({ address, length }: Prefix): string =>
  length === bitsOf(address) ? formatIp(address) : `${formatIp(address)}/${length}`
