import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CheckDetail } from '../daemon/api-schema-checks.ts'
import { paintFor } from './context.ts'
import { ago, failed, NOW, statusOf } from './status.fixture.ts'
import { oneLines, partOf } from './status-one.ts'

const status = statusOf({ services: 2, servers: 3, isLong: false }, (service, server) =>
  service === 0 && server === 1 ? failed('connect: refused') : {},
)
const check = (server: string, change: Partial<CheckDetail> = {}): CheckDetail => ({
  ...{ server, service: 'svc01', pool: 'svc01', isObserved: false, check: 'GET /s/health.jsp', kind: 'http' },
  ...{ address: '10.0.0.11', port: 80, everyMs: 2000, timeoutMs: 2000, fall: 3, rise: 2, standing: 'up' },
  isOverdue: false,
  history: {
    ...{ looks: 12_345, streak: 0, latencies: [], p50Ms: 0.5, p99Ms: 25 },
    lastLook: { at: ago(1), outcome: 'good', text: '200', latencyMs: 0.4312 },
    transitions: [{ at: ago(7200), from: 'unknown', to: 'up', text: '200', count: 1 }],
  },
  ...change,
})
const down = check('web02', {
  standing: 'down',
  history: {
    ...{ looks: 12, streak: 0, latencies: [], p50Ms: 1 },
    lastLook: { at: ago(2), outcome: 'bad', text: 'connect: refused', latencyMs: 0.2 },
    lastFailure: { at: ago(2), text: 'connect: refused' },
    transitions: [
      { at: ago(7200), from: 'unknown', to: 'up', text: '200', count: 1 },
      { at: ago(42), from: 'up', to: 'down', text: 'connect: refused', count: 3 },
    ],
  },
})
const shown = (name: string, checks: readonly CheckDetail[], width: number) =>
  oneLines(status, partOf(status, name), { checks: [...checks], more: 0 }, paintFor(false), NOW, width)

test('a server is shown with its services, when it was looked at, how it answers, and why its standing changed', () => {
  const lines = shown('web02', [down], 80)
  for (const line of lines) assert.ok(line.length <= 80, line)
  const from = (head: string) => lines.slice(lines.findIndex((line) => line.startsWith(head)))
  assert.deepEqual(
    from('SERVICE')
      .slice(1, 3)
      .map((line) => line.split(/ +/)[0]),
    ['svc01', 'svc02'],
  )
  assert.match(from('SERVICE')[1]!, / 2\/3 /, 'how a service is follows from all of its servers')
  assert.deepEqual(from('CHECK OF').slice(0, 2), [
    'CHECK OF  IN     ASKS             FINDS  LAST  P50  P99  LOOKS  FOUND',
    'web02     svc01  GET /s/health.…  down     2s  1ms    -     12  connect: refuse…',
  ])
  assert.deepEqual(from('FAILED LAST').slice(0, 2), [
    'FAILED LAST  IN     AGO  WHY',
    'web02        svc01   2s  connect: refused',
  ])
  assert.deepEqual(from('CHANGED'), [
    'CHANGED  IN     AGO  STANDING       WHY',
    'web02    svc01  42s  up to down     connect: refused (3 of 3)',
    'web02    svc01   2h  unknown to up  200',
  ])
})

test('a service is shown with all of its servers; checks that stand still, and those of a checker that is not there', () => {
  const { history: _, ...absent } = check('web03')
  const lines = shown('svc01', [check('web01'), down, check('web03', { isOverdue: true }), absent], 200)
  const text = lines.join('\n')
  assert.match(
    text,
    /\nweb01 +svc01 +GET \/s\/health\.jsp :80 +2s +up +1s +0\.5ms +25ms +12,345 +200 \(0\.43ms\)\n/,
  )
  assert.match(text, /\nweb03 +svc01 .* it stands still\n/)
  assert.match(text, /\nweb03 +svc01 .* the checker is not there\n/)
  assert.ok(!text.includes('svc02'))
})

test('a name that nothing has is an error that names the nearest', () => {
  assert.throws(() => partOf(status, 'web2'), { code: 'NAME_UNKNOWN', message: /web2.*web02/ })
})
