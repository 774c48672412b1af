// Fragments: first, middle and last ones, to listeners' addresses and to others. Ports are not to be looked at.

import { ipProtocol } from '../../wire/ipv4.ts'
import { own } from './fixture.ts'
import { cut, forwards, frameOf, keeps, type Vector } from './vector.ts'

const elsewhere = '192.0.2.99'

/** fragmentVectors. */
export const fragmentVectors: readonly Vector[] = [
  forwards('a first fragment', { ip: { moreFragments: true } }),
  keeps('fragment-held', 'a middle fragment', { ip: { moreFragments: true, fragmentOffset: 185 } }),
  keeps('fragment-held', 'a last fragment', { ip: { fragmentOffset: 185 } }),
  keeps('tiny-fragment', 'fragment offset 1: the attack of RFC 1858', { ip: { fragmentOffset: 1 } }),
  keeps('fragment-held', 'the highest fragment offset', { ip: { fragmentOffset: 0x1fff } }),
  keeps('fragment-held', 'fragment offset 0x1000: its highest bit alone', { ip: { fragmentOffset: 0x1000 } }),
  keeps('fragment-held', 'fragment offset 0x100: the low bit of the upper octet', {
    ip: { fragmentOffset: 0x100 },
  }),
  keeps('fragment-held', 'fragment offset 0xff: the lower octet alone', { ip: { fragmentOffset: 0xff } }),
  keeps('fragment-held', 'a fragment with Don’t Fragment', { ip: { dontFragment: true, fragmentOffset: 3 } }),
  forwards('a first fragment with Don’t Fragment', {
    ip: { dontFragment: true, moreFragments: true },
  }),
  forwards('all three flags', { ip: { reserved: true, dontFragment: true, moreFragments: true } }),
  keeps('fragment-held', 'a fragment whose port would be nobody’s', {
    ip: { fragmentOffset: 9 },
    tcp: { destination: 81 },
  }),
  keeps('fragment-held', 'a fragment too short for TCP', cut(frameOf({ ip: { fragmentOffset: 9 } }), 34)),
  forwards('a fragment with options', { ip: { moreFragments: true, options: new Uint8Array(4) } }),
  keeps('ttl', 'a fragment whose TTL has run out', { ip: { moreFragments: true, ttl: 1 } }),
  keeps('bad-length', 'a fragment whose total length lies', { ip: { moreFragments: true, totalLength: 9 } }),
  keeps('no-listener', 'a first fragment to nobody', { ip: { moreFragments: true, destination: elsewhere } }),
  keeps('no-listener', 'a last fragment to nobody', { ip: { fragmentOffset: 9, destination: elsewhere } }),
  keeps(
    'no-listener',
    'a short fragment to nobody',
    cut(frameOf({ ip: { fragmentOffset: 9, destination: elsewhere } }), 34),
  ),
  keeps('other-protocol', 'a UDP fragment to a service address', {
    ip: { moreFragments: true, protocol: ipProtocol.UDP },
  }),
  keeps('malformed', 'a fragment with IHL 4', { ip: { moreFragments: true, ihl: 4 } }),
  forwards(
    'a fragment for the last of 70 listeners',
    { ip: { moreFragments: true, destination: '203.0.113.30' } },
    { fixture: 'seventy', service: 69, server: 2 },
  ),
  ...[0, 8, 19].map((length) =>
    keeps(
      'tiny-fragment',
      `a first fragment with ${length} bytes of its segment`,
      cut(frameOf({ ip: { moreFragments: true } }), 34 + length),
    ),
  ),
  keeps('tiny-fragment', 'a later fragment within a TCP header', { ip: { fragmentOffset: 2 } }),
  keeps('fragment-held', 'a later fragment right behind a TCP header', { ip: { fragmentOffset: 3 } }),
  keeps('no-listener', 'a fragment within a TCP header, to nobody', {
    ip: { fragmentOffset: 1, destination: elsewhere },
  }),
  keeps('no-listener', 'a first fragment to nobody’s port', {
    ip: { moreFragments: true },
    tcp: { destination: 81 },
  }),
  keeps('fragment-lost', 'a later fragment that the daemon runs again', {
    ether: { source: own },
    ip: { fragmentOffset: 185 },
  }),
  keeps('fragment-lost', 'a tagged one that the daemon runs again', {
    ether: { source: own, tags: [{ id: 7 }] },
    ip: { fragmentOffset: 185 },
  }),
  forwards('a first fragment from our own MAC', { ether: { source: own }, ip: { moreFragments: true } }),
  keeps('tiny-fragment', 'one within a TCP header from our own MAC', {
    ether: { source: own },
    ip: { fragmentOffset: 1 },
  }),
  keeps('fragment-held', 'as long a fragment as is handed over', {
    ip: { fragmentOffset: 185 },
    payload: new Uint8Array(2_040 - 54),
  }),
  keeps('fragment', 'a longer fragment than is handed over', {
    ip: { fragmentOffset: 185 },
    payload: new Uint8Array(2_041 - 54),
  }),
  keeps(
    'fragment-held',
    'it is handed over where frames are jumbo',
    { ip: { fragmentOffset: 185 }, payload: new Uint8Array(2_041 - 54) },
    'jumbo',
  ),
  keeps('fragment-held', 'a fragment of UDP at offset 1', { ip: { fragmentOffset: 1 }, udp: {} }, 'udp'),
  keeps('tiny-fragment', 'of both, TCP within its header', { ip: { fragmentOffset: 1 } }, 'both'),
  keeps('fragment-held', 'of both, UDP at offset 1', { ip: { fragmentOffset: 1 }, udp: {} }, 'both'),
  keeps(
    'no-listener',
    'a fragment for an address beside 70 listeners',
    { ip: { moreFragments: true, destination: '203.0.113.31' } },
    'seventy',
  ),
  keeps('no-server', 'a fragment where nobody is in the slots', { ip: { moreFragments: true } }, 'nobody'),
]
