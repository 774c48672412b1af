// Mutants of nat on the way back for what is not plain: whose packet it is, what is replaced, which fragments are remembered
// and copied.

import { inFile, type Mutant } from './run-mutant.ts'

const back = inFile('src/dataplane/path-back.ts', 'storiesNat')
const slow = inFile('src/dataplane/path-slow.ts', 'storiesNat')
const facts = inFile('src/dataplane/slow-facts.ts', 'storiesNat')
const nat = inFile('src/dataplane/path-nat.ts', 'storiesNat')
const source = inFile('src/dataplane/path-source.ts', 'storiesNat')
const removed = ''

const packets: readonly Mutant[] = [
  back(
    'what comes back without TTL goes on',
    'p.jumpIf(le(hops, 1), expired)',
    'p.jumpIf(eq(hops, 0), expired)',
  ),
  back('what comes back keeps its TTL', "  p.storeLow(place, p.alu('sub', hops, 1))\n", removed),
  back(
    'a router’s error comes from the service',
    "p.jumpIf(ne(p.load(part(at.source, 4 * index, 'u32')), server(index)), kept)",
    'server(index)',
  ),
  back(
    'a router is told by one word',
    'of family === 6 ? [0, 1, 2, 3] : [0])\n    p.jumpIf(ne(',
    'of [0])\n    p.jumpIf(ne(',
  ),
  back(
    'errors to clients have a pseudo-header in IPv4',
    '  if (family === 4) p.setSlot(changed, p.widen(p.constant(0)))\n',
    removed,
  ),
  back(
    'errors to clients are taken for fragments',
    'p.jumpIf(eq(offsetOf(back), networkOf(back)), done)',
    'p.jumpIf(eq(offsetOf(back), offsetOf(back)), done)',
  ),
  back(
    'fragments to clients are taken for errors',
    '  p.jumpIf(eq(offsetOf(back), networkOf(back)), done)\n',
    removed,
  ),
  back(
    'an error to a client quotes the server’s port',
    'port: () => portOf(back, record),',
    'port: () => p.constant(0),',
  ),
  back('an error’s source is what is replaced in its quote', "side: 'destination'", "side: 'source'"),
  back(
    'the source is left out of IPv4’s checksum on the way back',
    "p.alu('add', p.unstash(changed), p.unstash(less))",
    'p.unstash(less)',
  ),
  back(
    'the TTL is left out of IPv4’s checksum on the way back',
    "p.alu('add', p.unstash(changed), p.unstash(less))",
    'p.unstash(changed)',
  ),
  back(
    'the source is left out of the segment’s checksum on the way back',
    'portOf(back, record)), p.unstash(changed))',
    'portOf(back, record)), 0)',
  ),
  back(
    'a tagged FIN does not close',
    "    p.setSlot(closes, p.alu('and', p.load(tcp.flags), TCP_FIN | TCP_RST))\n",
    removed,
  ),
  back('a tagged answer does not refresh', '    touch(p, record, closes, now)\n', removed),
  back('what comes back keeps its MACs', '  turnMacs(p, shape, record, way, eth)\n', removed),
  back('what comes back leaves by our own interface always', 'leaveBy(p, way)', 'leaveBy(p, undefined)'),
  back(
    'an error is of the flow of its own source',
    '    p.setSlot(server, offsetOf(back))\n',
    '    p.setSlot(server, networkOf(back))\n',
  ),
  facts(
    'nobody is told where an answer’s headers are',
    '  putWhere(p, route.where, flow.where())\n  return',
    '  return',
  ),
  nat(
    'an answer of the slow path without TTL passes',
    "p.exitIf(eq(answer, ANSWER.ttl), 'ttl')",
    "p.exitIf(eq(answer, ANSWER.ttl), 'no-listener')",
  ),
]

const fragments: readonly Mutant[] = [
  slow(
    'first fragments of answers are not remembered',
    "  p.callSub(remember, p.unstash(facts.fragment), p.unstash(facts.ports))\n  p.leave('no-listener')",
    "  p.leave('no-listener')",
  ),
  slow(
    'first fragments of anybody are remembered',
    "  p.exitIf(eq(fromServer(), 0), 'no-listener')\n  p.callSub(remember",
    '  p.callSub(remember',
  ),
  slow(
    'later fragments of anybody are copied',
    "  p.exitIf(eq(fromServer(), 0), 'no-listener')\n  p.exitIf(p.answered",
    '  p.exitIf(p.answered',
  ),
  slow(
    'fragments within a TCP header are copied',
    "  p.exitIf(ne(p.unstash(facts.why), WHY.later), 'no-listener')\n",
    removed,
  ),
  slow(
    'what was not handed over counts as copied, and what was as neither',
    "p.exitIf(p.answered(p.callSub(hold, p.ctx), 'fragment-held'), 'fragment-copied')",
    "p.exitIf(p.answered(p.callSub(hold, p.ctx), 'fragment'), 'fragment-copied')",
  ),
  source('nobody may be a server', "p.alu('and', bit, 31)), 1)", "p.alu('and', bit, 31)), 0)"),
  source('another’s bit says who is a server', "p.alu('rsh', bit, 5)", "p.alu('rsh', bit, 6)"),
]

/** natBackMutants: all of them. */
export const natBackMutants: readonly Mutant[] = [...packets, ...fragments]
