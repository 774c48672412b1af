// IPv6 and the Ethernet header: types that lie, other hosts, tags; and frames in which several things are wrong.

import { macBytes } from '../../base/addresses.ts'
import type { VlanTag } from '../../wire/ethernet.ts'
import { ipv6Next } from '../../wire/ipv6.ts'
import { extension, fragment, icmp } from '../../wire/packet.ts'
import { own } from './fixture.ts'
import { cut, forwards, frameOf, keeps, type Parts, type Vector } from './vector.ts'

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const c = (id: number): Partial<VlanTag> => ({ tpid: 0x8100, id })
const s = (id: number): Partial<VlanTag> => ({ tpid: 0x88a8, id })
const tagged = (tags: readonly Partial<VlanTag>[], parts: Parts = {}): Parts => ({
  ip6: {},
  ...parts,
  ether: { tags },
})
const one = [c(7)]
const two = [s(100), c(7)]
const options = extension(ipv6Next.DSTOPTS)
const elsewhere = { destination: '2001:db8::99' }
const other = { destination: '02:1b:3c:5d:7e:90' }
const ends = (tags: readonly Partial<VlanTag>[], length: number, parts: Parts = {}) =>
  cut(frameOf(tagged(tags, parts)), length)
/** Bytes of one value behind our own MAC and IPv6's type. */
const ours = (length: number, value: number): Uint8Array => {
  const frame = new Uint8Array(length).fill(value)
  frame.set(macBytes(own), 0)
  frame.set([0x86, 0xdd], 12)
  return frame
}

const tags: readonly Vector[] = [
  forwards('IPv6: an 802.1Q tag', tagged(one), { fixture: 'six' }),
  forwards('IPv6: an 802.1ad tag alone', tagged([s(7)]), { fixture: 'six' }),
  forwards('IPv6: two tags', tagged(two), { fixture: 'six' }),
  forwards('IPv6: two tags, both 802.1Q', tagged([c(1), c(2)]), { fixture: 'six' }),
  forwards('IPv6: a tag and UDP', tagged(one, { udp: {} }), { fixture: 'six-udp' }),
  forwards('IPv6: a tag and options', tagged(one, { extensions: [options] }), { fixture: 'six' }),
  forwards('IPv6: two tags and six headers', tagged(two, { extensions: Array(6).fill(options) }), {
    fixture: 'six',
  }),
  forwards('IPv6: a tag, jumbo', tagged(one), { fixture: 'six-jumbo' }),
  keeps('no-server', 'IPv6: a tag where nobody is', tagged(one), 'six-nobody'),
  keeps(
    'bad-length',
    'IPv6: a tag, hop limit 0 and a lying length',
    tagged(one, { ip6: { hopLimit: 0, payloadLength: 1 } }),
    'six',
  ),
  keeps('not-ip', 'IPv6: three tags', tagged([c(1), c(2), c(3)]), 'six'),
  keeps('not-ip', 'IPv6: tag type 0x9100', tagged([{ tpid: 0x9100, id: 1 }]), 'six'),
  keeps(
    'other-protocol',
    'IPv6: a tag and seven headers',
    tagged(one, { extensions: Array(7).fill(options) }),
    'six',
  ),
  keeps('other-protocol', 'IPv6: a tag and a ping', tagged(one, { behind: icmp() }), 'six'),
  keeps(
    'tiny-fragment',
    'IPv6: a tag and a fragment',
    tagged(one, { extensions: [fragment({ offset: 1 })] }),
    'six',
  ),
  forwards('IPv6: two tags and a fragment', tagged(two, { extensions: [fragment({ more: true })] }), {
    fixture: 'six',
  }),
  keeps('no-listener', 'IPv6: a tag, to nobody', tagged(one, { ip6: elsewhere }), 'six'),
  keeps('no-listener', 'IPv6: two tags, to nobody’s port', tagged(two, { tcp: { destination: 81 } }), 'six'),
  keeps('malformed', 'IPv6: a tag, version 4', tagged(one, { ip6: { version: 4 } }), 'six'),
  keeps('other-host', 'IPv6: a tag, to another host', { ip6: {}, ether: { tags: one, ...other } }, 'six'),
  ...[34, 37, 38, 53, 57].map((length) =>
    keeps('short', `IPv6: a tag and ${length} bytes`, ends(one, length), 'six'),
  ),
  ...[58, 59, 73, 77].map((length) =>
    keeps('truncated', `IPv6: a tag and ${length} bytes`, ends(one, length), 'six'),
  ),
  forwards('IPv6: a tag and 78 bytes', tagged(one), { fixture: 'six' }),
  ...[34, 41, 42, 61].map((length) =>
    keeps('short', `IPv6: two tags and ${length} bytes`, ends(two, length), 'six'),
  ),
  ...[62, 77, 81].map((length) =>
    keeps('truncated', `IPv6: two tags and ${length} bytes`, ends(two, length), 'six'),
  ),
  forwards('IPv6: two tags and 82 bytes', tagged(two), { fixture: 'six' }),
  keeps('truncated', 'IPv6: a tag, UDP and 65 bytes', ends(one, 65, { udp: {} }), 'six-udp'),
  forwards('IPv6: a tag, UDP and 66 bytes', tagged(one, { udp: {} }), { fixture: 'six-udp' }),
  keeps(
    'truncated',
    'IPv6: a tag, a header cut at its seventh byte',
    ends(one, 65, { extensions: [options] }),
    'six',
  ),
  // IPv4 needs 20 bytes behind tags, IPv6 40, where it is parsed at all
  forwards('a tag and IPv4 where IPv6 is parsed', { ether: { tags: one } }, { fixture: 'dual' }),
  keeps(
    'truncated',
    'a tag, IPv4 and 38 bytes where IPv6 is parsed',
    cut(frameOf({ ether: { tags: one } }), 38),
    'dual',
  ),
  keeps('not-ip', 'a tag, IPv6 and 38 bytes where it is not parsed', ends(one, 38), 'one'),
  keeps('short', 'a tag, IPv6 and 37 bytes where it is not parsed', ends(one, 37), 'one'),
  keeps('not-ip', 'a tag, IPv6 and 57 bytes where it is not parsed', ends(one, 57), 'both'),
  keeps(
    'not-ip',
    'a tag, ARP’s type and 38 bytes where IPv6 is parsed',
    ends([c(1), { tpid: 0x0806 }], 38),
    'six',
  ),
]

/** sixLinkVectors. */
export const sixLinkVectors: readonly Vector[] = [
  ...tags,
  ...range(34, 53).map((length) =>
    keeps(
      'not-ip',
      `IPv6 of ${length} bytes where it is not parsed`,
      cut(frameOf({ ip6: {} }), length),
      'one',
    ),
  ),
  ...(['one', 'udp', 'both', 'seventy', 'jumbo', 'both-seventy'] as const).map((fixture) =>
    keeps('not-ip', `IPv6 where it is not parsed: ${fixture}`, { ip6: {} }, fixture),
  ),
  keeps('not-ip', 'IPv6’s type with its octets exchanged', { ip6: {}, ether: { type: 0xdd86 } }, 'six'),
  ...[0x86dc, 0x86de, 0x87dd, 0x0806, 0x06dd].map((type) =>
    keeps('not-ip', `an IPv6 packet under type 0x${type.toString(16)}`, { ip6: {}, ether: { type } }, 'six'),
  ),
  keeps('malformed', 'an IPv6 packet under IPv4’s type', { ip6: {}, ether: { type: 0x0800 } }, 'dual'),
  keeps('malformed', 'an IPv4 packet under IPv6’s type', { ether: { type: 0x86dd } }, 'dual'),
  keeps(
    'short',
    'an IPv4 packet of 53 bytes under IPv6’s type',
    cut(frameOf({ ether: { type: 0x86dd } }), 53),
    'dual',
  ),
  ...[0, 1, 2, 3, 4, 5].map((octet) => {
    const frame = frameOf({ ip6: {} })
    frame[octet]! ^= 4
    return keeps('other-host', `IPv6: our own MAC but for a bit of octet ${octet}`, frame, 'six')
  }),
  keeps('other-host', 'IPv6: to all nodes', { ip6: {}, ether: { destination: '33:33:00:00:00:01' } }, 'six'),
  keeps(
    'other-host',
    'IPv6: version 4, a ping, to another host',
    { ip6: { version: 4, nextHeader: 58 }, ether: other },
    'six',
  ),
  keeps(
    'other-host',
    'IPv6: to another host in 54 bytes',
    cut(frameOf({ ip6: {}, ether: other }), 54),
    'six',
  ),
  keeps('short', 'IPv6: to another host in 53 bytes', cut(frameOf({ ip6: {}, ether: other }), 53), 'six'),
  forwards(
    'IPv6: a source MAC of zeros',
    { ip6: {}, ether: { source: '00:00:00:00:00:00' } },
    { fixture: 'six' },
  ),
  forwards(
    'IPv6: source and destination alike',
    { ip6: { source: '2001:db8:a:b:c:d:e:f' }, tcp: { source: 80 } },
    { fixture: 'six' },
  ),
  forwards('IPv6: from the unspecified address', { ip6: { source: '::' } }, { fixture: 'six' }),
  forwards('IPv6: from a group', { ip6: { source: 'ff02::1' } }, { fixture: 'six' }),
  keeps('malformed', 'zeros behind our MAC and IPv6’s type', ours(100, 0), 'six'),
  keeps('malformed', '0xff behind our MAC and IPv6’s type', ours(100, 0xff), 'six'),
  keeps('other-protocol', '0x60 behind our MAC and IPv6’s type', ours(100, 0x60), 'six'),
  // every header is hop-by-hop options of 8 bytes
  keeps('other-protocol', 'zeros behind a first byte of IPv6', ours(200, 0).fill(0x60, 14, 15), 'six'),
  keeps(
    'no-listener',
    'zeros behind a first byte of IPv6, cut within the sixth',
    ours(101, 0).fill(0x60, 14, 15),
    'six',
  ),
  keeps(
    'no-listener',
    '0x33 behind a first byte of IPv6: authentication until beyond the frame',
    ours(1_514, 0x33).fill(0x60, 14, 15).fill(0xff, 55, 56),
    'six',
  ),
  keeps('truncated', 'IPv6: a cut frame with hop limit 0', cut(frameOf({ ip6: { hopLimit: 0 } }), 73), 'six'),
  keeps(
    'truncated',
    'IPv6: a cut frame to nobody’s port',
    cut(frameOf({ ip6: {}, tcp: { destination: 81 } }), 73),
    'six',
  ),
  keeps(
    'bad-length',
    'IPv6: a length beyond the frame, hop limit 1, nobody there',
    { ip6: { payloadLength: 21, hopLimit: 1 } },
    'six-unusable',
  ),
]
