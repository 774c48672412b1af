// IPv6 without extension headers: every length, every hop limit that matters, versions, payload lengths that lie.

import { tcpFlag } from '../../wire/tcp.ts'
import { cut, forwards, frameOf, keeps, type Parts, type Vector } from './vector.ts'

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const zeros = (length: number) => new Uint8Array(length)
const six = (parts: Parts = {}): Parts => ({ ip6: {}, ...parts })
const on = { fixture: 'six' } as const
const onUdp = { fixture: 'six-udp' } as const
const elsewhere = { destination: '2001:db8::99' }

/** A SYN, padded to 100 bytes, then cut. */
function synOf(length: number): Vector {
  const name = `IPv6: a SYN of ${length} bytes`
  const frame = cut(frameOf(six()), length)
  if (length < 54) return keeps('short', name, frame, 'six')
  if (length < 74) return keeps('truncated', name, frame, 'six')
  return forwards(name, six({ trailer: zeros(length - 74) }), on)
}

/** An empty datagram likewise. */
function emptyOf(length: number): Vector {
  const name = `IPv6: an empty UDP datagram in ${length} bytes`
  const frame = cut(frameOf(six({ udp: {} })), length)
  if (length < 54) return keeps('short', name, frame, 'six-udp')
  if (length < 62) return keeps('truncated', name, frame, 'six-udp')
  return forwards(name, six({ udp: {}, trailer: zeros(length - 62) }), onUdp)
}

/** A SYN in so many bytes that speaks of another payload length. */
const lying = (payloadLength: number, length = 74) =>
  keeps(
    'bad-length',
    `IPv6: payload length ${payloadLength} in ${length} bytes`,
    six({ ip6: { payloadLength }, trailer: zeros(length - 74) }),
    'six',
  )
const segment = (payloadLength: number, length: number): Parts =>
  six({ ip6: { payloadLength }, payload: zeros(length - 74).fill(0x61) })

/** sixPlainVectors. */
export const sixPlainVectors: readonly Vector[] = [
  ...range(0, 100).map(synOf),
  ...range(34, 70).map(emptyOf),
  ...range(54, 73).map((length) =>
    keeps(
      'no-listener',
      `IPv6: a SYN to nobody of ${length} bytes`,
      cut(frameOf(six({ ip6: elsewhere })), length),
      'six',
    ),
  ),
  // of 62 bytes and more UDP has its header, TCP has not
  keeps('truncated', 'IPv6: a SYN of 62 bytes where both are known', cut(frameOf(six()), 62), 'dual'),
  keeps(
    'truncated',
    'IPv6: a datagram of 61 bytes where both are known',
    cut(frameOf(six({ udp: {} })), 61),
    'dual',
  ),

  forwards(
    'IPv6: a request',
    six({ tcp: { flags: tcpFlag.ACK | tcpFlag.PSH }, payload: 'GET / HTTP/1.1\r\n\r\n' }),
    on,
  ),
  forwards('IPv6: a full segment', six({ payload: zeros(1_440).fill(7) }), on),
  forwards('IPv6: 3,000 bytes', six({ payload: zeros(2_926).fill(9) }), on),
  forwards('IPv6: a trailer that is no padding', six({ payload: 'data', trailer: zeros(40).fill(0xee) }), on),
  forwards('IPv6: a TCP checksum that is wrong', six({ tcp: { checksum: 0xdead } }), on),
  forwards('IPv6: a data offset of 0', six({ tcp: { dataOffset: 0 } }), on),
  forwards('IPv6: a jumbo shape and a SYN', six(), { fixture: 'six-jumbo' }),
  forwards('IPv6: a jumbo shape and 9,014 bytes', six({ payload: zeros(8_940).fill(5) }), {
    fixture: 'six-jumbo',
  }),
  keeps('truncated', 'IPv6: a jumbo shape and 73 bytes', cut(frameOf(six()), 73), 'six-jumbo'),
  keeps('short', 'IPv6: a jumbo shape and 53 bytes', cut(frameOf(six()), 53), 'six-jumbo'),
  ...[0, 1, 7, 9, 65_535].map((length) =>
    forwards(`IPv6: a UDP length of ${length}`, six({ udp: { length } }), onUdp),
  ),
  forwards('IPv6: a UDP checksum of 0, which RFC 8200 forbids', six({ udp: { checksum: 0 } }), onUdp),
  forwards('IPv6: a UDP payload', six({ udp: {}, payload: 'what?' }), onUdp),
  forwards('IPv6: UDP from port 0', six({ udp: { source: 0 } }), onUdp),
  keeps('no-listener', 'IPv6: UDP to port 0', six({ udp: { destination: 0 } }), 'six-udp'),

  ...range(0, 15).map((version) =>
    version === 6
      ? forwards('IPv6: version 6', six({ ip6: { version } }), on)
      : keeps('malformed', `IPv6: version ${version}`, six({ ip6: { version } }), 'six'),
  ),
  keeps(
    'malformed',
    'IPv6: version 4 and IHL 5 under IPv6’s type',
    six({ ip6: { version: 4, trafficClass: 0x50 } }),
    'six',
  ),
  keeps('malformed', 'IPv6: version 7, a ping', six({ ip6: { version: 7, nextHeader: 58 } }), 'six'),
  keeps('malformed', 'IPv6: version 0 to nobody', six({ ip6: { version: 0, ...elsewhere } }), 'six'),
  ...[0x01, 0x0f, 0x10, 0x80, 0xff].map((trafficClass) =>
    forwards(`IPv6: traffic class ${trafficClass}`, six({ ip6: { trafficClass } }), on),
  ),
  ...[0x00001, 0x0ff00, 0x80000, 0xfffff].map((flowLabel) =>
    forwards(`IPv6: flow label ${flowLabel}`, six({ ip6: { flowLabel } }), on),
  ),

  ...[2, 3, 63, 64, 127, 128, 129, 254, 255].map((hopLimit) =>
    forwards(`IPv6: hop limit ${hopLimit}`, six({ ip6: { hopLimit } }), on),
  ),
  forwards('IPv6: hop limit 2 and UDP', six({ ip6: { hopLimit: 2 }, udp: {} }), onUdp),
  keeps('no-listener', 'IPv6: hop limit 1 to nobody', six({ ip6: { hopLimit: 1, ...elsewhere } }), 'six'),
  keeps(
    'no-listener',
    'IPv6: hop limit 0 to nobody’s port',
    six({ ip6: { hopLimit: 0 }, tcp: { destination: 81 } }),
    'six',
  ),

  ...[0, 1, 8, 19].map((length) => lying(length)),
  ...[21, 255, 256, 1_500, 0x1400, 65_495, 65_496, 65_535].map((length) => lying(length)),
  lying(19, 100),
  lying(47, 100),
  forwards('IPv6: payload length 46 in 100 bytes: all that there is', segment(46, 100), on),
  forwards('IPv6: payload length 45 in 100 bytes', segment(45, 100), on),
  forwards('IPv6: payload length 20 in 1,514 bytes', segment(20, 1_514), on),
  forwards('IPv6: payload length 1,460 in 1,514 bytes', segment(1_460, 1_514), on),
  keeps('bad-length', 'IPv6: payload length 1,461 in 1,514 bytes', segment(1_461, 1_514), 'six'),
  forwards('IPv6: payload length 255 in 309 bytes: the low octet alone', segment(255, 309), on),
  forwards('IPv6: payload length 256 in 310 bytes: the high octet alone', segment(256, 310), on),
  keeps('bad-length', 'IPv6: payload length 256 in 309 bytes', segment(256, 309), 'six'),
  keeps('bad-length', 'IPv6: UDP, payload length 7', six({ ip6: { payloadLength: 7 }, udp: {} }), 'six-udp'),
  forwards('IPv6: UDP, payload length 8', six({ ip6: { payloadLength: 8 }, udp: {}, payload: 'xyz' }), onUdp),
  keeps(
    'bad-length',
    'IPv6: UDP, payload length 9 of 8',
    six({ ip6: { payloadLength: 9 }, udp: {} }),
    'six-udp',
  ),
  keeps(
    'no-listener',
    'IPv6: a payload length that lies to nobody',
    six({ ip6: { payloadLength: 0, ...elsewhere } }),
    'six',
  ),
  keeps(
    'no-listener',
    'IPv6: a payload length that lies to nobody’s port',
    six({ ip6: { payloadLength: 0 }, tcp: { destination: 81 } }),
    'six',
  ),
  keeps(
    'bad-length',
    'IPv6: a payload length that lies, hop limit 0',
    six({ ip6: { payloadLength: 19, hopLimit: 0 } }),
    'six',
  ),
  keeps(
    'bad-length',
    'IPv6: a payload length that lies where nobody is',
    six({ ip6: { payloadLength: 21 } }),
    'six-nobody',
  ),

  keeps('no-server', 'IPv6: nobody in the slots', six(), 'six-nobody'),
  keeps('no-server', 'IPv6: a server without a MAC', six(), 'six-unusable'),
  forwards('IPv6: the other bits of a slot’s word', six(), { fixture: 'six-tracked' }),
]
