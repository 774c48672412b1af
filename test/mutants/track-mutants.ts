// Mutants of tracking: each condition of who follows a record and who begins anew, of what is recorded where, of RSTs.

import { inFile, type Mutant } from './run-mutant.ts'

const decide = inFile('src/dataplane/path-decide.ts', 'stories')
const asked = inFile('src/dataplane/path-asked.ts', 'stories')
const look = inFile('src/dataplane/path-look-up.ts', 'storiesPlaces')
const scan = inFile('src/dataplane/path-scan.ts', 'storiesPlaces')
const question = inFile('src/dataplane/path-question.ts', 'stories')
const flow = inFile('src/dataplane/path-flow.ts', 'stories')
const reset = inFile('src/dataplane/path-reset.ts', 'storiesResets')
const where = inFile('src/dataplane/path-where.ts', 'stories')
const path = inFile('src/dataplane/path.ts', 'stories')
const fill = inFile('src/dataplane/fill.ts', 'stories')
const match = inFile('src/dataplane/match.ts', 'stories')
const removed = ''

const asking: readonly Mutant[] = [
  flow('every packet is asked about', 'p.jumpIf(anyBits(word, SLOT_RECORDS), tracked)', 'p.goto(tracked)'),
  flow('LEARN is taken for RECORDS', 'anyBits(word, SLOT_RECORDS)', 'anyBits(word, SLOT_RECORDS / 2)'),
  flow(
    'services that differ are asked about where they track all only',
    "p.alu('or', p.alu('rsh', word, 31), SETTING.all)",
    "p.alu('or', p.alu('and', word, 0), SETTING.all)",
  ),
  flow(
    'services that track all are asked about where there are records only',
    "p.alu('or', p.alu('rsh', word, 31), SETTING.all)",
    "p.alu('rsh', word, 31)",
  ),
  flow(
    'whoever is told to reset goes to a server',
    '    if (tracking.reset) p.jumpIf(anyBits(answer, RESET), reset)\n',
    removed,
  ),
  flow(
    'the pool is not asked about',
    'const upper = BigInt(pool) << BigInt(ABOUT_POOL)',
    'const upper = BigInt(pool) * 0n',
  ),
  flow(
    'a pool that is not the only one is not asked about',
    "p.alu('lsh', p.widen(pool), ABOUT_POOL)",
    "p.alu('and', p.widen(pool), 0)",
  ),
  match(
    'all listeners in tables are of one pool',
    '  put(p, match.pool, pool)\n',
    '  put(p, match.pool, 0)\n',
  ),
  path(
    'ports choose the slot where the source alone is to',
    'p.jumpIf(anyBits(settings, SETTING.bySource), bySource)',
    'p.jumpIf(anyBits(settings, 0), bySource)',
  ),
  path(
    'ports choose all slots though sources are to',
    "if (index === KEY_PORTS && !someUse(route.shape, ({ hash }) => hash === 'flow')) continue\n",
    '\n',
  ),
]

const identity: readonly Mutant[] = [
  question(
    'the source address is not the flow’s',
    'times(FLOW_KEY.source, p.bits(p.load(who.source)))',
    'times(FLOW_KEY.source, p.bits(p.load(ip.destination)))',
  ),
  question(
    'an IPv6 destination is one word',
    '...words6(ip.destination, FLOW_KEY.destination, FLOW_KEY.destination6)',
    '...words6(ip.destination, FLOW_KEY.destination, FLOW_KEY.destination6).slice(0, 1)',
  ),
  question(
    'an IPv6 source’s words have one key',
    'const words6 = (address: Parameters<typeof part>[0], first: number, others: number) =>\n  [0, 1, 2, 3].map((i) => [i === 0 ? first : others + i - 1,',
    'const words6 = (address: Parameters<typeof part>[0], first: number, others: number) =>\n  [0, 1, 2, 3].map((i) => [i === 0 ? first : others,',
  ),
  question('the second hash is not mixed', "p.alu('rsh', mixed, 32))", "p.alu('rsh', all, 32))"),
  question('the second hash is not folded', "p.alu('xor', all, p.alu('rsh', all, 32))", 'all'),
  question(
    'ports are not the flow’s',
    'times(FLOW_KEY.ports, ports)',
    'times(FLOW_KEY.ports, p.constant(7))',
  ),
  question(
    'TCP and UDP have one first key',
    'begin(FLOW_KEY.udp)\n        p.set(kind, ABOUT.udp)\n',
    'begin(FLOW_KEY.tcp)\n        p.set(kind, ABOUT.udp)\n',
  ),
  question('a FIN is a segment', 'TCP_FIN | TCP_RST', 'TCP_RST'),
  question('a RST is a segment', 'TCP_FIN | TCP_RST', 'TCP_FIN'),
  question(
    'a SYN with ACK is a SYN',
    "p.alu('and', flags, TCP_SYN | TCP_ACK)",
    "p.alu('and', flags, TCP_SYN)",
  ),
  question('a SYN is a segment', '        p.set(kind, ABOUT.syn)\n', '        p.set(kind, ABOUT.segment)\n'),
  question(
    'UDP behind extension headers is TCP',
    'p.jumpIf(anyBits(kept.where(), WHERE.udp), datagram)',
    'p.jumpIf(anyBits(kept.where(), 0), datagram)',
  ),
  where('transports lie within 255 bytes', 'mask: 0x3fff', 'mask: 0x3f'),
]

const places: readonly Mutant[] = [
  look('half of a key is a key', "    p.jumpIf(neLow(p.alu('rsh', mixed, 32), held), not)\n", removed),
  look(
    'the second bucket is the first',
    "p.alu('add', p.alu('mul', p.narrow(flow), MIX), p.narrow(p.alu('rsh', flow, 32)))",
    'p.narrow(flow)',
  ),
  look(
    'what is found in the second bucket is not followed',
    '  p.jumpIf(anyBits(p.unstash(rank), FOUND), found)\n  p.goto(missed)',
    '  p.goto(missed)',
  ),
  look('the first bucket takes all', 'p.jumpIf(ge(p.unstash(rank), best), missed)', 'p.goto(missed)'),
  look('the second bucket takes all', '  p.jumpIf(ge(p.unstash(rank), best), missed)\n', removed),
  scan('half of a key is a key in the second bucket', '      p.jumpIf(neLow(mixed, half), other)\n', removed),
  scan('the youngest makes room', 'p.jumpIf(le(best, rank), kept)', 'p.jumpIf(le(rank, best), kept)'),
  scan(
    'states do not matter to who makes room',
    "p.alu('or', p.alu('and', held, ~TIME_MASK >>> 0), recent)",
    'recent',
  ),
  scan(
    'ages do not matter to who makes room',
    "p.alu('or', p.alu('and', held, ~TIME_MASK >>> 0), recent)",
    "p.alu('and', held, ~TIME_MASK >>> 0)",
  ),
  scan('ages count from now', "p.alu('add', now, SLACK + 1)", "p.alu('add', now, 1)"),
  scan('single ticks matter to who makes room', 'RANK_MASK)\n', 'TIME_MASK - 3)\n'),
]

const following: readonly Mutant[] = [
  decide(
    'a server that nobody can be is somebody',
    "p.below(p.alu('and', p.narrow(value), SERVER_MASK), memory.serverCapacity, stale)",
    "p.alu('and', p.alu('and', p.narrow(value), SERVER_MASK), memory.serverCapacity - 1)",
  ),
  decide(
    'a closed flow is open again',
    '    p.jumpIf(eq(state(), FLOW.closed), closed)\n',
    '    p.jumpIf(eq(state(), 7), closed)\n',
  ),
  decide(
    'a FIN does not close',
    'p.set(next, stateBits(FLOW.closed))',
    'p.set(next, stateBits(FLOW.established))',
  ),
  decide('a SYN follows established flows', '    p.jumpIf(ne(state(), FLOW.syn), begin)\n', removed),
  decide(
    'a SYN follows SYNs of any age',
    '    p.jumpIf(silentFor(p, asked, changing(), limits.syn), begin)\n',
    removed,
  ),
  decide(
    'ages are those of a clock without slack',
    "p.alu('sub', p.alu('add', now, SLACK), changing)",
    "p.alu('sub', p.alu('add', now, 0), changing)",
  ),
  decide(
    'a repeated SYN is an established flow',
    '    p.set(next, stateBits(FLOW.syn))\n  }\n\n  p.bind(touch)',
    '  }\n\n  p.bind(touch)',
  ),
  decide('UDP follows servers that are not healthy', '  unlessHealthy(p, asked, server, begin)\n', removed),
  decide('a record keeps its time', '  p.store(valueIn(entry), touched)\n', removed),
  decide('a failed server’s flows are not reset', '    whereReset(p, asked, server, reset)\n', removed),
  asked('a service that keeps resets', 'p.jumpIf(anyBits(settings, SETTING.resets), reset)', 'p.goto(reset)'),
  asked('who is lost is healthy', '  p.jumpIf(eq(isReachable(p, asked, id), 0), not)\n', removed),
  asked('who has failed is healthy', 'eq(hasFailed(p, asked, id), 1)', 'eq(hasFailed(p, asked, id), 7)'),
  asked(
    'who has failed in one pool has in all',
    "pool === 0 ? id : p.alu('add', p.alu('lsh', pool, Math.log2(serverCapacity)), id)",
    'id',
  ),
]

const beginning: readonly Mutant[] = [
  decide('segments go to the current server', '    p.set(server, settled)\n', removed),
  decide('nobody settled is somebody', '    p.jumpIf(eq(settled, 0), current)\n', removed),
  decide('a settled server’s failure is not told', '    whereReset(p, asked, settled, reset)\n', removed),
  decide('a FIN is recorded', '    p.jumpIf(anyBits(kind(), ABOUT.end), answer)\n', removed),
  decide('UDP always learns', "    p.jumpIf(eq(p.alu('and', word(), SLOT_LEARN), 0), record)\n", removed),
  decide(
    'UDP learns of nobody',
    '    p.jumpIf(eq(other, 0), record)\n    p.set(server, other)\n',
    '    p.set(server, other)\n',
  ),
  decide('UDP learns of servers that are not healthy', '  p.setSlot(spare, 0)\n', removed),
  decide(
    'a SYN is recorded as established',
    '    p.set(state, stateBits(FLOW.syn))\n    p.goto(record)\n',
    '    p.goto(record)\n',
  ),
  decide(
    'the table before is not asked',
    '    p.jumpIf(ne(settled, ASK_BEFORE), known)\n',
    '    p.goto(known)\n',
  ),
  decide(
    'all pools have the first table before',
    "p.alu('add', p.narrow(slot), p.load(table.base))",
    'p.narrow(slot)',
  ),
  decide('a pool without a table before has another’s', '    p.jumpIf(eq(slots, 0), nobody)\n', removed),
  decide(
    'an id that nobody can have is somebody’s',
    '  p.jumpIf(lt(settled, memory.serverCapacity), done)\n',
    '  p.goto(done)\n',
  ),
  fill(
    'tables before all begin at the first word',
    '    images.before.set([base, slots], place)\n',
    '    images.before.set([0, slots], place)\n',
  ),
]

const recording: readonly Mutant[] = [
  decide(
    'flows to servers that are lost are recorded',
    '  p.jumpIf(eq(isReachable(p, asked, server), 0), answer)\n',
    removed,
  ),
  decide('a flow’s own record is not its place', '  p.jumpIf(ne(p.unstash(own), 0), write)\n', removed),
  decide(
    'a stale record is not its flow’s place',
    '  p.bind(stale)\n  p.setSlot(asked.own, 1)\n',
    '  p.bind(stale)\n  p.setSlot(asked.own, 0)\n',
  ),
  decide(
    'a record that does not hold is not its flow’s place',
    '  p.bind(unheld)\n  p.setSlot(asked.own, 1)\n',
    '  p.bind(unheld)\n  p.setSlot(asked.own, 0)\n',
  ),
  decide(
    'there is no end to new records',
    '  p.jumpIf(ge(number, limits.newFlows), capped)\n',
    '  p.jumpIf(ge(number, 2 ** 32 - 1), capped)\n',
  ),
  decide('a second has no end', '  p.set(number, 0)\n', removed),
  decide(
    'new records are not counted',
    "p.store(made.count, p.alu('add', number, 1))",
    'p.store(made.count, number)',
  ),
  decide('a SYN pushes established flows out', '  p.jumpIf(eq(state, stateBits(FLOW.syn)), full)\n', removed),
  decide(
    'idle flows are not idle',
    '  p.jumpIf(silentFor(p, asked, held, limits.established), free)\n',
    removed,
  ),
  decide(
    'all who make room are established',
    '  p.jumpIf(lt(held, stateBits(FLOW.established)), free)\n',
    removed,
  ),
  decide(
    'who could not record a SYN goes to the current server',
    "p.alu('or', other, UNRECORDED) : other)",
    "p.alu('or', other, UNRECORDED) : server)",
  ),
  decide(
    'a record has no service',
    "p.alu('lsh', serviceOf(p, asked), SERVICE_SHIFT)",
    "p.alu('and', serviceOf(p, asked), 0)",
  ),
  decide('keys have nothing of the value', "p.alu('xor', halves, asked.flow)", 'asked.flow'),
  decide(
    'a half of the key has nothing of the value',
    "p.alu('or', p.alu('lsh', stable, 32), stable)",
    "p.alu('lsh', stable, 32)",
  ),
  decide('hits are not counted', "  count(p, asked, 'flow-hit')\n", removed),
  decide('evictions are not counted', "  count(p, asked, 'flow-evicted')\n", removed),
]

const resets: readonly Mutant[] = [
  reset('a RST is answered', '  p.jumpIf(anyBits(flags, TCP_RST), refuse)\n', removed),
  reset('a short header is answered', '  p.jumpIf(lt(header, Tcp.size), refuse)\n', removed),
  reset('a header that is too long is answered', '  p.jumpIf(gt(header, held), refuse)\n', removed),
  reset(
    'packets with IP options are answered',
    "  p.jumpIf(ne(p.load(part(words.start, 0, 'u8')), 0x45), answer.refuse)\n",
    removed,
  ),
  reset(
    'packets with extension headers are answered',
    "  p.jumpIf(ne(p.load(part(words.start, 6, 'u8')), IPPROTO_TCP), answer.refuse)\n",
    removed,
  ),
  reset(
    'all are answered as if they acknowledged',
    '  p.jumpIf(anyBits(flags, TCP_ACK), acknowledges)\n',
    "  p.goto(acknowledges)\n  p.bind(p.label('never'))\n",
  ),
  reset(
    'a SYN has no length',
    "  p.jumpIf(eq(p.alu('and', flags, TCP_SYN), 0), syn)\n",
    '  p.jumpIf(eq(flags, flags), syn)\n',
  ),
  reset(
    'a FIN has no length',
    "  p.jumpIf(eq(p.alu('and', flags, TCP_FIN), 0), fin)\n",
    '  p.jumpIf(eq(flags, flags), fin)\n',
  ),
  reset(
    'a header counts as payload',
    "p.alu('sub', p.alu('add', p.toHost(p.load(tcp.sequence)), held), header)",
    "p.alu('add', p.toHost(p.load(tcp.sequence)), held)",
  ),
  reset(
    'the frame keeps its length',
    "p.alu('sub', p.unstash(answer.size), p.unstash(length))",
    'p.widen(p.constant(0))',
  ),
  reset(
    'the answer has the client’s addresses in their order',
    "  swap(p, words.addresses, 0, 4, 'u32')\n",
    removed,
  ),
  reset(
    'the answer has half of IPv6’s addresses in their order',
    "  swap(p, words.addresses, 8, 24, 'u64')\n",
    removed,
  ),
  reset('the answer has the ports in their order', "  swap(p, tcp.ports, 0, 2, 'u16')\n", removed),
  reset('the answer goes to the server’s MAC', '  p.copy(eth.dst, eth.src)\n', removed),
  reset('the sum forgets protocol and length', 'PSEUDO = (IPPROTO_TCP + Tcp.size) << 8', 'PSEUDO = 0'),
  reset(
    'an acknowledging segment’s RST has its sequence number',
    '  p.store(tcp.sequence, p.load(tcp.acknowledgment))\n',
    removed,
  ),
]

/** trackMutants: all of them. */
export const trackMutants: readonly Mutant[] = [
  ...asking,
  ...identity,
  ...places,
  ...following,
  ...beginning,
  ...recording,
  ...resets,
]
