// Mutants of what is said of floods: incidents, what is counted of sources and of usual traffic, and what operators order. All
// of it is pure, so each is noticed by a test file.

import { inFile, type Mutant } from './run-mutant.ts'

const incident = inFile('src/flood/incident.ts', 'incident')
const sketch = inFile('src/flood/sketch.ts', 'sketch')
const top = inFile('src/flood/top.ts', 'top')
const usual = inFile('src/flood/usual.ts', 'usual')
const said = inFile('src/flood/said.ts', 'said')
const effective = inFile('src/flood/effective.ts', 'effective')
const arrivals = inFile('src/flood/arrivals.ts', 'arrivals')

/** floodMutants: all of them. */
export const floodMutants: readonly Mutant[] = [
  incident('two seconds are an incident', 'begun.inARow < BEGINS', 'begun.inARow < BEGINS - 1'),
  incident(
    'seconds count that are not in a row',
    'if (!incident) return { course: QUIET }',
    'if (!incident) return { course: from === undefined ? QUIET : { inARow, from } }',
  ),
  incident('an incident dates from when it was told', 'since: begun.from', 'since: now'),
  incident('a pause ends an incident', 'now - incident.seenAt < ENDS_MS', 'now - incident.seenAt < 0'),
  incident('an incident that goes on ends', '    seenAt: now,\n    most', '    most'),
  incident('a flood is told again each second', ' || (again && !isWorse(kind, again.kind))', ''),
  incident('an overload hides a flood', '(again && !isWorse(kind, again.kind))', 'again'),
  incident(
    'a flood that slows is told as an overload',
    'isAttack(now) && !isAttack(before)',
    'isAttack(now) !== isAttack(before)',
  ),
  incident(
    'the most is the last',
    'Math.max(incident.most, isWorse(incident.kind, kind) ? 0 : perS)',
    'perS',
  ),
  incident('an overload’s connections are the flood’s', 'isWorse(incident.kind, kind) ? 0 : perS', 'perS'),
  incident('what is busy is bad', "kind === 'overload'", "kind !== 'calm'"),
  sketch('an address’s upper half counts for nothing', 'rest > 0n; rest >>= 32n', 'rest > 0n; rest >>= 128n'),
  sketch('a hash can be foreseen', 'mix(seed ^ beside)', 'mix(beside)'),
  sketch('two sketches are added up', 'Math.max(ours[i]!, theirs[i]!)', 'ours[i]! + theirs[i]!'),
  sketch('few are counted as many are', 'estimate <= 2.5 * REGISTERS && empty > 0', 'false'),
  top('who is new begins with nothing', 'this.#counts.set(key, count + 1)', 'this.#counts.set(key, 1)'),
  top('who may have sent little is named', 'count - error >= Math.max', 'count >= Math.max'),
  top('who has sent little is named', 'this.#total / 100)', '0)'),
  usual('a second is usual', 'this.#seconds < LEARNED_S', 'this.#seconds < 1'),
  usual('what is usual never changes', 'Math.min(this.#seconds, TAU_S)', 'this.#seconds'),
  usual('the first clients are normal for ever', 'Math.max(NORMAL / drawn, 0.01)', '0'),
  usual('the last clients alone are normal', 'Math.max(NORMAL / drawn, 0.01)', '1'),
  arrivals(
    'SYNs that are refused do not arrive',
    "exact + perSecond(known, 'refused', 'opening'),",
    'exact,',
  ),
  arrivals('who proves himself is stopped', 'challenged - proven + stopped', 'challenged + stopped'),
  arrivals('who proves himself counts twice', 'arrived - Math.min(proven, arrived / 2)', 'arrived'),
  arrivals(
    'a proof that nothing follows counts',
    'Math.min(challenged, packets, perSecond',
    'Math.min(challenged, perSecond',
  ),
  arrivals(
    'more prove themselves than were challenged',
    'Math.min(challenged, packets,',
    'Math.min(packets,',
  ),
  arrivals('all SYNs of a moment ago have proved themselves', 'Math.min(proven, arrived / 2)', 'proven'),
  arrivals(
    'SYNs that have records of their own are as many as were recorded',
    'total.drawn === 0 ? [mine.own, total.own] : [mine.drawn, total.drawn]',
    '[sum(mine), sum(total)]',
  ),
  arrivals('a service has what was recorded for long', 'part / seconds / (whole', 'part / (whole'),
  said('of equal words each node keeps its own', 'a.by > b.by)', 'false)'),
  said(
    'an older word replaces a newer one',
    'if (known && !isLater(word.version, known.version)) continue\n',
    '',
  ),
  said('a word holds after its end', 'word.until > now)', 'word.until >= now)'),
  said(
    'what was taken back is forgotten',
    'words.filter(({ about }) => about !== saying.about), word]',
    'words.filter(({ about }) => about !== saying.about), ...(word.order ? [word] : [])]',
  ),
  said('another node fills the memory', 'more.slice(0, Math.max(0, ORDERS_LIMIT - had))', 'more'),
  said('of what is over the first is remembered', '? -1 : 1)).slice(0', '? 1 : -1)).slice(0'),
  effective(
    'what was said ends with nothing',
    'const { defence } = state\n  const said = inForce(words, now)',
    'const { defence } = state\n  const said = inForce(words, 0)',
  ),
  effective(
    'proof of all goes before that of a service',
    "modes.get(service.name) ?? modes.get('')",
    "modes.get('') ?? modes.get(service.name)",
  ),
  effective(
    'proof by hand where none is asked for is nothing',
    '...(isAsked && { proof: defence.proof ?? PROOF })',
    '...(isAsked && defence.proof && { proof: defence.proof })',
  ),
  effective(
    'a rule that is observed acts',
    "isObserved ? acting({ ...rule, name }, 'count') : { ...rule, name }",
    '{ ...rule, name }',
  ),
  effective('a rule by hand hides one of the file', "known.has(name) ? 'the file", "false ? 'the file"),
  effective(
    'a rule that makes no sense any more acts',
    "faults.length > 0 ? faults.join('; ') : rule",
    'rule',
  ),
  effective('a rule is lost with one of its services', '...(left && { services: left })', ''),
  effective(
    'a rule that is off counts',
    "action === 'off') rules.delete(name)",
    "action === 'off') rules.set(name, acting(rule, 'count'))",
  ),
  effective(
    'a rule that ships and is off stays so',
    'rules.get(name) ?? knownRules.get(name)',
    'rules.get(name)',
  ),
  effective('what counts may drop everybody', 'breadthFault({ ...rule, action })', 'undefined'),
  effective('who is allowed by hand is denied still', 'added.size === 0 ? deny', 'added.size >= 0 ? deny'),
  effective('only shuts out everybody', ' && nobodyOf(allow, services) === undefined', ''),
]
