// Addresses that a machine can have, as the file writes them: what is no address, or nobody's, is a finding.

import { type Ip, type Ip6, isIp4, tryIp4, tryIp6 } from '../base/addresses.ts'
import { describe } from './check-shape.ts'
import type { Findings } from './findings.ts'
import type { Place } from './source.ts'
import type { ServiceAddress } from './state.ts'

/** hostAddress: an address that a machine can have; otherwise a finding. `mayBeLinkLocal`: where the link is known. */
export function hostAddress(
  text: string,
  place: Place,
  findings: Findings,
  mayBeLinkLocal = false,
): Ip | undefined {
  const address = tryIp4(text) ?? tryIp6(text)
  if (address === undefined) {
    findings.add(place, `${describe(text)} is not an address such as 192.168.8.2 or 2001:db8::2`)
    return undefined
  }
  const why = mayBeLinkLocal && isLinkLocal(address) ? undefined : unusable(address)
  if (why !== undefined) findings.add(place, `${text} is ${why}: no machine can have it here`)
  return why === undefined ? address : undefined
}

/** isLinkLocal: of IPv6 (RFC 4291 2.5.6). */
export const isLinkLocal = (address: Ip): boolean => !isIp4(address) && address >> 118n === 0x3fan

/** unusable: why an address is no machine's on a network (RFC 6890, RFC 4291), if it is not. */
export function unusable(address: Ip): string | undefined {
  if (!isIp4(address)) return unusable6(address)
  const high = address >>> 24
  if (high === 0) return 'in 0.0.0.0/8, "this network"'
  if (high === 127) return 'a loopback address'
  if (address === 0xffffffff) return 'the broadcast address'
  if (high >= 240) return 'in the reserved 240.0.0.0/4'
  return high >= 224 ? 'a multicast address' : undefined
}

function unusable6(address: Ip6): string | undefined {
  if (address === 0n) return 'the unspecified address'
  if (address === 1n) return 'the loopback address'
  if (address >> 120n === 0xffn) return 'a multicast address'
  if (isLinkLocal(address)) return 'a link-local address, which needs an interface beside it'
  return address >> 32n === 0xffffn ? 'an IPv4 address in IPv6 clothes' : undefined
}

/** endOf: whether an address stands for a network itself, or for all of it; /31 and /32 have neither (RFC 3021), nor has IPv6. */
export function endOf(address: Ip, prefix: number): 'network' | 'broadcast' | undefined {
  if (!isIp4(address) || prefix > 30) return undefined
  const last = 0xffffffff >>> prefix
  const host = (address & last) >>> 0
  return host === 0 ? 'network' : host === last ? 'broadcast' : undefined
}

/** prefixedAddress reads `192.168.8.100/24`; without a length it is the whole address. Otherwise a finding. */
export function prefixedAddress(
  text: string,
  place: Place,
  findings: Findings,
  mayBeLinkLocal: boolean,
): ServiceAddress | undefined {
  const [ip, length, more] = text.split('/')
  const address = hostAddress(ip!, place, findings, mayBeLinkLocal)
  if (address === undefined) return undefined
  const [bits, usual] = isIp4(address) ? [32, 24] : [128, 64]
  if (length === undefined) return { address, prefix: bits }
  const prefix = Number(length)
  if (more !== undefined || !/^\d{1,3}$/.test(length) || prefix < 1 || prefix > bits) {
    findings.add(place, `${describe(text)} has no prefix length from 1 to ${bits}: write ${ip}/${usual}`)
    return undefined
  }
  const end = endOf(address, prefix)
  if (end) {
    findings.add(place, `${ip} is the ${end} address of its own /${prefix}: no machine can have it`)
    return undefined
  }
  return { address, prefix }
}
