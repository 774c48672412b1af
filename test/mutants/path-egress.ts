// Mutants of the way out: who is reachable and by which interface, what a frame leaves with, what is counted, and who is
// told to be his own client.

import { inFile, type Mutant } from './run-mutant.ts'

const out = inFile('src/dataplane/path-forward.ts', 'vectors')
const out6 = inFile('src/dataplane/path-forward.ts', 'vectors6')
const fill = inFile('src/dataplane/fill.ts', 'vectors')
const memory = inFile('src/dataplane/memory.ts', 'vectors')
/** What is left out is not done. */
const removed = ''

const reaching: readonly Mutant[] = [
  out(
    'a server without a MAC gets frames',
    "  if (shape.others.length === 0) p.exitIf(lt(upper, 0x10000), 'no-server')\n  else p",
    '  if (shape.others.length > 0) p',
  ),
  out(
    'half a MAC makes a server usable',
    '=== 0) p.exitIf(lt(upper, 0x10000)',
    '=== 0) p.exitIf(lt(upper, 1)',
  ),
  out(
    'behind another interface half a MAC does',
    "  p.exitIf(lt(upper, 0x10000), 'no-server')\n  const ifindex",
    '  const ifindex',
  ),
  out(
    'every server is behind our own interface',
    'if (shape.others.length === 0)',
    'if (shape.others.length < 9)',
  ),
  out('our own interface is always the first', 'stateOf(shape.own)', 'stateOf(0)'),
  out(
    'every server elsewhere is behind the first of the others',
    '    p.jumpIf(ne(via, other.number), next)\n',
    removed,
  ),
  out(
    'a server behind an interface that is not there is sent to the last',
    "  p.leave('no-server')\n  p.bind(found)",
    '  p.bind(found)',
  ),
  out(
    'the interface’s number is looked for where the state begins',
    "p.alu('rsh', upper, 16 + STATE_VIA)",
    "p.alu('rsh', upper, 16)",
  ),
  fill('every server is behind the first interface', 'stateOf(via)', 'stateOf(0)'),
  memory(
    'a server’s entry has seven bits of an interface’s number',
    '1 | (via << STATE_VIA)',
    '1 | ((via & 0x7f) << STATE_VIA)',
  ),
]

const rewriting: readonly Mutant[] = [
  out(
    'the source MAC’s start stays the client’s',
    "  p.store(part(eth.src, 0, 'u32'), macWord(mac, 0))\n",
    removed,
  ),
  out(
    'the source MAC’s end stays the client’s',
    "  p.store(part(eth.src, 4, 'u16'), macWord(mac, 4))\n",
    removed,
  ),
  out('the destination MAC’s start stays ours', "  p.storeLow(part(eth.dst, 0, 'u32'), entry)\n", removed),
  out('the destination MAC’s end stays ours', "  p.storeLow(part(eth.dst, 4, 'u16'), upper)\n", removed),
  out(
    'by another interface frames leave from our own’s MAC',
    '    storeSource(p, eth, other)\n',
    '    storeSource(p, eth, route.shape)\n',
  ),
  out(
    'by another interface the destination stays ours',
    "  storeTarget(p, leaving)\n  p.call('redirect'",
    "  p.call('redirect'",
  ),
  out('the verdict is that of another outcome', "p.exitCounted('forwarded')", "p.exitCounted('ttl')"),
  out(
    'by another interface frames go back out of our own',
    "p.exitCounted('redirected')",
    "p.exitCounted('forwarded')",
  ),
]

const counting: readonly Mutant[] = [
  out(
    'a service’s packets are counted as a server’s',
    'p.element(counters.services, take(p, match.service))',
    'p.element(counters.servers, take(p, match.service))',
  ),
  out('every service’s packets are the first one’s', 'take(p, match.service)),', 'p.constant(0)),'),
  out(
    'every server’s packets are nobody’s',
    'p.element(counters.servers, server)',
    'p.element(counters.servers, 0)',
  ),
  out('packets are counted twice', 'p.increment(traffic.packets, 1)', 'p.increment(traffic.packets, 2)'),
  out(
    'frames are counted instead of bytes',
    'p.increment(traffic.bytes, take(p, bytes))',
    'p.increment(traffic.bytes, 1)',
  ),
  out(
    'what is forwarded is not counted',
    '  p.increment(p.element(counters.outcomes, outcomeNames.indexOf(outcome)), 1)\n',
    removed,
  ),
  out(
    'what is redirected counts as forwarded',
    "countForwarded(p, route, server, 'redirected', context)",
    "countForwarded(p, route, server, 'forwarded', context)",
  ),
]

const hairpins: readonly Mutant[] = [
  out(
    'who sends does not matter',
    "  p.exitIf(eqLow(entry, p.load(part(eth.src, 0, 'u32'))), () => hairpin(p, route, leaving, context, onward))\n",
    removed,
  ),
  out(
    'the end of the sender’s MAC does not matter',
    "  p.jumpIf(ne(p.alu('and', upper, 0xffff), p.widen(p.load(part(eth.src, 4, 'u16')))), onward)\n",
    removed,
  ),
  out(
    'the client’s IPv4 address does not matter',
    "    differs(0, { ...ip.source, type: 'u32' })\n",
    removed,
  ),
  out('the service’s address is the client’s', '{ ...ip.source', '{ ...ip.destination'),
  out6(
    'the start of the client’s IPv6 address does not matter',
    "    differs(0, part(wide.source, 0, 'u64'))\n",
    removed,
  ),
  out6('its end does not matter', "    differs(8, part(wide.source, 8, 'u64'))\n", removed),
  out(
    'what servers send themselves goes nowhere',
    "  p.jumpIf(ne(p.alu('and', upper, 0xffff), p.widen(p.load(part(eth.src, 4, 'u16')))), onward)\n",
    "  p.leave('hairpin')\n",
  ),
  fill(
    'servers have no addresses',
    '    if (address === undefined) continue\n    for',
    '    if (address === undefined || id > 0) continue\n    for',
  ),
]

/** egressMutants: all of them. */
export const egressMutants: readonly Mutant[] = [...reaching, ...rewriting, ...counting, ...hairpins]
