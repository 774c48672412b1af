// DER, as much of it as certificates need, and writing only (X.690): every value is its tag, its length, its content, and
// values nest by being each other's content. Reading certificates is OpenSSL's work.

import { invariant } from '../base/errors.ts'

/** tagged: a value with this identifier octet. */
export function tagged(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(content)
  return Buffer.concat([Uint8Array.of(tag), lengthOf(body.length), body])
}

/** lengthOf: X.690 8.1.3, definite form: one octet up to 127, else their number and the octets. */
function lengthOf(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length)
  const octets: number[] = []
  for (let rest = length; rest > 0; rest >>>= 8) octets.unshift(rest & 0xff)
  return Uint8Array.of(0x80 | octets.length, ...octets)
}

export const sequence = (...parts: readonly Uint8Array[]): Uint8Array => tagged(0x30, ...parts)
export const set = (...parts: readonly Uint8Array[]): Uint8Array => tagged(0x31, ...parts)
export const octetString = (bytes: Uint8Array): Uint8Array => tagged(0x04, bytes)
export const utf8String = (text: string): Uint8Array => tagged(0x0c, Buffer.from(text, 'utf8'))
/** True; false is left out where it is the default, as DER wants it. */
export const booleanTrue = (): Uint8Array => tagged(0x01, Uint8Array.of(0xff))
/** explicit: a value within the context-specific tag `number` (0..30). */
export const explicit = (number: number, value: Uint8Array): Uint8Array => tagged(0xa0 | number, value)
/** implicit: content in place of a primitive value's own tag. */
export const implicit = (number: number, content: Uint8Array): Uint8Array => tagged(0x80 | number, content)

/** bitString: `unused` bits at the end of the last octet do not count. */
export const bitString = (bytes: Uint8Array, unused = 0): Uint8Array =>
  tagged(0x03, Uint8Array.of(unused), bytes)

/** positiveInteger: big-endian octets, which are made the shortest that are no negative number. */
export function positiveInteger(octets: Uint8Array): Uint8Array {
  const first = octets.findIndex((octet) => octet !== 0)
  const significant = first < 0 ? Uint8Array.of(0) : octets.subarray(first)
  return significant[0]! & 0x80 ? tagged(0x02, Uint8Array.of(0), significant) : tagged(0x02, significant)
}

/** objectIdentifier of its dotted form: X.690 8.19, seven bits an octet, the first two arcs in one. */
export function objectIdentifier(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...arcs] = dotted.split('.').map(Number)
  const octets = [40 * first + second, ...arcs].flatMap((arc) => {
    const groups = [arc & 0x7f]
    for (let rest = arc >>> 7; rest > 0; rest >>>= 7) groups.unshift(0x80 | (rest & 0x7f))
    return groups
  })
  return tagged(0x06, Uint8Array.from(octets))
}

/** time in whole seconds of UTC: UTCTime to the end of 2049, GeneralizedTime behind it (RFC 5280 4.1.2.5). */
export function time(at: Date): Uint8Array {
  const year = at.getUTCFullYear()
  invariant(year >= 1950 && year <= 9999, `a certificate cannot say ${at.toISOString()}`)
  const digits = at.toISOString().replace(/\.\d+Z$|[-:T]/g, '')
  return year < 2050
    ? tagged(0x17, Buffer.from(`${digits.slice(2)}Z`, 'ascii'))
    : tagged(0x18, Buffer.from(`${digits}Z`, 'ascii'))
}
