// One link, with another end that a test plays: what waits is bounded, what fails is tried again, ever more slowly.

import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import type { FlowBatch, FlowExchange } from '../engine/flow-exchange.ts'
import type { PoolShare } from '../engine/pool-share.ts'
import { Link, type Source, WAITING_MAX } from './link.ts'
import { decodeMessage, encodeAnswer, fingerprintOf, type Verdict } from './message.ts'

const KEYS = fingerprintOf(BigUint64Array.from([1n]))
const SLICES = 3
const batch = (hash: number): FlowBatch => ({
  ...{ table: 'flows', services: ['www'], servers: [{ name: 'a', address: '10.0.0.1' }], interfaces: [] },
  records: [{ hash, other: 0, server: 0, service: 0, state: 3, ageMs: 0, isNetwork: false }],
})
const answers = (hash: number): FlowBatch => {
  const { records, ...names } = batch(hash)
  const answer = { words: new Uint32Array(8), via: 0 }
  return {
    ...{ ...names, table: 'answers', interfaces: ['lan'] },
    records: records.map((each) => ({ ...each, answer })),
  }
}
const exchange = {
  tables: ['flows'],
  bulk: (_: string, from: number) => ({ batch: batch(from), next: from + 1 < SLICES ? from + 1 : undefined }),
} as unknown as FlowExchange
const share = (pool: string): PoolShare => ({
  ...{ pool, slots: 1_024, servers: [{ name: 'a', address: '10.0.0.1' }], members: 1, sorry: 0 },
  ...{ weights: Uint16Array.of(1), parts: Float64Array.of(1), isSorry: false, digest: 1 },
  ...{ marked: new Uint32Array(), settled: new Uint16Array(), learns: new Uint8Array() },
  ...{ young: [], learning: [] },
})

/** The other end. */
let heard: string[]
let era: string
let verdict: Verdict
let answer: (() => void) | undefined
let failure: TenbinError | undefined
let ms: number
let leads: (pool: string) => boolean
let pools: readonly string[]
let revision: number
let flows: FlowExchange
let link: Link

beforeEach(() => {
  heard = []
  era = '0000000000000001'
  verdict = 'taken'
  failure = undefined
  ms = 0
  leads = () => true
  pools = ['web']
  revision = 1
  flows = exchange
  const source: Source = {
    replica: {
      isLive: true,
      pools: () => pools,
      revisionOf: () => revision,
      share,
      follow: () => 'unknown',
      lead: () => 0,
      renew: () => 0,
      awaitRecords: () => {},
      flows: () => flows,
    },
    keys: KEYS,
    leads: (pool) => leads(pool),
    now: () => ms,
    labelled: (message) => message,
  }
  link = new Link(source, (body) => {
    const message = decodeMessage(body, KEYS)!
    heard.push(message.kind === 'flows' ? `flows ${message.batch.records[0]!.hash}` : message.kind)
    return new Promise((resolve, reject) => {
      answer = () => {
        answer = undefined
        if (failure) reject(failure)
        else resolve(encodeAnswer({ era, verdict: message.kind === 'hello' ? 'taken' : verdict }))
      }
    })
  })
})

const turn = () => new Promise<void>((done) => setImmediate(done))
/** answered: the other end answers whatever comes; what came, since the last time. */
async function answered(): Promise<string[]> {
  for (let i = 0; i < 1_000; i++) {
    link.step(true)
    answer?.()
    await turn()
    if (!answer) break
  }
  return heard.splice(0)
}

test('all of it is told in turns, one request at a time, then that it is all, then what changes', async () => {
  link.step(true)
  link.step(true)
  await turn()
  assert.deepEqual(heard, ['hello'], 'nothing more before that is answered')
  assert.deepEqual(await answered(), ['hello', 'flows 0', 'share', 'flows 1', 'flows 2', 'told'])
  assert.equal(link.status.state, 'current')
  assert.deepEqual(await answered(), [])
  link.add(batch(77))
  revision++
  assert.deepEqual(await answered(), ['flows 77'])
  ms += 200
  assert.deepEqual(await answered(), ['share'], 'a pool is not told of all the time')
  ms += 1_000
  assert.deepEqual(await answered(), ['told'], 'and now and then it is asked who is there')
  assert.deepEqual([link.status.records, link.status.waiting], [SLICES + 1, 0])
})

test('who does not answer costs bounded memory, and is told all of it anew in a few messages', async () => {
  await answered()
  link.add(batch(1))
  link.step(true)
  for (let i = 0; i < 2 * WAITING_MAX; i++) {
    link.add(batch(i))
    assert.ok(link.status.waiting <= WAITING_MAX)
  }
  assert.equal(link.status.state, 'filling')
  const all = await answered()
  assert.ok(all.length < 20, `${all.length} messages`)
  assert.deepEqual(all.filter((each) => ['share', 'told', 'flows 2'].includes(each)).slice(-1), ['told'])
  assert.ok(all.includes('share'))
})

test('what becomes news while a request is under way is one message of each table behind it', async () => {
  await answered()
  link.add(batch(1))
  link.step(true)
  await turn()
  for (let hash = 2; hash < 1_000; hash++) link.add(hash % 2 ? answers(hash) : batch(hash))
  assert.equal(link.status.waiting, 998)
  assert.deepEqual(await answered(), ['flows 1', 'flows 2', 'flows 3'])
  assert.deepEqual(
    [link.status.waiting, link.status.records, link.status.state],
    [0, SLICES + 999, 'current'],
  )
})

test('news that never ends keeps nobody from being told all there is, in a few messages more', async () => {
  let hash = 100
  for (let i = 0; i < 30 && link.status.state !== 'current'; i++) {
    link.add(batch(hash++))
    link.add(answers(hash++))
    link.step(true)
    answer?.()
    await turn()
  }
  assert.equal(link.status.state, 'current')
  const told = heard.indexOf('told')
  assert.deepEqual(
    ['flows 0', 'flows 1', 'flows 2', 'share'].filter((each) => !heard.slice(0, told).includes(each)),
    [],
  )
})

test('what there was when it was marked is told, whatever becomes news meanwhile', async () => {
  await answered()
  let hash = 100
  const more = () => {
    link.add(batch(hash++))
    link.add(answers(hash++))
  }
  more()
  link.step(true)
  await turn()
  more()
  const isPast = link.mark()
  for (let i = 0; i < 3; i++) {
    assert.equal(isPast(), false, `after ${i} answers`)
    more()
    answer!()
    await turn()
  }
  assert.deepEqual(heard, ['flows 100', 'flows 101', 'flows 102', 'flows 107'])
  assert.ok(isPast())
  assert.ok(link.status.waiting > 0, 'and there is always more')
})

test('a mark waits for all there is where that is being told, hastens shares, and waits for nobody who is not there', async () => {
  link.step(true)
  await turn()
  const all = link.mark()
  for (let i = 0; i < 6; i++) {
    assert.equal(all(), false)
    answer!()
    await turn()
  }
  assert.ok(all())
  revision++
  await answered()
  revision++
  assert.deepEqual(await answered(), [], 'a pool is not told of all the time')
  const share = link.mark()
  assert.deepEqual([share(), heard.splice(0)], [false, ['share']])
  answer!()
  await turn()
  assert.ok(share())
  link.add(batch(7))
  failure = new TenbinError('PEER_TIMEOUT', 'replicate', { detail: 'no answer' })
  const failed = link.mark()
  assert.equal(failed(), false)
  answer!()
  await turn()
  assert.ok(failed())
  link.step(false)
  assert.ok(link.mark()())
})

test('a mark waits for a pool as it is then, not for an older share of it that is under way', async () => {
  await answered()
  revision++
  ms += 200
  link.step(true)
  await turn()
  assert.deepEqual(heard.splice(0), ['share'])
  revision++
  const isPast = link.mark()
  answer!()
  await turn()
  assert.equal(isPast(), false)
  assert.deepEqual(heard, ['share'], 'at once')
  answer!()
  await turn()
  assert.ok(isPast())
})

test('a mark does not wait for the share of a pool that this node leads no more', async () => {
  pools = ['web', 'mail']
  await answered()
  leads = (pool) => pool === 'mail'
  revision++
  ms += 200
  assert.deepEqual(await answered(), ['share'], 'of the other one')
  assert.ok(link.mark()())
  revision++
  const isPast = link.mark()
  assert.equal(isPast(), false)
  leads = () => false
  assert.ok(isPast())
})

test('another era is another end: it is told everything', async () => {
  await answered()
  era = '0000000000000002'
  ms += 1_000
  const all = await answered()
  assert.deepEqual(all.toSorted(), ['flows 0', 'flows 1', 'flows 2', 'share', 'told', 'told'])
  assert.deepEqual([all[0], all.at(-1)], ['told', 'told'])
})

test('a node that begins to lead tells its records from the first one on', async () => {
  leads = () => false
  assert.deepEqual(await answered(), ['hello', 'told'])
  leads = () => true
  const all = await answered()
  assert.deepEqual(all.slice(0, 2), ['hello', 'flows 0'])
  assert.equal(all.at(-1), 'told')
})

test('what fails is tried again after one second, two, four, up to half a minute; not at all while nobody is there', async () => {
  failure = new TenbinError('PEER_TIMEOUT', 'replicate', { detail: 'no answer' })
  assert.deepEqual(await answered(), ['hello'])
  assert.deepEqual([link.status.state, link.status.why], ['away', 'replicate: no answer'])
  const gaps: number[] = []
  for (let last = ms; gaps.length < 7; ms += 500) {
    if ((await answered()).length === 0) continue
    gaps.push(ms - last)
    last = ms
  }
  assert.deepEqual(gaps, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 32_000])
  link.step(false)
  ms += 100_000
  failure = undefined
  assert.equal((await answered()).at(-1), 'told', 'who is back is told at once')
})

test('a pool that the other end leads as well is told again later, and a table of another version is named', async () => {
  verdict = 'leads'
  const first = await answered()
  assert.ok(first.includes('share'))
  assert.deepEqual(
    (await answered()).filter((each) => each === 'share'),
    [],
  )
  verdict = 'other'
  ms += 1_000
  assert.ok((await answered()).includes('share'))
  assert.equal(link.status.why, 'pool web: it makes another table of the same servers')
})

test('that all is told is not believed of an answer to what was asked before this node led', async () => {
  leads = () => false
  await answered()
  ms += 1_000
  link.step(true)
  await turn()
  leads = () => true
  link.step(true)
  answer!()
  await turn()
  assert.equal(link.status.state, 'filling')
  assert.equal((await answered()).at(-1), 'told')
})

test('a table that an apply has replaced is read no further, nor said to be told, until the next step', async () => {
  const read: string[] = []
  const of = (name: string) =>
    ({
      tables: ['flows'],
      bulk: (table: string, from: number) => {
        read.push(name)
        return exchange.bulk(table as 'flows', from, 1)
      },
    }) as unknown as FlowExchange
  flows = of('before')
  link.step(true)
  answer!()
  await turn()
  const so = read.length
  heard = []
  flows = of('after')
  for (let i = 0; i < 4; i++) {
    answer?.()
    await turn()
  }
  assert.deepEqual([read.length, heard], [so, []])
  assert.equal((await answered()).at(-1), 'told')
  assert.equal(read.filter((name) => name === 'after').length, SLICES)
})
