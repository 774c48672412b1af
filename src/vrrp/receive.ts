// Whether a packet that came in is an advert that counts for a virtual router: RFC 9568 7.1 and RFC 3768 7.1, check by
// check, each failure by its name. Its idea: what the RFC wants discarded is refused, what it wants logged is remarked on
// and counts all the same; above all a list of other addresses, since a node that did not count the adverts of a peer with
// another file would become active beside it. Pure. Which virtual router a packet is for is the caller's to know (vridOf).

import { timingSafeEqual } from 'node:crypto'
import type { Ip } from '../base/addresses.ts'
import { adverMs, decodeVrrp, PRIORITY, VRRP_TTL, type Vrrp } from '../wire/vrrp.ts'
import type { VrrpChecksum } from '../wire/vrrp-checksum.ts'
import { checkTrailer, type TrailerKey } from '../wire/vrrp-trailer.ts'
import type { Heard } from './event.ts'
import type { Refusal, Remark } from './finding.ts'
import { admit, type ReplayWindow } from './replay-window.ts'
import { isOwner, type VirtualRouter } from './router.ts'

/** Expectation: what this node's configuration says of adverts that it may hear for a virtual router. */
export interface Expectation {
  readonly router: VirtualRouter
  /** Unicast: who may speak. Undefined: multicast, anybody on the link. */
  readonly peers: readonly Ip[] | undefined
  /** The least TTL or hop limit; less than 255 only where unicast peers are behind routers. */
  readonly minTtl: number
  /** Version 2's password, 8 bytes. */
  readonly password: Uint8Array | undefined
  /** The form of checksum that this node sends. */
  readonly form: VrrpChecksum
  /** Keys of trailers; none: trailers are not asked for. */
  readonly keys: readonly TrailerKey[]
}

/** MULTICAST: an expectation's usual part. */
export const MULTICAST: Omit<Expectation, 'router'> = {
  peers: undefined,
  minTtl: VRRP_TTL,
  password: undefined,
  form: 'rfc5798',
  keys: [],
}

/** Received: an IP packet of protocol 112; `bytes` is what its header carries. */
export interface Received {
  readonly source: Ip
  readonly destination: Ip
  readonly ttl: number
  readonly bytes: Uint8Array
}

/** Windows: the replay window of each sender; peers alone can make one, since a MAC must be right first. */
export type Windows = ReadonlyMap<Ip, ReplayWindow>

export type Judged =
  | {
      readonly kind: 'counts'
      readonly heard: Heard
      readonly remarks: readonly Remark[]
      readonly windows: Windows
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

/** vridOf: the VRID that a packet says; undefined if it is too short to say one. */
export const vridOf = (bytes: Uint8Array): number | undefined => bytes[1]

/** judge: never throws. */
export function judge(expected: Expectation, windows: Windows, received: Received): Judged {
  const { router, peers, minTtl, keys } = expected
  const { source, ttl, bytes } = received
  if (source === router.primary) return refused({ name: 'own-address' })
  if (peers !== undefined && !peers.includes(source)) return refused({ name: 'stranger' })
  if (ttl < minTtl) return refused({ name: 'ttl', got: ttl, expected: minTtl })
  const decoded = decodeVrrp(bytes, received)
  if (decoded.kind === 'defect') return refused(decoded.defect)
  const { advert, form, trailer } = decoded
  const refusal = refusalOf(expected, advert)
  if (refusal) return refused(refusal)

  let after = windows
  if (keys.length > 0) {
    const checked = checkTrailer(bytes, bytes.length - trailer.length, received, keys)
    if (checked.kind === 'defect') return refused(checked.defect)
    const admitted = admit(windows.get(source), checked.number)
    if (admitted.kind === 'old-boot')
      return refused({ name: 'trailer-old-boot', got: checked.number.boot, expected: admitted.heard })
    if (admitted.kind !== 'new') return refused({ name: 'trailer-replayed', why: admitted.kind })
    after = new Map(windows).set(source, admitted.window)
  }
  const remarks = remarksOf(expected, advert, form)
  if (keys.length === 0 && trailer.length > 0) remarks.push({ name: 'trailer-unexpected' })
  const heard = { from: source, priority: advert.priority, adverMs: adverMs(advert) }
  return { kind: 'counts', heard, remarks, windows: after }
}

const refused = (refusal: Refusal): Judged => ({ kind: 'refused', refusal })

function refusalOf({ router, password }: Expectation, advert: Vrrp): Refusal | undefined {
  if (advert.version !== router.version)
    return { name: 'version-mismatch', got: advert.version, expected: router.version }
  if (advert.vrid !== router.vrid) return { name: 'vrid-mismatch', got: advert.vrid, expected: router.vrid }
  if (advert.version === 3) return undefined
  const { auth } = advert
  const type = password === undefined ? 0 : 1
  if (auth.type !== type) return { name: 'auth-mismatch', got: auth.type, expected: type }
  if (auth.type === 1 && password && !timingSafeEqual(auth.data, password)) return { name: 'password' }
  const ms = adverMs(advert)
  return ms === router.adverMs ? undefined : { name: 'interval-mismatch', got: ms, expected: router.adverMs }
}

function remarksOf({ router, form }: Expectation, advert: Vrrp, got: VrrpChecksum | undefined): Remark[] {
  const remarks: Remark[] = []
  const ms = adverMs(advert)
  if (ms !== router.adverMs) remarks.push({ name: 'interval-differs', got: ms, expected: router.adverMs })
  if (isOwner(router) && advert.priority === PRIORITY.owner) remarks.push({ name: 'two-owners' })
  if (got !== undefined && got !== form) remarks.push({ name: 'checksum-form', got, expected: form })
  const ours = new Set(router.addresses)
  const { addresses } = advert
  const shared = addresses.filter((ip) => ours.has(ip)).length
  if (shared === 0) remarks.push({ name: 'vrid-clash', addresses })
  else if (shared < ours.size || shared < addresses.length)
    remarks.push({ name: 'addresses-differ', addresses })
  return remarks
}
