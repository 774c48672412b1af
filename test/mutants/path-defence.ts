// Mutants of defence: who is asked about, what lists say, what rules match, how sources and ceilings are counted, who is
// banned.

import { inFile, type Mutant } from './run-mutant.ts'

const admit = inFile('src/dataplane/path-admit.ts', 'vectorsDefence')
const admitted = inFile('src/dataplane/path-admit.ts', 'sequencesDefence')
const flows = inFile('src/dataplane/path-admit-flows.ts', 'sequencesDefence')
const asks = inFile('src/dataplane/admit-asks.ts', 'vectorsDefence')
const limited = inFile('src/dataplane/admit-asks.ts', 'sequencesDefence')
const facts = inFile('src/dataplane/slow-facts.ts', 'vectorsDefence')
const slow = inFile('src/dataplane/path-slow.ts', 'sequencesDefence')
const fills = inFile('src/dataplane/fill-defence.ts', 'sequencesDefence')
const lists = inFile('src/dataplane/path-lists.ts', 'vectorsDefence')
const listed = inFile('src/dataplane/path-lists.ts', 'sequencesDefence')
const client = inFile('src/dataplane/path-client.ts', 'vectorsDefence')
const asked = inFile('src/dataplane/path-rules.ts', 'vectorsDefence')
const rules = inFile('src/dataplane/path-rule.ts', 'vectorsDefence')
const ruled = inFile('src/dataplane/path-rule.ts', 'sequencesDefence')
const sense = inFile('src/dataplane/rule-sense.ts', 'vectorsDefence')
const words = inFile('src/dataplane/prefix-words.ts', 'vectorsDefence')
const sources = inFile('src/dataplane/path-sources.ts', 'sequencesDefence')
const ways = inFile('src/dataplane/path-ways.ts', 'sequencesDefence')
const until = inFile('src/dataplane/path-until.ts', 'sequencesDefence')
const clock = inFile('src/dataplane/path-clock.ts', 'sequencesDefence')
/** What is left out is not done. */
const removed = ''

const gate: readonly Mutant[] = [
  admit(
    'defence: SYNs are let in unasked',
    "p.jumpIf(anyBits(take(p, where!) as Val<'u64'>, WHERE.asks), asked)\n",
    removed,
  ),
  admit(
    'defence: established segments of denied sources are let in',
    "  p.jumpIf(ne(p.load({ ...fields(settings).listed, type: 'u64' as const }), 0), asked)\n",
    removed,
  ),
  admitted(
    'defence: a datagram is taken for a segment',
    'p.set(value, ofUdp | WHERE.udp)',
    'p.set(value, ofUdp)',
  ),
  asks('defence: rules for any segment see SYNs alone', "? 'opening' : 'all'", "? 'opening' : 'opening'"),
  asks(
    'defence: rules for datagrams see none',
    'udp: rules.some(({ match }) => isOfUdp(match)) || ',
    'udp: ',
  ),
  facts('defence: what is tagged or has options is let in', '(defence ? WHERE.ask : 0)', '0'),
  admit('defence: a denied source is let in', "      p.exitIf(eq(says, LIST.deny), 'denied')\n", removed),
  admit('defence: a banned source is let in', "      p.exitIf(eq(says, LIST.ban), 'banned')\n", removed),
  admit(
    'defence: only the allowed, and all others',
    "      p.exitIf(ne(p.load(settings().only), 0), 'denied')\n",
    removed,
  ),
  admit(
    'defence: the allowed are denied where only they are taken',
    '      p.jumpIf(ne(says, 0), isSaid)\n',
    removed,
  ),
  admitted(
    'defence: who is allowed has limits like anybody',
    'isAllowed: () => p.unstash(allowed)',
    'isAllowed: () => p.constant(0)',
  ),
  admitted(
    'defence: who is listed nowhere is asked nothing more',
    '      p.jumpIf(anyBits(where(), WHERE.asks), asked)\n',
    removed,
  ),
  fills(
    'defence: nobody is asked where networks are only allowed',
    'only || drops || allow.length > 0',
    'only || drops',
  ),
]

const places: readonly Mutant[] = [
  lists(
    'defence: of a list the first 24 bits are looked up',
    'length: p.constant(32)',
    'length: p.constant(24)',
  ),
  lists(
    'defence: of an IPv6 list the first half is looked up',
    'length: p.constant(128)',
    'length: p.constant(64)',
  ),
  listed('defence: a ban never ends', '    p.jumpIf(ge(left, 2 ** 31), listed)\n', removed),
  listed('defence: a ban ends a tick late', "p.alu('sub', ends, 1)", "p.alu('sub', ends, 0)"),
  client(
    'defence: an error is its router’s',
    'p.setPointer(client, p.advance(data, offset))',
    'p.setPointer(client, network)',
  ),
  words(
    'defence: a prefix of a bit more',
    'Math.max(0, length - 32 * index)',
    'Math.max(0, length + 1 - 32 * index)',
  ),
  words('defence: an address’ words come in the other order', '[96n, 64n, 32n, 0n]', '[0n, 32n, 64n, 96n]'),
]

const matches: readonly Mutant[] = [
  rules('rule: flags that must not be set may be', 'flags.set | flags.clear', 'flags.set'),
  rules('rule: any window', '  if (window) inRange(p, tcp.window, window, 0xffff, next)\n', removed),
  rules('rule: options or none', "  if (options === 'none') p.jumpIf(ne(tcp.words(), 5), next)\n", removed),
  rules(
    'rule: none counts as some options',
    'p.jumpIf(le(tcp.words(), 5), next)',
    'p.jumpIf(lt(tcp.words(), 5), next)',
  ),
  rules('rule: any length', '  if (match.length) inRange(', '  if (false) inRange('),
  asked(
    'rule: IPv6’s length is its payload’s',
    "p.alu('add', p.toHost(p.load(ip.length)), Ipv6.size)",
    "p.alu('add', p.toHost(p.load(ip.length)), 0)",
  ),
  sense(
    'rule: a TTL as it is, counted down',
    'first: ttl.first - 1, last: ttl.last - 1',
    'first: ttl.first, last: ttl.last',
  ),
  rules(
    'rule: a range ends one before',
    'p.jumpIf(gt(value, last), next)',
    'p.jumpIf(gt(value, last - 1), next)',
  ),
  rules(
    'rule: a range begins one behind',
    'p.jumpIf(lt(value, first), next)',
    'p.jumpIf(le(value, first), next)',
  ),
  rules('rule: the client’s port is the listener’s', '[sourcePorts, 0],', '[sourcePorts, 2],'),
  rules(
    'rule: its source is where it goes to',
    'inPrefixes(p, ruled.source,',
    'inPrefixes(p, ruled.destination,',
  ),
  rules('rule: of all services', '  if (services) anyOf(', '  if (false) anyOf('),
  rules('rule: payload begins with the header', ': Udp.size)', ': 0)'),
  rules(
    'rule: payload of TCP is behind 20 bytes',
    "p.alu('lsh', tcp.words(), 2)",
    "p.alu('lsh', p.constant(5), 2)",
  ),
  rules('rule: payload at the front', 'p.advance(header, offset)', 'p.advance(header, 0)'),
  rules(
    'rule: payload in part',
    'for (const [from, kind] of piecesOf(wanted.length)) {',
    'for (const [from, kind] of piecesOf(wanted.length).slice(0, 1)) {',
  ),
  asked(
    'rule: an error has the ports of what it quotes',
    'p.jumpIf(anyBits(where(), WHERE.peek), peek)',
    'p.jumpIf(anyBits(where(), 2 ** 30), peek)',
  ),
  rules('rule: it lets through what it drops', "  if (rule.action === 'drop') p.leave('rule')\n", removed),
  ruled('rule: a limit is none', "  if (rule.action !== 'limit') return\n", '  return\n'),
]

const limits: readonly Mutant[] = [
  clock(
    'defence: a window never ends',
    '  p.jumpIf(eq(p.load(second), now), same)\n  p.store(second, now)\n  p.store(count, 0)\n  p.bind(same)\n  p.exitIf(ge(p.load(count), most), over)',
    '  p.bind(same)\n  p.exitIf(ge(p.load(count), most), over)',
  ),
  clock('defence: nobody counts in a window', '  p.atomicAdd(count, 1)\n', removed),
  sources(
    'defence: a source is an address, whatever prefix',
    "const kept = mask === 0xffffffff ? word : p.alu('and', word, mask)",
    'const kept = word',
  ),
  sources(
    'defence: a source has one more',
    "p.jumpIf(ge(p.alu('and', p.narrow(word), MOST), most), above)",
    "p.jumpIf(ge(p.alu('and', p.narrow(word), MOST), p.alu('add', most, 1)), above)",
  ),
  sources('defence: a source is never counted', "        p.store(entry, p.alu('add', word, 1))\n", removed),
  sources(
    'defence: what a source sent in another second counts',
    'p.jumpIf(ne(secondOf(word), second), other)',
    'p.jumpIf(eq(secondOf(word), 2 ** SECOND_BITS), other)',
  ),
  ways(
    'defence: the first word of a line goes',
    'p.jumpIf(ge(full, least), next)',
    'p.jumpIf(ge(least, full), next)',
  ),
  sources(
    'defence: sources of before keep their words',
    '      p.jumpIf(ne(secondOf(word), second), stale)\n',
    removed,
  ),
  flows(
    'defence: datagrams of a source count as its flows',
    "p.alu('xor', source, p.const64(UDP_APART))",
    "p.alu('xor', source, p.const64(0n))",
  ),
  flows(
    'defence: a service has no ceiling',
    "  unlessBelow(p, shape, memory, own.flows, most, 'service-limit')\n",
    removed,
  ),
  flows(
    'defence: the node has no ceiling',
    "  unlessBelow(p, shape, memory, fields(node).window, all, 'node-limit')\n",
    removed,
  ),
  flows(
    'defence: above its limit a proven source is challenged for ever',
    "      if (!limits.ban) p.exitIf(ne(p.callSub(proof.standing, p.ctx, where()), 0), 'source-limit')\n",
    removed,
  ),
  flows(
    'defence: a service that never asks challenges',
    "      p.exitIf(eq(p.load(fields(p.element(services, service())).proof), PROOF.off), 'source-limit')\n",
    removed,
  ),
  flows(
    'defence: proofs count as flows',
    "p.alu('xor', p.unstash(source), p.const64(PROOF_APART))",
    "p.alu('xor', p.unstash(source), p.const64(0n))",
  ),
  flows('defence: nobody is banned', '      p.callSub(limits.ban, p.unstash(source))\n', removed),
  flows('defence: who is allowed is banned', '      p.jumpIf(ne(isAllowed(), 0), proven)\n', removed),
  until('defence: nobody looks whether somebody is banned', 'p.store(banned, 1)', 'undefined'),
  until(
    'defence: a ban of a source never ends',
    '      p.jumpIf(eq(leftOf(p, p.load(entry), tickNow(p, shape, memory)), 0), none)\n',
    removed,
  ),
]

const datagrams: readonly Mutant[] = [
  limited('defence: ceilings see no datagram', ' || known !== undefined,', ','),
  flows(
    'defence: every datagram is a flow',
    '  p.jumpIf(ne(p.callSub(known, p.unstash(kept)), 0), admitted)\n',
    removed,
  ),
  flows('defence: no flow of UDP is known', '  p.callSub(know, p.unstash(kept))\n', removed),
  flows(
    'defence: flows of UDP have no ceiling',
    '  keepCeilings(p, admitting)\n  p.callSub(know',
    '  p.callSub(know',
  ),
  flows(
    'defence: the node’s ceiling is not for UDP',
    "p.alu('or', own, p.load(fields(settings).ceiling))",
    'own',
  ),
  sources('defence: a source has one flow of UDP', "p.load(part(udp.ports, 0, 'u32'))", 'p.constant(0)'),
  sources(
    'defence: a network has one flow of UDP',
    '{ prefix: 32, prefix6: 128 }',
    '{ prefix: 24, prefix6: 64 }',
  ),
  until(
    'defence: a flow of UDP is known for ever',
    '      p.jumpIf(eq(leftOf(p, was, now), 0), none)\n',
    removed,
  ),
  until(
    'defence: a flow of UDP is known from its first datagram alone',
    '      p.store(entry, word)\n      p.bind(same)',
    '      p.bind(same)',
  ),
]

const pieces: readonly Mutant[] = [
  slow(
    'defence: what follows a first fragment that was dropped goes on',
    '    if (shape.defence) putUpper(p, route.where!, p.narrow(p.unstash(facts.fragment)))\n    else p.callSub(',
    '    p.callSub(',
  ),
  admitted(
    'defence: no first fragment is remembered',
    '    p.jumpIf(anyBits(at, WHERE.first), first)\n',
    removed,
  ),
]

/** defenceMutants: all of them. */
export const defenceMutants: readonly Mutant[] = [
  ...gate,
  ...places,
  ...matches,
  ...limits,
  ...datagrams,
  ...pieces,
]
