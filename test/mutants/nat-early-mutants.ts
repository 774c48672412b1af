// Mutants of what waits for records of other nodes: whose answers and whose segments, and what the kernel may have.

import { inFile, type Mutant } from './run-mutant.ts'

const early = inFile('src/dataplane/path-early.ts', 'storiesNat')
const nat = inFile('src/dataplane/path-nat.ts', 'storiesNat')
const decide = inFile('src/dataplane/path-decide.ts', 'storiesNat')
const fill = inFile('src/dataplane/fill.ts', 'storiesNat')
const awaiting = inFile('src/dataplane/awaiting.ts', 'storiesNat')
const bound = inFile('src/dataplane/path-awaiting.ts', 'storiesNat')
const memory = inFile('src/dataplane/memory.ts', 'storiesNat')
const removed = ''

/** natEarlyMutants: all of them. */
export const natEarlyMutants: readonly Mutant[] = [
  nat(
    'answers wait though nobody is about to tell',
    '    p.exitIf(eq(p.load(p.memory(memory.awaiting!).word), AWAIT.nothing), passed)\n',
    removed,
  ),
  nat(
    'plain answers are looked for where tagged ones have their headers',
    '    put(p, where!, Ethernet.size)\n',
    removed,
  ),
  nat('tagged answers never wait', 'p.jumpIf(isUnknown(), unknown.slow)', 'p.exitIf(isUnknown(), passed)'),
  early(
    'what anybody sends from a server’s port waits',
    '    p.jumpIf(eq(p.callSub(source, p.contextOf(kept.context), p.unstash(kept.where)), 0), passes)\n',
    removed,
  ),
  early(
    'all that servers send waits',
    '    p.jumpIf(eq(isAnswerPort(p, memory, sourcePort()), 0), passes)\n',
    removed,
  ),
  early('what the kernel keeps waits', '    p.jumpIf(ne(answer, FIB.noNeighbour), passes)\n', removed),
  early(
    'what goes to a neighbour that is not known yet passes',
    '    p.jumpIf(ne(answer, FIB.noNeighbour), passes)\n',
    '    p.goto(passes)\n',
  ),
  early(
    'routes of IPv6 are asked for as those of IPv4',
    '      if (family === 6) p.store(asked.family, AF_INET6)\n',
    removed,
  ),
  early('one word of an IPv6 address is asked about', '(family === 4 ? 1 : 4)', '1'),
  early('IPv6 ports are where those of IPv4 are', '(family === 4 ? Ipv4 : Ipv6).size))', 'Ipv4.size))'),
  early(
    'tagged ports are where plain ones are',
    '      p.jumpIf(ne(p.unstash(transport), 0), known)\n',
    removed,
  ),
  early('a port’s bit is another’s', "p.alu('rsh', port, 5)", "p.alu('rsh', port, 6)"),
  early(
    'answers wait for ever',
    '    unlessAwaited(p, memory, flows, ticks(p, memory, flows), passes)\n',
    removed,
  ),
  decide('segments wait for ever', '  unlessAwaited(p, memory, flows, now, told)\n', removed),
  bound(
    'a second begins anew with each packet',
    'p.jumpIf(ne(said, AWAIT.records), begun)',
    'p.jumpIf(ne(p.load(word), said), begun)',
  ),
  bound('a second never begins', "  p.store(word, p.alu('or', now, AWAIT.begun | 0))\n", removed),
  bound('a second ends as it begins', '  p.goto(awaited)\n', '  p.goto(told)\n'),
  bound('a second ends where a clock is a little behind', "p.alu('add', now, SLACK)", 'now'),
  bound('a second ends where ticks begin anew', 'said), TIME_MASK)', 'said), 2 ** 31 - 1)'),
  bound('a second is a tick shorter', 'awaitTicks(flows) + SLACK', 'awaitTicks(flows) + SLACK - 1'),
  fill('the last port of a range is none', 'each <= lastPort', 'each < lastPort'),
  awaiting('servers answer from the listener’s port', 'nat.port === 0', 'nat.port >= 0'),
  awaiting(
    'ports of dsr wait, too',
    '    if (!nat) return []\n',
    '    if (!nat) return [{ port, lastPort }]\n',
  ),
  memory(
    'answers wait in a file of one node',
    'usesNat(shape) && flowsOf(shape)?.fresh !== undefined',
    'usesNat(shape)',
  ),
  decide(
    'segments wait though nobody is about to tell',
    '  p.jumpIf(eq(p.load(p.memory(memory.awaiting!).word), AWAIT.nothing), told)\n',
    removed,
  ),
  decide('segments of any service wait', '    unlessCounts(p, asked, bySlot)\n', removed),
  decide(
    'segments of no scheduler wait',
    '    unlessCounts(p, asked, bySlot)\n    p.goto(byRecord)\n',
    removed,
  ),
  decide(
    'segments of slots that nobody had before wait',
    '    p.jumpIf(eq(settled, 0), told)\n    p.jumpIf(eq',
    '    p.jumpIf(eq',
  ),
  decide(
    'segments of slots that have changed hands go on',
    '    p.jumpIf(eq(settled, current), told)\n',
    '    p.goto(told)\n',
  ),
  decide(
    'segments of clients whose network is known wait',
    '    p.jumpIf(anyBits(kind(), ABOUT.kept), told)\n',
    removed,
  ),
  decide(
    'segments of clients whose network is not known go on',
    '    p.jumpIf(anyBits(kind(), ABOUT.network), byRecord)\n',
    removed,
  ),
]
