// What it costs that nodes have the same: to look for news in tables of records, to write and read messages of them, to
// take records in, and to follow another node's pools, and how many bytes all of that is. In memory of the same sizes as the
// packet path's; no kernel, no network.

import { parseMac } from '../src/base/addresses.ts'
import { clockOf } from '../src/dataplane/flow-clock.ts'
import { entriesFor, FLOW } from '../src/dataplane/flow-record.ts'
import { Assignment } from '../src/engine/assignment.ts'
import { type FlowBatch, FlowExchange } from '../src/engine/flow-exchange.ts'
import type { FlowKeeper } from '../src/engine/flow-keeper.ts'
import { FlowNews } from '../src/engine/flow-news.ts'
import { Known } from '../src/engine/known.ts'
import { planOf } from '../src/engine/plan.ts'
import { shareOf } from '../src/engine/pool-share.ts'
import { Records, type WholeRecord } from '../src/engine/records.ts'
import { RECORDS_MAX } from '../src/replicate/flow-codec.ts'
import { decodeMessage, encodeMessage, fingerprintOf } from '../src/replicate/message.ts'
import type { Row } from './runner/row.ts'
import { nameOf, specOf } from './table-push.ts'
import { must, row } from './table-row.ts'

const KEYS = fingerprintOf(BigUint64Array.from([1n]))
const mac = parseMac('02:00:00:00:00:01')
/** Established flows time out after 15 minutes of 62.5 ms. */
const LIVES = { idle: Uint32Array.from([0, 480, 160, 14_400]), networks: Uint32Array.from([4_800]) }

/** A word that depends on `n` as a hash would. */
const word = (n: number): number => Math.imul(n ^ (n >>> 15), 0x9e3779b1) >>> 0

function tableOf(flows: number): Records {
  const entries = Math.ceil(entriesFor(flows) / 4) * 4
  const records = new Records(new Uint32Array(4 * entries), entries)
  let placed = 0
  for (let n = 1; n <= flows; n++) {
    const record = { hash: word(n), other: word(~n), server: 1 + (n % 100), service: 0, time: 1_000 }
    if (records.put({ ...record, state: FLOW.established }, 1_000)) placed++
  }
  must(placed > 0.99 * flows, `${placed} of ${flows} flows have a place`)
  return records
}

/** newsOf a table: a whole pass where nothing has changed, and where each flow has sent meanwhile, which is no news. */
function newsOf(flows: number, runs: number): Row[] {
  const records = tableOf(flows)
  const news = new FlowNews(records, LIVES)
  const pass = (tick: number): number => {
    const found: WholeRecord[] = []
    const start = performance.now()
    news.step(tick, records.entries, found, 1)
    const took = performance.now() - start
    must(found.length === 0, 'news where there is none')
    return took
  }
  const [still, busy]: [number[], number[]] = [[], []]
  for (let run = -3; run < runs; run++) {
    const took = pass(1_001)
    if (run >= 0) still.push(took)
  }
  for (let entry = 0; entry < records.entries; entry++)
    if (records.words[4 * entry + 3] !== 0) records.words[4 * entry + 3]! += 100
  for (let run = -3; run < runs; run++) {
    const took = pass(1_101)
    if (run >= 0) busy.push(took)
  }
  const checks = { entries: records.entries }
  return [row(`same.news.${flows}`, 'ms', still, checks), row(`same.news.${flows}.busy`, 'ms', busy, checks)]
}

/** messages of 4,096 records: written, read, and taken in. */
function messages(runs: number): Row[] {
  const records = Array.from({ length: 4_096 }, (_, n) => ({
    ...{ hash: word(n), other: word(~n), server: n % 100, service: 0, state: FLOW.established },
    ...{ ageMs: 62 * (n % 100), isNetwork: false },
  }))
  const servers = Array.from({ length: 100 }, (_, n) => ({ name: nameOf(n), address: `10.0.1.${n + 1}` }))
  const batch: FlowBatch = { table: 'flows', services: ['www'], servers, interfaces: [], records }
  const table = tableOf(262_144)
  const [written, read, put]: [number[], number[], number[]] = [[], [], []]
  let bytes = 0
  for (let run = -5; run < runs; run++) {
    const times = [performance.now()]
    const message = encodeMessage({ kind: 'flows', batch }, KEYS)
    times.push(performance.now())
    const back = decodeMessage(message, KEYS)
    times.push(performance.now())
    let placed = 0
    for (const { hash, other, server, service, state } of records)
      if (table.put({ hash, other, server, service, state, time: 2_000 + run }, 2_000 + run)) placed++
    times.push(performance.now())
    bytes = message.length
    must(back?.kind === 'flows' && back.batch.records.length === placed, `${placed} records`)
    if (run < 0) continue
    for (const [i, list] of [written, read, put].entries()) list.push(times[i + 1]! - times[i]!)
  }
  const checks = { records: records.length, bytes }
  return [
    row('same.message.write', 'ms', written, checks),
    row('same.message.read', 'ms', read, checks),
    row('same.message.put', 'ms', put, checks),
    row('same.record.bytes', 'bytes', [bytes / records.length], checks),
  ]
}

/** follow a pool of 65,536 slots: when nothing has changed, and when one of its 100 servers has failed. */
function follow(runs: number): Row[] {
  const plan = planOf(specOf(1, 100), { cpus: 2, clock: clockOf(250) })
  const known = new Known()
  for (const server of plan.idOf.keys()) known.setNeighbour(server, { mac, on: 'eth0' })
  const [active, backup] = [new Assignment(plan, known, 0), new Assignment(plan, known, 0)]
  const idOf = (name: string) => plan.idOf.get(name) ?? 0
  const options = (now: number) => ({ idOf, now, storeBefore: () => {} })
  const rows: Row[] = []
  for (const name of ['still', 'one-down']) {
    if (name === 'one-down') {
      known.setView('service0', nameOf(5), { up: false }, 1)
      for (const each of [active, backup]) each.change(nameOf(5), known, 1, true, 0)
    }
    const [share, followed]: [number[], number[]] = [[], []]
    let bytes = 0
    for (let run = -5; run < runs; run++) {
      const times = [performance.now()]
      const shared = shareOf(plan, 0, active.poolAt(0).left(), 2)!
      const message = encodeMessage({ kind: 'share', share: shared }, KEYS)
      times.push(performance.now())
      const back = decodeMessage(message, KEYS)
      must(back?.kind === 'share', 'no share')
      const result = backup.follow(0, { share: (back as { share: typeof shared }).share, at: 2 }, options(2))
      times.push(performance.now())
      must(typeof result === 'number', `it was not followed: ${result}`)
      bytes = message.length
      if (run < 0) continue
      share.push(times[1]! - times[0]!)
      followed.push(times[2]! - times[1]!)
    }
    must(
      backup.wordsOf(0).every((each, slot) => each === active.wordsOf(0)[slot]),
      'words differ',
    )
    const checks = { slots: 65_536, bytes, marked: active.poolAt(0).records }
    rows.push(
      row(`same.share.${name}`, 'ms', share, checks),
      row(`same.follow.${name}`, 'ms', followed, checks),
    )
  }
  return rows
}

/** bulk: all flows of one node told to another that knows of none: the time of both together. */
function bulk(flows: number, runs: number): Row[] {
  const plan = planOf(specOf(1, 100), { cpus: 2, clock: clockOf(250) })
  const exchangeOf = (records: Records) =>
    new FlowExchange(
      plan,
      {
        records,
        answers: undefined,
        ticks: { now: () => 1_000 },
        secondsOf: (ticks: number) => ticks / 16,
      } as FlowKeeper,
      LIVES,
    )
  const from = exchangeOf(tableOf(flows))
  const times: number[] = []
  let [bytes, placed] = [0, 0]
  for (let run = -1; run < runs; run++) {
    const to = exchangeOf(new Records(new Uint32Array(4 * from.entriesOf('flows')), from.entriesOf('flows')))
    ;[bytes, placed] = [0, 0]
    const start = performance.now()
    for (let at: number | undefined = 0; at !== undefined; ) {
      const { batch, next } = from.bulk('flows', at, RECORDS_MAX)
      at = next
      if (!batch) continue
      const message = encodeMessage({ kind: 'flows', batch }, KEYS)
      const back = decodeMessage(message, KEYS)
      bytes += message.length
      if (back?.kind === 'flows') placed += to.take(back.batch).placed
    }
    const took = performance.now() - start
    must(placed > 0.99 * flows, `${placed} of ${flows} flows arrived`)
    if (run >= 0) times.push(took)
  }
  return [row(`same.bulk.${flows}`, 'ms', times, { flows: placed, bytes })]
}

/** same: what sharing costs a node. */
export async function same({ quick }: { readonly quick: boolean }): Promise<Row[]> {
  const runs = quick ? 11 : 51
  return [
    ...newsOf(262_144, runs),
    ...(quick ? [] : newsOf(1_048_576, runs)),
    ...messages(runs),
    ...bulk(262_144, quick ? 3 : 9),
    ...follow(runs),
  ]
}
