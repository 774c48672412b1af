import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Status } from '../daemon/api-schema.ts'
import { paintFor } from './context.ts'
import { ago, failed, NOW, statusOf } from './status.fixture.ts'
import { screenLines, shared } from './status-screen.ts'

const paint = paintFor(false)
const shown = (status: Status, columns = 80, rows = 24) => screenLines(status, paint, NOW, { columns, rows })

test('a small status fits a screen with all that it has', () => {
  const status = statusOf({ services: 2, servers: 3, isLong: false }, (service, server) =>
    service === 1 && server === 2 ? failed('connect: refused') : {},
  )
  assert.deepEqual(shown(status), [
    'tenbin 0.1.0: node lb1, forwarding, active, up 3h12m, generation 7',
    ...shown(status).slice(1, 2),
    'servers  3: 2 up, 1 failed',
    'traffic  247k packets/s, 198M bits/s; 3 dropped',
    '',
    'SERVICE  LISTENERS          UP      FLOWS  PKT/S  BIT/S        PACKETS',
    'svc01    10.0.0.100:80 +1  3/3  1,234,567   123k  98.8M  9,876,543,210',
    'svc02    10.0.0.101:80 +1  2/3  1,234,567   123k  98.8M  9,876,543,210  1 down',
    '',
    'SERVER      STATE     SHARE      FLOWS  PKT/S  BIT/S  CHECK',
    'web01       up       33.3 %  1,234,567  12.3k   9.9M  up 1m30s',
    'web02       up       33.3 %  1,234,567  12.3k   9.9M  up 1m30s',
    'web03       differs  33.3 %  1,234,567  12.3k   9.9M',
    '  in svc01  up       33.3 %  1,234,567                up 1m30s',
    '  in svc02  failed    0.0 %  1,234,567                down 42s: connect: refused',
  ])
})

test('floods, and who has to prove that he is real, are a line of the status; without them there is none', () => {
  const incident = { service: 'svc01', verdict: 'syn-flood', since: ago(3), text: 'x', perS: 98_400 } as const
  const lineOf = (flood: NonNullable<Status['flood']>) =>
    shown(
      statusOf({ services: 2, servers: 3, isLong: false }, () => ({}), { flood }),
      100,
    ).filter((line) => line.startsWith('flood'))
  assert.deepEqual(lineOf({ incidents: [incident], underProof: ['svc01'], rules: [] }), [
    'flood    svc01: SYN flood, 98.4k/s; proof of source is asked for of svc01 (tenbin flood)',
  ])
  assert.deepEqual(lineOf({ incidents: [], underProof: [], rules: [] }), [])
})

test('40 services and servers with names of 63 characters and IPv6 addresses fit 80 columns and 24 rows', () => {
  const why = `body: no "${'y'.repeat(200)}"`
  const problem = { code: 'X', message: `a long problem: ${'z '.repeat(60)}`, remedy: 'mend it' }
  const status = statusOf(
    { services: 40, servers: 40, isLong: true },
    (_, server) => (server === 33 ? failed(why) : {}),
    { problems: [problem, problem, problem, problem, problem, problem] },
  )
  const lines = shown(status)
  assert.ok(lines.length <= 23, `${lines.length} lines`)
  for (const line of lines) assert.ok(line.length <= 80, `${line.length}: ${line}`)
  const servers = lines.slice(lines.findIndex((line) => line.startsWith('SERVER ')))
  assert.match(servers[1]!, /^web-x+…x+34 +failed/, 'the one that fails comes first')
  assert.match(
    servers.at(-1)!,
    /^\d+ more, none of them troubled: tenbin status --all, or tenbin status SERVER$/,
  )
  assert.ok(lines.includes('problem  3 more: tenbin status --all'))
})

test('all there can be at once fits 80 columns and 24 rows', () => {
  const problem = { code: 'X', message: `a long problem: ${'z '.repeat(60)}`, remedy: 'mend it' }
  const base = statusOf({ services: 9, servers: 30, isLong: true })
  const lines = shown({
    ...base,
    problems: Array.from({ length: 9 }, () => problem),
    overrides: base.servers.map(({ name }) => ({ server: name, order: 'drained', since: ago(4000) })),
    lastReload: { at: ago(5), done: false, problems: [problem] },
    file: { path: `/etc/${'deep/'.repeat(20)}tenbin.yaml`, appliedAt: ago(9) },
  })
  assert.ok(lines.length <= 23, `${lines.length} lines:\n${lines.join('\n')}`)
  for (const line of lines) assert.ok(line.length <= 80, `${line.length}: ${line}`)
  for (const head of ['SERVICE ', 'SERVER ', 'BY HAND ', 'problem ', 'reload ', 'file '])
    assert.ok(
      lines.some((line) => line.startsWith(head)),
      head,
    )
})

test('what does not fit and is troubled is counted', () => {
  const status = statusOf({ services: 1, servers: 40, isLong: false }, () => failed('connect: refused'))
  assert.match(shown(status).at(-1)!, /^(\d+) more, \1 of them troubled: /)
})

test('a wide terminal has whole names, addresses and more columns, and a high one all rows', () => {
  const status = statusOf({ services: 40, servers: 40, isLong: true })
  const lines = shown(status, 250, 100)
  assert.ok(lines.every((line) => line.length <= 250))
  assert.ok(!lines.some((line) => line.includes('…')))
  const head = lines.find((line) => line.startsWith('SERVER '))!
  for (const word of ['ADDRESS', 'PACKETS', 'MAC']) assert.ok(head.includes(word), head)
  assert.equal(lines.filter((line) => line.startsWith('web-')).length, 40)
})

test('whatever the terminal, no line is wider than it', () => {
  const overrides = [{ server: statusOf({ services: 1, servers: 1, isLong: true }).servers[0]!.name }]
  const status = statusOf({ services: 3, servers: 3, isLong: true }, () => ({ state: 'unreachable' }), {
    overrides: overrides.map((each) => ({ ...each, order: 'disabled', since: ago(4000) })),
    lastReload: { at: ago(5), done: false, problems: [] },
    file: { path: `/etc/${'deep/'.repeat(40)}tenbin.yaml`, appliedAt: ago(9) },
  })
  for (const columns of [80, 81, 90, 100, 120, 133, 160, 200])
    for (const line of shown(status, columns)) assert.ok(line.length <= columns, `${line.length}: ${line}`)
})

test('room goes to those who need it, what one does not need to the others', () => {
  assert.deepEqual(shared([2, 40, 3], 20), [2, 15, 3])
  assert.deepEqual(shared([40, 40], 20), [10, 10])
  assert.deepEqual(shared([40, 40, 1], 6), [3, 2, 1])
  assert.deepEqual(shared([1, 1], 20), [1, 1])
})
