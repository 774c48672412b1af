// What comes next in IPv6: every number, in the IPv6 header and in an extension header, where TCP or UDP is known.

import { icmp6Type } from '../../wire/icmp.ts'
import { ipProtocol } from '../../wire/ipv4.ts'
import { ipv6Next } from '../../wire/ipv6.ts'
import { extension, icmp, ipv4, ipv6, tcp } from '../../wire/packet.ts'
import { client6, vip6 } from './fixture.ts'
import type { FixtureName } from './fixtures.ts'
import { forwards, keeps, type Parts, type Vector } from './vector.ts'

const numbers = Array.from({ length: 256 }, (_, i) => i)
const { AH, DSTOPTS, HOPOPTS, ROUTING } = ipv6Next

/**
 * A SYN under the number `next`. As an extension header its first byte, of port 40,000 = 0x9c40, says that number
 * 156 comes next, which nobody knows; bytes 2 and 3, port 80, make a later fragment of it.
 */
function under(where: string, next: number, parts: Parts, fixture: FixtureName): Vector {
  const name = `IPv6: number ${next} ${where}`
  if (next === ipProtocol.TCP)
    return forwards(name, parts, {
      fixture,
      server: fixture === 'dual' ? 2 : 1,
      service: fixture === 'dual' ? 1 : 0,
    })
  // UDP has no listener at port 80
  if (next === ipProtocol.UDP && fixture === 'dual') return keeps('no-listener', name, parts, fixture)
  return keeps('other-protocol', name, parts, fixture)
}

const behind = (kind: 0 | 43 | 51 | 60, nextHeader: number): Parts => ({
  ip6: {},
  extensions: [extension(kind, { nextHeader })],
})

/** sixNextVectors. */
export const sixNextVectors: readonly Vector[] = [
  ...numbers.map((next) => under('next, TCP known', next, { ip6: { nextHeader: next } }, 'six')),
  ...numbers.map((next) => under('next, both known', next, { ip6: { nextHeader: next } }, 'dual')),
  ...numbers.map((next) => under('behind destination options', next, behind(DSTOPTS, next), 'six')),
  ...[HOPOPTS, ROUTING, AH].flatMap((kind) =>
    [0, 1, 6, 17, 41, 43, 44, 50, 51, 58, 59, 60, 61, 135, 139, 140, 255].map((next) =>
      under(`behind number ${kind}`, next, behind(kind, next), 'six'),
    ),
  ),
  keeps(
    'other-protocol',
    'IPv6: a ping of a service address',
    { ip6: {}, behind: icmp(), payload: 'ping' },
    'six',
  ),
  keeps(
    'other-protocol',
    'IPv6: a neighbour solicitation to our own MAC',
    {
      ip6: { hopLimit: 255 },
      behind: icmp({ type: icmp6Type.NEIGHBOUR_SOLICITATION }),
      payload: new Uint8Array(24),
    },
    'six',
  ),
  keeps(
    'other-host',
    'IPv6: a neighbour solicitation to a group',
    {
      ether: { destination: '33:33:ff:0e:00:0f' },
      ip6: { hopLimit: 255, destination: 'ff02::1:ff0e:f' },
      behind: icmp({ type: icmp6Type.NEIGHBOUR_SOLICITATION }),
      payload: new Uint8Array(24),
    },
    'six',
  ),
  keeps(
    'other-protocol',
    'IPv6: too big, with what was',
    {
      ip6: {},
      behind: icmp({ type: icmp6Type.PKT_TOOBIG, rest: 1_280 }),
      payload: new Uint8Array(60).fill(6),
    },
    'dual',
  ),
  keeps(
    'other-protocol',
    'IPv6: a multicast listener report behind a router alert',
    {
      ip6: { hopLimit: 1 },
      extensions: [extension(HOPOPTS, { body: Uint8Array.of(5, 2, 0, 0, 1, 0) })],
      behind: icmp({ type: 143 }),
    },
    'six',
  ),
  keeps(
    'other-protocol',
    'IPv6: IPv6 in it',
    { ip6: {}, extensions: [ipv6({ source: client6, destination: vip6 })] },
    'six',
  ),
  keeps('other-protocol', 'IPv6: IPv4 in it', { ip6: {}, extensions: [ipv4()], behind: tcp() }, 'six'),
  keeps('other-protocol', 'IPv6: UDP where only TCP is known', { ip6: {}, udp: {} }, 'six'),
  keeps('other-protocol', 'IPv6: TCP where only UDP is known', { ip6: {} }, 'six-udp'),
  keeps('other-protocol', 'IPv6: no next header', { ip6: {}, behind: new Uint8Array(0) }, 'six'),
  keeps('other-protocol', 'IPv6: no next header, 20 bytes', { ip6: { nextHeader: 59 } }, 'six'),
]
