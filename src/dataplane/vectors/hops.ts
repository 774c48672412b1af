// TTL and header checksum: what leaves is one hop on, and its checksum is what RFC 1624 makes of it.

import { checksum, foldSum } from '../../wire/checksum.ts'
import { forwards, frameOf, keeps, type Vector } from './vector.ts'

/** What the checksum of the SYN is while its identification is 0. */
const plain = checksum(frameOf({ ip: { checksum: 0 } }).subarray(14, 34))
/** The identification that makes the SYN's sound checksum `wanted`: sums are ones' complement, 0xffff is 0. */
const identificationFor = (wanted: number): number => foldSum((~wanted & 0xffff) + plain) % 0xffff

/** A header that is sound with checksum `before`; adding 0x0100 end-around gives `after`. */
const sound = (why: string, before: number, after: number): Vector =>
  forwards(
    `a sound checksum 0x${before.toString(16)}: ${why}`,
    { ip: { identification: identificationFor(before), checksum: before } },
    { leaves: { checksum: after } },
  )

/** A checksum that is wrong stays wrong by the same difference: nothing is mended on the way. */
const wrong = (before: number, after: number): Vector =>
  forwards(
    `a wrong checksum 0x${before.toString(16)}`,
    { ip: { checksum: before } },
    { leaves: { checksum: after } },
  )

/** hopVectors. */
export const hopVectors: readonly Vector[] = [
  ...[2, 3, 63, 64, 65, 127, 128, 129, 254, 255].map((ttl) => forwards(`TTL ${ttl}`, { ip: { ttl } })),
  keeps('no-listener', 'TTL 1 to nobody', { ip: { ttl: 1, destination: '192.0.2.99' } }),
  keeps('no-listener', 'TTL 0 to nobody’s port', { ip: { ttl: 0 }, tcp: { destination: 81 } }),

  sound('an ordinary one', 0x1234, 0x1334),
  sound('zero', 0x0000, 0x0100),
  sound('it becomes zero, and not the negative zero of RFC 1141', 0xfeff, 0x0000),
  sound('the last before that', 0xfefe, 0xfffe),
  sound('a carry out of the top', 0xff00, 0x0001),
  sound('a carry that goes on into the upper octet', 0xfffe, 0x00ff),
  sound('a carry, one further', 0xff01, 0x0002),
  sound('the low octet full', 0x00ff, 0x01ff),
  sound('the sign bit is reached', 0x7fff, 0x80ff),
  wrong(0xffff, 0x0100),
  wrong(0xdead, 0xdfad),
  wrong(0xfeff, 0x0000),
  wrong(0xff80, 0x0081),
]
