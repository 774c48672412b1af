// The process that looks at servers, as the daemon tells of it: crash loops, checks that stand still, what they have seen.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { statusSchema } from './api-schema.ts'
import { fileText, World } from './fake-world.ts'

let world: World
beforeEach(() => {
  world = new World()
  world.text = fileText({ servers: 3, check: 'tcp' })
})
afterEach(() => world.kill())

/** serving: the servers that get new flows. */
const serving = (): string[] =>
  ['web1', 'web2', 'web3'].filter((name) => world.packetPath.views.get('www')?.get(name)?.up !== false)
const allUp = () => {
  for (const host of [11, 12, 13]) world.checker.see(`10.0.0.${host}`, 'up')
}

test('checks that stand still, or cannot be kept, are problems until they are not', async () => {
  await world.start()
  allUp()
  const [order] = world.checker.orders
  world.checker.tellAlive({ overdue: { count: 1, keys: [order!.key] }, unkept: 'ENOSPC' })
  await world.controller.tick()
  assert.deepEqual(await world.problemCodes(), ['CHECKS_OVERDUE', 'CHECKS_UNKEPT'])
  const { problems } = await world.controller.status()
  assert.equal(problems[0]!.message, '1 check stands still: web1 of www')
  world.checker.tellAlive()
  await world.controller.tick()
  assert.deepEqual(await world.problemCodes(), [])
})

test('a checker that ends again and again is one problem with its last words, until it stays', async () => {
  await world.start()
  allUp()
  for (let time = 1; time <= 6; time++) {
    world.checker.end('status 1', 'Error: no sockets left')
    world.checker.isThere = true
    world.checker.tellStates()
    world.pass(1_000)
    await world.controller.tick()
    assert.deepEqual(await world.problemCodes(), time < 5 ? [] : ['CHECKER_CRASHES'])
  }
  world.checker.tellAlive()
  const { checker, problems } = statusSchema.parse(await world.controller.status())
  assert.match(
    problems[0]!.message,
    /5 times and more within 5 minutes, the last time by status 1: Error: no sockets left$/,
  )
  const { ends, isCrashLoop, lastEnd, state } = checker!
  assert.deepEqual([ends, isCrashLoop, state], [6, true, 'present'])
  assert.deepEqual(lastEnd, {
    at: '2024-01-02T03:04:10.000Z',
    how: 'status 1',
    words: 'Error: no sockets left',
  })
  const told = world.events!.latest().filter(({ kind }) => kind === 'node.checker')
  assert.equal(
    told.filter(({ text }) => text.startsWith('the checker ended')).length,
    5,
    'then it is one problem',
  )
  assert.deepEqual(serving(), ['web1', 'web2', 'web3'], 'and what was known of servers goes on to count')
  world.pass(300_000)
  await world.controller.tick()
  assert.deepEqual(await world.problemCodes(), [])
})

test('a server whose check stands still says so; what checks have seen is told on asking, without a checker what is known', async () => {
  await world.start()
  allUp()
  world.checker.see('10.0.0.13', 'down')
  const [order, other] = world.checker.orders
  world.checker.tellAlive({ overdue: { count: 1, keys: [order!.key] } })
  const overdue = async () =>
    (await world.controller.status()).pools[0]!.servers.map(({ check }) => check!.isOverdue)
  assert.deepEqual(await overdue(), [true, undefined, undefined])
  const latencies = Array.from({ length: 15 }, (_, at) => (at === 3 ? 10 : 0))
  world.checker.details = [
    {
      ...{ key: other!.key, standing: 'up', since: 0, isLooked: true, streak: 1 },
      history: {
        ...{ looks: 11, latencies, lastLook: { at: 5, outcome: 'bad', text: 'refused', latencyMs: 1 } },
        lastFailure: { at: 5, text: 'refused' },
        transitions: [{ at: 1, from: 'unknown', to: 'up', text: 'connected', count: 1 }],
      },
    },
  ]
  const { checks, more } = await world.controller.checks({ service: 'www' })
  assert.deepEqual(
    checks.map(({ server, standing, isOverdue, history }) => [server, standing, isOverdue, history?.looks]),
    [
      ['web1', 'up', true, undefined],
      ['web2', 'up', false, 11],
      ['web3', 'down', false, undefined],
    ],
  )
  assert.equal(more, 0)
  const { history, check, port, everyMs } = checks[1]!
  assert.deepEqual([check, port, everyMs, history!.p50Ms, history!.p99Ms], ['tcp', 80, 2000, 2.5, 2.5])
  assert.deepEqual(history!.lastFailure, { at: '1970-01-01T00:00:00.005Z', text: 'refused' })
  assert.equal(checks[2]!.why, 'connect: refused')
  assert.equal((await world.controller.checks({ server: 'web2' })).checks.length, 1)
  assert.equal((await world.controller.checks({ service: 'img' })).checks.length, 0)
})

test('a checker that does not make all checks that it was told to is a problem after a while', async () => {
  await world.start()
  allUp()
  for (const [watched, codes] of [
    [2, []],
    [2, ['CHECKS_OVERDUE']],
    [3, []],
  ] as const) {
    world.pass(3_000)
    world.checker.tellAlive({ watched })
    await world.controller.tick()
    assert.deepEqual(await world.problemCodes(), codes)
  }
})

test('checks that stand still are told once, however many and which they are from moment to moment', async () => {
  await world.start()
  allUp()
  for (const [at, order] of world.checker.orders.entries()) {
    world.checker.tellAlive({ overdue: { count: at + 1, keys: [order.key] } })
    await world.controller.tick()
  }
  world.checker.tellAlive()
  await world.controller.tick()
  const told = world.events!.latest().filter(({ data }) => data.code === 'CHECKS_OVERDUE')
  assert.deepEqual(
    told.map(({ kind }) => kind),
    ['node.problem', 'node.solved'],
  )
})
