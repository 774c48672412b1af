// Mutants of packets that are no plain segments: tags and options on the slow path, extension headers, errors about a
// flow, TTLs that have run out, and how the slow path hands over what it found.

import { fragmentMutants } from './fragment-mutants.ts'
import { inFile, type Mutant } from './run-mutant.ts'

const slow = inFile('src/dataplane/path-slow.ts', 'vectors')
const slow6 = inFile('src/dataplane/path-slow.ts', 'vectors6')
const four = inFile('src/dataplane/slow-ipv4.ts', 'vectors')
const six = inFile('src/dataplane/slow-ipv6.ts', 'vectors6')
const facts = inFile('src/dataplane/slow-facts.ts', 'vectors')
const walk = inFile('src/dataplane/path-extensions.ts', 'vectors6')
const quote = inFile('src/dataplane/path-quote.ts', 'vectors')
const quote6 = inFile('src/dataplane/path-quote.ts', 'vectors6')
const common = inFile('src/dataplane/path.ts', 'vectors')
const ipv4 = inFile('src/dataplane/path-ipv4.ts', 'vectors')
const ipv6 = inFile('src/dataplane/path-ipv6.ts', 'vectors6')
const headers = inFile('src/dataplane/headers.ts', 'vectors')
const headers6 = inFile('src/dataplane/headers.ts', 'vectors6')
const expired = inFile('src/dataplane/path-expired.ts', 'vectors')
const expired6 = inFile('src/dataplane/path-expired.ts', 'vectors6')
const clock = inFile('src/dataplane/path-clock.ts', 'sequences')
/** A guard that is left out sends the packet on. */
const removed = ''

const tags: readonly Mutant[] = [
  slow(
    'the slow path takes the IPv4 frames of other hosts',
    '    otherHost(p, shape, memory, eth)\n    slowIpv4',
    '    slowIpv4',
  ),
  slow6(
    'the slow path takes the IPv6 frames of other hosts',
    '      otherHost(p, shape, memory, eth)\n      slowIpv6',
    '      slowIpv6',
  ),
  slow6(
    'a frame without room for an IPv6 header is truncated',
    "{ ip: Ipv6 }, 'short')",
    "{ ip: Ipv6 }, 'truncated')",
  ),
  slow('a tag is not stepped over', 'Ethernet.size + 4)', 'Ethernet.size)'),
  slow('a second tag is not stepped over', 'p.set(start, MAX_START)', 'p.set(start, Ethernet.size + 4)'),
  slow(
    'the length of a tagged frame counts its tags',
    'p.length(data, end), start))',
    'p.length(data, end), Ethernet.size))',
  ),
  slow('a length counts the Ethernet header', 'p.length(data, end), start))', 'p.length(data, end), 0))'),
  slow(
    'a jumbo frame on the slow path ends with its first buffer',
    'all ? p.unstash(all) : p.length(data, end), start',
    'p.length(data, end), start',
  ),
]

const options: readonly Mutant[] = [
  four('any version is 4', "  p.exitIf(ne(p.alu('rsh', first(), 4), 4), 'malformed')\n", removed),
  four('a header of any length will do', "  p.exitIf(lt(size(), Ipv4.size), 'malformed')\n", removed),
  four('a header of 16 bytes will do', 'lt(size(), Ipv4.size)', 'lt(size(), Ipv4.size - 4)'),
  four('a header of 20 bytes will not do', 'lt(size(), Ipv4.size)', 'lt(size(), Ipv4.size + 1)'),
  four('options are half as long as they are', 'first(), 15), 2)', 'first(), 15), 1)'),
  four('a header has 28 bytes at most', "p.alu('and', first(), 15)", "p.alu('and', first(), 7)"),
  four('options are not stepped over', 'p.advance(network, size())', 'p.advance(network, Ipv4.size)'),
  four(
    'the slow path takes any protocol',
    "  guardProtocol(p, shape, protocol(), 'other-protocol')\n  p.setSlot",
    '  p.setSlot',
  ),
  four(
    'a file without IPv4 listeners names what it passes after its protocol',
    "    p.leave('no-listener')\n",
    "    p.leave('other-protocol')\n",
  ),
  four(
    'the total length leaves the options out',
    "p.alu('add', size(), leastOf(",
    "p.alu('add', p.constant(Ipv4.size), leastOf(",
  ),
  facts(
    'a TCP header is there when a UDP header would be',
    '    p.headers(at, end, { l4: Tcp }, truncated)\n',
    removed,
  ),
  facts(
    'a UDP header is there when a TCP header would be, where a file has both',
    '    p.jumpIf(eq(p.unstash(facts.protocol), IPPROTO_UDP), enough)\n',
    removed,
  ),
  facts('a UDP header is there when a TCP header would be', "has(shape, 'udp') ? Udp : Tcp", 'Tcp'),
  facts('the ports are all of TCP’s header that must be there', "has(shape, 'udp') ? Udp : Tcp", 'Udp'),
  facts('what has no ports is dropped whoever it is for', '  match(stray)\n', removed),
  facts(
    'a packet’s port is its source port',
    "p.alu('rsh', p.unstash(facts.ports), 16)",
    "p.alu('and', p.unstash(facts.ports), 0xffff)",
  ),
  ipv4('the hot path takes any protocol', '  guardProtocol(p, shape, protocol(), slow)\n', removed),
  ipv4('the hash leaves the ports out', '    [KEY_PORTS, ports],\n', removed),
  ipv4('the hash leaves the source out', '    [KEY_SOURCE, () => client(0)],\n', removed),
  common(
    'a packet’s port on the hot path is its source port',
    "part(place, 2, 'be16')",
    "part(place, 0, 'be16')",
  ),
  common(
    'the hash is of the source port alone',
    "p.load(part(place, 0, 'u32'))",
    "p.bits(p.load(part(place, 0, 'be16')))",
  ),
  ipv4('the TTL stays', '  decrementHops(p, route, ip.ttl)\n', removed),
  ipv6('IPv6’s hash leaves the ports out', '    [KEY_PORTS, ports],\n', removed),
  ipv6('IPv6’s hash leaves the first word out', '    [KEY_SOURCE, () => client(0)],\n', removed),
  ipv6('IPv6’s hash takes the second word for all behind it', '() => client(word)]', '() => client(1)]'),
  ipv6('IPv6’s hash takes one multiplier for three words', '[KEY_SOURCE6 + word - 1,', '[KEY_SOURCE6,'),
  ipv6('the hop limit stays', '  decrementHops(p, route, ip.hopLimit)\n', removed),
]

const extensions: readonly Mutant[] = [
  six(
    'any version is 6',
    "  p.exitIf(ne(p.alu('rsh', p.load(before.ip.versionClass), 4), 6), 'malformed')\n",
    removed,
  ),
  six(
    'the slow path takes any protocol of IPv6',
    "  guardProtocol(p, shape, protocol(), 'other-protocol')\n",
    removed,
  ),
  six(
    'the first header’s kind is the protocol',
    "p.setSlot(facts.protocol, p.alu('and', next, 0xff))",
    'p.setSlot(facts.protocol, p.narrow(p.widen(p.load(before.ip.next))))',
  ),
  walk('any header is passed over', '  p.jumpIf(gt(next, 63), done)\n', removed),
  walk(
    'no header is passed over',
    "p.alu('rsh', p.const64(extensions), next), 1)",
    "p.alu('rsh', p.const64(extensions), next), 0)",
  ),
  headers6('hop-by-hop options are not passed over', 'hopByHop: 0,', 'hopByHop: 63,'),
  headers6('a routing header is not passed over', 'routing: 43,', 'routing: 63,'),
  headers6('destination options are not passed over', 'destination: 60,', 'destination: 63,'),
  headers6('an authentication header is not passed over', 'authentication: 51,', 'authentication: 63,'),
  headers6('a fragment header is not passed over', 'fragment: 44,', 'fragment: 63,'),
  walk('headers are passed over 8 bytes short', '2), Extension.size)', '2), 0)'),
  walk('headers count in units of 4 bytes', 'p.load(header.length)), 2)', 'p.load(header.length)), 1)'),
  walk('an authentication header is as any other', '2), isKind(EXTENSION.authentication))', '2), 0)'),
  walk(
    'a fragment header is as any other',
    'const isFragment = isKind(EXTENSION.fragment)',
    'const isFragment = p.constant(0)',
  ),
  walk(
    'a fragment header has a length',
    "p.alu('lsh', isFragment, 1), 2)",
    "p.alu('lsh', isFragment, 0), 2)",
  ),
  walk('a whole packet with a fragment header is a part', 'isSet(IP6_FRAGMENT))', 'p.constant(1))'),
  walk('a fragment header is nowhere', 'before), isPart)', 'before), 0)'),
  walk('a header is of the kind that came first', 'later, p.load(header.next))', 'later, next)'),
  walk('headers lie within 1,023 bytes', 'PLACE = 0x3fff', 'PLACE = 0x3ff'),
  walk('what does not hold the next header passes', 'p.exitValue(CURSOR.truncated)', 'p.exitValue(0)'),
  walk('a later fragment has ports', 'isSet(IP6_OFFSET))', '0)'),
  six(
    'the payload length leaves extension headers out',
    "p.alu('add', extensions(), leastOf(p, shape, protocol))",
    "p.alu('add', p.constant(0), leastOf(p, shape, protocol))",
  ),
  six(
    'the payload length leaves the transport header out',
    "p.alu('add', extensions(), leastOf(p, shape, protocol))",
    'extensions()',
  ),
  six(
    'the payload length counts IPv6’s header',
    'startOf(p, facts)), Ipv6.size)\n  p.setSlot(facts.least',
    'startOf(p, facts)), 0)\n  p.setSlot(facts.least',
  ),
  six(
    'the sender of a packet with options hears of its hop limit',
    '  p.setSlot(facts.isSilent, extensions())\n',
    removed,
  ),
]

const errors: readonly Mutant[] = [
  four('an error is no listener’s', '  p.jumpIf(eq(protocol(), IPPROTO_ICMP), error)\n', removed),
  quote(
    'a fragment of an error is one',
    "  p.exitIf(anyBits(p.load(ip.fragment), be16(IP_FRAGMENT)), 'other-protocol')\n",
    removed,
  ),
  quote('destination unreachable is no error', '  p.jumpIf(eq(type, unreachable), error)\n', removed),
  quote('time exceeded is no error', '  p.jumpIf(eq(type, exceeded), error)\n', removed),
  quote('any other ICMP is an error', "  p.exitIf(ne(type, parameter), 'other-protocol')\n", removed),
  headers('source quench is an error', '[3, 11, 12]', '[3, 11, 4]'),
  quote(
    'any quoted version is 4',
    "  p.exitIf(ne(p.alu('rsh', first(), 4), 4), 'other-protocol')\n",
    removed,
  ),
  quote(
    'a quoted header of any length will do',
    "  p.exitIf(lt(size(), Ipv4.size), 'other-protocol')\n",
    removed,
  ),
  quote(
    'quoted options are not stepped over',
    'p.advance(p.advance(at, Icmp.size), size())',
    'p.advance(p.advance(at, Icmp.size), Ipv4.size)',
  ),
  quote(
    'a quoted later fragment has ports',
    "  p.exitIf(anyBits(p.load(quoted.fragment), be16(IP_OFFSET)), 'other-protocol')\n",
    removed,
  ),
  quote(
    'a quoted first fragment has no ports',
    'anyBits(p.load(quoted.fragment), be16(IP_OFFSET))',
    'anyBits(p.load(quoted.fragment), be16(IP_FRAGMENT))',
  ),
  quote(
    'an error may be about another address',
    "  p.exitIf(ne(p.load(quoted.source), p.load(ip.destination)), 'other-protocol')\n",
    removed,
  ),
  quote(
    'any quoted protocol is a listener’s',
    "  guardProtocol(p, shape, protocol, 'other-protocol')\n",
    removed,
  ),
  quote(
    'the client is who sent the answer',
    'p.bits(p.load(quoted.destination))',
    'p.bits(p.load(quoted.source))',
  ),
  quote(
    'ports are as in the answer',
    "p.alu('or', p.alu('lsh', ports, 16), p.alu('rsh', ports, 16))",
    "p.alu('or', ports, 0)",
  ),
  quote(
    'the length leaves the quote out',
    "p.alu('add', p.narrow(p.length(network, upper)), Udp.size)",
    "p.alu('and', p.narrow(p.length(network, upper)), 0)",
  ),
  quote(
    'the length ends before the quoted ports do',
    "p.alu('add', p.narrow(p.length(network, upper)), Udp.size)",
    "p.alu('add', p.narrow(p.length(network, upper)), 4)",
  ),
  four(
    'the sender of an error hears of its TTL',
    '    p.setSlot(facts.isSilent, 1)\n    quotedIpv4',
    '    quotedIpv4',
  ),
  six('an ICMPv6 error is no listener’s', '  p.jumpIf(eq(protocol(), IPPROTO_ICMPV6), error)\n', removed),
  quote6(
    'any ICMPv6 is an error',
    "  p.exitIf(gt(p.alu('sub', p.load(icmp.type), 1), 3), 'other-protocol')\n",
    removed,
  ),
  quote6('parameter problem is no error', '1), 3)', '1), 2)'),
  quote6(
    'any quoted version is 6',
    "  p.exitIf(ne(p.alu('rsh', p.load(quoted.versionClass), 4), 6), 'other-protocol')\n",
    removed,
  ),
  quote6(
    'an ICMPv6 error may be about an address that ends otherwise',
    'for (const half of [0, 8])',
    'for (const half of [0])',
  ),
  quote6(
    'an ICMPv6 error may be about an address that begins otherwise',
    'for (const half of [0, 8])',
    'for (const half of [8])',
  ),
  quote6(
    'any protocol quoted in ICMPv6 is a listener’s',
    "  guardProtocol(p, shape, p.unstash(facts.protocol), 'other-protocol')\n",
    removed,
  ),
  quote6('ICMPv6’s client is who sent the answer', 'Source6.fields.source.count', '0'),
  quote6('ICMPv6’s length leaves the quoted ports out', "p.alu('add', payload, Udp.size)", 'payload'),
  six(
    'the sender of an ICMPv6 error hears of its hop limit',
    '    p.setSlot(facts.isSilent, 1)\n    quotedIpv6',
    '    quotedIpv6',
  ),
]

const hops: readonly Mutant[] = [
  common('a TTL of 1 is sent on as 0', 'le(hops, 1), expired', 'lt(hops, 1), expired'),
  common('a TTL of 0 is sent on as 255', '  p.jumpIf(le(hops, 1), expired)\n', removed),
  common('a TTL of 2 is not sent on', 'le(hops, 1), expired', 'le(hops, 2), expired'),
  slow('nobody is ever silent', "    p.exitIf(ne(p.unstash(facts.isSilent), 0), 'ttl')\n", removed),
  expired(
    'a group’s MAC is told',
    "    p.exitIf(anyBits(p.load(part(link.src, 0, 'u8')), 1), 'ttl')\n",
    removed,
  ),
  expired(
    'a packet with options is quoted wrongly',
    "  p.exitIf(ne(p.load(ip.versionIhl), 0x45), 'ttl')\n",
    removed,
  ),
  expired('0.0.0.0 is told', "  p.exitIf(eq(first, 0), 'ttl')\n", removed),
  expired('loopback is told', "  p.exitIf(eq(first, 127), 'ttl')\n", removed),
  expired('multicast is told', "  p.exitIf(ge(first, 224), 'ttl')\n", removed),
  expired('the last ordinary network is told nothing', 'ge(first, 224)', 'ge(first, 223)'),
  expired(
    'the message is from the client',
    "p.store(part(m.ip, 12, 'u32'), p.load(part(m.quoted, 16, 'u32')))",
    "p.store(part(m.ip, 12, 'u32'), p.load(part(m.quoted, 12, 'u32')))",
  ),
  expired(
    'the message is to the service',
    "p.store(part(m.ip, 16, 'u32'), p.load(part(m.quoted, 12, 'u32')))",
    "p.store(part(m.ip, 16, 'u32'), p.load(part(m.quoted, 16, 'u32')))",
  ),
  expired(
    'the message’s header has no checksum',
    "  p.storeLow(part(m.ip, 10, 'u16'), fold(p, p.csumDiff('nothing', m.ip, 0)))\n",
    removed,
  ),
  expired('the message is longer than it says', 'four ? p.unstash(put) : p.unstash(held)', 'p.unstash(held)'),
  expired(
    'the link’s source is whose the packet was',
    "  p.store(part(link.src, 0, 'u32'), macWord(mac, 0))\n",
    removed,
  ),
  expired('the link’s destination is ours', '  p.copy(link.dst, was.src)\n', removed),
  expired('tags are forgotten', '  p.copy(link.types, was.types)\n', removed),
  expired6(
    'an IPv6 multicast is told',
    "  p.exitIf(eq(p.load(part(ip.source, 0, 'u8')), 0xff), 'ttl')\n",
    removed,
  ),
  expired6(
    'the unspecified address is told',
    "  p.exitIf(eq(p.load(part(ip.source, 0, 'u64')), 0), 'ttl')\n",
    removed,
  ),
  expired6('padding is quoted', "  p.exitIf(ne(said, held), 'ttl')\n", removed),
  expired6('a long packet is quoted whole', "  p.exitIf(gt(held, QUOTED), 'ttl')\n", removed),
  expired6('the longest packet is not quoted', 'gt(held, QUOTED)', 'ge(held, QUOTED)'),
  expired6('the ICMPv6 checksum leaves the protocol in', 'p.widen(taken)', 'p.const64(0n)'),
  expired6(
    'the ICMPv6 checksum leaves the length out',
    "p.alu('add', payload, IPPROTO_ICMPV6), 8)",
    "p.alu('and', payload, 0), 8)",
  ),
  expired6(
    'an IPv6 packet is told of as an IPv4 one',
    'p.jumpIf(eq(size, PUT[6]), writeWide)',
    'p.jumpIf(eq(size, 0), writeWide)',
  ),
  clock(
    'seconds never end',
    '  p.store(count, 0)\n  p.bind(same)\n  const before',
    '  p.bind(same)\n  const before',
  ),
  clock('one more than so many is', 'ge(before, most)', 'ge(before, most + 1)'),
  clock('nothing is counted', "  p.store(count, p.alu('add', before, 1))\n", removed),
]

export const packetMutants: readonly Mutant[] = [
  ...tags,
  ...options,
  ...extensions,
  ...errors,
  ...hops,
  ...fragmentMutants,
]
