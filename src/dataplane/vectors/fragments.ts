// Fragments: first, middle and last ones, to listeners' addresses and to others. Ports are not to be looked at.

import { ipProtocol } from '../../wire/ipv4.ts'
import { cut, frameOf, keeps, type Vector } from './vector.ts'

const elsewhere = '192.0.2.99'

/** fragmentVectors. */
export const fragmentVectors: readonly Vector[] = [
  keeps('fragment', 'a first fragment', { ip: { moreFragments: true } }),
  keeps('fragment', 'a middle fragment', { ip: { moreFragments: true, fragmentOffset: 185 } }),
  keeps('fragment', 'a last fragment', { ip: { fragmentOffset: 185 } }),
  keeps('fragment', 'fragment offset 1: the attack of RFC 1858', { ip: { fragmentOffset: 1 } }),
  keeps('fragment', 'the highest fragment offset', { ip: { fragmentOffset: 0x1fff } }),
  keeps('fragment', 'fragment offset 0x1000: its highest bit alone', { ip: { fragmentOffset: 0x1000 } }),
  keeps('fragment', 'fragment offset 0x100: the low bit of the upper octet', {
    ip: { fragmentOffset: 0x100 },
  }),
  keeps('fragment', 'fragment offset 0xff: the lower octet alone', { ip: { fragmentOffset: 0xff } }),
  keeps('fragment', 'a fragment with Don’t Fragment', { ip: { dontFragment: true, fragmentOffset: 3 } }),
  keeps('fragment', 'a first fragment with Don’t Fragment', {
    ip: { dontFragment: true, moreFragments: true },
  }),
  keeps('fragment', 'all three flags', { ip: { reserved: true, dontFragment: true, moreFragments: true } }),
  keeps('fragment', 'a fragment whose port would be nobody’s', {
    ip: { fragmentOffset: 9 },
    tcp: { destination: 81 },
  }),
  keeps('fragment', 'a fragment too short for TCP', cut(frameOf({ ip: { fragmentOffset: 9 } }), 34)),
  keeps('fragment', 'a fragment with options', { ip: { moreFragments: true, options: new Uint8Array(4) } }),
  keeps('fragment', 'a fragment whose TTL has run out', { ip: { moreFragments: true, ttl: 1 } }),
  keeps('fragment', 'a fragment whose total length lies', { ip: { moreFragments: true, totalLength: 9 } }),
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
  keeps(
    'fragment',
    'a fragment for the last of 70 listeners',
    { ip: { moreFragments: true, destination: '203.0.113.30' } },
    'seventy',
  ),
  keeps(
    'no-listener',
    'a fragment for an address beside 70 listeners',
    { ip: { moreFragments: true, destination: '203.0.113.31' } },
    'seventy',
  ),
  keeps('fragment', 'a fragment where nobody is in the slots', { ip: { moreFragments: true } }, 'nobody'),
]
