// What a pool has beside its servers: who answers when they cannot, and how many of them there have to be.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load } from './load.ts'
import { textReader } from './reader.ts'
import { type Change, refusals, textOf } from './refusals.fixture.ts'

const servers = 'servers: { web01..10: 192.168.8.11..20, web98..99: 192.168.8.98..99, "six1": "2001:db8::1" }'
const service = (keys: string): Change => ({
  servers,
  services: `services: { www: { listen: [192.168.8.100:80], servers: web01..10, ${keys} } }`,
})
const found = (change: Change) => refusals(change).map((line) => line.replace(/^\d+:\d+: /, ''))
const pool = (change: Change) => load('t', textReader({ t: textOf(change) })).pools[0]!

test('sorry servers are named as others, with weights, or with a check of their own', () => {
  assert.deepEqual(pool(service('sorry: web99')).sorry, { members: [{ server: 'web99', weight: 1 }] })
  assert.deepEqual(pool(service('sorry: [web98, { name: web99, weight: 3 }]')).sorry, {
    members: [
      { server: 'web98', weight: 1 },
      { server: 'web99', weight: 3 },
    ],
  })
  assert.deepEqual(pool(service('sorry: { servers: web98..99, check: none }')).sorry, {
    members: ['web98', 'web99'].map((server) => ({ server, weight: 1 })),
    check: 'none',
  })
  const { check } = pool(service('sorry: { servers: web99, check: { tcp: {}, port: 81 } }')).sorry!
  assert.ok(check !== 'none' && check?.port === 81)
})

test('what cannot be a sorry server is refused at its place', () => {
  const cases: readonly (readonly [string, ...string[]])[] = [
    ['sorry: [web97]', 'web97 is not in servers: did you mean "web07"?'],
    ['sorry: [web03]', 'web03 is in pool www itself: a sorry server is none of its own servers'],
    ['sorry: [six1]', 'six1 and web01 of pool www are of two families: a pool is of one, sorry servers too'],
    ['sorry: []', 'a pool has at least one server: write web01..10'],
    [
      'sorry: { check: none }',
      '"servers" is missing: it takes servers such as web01..10 or [web01, { name: web02, weight: 3 }]',
    ],
    ['sorry: { servers: web99, checks: none }', 'unknown key "checks": did you mean "check"?'],
    ['sorry: 5', 'expected sorry servers such as [web99], { servers: web99, check: ping }, or none, found 5'],
    [
      'sorry: { name: web99 }',
      '"servers" is missing: it takes servers such as web01..10 or [web01, { name: web02, weight: 3 }]',
      'unknown key "name": known here are servers, check',
    ],
    [
      'sorry: [{ name: web99, weight: 0 }]',
      'every server here has weight 0, so none would get traffic: give one of them more',
    ],
  ]
  for (const [keys, ...messages] of cases)
    assert.deepEqual(found(service(keys)).toSorted(), messages.toSorted(), keys)
  assert.deepEqual(refusals(service('sorry: [web99, web03]')), [
    '4:83: web03 is in pool www itself: a sorry server is none of its own servers',
  ])
})

test('sorry servers of defaults are for each pool that can have them; none takes them away', () => {
  const extra = 'defaults: { sorry: [web99, six1, web01] }'
  const named = (change: Change) => pool(change).sorry?.members.map(({ server }) => server)
  assert.deepEqual(named({ ...(service('check: none') as object), extra }), ['web99'])
  assert.deepEqual(named({ ...(service('sorry: none') as object), extra }), undefined)
  assert.deepEqual(named({ ...(service('sorry: web98') as object), extra }), ['web98'])
  const only = 'defaults: { sorry: [web01] }'
  assert.deepEqual(named({ ...(service('check: none') as object), extra: only }), undefined)
})

test('a quorum is a sum of weights or a share, with hysteresis if two are said', () => {
  const of = (keys: string) => pool(service(keys)).quorum
  assert.deepEqual(of('track: all'), undefined)
  assert.deepEqual(of('quorum: 3'), { up: 3, down: 3 })
  assert.deepEqual(of('quorum: 25%'), { up: 3, down: 3 })
  assert.deepEqual(of('quorum: 100%'), { up: 10, down: 10 })
  assert.deepEqual(of('quorum: { up: 60%, down: 2 }'), { up: 6, down: 2 })
  const weighed = { ...(service('quorum: 50%') as object), extra: 'defaults: { weight: 10 }' }
  assert.deepEqual(pool(weighed).quorum, { up: 50, down: 50 })
  const inherited = { ...(service('track: all') as object), extra: 'defaults: { quorum: 4 }' }
  assert.deepEqual(pool(inherited).quorum, { up: 4, down: 4 })
})

test('a quorum that is never reached, contradicts itself or counts nothing is refused', () => {
  const cases: readonly (readonly [string, ...string[]])[] = [
    ['quorum: 11', "a quorum of 11 is never reached: the pool's weights are 10 together"],
    [
      'quorum: { up: 11, down: 12 }',
      "a quorum of 11 is never reached: the pool's weights are 10 together",
      "a quorum of 12 is never reached: the pool's weights are 10 together",
    ],
    [
      'quorum: { up: 2, down: 3 }',
      'a quorum is lost below 3 and back at 2: write a down that is not above up',
    ],
    ['quorum: most', '"most" is not a share: write a sum of weights such as 2, or 50%'],
    ['quorum: 0', 'expected a whole number from 1 to 1000000000, found 0'],
    ['quorum: { up: 2 }', '"down" is missing: it takes a sum of weights such as 2, or a share such as 50%'],
    [
      'quorum: 2, check: none',
      'a quorum counts servers that checks find up, and check: none looks at nobody: write a check, or remove it',
    ],
  ]
  for (const [keys, ...messages] of cases)
    assert.deepEqual(found(service(keys)).toSorted(), messages.toSorted(), keys)
})

test('what belongs to a pool that several may share is said there', () => {
  const said = found({
    servers,
    services: 'services: { www: { listen: [192.168.8.100:80], pool: web, sorry: web99, quorum: 2 } }',
    extra: 'pools: { web: { servers: web01..10, sorry: web98, quorum: 50% } }',
  })
  assert.deepEqual(said, [
    'sorry belongs to the pool, which other services may share: write it there, under pools: web: { servers: …, sorry: … }',
    'quorum belongs to the pool, which other services may share: write it there, under pools: web: { servers: …, quorum: … }',
  ])
  const { pools } = load(
    't',
    textReader({
      t: textOf({
        servers,
        services: `services:
  a: { listen: [192.168.8.100:80], servers: web01..10, sorry: web99 }
  b: { listen: [192.168.8.100:81], servers: web01..10, sorry: [web99] }
  c: { listen: [192.168.8.100:82], servers: web01..10, sorry: web98 }
  d: { listen: [192.168.8.100:83], servers: web01..10 }`,
      }),
    }),
  )
  assert.deepEqual(
    pools.map(({ name, sorry }) => [name, sorry?.members.map(({ server }) => server)]),
    [
      ['a', ['web99']],
      ['c', ['web98']],
      ['d', undefined],
    ],
    'services share a pool where all that it is is the same',
  )
})
