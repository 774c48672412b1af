// Extension headers of IPv6 (RFC 8200 4): hop-by-hop options, routing, destination options, the authentication
// header (RFC 4302 2), and fragments. What they carry stays bytes: all that matters here is what comes next and how
// far it is. ESP hides what it carries and is left out.
//
//   0 next header  1 length  2 ...            a fragment: 0 next header  1 reserved  2 offset|M  4 identification

import { type Decoded, need, viewOf } from './decode.ts'
import { ipv6Next } from './ipv6.ts'

/** ExtensionKind: the number of an extension header that has a length. */
export type ExtensionKind =
  | typeof ipv6Next.HOPOPTS
  | typeof ipv6Next.ROUTING
  | typeof ipv6Next.AH
  | typeof ipv6Next.DSTOPTS

/** Extension: a header as on the wire. */
export interface Extension {
  readonly nextHeader: number
  /** In the kind's units: 8 bytes less the first 8; for an authentication header 4 bytes less the first 8. */
  readonly length: number
  /** What is behind these two, in an honest header up to the length's end. */
  readonly body: Uint8Array
}

/** Fragment: a fragment header as on the wire; `offset` in units of 8 bytes. */
export interface Fragment {
  readonly nextHeader: number
  /** The second byte. */
  readonly reserved: number
  readonly offset: number
  /** 0..3: the two bits between offset and M. */
  readonly reservedBits: number
  readonly more: boolean
  readonly identification: number
}

/** extensionUnit: what one of `length` means in bytes. */
export const extensionUnit = (kind: ExtensionKind): number => (kind === ipv6Next.AH ? 4 : 8)

/** encodeExtension: two bytes and the body, whatever `length` says. */
export function encodeExtension(header: Extension): Uint8Array {
  const bytes = new Uint8Array(2 + header.body.length)
  bytes[0] = header.nextHeader
  bytes[1] = header.length
  bytes.set(header.body, 2)
  return bytes
}

/** decodeExtension reads a header of this kind. Throws PACKET_INVALID. */
export function decodeExtension(kind: ExtensionKind, bytes: Uint8Array): Decoded<Extension> {
  need(bytes, 8, 'IPv6 extension')
  const size = 8 + extensionUnit(kind) * bytes[1]!
  need(bytes, size, 'IPv6 extension')
  const header = { nextHeader: bytes[0]!, length: bytes[1]!, body: bytes.subarray(2, size) }
  return { header, payload: bytes.subarray(size) }
}

/** encodeFragment: 8 bytes. */
export function encodeFragment(header: Fragment): Uint8Array {
  const bytes = new Uint8Array(8)
  const view = viewOf(bytes)
  bytes[0] = header.nextHeader
  bytes[1] = header.reserved
  view.setUint16(2, (header.offset << 3) | (header.reservedBits << 1) | (header.more ? 1 : 0))
  view.setUint32(4, header.identification)
  return bytes
}

/** decodeFragment reads a fragment header. Throws PACKET_INVALID. */
export function decodeFragment(bytes: Uint8Array): Decoded<Fragment> {
  need(bytes, 8, 'IPv6 fragment')
  const view = viewOf(bytes)
  const word = view.getUint16(2)
  const header = {
    nextHeader: bytes[0]!,
    reserved: bytes[1]!,
    offset: word >> 3,
    reservedBits: (word >> 1) & 3,
    more: (word & 1) !== 0,
    identification: view.getUint32(4),
  }
  return { header, payload: bytes.subarray(8) }
}
