import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Event, eventOf, isAtLeast, type NewEvent, topicOf } from './event.ts'
import { EVENTS_KEPT, EventLog, memoryStore } from './event-log.ts'
import { quietLog } from './quiet-log.ts'

const at = new Date('2024-05-06T07:08:09.123Z')
const some: NewEvent = { kind: 'server.down', severity: 'warning', text: 'web1 down in www' }
const newLog = () => quietLog(1, () => at)

test('an event is one bounded line, whatever it is made of', () => {
  const event = eventOf(
    {
      ...some,
      server: 'a\nb',
      text: `said \x1b[31mred\u2028${'x'.repeat(1000)}`,
      data: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`k${i}`, 'y'.repeat(i * 100)])),
    },
    7,
    at,
  )
  assert.equal(event.server, 'a\\u000ab')
  assert.match(event.text, /^said \\u001b\[31mred\\u2028x+…$/)
  assert.equal(Object.keys(event.data).length, 20)
  assert.ok(JSON.stringify(event).length < 20_000)
  assert.deepEqual([event.seq, event.time], [7, '2024-05-06T07:08:09.123Z'])
})

test('the log has the latest events, in order, and gives those after a number', () => {
  const log = newLog()
  for (let i = 0; i < 3 * EVENTS_KEPT; i++) log.record(some)
  const all = log.latest()
  assert.equal(all.length, EVENTS_KEPT)
  assert.deepEqual([all[0]!.seq, all.at(-1)!.seq], [2 * EVENTS_KEPT + 1, 3 * EVENTS_KEPT])
  const part = log.from(log.positionAfter(3 * EVENTS_KEPT - 2), 10)
  assert.deepEqual(
    part.events.map(({ seq }) => seq),
    [3 * EVENTS_KEPT - 1, 3 * EVENTS_KEPT],
  )
  assert.deepEqual([part.lost, log.from(part.next, 10).events.length], [0, 0])
})

test('a reader that is too slow goes on with what is left, and knows how many are gone', () => {
  const log = newLog()
  const start = log.positionAfter(0)
  for (let i = 0; i < EVENTS_KEPT + 2_500; i++) log.record(some)
  const { events, next, lost } = log.from(start, 3)
  assert.equal(lost, 2_000)
  assert.deepEqual(
    events.map(({ seq }) => seq),
    [lost + 1, lost + 2, lost + 3],
  )
  assert.deepEqual([log.from(next, 1).events[0]!.seq, log.from(next, 1).lost], [lost + 4, 0])
})

test('whoever listens hears each event once, until it does no longer', () => {
  const log = newLog()
  const heard: Event[] = []
  const listening = log.subscribe((event) => heard.push(event))
  log.record(some)
  log.record(some)
  listening[Symbol.dispose]()
  log.record(some)
  assert.deepEqual(
    heard.map(({ seq }) => seq),
    [1, 2],
  )
})

test('each event is a line of the daemon’s log, as loud as it is grave', () => {
  const lines: string[] = []
  const say = (level: string) => (fields: object, text: string) =>
    lines.push(`${level} ${text} ${JSON.stringify(fields)}`)
  const log = new EventLog({
    store: memoryStore(41),
    log: { info: say('info'), warn: say('warn'), error: say('error') },
    now: () => at,
  })
  for (const severity of ['info', 'notice', 'warning', 'error'] as const)
    log.record({ ...some, severity, data: { code: severity } })
  assert.deepEqual(lines, [
    'info web1 down in www {"event":41,"kind":"server.down","code":"info"}',
    'info web1 down in www {"event":42,"kind":"server.down","code":"notice"}',
    'warn web1 down in www {"event":43,"kind":"server.down","code":"warning"}',
    'error web1 down in www {"event":44,"kind":"server.down","code":"error"}',
  ])
})

test('kinds have topics, severities an order', () => {
  assert.equal(topicOf('service.held'), 'service')
  assert.ok(isAtLeast('error', 'warning') && isAtLeast('notice', 'notice') && !isAtLeast('info', 'notice'))
})
