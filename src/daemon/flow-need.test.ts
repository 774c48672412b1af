import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load } from '../config/load.ts'
import { textReader } from '../config/reader.ts'
import { flowNeed } from './flow-need.ts'

const need = (services: string, more = '') =>
  flowNeed(
    load(
      't',
      textReader({
        t: `interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [10.0.0.100/24] } }
servers: { web01..10: 10.0.0.11..20 }
defaults: { check: none }
${more}
services:
${services}`,
      }),
    ),
  )

test('new flows a second x share moved x life is the number of records', () => {
  assert.deepEqual(need('  www: { listen: [10.0.0.100:80], servers: web01..10 }'), {
    records: 262_144,
    enough: [{ track: 'changes', of: 'www', perSecond: 2912, share: 0.1, servers: 10, lifeS: 900 }],
  })
  assert.deepEqual(
    need(
      '  dns: { listen: [10.0.0.100:53/udp], servers: web01..02, track: all, timeouts: { udp: 10s } }',
      'limits: { flows: 1024 }',
    ),
    { records: 1024, enough: [{ track: 'all', of: 'dns', perSecond: 102, share: 1, servers: 2, lifeS: 10 }] },
  )
})

test('of each kind of tracking the tightest is told; the heaviest server counts; none needs nothing', () => {
  const { enough } = need(`  a: { listen: [10.0.0.100:80], servers: web01..10 }
  b: { listen: [10.0.0.100:81], servers: [web01, { name: web02, weight: 3 }] }
  c: { listen: [10.0.0.100:82], servers: web01, track: all }
  d: { listen: [10.0.0.100:83], servers: web01..02, track: all, timeouts: { established: 1h } }`)!
  assert.deepEqual(
    enough.map(({ track, of, share, lifeS }) => [track, of, share, lifeS]),
    [
      ['changes', 'b', 0.75, 900],
      ['all', 'd', 1, 3600],
    ],
  )
  const [kept] = need('  a: { listen: [10.0.0.100:80], servers: web01..10, persistence: 5m }')!.enough
  assert.deepEqual([kept!.perSecond, kept!.lifeS, kept!.networkS], [Math.floor(262_144 / 1_200), 900, 300])
  assert.equal(need('  a: { listen: [10.0.0.100:80], servers: web01..10, track: none }'), undefined)
})
