// Fragments of IPv6: the header at every offset that matters, and atomic ones, which are none.

import { ipv6Next } from '../../wire/ipv6.ts'
import type { FragmentFields } from '../../wire/layer.ts'
import { extension, fragment, icmp } from '../../wire/packet.ts'
import { own } from './fixture.ts'
import { cut, forwards, frameOf, keeps, type Parts, type Vector } from './vector.ts'

const { AH, DSTOPTS, HOPOPTS, ROUTING } = ipv6Next
const on = { fixture: 'six' } as const
const elsewhere = { destination: '2001:db8::99' }
const part = (fields: FragmentFields, parts: Parts = {}): Parts => ({
  ip6: {},
  extensions: [fragment(fields)],
  ...parts,
})
const bits = Array.from({ length: 16 }, (_, i) => i)

/** Bit i of the word alone: 0 is M, 1 and 2 are reserved, from 3 on it is the offset. */
const oneBit = bits.map((bit) => {
  const name = `IPv6: bit ${bit} of the fragment word`
  const fields = {
    more: bit === 0,
    reservedBits: bit === 1 ? 1 : bit === 2 ? 2 : 0,
    offset: bit > 2 ? 1 << (bit - 3) : 0,
  }
  // 8 and 16 are within a TCP header
  if (bit < 3) return forwards(name, part(fields), on)
  return keeps(bit < 5 ? 'tiny-fragment' : 'fragment-held', name, part(fields), 'six')
})

/** sixFragmentVectors. */
export const sixFragmentVectors: readonly Vector[] = [
  ...oneBit,
  forwards('IPv6: an atomic fragment', part({ identification: 0x12345678 }), on),
  forwards(
    'IPv6: an atomic fragment with all reserved bits',
    part({ reserved: 255, reservedBits: 3, identification: 0xffffffff }),
    on,
  ),
  forwards('IPv6: an atomic fragment of UDP', part({}, { udp: {} }), { fixture: 'six-udp' }),
  forwards('IPv6: an atomic fragment, jumbo', part({}), { fixture: 'six-jumbo' }),
  forwards('IPv6: an atomic fragment whose second byte is no length', part({ reserved: 4 }), on),
  keeps('no-listener', 'IPv6: an atomic fragment to nobody', part({}, { ip6: elsewhere }), 'six'),
  keeps(
    'no-listener',
    'IPv6: an atomic fragment to nobody’s port',
    part({}, { tcp: { destination: 81 } }),
    'six',
  ),
  keeps('other-protocol', 'IPv6: an atomic fragment of a ping', part({}, { behind: icmp() }), 'six'),
  keeps('truncated', 'IPv6: an atomic fragment of a cut SYN', cut(frameOf(part({})), 81), 'six'),
  forwards(
    'IPv6: an atomic fragment between options',
    { ip6: {}, extensions: [extension(HOPOPTS), fragment(), extension(DSTOPTS)] },
    on,
  ),

  forwards('IPv6: a first fragment', part({ more: true }), on),
  keeps('fragment-held', 'IPv6: a middle fragment', part({ more: true, offset: 181 }), 'six'),
  keeps('fragment-held', 'IPv6: a last fragment', part({ offset: 181 }), 'six'),
  keeps('fragment-held', 'IPv6: the highest offset', part({ offset: 0x1fff, more: true }), 'six'),
  forwards('IPv6: a fragment of UDP', part({ more: true }, { udp: {} }), { fixture: 'six-udp' }),
  keeps(
    'other-protocol',
    'IPv6: a fragment of a ping, whatever is known',
    part({ more: true }, { behind: icmp() }),
    'six',
  ),
  keeps(
    'other-protocol',
    'IPv6: a fragment of what nobody knows',
    part({ offset: 1, nextHeader: 253 }),
    'six',
  ),
  keeps('tiny-fragment', 'IPv6: a fragment, jumbo', part({ offset: 1 }), 'six-jumbo'),
  keeps(
    'tiny-fragment',
    'IPv6: a fragment at an address whose listener has another protocol',
    part({ offset: 1 }),
    'crossed',
  ),
  forwards(
    'IPv6: a fragment before another fragment header',
    { ip6: {}, extensions: [fragment({ more: true }), fragment()] },
    on,
  ),
  ...[DSTOPTS, AH].map((nextHeader) =>
    keeps(
      'fragment',
      `IPv6: a later fragment of which number ${nextHeader} comes next`,
      part({ offset: 9, nextHeader }),
      'six',
    ),
  ),
  keeps(
    'no-listener',
    'IPv6: a later fragment of which options come next, to nobody',
    part({ offset: 9, nextHeader: DSTOPTS }, { ip6: elsewhere }),
    'six',
  ),
  keeps(
    'other-protocol',
    'IPv6: a first fragment and more headers than are passed over',
    { ip6: {}, extensions: [fragment({ more: true }), ...Array(6).fill(extension(DSTOPTS))] },
    'six',
  ),
  forwards(
    'IPv6: a first fragment of which options come next',
    { ip6: {}, extensions: [fragment({ more: true }), extension(DSTOPTS)] },
    on,
  ),
  ...[0, 19].map((length) =>
    keeps(
      'tiny-fragment',
      `IPv6: a first fragment with ${length} bytes of its segment`,
      cut(frameOf(part({ more: true })), 62 + length),
      'six',
    ),
  ),
  keeps('fragment-held', 'IPv6: a fragment of UDP at offset 1', part({ offset: 1 }, { udp: {} }), 'six-udp'),
  keeps(
    'fragment-lost',
    'IPv6: a later fragment that the daemon runs again',
    { ...part({ offset: 9 }), ether: { source: own } },
    'six',
  ),
  keeps(
    'tiny-fragment',
    'IPv6: a fragment behind an atomic one',
    { ip6: {}, extensions: [fragment(), fragment({ offset: 1 })] },
    'six',
  ),
  ...[HOPOPTS, ROUTING, AH, DSTOPTS].map((kind) =>
    keeps(
      'tiny-fragment',
      `IPv6: a fragment behind number ${kind}`,
      { ip6: {}, extensions: [extension(kind), fragment({ offset: 2 })] },
      'six',
    ),
  ),
  keeps(
    'fragment-held',
    'IPv6: a fragment that ends with its header',
    cut(frameOf(part({ offset: 9 })), 62),
    'six',
  ),
  keeps(
    'truncated',
    'IPv6: a fragment that ends within its header',
    cut(frameOf(part({ offset: 9 })), 61),
    'six',
  ),
  keeps(
    'truncated',
    'IPv6: a fragment header that is not there',
    cut(frameOf(part({ offset: 9 })), 54),
    'six',
  ),
  keeps('ttl', 'IPv6: a fragment with hop limit 0', part({ more: true }, { ip6: { hopLimit: 0 } }), 'six'),
  keeps(
    'bad-length',
    'IPv6: a fragment whose payload length lies',
    part({ more: true }, { ip6: { payloadLength: 1 } }),
    'six',
  ),
  keeps('no-server', 'IPv6: a fragment where nobody is', part({ more: true }), 'six-nobody'),
  keeps(
    'no-listener',
    'IPv6: a fragment to nobody’s port',
    part({ more: true }, { tcp: { destination: 81 } }),
    'six',
  ),
  keeps('malformed', 'IPv6: a fragment of version 4', part({ more: true }, { ip6: { version: 4 } }), 'six'),
  keeps('no-listener', 'IPv6: a first fragment to nobody', part({ more: true }, { ip6: elsewhere }), 'six'),
  keeps('no-listener', 'IPv6: a last fragment to nobody', part({ offset: 9 }, { ip6: elsewhere }), 'six'),
  keeps(
    'no-listener',
    'IPv6: a cut fragment to nobody',
    cut(frameOf(part({ offset: 9 }, { ip6: elsewhere })), 62),
    'six',
  ),
  keeps(
    'other-protocol',
    'IPv6: a fragment of a ping to nobody',
    part({ offset: 9 }, { ip6: elsewhere, behind: icmp() }),
    'six',
  ),
]
