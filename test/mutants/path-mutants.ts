// Mutants of the packet path: each guard removed or weakened, each step of forwarding left out or wrong, the match and
// the tables filled wrongly.

import type { Mutant } from './run-mutant.ts'

const file =
  (path: string) =>
  (name: string, find: string, replace: string): Mutant => ({
    name,
    file: path,
    find,
    replace,
    suite: 'vectors',
  })
const path = file('src/dataplane/packet-path.ts')
const match = file('src/dataplane/match.ts')
const fill = file('src/dataplane/fill.ts')
const headers = file('src/dataplane/headers.ts')
const memory = file('src/dataplane/memory.ts')
const inTable = (mutant: Mutant): Mutant => ({ ...mutant, suite: 'table' })
/** A fast guard that is left out of the hot path sends the packet on. */
const removed = ''

const guards: readonly Mutant[] = [
  path(
    'any MAC with the right end is ours',
    "  p.exitIf(ne(p.load(part(eth.dst, 0, 'u32')), word(own, 0, 4)), 'other-host')\n",
    removed,
  ),
  path(
    'any MAC with the right start is ours',
    "  p.exitIf(ne(p.load(part(eth.dst, 4, 'u16')), word(own, 4, 2)), 'other-host')\n",
    removed,
  ),
  path(
    'the hot path takes the frames of other hosts',
    '    otherHost(p, shape, eth)\n    p.jumpIf(ne(p.load(ip.versionIhl)',
    '    p.jumpIf(ne(p.load(ip.versionIhl)',
  ),
  path(
    'the slow path takes the frames of other hosts',
    '  otherHost(p, shape, eth)\n  const first',
    '  const first',
  ),
  path(
    'the hot path takes any type for IPv4',
    '    p.jumpIf(ne(p.load(eth.type), be16(ETH_P_IP)), slow)\n',
    removed,
  ),
  path(
    'the slow path takes any type for IPv4',
    "  p.exitIf(ne(type, be16(ETH_P_IP)), 'not-ipv4')\n",
    removed,
  ),
  path(
    'the hot path looks at no version and no header length',
    '    p.jumpIf(ne(p.load(ip.versionIhl), 0x45), slow)\n',
    removed,
  ),
  path('any version is 4', "  p.exitIf(ne(p.alu('rsh', first, 4), 4), 'malformed')\n", removed),
  path('a header of 16 bytes will do', "lt(ihl, 5), 'malformed'", "lt(ihl, 4), 'malformed'"),
  path(
    'the hot path takes any protocol for TCP',
    "    p.exitIf(ne(p.load(ip.protocol), IPPROTO_TCP), 'not-tcp')\n    p.jumpIf",
    '    p.jumpIf',
  ),
  path(
    'the slow path takes any protocol for TCP',
    "  p.exitIf(ne(p.load(ip.protocol), IPPROTO_TCP), 'not-tcp')\n\n",
    '\n',
  ),
  path(
    'the hot path forwards fragments',
    '    p.jumpIf(anyBits(p.load(ip.fragment), be16(IP_FRAGMENT)), slow)\n',
    removed,
  ),
  path(
    'the slow path reads ports of fragments',
    '  p.jumpIf(anyBits(p.load(ip.fragment), be16(IP_FRAGMENT)), unreadable)\n',
    removed,
  ),
  headers('the first fragment is none', 'IP_FRAGMENT = 0x3fff', 'IP_FRAGMENT = 0x1fff'),
  headers('the last fragment is none', 'IP_FRAGMENT = 0x3fff', 'IP_FRAGMENT = 0x2000'),
  path('a fragment is told as truncated', '  p.set(isFragment, 1)\n', '  p.set(isFragment, 0)\n'),
  path('a truncated packet is told as a fragment', '  p.set(isFragment, 0)\n', removed),
  path('options are half as long as they are', "p.alu('lsh', ihl, 2)", "p.alu('lsh', ihl, 1)"),
  path('too short for TCP is too short for IPv4', '{ tcp: Tcp }, unreadable)', "{ tcp: Tcp }, 'short')"),
  path(
    'a second 802.1ad tag is none',
    '  p.jumpIf(ne(type, be16(ETH_P_8021AD)), parse)\n  p.bind(twice)',
    '  p.goto(parse)\n  p.bind(twice)',
  ),
  path(
    'a second tag is not stepped over',
    'p.advance(data, Ethernet.size + 8)',
    'p.advance(data, Ethernet.size + 4)',
  ),
  path('a tagged frame is told as one with options', "  p.exitIf(ne(tagged, 0), 'vlan')\n", removed),
  path(
    'a total length below both headers will do',
    'lt(length, Ipv4.size + Tcp.size)',
    'lt(length, Ipv4.size)',
  ),
  path(
    'a total length of both headers will not do',
    'lt(length, Ipv4.size + Tcp.size)',
    'le(length, Ipv4.size + Tcp.size)',
  ),
  path(
    'a total length beyond the frame will do',
    "    p.exitIf(gt(p.widen(length), held), 'bad-length')\n",
    removed,
  ),
  path(
    'a total length may be one beyond the frame',
    'Ethernet.size)\n    p.exitIf(gt',
    'Ethernet.size - 1)\n    p.exitIf(gt',
  ),
  path(
    'a jumbo frame ends with its first buffer',
    "shape.jumbo ? p.call('xdp_get_buff_len', p.ctx) : undefined",
    'undefined',
  ),
  path('a TTL of 1 is sent on as 0', "le(ttl, 1), 'ttl'", "lt(ttl, 1), 'ttl'"),
  path('a TTL of 0 is sent on as 255', "    p.exitIf(le(ttl, 1), 'ttl')\n", removed),
  path('a server without a MAC gets frames', "    p.exitIf(lt(upper, 0x10000), 'no-server')\n", removed),
  path('half a MAC makes a server usable', 'lt(upper, 0x10000)', 'lt(upper, 1)'),
]

const forwarding: readonly Mutant[] = [
  path('the TTL stays', "p.alu('sub', ttl, 1)", "p.alu('sub', ttl, 0)"),
  path('the checksum’s carry is dropped', "p.alu('add', sum, carry)", 'sum'),
  path(
    'a checksum of all ones has no carry',
    "p.alu('rsh', p.alu('add', sum, 1), 16)",
    "p.alu('rsh', sum, 16)",
  ),
  path('the checksum is that of a TTL two less', 'p.load(ip.checksum), 1)', 'p.load(ip.checksum), 2)'),
  path(
    'the source MAC’s start stays the client’s',
    "    p.store(part(eth.src, 0, 'u32'), word(own, 0, 4))\n",
    removed,
  ),
  path(
    'the source MAC’s end stays the client’s',
    "    p.store(part(eth.src, 4, 'u16'), word(own, 4, 2))\n",
    removed,
  ),
  path('the destination MAC’s start stays ours', "    p.storeLow(part(eth.dst, 0, 'u32'), entry)\n", removed),
  path('the destination MAC’s end stays ours', "    p.storeLow(part(eth.dst, 4, 'u16'), upper)\n", removed),
  path('the hash adds the multiplier of the source', 'key(KEY_SOURCE - 1)', 'key(KEY_SOURCE)'),
  path(
    'the hash takes one multiplier for both words',
    "p.alu('mul', key(KEY_PORTS)",
    "p.alu('mul', key(KEY_SOURCE)",
  ),
  path('the hash is the product’s lower half', 'p.widen(ports))), 32)', 'p.widen(ports))), 0)'),
  path('the first slot of the pool is forgotten', '  if (base !== 0) index', '  if (false) index'),
  path(
    'the largest server ids are folded',
    'memory.serverCapacity - 1)',
    '(memory.serverCapacity >> 1) - 1)',
  ),
  path(
    'a service’s packets are counted as a server’s',
    'p.element(counters.services, match.service)',
    'p.element(counters.servers, match.service)',
  ),
  path(
    'frames are counted instead of bytes',
    'p.increment(traffic.bytes, length)',
    'p.increment(traffic.bytes, 1)',
  ),
  path(
    'bytes are counted with Ethernet’s header',
    'p.increment(traffic.bytes, length)',
    'p.increment(traffic.bytes, held)',
  ),
  path(
    'what is forwarded is not counted',
    "    p.increment(p.element(counters.outcomes, outcomeNames.indexOf('forwarded')), 1)\n",
    removed,
  ),
  path('the verdict is that of another outcome', "p.exitCounted('forwarded')", "p.exitCounted('ttl')"),
]

const tables: readonly Mutant[] = [
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
  match(
    'every inlined listener is of the first one’s service',
    'p.set(target, answer[key])',
    'p.set(target, answers[0]![key])',
  ),
  match(
    'the bucket’s hash leaves the port out',
    "  if (typeof port !== 'number') hash =",
    '  if (false) hash =',
  ),
  match(
    'the bucket’s hash takes one multiplier for both words',
    "p.alu('mul', key(KEY_PORT)",
    "p.alu('mul', key(KEY_ADDRESS)",
  ),
  match('a listener’s entry stands for any kind', "p.widen(p.alu('or', port, kind << 16))", 'p.widen(port)'),
  match(
    'the entry’s service and pool are swapped',
    "p.narrow(p.alu('rsh', value, 32))",
    "p.narrow(p.alu('rsh', value, 48))",
  ),
  inTable(
    match(
      'the probe window is one too short',
      'p.window(tables.listeners, bucket, PROBES)',
      'p.window(tables.listeners, bucket, PROBES - 1)',
    ),
  ),
  inTable(
    match(
      'the probe window starts one too late',
      "p.alu('rsh', hash, 64 - memory.listenerBits)",
      "p.alu('or', p.alu('rsh', hash, 64 - memory.listenerBits), 1)",
    ),
  ),
  inTable(
    match(
      'all pools have the first one’s size',
      'p.load(p.element(p.memory(memory.tables).poolSizes, pool))',
      'p.load(p.element(p.memory(memory.tables).poolSizes, 0))',
    ),
  ),
  inTable(
    fill(
      'an entry may be one beyond the probes',
      'if (at >= bucket + PROBES) return undefined',
      'if (at > bucket + PROBES) return undefined',
    ),
  ),
  fill('every server is usable', 'usable ? 1 : 0', '1'),
  fill('no server is usable', 'usable ? 1 : 0', '0'),
  fill(
    'the table’s ports are in host order',
    'key.offsets.port, entry.port)',
    'key.offsets.port, entry.port, true)',
  ),
  fill(
    'every entry’s first slot is the first pool’s',
    'value.offsets.base, entry.base, true)',
    'value.offsets.base, 0, true)',
  ),
  fill('the pools’ slots lie over each other', 'image.set(slots[pool]!, base)', 'image.set(slots[pool]!, 0)'),
  memory('a pool’s first slot is behind its last', 'return base - slots', 'return base'),
]

/** pathMutants: all of them. */
export const pathMutants: readonly Mutant[] = [...guards, ...forwarding, ...tables]
