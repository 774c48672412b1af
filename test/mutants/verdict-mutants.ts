// Mutants of the verdict about a service, of the rule that is suggested, and of what both are judged by.

import { inFile, type Mutant } from './run-mutant.ts'

const verdict = inFile('src/flood/verdict.ts', 'verdictBounds')
const suggestion = inFile('src/flood/suggest.ts', 'suggest')
const words = inFile('src/flood/verdict-words.ts', 'verdictBounds')
const tally = inFile('src/flood/tally.ts', 'tally')

/** verdictMutants: all of them. */
export const verdictMutants: readonly Mutant[] = [
  verdict('what is usual makes no flood rarer', 'TIMES * (usual?.[rate] ?? 0)', '0 * (usual?.[rate] ?? 0)'),
  verdict('a handful is a flood where little is usual', 'Math.max(least, TIMES *', 'Math.max(0, TIMES *'),
  verdict(
    'whether connections go on does not matter',
    ' && completed !== undefined && completed < COMPLETES)\n    return flooded',
    ')\n    return flooded',
  ),
  verdict(
    'half that go on are a flood',
    'completed < COMPLETES)\n    return flooded',
    'completed <= COMPLETES)\n    return flooded',
  ),
  verdict('a few connections say what most do', 'followed + stopped < FOLLOWED', 'followed + stopped < 1'),
  verdict(
    'a connection has one more packet',
    '1 - (1 - partOf(sampled, rates)) ** 2',
    'partOf(sampled, rates)',
  ),
  verdict('more go on than there are', 'Math.min(1, wentOn / followed / seen)', 'wentOn / followed / seen'),
  verdict(
    'nothing that is recorded is that nothing goes on',
    'if (seen === 0) return undefined',
    'if (seen === 0) return 0',
  ),
  verdict('what defence stopped completes', ' * (1 - stoppedShare)', ''),
  verdict('transfers are packets of no connection', ' && lone >= LONE && isUnexplained', ' && isUnexplained'),
  verdict('few packets say what most are', 'other < 200 ? 0', 'other < 1 ? 0'),
  verdict('what is unusual is much', 'Math.max(20, BUSY * usual', 'Math.max(20, usual'),
  verdict('a little is much where next to nothing is usual', 'Math.max(20, BUSY *', 'Math.max(0, BUSY *'),
  verdict('checks that are quick are slow', 'Math.max(SLOW_MS, SLOW *', 'Math.max(0, SLOW *'),
  verdict('checks that are as slow as always are slow', 'SLOW * (usual?.latencyMs ?? 0)', 'SLOW'),
  verdict(
    'one server of many that is away is an overload',
    '2 * servers.up <= servers.of',
    'servers.up < servers.of',
  ),
  verdict('clients whom nobody answers are a flood', '!hasNobody(reading) || isAbove', 'true || isAbove'),
  verdict('what was always there is a flood of UDP', " && isStrange('udp')", ''),
  verdict('connections that were always there are a flood', " && isStrange('other')", ''),
  verdict('servers that are down are no overload', 'isSlow || isDown', 'isSlow'),
  verdict('servers that are slow are no overload', 'isSlow || isDown', 'servers.up < servers.of'),
  words(
    'a part of the SYNs is taken for all',
    'recorded >= 0.5 * perS * Math.max(1, seconds)',
    'recorded >= 0',
  ),
  words('what all have is said of more than have it', 'Math.min(...odd.map(', 'Math.max(...odd.map('),
  suggestion('what nearly all have is left out', 'share >= NEARLY_ALL)', 'share > 1)'),
  suggestion(
    'more is taken than spares clients',
    '    if (taken.length > 0 && isEnough(flood, taken, normal)) break\n',
    '',
  ),
  suggestion(
    'what nearly all have is enough, whoever else has it',
    "flood.group !== 'opening' || isOdd(flood, taken)",
    'true',
  ),
  suggestion(
    'what spares fewest clients goes first',
    'harmOf([a], normal) - harmOf([b]',
    'harmOf([b], normal) - harmOf([a]',
  ),
  suggestion('a rule for a part of a flood is suggested', 'wanted < COMMON || ', ''),
  suggestion('all that have one thing have the others', 'sum - (1 - share), 1)', 'Math.min(sum, share), 1)'),
  suggestion(
    'a rule that takes clients is suggested',
    'wanted < COMMON || (isKnown(normal) && harm > 10 * HARM)',
    'wanted < COMMON',
  ),
  suggestion(
    'what nothing is known of is suggested',
    '  if (!isKnown(normal) && !isOdd(flood, taken)) return undefined\n',
    '',
  ),
  suggestion('one client in common is harm enough', 'modes.every(', 'modes.some('),
  suggestion('a rule takes what answers, too', 'clear: NAMED & ~bits', 'clear: 0'),
  suggestion(
    'a rule matches by one flag of several',
    '(bits & flags.set) === flags.set',
    '(bits & flags.set) !== 0',
  ),
  suggestion('a rule matches flags that it excludes', '(bits & flags.clear) === 0', 'true'),
  suggestion('a range has no end', ' && value <= range.last', ''),
  tally('a connection goes on with each packet', "isAgain ? 'again' : 'first'", "'first'"),
  tally(
    'a SYN that comes again is another connection',
    ' && !this.#buckets.some(({ opened }) => opened.has(flow)))',
    ')',
  ),
  tally('connections are followed without end', 'bucket.opened.size < OPENED && ', ''),
  tally('a connection that is new has not gone on', 'second <= last - SETTLE', 'second <= last'),
  tally(
    'stopped SYNs are as many as were recorded',
    'share ?? stopped / counts.opening',
    'stopped / counts.opening',
  ),
  tally('a second counts for ever', 'second > last - SECONDS', 'second > 0'),
  tally(
    'values that come late are forgotten',
    '(values.size >= VALUES && !values.has(value))',
    'values.size >= VALUES',
  ),
  tally('the rarest is what most have', '.sort((a, b) => b[1] - a[1])', '.sort((a, b) => a[1] - b[1])'),
  tally(
    'few sources are some too many',
    '              counts[group],\n            ),',
    '              Number.POSITIVE_INFINITY,\n            ),',
  ),
  verdict('slow connections are many by themselves', 'count >= LEAST.slow && (', '('),
  verdict('slow connections are no more than usual', 'count >= TIMES * usual.slow', 'count >= usual.slow'),
  verdict('each source’s slow connections count for nothing', 'count >= EACH * sources', 'count >= sources'),
  suggestion('a few sources are made', 'sources >= MADE && has', 'sources >= 1 && has'),
  suggestion('clients that have one TTL are made', "has('ttl') && has('length')", "has('length')"),
  suggestion('any source port is that of a reflector', 'Number(port) < 1024', 'Number(port) > 0'),
  suggestion('of a datagram the payload does not matter', "(isMade && has('head'))", 'isMade'),
  suggestion('of a segment the window does not matter', "isMade && has('window')", 'isMade'),
  suggestion('flags alone are a rule', "!taken.some(({ field }) => field !== 'flags')", 'taken.length === 0'),
]
