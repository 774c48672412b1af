// Mutants of the match and of the tables: listeners compared by instructions or found in a table of either family,
// and what fills the maps.

import { inFile, type Mutant } from './run-mutant.ts'

const match = inFile('src/dataplane/match.ts', 'vectors')
const match6 = inFile('src/dataplane/match.ts', 'vectors6')
const fill = inFile('src/dataplane/fill.ts', 'vectors')
const memory = inFile('src/dataplane/memory.ts', 'vectors')
const matchTable = inFile('src/dataplane/match.ts', 'table')
const fillTable = inFile('src/dataplane/fill.ts', 'table')
/** A comparison that is left out finds anything. */
const removed = ''

const compared: readonly Mutant[] = [
  match(
    'the last comparison of an address or port is left out',
    '    p.exitIf(ne(value, leaves[0]!.word), none)\n',
    removed,
  ),
  match(
    'the tree looks for the last of the lower half in the upper one',
    'ge(value, leaves[half]!.word)',
    'ge(value, leaves[half - 1]!.word)',
  ),
  match('the tree’s leaves are in the listeners’ order', 'leaves.sort((a, b) => a.word - b.word)', 'leaves'),
  match6('the words of an IPv6 address are in host order', '96 - 32 * index', '32 * index'),
  match6(
    'the last word of an IPv6 address is not compared',
    '  level(3, listeners)\n',
    '  level(2, listeners)\n',
  ),
  match6('the first word of an IPv6 address is not compared', 'if (index < 0) {', 'if (index < 1) {'),
  match6(
    'every other word of an IPv6 address is not compared',
    'level(index - 1, group)',
    'level(index - 2, group)',
  ),
  match(
    'every inlined listener is of the first one’s service, pool and size',
    'put(p, match[key], answer[key])',
    'put(p, match[key], answers[0]![key])',
  ),
  match(
    'what the first two listeners have in common all have',
    'all.every((value) =>',
    'all.slice(0, 2).every((value) =>',
  ),
  match(
    'listeners of both protocols have one port',
    'tcp: IPPROTO_TCP, udp: IPPROTO_UDP }',
    'tcp: IPPROTO_TCP, udp: IPPROTO_TCP }',
  ),
  match(
    'a packet’s port stands for both protocols',
    "p.alu('or', p.alu('lsh', protocol(), 16), port())",
    'port()',
  ),
]

const found: readonly Mutant[] = [
  match('the bucket’s hash leaves the port out', '  if (port) hash =', '  if (false) hash ='),
  match(
    'the bucket’s hash takes the address’s multiplier for the port',
    "p.alu('mul', key(KEY_PORT)",
    "p.alu('mul', key(KEY_ADDRESS)",
  ),
  match6('the bucket’s hash takes one multiplier for all words', 'key(first + i)', 'key(first)'),
  match6(
    'both families’ buckets have the same multipliers',
    'family === 4 ? KEY_ADDRESS : KEY_ADDRESS6',
    'KEY_ADDRESS',
  ),
  match('the bucket’s hash adds nothing', 'let hash = key(KEY_ADDRESS - 1)', 'let hash = p.const64(0n)'),
  match6(
    'the bucket’s hash takes the first word alone',
    '[0, 1, 2, 3].map((index) => () => wanted',
    '[0].map((index) => () => wanted',
  ),
  matchTable(
    'both families have IPv4’s number of buckets',
    '64 - memory.bits[family]',
    '64 - memory.bits[4]',
  ),
  match(
    'an IPv4 entry stands for any address',
    "probe([[p.load(whole(entry.key, 'u64')), () => compared]],",
    "probe([[p.alu('rsh', p.load(whole(entry.key, 'u64')), 32), () => portAndKind]],",
  ),
  match(
    'an IPv4 entry stands for any port',
    "[[p.load(whole(entry.key, 'u64')), () => compared]]",
    '[[p.widen(p.bits(p.load(fields(entry.key).address))), () => p.widen(words[0]!())]]',
  ),
  match6('an IPv6 entry stands for any port', '[held, () => portAndKind],', '[held, () => held],'),
  match6('an IPv6 entry stands for any lower half', "          [address('low'), wanted.low],\n", removed),
  match6('an IPv6 entry stands for any upper half', "          [address('high'), wanted.high],\n", removed),
  match('a listener’s entry stands for any kind', "p.widen(p.alu('or', plain, kinds))", 'p.widen(plain)'),
  match('UDP’s entries are TCP’s', "has(shape, 'tcp') ? kind.tcp : kind.udp", 'kind.tcp'),
  match(
    'an entry of a file with both protocols is TCP’s',
    "p.alu('lsh', p.alu('add', p.alu('rsh', protocol(), 4), 1), 16)",
    'kind.tcp << 16',
  ),
  match(
    'the bucket’s hash takes the protocol in',
    "isMixed(shape) ? p.alu('and', port, 0xffff) : port",
    'port',
  ),
  match(
    'the entry’s service and pool are swapped',
    "p.narrow(p.alu('rsh', value, 32))",
    "p.narrow(p.alu('rsh', value, 48))",
  ),
  match(
    'the largest services of a table are folded',
    'value, 32)), memory.serviceCapacity - 1)',
    'value, 32)), (memory.serviceCapacity >> 1) - 1)',
  ),
  matchTable('all pools have the first one’s size', 'poolSizes, pool)', 'poolSizes, 0)'),
  matchTable(
    'the entry’s pool is its service',
    "p.alu('rsh', value, 48)), shape.pools.length",
    "p.alu('rsh', value, 32)), shape.pools.length",
  ),
  match(
    'a fragment is for a listener only at port 0',
    'BigInt(KIND_ADDRESS << 16)',
    'BigInt(KIND_TCP << 16)',
  ),
  matchTable(
    'IPv4’s probe window is one too short',
    'p.window(tables.listeners, bucket, PROBES)',
    'p.window(tables.listeners, bucket, PROBES - 1)',
  ),
  matchTable(
    'IPv6’s probe window is one too short',
    'p.window(tables.listeners6, bucket, PROBES)',
    'p.window(tables.listeners6, bucket, PROBES - 1)',
  ),
  matchTable(
    'the probe window starts one too late',
    "const bucket = p.alu('rsh', hash, 64 - memory.bits[family])",
    "const bucket = p.alu('rsh', p.alu('add', hash, p.const64(1n << BigInt(64 - memory.bits[family]))), 64 - memory.bits[family])",
  ),
  match(
    'an entry that is another’s ends the search',
    'p.exitIf(eq(held, 0), miss)',
    'p.exitIf(ge(held, 0), miss)',
  ),
]

const filled: readonly Mutant[] = [
  fillTable(
    'an entry may be one beyond the probes',
    'if (at >= bucket + PROBES) return undefined',
    'if (at > bucket + PROBES) return undefined',
  ),
  fill('service addresses have no entries', '[...listeners, ...markers]', 'listeners'),
  fill('every listener is TCP’s', "protocol === 'tcp' ? KIND_TCP : KIND_UDP", 'KIND_TCP'),
  fill('every server is usable', 'usable ? stateOf(via) : 0', 'stateOf(via)'),
  fill('no server is usable', 'usable ? stateOf(via) : 0', '0'),
  fill('the table’s ports are in host order', 'view.setUint16(key, port)', 'view.setUint16(key, port, true)'),
  fill(
    'the table’s IPv4 addresses are in host order',
    'offsets.address, Number(entry.address))',
    'offsets.address, Number(entry.address), true)',
  ),
  fill(
    'the halves of the table’s IPv6 addresses are swapped',
    'BigInt(entry.address) >> 64n',
    'BigInt.asUintN(64, BigInt(entry.address))',
  ),
  fill('the table’s kinds are left out', '  view.setUint16(key + 2, kind, true)\n', removed),
  fill('every entry’s first slot is the first pool’s', 'offsets.base, base, true)', 'offsets.base, 0, true)'),
  fill(
    'every entry’s service is the first one',
    'offsets.service, service, true)',
    'offsets.service, 0, true)',
  ),
  fillTable('every entry’s pool is the first one', 'offsets.pool, pool, true)', 'offsets.pool, 0, true)'),
  fillTable(
    'the pools’ sizes are left out',
    'offsets.poolSizes + 4 * pool, slots, true)',
    'offsets.poolSizes + 4 * pool, 1, true)',
  ),
  fill('the pools’ slots lie over each other', 'image.set(slots[pool]!, base)', 'image.set(slots[pool]!, 0)'),
  memory('a pool’s first slot is behind its last', 'return base - slots', 'return base'),
  memory(
    'nobody takes the last server’s place',
    'powerOfTwo(shape.servers + 1)',
    'powerOfTwo(shape.servers)',
  ),
  memory(
    'there is room for half of the services',
    'powerOfTwo(shape.services.length)',
    'powerOfTwo(shape.services.length >> 1)',
  ),
]

/** tableMutants: all of them. */
export const tableMutants: readonly Mutant[] = [...compared, ...found, ...filled]
