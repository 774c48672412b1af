import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Command, configured, obstacle, ordered, type Target } from './orders.ts'
import { isStillMeant, nextDeadline, type Override, standingOf, type UsedPool, viewsOf } from './overrides.ts'

const pool = (
  name: string,
  services: readonly string[],
  weights: Readonly<Record<string, number>>,
): UsedPool => ({
  name,
  services,
  members: Object.entries(weights).map(([server, weight]) => ({ server, weight })),
})
const pools = [
  pool('web', ['www', 'api'], { a: 3, b: 1 }),
  pool('img', ['img'], { a: 1, c: 5 }),
  pool('dns', ['dns'], { d: 1 }),
]
const all = (server: string): Target => ({
  server,
  pools: pools.filter(({ members }) => members.some((each) => each.server === server)),
})
const one = (server: string, service: string): Target => ({
  server,
  service,
  pools: pools.filter(({ services }) => services.includes(service)),
})

/** after carries out commands one second after the other and says how every server of every pool stands. */
function after(...said: readonly (readonly [Target, Command])[]) {
  const list = said.reduce<readonly Override[]>(
    (list, [target, command], i) => ordered(list, target, command, i * 1000),
    [],
  )
  return { list, stands: standings(list, said.length * 1000) }
}

function standings(list: readonly Override[], now: number): Record<string, string> {
  const entries = pools.flatMap((pool) =>
    pool.members.flatMap(({ server }) => {
      const { order, isOverdue, weight } = standingOf(list, server, pool.services, now)
      const counts = weight !== undefined && weight < configured(pool, server) ? ` ${weight}` : ''
      const text = `${order}${isOverdue ? ' overdue' : ''}${counts}`
      return text === 'ready' ? [] : [[`${pool.name}/${server}`, text] as const]
    }),
  )
  return Object.fromEntries(entries)
}

const drain: Command = { kind: 'drain' }
const undrain: Command = { kind: 'undrain' }
const disable: Command = { kind: 'disable' }
const enable: Command = { kind: 'enable' }
const weight = (weight: number): Command => ({ kind: 'weight', weight })

test('a command without a service holds in every pool that has the server, with one in its pool alone', () => {
  assert.deepEqual(after([all('a'), drain]).stands, { 'web/a': 'drained', 'img/a': 'drained' })
  assert.deepEqual(after([one('a', 'api'), drain]).stands, { 'web/a': 'drained' })
  assert.deepEqual(after([one('a', 'img'), disable], [all('c'), weight(2)]).stands, {
    'img/a': 'disabled',
    'img/c': 'ready 2',
  })
})

test('the last word counts, for all after for one and for one after for all', () => {
  assert.deepEqual(after([one('a', 'img'), disable], [all('a'), drain]).stands, {
    'web/a': 'drained',
    'img/a': 'drained',
  })
  assert.deepEqual(after([all('a'), drain], [one('a', 'img'), undrain]).stands, { 'web/a': 'drained' })
  assert.deepEqual(after([all('a'), drain], [one('a', 'img'), undrain], [all('a'), drain]).stands, {
    'web/a': 'drained',
    'img/a': 'drained',
  })
  assert.deepEqual(after([one('a', 'www'), weight(2)], [one('a', 'api'), weight(1)]).stands, {
    'web/a': 'ready 1',
  })
  assert.deepEqual(after([one('a', 'www'), drain], [one('a', 'api'), undrain]).list, [])
})

test('orders and weights do not touch each other', () => {
  const said = [
    [all('a'), weight(2)],
    [all('a'), drain],
  ] as const
  assert.deepEqual(after(...said).stands, { 'web/a': 'drained 2', 'img/a': 'drained' })
  assert.deepEqual(after(...said, [all('a'), undrain]).stands, { 'web/a': 'ready 2' })
  assert.deepEqual(after(...said, [all('a'), weight(3)]).stands, { 'web/a': 'drained', 'img/a': 'drained' })
})

test('what says no more than the file is not kept', () => {
  for (const said of [
    [
      [all('a'), drain],
      [all('a'), undrain],
    ],
    [
      [all('a'), disable],
      [all('a'), enable],
    ],
    [
      [one('a', 'www'), drain],
      [all('a'), undrain],
    ],
    [
      [all('a'), drain],
      [one('a', 'img'), undrain],
      [all('a'), undrain],
    ],
    [
      [all('a'), weight(2)],
      [all('a'), weight(65_535)],
    ],
    [
      [one('a', 'www'), weight(2)],
      [one('a', 'api'), weight(3)],
    ],
    [[one('a', 'img'), weight(1)]],
    [[all('a'), undrain]],
    [[one('a', 'www'), enable]],
  ] as const)
    assert.deepEqual(after(...said).list, [], JSON.stringify(said))
  // Above the file's weight in one of two pools it is kept: it counts in the other.
  assert.deepEqual(after([all('a'), weight(1)]).stands, { 'web/a': 'ready 1' })
})

test('undrain does not enable, enable does not undrain, and both say what does', () => {
  const disabled = after([all('a'), disable]).list
  assert.deepEqual(obstacle(disabled, all('a'), 'undrain', 9), { order: 'disabled', remedy: 'enable' })
  assert.equal(ordered(disabled, all('a'), undrain, 9), disabled)
  assert.equal(ordered(disabled, one('a', 'img'), undrain, 9), disabled)
  const drained = after([all('a'), drain]).list
  assert.deepEqual(obstacle(drained, one('a', 'www'), 'enable', 9), { order: 'drained', remedy: 'undrain' })
  assert.equal(ordered(drained, all('a'), enable, 9), drained)
  assert.equal(obstacle([], all('a'), 'enable', 9), undefined)
  assert.equal(obstacle(drained, all('a'), 'undrain', 9), undefined)
})

test('a drain past its deadline is as if disabled, and either command undoes it', () => {
  const list = ordered([], all('a'), { kind: 'drain', deadline: 5000 }, 1000)
  assert.equal(nextDeadline(list, 4999), 5000)
  assert.equal(nextDeadline(list, 5000), undefined)
  assert.deepEqual(standings(list, 4999), { 'web/a': 'drained', 'img/a': 'drained' })
  assert.deepEqual(standings(list, 5000), { 'web/a': 'drained overdue', 'img/a': 'drained overdue' })
  assert.deepEqual(viewsOf(list, pools, 4999).get('web')!.get('a'), { up: true, weight: 0 })
  assert.deepEqual(viewsOf(list, pools, 5000).get('web')!.get('a'), { up: false })
  for (const command of [undrain, enable]) assert.deepEqual(ordered(list, all('a'), command, 5000), [])
  assert.equal(ordered(list, all('a'), enable, 4999), list)
})

test('a drain that is said again keeps its beginning and takes the new deadline, or none', () => {
  const first = ordered([], all('a'), { kind: 'drain', deadline: 5000 }, 1000)
  assert.deepEqual(ordered(first, all('a'), { kind: 'drain', deadline: 9000 }, 2000), [
    { server: 'a', order: 'drained', since: 1000, deadline: 9000 },
  ])
  assert.deepEqual(ordered(first, all('a'), drain, 2000), [{ server: 'a', order: 'drained', since: 1000 }])
})

test('an override is meant as long as the file has its server in a pool of its service', () => {
  for (const [override, is] of [
    [{ server: 'a' }, true],
    [{ server: 'x' }, false],
    [{ server: 'a', service: 'img' }, true],
    [{ server: 'a', service: 'dns' }, false],
    [{ server: 'a', service: 'gone' }, false],
  ] as const)
    assert.equal(isStillMeant(override, pools), is, JSON.stringify(override))
})

const target = fc.constantFrom(
  all('a'), all('b'), all('c'), all('d'), one('a', 'www'), one('a', 'api'), one('a', 'img'), one('b', 'api'), one('c', 'img'),
) // biome-ignore format: a list of targets
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.constantFrom(drain, undrain, disable, enable),
  fc.nat(6).map(weight),
  fc.nat(40_000).map((deadline): Command => ({ kind: 'drain', deadline })),
)

test('after any commands the last one holds where it is meant, changes nothing elsewhere, and all can be taken back', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(target, command), { minLength: 1, maxLength: 12 }), (said) => {
      let list: readonly Override[] = []
      for (const [i, [target, command]] of said.entries()) {
        const now = i * 1000
        const before = list
        list = ordered(list, target, command, now)
        for (const pool of pools) {
          for (const { server } of pool.members) {
            const [was, is] = [before, list].map((each) => standingOf(each, server, pool.services, now))
            if (server !== target.server || !target.pools.includes(pool)) assert.deepEqual(is, was)
            else if (command.kind === 'drain') assert.equal(is!.order, 'drained')
            else if (command.kind === 'disable') assert.equal(is!.order, 'disabled')
            else if (command.kind === 'undrain') assert.notEqual(is!.order, 'drained')
            else if (command.kind === 'enable') assert.ok(is!.order !== 'disabled' && !is!.isOverdue)
            else {
              const most = configured(pool, server)
              assert.equal(Math.min(is!.weight ?? most, most), Math.min(command.weight, most))
            }
          }
        }
        assert.ok(list.length <= 2 * pools.length * 4)
      }
      for (const server of ['a', 'b', 'c', 'd'])
        for (const command of [undrain, enable, weight(65_535)])
          list = ordered(list, all(server), command, 1e6)
      assert.deepEqual(list, [])
    }),
    { numRuns: 2000 },
  )
})
