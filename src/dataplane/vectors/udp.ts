// UDP over IPv4: what its header needs, what in it nobody checks, and its listeners beside TCP's.

import { cut, forwards, frameOf, keeps, type Parts, type Vector } from './vector.ts'

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const zeros = (length: number) => new Uint8Array(length)
const datagram = (parts: Parts = {}): Parts => ({ udp: {}, ...parts })
const on = { fixture: 'udp' } as const
const elsewhere = { destination: '192.0.2.99' }

/** A question for the A record of www.example.com (RFC 1035 4.1). */
const question = Uint8Array.from([
  0x12,
  0x34,
  1,
  0,
  0,
  1,
  0,
  0,
  0,
  0,
  0,
  0,
  ...[3, 119, 119, 119, 7, 101, 120, 97, 109, 112, 108, 101, 3, 99, 111, 109, 0],
  ...[0, 1, 0, 1],
])

/** A datagram without payload, padded to 60 bytes, then cut. */
function emptyOf(length: number): Vector {
  const name = `an empty UDP datagram in ${length} bytes`
  const frame = cut(frameOf(datagram()), length)
  if (length < 34) return keeps('short', name, frame, 'udp')
  if (length < 42) return keeps('truncated', name, frame, 'udp')
  return forwards(name, datagram({ trailer: zeros(length - 42) }), on)
}

/** A header of so many words, UDP behind it. */
function options(ihl: number): readonly Vector[] {
  const ip = { options: zeros(4 * (ihl - 5)).fill(1) }
  const frame = frameOf(datagram({ ip }))
  return [
    forwards(`UDP, IHL ${ihl}`, datagram({ ip, payload: 'x' }), on),
    forwards(`UDP, IHL ${ihl}, the frame ends with its header`, datagram({ ip }), on),
    keeps('truncated', `UDP, IHL ${ihl}, one byte less`, cut(frame, frame.length - 1), 'udp'),
    keeps(
      'bad-length',
      `UDP, IHL ${ihl}, a total length one byte short of its header`,
      datagram({ ip: { ...ip, totalLength: 4 * ihl + 7 }, payload: 'x' }),
      'udp',
    ),
  ]
}

/** udpVectors: one listener, of UDP. */
export const udpVectors: readonly Vector[] = [
  ...range(0, 60).map(emptyOf),
  ...range(34, 41).map((length) =>
    keeps(
      'no-listener',
      `an empty UDP datagram to nobody in ${length} bytes`,
      cut(frameOf(datagram({ ip: elsewhere })), length),
      'udp',
    ),
  ),
  forwards('a question to a name server', datagram({ payload: question }), on),
  forwards('one byte of UDP payload', datagram({ payload: 'x' }), on),
  forwards('a full datagram', datagram({ payload: zeros(1_472).fill(0x5a) }), on),
  forwards('3,000 bytes of UDP', datagram({ payload: zeros(2_958).fill(0xa5) }), on),
  forwards('a jumbo shape and a question', datagram({ payload: question }), { fixture: 'udp-jumbo' }),
  forwards('a jumbo shape and an empty datagram', datagram(), { fixture: 'udp-jumbo' }),
  forwards('a jumbo shape and 9,014 bytes of UDP', datagram({ payload: zeros(8_972).fill(3) }), {
    fixture: 'udp-jumbo',
  }),
  keeps('truncated', 'a jumbo shape and a cut datagram', cut(frameOf(datagram()), 41), 'udp-jumbo'),

  // the length in UDP's own header and its checksum are the server's to judge
  ...[0, 1, 7, 8, 9, 39, 65_535].map((length) =>
    forwards(
      `a UDP length of ${length} before 30 bytes`,
      datagram({ udp: { length }, payload: zeros(30) }),
      on,
    ),
  ),
  ...[0, 7, 9, 65_535].map((length) =>
    forwards(`a UDP length of ${length} before nothing`, datagram({ udp: { length } }), on),
  ),
  ...[0, 1, 0xffff].map((checksum) =>
    forwards(`a UDP checksum of ${checksum}`, datagram({ udp: { checksum }, payload: 'abc' }), on),
  ),

  ...[0, 1, 53, 0x3500, 65_535].map((source) =>
    forwards(`UDP from port ${source}`, datagram({ udp: { source } }), on),
  ),
  ...[0, 52, 54, 0x3500, 80, 65_535].map((destination) =>
    keeps('no-listener', `UDP to port ${destination}`, datagram({ udp: { destination } }), 'udp'),
  ),
  keeps(
    'no-listener',
    'UDP to port 0 from the listener’s',
    datagram({ udp: { source: 53, destination: 0 } }),
    'udp',
  ),
  ...['192.0.2.11', '10.2.0.192', '224.0.0.251', '255.255.255.255', '0.0.0.0'].map((destination) =>
    keeps('no-listener', `UDP to ${destination}`, datagram({ ip: { destination } }), 'udp'),
  ),

  ...[0, 1, 19, 20, 27].map((totalLength) =>
    keeps(
      'bad-length',
      `UDP, total length ${totalLength}`,
      datagram({ ip: { totalLength }, payload: 'x' }),
      'udp',
    ),
  ),
  ...[28, 29].map((totalLength) =>
    forwards(`UDP, total length ${totalLength} of 30`, datagram({ ip: { totalLength }, payload: 'xy' }), on),
  ),
  ...[31, 32, 0x1e00, 65_535].map((totalLength) =>
    keeps(
      'bad-length',
      `UDP, total length ${totalLength} of 30`,
      datagram({ ip: { totalLength }, payload: 'xy' }),
      'udp',
    ),
  ),
  ...[6, 7, 10, 15].flatMap(options),
  ...[2, 3, 128, 255].map((ttl) => forwards(`UDP, TTL ${ttl}`, datagram({ ip: { ttl } }), on)),
  keeps('no-server', 'UDP where nobody is in the slots', datagram(), 'udp-nobody'),

  forwards('UDP, a first fragment', datagram({ ip: { moreFragments: true } }), { fixture: 'udp' }),
  keeps('fragment-held', 'UDP, a last fragment', datagram({ ip: { fragmentOffset: 185 } }), 'udp'),
  keeps(
    'no-listener',
    'UDP, a first fragment to nobody',
    datagram({ ip: { ...elsewhere, moreFragments: true } }),
    'udp',
  ),
  forwards('UDP, a tag', datagram({ ether: { tags: [{ id: 7 }] } }), { fixture: 'udp' }),
  forwards('UDP, two tags', datagram({ ether: { tags: [{ id: 7 }, { id: 8 }] } }), { fixture: 'udp' }),
  forwards('UDP, a tag and options', datagram({ ether: { tags: [{}] }, ip: { options: zeros(8) } }), {
    fixture: 'udp',
  }),
  keeps(
    'truncated',
    'UDP, a tag and one byte too few',
    cut(frameOf(datagram({ ether: { tags: [{}] } })), 45),
    'udp',
  ),
  keeps(
    'no-listener',
    'UDP, a tag and a port that is nobody’s',
    datagram({ ether: { tags: [{}] }, udp: { destination: 54 } }),
    'udp',
  ),
  keeps(
    'other-host',
    'UDP to another host',
    datagram({ ether: { destination: '02:1b:3c:5d:7e:90' } }),
    'udp',
  ),
  keeps('malformed', 'UDP, IP version 5', datagram({ ip: { version: 5 } }), 'udp'),
  keeps('malformed', 'UDP, IHL 4 with a UDP listener', datagram({ ip: { ihl: 4 } }), 'udp'),
]
