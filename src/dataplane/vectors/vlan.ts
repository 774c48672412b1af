// Tagged frames: what is for a listener leaves with its tags, all else passes as it would untagged.

import { parseMac } from '../../base/addresses.ts'
import type { VlanTag } from '../../wire/ethernet.ts'
import { ipProtocol } from '../../wire/ipv4.ts'
import { arp, ether, packet } from '../../wire/packet.ts'
import { own, router } from './fixture.ts'
import { cut, forwards, frameOf, keeps, type Parts, type Vector } from './vector.ts'

const c = (id: number): Partial<VlanTag> => ({ tpid: 0x8100, id })
const s = (id: number): Partial<VlanTag> => ({ tpid: 0x88a8, id })
const tagged = (tags: readonly Partial<VlanTag>[], parts: Parts = {}): Parts => ({
  ...parts,
  ether: { ...parts.ether, tags },
})
const one = [c(7)]
const two = [s(100), c(7)]
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const ends = (tags: readonly Partial<VlanTag>[], length: number) =>
  cut(frameOf(tagged(tags, { tcp: { flags: 2 } })), length)

/** vlanVectors. */
export const vlanVectors: readonly Vector[] = [
  forwards('an 802.1Q tag', tagged(one)),
  forwards('an 802.1ad tag alone', tagged([s(7)])),
  forwards('a priority tag, id 0', tagged([{ id: 0, priority: 7 }])),
  forwards('id 4095 with all bits', tagged([{ id: 4095, priority: 7, dropEligible: true }])),
  forwards('two tags, 802.1ad and 802.1Q', tagged(two)),
  forwards('two tags, both 802.1Q', tagged([c(1), c(2)])),
  forwards('two tags, both 802.1ad', tagged([s(1), s(2)])),
  forwards('two tags, 802.1Q and 802.1ad', tagged([c(1), s(2)])),
  forwards('a tag whose control word looks like IPv4’s type', tagged([{ id: 0x800 }])),
  keeps('not-ip', 'three tags', tagged([s(1), c(2), c(3)])),
  keeps('not-ip', 'four tags', tagged([c(1), c(2), c(3), c(4)])),
  keeps('not-ip', 'tag type 0x9100', tagged([{ tpid: 0x9100, id: 1 }])),
  keeps('not-ip', 'tag type 0x9100 behind a tag', tagged([c(1), { tpid: 0x9100, id: 1 }])),
  keeps('not-ip', 'a tag, then IPv6', tagged(one, { ether: { type: 0x86dd } })),
  keeps('not-ip', 'two tags, then IPv6', tagged(two, { ether: { type: 0x86dd } })),
  keeps('not-ip', 'a tag, then ARP', packet(ether({ destination: own, source: router, tags: one }), arp())),
  ...range(34, 37).map((length) => keeps('short', `a tag and ${length} bytes`, ends(one, length))),
  ...range(38, 57).map((length) => keeps('truncated', `a tag and ${length} bytes`, ends(one, length))),
  forwards('a tag and 58 bytes', tagged(one, { tcp: { flags: 2 } })),
  keeps('short', 'a tag and 33 bytes', ends(one, 33)),
  ...range(34, 41).map((length) => keeps('short', `two tags and ${length} bytes`, ends(two, length))),
  keeps('truncated', 'two tags and 42 bytes', ends(two, 42)),
  keeps('truncated', 'two tags and 61 bytes', ends(two, 61)),
  forwards('two tags and 62 bytes', tagged(two, { tcp: { flags: 2 } })),
  keeps(
    'short',
    'a tag, an IPv6 type and 37 bytes',
    cut(frameOf(tagged(one, { ether: { type: 0x86dd } })), 37),
  ),
  keeps(
    'not-ip',
    'a tag, an IPv6 type and 38 bytes',
    cut(frameOf(tagged(one, { ether: { type: 0x86dd } })), 38),
  ),
  keeps('other-host', 'a tag, to another host', {
    ether: { tags: one, destination: parseMac('02:1b:3c:5d:7e:90') },
  }),
  keeps('malformed', 'a tag, IP version 6', tagged(one, { ip: { version: 6 } })),
  keeps('malformed', 'two tags, IHL 4', tagged(two, { ip: { ihl: 4 } })),
  keeps('other-protocol', 'a tag, UDP', tagged(one, { ip: { protocol: ipProtocol.UDP } })),
  forwards('a tag, a fragment', tagged(one, { ip: { moreFragments: true } })),
  keeps('tiny-fragment', 'two tags, a fragment', tagged(two, { ip: { fragmentOffset: 1 } })),
  keeps('no-listener', 'a tag, to nobody', tagged(one, { ip: { destination: '192.0.2.99' } })),
  keeps('no-listener', 'two tags, to nobody’s port', tagged(two, { tcp: { destination: 81 } })),
  forwards('a tag, options', tagged(one, { ip: { options: new Uint8Array(40) } })),
  forwards('two tags, options', tagged(two, { ip: { options: new Uint8Array(8) } })),
  keeps('bad-length', 'a tag, a total length that would count it', tagged(one, { ip: { totalLength: 44 } })),
  keeps('bad-length', 'a tag, a total length that lies', tagged(one, { ip: { totalLength: 1 } })),
  keeps('no-server', 'a tag where nobody is in the slots', tagged(one), 'nobody'),
  forwards('a tag, to the last of 70 listeners', tagged(one, { ip: { destination: '203.0.113.30' } }), {
    fixture: 'seventy',
    service: 69,
    server: 2,
  }),
]
