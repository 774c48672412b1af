// The checksum of VRRP. Version 2 sums the message alone (RFC 3768 5.3.8), version 3 over IPv6 with the pseudo-header of
// RFC 8200 8.1. Version 3 over IPv4 exists in two forms: RFC 5798 was read as asking for a pseudo-header, which is what
// keepalived sends and demands, RFC 9568 5.2.8 says without. One advert is accepted in either form. All bytes of the IP
// payload count, those behind the addresses too.

import { type Ip, isIp4 } from '../base/addresses.ts'
import { checksum, pseudoHeaderSum, sumWords } from './checksum.ts'
import { ipProtocol } from './ipv4.ts'

/** VrrpChecksum: `rfc5798` with a pseudo-header over IPv4, `rfc9568` without. */
export type VrrpChecksum = 'rfc5798' | 'rfc9568'

/** Ends: the addresses of the IP header around an advert, both of one family. */
export interface Ends {
  readonly source: Ip
  readonly destination: Ip
}

const pseudoHeader = ({ source, destination }: Ends, length: number): number =>
  pseudoHeaderSum(source, destination, ipProtocol.VRRP, length)

const versionOf = (bytes: Uint8Array): number => bytes[0]! >> 4

/** vrrpChecksum: what goes into the field, which is zero in `bytes`. */
export function vrrpChecksum(bytes: Uint8Array, ends: Ends, form: VrrpChecksum): number {
  const hasPseudoHeader = versionOf(bytes) === 3 && (form === 'rfc5798' || !isIp4(ends.source))
  return checksum(bytes, hasPseudoHeader ? pseudoHeader(ends, bytes.length) : 0)
}

/** checksumFormOf: the form in which the checksum is right, `rfc5798` where both are the same; undefined: in none. */
export function checksumFormOf(bytes: Uint8Array, ends: Ends): VrrpChecksum | undefined {
  const isRight = (start: number): boolean => sumWords(bytes, start) === 0xffff
  if (versionOf(bytes) === 3 && isRight(pseudoHeader(ends, bytes.length))) return 'rfc5798'
  if (versionOf(bytes) === 3 && !isIp4(ends.source)) return undefined
  return isRight(0) ? 'rfc9568' : undefined
}
