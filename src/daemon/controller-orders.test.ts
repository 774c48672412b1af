import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { parseIp } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import type { OrderCommand } from './api-routes.ts'
import { World } from './fake-world.ts'

let world = new World()
beforeEach(() => {
  world = new World()
  world.text = FILE
})
afterEach(() => world.kill())

const file = (services: string): string => `
nodes: { lb1: 10.0.0.2 }
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [10.0.0.100/24] } }
servers: { web1..3: 10.0.0.11..13 }
defaults: { check: none }
pools: { web: [web1, { name: web2, weight: 3 }] }
services:
${services}`
const WWW = '  www: { listen: [10.0.0.100:80], pool: web }\n'
const API = '  api: { listen: [10.0.0.100:81], pool: web }\n'
const IMG = '  img: { listen: [10.0.0.100:82], servers: [web2, web3] }\n'
const FILE = file(`${WWW}${API}${IMG}`)

const order = (command: OrderCommand, server: string, service?: string) =>
  world.controller.order(command, server, service)
const drain = { kind: 'drain' } as const
const undrain = { kind: 'undrain' } as const
const disable = { kind: 'disable' } as const

/** told: what the packet path was told of servers since the last apply. */
const told = (): string[] => {
  const { calls } = world.packetPath
  return calls
    .slice(calls.findLastIndex((call) => call.startsWith('apply')) + 1)
    .filter((call) => call.includes('/'))
}
/** known: what the packet path holds of a server, whoever told it. */
const known = (pool: string, server: string) => world.packetPath.views.get(pool)?.get(server)

const refuses = (promise: Promise<unknown>, code: string, words: RegExp) =>
  assert.rejects(promise, (e) => e instanceof TenbinError && e.code === code && words.test(e.message))

test('a drain goes to every pool that has the server, and undrain takes it back', async () => {
  await world.start()
  const drained = await order(drain, 'web2')
  assert.deepEqual(told(), ['web/web2 up 0', 'img/web2 up 0'])
  assert.deepEqual(drained, {
    server: 'web2',
    changed: true,
    kept: true,
    pools: [
      { name: 'web', services: ['www', 'api'], order: 'drained', weight: 0, configured: 3, slots: 1 },
      { name: 'img', services: ['img'], order: 'drained', weight: 0, configured: 1, slots: 1 },
    ],
    notes: [],
  })
  const again = await order(drain, 'web2')
  assert.deepEqual([again.changed, again.notes], [false, ['web2 is drained already: nothing is different']])
  await order(undrain, 'web2')
  assert.deepEqual(told().slice(2), ['web/web2 up 3', 'img/web2 up 1'])
  assert.deepEqual(world.overrides.kept, [])
})

test('with a service it goes to its pool, and the services that share it are named', async () => {
  await world.start()
  const { notes, pools } = await order(disable, 'web2', 'api')
  assert.deepEqual(told(), ['web/web2 down 3'])
  assert.deepEqual(notes, ['www shares the pool with api: it holds for it too'])
  assert.deepEqual(
    pools.map(({ order }) => order),
    ['disabled'],
  )
  const status = await world.controller.status()
  const states = status.pools.map(({ name, servers }) => [
    name,
    ...servers.map((s) => `${s.name} ${s.state}`),
  ])
  assert.deepEqual(states, [
    ['web', 'web1 up', 'web2 disabled'],
    ['img', 'web2 up', 'web3 up'],
  ])
  assert.deepEqual(status.overrides, [
    { server: 'web2', service: 'api', order: 'disabled', since: '2024-01-02T03:04:05.000Z' },
  ])
})

test('a weight counts up to that of the file, and says where that is less', async () => {
  await world.start()
  const { notes, pools } = await order({ kind: 'weight', weight: 2 }, 'web2')
  assert.deepEqual(told(), ['web/web2 up 2', 'img/web2 up 1'])
  assert.deepEqual(
    pools.map(({ weight, configured }) => [weight, configured]),
    [
      [2, 3],
      [1, 1],
    ],
  )
  assert.deepEqual(notes, ["2 is above the file's weight in pool img: 1 counts"])
  await order({ kind: 'weight', weight: 9 }, 'web2')
  assert.deepEqual(world.overrides.kept, [])
})

test('whoever brings a server back is told of the weight that is left, and of a pool that nobody is in', async () => {
  await world.start()
  await order({ kind: 'weight', weight: 1 }, 'web2', 'www')
  await order(drain, 'web2', 'www')
  const last = await order(disable, 'web1')
  assert.deepEqual(last.notes, [
    'no server is left in pool web: packets for www, api are dropped as no-server',
  ])
  const back = await order(undrain, 'web2', 'www')
  assert.deepEqual(back.notes, [
    'api shares the pool with www: it holds for it too',
    'its weight in pool web is 1 of 3: `tenbin weight web2 3` takes that back',
  ])
})

test('names that nobody has are refused with the nearest, and what undoes nothing with what would', async () => {
  await world.start()
  await refuses(order(drain, 'web4'), 'SERVER_UNKNOWN', /no service has a server "web4": did you mean "web/)
  await refuses(order(drain, 'web1', 'wwww'), 'SERVICE_UNKNOWN', /no service "wwww": did you mean "www"/)
  await refuses(order(drain, 'web1', 'img'), 'SERVER_UNKNOWN', /img has no server web1: www, api have/)
  await order(disable, 'web1')
  await refuses(order(undrain, 'web1'), 'ORDER_REFUSED', /web1 is disabled: `tenbin enable web1` undoes that/)
  assert.deepEqual(told(), ['web/web1 down 1'])
})

test('nothing can be said before something is applied', async () => {
  world.network.removeLink(world.eth0.index)
  await world.start()
  await refuses(order(drain, 'web1'), 'NOT_APPLIED', /drain web1: nothing is applied yet/)
})

test('a restart keeps what was said, and the packet path hears of it before it forwards', async () => {
  await world.start()
  await order(drain, 'web2', 'img')
  await order(disable, 'web1')
  world.kill()
  world.packetPath.views.clear()
  const views: unknown[] = []
  const { apply } = world.packetPath
  world.packetPath.apply = function (spec, neighbours, given) {
    views.push(given)
    return apply.call(this, spec, neighbours, given)
  }
  await world.start()
  assert.deepEqual(views, [
    new Map([
      [
        'web',
        new Map([
          ['web1', { up: false }],
          ['web2', { up: true }],
        ]),
      ],
      ['img', new Map([['web2', { up: true, weight: 0 }]])],
    ]),
  ])
  assert.deepEqual(told(), [])
})

test('a reload keeps what was said, also for pools that get the server only now', async () => {
  const controller = await world.start()
  await order(drain, 'web1')
  world.text = file(`${WWW}${API}${IMG}  new: { listen: [10.0.0.100:83], servers: [web1, web3] }\n`)
  await controller.reload('test')
  assert.deepEqual(
    [known('web', 'web1'), known('new', 'web1')],
    [
      { up: true, weight: 0 },
      { up: true, weight: 0 },
    ],
  )
})

test('what the file no longer has is forgotten with a line, and does not come back with it', async () => {
  const controller = await world.start()
  await order(drain, 'web3')
  await order(disable, 'web2', 'img')
  world.text = file(`${WWW}${API}`)
  await controller.reload('test')
  assert.deepEqual(world.overrides.kept, [])
  const lines = world.logged.filter((line) => line.includes('forgot what was said of server'))
  assert.equal(lines.length, 2)
  assert.match(lines.join(), /web3: the file no longer has it/)
  assert.match(lines.join(), /web2 of service img: the file no longer has it/)
})

test('what was said of a service follows it to another pool, and the pool that it leaves is as the file has it', async () => {
  const controller = await world.start()
  await order(drain, 'web2', 'www')
  assert.deepEqual(known('web', 'web2'), { up: true, weight: 0 })
  world.text = file(`${API}${IMG}  www: { listen: [10.0.0.100:80], servers: [web1, web2, web3] }\n`)
  await controller.reload('test')
  assert.deepEqual(known('web', 'web2'), { up: true })
  assert.deepEqual(known('www', 'web2'), { up: true, weight: 0 })
})

test('a reload that is refused keeps all that was said, and what the packet path knows', async () => {
  const controller = await world.start()
  await order(drain, 'web2')
  world.packetPath.refusal = new TenbinError('NOT_PERMITTED', 'load program')
  world.text = file(WWW)
  await refuses(controller.reload('test'), 'NOT_PERMITTED', /load program/)
  assert.equal(world.overrides.kept.length, 1)
  await order(undrain, 'web2')
  assert.deepEqual([known('web', 'web2'), known('img', 'web2')], [{ up: true }, { up: true }])
})

test('an apply that is taken back restores what counts for the file that ran', async () => {
  const controller = await world.start()
  await order(drain, 'web2', 'www')
  const { addAddress } = world.network
  world.network.addAddress = () => {
    throw new TenbinError('NOT_PERMITTED', 'add address')
  }
  world.text = file(`${API}${IMG}  www: { listen: [10.0.0.101:80], servers: [web1, web2, web3] }\n`).replace(
    '100/24',
    '100/24, 10.0.0.101/24',
  )
  await refuses(controller.reload('test'), 'NOT_PERMITTED', /add address/)
  world.network.addAddress = addAddress
  assert.deepEqual(known('web', 'web2'), { up: true, weight: 0 })
})

test('a repair tells the packet path again what was said', async () => {
  const controller = await world.start()
  await order(disable, 'web1')
  world.packetPath.views.clear()
  world.packetPath.drifted = ['the link is gone']
  await controller.tick()
  assert.deepEqual(known('web', 'web1'), { up: false })
})

test('a drain past its deadline takes the server out, also after a restart, and enable brings it back', async () => {
  await world.start()
  const { deadline } = await order({ kind: 'drain', deadlineMs: 60_000 }, 'web1')
  assert.equal(deadline, '2024-01-02T03:05:05.000Z')
  const state = async () => (await world.controller.status()).pools[0]!.servers[0]!
  assert.deepEqual((await state()).drain, { since: '2024-01-02T03:04:05.000Z', deadline })
  world.now = new Date('2024-01-02T03:05:04.999Z')
  world.controller.sweep()
  assert.deepEqual(told(), ['web/web1 up 0'])
  world.now = new Date('2024-01-02T03:05:05Z')
  world.controller.sweep()
  world.controller.sweep()
  assert.deepEqual(told(), ['web/web1 up 0', 'web/web1 down 1'])
  assert.equal((await state()).state, 'disabled')
  world.kill()
  world.packetPath.views.clear()
  await world.start()
  assert.deepEqual(known('web', 'web1'), { up: false })
  await order({ kind: 'enable' }, 'web1')
  assert.deepEqual(known('web', 'web1'), { up: true })
})

test('what cannot be kept counts all the same, is a problem, and is kept as soon as it can be', async () => {
  const controller = await world.start()
  world.overrides.refusal = new TenbinError('STATE_UNUSABLE', 'keep overrides', { detail: 'disk full' })
  const answer = await order(drain, 'web1')
  assert.equal(answer.kept, false)
  assert.match(answer.notes.join(), /it will not hold over a restart: keep overrides: disk full/)
  assert.deepEqual(known('web', 'web1'), { up: true, weight: 0 })
  await controller.tick()
  assert.deepEqual(await world.problemCodes(), ['STATE_UNUSABLE'])
  world.overrides.refusal = undefined
  await controller.tick()
  assert.deepEqual(await world.problemCodes(), [])
  assert.equal(world.overrides.kept.length, 1)
})

test('a damaged file of overrides is a problem that status names', async () => {
  world.overrides.open = [{ code: 'OVERRIDES_DAMAGED', message: 'lost', remedy: 'say it again' }]
  await world.start()
  assert.deepEqual(await world.problemCodes(), ['OVERRIDES_DAMAGED'])
})

test('the packet path is ticked once something runs, and a tick that fails is a problem', async () => {
  const controller = world.make()
  controller.sweep()
  assert.equal(world.packetPath.ticks, 0)
  await controller.start()
  controller.sweep()
  assert.equal(world.packetPath.ticks, 1)
  world.packetPath.tick = () => {
    throw new TenbinError('STATE_UNUSABLE', 'tick')
  }
  controller.sweep()
  await controller.tick()
  assert.deepEqual(await world.problemCodes(), ['STATE_UNUSABLE'])
})

test('a trace says what was said by hand of the pool that it leads to', async () => {
  await world.start()
  world.packetPath.trace = () => ({ outcome: 'forwarded', pool: 'web', steps: ['one'] })
  await order({ kind: 'weight', weight: 1 }, 'web2')
  await order(disable, 'web1')
  const { steps } = world.controller.trace(
    { address: parseIp('10.9.9.9'), port: 1 },
    { address: parseIp('10.0.0.100'), port: 80 },
  )
  assert.deepEqual(steps, ['one', 'By hand, in pool web: web1 is disabled, web2 has weight 1 of 3.'])
})
