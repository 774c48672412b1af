// The adverts of a virtual router as bytes: what receive.ts reads on the other side. Pure. An instance wraps them into IP
// with TTL 255, from its primary address: to the group, or to each peer, whose trailers differ.

import { type Ip, isIp4 } from '../base/addresses.ts'
import { encodeVrrp, type Vrrp } from '../wire/vrrp.ts'
import type { VrrpChecksum } from '../wire/vrrp-checksum.ts'
import { encodeTrailer, type TrailerKey, type TrailerNumber } from '../wire/vrrp-trailer.ts'
import type { VirtualRouter } from './router.ts'

/** Sender: what this node's configuration says of the adverts that it sends. */
export interface Sender {
  readonly router: VirtualRouter
  readonly form: VrrpChecksum
  /** Version 2's, 8 bytes. */
  readonly password: Uint8Array | undefined
}

/** Signature: the key of trailers, and a number that this node has never used with it. */
export interface Signature {
  readonly key: TrailerKey
  readonly number: TrailerNumber
}

/** composeAdvert: what the IP packet to `destination` carries. Throws PACKET_INVALID for parameters that cannot be said. */
export function composeAdvert(
  { router, form, password }: Sender,
  priority: number,
  destination: Ip,
  signature?: Signature,
): Uint8Array {
  const advert = advertOf(router, priority, password)
  const ends = { source: router.primary, destination }
  const bare = encodeVrrp(advert, ends, form)
  if (signature === undefined) return bare
  return encodeVrrp(advert, ends, form, encodeTrailer(bare, ends, signature.key, signature.number))
}

/** advertOf: what a virtual router says with this priority. */
export function advertOf(router: VirtualRouter, priority: number, password?: Uint8Array): Vrrp {
  const { vrid, adverMs } = router
  const addresses = inOrder(router.addresses)
  if (router.version === 3) return { version: 3, vrid, priority, addresses, maxAdverCs: adverMs / 10 }
  const auth = password === undefined ? ({ type: 0 } as const) : ({ type: 1, data: password } as const)
  return { version: 2, vrid, priority, addresses, adverS: adverMs / 1000, auth }
}

/** inOrder: link-local ones first, as IPv6 has it (RFC 9568 5.2.9), else as they are. */
function inOrder(addresses: readonly Ip[]): readonly Ip[] {
  const isLinkLocal = (ip: Ip): boolean => !isIp4(ip) && ip >> 118n === 0x3fan
  return [...addresses.filter(isLinkLocal), ...addresses.filter((ip) => !isLinkLocal(ip))]
}

/** passwordBytes: a password as keepalived sends it: its first 8 bytes, zeros behind a shorter one. */
export function passwordBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(8)
  bytes.set(new TextEncoder().encode(text).subarray(0, 8))
  return bytes
}
