import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Status } from '../daemon/api-schema.ts'
import { paintFor } from './context.ts'
import { statusLines } from './status-lines.ts'
import { flowsText } from './status-servers.ts'

type PoolServer = Status['pools'][number]['servers'][number]

const NOW = Date.UTC(2024, 0, 2, 12, 0, 0)
const ago = (s: number): string => new Date(NOW - 1000 * s).toISOString()
const traffic = { packets: '1234567', bytes: '99' }

const inPool = (name: string, change: Partial<PoolServer> = {}): PoolServer => ({
  name,
  state: 'up',
  weight: 1,
  configured: 1,
  share: 0.2,
  flows: 0,
  ...change,
})
const service = (
  name: string,
  pool: string,
  track: 'none' | 'changes' | 'all',
): Status['services'][number] => ({
  name,
  listeners: ['10.0.0.100:80'],
  pool,
  servers: [],
  track,
  flows: 42,
  ...traffic,
})
const server = (
  number: number,
  change: Partial<Status['servers'][number]> = {},
): Status['servers'][number] => ({
  name: `web0${number}`,
  address: `10.0.0.1${number}`,
  ...(change.why === undefined && { mac: `02:00:0a:00:00:1${number}` }),
  share: 0.2,
  flows: 42,
  ...traffic,
  ...change,
})

/** shown: what `tenbin status` prints of two pools, servers in all states, and what was said of them; `left`: flows of web02. */
function shown(overrides: Status['overrides'], left = 3, width = 80): string[] {
  const status: Status = {
    version: '0.1.0',
    instance: 'tenbin',
    pid: 4711,
    startedAt: ago(9000),
    state: 'forwarding',
    file: { path: '/etc/tenbin/tenbin.yaml' },
    problems: [],
    interfaces: [],
    addresses: [],
    sets: [],
    services: [service('www', 'www', 'changes'), service('api', 'www', 'none'), service('img', 'img', 'all')],
    servers: [
      server(1, { rate: { packets: 120.2, bits: 1_204_000 } }),
      server(2, { share: 0 }),
      server(3, { share: 0.1 }),
      server(4, { share: 0 }),
      server(5, { share: 0, why: 'neighbour FAILED' }),
      server(6),
    ],
    pools: [
      {
        name: 'www',
        services: ['www', 'api'],
        slots: 8191,
        young: 0,
        servers: [
          inPool('web01'),
          inPool('web02', {
            state: 'draining',
            weight: 0,
            share: 0,
            flows: left,
            drain: { since: ago(700), deadline: ago(-581), silentS: 12.4 },
          }),
          inPool('web03', { weight: 1, configured: 3, share: 0.1 }),
          inPool('web04', { state: 'disabled', share: 0, flows: 7 }),
          inPool('web05', { share: 0, state: 'unreachable' }),
        ],
      },
      {
        name: 'img',
        services: ['img'],
        slots: 1024,
        young: 0,
        servers: [
          inPool('web04', {
            flows: 35,
            check: { state: 'up', since: ago(60), warning: 'the certificate expires in 6 days' },
          }),
          inPool('web06', { state: 'off', weight: 0, configured: 0, share: 0 }),
        ],
      },
    ],
    overrides,
    outcomes: {},
  }
  return statusLines(status, paintFor(false), NOW, width)
}

const overrides: Status['overrides'] = [
  { server: 'web02', order: 'drained', since: ago(700), deadline: ago(-581) },
  { server: 'web03', weight: 1, since: ago(11_530) },
  { server: 'web04', service: 'www', order: 'disabled', since: ago(40) },
]

test('servers show their state, pools where states differ, and what is said by hand has its clock', () => {
  const lines = shown(overrides)
  const from = (head: string) => lines.slice(lines.findIndex((line) => line.startsWith(head)))
  assert.deepEqual(from('SERVER ').slice(0, 9), [
    'SERVER    ADDRESS    STATE         SHARE  FLOWS  PKT/S  BIT/S  CHECK',
    'web01     10.0.0.11  up           20.0 %    ~42    120   1.2M',
    'web02     10.0.0.12  draining      0.0 %    ~42      -      -',
    'web03     10.0.0.13  up 1/3       10.0 %    ~42      -      -',
    'web04     10.0.0.14  differs       0.0 %    ~42      -      -',
    '  in www             disabled      0.0 %     ~7',
    '  in img             up           20.0 %     35                up 1m: the certi…',
    'web05     10.0.0.15  unreachable   0.0 %    ~42      -      -  neighbour FAILED',
    'web06     10.0.0.16  off          20.0 %     42      -      -',
  ])
  assert.deepEqual(from('BY HAND').slice(0, 4), [
    'BY HAND  SAID      IN         SINCE  NOW',
    'web02    drained   all pools    11m  3 flows left, silent 12s, out in 9m41s',
    'web03    weight 1  all pools  3h12m',
    'web04    disabled  www          40s  7 flows left, as on_failure says',
  ])
  assert.ok(lines.includes('servers  6: 2 up, 1 off, 1 draining, 1 disabled, 1 unreachable'))
  for (const line of lines) assert.ok(line.length <= 80, line)
})

test('a drain that is over says so, by its flows or by its deadline', () => {
  const drained = (server: string, seconds: number, width?: number) =>
    shown([{ server, order: 'drained', since: ago(60), deadline: ago(seconds) }], 3, width)
  assert.ok(drained('web01', -3600).includes('web01    drained  all pools     1m  no flow left, out in 1h'))
  assert.ok(
    drained('web02', 5, 100).includes(
      'web02    drained  all pools     1m  3 flows left, silent 12s, past its deadline: disabled',
    ),
  )
})

test('a drain of which no flow was seen yet is not taken for one that is over', () => {
  const lines = shown([{ server: 'web02', order: 'drained', since: ago(60) }], 0)
  assert.ok(lines.includes('web02    drained  all pools     1m  no flow seen'))
})

test('without a word by hand there is no such section', () => {
  assert.ok(!shown([]).some((line) => line.includes('BY HAND')))
})

test('flows are exact where all are remembered, and not said where none is', () => {
  assert.equal(flowsText(1234, ['all', 'all']), '1,234')
  assert.equal(flowsText(1234, ['all', 'changes']), '~1,234')
  assert.equal(flowsText(0, ['none']), '-')
})
