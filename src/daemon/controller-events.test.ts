// What the daemon tells as events: each change of state once, with its cause, its subject and what it moved.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import type { Event } from '../events/event.ts'
import { fileText, World } from './fake-world.ts'

let world: World

beforeEach(() => {
  world = new World()
  world.text = fileText({ servers: 3, check: '{ tcp: {}, every: 2s }' })
})
afterEach(() => world.kill())

const told = (...kinds: Event['kind'][]): readonly Event[] =>
  world.events!.latest().filter(({ kind }) => kinds.length === 0 || kinds.includes(kind))
const texts = (...kinds: Event['kind'][]): string[] => told(...kinds).map(({ text }) => text)
const allUp = () => {
  for (const host of [11, 12, 13]) world.checker.see(`10.0.0.${host}`, 'up')
}

test('a server that goes down says what was found, how often, and where its traffic goes', async () => {
  await world.start()
  allUp()
  world.checker.see('10.0.0.11', 'down', 'connect timed out after 2s')
  const down = told('server.down')
  assert.deepEqual(
    down.map(({ text }) => text),
    ['web1 down in www: tcp: connect timed out after 2s (3 of 3), 10 % of www moves to 2 servers'],
  )
  const { severity, server, services, pool, data } = down[0]!
  assert.deepEqual([severity, server, services, pool], ['warning', 'web1', ['www'], 'www'])
  assert.deepEqual([data.slots, data.of, data.peers, data.found], [1, 10, 2, 'connect timed out after 2s'])
  world.checker.see('10.0.0.11', 'up', 'connected')
  assert.deepEqual(texts('server.up').slice(-1), [
    'web1 up in www: tcp: connected (3 of 3), 10 % of www comes from 2 servers',
  ])
})

test('events are numbered in the order in which they were told, and have times', async () => {
  await world.start()
  allUp()
  const all = told()
  assert.deepEqual(
    all.map(({ seq }) => seq),
    all.map((_, i) => i + 1),
  )
  assert.ok(all.length > 4 && all.every(({ time }) => time.startsWith('2024-01-02T')))
})

test('the guard is told when it holds and when it ends, and what it holds moves nothing', async () => {
  await world.start()
  allUp()
  world.checker.see('10.0.0.11', 'down')
  world.checker.see('10.0.0.12', 'down')
  const [held] = told('service.held')
  assert.equal(held!.text, '2 of 3 servers of pool www failed at once: the guard keeps the last good set')
  assert.deepEqual(held!.services, ['www'])
  assert.match(texts('server.down')[1]!, /\(3 of 3\), the guard keeps its traffic$/)
  world.checker.see('10.0.0.11', 'up')
  world.checker.see('10.0.0.12', 'up')
  assert.deepEqual(texts('service.released'), ['the guard of pool www has ended'])
  await world.controller.tick()
  assert.ok(!texts('node.problem').some((text) => text.includes('not believed')))
})

test('what is said of a server by hand is told with what it moves, once, also when it moves nothing', async () => {
  const controller = await world.start()
  allUp()
  await controller.order({ kind: 'drain' }, 'web2', undefined)
  await controller.order({ kind: 'drain' }, 'web2', undefined)
  await controller.order({ kind: 'undrain' }, 'web2', undefined)
  await controller.order({ kind: 'disable' }, 'web3', undefined)
  await controller.order({ kind: 'weight', weight: 0 }, 'web3', undefined)
  assert.deepEqual(texts('server.ordered'), [
    'web2 drained by hand in www, 10 % of www moves to 2 servers',
    'web2 undrained by hand in www, 10 % of www comes from 2 servers',
    'web3 disabled by hand in www, 10 % of www moves to 2 servers',
    'web3 given weight 0 by hand in www',
  ])
})

test('a deadline of a drain that passes is told', async () => {
  const controller = await world.start()
  allUp()
  await controller.order({ kind: 'drain', deadlineMs: 60_000 }, 'web2', undefined)
  world.pass(61_000)
  assert.deepEqual(texts('server.ordered').slice(1), [
    'server web2 is out in pool www: the deadline of its drain has passed',
  ])
})

test('what is tried again by itself is told as refused once for each reason; what somebody asks for, each time', async () => {
  const controller = await world.start()
  const refuse = async (detail: string, isAgain: boolean) => {
    world.packetPath.refusal = new TenbinError('VERIFIER_REFUSED', 'load program', { detail })
    await assert.rejects(controller.reload('test', undefined, isAgain))
  }
  for (let time = 0; time < 3; time++) await refuse('too complex', true)
  for (let time = 0; time < 3; time++) await refuse('too long', true)
  assert.equal((await controller.status()).lastReload!.problems[0]!.message, 'load program: too long')
  await refuse('too long', false)
  await refuse('too long', true)
  assert.deepEqual(texts('node.refused'), [
    'not applied: /etc/tenbin/tenbin.yaml: load program: too complex',
    'not applied: /etc/tenbin/tenbin.yaml: load program: too long',
    'not applied: /etc/tenbin/tenbin.yaml: load program: too long',
  ])
})

test('applies, refusals, addresses, and a problem with its end are told, each once', async () => {
  const controller = await world.start()
  assert.match(texts('node.applied')[0]!, /^applied \/etc\/tenbin\/tenbin\.yaml: /)
  assert.match(texts('node.changed')[0]!, /^added 10\.0\.0\.100\/24/)
  world.text = 'services: {'
  await assert.rejects(controller.reload('test'))
  world.text = `${fileText({ servers: 3 })}\ncolour: red\nshape: round\n`
  await assert.rejects(controller.reload('test'))
  const refused = told('node.refused')
  assert.deepEqual(
    refused.map(({ severity }) => severity),
    ['error', 'error'],
  )
  assert.match(refused[1]!.text, /^not applied: .*tenbin\.yaml:9:1: unknown key "colour".* \(and 1 more\)$/)
  world.text = fileText({ servers: 3 })
  world.packetPath.refusal = new TenbinError('PROGRAM_UNBUILT', 'build')
  await assert.rejects(controller.reload('test'))
  assert.match(
    told('node.refused')[2]!.text,
    /^not applied: \/etc\/tenbin\/tenbin\.yaml: build: no packet path/,
  )
  world.network.changeLink(world.eth0.index, { isUp: false })
  await world.settle()
  await controller.tick()
  await controller.tick()
  world.network.changeLink(world.eth0.index, { isUp: true })
  await world.settle()
  const problems = told('node.problem', 'node.solved').filter(({ data }) => data.code === 'INTERFACE_DOWN')
  assert.deepEqual(
    problems.map(({ kind, text }) => [kind, text]),
    [
      ['node.problem', 'eth0 is down or has no carrier'],
      ['node.solved', 'over: eth0 is down or has no carrier'],
    ],
  )
})

test('a server that is lost on the link, and found again, is told with its services', async () => {
  await world.start()
  allUp()
  world.host('10.0.0.12', undefined)
  world.network.timeOut()
  await world.settle()
  world.host('10.0.0.12', '02:00:0a:00:00:99')
  world.network.timeOut()
  await world.settle()
  const lines = told('server.lost', 'server.found')
  assert.deepEqual(
    lines.map(({ kind, server, services }) => [kind, server, services]),
    [
      ['server.lost', 'web2', ['www']],
      ['server.found', 'web2', ['www']],
    ],
  )
  assert.match(lines[1]!.text, /^server web2 10\.0\.0\.12 is at 02:00:0a:00:00:99 on eth0$/)
})

test('a checker that goes and comes is told', async () => {
  await world.start()
  allUp()
  world.checker.vanish('ECONNREFUSED')
  world.checker.isThere = true
  world.checker.tellStates()
  assert.deepEqual(texts('node.checker').slice(-2), [
    'the checker is gone: ECONNREFUSED',
    'the checker is there',
  ])
})

test('what a server says of its own weight is told when it changes', async () => {
  await world.start()
  allUp()
  world.checker.report('10.0.0.11', { share: 0.5 })
  world.checker.report('10.0.0.11', { share: 0.5 })
  world.checker.report('10.0.0.11', { isDraining: true })
  assert.deepEqual(texts('server.reported'), [
    'web1 in www reports 50 % of its weight',
    'web1 in www reports drain',
  ])
})

test('a problem whose particulars change is told once', async () => {
  await world.start()
  allUp()
  for (const count of [1, 2, 3]) {
    world.checker.tellAlive({ overdue: { count, keys: [world.checker.orders[0]!.key] } })
    await world.controller.tick()
  }
  world.checker.tellAlive()
  await world.controller.tick()
  assert.deepEqual(
    told('node.problem', 'node.solved').map(({ kind, text }) => [kind, text]),
    [
      ['node.problem', '1 check stands still: web1 of www'],
      ['node.solved', 'over: 3 checks stand still: web1 of www'],
    ],
  )
})
