// Mutants of persistence: who is of a network, what makes, refreshes and ends its record.

import { inFile, type Mutant } from './run-mutant.ts'

const template = inFile('src/dataplane/path-template.ts', 'storiesPersistence')
const network = inFile('src/dataplane/path-network.ts', 'storiesPersistence')
const decide = inFile('src/dataplane/path-decide.ts', 'storiesPersistence')
const counting = inFile('src/dataplane/path-counting.ts', 'storiesPersistence')
const question = inFile('src/dataplane/path-question.ts', 'storiesPersistence')
const fill = inFile('src/dataplane/fill.ts', 'storiesPersistence')
const removed = ''

const kept: readonly Mutant[] = [
  template(
    'a network is kept for ever',
    "    p.jumpIf(gt(silent, p.alu('add', ticksOf(p, asked), SLACK)), lapsed)\n",
    removed,
  ),
  template(
    'a network is free a tick too soon',
    "gt(silent, p.alu('add', ticksOf(p, asked), SLACK))",
    "gt(silent, p.alu('add', ticksOf(p, asked), SLACK - 1))",
  ),
  template(
    'a network has a time-out of another service',
    'p.element(p.memory(memory.tables).persists, service)',
    'p.element(p.memory(memory.tables).persists, 0)',
  ),
  template('a network comes back to a shut server', '    unlessOpen(p, asked, server, lapsed)\n', removed),
  template(
    'a network comes back to a lost server',
    '  p.jumpIf(eq(isReachable(p, asked, id), 0), not)\n',
    removed,
  ),
  template(
    'nobody is shut',
    'asked.memory.tracking!.shut!, id), 1)',
    'asked.memory.tracking!.shut!, id), 2)',
  ),
  template(
    'a flow of another server refreshes a network',
    '    p.jumpIf(ne(word(), server), unchanged)\n',
    removed,
  ),
  template(
    'a SYN makes a network’s record an established one',
    "    p.jumpIf(eq(p.alu('and', kind(), ABOUT.syn), 0), known)\n",
    '    p.jumpIf(eq(kind(), kind()), known)\n',
  ),
  template(
    'a segment leaves a network’s record that of a SYN',
    "eq(p.alu('and', kind(), ABOUT.syn), 0), known)",
    "eq(p.alu('and', kind(), ABOUT.peek), 1), known)",
  ),
  template('a network is not refreshed', '    p.store(valueIn(entry), touched)\n', removed),
  template(
    'a lapsed network’s record is left beside a new one',
    '    p.setSlot(own, 1)\n',
    '    p.setSlot(own, 0)\n',
  ),
  template(
    'a network’s record takes the place of another’s without being counted',
    '    p.bind(missed)\n    p.setSlot(own, 0)\n',
    '    p.bind(missed)\n    p.setSlot(own, 1)\n',
  ),
  template('a shut server’s flow makes it a network', '    unlessOpen(p, asked, next, none)\n', removed),
  template(
    'a SYN’s network is recorded as established',
    '    p.set(made, stateBits(FLOW.syn))\n',
    '    p.set(made, stateBits(FLOW.established))\n',
  ),
  template(
    'a segment’s network is recorded as a SYN’s',
    '    p.jumpIf(anyBits(kind(), ABOUT.syn), record)\n',
    '    p.goto(record)\n',
  ),
  template('a network’s record has no mark', 'mark: TEMPLATE', 'mark: 0'),
  template(
    'a server that nobody can be keeps a network',
    'memory.serverCapacity, lapsed)',
    'memory.serverCapacity, unchanged)',
  ),
]
const asked: readonly Mutant[] = [
  network(
    'nobody asks who keeps a network',
    "p.set(bits, p.alu('or', bits, ABOUT.asks))",
    "p.set(bits, p.alu('or', bits, ABOUT.network))",
  ),
  network('services that do not persist keep a network', '  p.jumpIf(eq(p.unstash(client), 0), fixed)\n', ''),
  network('a network’s server is not the word’s', '  p.setSlot(word, server)\n', ''),
  network(
    'a network’s server is asked for by nobody',
    '  p.jumpIf(eq(server, 0), unkept)\n',
    '  p.goto(unkept)\n',
  ),
  network(
    'a flow’s server keeps no network',
    "  p.jumpIf(eq(p.alu('and', answered(), KEEP), 0), settled)\n",
    '  p.goto(settled)\n',
  ),
  network(
    'a network is kept with nobody',
    "p.alu('and', answered(), SERVER_MASK), p.unstash(about))",
    'p.constant(0), p.unstash(about))',
  ),
  network(
    'a network’s server is picked anew',
    "p.setSlot(about, p.alu('or', p.unstash(about), ABOUT.kept))",
    'p.setSlot(about, p.unstash(about))',
  ),
  counting('a network’s server is picked anew by who counts', '(persists(shape) ? ABOUT.kept : 0)', '0'),
  decide(
    'what is asked twice is counted twice',
    '  if (again) p.jumpIf(anyBits(kind(), ABOUT.again), again)\n',
    '',
  ),
  decide(
    'a flow without a record asks for no network',
    '  if (ask) p.jumpIf(anyBits(asked.kind(), ABOUT.asks), ask)\n  count(p',
    '  count(p',
  ),
  decide(
    'the end of a flow refreshes its network',
    '    p.jumpIf(eq(next, stateBits(FLOW.closed)), answer)\n',
    '',
  ),
  decide(
    'a flow that sends does not refresh its network',
    '    keepNetwork(p, asked, server, answer)\n  }\n',
    '  }\n',
  ),
  decide(
    'a new flow makes its network no record',
    '  if (persists(shape) && mark === 0) keepNetwork(p, asked, server, answer)\n',
    '',
  ),
  question(
    'IPv6’s networks are nobody’s',
    'if (kin) hashNetwork(p, memory, kept.about, network6(p, who.source), kin)',
    '',
  ),
]
const hashed: readonly Mutant[] = [
  network(
    'all services share networks',
    'times(TEMPLATE_KEY.service, service())',
    'times(TEMPLATE_KEY.service, p.constant(0))',
  ),
  network('a network is one address', 'p.load(mask))]', 'p.constant(0xffffffff))]'),
  network(
    'a network of IPv6 is one address',
    "p.alu('and', p.load(part(source, at, 'u32')), p.load(mask))",
    "p.load(part(source, at, 'u32'))",
  ),
  network('a network of IPv6 is the first half at most', '[0, 4, 8, 12].map', '[0, 4].map'),
  network('both hashes of a network are one', 'hash(TEMPLATE_KEY.other)', 'hash(TEMPLATE_KEY.first)'),
  network(
    'how the first service persists is how all do',
    'p.element(persists, service())',
    'p.element(persists, 0)',
  ),
  fill(
    'networks are cut in host order',
    'view.setUint32(at + offsets.mask, maskOf(persistence.network)[0]!)',
    'view.setUint32(at + offsets.mask, maskOf(persistence.network)[0]!, true)',
  ),
  fill(
    'the halves of IPv6’s networks are swapped',
    '(i < 2 ? offsets.high : offsets.low)',
    '(i < 2 ? offsets.low : offsets.high)',
  ),
  fill('a network has a bit less', 'Math.max(0, bits - 32 * word)', 'Math.max(0, bits - 1 - 32 * word)'),
]

/** persistenceMutants: all of them. */
export const persistenceMutants: readonly Mutant[] = [...kept, ...asked, ...hashed]
