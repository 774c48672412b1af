// Frames of every length, and total lengths that lie.

import { ipProtocol } from '../../wire/ipv4.ts'
import { cut, forwards, frameOf, keeps, type Vector } from './vector.ts'

const elsewhere = { ip: { destination: '192.0.2.99' } }
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** A SYN, padded to 60 bytes, then cut. */
function synOf(length: number): Vector {
  const name = `a SYN of ${length} bytes`
  if (length < 34) return keeps('short', name, cut(frameOf({}), length))
  if (length < 54) return keeps('truncated', name, cut(frameOf({}), length))
  return forwards(name, { trailer: new Uint8Array(length - 54) })
}

const lying = (totalLength: number) => ({ ip: { totalLength } })
const badLength = (totalLength: number, length = 54) =>
  keeps('bad-length', `total length ${totalLength} in ${length} bytes`, {
    ...lying(totalLength),
    trailer: new Uint8Array(length - 54),
  })
const segment = (length: number, totalLength: number) => ({
  ...lying(totalLength),
  payload: new Uint8Array(length - 54).fill(0x61),
})

/** lengthVectors: every frame length, lengths that lie. */
export const lengthVectors: readonly Vector[] = [
  ...range(0, 60).map(synOf),
  ...range(34, 53).map((length) =>
    keeps('no-listener', `a SYN to nobody of ${length} bytes`, cut(frameOf(elsewhere), length)),
  ),
  keeps('short', 'a UDP datagram of 33 bytes', cut(frameOf({ ip: { protocol: ipProtocol.UDP } }), 33)),
  keeps(
    'other-protocol',
    'a UDP datagram of 34 bytes',
    cut(frameOf({ ip: { protocol: ipProtocol.UDP } }), 34),
  ),
  keeps('not-ip', 'an IPv6 type in 34 bytes', cut(frameOf({ ether: { type: 0x86dd } }), 34)),
  keeps('short', 'an IPv6 type in 33 bytes', cut(frameOf({ ether: { type: 0x86dd } }), 33)),

  ...[0, 1, 19, 20, 28, 39].map((totalLength) => badLength(totalLength)),
  ...[41, 255, 256, 1_500, 0x2800, 65_535].map((totalLength) => badLength(totalLength)),
  badLength(39, 60),
  badLength(47, 60),
  badLength(0, 60),
  forwards('total length 46 in 60 bytes: all that there is', segment(60, 46)),
  forwards('total length 45 in 60 bytes: one byte of trailer', segment(60, 45)),
  forwards('total length 40 in 1,514 bytes', segment(1_514, 40)),
  forwards('total length 1,500 in 1,514 bytes', segment(1_514, 1_500)),
  keeps('bad-length', 'total length 1,501 in 1,514 bytes', segment(1_514, 1_501)),
  forwards('total length 255 in 269 bytes: the low octet alone', segment(269, 255)),
  forwards('total length 256 in 270 bytes: the high octet alone', segment(270, 256)),
  keeps('bad-length', 'total length 256 in 269 bytes', segment(269, 256)),
  keeps('no-listener', 'a total length that lies to nobody', {
    ip: { destination: '192.0.2.99', totalLength: 9 },
  }),
  keeps('no-listener', 'a total length that lies to a port that is nobody’s', {
    ip: { totalLength: 9 },
    tcp: { destination: 81 },
  }),
]
