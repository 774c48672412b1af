import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { load } from '../config/load.ts'
import { textReader } from '../config/reader.ts'
import type { DesiredState } from '../config/state.ts'
import { PoolSlots } from '../engine/pool-slots.ts'
import { scaleHash } from '../schedule/hash.ts'
import { buildTable } from '../schedule/ranks.ts'
import { actionsOf } from './plan-actions.ts'
import { movesOf, type Now } from './plan-moves.ts'

const state = (servers: string, more = '', service = '', listen = '10.0.0.100:80'): DesiredState =>
  load(
    'tenbin.yaml',
    textReader({
      'tenbin.yaml': `
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [10.0.0.100/24] } }
servers: { web1..99: 10.0.0.101..199 }
services: { www: { listen: [${listen}], servers: ${servers}, check: none ${service} } ${more} }
`,
    }),
  )
const nothing: Now = { pools: new Map(), flows: new Map() }

/** nowWith: pool www, where some servers are down or weigh less. */
const nowWith = (
  weights: Readonly<Record<string, number>>,
  flows: Readonly<Record<string, number>> = {},
): Now => ({
  pools: new Map([
    [
      'www',
      {
        isSorry: false,
        servers: new Map(
          [...Object.keys({ ...weights, ...flows })].map((name) => [
            name,
            { weight: weights[name] ?? 1, configured: 1, flows: flows[name] ?? 0 },
          ]),
        ),
      },
    ],
  ]),
  flows: new Map([['www', Object.values(flows).reduce((sum, each) => sum + each, 0)]]),
})

test('the same file moves nothing', () => {
  assert.deepEqual(movesOf(state('web1..4'), state('web1..4'), nothing), [])
  assert.deepEqual(actionsOf(state('web1..4'), state('web1..4')), [])
})

test('a server more or less moves its fair part and little else, also where the table gets another size', () => {
  for (const [few, many] of [
    [1, 2],
    [3, 4],
    [4, 5],
    [6, 7],
    [12, 13],
    [50, 51],
  ] as const)
    for (const [before, after] of [
      [few, many],
      [many, few],
    ] as const) {
      const [move] = movesOf(state(`web1..${before}`), state(`web1..${after}`), nothing)
      const beyond = move!.moved! - 1 / many
      assert.ok(beyond > -0.001 && beyond < 0.03, `${before} to ${after}: ${move!.moved}`)
      assert.equal(move!.broken, undefined)
    }
})

test('who is out already has nothing to lose', () => {
  const [down] = movesOf(state('web1..4'), state('web1..3'), nowWith({ web4: 0 }))
  const [up] = movesOf(state('web1..4'), state('web1..3'), nothing)
  assert.ok((down?.moved ?? 0) < up!.moved!)
})

test('the part that moves is that of the slots that the packet path would write', () => {
  // somebody has a weight, or the file is refused
  const pool = fc
    .tuple(fc.integer({ min: 1, max: 9 }), fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 13 }))
    .map(([first, others]) => [first, ...others])
  fc.assert(
    fc.property(pool, pool, fc.array(fc.integer({ min: 1, max: 14 }), { maxLength: 4 }), (a, b, down) => {
      const now = nowWith(Object.fromEntries(down.map((i) => [`web${i}`, 0])))
      const [move] = movesOf(state(weighing(a)), state(weighing(b)), now)
      assert.equal((move?.moved ?? 0).toFixed(6), sampled(slotsOf(a, down), slotsOf(b, down)).toFixed(6))
    }),
    { numRuns: 40 },
  )
})

const weighing = (weights: readonly number[]): string =>
  `[${weights.map((weight, i) => `{ name: web${i + 1}, weight: ${weight} }`).join(', ')}]`

/** slotsOf a pool, as the packet path's own code fills them; ids are numbers of servers. */
function slotsOf(weights: readonly number[], down: readonly number[]): Uint32Array {
  const table = buildTable(weights.map((weight, i) => ({ name: `web${i + 1}`, weight })))
  const ids = table.members.map(({ name }) => Number(name.slice(3)))
  const parts = Float64Array.from(ids, (id) => (down.includes(id) ? 0 : 1))
  const slots = new PoolSlots({ table, ids, lives: undefined, parts })
  slots.fill()
  return slots.words
}

/** sampled: at every border of either table, so at every place where something can change. */
function sampled(a: Uint32Array, b: Uint32Array): number {
  const borders = [a, b].flatMap((words) =>
    Array.from(words, (_, i) => Math.ceil((i * 2 ** 32) / words.length)),
  )
  const places = [...new Set(borders)].sort((x, y) => x - y)
  return places.reduce((sum, hash, i) => {
    const next = places[i + 1] ?? 2 ** 32
    const isMoved = a[scaleHash(hash, a.length)] !== b[scaleHash(hash, b.length)]
    return sum + (isMoved ? (next - hash) / 2 ** 32 : 0)
  }, 0)
}

test('with track all it is counted how many connections of a server that is gone break', () => {
  const all = ', track: all'
  const now = nowWith({}, { web1: 10, web2: 7 })
  const gone = state('web1..3', '', all)
  const after = state('[web1, web3]', '', all)
  assert.equal(
    movesOf(gone, after, now)[0]!.broken,
    undefined,
    'it is in the inventory still, and keeps its flows',
  )
  const without = { ...after, servers: after.servers.filter(({ name }) => name !== 'web2') }
  assert.deepEqual(movesOf(gone, without, now)[0]!.broken, { flows: 7 })
})

test('without tracking what moves breaks, about; with track: changes it is what was with servers that are gone', () => {
  const [none] = movesOf(
    state('web1..4', '', ', track: none'),
    state('web1..5', '', ', track: none'),
    nothing,
  )
  assert.deepEqual(none!.broken, { share: none!.moved })
  const after = state('web1..3')
  const gone = { ...after, servers: after.servers.filter(({ name }) => name !== 'web4') }
  const [some] = movesOf(state('web1..4'), gone, nothing)
  assert.ok('share' in some!.broken! && Math.abs(some!.broken.share - 0.25) < 0.03)
})

test('a service that goes, and listeners that go, take their connections along', () => {
  const two = state('web1', ', alt: { listen: [10.0.0.100:81], servers: web1, check: none, track: all }')
  const now: Now = { pools: new Map(), flows: new Map([['alt', 12]]) }
  assert.deepEqual(movesOf(two, state('web1'), now), [
    { service: 'alt', broken: { flows: 12 }, why: 'it goes' },
  ])
  const lost = movesOf(state('web1', '', '', '10.0.0.100:80, 10.0.0.100:81'), state('web1'), nothing)
  assert.deepEqual(lost[0]!.broken, { share: 0.5 })
  const nat = movesOf(state('web1'), state('web1', '', ', forward: nat'), nothing)
  assert.deepEqual(nat[0]!.broken, { share: 1 })
})

test('another hash moves about as much as two tables have of different servers: none where there is one server', () => {
  const source = ', hash: source'
  assert.deepEqual(movesOf(state('web1'), state('web1', '', source), nothing), [])
  assert.deepEqual(movesOf(state('web1'), state('web2', '', source), nothing), [{ service: 'www', moved: 1 }])
  const [half] = movesOf(state('web1..2'), state('web1..2', '', source), nothing)
  assert.ok(half!.isAbout && Math.abs(half!.moved! - 0.5) < 0.01, `${half!.moved}`)
  const [out] = movesOf(state('web1..3'), state('web1..3', '', source), nowWith({ web3: 0 }))
  assert.ok(Math.abs(out!.moved! - 0.5) < 0.01, 'one that is down gets none, before and after')
  const [turns] = movesOf(state('web1..4', '', ', scheduler: rr'), state('web1..4'), nothing)
  assert.ok(turns!.isAbout && Math.abs(turns!.moved! - 0.75) < 0.01, `${turns!.moved}`)
  const [exact] = movesOf(state('web1..4'), state('web1..3'), nothing)
  assert.equal(exact!.isAbout, undefined)
})

test('where a server and a listener go at once connections of both break, about; all or none are counted', () => {
  const two = '10.0.0.100:80, 10.0.0.100:81'
  const all = ', track: all'
  const now = nowWith({}, { web1: 30, web2: 70 })
  const before = state('web1..2', '', all, two)
  const one = state('web1', '', all)
  const without = { ...one, servers: one.servers.filter(({ name }) => name !== 'web2') }
  const [both] = movesOf(before, without, now)
  assert.deepEqual(both!.broken, { share: 1 - 0.5 * (1 - 0.7) })
  assert.equal(both!.why, '1 of 2 listeners go, with their connections')
  const [listener] = movesOf(before, state('web1..2', '', all), now)
  assert.deepEqual(listener!.broken, { share: 0.5 })
  const [elsewhere] = movesOf(before, state('web1..2', '', all, '10.0.0.100:82'), now)
  assert.deepEqual(elsewhere!.broken, { flows: 100 })
  const [idle] = movesOf(before, without, nothing)
  assert.equal(idle!.broken, undefined)
})

test('actions name what comes, goes and is changed', () => {
  const before = state('web1..2')
  const after = state(
    'web2..3',
    ', alt: { listen: [10.0.0.100:81], servers: web1, check: none }',
    ', track: all',
  )
  assert.deepEqual(
    actionsOf(before, after).map(({ kind, what, name, detail }) => [kind, what, name, detail]),
    [
      ['change', 'pool', 'www', 'members: - web1, + web3'],
      ['add', 'pool', 'alt', undefined],
      ['change', 'service', 'www', 'track: changes -> all'],
      ['add', 'service', 'alt', undefined],
    ],
  )
  assert.ok(actionsOf(undefined, after).every(({ kind }) => kind === 'add'))
})
