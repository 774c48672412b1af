// Mutants of IPv6 in the packet path: its guards, the walk over extension headers, lengths that count them.

import { inFile, type Mutant } from './run-mutant.ts'

const path = inFile('src/dataplane/packet-path.ts', 'vectors6')
const ipv6 = inFile('src/dataplane/path-ipv6.ts', 'vectors6')
const slow = inFile('src/dataplane/path-slow.ts', 'vectors6')
const headers = inFile('src/dataplane/headers.ts', 'vectors6')
/** A guard that is left out sends the packet on. */
const removed = ''

const guards: readonly Mutant[] = [
  path(
    'the hot path takes any type for IPv6',
    '    p.jumpIf(ne(p.load(eth.type), be16(ETH_P_IPV6)), slow)\n',
    removed,
  ),
  path(
    'the hot path takes the IPv6 frames of other hosts',
    'be16(ETH_P_IPV6)), slow)\n    otherHost(p, shape, eth)\n',
    'be16(ETH_P_IPV6)), slow)\n',
  ),
  slow(
    'the slow path knows no IPv6',
    'p.jumpIf(eq(type, be16(ETH_P_IPV6)), six)',
    'p.jumpIf(eq(type, be16(0xffff)), six)',
  ),
  slow(
    'the slow path takes the IPv6 frames of other hosts',
    "'short')\n    otherHost(p, shape, eth)\n",
    "'short')\n",
  ),
  slow(
    'a frame without room for an IPv6 header is truncated',
    "{ wide: Ipv6 }, 'short')",
    "{ wide: Ipv6 }, 'truncated')",
  ),
  ipv6(
    'the hot path takes any version for 6',
    "  p.jumpIf(ne(p.alu('rsh', p.load(ip.versionClass), 4), 6), slow)\n",
    '',
  ),
  slow(
    'any version is 6',
    "    p.exitIf(ne(p.alu('rsh', p.load(wide.versionClass), 4), 6), 'malformed')\n",
    removed,
  ),
  ipv6(
    'the hot path takes extension headers for ports',
    '  guardProtocol(p, shape, protocol(), slow)\n',
    removed,
  ),
  ipv6('tagged IPv6 frames are forwarded', '  tagged?.()\n', removed),
]

const walk: readonly Mutant[] = [
  ipv6(
    'TCP is an extension header',
    'p.jumpIf(eq(next, IPPROTO_TCP), upper)',
    'p.jumpIf(eq(next, 0xff), upper)',
  ),
  ipv6(
    'UDP is an extension header',
    'p.jumpIf(eq(next, IPPROTO_UDP), upper)',
    'p.jumpIf(eq(next, 0xff), upper)',
  ),
  ipv6('TCP is a listener’s in any file', "if (has(shape, 'tcp')) p.jumpIf(eq", 'p.jumpIf(eq'),
  ipv6('UDP is a listener’s in any file', "if (has(shape, 'udp')) p.jumpIf(eq", 'p.jumpIf(eq'),
  ipv6(
    'hop-by-hop options are not passed over',
    '[EXTENSION.hopByHop, EXTENSION.routing,',
    '[EXTENSION.routing,',
  ),
  ipv6(
    'a routing header is not passed over',
    'EXTENSION.hopByHop, EXTENSION.routing,',
    'EXTENSION.hopByHop,',
  ),
  ipv6(
    'a fragment header is not passed over',
    'EXTENSION.routing, EXTENSION.fragment,',
    'EXTENSION.routing,',
  ),
  ipv6(
    'an authentication header is not passed over',
    'EXTENSION.fragment, EXTENSION.authentication]',
    'EXTENSION.fragment]',
  ),
  ipv6(
    'destination options are not passed over',
    'p.exitIf(ne(next, EXTENSION.destination), ',
    'p.exitIf(ne(next, EXTENSION.hopByHop), ',
  ),
  ipv6(
    'any header is passed over',
    "    p.exitIf(ne(next, EXTENSION.destination), 'other-protocol')\n",
    removed,
  ),
  headers('five headers are passed over', 'EXTENSIONS = 6', 'EXTENSIONS = 5'),
  headers('seven headers are passed over', 'EXTENSIONS = 6', 'EXTENSIONS = 7'),
  ipv6('a seventh header is truncated', "  p.leave('other-protocol')\n", "  p.leave('truncated')\n"),
  ipv6('a header is of the kind that came first', '    p.set(next, p.load(header.next))\n', removed),
  slow('the first header’s kind is the protocol', 'p.stash(next)', 'p.stash(p.load(wide.next))'),
  ipv6(
    'headers are passed over 8 bytes short',
    'p.load(header.length), 1), 3)',
    'p.load(header.length), 0), 3)',
  ),
  ipv6('headers count in units of 4 bytes', 'p.load(header.length), 1), 3)', 'p.load(header.length), 1), 2)'),
  ipv6(
    'an authentication header is passed over 4 bytes short',
    'p.load(header.length), 2), 2)',
    'p.load(header.length), 1), 2)',
  ),
  ipv6(
    'an authentication header counts in units of 2 bytes',
    'p.load(header.length), 2), 2)',
    'p.load(header.length), 2), 1)',
  ),
  ipv6(
    'an authentication header is as any other',
    'p.jumpIf(eq(next, EXTENSION.authentication), isAuthentication)',
    'p.jumpIf(eq(next, 0xff), isAuthentication)',
  ),
  ipv6('a fragment header has 16 bytes', 'p.set(size, 8)', 'p.set(size, 16)'),
  ipv6(
    'a fragment header is as any other',
    'p.jumpIf(ne(next, EXTENSION.fragment), plain)',
    'p.jumpIf(ne(next, 0xff), plain)',
  ),
  ipv6(
    'all headers are as a fragment header',
    'p.jumpIf(ne(next, EXTENSION.fragment), plain)',
    'p.jumpIf(eq(next, 0xff), plain)',
  ),
  ipv6(
    'a chain longer than one header’s most is cut off',
    'REACH = Ipv6.size + EXTENSIONS * 8 * 256 + 1',
    'REACH = Ipv6.size + 8 * 256 + 1',
  ),
  ipv6(
    'what does not hold the next header is a fragment',
    '{ header: Extension }, ways.truncated)',
    '{ header: Extension }, ways.fragment)',
  ),
]

const fragments: readonly Mutant[] = [
  ipv6('IPv6 fragments are forwarded', 'be16(IP6_FRAGMENT)), ways.fragment)', 'be16(0)), ways.fragment)'),
  headers('the first IPv6 fragment is none', 'IP6_FRAGMENT = 0xfff9', 'IP6_FRAGMENT = 0xfff8'),
  headers('the last IPv6 fragment is none', 'IP6_FRAGMENT = 0xfff9', 'IP6_FRAGMENT = 1'),
  headers('a reserved bit makes a fragment', 'IP6_FRAGMENT = 0xfff9', 'IP6_FRAGMENT = 0xffff'),
  slow(
    'an IPv6 fragment is told as truncated',
    '    p.bind(fragment)\n    p.setSlot(isFragment, p.constant(1))\n',
    '    p.bind(fragment)\n',
  ),
  slow(
    'a truncated IPv6 packet is told as a fragment',
    '    p.setSlot(isFragment, p.constant(0))\n    p.set(next',
    '    p.setSlot(isFragment, p.constant(1))\n    p.set(next',
  ),
]

const lengths: readonly Mutant[] = [
  slow(
    'the payload length leaves extension headers out',
    "p.alu('add', extensions(), leastOf(p, shape, protocol))",
    'leastOf(p, shape, protocol)',
  ),
  slow(
    'the payload length leaves the transport header out',
    "p.alu('add', extensions(), leastOf(p, shape, protocol))",
    'extensions()',
  ),
  slow(
    'the payload length counts IPv6’s header',
    "p.alu('sub', p.narrow(p.length(network, at)), Ipv6.size)",
    'p.narrow(p.length(network, at))',
  ),
  ipv6('the payload length is of all bytes', 'least, Ipv6.size))', 'least, 0))'),
  ipv6(
    'the hot path wants no room for the transport header',
    'least: () => leastOf(p, shape, protocol)',
    'least: () => 0',
  ),
]

/** ipv6Mutants: all of them. */
export const ipv6Mutants: readonly Mutant[] = [...guards, ...walk, ...fragments, ...lengths]
