// Mutants of schedulers that count: who is picked, what is counted, where flows go that cannot be recorded, and how the
// memory of it is filled.

import { inFile, type Mutant } from './run-mutant.ts'

const schedule = inFile('src/dataplane/path-schedule.ts', 'counting')
const counting = inFile('src/dataplane/path-counting.ts', 'counting')
const decide = inFile('src/dataplane/path-decide.ts', 'counting')
const memory = inFile('src/dataplane/scheduling.ts', 'counting')
/** A step that is left out. */
const removed = ''
const products = "[p.alu('mul', cost, weightOf(p, best)), p.alu('mul', bestCost, weightOf(p, member))]"

const picks: readonly Mutant[] = [
  schedule(
    'a turn is not counted',
    'p.fetchAdd(fields(schedule).cursor, 1)',
    'p.fetchAdd(fields(schedule).cursor, 0)',
  ),
  schedule('all services have the first one’s turns', "p.alu('add', turn, p.narrow(word))", 'turn'),
  schedule('a service without turns has some', '  p.exitIf(eq(count, 0), nobody(p))\n', removed),
  schedule(
    'counts below 0 are great ones',
    "p.alu('and', count, p.alu('xor', p.alu('arsh', count, 31), 0xffff_ffff))",
    'count',
  ),
  schedule('an inactive connection costs as much as an active one', 'active, ACTIVE_COST', 'active, 1'),
  schedule(
    'inactive connections cost nothing',
    "return p.alu('add', p.alu('mul', active, ACTIVE_COST), inactive)",
    "return p.alu('mul', active, ACTIVE_COST)",
  ),
  schedule('sed does not count the connection to come', "return p.alu('add', active, 1)", 'return active'),
  schedule('nq does not know who is idle', "p.alu('rsh', p.alu('sub', p.const64(0n), active), 63)", '1'),
  schedule(
    'of equals the last is taken',
    "p.alu('sub', mine, its)",
    "p.alu('sub', mine, p.alu('add', its, 1))",
  ),
  schedule('weights do not matter', products, '[cost, bestCost]'),
  schedule(
    'weights are taken for each other',
    products,
    "[p.alu('mul', cost, weightOf(p, member)), p.alu('mul', bestCost, weightOf(p, best))]",
  ),
  schedule(
    'the cost of the best is that of the last',
    "p.alu('and', p.alu('xor', bestCost, cost), isLess)",
    "p.alu('xor', bestCost, cost)",
  ),
  schedule('all services have the first one’s servers', "p.alu('add', index, first)", 'index'),
  schedule('picks see the connections of the first pool', "p.alu('add', id, p.unstash(row))", 'id'),
  schedule(
    'every scheduler picks as the first kind',
    'p.jumpIf(ne(p.load(fields(schedule()).kind), kind), other)',
    'p.goto(other)',
  ),
  counting(
    'a segment is picked for',
    'ABOUT.syn | ABOUT.udp), begins)\n    p.goto(done)\n',
    'ABOUT.syn | ABOUT.udp), begins)\n',
  ),
  counting('a service whose slots pick is picked for', '.kind), 0), not)', '.kind), 9), not)'),
  counting('nobody is picked: the slot picks', '  p.jumpIf(eq(server, 0), nobody)\n', removed),
]

const counts: readonly Mutant[] = [
  schedule('connections of services that take turns are counted', 'KIND.rr), none)', '0), none)'),
  schedule('connections are counted for the first pool', "p.alu('add', row, id)", 'id'),
  schedule('active connections are not counted', '    p.atomicAdd(load.active, active)\n', removed),
  schedule('inactive connections are not counted', '    p.atomicAdd(load.inactive, inactive)\n', removed),
  counting(
    'who makes room stays counted',
    '  p.jumpIf(eq(state, FLOW.empty), counted)\n',
    '  p.goto(counted)\n',
  ),
  counting('nobody made room, and is counted less', '  p.jumpIf(eq(state, FLOW.empty), counted)\n', removed),
  counting(
    'a closed one that makes room was active',
    '  p.jumpIf(ne(state, FLOW.closed), open)\n',
    '  p.goto(open)\n',
  ),
  counting('an open one that makes room was inactive', '  p.jumpIf(ne(state, FLOW.closed), open)\n', removed),
  counting('a new connection is not counted', '  count(p, tally, p.unstash(made), 1, 0)\n', removed),
  counting(
    'a connection becomes inactive with every packet',
    '  p.jumpIf(ne(next, (FLOW.closed << STATE_SHIFT) >>> 0), other)\n',
    removed,
  ),
  counting(
    'a connection becomes inactive again and again',
    "  p.jumpIf(eq(p.alu('rsh', value, 32 + STATE_SHIFT), FLOW.closed), other)\n",
    removed,
  ),
  counting(
    'a closed connection stays active',
    'count(p, tally, p.unstash(stable), -1, 1)',
    'count(p, tally, p.unstash(stable), 0, 1)',
  ),
  decide(
    'records that take places are not told',
    'if (was && counting?.tally) tallyReplaced(',
    'if (false) tallyReplaced(',
  ),
  decide('records that close are not told', 'if (closing) whereClosed(', 'if (false) whereClosed('),
]

const elsewhere: readonly Mutant[] = [
  decide(
    'who was picked is not who gets it',
    "    p.set(server, other)\n    if (has(shape, 'udp') && has",
    "    if (has(shape, 'udp') && has",
  ),
  decide(
    'what cannot be recorded has nobody to fall back on',
    '    spareIsSomebody(p, asked, spare)\n',
    removed,
  ),
  decide(
    'a datagram that cannot be recorded is whoever’s is picked',
    '    if (picked) p.jumpIf(ne(p.unstash(picked), 0), toSpare)\n',
    removed,
  ),
  decide(
    'a SYN that is picked for is recorded as established',
    "    if (has(shape, 'tcp')) p.set(state, stateBits(FLOW.syn))\n    p.goto(record)\n    p.bind(bySlot)",
    '    p.goto(record)\n    p.bind(bySlot)',
  ),
]

const filled: readonly Mutant[] = [
  memory('lc looks at weights', "kind === 'lc' ? Math.min(1, weight) : weight", 'weight'),
  memory('all pools have one row', 'rows.get(pool) ?? rows.size * serverCapacity', '0'),
  memory('all services have the same servers', '      members += room\n', removed),
  memory('services’ turns overlap', 'turns += 2 * room', 'turns += 2'),
]

/** countingMutants: all of them. */
export const countingMutants: readonly Mutant[] = [...picks, ...counts, ...elsewhere, ...filled]
