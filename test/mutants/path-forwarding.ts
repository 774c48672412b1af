// Mutants of the packet path's choice and forwarding: each step left out or wrong, each fact of a packet forgotten on
// its way to the common end.

import { inFile, type Mutant } from './run-mutant.ts'

const common = inFile('src/dataplane/path.ts', 'vectors')
const path = inFile('src/dataplane/packet-path.ts', 'vectors')
const ipv4 = inFile('src/dataplane/path-ipv4.ts', 'vectors')
const ipv6 = inFile('src/dataplane/path-ipv6.ts', 'vectors6')
/** What is left out is not done. */
const removed = ''

const joining: readonly Mutant[] = [
  path(
    'the slow path’s service is forgotten',
    '    move(p, from.match.base, to.match.base)\n',
    "    move(p, from.match.base, to.match.base)\n    if (typeof to.match.service === 'object') p.setSlot(to.match.service as never, 0)\n",
  ),
  path(
    'the slow path’s pool is forgotten',
    '    move(p, from.match.base, to.match.base)\n',
    "    if (typeof to.match.base === 'object') p.set(to.match.base, 0)\n",
  ),
  path(
    'the slow path’s number of slots is forgotten',
    '    move(p, from.match.slots, to.match.slots)\n',
    "    if (typeof to.match.slots === 'object') p.set(to.match.slots, 1)\n",
  ),
  path(
    'the slow path’s length is forgotten',
    '    move(p, from.bytes, to.bytes)\n',
    '    p.set(to.bytes, 0)\n',
  ),
  path('the slow path’s hash is forgotten', '    move(p, from.hash, to.hash)\n', '    p.set(to.hash, 0)\n'),
]

const choosing: readonly Mutant[] = [
  common(
    'the hash is the product’s lower half',
    "p.alu('rsh', p.alu('mul', folded, key(KEY_MIX)), 32)",
    "p.alu('rsh', p.alu('lsh', p.alu('mul', folded, key(KEY_MIX)), 32), 32)",
  ),
  common('the hash is not mixed', "p.alu('mul', folded, key(KEY_MIX))", 'folded'),
  common('the sum is mixed without its upper half', "p.alu('xor', sum, p.alu('rsh', sum, 32))", 'sum'),
  common('the hash adds nothing', 'let sum = key(constant)', 'let sum = p.const64(0n)'),
  common(
    'the hash is one word’s',
    "sum = p.alu('add', sum, p.alu('mul',",
    "sum = p.alu('add', key(constant), p.alu('mul',",
  ),
  common(
    'the hash takes the words as they are',
    "p.alu('mul', key(index), p.widen(value()))",
    'p.widen(value())',
  ),
  ipv4('the hash adds the multiplier of the source', 'KEY_SOURCE - 1, [', 'KEY_SOURCE, ['),
  ipv4('the hash takes one multiplier for both words', '[KEY_PORTS,', '[KEY_SOURCE,'),
  ipv4('the hash is of the destination address', 'p.load(ip.source)', 'p.load(ip.destination)'),
  ipv6('IPv6’s hash adds the multiplier of the source', 'KEY_SOURCE - 1, [', 'KEY_SOURCE, ['),
  ipv6('IPv6’s hash takes one multiplier for ports and source', '[KEY_PORTS,', '[KEY_SOURCE,'),
  ipv6('IPv6’s hash leaves the last word out', '...[1, 2, 3].map', '...[1, 2].map'),
  ipv6('IPv6’s hash leaves the second word out', '...[1, 2, 3].map', '...[2, 3].map'),
  ipv6('IPv6’s hash leaves the third word out', '...[1, 2, 3].map', '...[1, 3].map'),
  path('the first slot of the pool is forgotten', '  if (base !== 0) index', '  if (false) index'),
  path(
    'pools of several sizes have half of their slots',
    "p.alu('mul', hash, p.widen(slots)), 32)",
    "p.alu('mul', hash, p.widen(slots)), 33)",
  ),
  path('a pool has one slot less than it has', 'p.scale(hash, slots)', 'p.scale(hash, slots - 1)'),
  path(
    'the largest server ids are folded',
    'memory.serverCapacity - 1)',
    '(memory.serverCapacity >> 1) - 1)',
  ),
]

const sending: readonly Mutant[] = [
  common('the hops stay', "p.alu('sub', hops, 1)", "p.alu('sub', hops, 0)"),
  ipv4('the checksum stays', "  p.storeLow(ip.checksum, p.alu('add', sum, carry))\n", removed),
  ipv4('the checksum’s carry is dropped', "p.alu('add', sum, carry)", 'sum'),
  ipv4(
    'a checksum of all ones has no carry',
    "p.alu('rsh', p.alu('add', sum, 1), 16)",
    "p.alu('rsh', sum, 16)",
  ),
  ipv4('the checksum is that of a TTL two less', 'p.load(ip.checksum), 1)', 'p.load(ip.checksum), 2)'),
]

const counting: readonly Mutant[] = [
  common('bytes are counted to the end of the frame', 'return p.narrow(bytes)', 'return p.narrow(held())'),
  common('bytes are counted without IPv6’s header', 'return p.narrow(bytes)', 'return p.narrow(counted)'),
  path(
    'what is not forwarded is counted as forwarded',
    'counters.outcomes, index)',
    "counters.outcomes, outcomeNames.indexOf('forwarded'))",
  ),
]

/** forwardingMutants: all of them. */
export const forwardingMutants: readonly Mutant[] = [...joining, ...choosing, ...sending, ...counting]
