// Netlink attributes (struct nlattr, linux/netlink.h): type-length-value, padded to four bytes, nested at will.
// Encoding is concatenation; decoding gives a map from type to payload, and the readers below demand a payload
// that is long enough, so that no lying length can be read past. Numbers are in host order, which is little-endian
// on every machine that we run on. Left out: arrays of equal types (the last one wins, as in the kernel).
//
//   0        2        4
//   | length | type   | payload ... | padding to 4 |     length counts from 0 and leaves the padding out

import { type Ip, type Ip4, type Ip6, isIp4, type Mac, macBytes, macFromBytes } from '../base/addresses.ts'
import { invariant, TenbinError } from '../base/errors.ts'

const HEADER = 4
const NLA_F_NESTED = 1 << 15
/** NLA_TYPE_MASK leaves NLA_F_NESTED and NLA_F_NET_BYTEORDER out of a type. */
const NLA_TYPE_MASK = 0x3fff

/** Attributes: type (flags taken off) -> payload, a view into what was decoded. */
export type Attributes = ReadonlyMap<number, Buffer>

/** align4 rounds up to NLMSG_ALIGNTO and NLA_ALIGNTO, which are both 4. */
export const align4 = (length: number): number => (length + 3) & ~3

/** malformed makes the error of every decoder here. */
export const malformed = (what: string): TenbinError =>
  new TenbinError('NETLINK_MALFORMED', 'decode netlink message', { detail: what })

/** attribute: one encoded attribute with its padding. */
export function attribute(type: number, payload: Uint8Array): Buffer {
  const length = HEADER + payload.length
  invariant(length <= 0xffff, `netlink attribute ${type} of ${payload.length} bytes`)
  const bytes = Buffer.alloc(align4(length))
  bytes.writeUInt16LE(length, 0)
  bytes.writeUInt16LE(type, 2)
  bytes.set(payload, HEADER)
  return bytes
}

/** nested: an attribute that holds encoded attributes. */
export const nested = (type: number, ...children: readonly Uint8Array[]): Buffer =>
  attribute(type | NLA_F_NESTED, Buffer.concat(children))

/** u8Attribute: an unsigned byte. */
export const u8Attribute = (type: number, value: number): Buffer => attribute(type, Uint8Array.of(value))

/** u32Attribute: an unsigned number in host order. */
export function u32Attribute(type: number, value: number): Buffer {
  const payload = Buffer.alloc(4)
  payload.writeUInt32LE(value)
  return attribute(type, payload)
}

/** textAttribute: a string with its terminating zero. */
export const textAttribute = (type: number, text: string): Buffer => attribute(type, Buffer.from(`${text}\0`))

/** ipAttribute: 4 or 16 bytes in network order. */
export const ipAttribute = (type: number, ip: Ip): Buffer => attribute(type, ipBytes(ip))

/** macAttribute: six octets. */
export const macAttribute = (type: number, mac: Mac): Buffer => attribute(type, macBytes(mac))

/** ipBytes: an address in network order. */
export function ipBytes(ip: Ip): Buffer {
  if (!isIp4(ip)) return Buffer.from(ip.toString(16).padStart(32, '0'), 'hex')
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(ip)
  return bytes
}

/** decodeAttributes reads attributes up to the end of `bytes`. Throws NETLINK_MALFORMED. */
export function decodeAttributes(bytes: Buffer): Attributes {
  const attributes = new Map<number, Buffer>()
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < HEADER)
      throw malformed(`${bytes.length - at} bytes where an attribute should begin`)
    const length = bytes.readUInt16LE(at)
    if (length < HEADER || length > bytes.length - at)
      throw malformed(`an attribute of ${length} bytes where ${bytes.length - at} are left`)
    attributes.set(bytes.readUInt16LE(at + 2) & NLA_TYPE_MASK, bytes.subarray(at + HEADER, at + length))
    at += align4(length)
  }
  return attributes
}

function payload(attributes: Attributes, type: number, length: number): Buffer | undefined {
  const bytes = attributes.get(type)
  if (bytes && bytes.length < length)
    throw malformed(`attribute ${type} has ${bytes.length} bytes instead of ${length}`)
  return bytes
}

/** readU8: undefined where the attribute is absent. Throws NETLINK_MALFORMED where it is short. */
export const readU8 = (attributes: Attributes, type: number): number | undefined =>
  payload(attributes, type, 1)?.readUInt8()

/** readU32: as readU8. */
export const readU32 = (attributes: Attributes, type: number): number | undefined =>
  payload(attributes, type, 4)?.readUInt32LE()

/** readText: up to the first zero; undefined where absent. */
export function readText(attributes: Attributes, type: number): string | undefined {
  const bytes = attributes.get(type)
  if (!bytes) return undefined
  const end = bytes.indexOf(0)
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end)
}

/** readMac: undefined where absent, or where it is no Ethernet address (tunnels put their own kind there). */
export function readMac(attributes: Attributes, type: number): Mac | undefined {
  const bytes = attributes.get(type)
  return bytes?.length === 6 ? macFromBytes(bytes) : undefined
}

/** readIp: by its length; undefined where absent. Throws NETLINK_MALFORMED at any length but 4 and 16. */
export function readIp(attributes: Attributes, type: number): Ip | undefined {
  const bytes = attributes.get(type)
  return bytes && ipFromBytes(bytes)
}

/** ipFromBytes reads 4 or 16 bytes in network order. Throws NETLINK_MALFORMED at any other length. */
export function ipFromBytes(bytes: Buffer): Ip {
  if (bytes.length === 4) return bytes.readUInt32BE() as Ip4
  if (bytes.length === 16) return ((bytes.readBigUInt64BE(0) << 64n) | bytes.readBigUInt64BE(8)) as Ip6
  throw malformed(`an address of ${bytes.length} bytes`)
}

/** readNested: the attributes inside one; undefined where absent. Throws NETLINK_MALFORMED. */
export function readNested(attributes: Attributes, type: number): Attributes | undefined {
  const bytes = attributes.get(type)
  return bytes && decodeAttributes(bytes)
}
