// Mutants of ranges of ports: how they are laid side by side, compared by instructions, and found in tables.

import { inFile, type Mutant } from './run-mutant.ts'

const lay = inFile('src/dataplane/port-ranges.ts', 'ranges')
const tree = inFile('src/dataplane/range-tree.ts', 'ranges')
const found = inFile('src/dataplane/match-ranges.ts', 'ranges')
const match = inFile('src/dataplane/match.ts', 'ranges')
const fill = inFile('src/dataplane/fill.ts', 'ranges')
const memory = inFile('src/dataplane/memory.ts', 'ranges')

/** rangeMutants: all of them. */
export const rangeMutants: readonly Mutant[] = [
  lay('ranges are in the listeners’ order', 'a.port - b.port || lastPortOf(b) - lastPortOf(a)', '0'),
  lay(
    'what lies before a range within another is nobody’s',
    '    cut(listener.port - 1)\n',
    '    next = listener.port\n',
  ),
  lay('a range has its neighbour’s first port', 'next = last + 1', 'next = last'),
  tree(
    'ports are compared as they are on the wire',
    "p.alu('rsh', p.bits(p.toWire(word)), 16)",
    "p.alu('and', word, 0xffff)",
  ),
  tree(
    'the protocol is not compared',
    "above ? p.alu('or', p.alu('and', word, 0xff0000), port) : port",
    'port',
  ),
  tree(
    'ports before the first range are its own',
    '    if (first > least) p.exitIf(lt(value, first), none)\n',
    '',
  ),
  tree('ports behind a range are its own', '    if (last < most) p.exitIf(gt(value, last), none)\n', ''),
  tree('the last port of a range is nobody’s', 'gt(value, last)', 'ge(value, last)'),
  tree('the first port of a range is the one’s before', 'ge(value, first)', 'gt(value, first)'),
  tree(
    'what is known of the upper half is known of the lower',
    '{ least, most: first - 1 }',
    '{ least: first, most }',
  ),
  match(
    'where an address has exact ports, its ranges are not looked at',
    'tree(p, port, exact, others)',
    'tree(p, port, exact, none)',
  ),
  match(
    'an exact port is found among ranges only',
    'group.filter((listener) => !isRange(listener))',
    'group.filter(() => false)',
  ),
  match(
    'every range is the first one',
    'emit: isListener(listener) }',
    'emit: isListener(wider[0]!.listener) }',
  ),
  match('a range in a table has its neighbour’s listener', "p.alu('sub', answer, 1)", 'answer'),
  match('what is in no range is the first range’s', '    p.exitIf(eq(answer, 0), none)\n', ''),
  match(
    'the halves of an IPv6 address are asked in the other order',
    '[wanted.high(), wanted.low()]',
    '[wanted.low(), wanted.high()]',
  ),
  found('an address without ranges has the first ones', '  p.exitIf(eq(count, 0), none)\n', ''),
  found(
    'an address has the first address’ ranges',
    "p.set(at, p.alu('and', p.narrow(entry), last))",
    'p.set(at, 0)',
  ),
  found('an address has the ranges of the one behind it', '    p.jumpIf(ge(ahead, end), before)\n', ''),
  found('the last range of an address is not found', 'ge(ahead, end)', "ge(ahead, p.alu('sub', end, 1))"),
  found('a range’s first port is the one’s before', 'p.jumpIf(gt(p.load', 'p.jumpIf(ge(p.load'),
  found('one step too few', '2 ** Math.ceil(Math.log2(most))', '2 ** (Math.ceil(Math.log2(most)) - 1)'),
  found(
    'ports before a range in a table are its own',
    '  p.exitIf(lt(value, p.load(range.first)), none)\n',
    '',
  ),
  found(
    'ports behind a range in a table are its own',
    '  p.exitIf(gt(value, p.load(range.last)), none)\n',
    '',
  ),
  found(
    'IPv6’s words are in another order',
    "index % 2 === 0 ? half(index) : p.alu('rsh', half(index), 32)",
    "index % 2 === 1 ? half(index) : p.alu('rsh', half(index), 32)",
  ),
  fill(
    'a range has an entry as an exact port',
    'shape.listeners.filter((listener) => !isRange(listener))',
    'shape.listeners',
  ),
  fill(
    'IPv6’s ranges are those of IPv4',
    '[...tabledRanges(shape, 4), ...tabledRanges(shape, 6)]',
    '[...tabledRanges(shape, 6), ...tabledRanges(shape, 4)]',
  ),
  fill('every range is TCP’s', 'const kind = kindOf(protocol) << 16', 'const kind = KIND_TCP << 16'),
  fill('a range has one port less', 'kind | last, true', 'kind | (last - 1), true'),
  memory(
    'there is no room for the last ranges',
    'powerOfTwo(rangesIn(shape))',
    'powerOfTwo(rangesIn(shape)) >> 1',
  ),
]
