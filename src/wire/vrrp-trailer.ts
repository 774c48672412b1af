// A trailer that proves who sent an advert and when: HMAC-SHA256 (RFC 2104) over the advert, the addresses of its IP
// header and a number that never comes twice. It is tenbin's own and goes only where every member of the virtual router
// is tenbin: others take an advert with a trailer for too long. The number has two parts, a boot counter that is kept on
// disk and a running sequence, so that a clock that was set back locks no node out.
//
//   0 magic "TBVR"   4 format (1)   5 key id   6 zero   8 boot counter   12 sequence (8 bytes)   20 HMAC-SHA256   52
//
// The MAC covers source and destination (16 bytes each; IPv4 as ::ffff:a.b.c.d), then the advert with a checksum of zero,
// then the trailer's first 20 bytes. The checksum is written last, over all. Replays: vrrp/replay-window.ts.

import { createHmac, timingSafeEqual } from 'node:crypto'
import { type Ip, type Ip6, isIp4 } from '../base/addresses.ts'
import { refuse, viewOf } from './decode.ts'
import { ip6Bytes } from './ipv6.ts'
import type { Ends } from './vrrp-checksum.ts'

/** TRAILER_BYTES: a trailer's length. */
export const TRAILER_BYTES = 52
/** KEY_BYTES: a key's least length, that of the hash (RFC 2104 3). */
export const KEY_BYTES = 32

const MAGIC = 0x54425652
const FORMAT = 1
const [HEAD_BYTES, CHECKSUM_AT] = [20, 6]

/** TrailerNumber: `boot` has 32 bits, `sequence` 64; both grow, the sequence from any start within a boot. */
export interface TrailerNumber {
  readonly boot: number
  readonly sequence: bigint
}

/** TrailerKey: `id` 0..255 tells keys apart while they are exchanged; `secret` has at least KEY_BYTES. */
export interface TrailerKey {
  readonly id: number
  readonly secret: Uint8Array
}

/** TrailerDefect: why a trailer proves nothing. */
export type TrailerDefect =
  | { readonly name: 'trailer-missing' }
  | { readonly name: 'trailer-format' }
  | { readonly name: 'trailer-key'; readonly got: number }
  | { readonly name: 'trailer-mac' }

export type TrailerChecked =
  | { readonly kind: 'proved'; readonly keyId: number; readonly number: TrailerNumber }
  | { readonly kind: 'defect'; readonly defect: TrailerDefect }

const mapped = (ip: Ip): Uint8Array => ip6Bytes(isIp4(ip) ? (((0xffffn << 32n) | BigInt(ip)) as Ip6) : ip)

function macOf(secret: Uint8Array, advert: Uint8Array, head: Uint8Array, ends: Ends): Buffer {
  const hmac = createHmac('sha256', secret).update(mapped(ends.source)).update(mapped(ends.destination))
  hmac
    .update(advert.subarray(0, CHECKSUM_AT))
    .update(new Uint8Array(2))
    .update(advert.subarray(CHECKSUM_AT + 2))
  return hmac.update(head).digest()
}

/** encodeTrailer: for `advert`, an encoded one without trailer; the checksum is written afterwards, over both. */
export function encodeTrailer(
  advert: Uint8Array,
  ends: Ends,
  key: TrailerKey,
  { boot, sequence }: TrailerNumber,
): Uint8Array {
  if (key.secret.length < KEY_BYTES) refuse('VRRP trailer', `key of ${key.secret.length} bytes`)
  const bytes = new Uint8Array(TRAILER_BYTES)
  const view = viewOf(bytes)
  view.setUint32(0, MAGIC)
  bytes[4] = FORMAT
  bytes[5] = key.id
  view.setUint32(8, boot)
  view.setBigUint64(12, sequence)
  bytes.set(macOf(key.secret, advert, bytes.subarray(0, HEAD_BYTES), ends), HEAD_BYTES)
  return bytes
}

const defect = (found: TrailerDefect): TrailerChecked => ({ kind: 'defect', defect: found })

/** checkTrailer: `bytes` are an advert and, from `end` on, its trailer. It compares in constant time, and never throws. */
export function checkTrailer(
  bytes: Uint8Array,
  end: number,
  ends: Ends,
  keys: readonly TrailerKey[],
): TrailerChecked {
  const trailer = bytes.subarray(end)
  if (trailer.length === 0) return defect({ name: 'trailer-missing' })
  if (trailer.length !== TRAILER_BYTES) return defect({ name: 'trailer-format' })
  const view = viewOf(trailer)
  if (view.getUint32(0) !== MAGIC || trailer[4] !== FORMAT || view.getUint16(6) !== 0)
    return defect({ name: 'trailer-format' })
  const keyId = trailer[5]!
  const key = keys.find(({ id }) => id === keyId)
  if (key === undefined) return defect({ name: 'trailer-key', got: keyId })
  const expected = macOf(key.secret, bytes.subarray(0, end), trailer.subarray(0, HEAD_BYTES), ends)
  if (!timingSafeEqual(expected, trailer.subarray(HEAD_BYTES))) return defect({ name: 'trailer-mac' })
  return { kind: 'proved', keyId, number: { boot: view.getUint32(8), sequence: view.getBigUint64(12) } }
}
