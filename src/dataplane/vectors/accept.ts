// What is for an address that accepts only what a listener has (RFC 9568 6.1, Accept_Mode) is a listener's, or dropped; but
// neighbour discovery never is.

import type { Mac } from '../../base/addresses.ts'
import { icmp } from '../../wire/packet.ts'
import { tcpFlag } from '../../wire/tcp.ts'
import { INNER_MAC } from '../turn.ts'
import { vip, vip6, web1 } from './fixture.ts'
import type { FixtureName } from './fixtures.ts'
import { bare, bare6 } from './fixtures-accept.ts'
import { node } from './fixtures-turn.ts'
import { forwards, frameOf, keeps, type Parts, type Vector } from './vector.ts'

const ping: Parts = { behind: icmp(), payload: 'ping' }
const other = '192.0.2.11'
const other6 = '2001:db8:a:b:c:d:e:1f'
const six = (destination: string, parts: Parts = {}): Parts => ({
  ...parts,
  ip6: { destination, ...parts.ip6 },
})
const tagged = (parts: Parts, count: 1 | 2): Parts => ({
  ...parts,
  ether: { ...parts.ether, tags: [{ id: 7 }, { id: 8 }].slice(0, count) },
})
/** discovery: an ICMPv6 message of neighbour discovery, which has an address behind its first 8 bytes. */
const discovery = (type: number): Parts => ({ behind: icmp({ type }), payload: new Uint8Array(16) })
const toOther: Parts = { ether: { destination: '02:00:00:00:00:77' as Mac } }

/** Frames of IPv4 that a destination does not accept. */
const four: Readonly<Record<string, Parts>> = {
  'a ping': ping,
  'a port that no listener has': { tcp: { destination: 81 } },
  'a datagram': { udp: {}, payload: 'what nobody listens to' },
  GRE: { ip: { protocol: 47 } },
  'a ping with IP options': { ...ping, ip: { options: Uint8Array.of(1, 1, 1, 1) } },
  'a tagged ping': tagged(ping, 1),
  'a ping behind two tags': tagged(ping, 2),
  'a fragment of a ping': { ...ping, ip: { moreFragments: true } },
}

const refused = (fixture: FixtureName): readonly Vector[] => {
  const say = (text: string) => `accept: false, ${fixture}: ${text}`
  return [
    ...Object.entries(four).flatMap(([name, parts]) => [
      keeps(
        'not-accepted',
        say(`${name} to an address without listeners`),
        { ...parts, ip: { ...parts.ip, destination: bare } },
        fixture,
      ),
    ]),
    keeps(
      'other-protocol',
      say('a ping to another address'),
      { ...ping, ip: { destination: other } },
      fixture,
    ),
    keeps(
      'other-host',
      say('a ping to another host'),
      { ...ping, ...toOther, ip: { destination: bare } },
      fixture,
    ),
  ]
}

const refused6 = (fixture: FixtureName, passed: 'not-ip' | 'other-protocol'): readonly Vector[] => {
  const say = (text: string) => `accept: false, ${fixture}, IPv6: ${text}`
  return [
    keeps('not-accepted', say('a ping'), six(bare6, ping), fixture),
    keeps('not-accepted', say('a tagged ping'), six(bare6, tagged(ping, 1)), fixture),
    keeps('not-accepted', say('a segment'), six(bare6), fixture),
    keeps('not-accepted', say('a router solicitation'), six(bare6, discovery(133)), fixture),
    keeps('not-accepted', say('a redirect'), six(bare6, discovery(137)), fixture),
    keeps('not-accepted', say('no next header'), six(bare6, { ip6: { nextHeader: 59 } }), fixture),
    keeps(
      'not-accepted',
      say('GRE that looks like a solicitation'),
      six(bare6, { ip6: { nextHeader: 47 }, ...discovery(135) }),
      fixture,
    ),
    keeps(passed, say('a neighbour solicitation'), six(bare6, discovery(135)), fixture),
    keeps(passed, say('a tagged neighbour solicitation'), six(bare6, tagged(discovery(135), 1)), fixture),
    keeps(passed, say('a neighbour advertisement'), six(bare6, discovery(136)), fixture),
    keeps(passed, say('a ping to another address'), six(other6, ping), fixture),
    keeps('other-host', say('a ping to another host'), { ...six(bare6, ping), ...toOther }, fixture),
  ]
}

const answer: Parts = {
  ether: { source: web1 },
  ip: { source: vip, destination: node },
  tcp: { source: 80, destination: 61_440, flags: tcpFlag.SYN | tcpFlag.ACK },
}

/** acceptVectors. */
export const acceptVectors: readonly Vector[] = [
  ...(
    ['accept', 'accept-both', 'accept-jumbo', 'accept-four-alone', 'accept-nat', 'accept-virtual'] as const
  ).flatMap(refused),
  ...(['accept-both', 'accept-jumbo', 'accept-nat', 'accept-four-alone'] as const).flatMap((name) =>
    refused6(name, 'other-protocol'),
  ),
  ...(['accept-six-alone', 'accept-virtual'] as const).flatMap((name) => refused6(name, 'not-ip')),
  ...Object.entries(four).map(([name, parts]) =>
    keeps('not-accepted', `accept: false: ${name} to the listener’s address`, parts, 'accept'),
  ),
  forwards('accept: false: the listener’s packets go on', {}, { fixture: 'accept' }),
  forwards('accept: false: tagged ones, too', { ether: { tags: [{ id: 7 }] } }, { fixture: 'accept' }),
  forwards('accept: false: IPv6, too', { ip6: {} }, { fixture: 'accept-both', service: 1 }),
  keeps(
    'not-accepted',
    'accept: false: another port of the IPv6 listener’s address',
    six(vip6, { tcp: { destination: 81 } }),
    'accept-both',
  ),
  keeps(
    'not-accepted',
    'accept: false: an error about a flow of nobody’s',
    { behind: icmp({ type: 3 }), payload: new Uint8Array(28) },
    'accept',
  ),
  {
    name: 'accept: false: an answer to a check is the checker’s',
    fixture: 'accept-nat',
    frame: frameOf(answer),
    expected: {
      outcome: 'turned',
      frame: frameOf({ ...answer, ether: { ...answer.ether, destination: INNER_MAC } }),
    },
  },
]
