// Mutants of IPv6 in the packet path: its guards, the walk over extension headers, lengths that count them.

import { inFile, type Mutant } from './run-mutant.ts'

const path = inFile('src/dataplane/packet-path.ts', 'vectors6')
const ipv6 = inFile('src/dataplane/path-ipv6.ts', 'vectors6')
const slow = inFile('src/dataplane/path-slow.ts', 'vectors6')
const headers = inFile('src/dataplane/headers.ts', 'vectors6')
const remembered = inFile('src/dataplane/headers.ts', 'sequences')
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
    'be16(ETH_P_IPV6)), slow)\n    otherHost(p, shape, memory, eth)\n',
    'be16(ETH_P_IPV6)), slow)\n',
  ),
  slow(
    'the slow path knows no IPv6',
    'p.jumpIf(eq(type, be16(ETH_P_IPV6)), six)',
    'p.jumpIf(eq(type, be16(0xffff)), six)',
  ),
  ipv6(
    'the hot path takes any version for 6',
    "  p.jumpIf(ne(p.alu('rsh', p.load(ip.versionClass), 4), 6), slow)\n",
    '',
  ),
  ipv6(
    'the hot path takes extension headers for ports',
    '  guardProtocol(p, shape, protocol(), slow)\n',
    removed,
  ),
]

const walk: readonly Mutant[] = [
  headers('five headers are passed over', 'EXTENSIONS = 6', 'EXTENSIONS = 5'),
  headers('seven headers are passed over', 'EXTENSIONS = 6', 'EXTENSIONS = 7'),
]

const fragments: readonly Mutant[] = [
  headers('the first IPv6 fragment is none', 'IP6_FRAGMENT = 0xfff9', 'IP6_FRAGMENT = 0xfff8'),
  headers('the last IPv6 fragment is none', 'IP6_FRAGMENT = 0xfff9', 'IP6_FRAGMENT = 1'),
  remembered('a reserved bit makes a fragment', 'IP6_FRAGMENT = 0xfff9', 'IP6_FRAGMENT = 0xffff'),
]

const lengths: readonly Mutant[] = [
  ipv6('the payload length is of all bytes', 'least, Ipv6.size))', 'least, 0))'),
  ipv6(
    'the hot path wants no room for the transport header',
    'least: () => leastOf(p, shape, protocol)',
    'least: () => 0',
  ),
]

/** ipv6Mutants: all of them. */
export const ipv6Mutants: readonly Mutant[] = [...guards, ...walk, ...fragments, ...lengths]
