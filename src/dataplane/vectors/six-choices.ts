// Which IPv6 listener: addresses that differ in one word only, both families in one file, one of them alone.

import { formatIp, isIp4 } from '../../base/addresses.ts'
import { fragment, icmp } from '../../wire/packet.ts'
import { vip6 } from './fixture.ts'
import { type FixtureName, fixtures } from './fixtures.ts'
import { wordOff } from './fixtures6.ts'
import { cut, forwards, frameOf, keeps, type Parts, type Vector } from './vector.ts'

const to = (destination: string, port = 80): Parts => ({ ip6: { destination }, tcp: { destination: port } })
const words = [0, 1, 2, 3]

/** Every listener of a fixture, whose service is its index and whose server is its pool's number + 1. */
const all = (fixture: FixtureName, count: number): readonly Vector[] => {
  const { listeners } = fixtures[fixture].shape
  if (listeners.length !== count) throw new RangeError(`${fixture} has ${listeners.length} listeners`)
  return listeners.map(({ address, port, protocol, pool }, service) => {
    const destination = formatIp(address)
    const family: Parts = isIp4(address) ? { ip: { destination } } : { ip6: { destination } }
    const transport: Parts =
      protocol === 'tcp' ? { tcp: { destination: port } } : { udp: { destination: port } }
    const name = `${fixture}: listener ${service + 1} of ${count}`
    return forwards(name, { ...family, ...transport }, { fixture, service, server: pool + 1 })
  })
}

/** Addresses with a bit of one word off that no listener has, and such as have two words exchanged. */
const besideWords = (fixture: FixtureName) => [
  ...words.flatMap((word) =>
    [0x40000000, 0x00010000, 0x00000100, 0x00008000].map((bits) =>
      keeps(
        'no-listener',
        `${fixture}: word ${word} off by 0x${bits.toString(16)}`,
        to(wordOff(word, bits)),
        fixture,
      ),
    ),
  ),
  ...words.map((word) =>
    keeps(
      'no-listener',
      `${fixture}: lowest and highest bit of word ${word} off`,
      to(wordOff(word, 0x80000001)),
      fixture,
    ),
  ),
  ...[
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 0],
  ].map(([a, b]) =>
    keeps(
      'no-listener',
      `${fixture}: the lowest bits of words ${a} and ${b} off`,
      to(wordOff(a!, 1, wordOff(b!, 1))),
      fixture,
    ),
  ),
  keeps('no-listener', `${fixture}: words exchanged`, to('a:b:2001:db8:c:d:e:f'), fixture),
  keeps('no-listener', `${fixture}: words reversed`, to('e:f:c:d:a:b:2001:db8'), fixture),
  keeps('no-listener', `${fixture}: another port`, to(vip6, 81), fixture),
  keeps('no-listener', `${fixture}: the port’s octets exchanged`, to(vip6, 0x5000), fixture),
  keeps(
    'fragment-held',
    `${fixture}: an IPv6 fragment`,
    { ...to(wordOff(2, 1)), extensions: [fragment({ offset: 9 })] },
    fixture,
  ),
]

const edges: readonly (readonly [string, number])[] = [
  ['::', 1],
  ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 65_535],
  ['::1', 0x0100],
  ['100::', 0x8000],
  ['8000::', 0x7fff],
]
const besideEdges: readonly (readonly [string, number])[] = [
  ['::', 0x0100],
  ['::', 0],
  ['::1', 1],
  ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe', 65_535],
  ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 65_534],
  ['::100:0', 0x0100],
  ['::80', 0x7fff],
  ['80::', 0x7fff],
  ['1::', 0x0100],
  ['8000::', 0x8000],
]

/** IPv4 where only IPv6 listens: it is parsed, and nobody's. */
const onlySix: readonly Vector[] = [
  keeps('no-listener', 'only IPv6 listens: a SYN over IPv4', {}, 'six'),
  keeps('no-listener', 'only IPv6 listens: a datagram over IPv4', { udp: {} }, 'six-udp'),
  keeps('no-listener', 'only IPv6 listens: an IPv4 fragment', { ip: { moreFragments: true } }, 'six'),
  keeps('no-listener', 'only IPv6 listens: a cut SYN over IPv4', cut(frameOf({}), 53), 'six'),
  keeps('no-listener', 'only IPv6 listens: 34 bytes of IPv4', cut(frameOf({}), 34), 'six'),
  keeps('short', 'only IPv6 listens: 33 bytes of IPv4', cut(frameOf({}), 33), 'six'),
  keeps(
    'no-listener',
    'only IPv6 listens: IPv4 with options',
    { ip: { options: new Uint8Array(40) } },
    'six',
  ),
  keeps(
    'no-listener',
    'only IPv6 listens: IPv4, TTL 0, a length that lies',
    { ip: { ttl: 0, totalLength: 1 } },
    'six',
  ),
  keeps('no-listener', 'only IPv6 listens: IPv4 with a tag', { ether: { tags: [{}] } }, 'six'),
  keeps('other-protocol', 'only IPv6 listens: a ping over IPv4', { behind: icmp() }, 'six'),
  keeps('other-protocol', 'only IPv6 listens: UDP over IPv4 where TCP is known', { udp: {} }, 'six'),
  keeps('other-protocol', 'only IPv6 listens: TCP over IPv4 where UDP is known', {}, 'six-udp'),
  keeps('malformed', 'only IPv6 listens: IHL 4', { ip: { ihl: 4 } }, 'six'),
  keeps('malformed', 'only IPv6 listens: version 6 under IPv4’s type', { ip: { version: 6 } }, 'six'),
  keeps(
    'other-host',
    'only IPv6 listens: IPv4 to another host',
    { ether: { destination: '02:1b:3c:5d:7e:90' } },
    'six',
  ),
]

/** sixChoiceVectors. */
export const sixChoiceVectors: readonly Vector[] = [
  ...all('six-words', 9),
  ...all('six-seventy', 70),
  ...all('dual-seventies', 140),
  ...all('dual', 4),
  ...all('crossed', 2),
  ...all('embedded', 5),
  ...besideWords('six-words'),
  ...besideWords('six-seventy'),
  ...words.map((word) =>
    keeps('no-listener', `one IPv6 listener, word ${word} off`, to(wordOff(word, 1)), 'six'),
  ),
  ...edges.map(([address, port], service) =>
    forwards(`a listener at [${address}]:${port}`, to(address, port), { fixture: 'six-edges', service }),
  ),
  ...besideEdges.map(([address, port]) =>
    keeps('no-listener', `[${address}]:${port} beside the edges`, to(address, port), 'six-edges'),
  ),

  // the protocols of both families count together
  keeps('no-listener', 'TCP over IPv6 where IPv4 has TCP', { ip6: {} }, 'crossed'),
  keeps('no-listener', 'TCP over IPv6 to the UDP listener', { ip6: {}, tcp: { destination: 53 } }, 'crossed'),
  keeps('no-listener', 'UDP over IPv4 where IPv6 has UDP', { udp: {} }, 'crossed'),
  keeps('no-listener', 'UDP over IPv4 to the TCP listener', { udp: { destination: 80 } }, 'crossed'),
  keeps('truncated', 'a cut datagram over IPv4 where IPv6 has UDP', cut(frameOf({ udp: {} }), 41), 'crossed'),
  keeps('truncated', 'a cut SYN over IPv6 where IPv4 has TCP', cut(frameOf({ ip6: {} }), 73), 'crossed'),
  keeps('other-protocol', 'a ping over IPv4 where all are known', { behind: icmp() }, 'crossed'),
  keeps('other-protocol', 'a ping over IPv6 where all are known', { ip6: {}, behind: icmp() }, 'crossed'),

  keeps('no-listener', 'dual: UDP to the TCP port over IPv6', { ip6: {}, udp: { destination: 80 } }, 'dual'),
  keeps('no-listener', 'dual: TCP to the UDP port over IPv6', { ip6: {}, tcp: { destination: 53 } }, 'dual'),
  keeps('no-listener', 'dual: TCP to the UDP port over IPv4', { tcp: { destination: 53 } }, 'dual'),
  keeps('no-listener', 'embedded: ::fffe:192.0.2.10', to('::fffe:192.0.2.10'), 'embedded'),
  keeps('no-listener', 'embedded: 0:0:0:0:c000:20a::', to('0:0:0:0:c000:20a::'), 'embedded'),
  keeps('no-listener', 'embedded: ::10.2.0.192', to('::10.2.0.192'), 'embedded'),
  keeps('no-listener', 'dual-seventies: an address beside', to('2001:db8::13'), 'dual-seventies'),
  keeps('no-listener', 'dual-seventies: a port beside', to('2001:db8::1', 81), 'dual-seventies'),
  keeps(
    'no-listener',
    'dual-seventies: IPv4 beside',
    { ip: { destination: '203.0.113.19' } },
    'dual-seventies',
  ),
  keeps(
    'no-listener',
    'dual-seventies: the last address in UDP at a port it has not',
    { ip6: { destination: '2001:db8::12' }, udp: { destination: 443 } },
    'dual-seventies',
  ),
  ...onlySix,
]
