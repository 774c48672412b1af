// Frames that somebody made to hurt, and frames in which several things are wrong at once: the first step of
// docs/packet-path.md that objects decides.

import { macBytes } from '../../base/addresses.ts'
import { own } from './fixture.ts'
import { cut, forwards, frameOf, keeps, type Vector } from './vector.ts'

const filled = (length: number, value: number) => new Uint8Array(length).fill(value)
/** Bytes of one value behind our own MAC and IPv4's type. */
const ours = (length: number, value: number): Uint8Array => {
  const frame = filled(length, value)
  frame.set(macBytes(own), 0)
  frame.set([8, 0], 12)
  return frame
}
const nop = filled(4, 1)
const tags = [{ id: 1 }]

/** hostileVectors. */
export const hostileVectors: readonly Vector[] = [
  keeps('short', '33 zeros', filled(33, 0)),
  keeps('not-ip', '64 zeros', filled(64, 0)),
  keeps('not-ip', '64 times 0xff', filled(64, 0xff)),
  keeps('malformed', 'zeros behind our MAC', ours(64, 0)),
  keeps('malformed', '0xff behind our MAC', ours(64, 0xff)),
  keeps('other-protocol', '0x45 behind our MAC', ours(64, 0x45)),
  keeps('no-listener', '0x46 behind our MAC, protocol 6', ours(200, 0x46).fill(6, 23, 24).fill(0, 20, 22)),
  keeps('no-listener', '1,514 bytes of 0x4f, protocol 6', ours(1_514, 0x4f).fill(6, 23, 24).fill(0, 20, 22)),
  keeps(
    'not-ip',
    'tags all the way',
    (() => {
      const frame = filled(64, 0)
      for (let at = 12; at < 64; at += 4) frame.set([0x81, 0], at)
      return frame
    })(),
  ),

  keeps('malformed', 'IHL 4 and UDP', { ip: { ihl: 4, protocol: 17 } }),
  keeps('malformed', 'version 5, a fragment', { ip: { version: 5, fragmentOffset: 1 } }),
  keeps('other-protocol', 'UDP, a fragment to nobody', {
    ip: { protocol: 17, fragmentOffset: 1, destination: '192.0.2.9' },
  }),
  keeps('tiny-fragment', 'a fragment in a cut frame', cut(frameOf({ ip: { moreFragments: true } }), 40)),
  keeps('truncated', 'a cut frame with options', cut(frameOf({ ip: { options: nop } }), 57)),
  keeps('truncated', 'a cut frame with TTL 0', cut(frameOf({ ip: { ttl: 0 } }), 53)),
  keeps('truncated', 'a cut frame to nobody’s port', cut(frameOf({ tcp: { destination: 81 } }), 53)),
  keeps(
    'no-listener',
    'a cut tagged frame to nobody',
    cut(frameOf({ ether: { tags }, ip: { destination: '192.0.2.9' } }), 50),
  ),
  keeps('bad-length', 'a tag, options, a lying length and TTL 0', {
    ether: { tags },
    ip: { options: nop, ttl: 0, totalLength: 0 },
  }),
  keeps('bad-length', 'options, a lying length and TTL 0', { ip: { options: nop, totalLength: 0, ttl: 0 } }),
  keeps('no-server', 'options where nobody is', { ip: { options: nop } }, 'nobody'),
  keeps('bad-length', 'a lying length and TTL 0', { ip: { totalLength: 39, ttl: 0 } }),
  keeps(
    'bad-length',
    'a length beyond the frame, TTL 1, nobody there',
    { ip: { totalLength: 41, ttl: 1 } },
    'unusable',
  ),
  forwards('a total length that cuts off the payload', {
    ip: { totalLength: 40 },
    payload: filled(1_000, 0x41),
  }),
  forwards('the broadcast as a source', {
    ip: { source: '192.0.2.255' },
    ether: { source: 'ff:ff:ff:ff:ff:ff' },
  }),
  forwards('a multicast address as a source', { ip: { source: '224.0.0.1' } }),
  forwards('loopback as a source', { ip: { source: '127.0.0.1' } }),
]
