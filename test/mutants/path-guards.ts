// Mutants of the packet path's guards: each one removed or weakened, each length wrong, each way out that of another.
// Those of IPv6 are in path-ipv6.ts.

import { inFile, type Mutant } from './run-mutant.ts'

const common = inFile('src/dataplane/path.ts', 'vectors')
const path = inFile('src/dataplane/packet-path.ts', 'vectors')
const ipv4 = inFile('src/dataplane/path-ipv4.ts', 'vectors')
const slow = inFile('src/dataplane/path-slow.ts', 'vectors')
const headers = inFile('src/dataplane/headers.ts', 'vectors')
/** A guard that is left out sends the packet on. */
const removed = ''

const links: readonly Mutant[] = [
  common(
    'any MAC with the right end is ours',
    "    p.exitIf(ne(first(), macWord(mac, 0)), 'other-host')\n",
    removed,
  ),
  common(
    'any MAC with the right start is ours',
    "    p.exitIf(ne(last(), macWord(mac, 4)), 'other-host')\n",
    removed,
  ),
  common(
    'who shares a virtual router’s word is taken for it',
    'p.jumpIf(eq(p.load(p.element(words, at)), active), ours)',
    'p.jumpIf(ne(p.load(p.element(words, at)), 0), ours)',
  ),
  common(
    'any MAC with a virtual router’s end is its own',
    "    p.exitIf(ne(first(), macWord(virtual[0]!.mac, 0)), 'other-host')\n",
    removed,
  ),
  common(
    'only the first virtual router has a MAC',
    '      p.jumpIf(ne(last(), macWord(mac, 4)), next)\n',
    '      p.jumpIf(ne(last(), macWord(virtual[0]!.mac, 4)), next)\n',
  ),
  path(
    'the hot path takes the IPv4 frames of other hosts',
    '    p.jumpIf(ne(p.load(eth.type), be16(ETH_P_IP)), other)\n    otherHost(p, shape, memory, eth)\n',
    '    p.jumpIf(ne(p.load(eth.type), be16(ETH_P_IP)), other)\n',
  ),
  path(
    'the hot path takes any type for IPv4',
    '    p.jumpIf(ne(p.load(eth.type), be16(ETH_P_IP)), other)\n',
    removed,
  ),
  slow('the slow path takes any type for IPv4', "  p.exitIf(ne(type, be16(ETH_P_IP)), 'not-ip')\n", removed),
  slow(
    'a frame without room for an IPv4 header behind its tags is truncated',
    "p.headers(network, end, { ip: Ipv4 }, 'short')",
    "p.headers(network, end, { ip: Ipv4 }, 'truncated')",
  ),
  slow(
    'a frame without room for an IPv4 header is truncated',
    "p.headers(data, end, { eth: Ethernet, ip: Ipv4 }, 'short')",
    "p.headers(data, end, { eth: Ethernet, ip: Ipv4 }, 'truncated')",
  ),
]

const tags: readonly Mutant[] = [
  slow('an 802.1Q tag is none', '  p.jumpIf(eq(type, be16(ETH_P_8021Q)), tag)\n', removed),
  slow(
    'an 802.1ad tag is none',
    '  p.jumpIf(ne(type, be16(ETH_P_8021AD)), parse)\n  p.bind(tag)',
    '  p.goto(parse)\n  p.bind(tag)',
  ),
  slow('a second 802.1Q tag is none', '  p.jumpIf(eq(type, be16(ETH_P_8021Q)), twice)\n', removed),
  slow(
    'a second 802.1ad tag is none',
    '  p.jumpIf(ne(type, be16(ETH_P_8021AD)), parse)\n  p.bind(twice)',
    '  p.goto(parse)\n  p.bind(twice)',
  ),
  slow(
    'any type is a tag',
    '  p.jumpIf(ne(type, be16(ETH_P_8021AD)), parse)\n  p.bind(tag)',
    '  p.bind(tag)',
  ),
  slow(
    'any type behind a tag is another tag',
    '  p.jumpIf(ne(type, be16(ETH_P_8021AD)), parse)\n  p.bind(twice)',
    '  p.bind(twice)',
  ),
  slow('the type behind a tag is the tag’s', '  p.set(type, p.load(tags.type))\n', removed),
  slow('the type behind two tags is the second’s', '  p.set(type, p.load(tags.type2))\n', removed),
]

const headersOfIpv4: readonly Mutant[] = [
  ipv4(
    'the hot path looks at no version and no header length',
    '  p.jumpIf(ne(p.load(ip.versionIhl), 0x45), slow)\n',
    removed,
  ),
  ipv4(
    'the hot path looks at no header length',
    'ne(p.load(ip.versionIhl), 0x45)',
    "ne(p.alu('rsh', p.load(ip.versionIhl), 4), 4)",
  ),
  ipv4(
    'the hot path looks at no version',
    'ne(p.load(ip.versionIhl), 0x45)',
    "ne(p.alu('and', p.load(ip.versionIhl), 15), 5)",
  ),
]

const fragments: readonly Mutant[] = [
  ipv4(
    'the hot path forwards fragments',
    '  p.jumpIf(anyBits(p.load(ip.fragment), be16(IP_FRAGMENT)), slow)\n',
    removed,
  ),
  headers('the first fragment is none', 'IP_FRAGMENT = 0x3fff', 'IP_FRAGMENT = 0x1fff'),
  headers('the last fragment is none', 'IP_FRAGMENT = 0x3fff', 'IP_FRAGMENT = 0x2000'),
  headers('a packet that must not be fragmented is one', 'IP_FRAGMENT = 0x3fff', 'IP_FRAGMENT = 0x7fff'),
]

const protocols: readonly Mutant[] = [
  common(
    'any protocol is a listener’s',
    "  p.exitIf(ne(protocol, has(shape, 'udp') ? IPPROTO_UDP : IPPROTO_TCP), unknown)\n",
    removed,
  ),
  common(
    'TCP is no listener’s where UDP is',
    '  if (isMixed(shape)) p.jumpIf(eq(protocol, IPPROTO_TCP), known)\n',
    removed,
  ),
  common(
    'UDP is a listener’s nowhere',
    "ne(protocol, has(shape, 'udp') ? IPPROTO_UDP : IPPROTO_TCP)",
    'ne(protocol, IPPROTO_TCP)',
  ),
  path('the ports are all of TCP’s header that the hot path wants', "has(shape, 'tcp') ? Tcp : Udp", 'Udp'),
]

const lengths: readonly Mutant[] = [
  common(
    'a length below the headers’ will do',
    "  p.exitIf(lt(counted, typeof needed === 'number' ? needed : p.widen(needed)), 'bad-length')\n",
    removed,
  ),
  common('a length of the headers will not do', 'p.exitIf(lt(counted,', 'p.exitIf(le(counted,'),
  common('a length beyond the frame will do', "  p.exitIf(gt(bytes, held()), 'bad-length')\n", removed),
  common(
    'a length to the end of the frame will not do',
    'gt(bytes, held())',
    "gt(bytes, p.alu('sub', held(), 1))",
  ),
  path(
    'a length may be one beyond the frame',
    'frame.end)), Ethernet.size)',
    'frame.end)), Ethernet.size - 1)',
  ),
  path(
    'a jumbo frame ends with its first buffer',
    "shape.jumbo ? p.call('xdp_get_buff_len', p.ctx) : undefined",
    'undefined',
  ),
  path(
    'a jumbo frame ends with its first buffer where addresses are in a table',
    'p.stash(all ?? p.length(frame.data, frame.end))',
    'p.stash(p.length(frame.data, frame.end))',
  ),
  ipv4(
    'the total length leaves the header out',
    'leastOf(p, shape, protocol), Ipv4.size)',
    'leastOf(p, shape, protocol), 0)',
  ),
  common('the total length leaves the header out where the file has one protocol', '? a + b :', '? a :'),
  common(
    'the total length leaves the header out where the file has both protocols',
    ": p.alu('add', a, b)",
    ': a',
  ),
  common('UDP’s least length is TCP’s', "return has(shape, 'tcp') ? Tcp.size : Udp.size", 'return Tcp.size'),
  common('TCP’s least length is UDP’s', "return has(shape, 'tcp') ? Tcp.size : Udp.size", 'return Udp.size'),
  common(
    'UDP’s least length is TCP’s where a file has both',
    '  p.set(least, Udp.size)\n',
    '  p.set(least, Tcp.size)\n',
  ),
  common('TCP’s least length is UDP’s where a file has both', '  p.set(least, Tcp.size)\n', removed),
]

const hops: readonly Mutant[] = []

/** guardMutants: all of them. */
export const guardMutants: readonly Mutant[] = [
  ...links,
  ...tags,
  ...headersOfIpv4,
  ...fragments,
  ...protocols,
  ...lengths,
  ...hops,
]
