// Mutants of nat: who has a place among the answers, what is refused, what is replaced, and what checksums follow.

import { inFile, type Mutant } from './run-mutant.ts'

const keep = inFile('src/dataplane/path-keep.ts', 'storiesNat')
const request = inFile('src/dataplane/path-request.ts', 'storiesNat')
const answer = inFile('src/dataplane/path-answer.ts', 'storiesNat')
const answers = inFile('src/dataplane/path-answers.ts', 'storiesNat')
const translate = inFile('src/dataplane/path-translate.ts', 'storiesNat')
const follow = inFile('src/dataplane/path-follow.ts', 'storiesNat')
const quoted = inFile('src/dataplane/path-quoted.ts', 'storiesNat')
const nat = inFile('src/dataplane/path-nat.ts', 'storiesNat')
const decide = inFile('src/dataplane/path-decide.ts', 'storiesNat')
const fill = inFile('src/dataplane/fill.ts', 'storiesNat')
const counting = inFile('src/dataplane/path-counting.ts', 'storiesNat')
const near = inFile('src/dataplane/path-near.ts', 'storiesNat')
const way = inFile('src/dataplane/path-way.ts', 'storiesNat')
const back = inFile('src/dataplane/path-back.ts', 'storiesNat')
const removed = ''

const records: readonly Mutant[] = [
  keep('a SYN pushes an established answer out', 'p.exitValue(REQUEST.noRoom)', 'p.goto(write)'),
  keep(
    'the last packet of a flow makes a record',
    '    p.jumpIf(anyBits(kind(), KIND.end), done)\n    p.jumpIf(lt(',
    '    p.jumpIf(lt(',
  ),
  keep(
    'the last packet of a flow takes a closed one’s place',
    '    p.jumpIf(anyBits(kind(), KIND.end), done)\n    p.bind(write)',
    '    p.bind(write)',
  ),
  keep(
    'a flow to another port has the record',
    '    p.jumpIf(ne(p.load(halves.portAndSeal), p.unstash(kept.port)), other)\n',
    removed,
  ),
  keep('a closed flow keeps its place', '    p.jumpIf(eq(state(), FLOW.closed), free)\n', removed),
  keep('a silent SYN keeps its place', '    p.jumpIf(silentFor(changing(), limits.syn), free)\n', removed),
  keep(
    'a segment tries other servers',
    '    p.jumpIf(anyBits(kind(), KIND.segment | KIND.end), nowhere)\n',
    removed,
  ),
  keep(
    'a closed record is opened by a segment',
    '    p.jumpIf(ne(state(), FLOW.closed), touch)\n',
    '    p.goto(touch)\n',
  ),
  keep(
    'a new SYN is taken for established',
    'p.set(fresh, stateBits(FLOW.syn))',
    'p.set(fresh, stateBits(FLOW.established))',
  ),
  keep(
    'the hop stays what it was',
    '    p.store(fields(at()).hop, p.unstash(kept.hop))\n    p.goto(done)',
    '    p.goto(done)',
  ),
  keep(
    'an eviction is not counted',
    "    p.increment(p.element(fields(block()).events, eventNames.indexOf('answer-evicted')), 1)\n",
    removed,
  ),
  answers(
    'the seal is that of the key alone',
    "p.alu('add', key, p.alu('mul', low, p.const64(SEAL[0])))",
    "p.alu('or', key, 0)",
  ),
  decide(
    'what is not recorded goes all the same',
    "p.exitValue(p.alu('or', server, UNRECORDED))",
    'p.exitValue(server)',
  ),
  counting('a flow that moves takes a turn', '(usesNat(shape) ? ABOUT.moves : 0)', '0'),
  decide(
    'a flow that moves follows its record',
    'if (usesNat(shape)) p.jumpIf(anyBits(known, ABOUT.moves), begin)',
    '',
  ),
]

const wires: readonly Mutant[] = [
  request(
    'packets go to servers that are not reachable',
    '    unlessReachable(p, memory, p.unstash(kept.server), noServer)\n',
    removed,
  ),
  request('the listener’s port is kept always', 'p.jumpIf(ne(port, 0), translated)', ''),
  request(
    'the destination address is not in TCP’s checksum',
    "replacePort(p, part(tcp.ports, 2, 'u16'), port()), p.unstash(changed))",
    "replacePort(p, part(tcp.ports, 2, 'u16'), port()), 0)",
  ),
  request(
    'IPv4’s checksum does not follow the address',
    '    if (at.checksum) follow(p, at.checksum, p.unstash(changed))\n',
    removed,
  ),
  translate('a UDP checksum of 0 is made one', '  p.jumpIf(eq(before, 0), done)\n', removed),
  translate('a UDP checksum becomes 0', '  p.set(after, 0xffff)\n', removed),
  translate(
    'a carry is lost',
    "const folded = p.alu('add', p.alu('and', whole, 0xffff), p.alu('rsh', whole, 16))",
    "const folded = p.alu('and', whole, 0xffff)",
  ),
  answer(
    'an answer of no TTL goes on',
    '      p.jumpIf(le(hops, 1), expired)\n      const less',
    '      const less',
  ),
  answer('an answer’s FIN or RST does not close', '  p.jumpIf(ne(p.unstash(closes), 0), closed)\n', removed),
  way(
    'answers leave from the server’s MAC',
    "    p.store(part(src, 0, 'u32'), macWord(shape.mac, 0))\n",
    removed,
  ),
  way('half of the hop is used', "    p.storeLow(part(mac, 4, 'u16'), p.alu('rsh', value, 32))\n", removed),
  nat('fragments and errors are taken for requests', 'p.jumpIf(anyBits(here(), WHERE.peek), belongs)', ''),
  follow('errors are taken for fragments', 'p.jumpIf(eq(client(), network), done)', 'p.goto(done)'),
  follow('IPv4’s errors have a pseudo-header', '      p.setSlot(changed, 0)\n', removed),
  quoted(
    'a quoted header’s own checksum is not in the error’s',
    '    add(difference16(p, p.unstash(before), p.load(place)))\n',
    removed,
  ),
  quoted('the quoted port stays', '    p.jumpIf(eq(p.unstash(to), 0), kept)\n', '    p.goto(kept)\n'),
  fill('the servers’ port is not written', 'nat?.port ?? 0', '0'),
]

const interfaces: readonly Mutant[] = [
  keep('a hop has no interface', 'shape.own === 0 ? mac', 'shape.own >= 0 ? mac'),
  way('answers leave by the first interface', '    p.jumpIf(ne(via, number), next)\n', removed),
  way('our own interface is the first', '[shape.own, 0, shape.mac] as const', '[0, 0, shape.mac] as const'),
  way(
    'answers leave by an interface that there is no more',
    '  p.goto(unknown)\n  p.bind(known)\n  return way',
    '  p.bind(known)\n  return way',
  ),
  way(
    'answers leave elsewhere from the server’s MAC',
    'if (way) put(src, p.unstash(way.from))',
    'if (way) put(dst, p.unstash(way.from))',
  ),
  way(
    'answers of clients elsewhere are said to go back',
    'p.exitValue(ANSWER.redirected)',
    'p.exitValue(ANSWER.answered)',
  ),
  nat(
    'answers of clients elsewhere go back',
    "    if (shape.others.length > 0) p.exitIf(eq(answer, ANSWER.redirected), 'answer-redirected')\n",
    removed,
  ),
  back(
    'errors and fragments leave by our own interface',
    'wayOut(p, shape, record, back.unknown)',
    'undefined as Way | undefined',
  ),
  back('errors and fragments are said to go back', 'leaveBy(p, way)', 'p.exitValue(ANSWER.answered)'),
]

const neighbours: readonly Mutant[] = [
  request('clients on the servers’ network get no answers', '    unlessNear(hairpin)\n', removed),
  request('only SYNs are looked at', 'KIND.syn | KIND.udp), 0), goes', 'KIND.syn), 0), goes'),
  request(
    'segments are looked at, too',
    "    p.jumpIf(eq(p.alu('and', p.unstash(kept.kind), KIND.syn | KIND.udp), 0), goes)\n",
    removed,
  ),
  request(
    'all other servers that a clash asks are one slot’s',
    "p.alu('add', p.narrow(p.unstash(kept.hash)), tries)",
    'p.narrow(p.unstash(kept.hash))',
  ),
  request('a clash asks one other slot', 'p.constant(CLASH_TRIES)', 'p.constant(1)'),
  request('a clash leads to a neighbour', '        unlessNear(next)\n', removed),
  nat('a hairpin is told as a clash', "    p.exitIf(eq(code, REQUEST.hairpin), 'hairpin')\n", removed),
  near('the end of an IPv6 address does not matter', '[0, 8]', '[0]'),
  near('its start does not matter', '[0, 8]', '[8]'),
  near('a network is one server', 'of(address)), of(mask))', 'of(address)), 0xffff_ffff)'),
  near('every client is a neighbour', 'p.exitValue(0)', 'p.exitValue(1)'),
  fill('networks end at whole octets', 'maskOf(network).entries()', 'maskOf(network & ~7).entries()'),
  fill('no network is known', 'maskOf(network).entries()', 'maskOf(Math.max(network, 128)).entries()'),
]

/** natMutants: all of them. */
export const natMutants: readonly Mutant[] = [...records, ...wires, ...interfaces, ...neighbours]
