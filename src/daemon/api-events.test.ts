import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { NewEvent } from '../events/event.ts'
import { EVENTS_KEPT, type EventLog } from '../events/event-log.ts'
import { quietLog } from '../events/quiet-log.ts'
import { apiApp } from './api-app.ts'
import { type EventLine, eventsSchema, followEvents } from './api-events.ts'
import type { Operations } from './api-routes.ts'
import { type ApiServer, serveApi } from './api-server.ts'
import { openLog } from './log.ts'

let dir: string
let now: Date
let log: EventLog
let server: ApiServer

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'api-events-'))
  now = new Date()
  log = quietLog(1, () => now)
  const lines = openLog({
    level: 'error',
    pretty: false,
    colour: false,
    write: (line) => console.error(line),
  })
  // Nothing else is asked here.
  server = await serveApi(join(dir, 'api.sock'), apiApp({ events: log } as unknown as Operations, lines))
})
afterEach(async () => {
  await server.close()
  rmSync(dir, { recursive: true })
})

const down = (server: string, service = 'www'): NewEvent => ({
  ...{ kind: 'server.down', severity: 'warning', server, services: [service] },
  text: `${server} down in ${service}`,
})

function get(path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({ socketPath: join(dir, 'api.sock'), path, headers: { host: 'tenbin' }, agent: false }, resolve)
      .on('error', reject)
      .end()
  })
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of answer.setEncoding('utf8') as AsyncIterable<string>) text += part
  return text
}

const ask = async (query: string) =>
  eventsSchema.parse(JSON.parse(await textOf(await get(`/v1/events${query}`))))
const seqs = async (query: string) => (await ask(query)).events.map(({ seq }) => seq)

/** Reader of a stream: its lines as they come. */
class Reader {
  readonly lines: EventLine[] = []
  readonly answer: IncomingMessage
  constructor(answer: IncomingMessage) {
    this.answer = answer
    let rest = ''
    answer.setEncoding('utf8').on('data', (part: string) => {
      const lines = `${rest}${part}`.split('\n')
      rest = lines.pop()!
      this.lines.push(...lines.map((line) => JSON.parse(line) as EventLine))
    })
    answer.on('error', () => undefined)
  }
  async until(isTrue: () => boolean): Promise<void> {
    for (const deadline = Date.now() + 10_000; !isTrue(); await delay(5))
      assert.ok(Date.now() < deadline, `not in time: ${JSON.stringify(this.lines.slice(-5))}`)
  }
  get seqs(): number[] {
    return this.lines.flatMap(({ event }) => event?.seq ?? [])
  }
}
const read = async (query = '') => new Reader(await get(`/v1/events/stream${query}`))

test('events are asked for by time, number, subject and severity, the latest so many', async () => {
  log.record(down('web1'))
  now = new Date(now.getTime() + 3_600_000)
  log.record({ ...down('web2', 'img'), severity: 'error' })
  log.record(down('web1', 'img'))
  log.record({ kind: 'node.applied', severity: 'info', text: 'applied' })
  assert.deepEqual(await seqs(''), [1, 2, 3, 4])
  assert.deepEqual(await seqs('?limit=2'), [3, 4])
  assert.deepEqual(await seqs('?limit=0'), [])
  assert.deepEqual(await seqs('?after=2'), [3, 4])
  assert.deepEqual(await seqs('?server=web1'), [1, 3])
  assert.deepEqual(await seqs('?service=img&server=web1'), [3])
  assert.deepEqual(await seqs('?severity=warning'), [1, 2, 3])
  assert.equal((await ask('?server=nobody')).last, 4)
})

test('what is asked wrongly is refused', async () => {
  for (const query of [
    '?since=10',
    '?limit=-1',
    '?limit=10001',
    '?after=x',
    '?severity=bad',
    '?x=1',
    '?server=',
  ])
    for (const path of ['/v1/events', '/v1/events/stream']) {
      const answer = await get(`${path}${query}`)
      assert.equal(answer.statusCode, 400, `${path}${query}`)
      answer.resume()
    }
})

test('a stream begins with what is kept, says that it is there, and goes on', async () => {
  for (const name of ['web1', 'web2', 'web3']) log.record(down(name))
  const reader = await read('?limit=2&service=www')
  assert.equal(reader.answer.headers['content-type'], 'application/x-ndjson')
  await reader.until(() => reader.lines.length === 3)
  log.record(down('web4', 'img'))
  log.record(down('web5'))
  await reader.until(() => reader.lines.length === 4)
  assert.deepEqual(
    reader.lines.map(({ event, alive }) => event?.seq ?? { alive }),
    [2, 3, { alive: 3 }, 5],
  )
  reader.answer.destroy()
})

test('a stream says that it is there while all that happens is something else', async (t) => {
  let clock = 0
  t.mock.method(performance, 'now', () => clock)
  const reader = followEvents(log, { server: 'web1' }, now).getReader()
  const said = async () => JSON.parse(Buffer.from((await reader.read()).value!).toString()) as EventLine
  assert.deepEqual(await said(), { alive: 0 })
  const next = said()
  for (; clock <= 10_000; clock += 1_000) {
    log.record(down('web2'))
    await delay(1)
  }
  assert.deepEqual(await Promise.race([next, delay(1_000)]), { alive: 11 })
  await reader.cancel()
})

test('a stream after a number goes on behind it, and where numbers began anew has all', async () => {
  for (const name of ['web1', 'web2', 'web3']) log.record(down(name))
  const behind = await read('?after=2')
  const anew = await read('?after=4711')
  await behind.until(() => behind.lines.length === 2)
  await anew.until(() => anew.lines.length === 4)
  assert.deepEqual([behind.seqs, anew.seqs], [[3], [1, 2, 3]])
})

test('a reader that does not read costs nothing, and is told what it lost', async () => {
  const reader = await read()
  await reader.until(() => reader.lines.length === 1)
  reader.answer.pause()
  const before = process.memoryUsage().heapUsed
  const long = { ...down('web1'), text: 'x'.repeat(500) }
  for (let i = 0; i < 40; i++) {
    for (let j = 0; j < 1_000; j++) log.record(long)
    await delay(1)
  }
  const grown = process.memoryUsage().heapUsed - before
  assert.ok(grown < 60 * 2 ** 20, `${grown} bytes`)
  reader.answer.resume()
  await reader.until(() => reader.seqs.at(-1) === 40_000)
  const lost = reader.lines.reduce((sum, line) => sum + (line.lost ?? 0), 0)
  assert.ok(lost > 40_000 - EVENTS_KEPT - 20_000, `${lost} lost`)
  assert.equal(reader.seqs.length + lost, 40_000)
  // In order, nothing twice.
  assert.ok(reader.seqs.every((seq, i) => i === 0 || seq > reader.seqs[i - 1]!))
})

test('a reader that was away for too long is told what it missed', async () => {
  for (let i = 0; i < EVENTS_KEPT + 5_000; i++) log.record(down('web1'))
  const reader = await read('?after=100&server=nobody')
  await reader.until(() => reader.lines.length === 2)
  assert.deepEqual(reader.lines, [{ lost: 4_900 }, { alive: EVENTS_KEPT + 5_000 }])
})

test('readers are limited, and one that goes makes room', async () => {
  const readers = await Promise.all(Array.from({ length: 16 }, () => read()))
  const refused = await get('/v1/events/stream')
  assert.equal(refused.statusCode, 503)
  assert.equal(JSON.parse(await textOf(refused)).error.code, 'FOLLOWERS_LIMIT')
  for (const { answer } of readers) answer.destroy()
  for (let tries = 0; ; tries++) {
    const { statusCode } = (await read()).answer
    if (statusCode === 200) break
    assert.ok(tries < 200, 'nobody made room')
    await delay(10)
  }
})
