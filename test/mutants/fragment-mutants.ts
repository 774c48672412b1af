// Mutants of fragments that follow their first one, and of errors and later fragments of tracked flows.

import { inFile, type Mutant } from './run-mutant.ts'

const four = inFile('src/dataplane/slow-ipv4.ts', 'vectors')
const six = inFile('src/dataplane/slow-ipv6.ts', 'vectors6')
const facts = inFile('src/dataplane/slow-facts.ts', 'vectors')
const fragment = inFile('src/dataplane/path-fragment.ts', 'sequences')
const fourth = inFile('src/dataplane/slow-ipv4.ts', 'sequences')
const sixth = inFile('src/dataplane/slow-ipv6.ts', 'sequences')
const followed = inFile('src/dataplane/slow-facts.ts', 'sequences')
const slowly = inFile('src/dataplane/path-slow.ts', 'sequences')
const peekFacts = inFile('src/dataplane/slow-facts.ts', 'storiesPeeks')
const peekFour = inFile('src/dataplane/slow-ipv4.ts', 'storiesPeeks')
const peekSix = inFile('src/dataplane/slow-ipv6.ts', 'storiesPeeks')
const peek = inFile('src/dataplane/path-question.ts', 'storiesPeeks')
const peekFlow = inFile('src/dataplane/path-flow.ts', 'storiesPeeks')
const peekWhere = inFile('src/dataplane/path-where.ts', 'storiesPeeks')
/** A guard that is left out sends the packet on. */
const removed = ''

const fragments: readonly Mutant[] = [
  four(
    'the slow path reads ports of fragments',
    '  p.jumpIf(anyBits(p.load(ip.fragment), be16(IP_FRAGMENT)), fragment)\n',
    removed,
  ),
  fourth(
    'a later fragment of IPv4 is a first',
    "p.alu('and', p.toHost(p.load(ip.fragment)), IP_OFFSET)",
    "p.alu('and', p.toHost(p.load(ip.fragment)), 0)",
  ),
  fourth('fragments of one sender are one packet’s', '    [KEY_PORTS, identification],\n', removed),
  fourth(
    'fragments of all senders are one packet’s',
    '    [KEY_SOURCE, () => p.bits(p.load(ip.source))],\n    [KEY_ADDRESS',
    '    [KEY_ADDRESS',
  ),
  fourth('a later fragment’s length counts nothing of its own', "p.alu('add', size(), 1)", 'size()'),
  sixth(
    'IPv6 fragments of one sender are one packet’s',
    "    [KEY_PORTS, () => p.load(part(header.rest, 0, 'u32'))],\n",
    removed,
  ),
  sixth(
    'IPv6 fragments of all who begin alike are one packet’s',
    '    [KEY_SOURCE, () => source(0)],\n',
    removed,
  ),
  sixth(
    'a later IPv6 fragment’s length counts nothing of its own',
    'Ipv6.size - Extension.size - 1',
    'Ipv6.size - Extension.size',
  ),
  six(
    'a first fragment of a ping is an error',
    "  p.exitIf(eq(p.unstash(facts.protocol), IPPROTO_ICMPV6), 'other-protocol')\n",
    removed,
  ),
  six(
    'more headers in a later fragment are somebody’s',
    '    p.jumpIf(eq(p.unstash(facts.protocol), kind), ways.unreadable)\n',
    '    {}\n',
  ),
  six('a first fragment with more headers is nobody’s', '  p.jumpIf(eq(units, 0), told)\n', removed),
  followed('the sender of a fragment hears of its TTL', '  p.setSlot(facts.isSilent, 1)\n', removed),
  followed('no first fragment is remembered', '  p.setSlot(facts.isFirst, 1)\n', removed),
  followed('later fragments are remembered', '  p.setSlot(facts.isFirst, 0)\n', removed),
  facts('a first fragment without ports is truncated', '  p.setSlot(facts.why, WHY.tiny)\n', removed),
  facts(
    'a later fragment may overwrite TCP’s header',
    '    p.goto(unreadable)\n    p.bind(behind)\n',
    '    p.bind(behind)\n',
  ),
  facts('a later fragment may begin at 16', '(Tcp.size - 1) >> 3', '1'),
  facts('a later fragment must not begin at 24', '(Tcp.size - 1) >> 3', 'Tcp.size >> 2'),
  facts(
    'UDP has a header as long as TCP’s',
    "    if (has(shape, 'udp')) p.jumpIf(eq(p.unstash(facts.protocol), IPPROTO_UDP), behind)\n",
    removed,
  ),
  facts(
    'a later fragment is truncated',
    '  p.setSlot(facts.why, WHY.later)\n',
    '  p.setSlot(facts.why, WHY.truncated)\n',
  ),
  followed('any later fragment has ports', '  p.jumpIf(eq(ports, 0), unreadable)\n', removed),
  facts('a tiny fragment is truncated', "  p.exitIf(eq(why, WHY.tiny), 'tiny-fragment')\n", removed),
  facts(
    'a stray fragment is truncated',
    "  if (has(route.shape, 6)) p.exitIf(eq(why, WHY.stray), 'fragment')\n",
    removed,
  ),
  slowly(
    'a first fragment that is not forwarded is remembered too',
    'p.jumpIf(eq(p.unstash(facts.isFirst), 0), known)',
    'p.jumpIf(ne(p.unstash(facts.isFirst), 0), known)',
  ),
  fragment(
    'a new first pushes nobody out',
    '    for (let way = ways.length - 1; way > 0; way--) p.store(ways[way]!, p.load(ways[way - 1]!))\n',
    removed,
  ),
  fragment('records never end', 'p.jumpIf(le(age, (LIFE << 24) >>> 0), found)', 'p.goto(found)'),
  fragment('records end a tick early', '(LIFE << 24) >>> 0', '((LIFE - 1) << 24) >>> 0'),
  fragment(
    'any record of a place is the fragment’s',
    '      p.jumpIf(anyBits(age, FINGERPRINT), next)\n',
    removed,
  ),
  fragment('time has 7 bits', 'TICKS = 0xff', 'TICKS = 0x7f'),
  fragment(
    'what the daemon runs again is handed over again',
    "    p.jumpIf(ne(p.load(part(eth.src, 0, 'u32')), macWord(shape.mac, 0)), other)\n",
    '    p.goto(other)\n',
  ),
  fragment(
    'fragments are handed over without bound',
    "    atMost(p, shape, memory, countersOfCpu(p, shape, memory).held, HELD_PER_SECOND, 'fragment')\n",
    removed,
  ),
  fragment('a record says another length', '    p.store(said, size)\n', '    p.store(said, 0)\n'),
]

const peeks: readonly Mutant[] = [
  peekFacts(
    'a later fragment is a packet of its own',
    '  p.setSlot(facts.peek, WHERE.peek | askOf(shape))\n',
    removed,
  ),
  peekFour('an error is a packet of its own', '    belongs(p, route, facts, quoted)\n', removed),
  peekFour('the quoted client is where the teller is', 'size()), Icmp.size + 4)', 'size()), Icmp.size)'),
  peekSix(
    'an ICMPv6 error is a packet of its own',
    '    belongs(p, route, facts, () => p.unstash(facts.client))\n',
    removed,
  ),
  peek(
    'the flow is the teller’s',
    '      p.setPointer(client, p.advance(data, offset()))\n',
    '      p.setPointer(client, network)\n',
  ),
  peek(
    'ports are the packet’s own',
    "p.narrow(p.alu('rsh', kept.where(), WHERE.ports))",
    'p.narrow(kept.where())',
  ),
  peek(
    'an error changes its flow’s record',
    'ABOUT.segment : ABOUT.udp) | ABOUT.peek)',
    'ABOUT.segment : ABOUT.udp))',
  ),
  peek('an error about UDP changes its flow’s record', ': ABOUT.udp) | ABOUT.peek)', ': ABOUT.udp))'),
  peek(
    'errors about UDP are about TCP',
    'if (isMixed(shape)) p.jumpIf(anyBits(kept.where(), WHERE.udp), peekDatagram)',
    '',
  ),
  peekFlow(
    'an error is answered by a RST',
    "    p.exitIf(anyBits(take(p, where!) as Val<'u64'>, WHERE.peek), 'no-server')\n",
    removed,
  ),
  peekWhere('UDP is not told', "p.alu('and', flow.protocol, 0x10)", "p.alu('and', flow.protocol, 0)"),
]

/** packetMutants: all of them. */
export const fragmentMutants: readonly Mutant[] = [...fragments, ...peeks]
