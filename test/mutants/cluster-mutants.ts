// Mutants of what nodes do together: rotation of keys, what is known of a peer, what is said of oneself, a change of all nodes
// and the journal of each, and what other nodes are told of flows. A rule of these gets one.

import { inFile, type Mutant } from './run-mutant.ts'

const rotation = inFile('src/cluster/rotation.ts', 'rotation')
const peer = inFile('src/cluster/peer-record.ts', 'peerRecord')
const parts = inFile('src/cluster/parts.ts', 'parts')
const coordinator = inFile('src/revisions/coordinator.ts', 'coordinator')
const local = inFile('src/revisions/local.ts', 'localRevisions')
const link = inFile('src/replicate/link.ts', 'link')
const waiting = inFile('src/replicate/waiting-news.ts', 'link')
const merge = inFile('src/replicate/merge-batches.ts', 'mergeBatches')

const nodes: readonly Mutant[] = [
  rotation(
    'a key signs before all nodes have it',
    "if (every(has)) return { kind: 'promote' }",
    "if (others.some(({ keys }) => keys && has(keys))) return { kind: 'promote' }",
  ),
  rotation(
    'a node that is away counts as one that has the key',
    'isConnected && keys !== undefined',
    'keys !== undefined',
  ),
  rotation(
    'the key before goes while somebody shows it',
    'every((keys) => keys.current === current)',
    'every((keys) => keys.current === current || keys.next === current)',
  ),
  rotation(
    'who is left out is waited for',
    'all.filter(({ node }) => !without.includes(node))',
    'all.filter(({ node }) => node)',
  ),
  rotation(
    'whom another exchange leaves out is left out',
    'isConnected && keys && newestOf(keys) === newest',
    'isConnected && keys',
  ),
  rotation(
    'who has the key is left out still',
    'if (keys.current === own.current) left.delete(node)',
    'left.has(node)',
  ),
  rotation('who is left out says who else is', ' && isHeard(node)', ''),
  rotation('who is left out has the key when it says so', 'if (isOver) for', 'for'),
  rotation('nobody hears who is left out', 'keys.without ?? [])', 'own.without ?? [])'),
  rotation('of two keys the first one stays', 'offered > next', 'offered < next'),
  rotation('an old key that comes late is taken', ' && offered !== previous', ''),
  peer('who has left is lost once more', "if (this.#hasLeft && failure.state === 'unreachable') return", ''),
  peer('one exchange without an answer loses a peer', 'now.ms - this.#answeredMs < this.#lostMs', 'false'),
  peer(
    'who refuses is waited for',
    "if (failure.state === 'refused') this.#become('refused', failure.why, now)\n    else if",
    'if',
  ),
  peer(
    'being heard is being connected',
    'return ms - this.#heardMs < this.#lostMs',
    'return ms < this.#lostMs',
  ),
  peer('who answers again has left still', '    this.#hasLeft = false\n', ''),
  parts('parts grow without a bound', 'this.#bytes + bytes > DOCUMENT_MAX', 'bytes > DOCUMENT_MAX'),
  parts(
    'what does not fit leaves what was said',
    '    this.#parts.delete(name)\n    if (value',
    '    if (value',
  ),
  parts('what fits again is a fault still', '    this.#tooLarge.delete(name)\n', ''),
]

const changes: readonly Mutant[] = [
  coordinator(
    'the active node applies first',
    'Number(active.get(a)) - Number(active.get(b))',
    'Number(active.get(b)) - Number(active.get(a))',
  ),
  coordinator(
    'this node goes on with what others take back',
    'if (done.some(({ node }) => node === self())) await local.abort(attempt.id, reason)',
    '',
  ),
  coordinator('an attempt is decided about for ever', '      this.#deciding.delete(attempt.id)\n', ''),
  local(
    'another attempt may be settled',
    'if (this.#trial?.attempt.id === id) return',
    'if (this.#trial) return',
  ),
  local(
    'a trial that nobody settled counts at a start',
    "return entry.state === 'trying' ? entry.before : entry.current",
    "return entry.state === 'trying' ? entry.next : entry.current",
  ),
  local('what is not confirmed in time stays', 'this.leftMs! <= 0', 'this.leftMs! <= -1e12'),
  local(
    'a boot gives no more time back',
    'deadline.boot === this.#options.clock.boot ? deadline.atMs : 0',
    'deadline.atMs',
  ),
  local(
    'what waits to be confirmed may be applied over',
    "if (this.#options.journal.entry.state !== 'confirming') return",
    'return',
  ),
  local(
    'going back that failed is not tried again',
    'if (this.#owed && this.#backOff.isDue(this.#owed.id, clock.bootMs()))',
    'if (false)',
  ),
  local(
    'going back that failed is tried again at once, and for ever',
    'this.#owed && this.#backOff.isDue(this.#owed.id, clock.bootMs())',
    'this.#owed',
  ),
  local(
    'what was owed is run over what has been applied since',
    'this.#owed = undefined\n    this.#fault = undefined\n    return ran',
    'return ran',
  ),
]

const flows: readonly Mutant[] = [
  link(
    'news that wait have no bound',
    'if (this.#news.records + batch.records.length > WAITING_MAX) this.#fill()',
    'if (this.#news.records > 1e9) this.#fill()',
  ),
  waiting(
    'each batch of news is a message',
    'const fits = batch.table ===',
    'const fits = taken.length === 0 && batch.table ===',
  ),
  waiting('what waits has no order', '++this.#last', '--this.#last'),
  link('a mark waits for what comes later', 'first > last && ', 'first > this.#news.last && '),
  link('what is under way counts as told', 'this.#underWayFrom ?? this.#news.first', 'this.#news.first'),
  link('a share that is put off is not waited for', 'first > last && wanted.every(isShared)', 'first > last'),
  link('an older share of a pool will do', '(known.revision ?? revision) >= revision', 'true'),
  link(
    'a pool that has gone is waited for',
    'revision === undefined || !leads(pool)',
    'revision === undefined',
  ),
  link('who does not answer is waited for', '(this.#era === undefined && now() < this.#notBefore)', 'false'),
  link('two requests at a time', 'if (!this.#isAway && !this.#isBusy && ', 'if (!this.#isAway && '),
  link('failures are tried again at once', 'AGAIN_MS * 2 ** this.#failures', '0 * this.#failures'),
  link(
    'another end is taken for the one of before',
    'if (era !== this.#era) {',
    'if (this.#era === undefined) {',
  ),
  link('all is told though there is more since', '      if (fills !== this.#fills) return\n', ''),
  link(
    'who begins to lead tells only what is new',
    'if (this.#leadsAny && !this.#hasLed) this.#forget()',
    '',
  ),
  merge(
    'names of one batch are those of another',
    'service: service[record.service]!',
    'service: record.service',
  ),
  merge('servers are told apart by their names alone', 'address}`', 'name}`'),
  merge('ways of one batch are those of another', 'via: via[record.answer.via]!', 'via: record.answer.via'),
]

/** clusterMutants: all of them. */
export const clusterMutants: readonly Mutant[] = [...nodes, ...changes, ...flows]
