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
  keep('an eviction is not counted', "    count('answer-evicted')\n", removed),
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
  answer(
    'answers leave from the server’s MAC',
    "    p.store(part(src, 0, 'u32'), macWord(shape.mac, 0))\n",
    removed,
  ),
  answer('half of the hop is used', "    p.storeLow(part(dst, 4, 'u16'), p.alu('rsh', to, 32))\n", removed),
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

/** natMutants: all of them. */
export const natMutants: readonly Mutant[] = [...records, ...wires]
