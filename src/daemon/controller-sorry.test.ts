// Sorry servers and quorums: what the packet path is told of them, when, and what is said about it.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { World } from './fake-world.ts'

let world: World
/** file: three servers of pool www, and web99 beside them. */
const file = (keys: string, more = '') => `
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [10.0.0.100/24] } }
servers: { web1..3: 10.0.0.11..13, web99: 10.0.0.99 }
services:
  www: { listen: [10.0.0.100:80], servers: web1..3, check: tcp, guard: off, ${keys} }
${more}`
beforeEach(() => {
  world = new World()
  world.host('10.0.0.99', '02:00:0a:00:00:99')
  world.text = file('sorry: web99')
})
afterEach(() => world.kill())

const see = (to: 'up' | 'down', ...hosts: number[]) => {
  for (const host of hosts) world.checker.see(`10.0.0.${host}`, to)
}
const pool = async () => (await world.controller.status()).pools[0]!
/** who: the servers that get new flows. */
const who = async () => {
  const { servers, sorry = false } = await pool()
  return servers
    .filter((each) => each.state === 'up' && (each.sorry ?? false) === sorry)
    .map(({ name }) => name)
    .join(' ')
}
const texts = () =>
  world
    .events!.latest()
    .filter(({ kind }) => kind === 'service.quorum' || kind === 'service.sorry')
    .map(({ text }) => text)

test('a sorry server is looked at as the members are, and answers when the last of them is down, until one is back', async () => {
  await world.start()
  assert.deepEqual(world.checker.orders.map(({ address }) => address).toSorted(), [
    ...['10.0.0.11', '10.0.0.12', '10.0.0.13', '10.0.0.99'],
  ])
  see('up', 11, 12, 13, 99)
  see('down', 11, 12)
  assert.equal(await who(), 'web3')
  const calls = world.packetPath.calls.length
  see('down', 13)
  assert.deepEqual(world.packetPath.calls.slice(calls), ['www/web3 down 1', 'www lost'])
  assert.equal(await who(), 'web99')
  world.pass(100)
  assert.deepEqual(texts(), ['no server of pool www is up', 'sorry server web99 answers for pool www'])
  await world.controller.tick()
  assert.deepEqual(await world.problemCodes(), ['QUORUM_LOST'])
  see('up', 12)
  assert.equal(await who(), 'web2')
  world.pass(100)
  assert.deepEqual(texts().slice(2), [
    'pool www has its quorum: weight 1 of 3',
    'servers of pool www answer again: sorry server web99 gets nothing new',
  ])
  await world.controller.tick()
  assert.deepEqual(await world.problemCodes(), [])
})

test('at the start nobody is sent to a sorry server while members are still to be looked at', async () => {
  await world.start()
  see('up', 99)
  assert.equal(await who(), '')
  see('up', 12)
  assert.equal(await who(), 'web2')
  world.kill()
  world.packetPath = new (Object.getPrototypeOf(world.packetPath).constructor)()
  world.checker.known.clear()
  await world.start()
  see('up', 99)
  world.pass(3_999)
  assert.equal(await who(), '')
  world.pass(1)
  assert.equal(await who(), 'web99', 'a round is over')
  see('down', 11, 12, 13)
  assert.equal(await who(), 'web99')
})

test('a lost quorum sends to the sorry server though members are up, until so many are back as it asks for', async () => {
  world.text = file('sorry: { servers: web99, check: { tcp: {}, port: 81 } }, quorum: { up: 3, down: 2 }')
  await world.start()
  see('up', 11, 12, 13, 99)
  see('down', 11)
  assert.equal(await who(), 'web2 web3')
  const calls = world.packetPath.calls.length
  see('down', 12)
  assert.deepEqual(world.packetPath.calls.slice(calls), ['www/web2 down 1', 'www lost'])
  assert.equal(await who(), 'web99')
  assert.deepEqual((await pool()).quorum, { state: 'lost', present: 1, up: 3, down: 2 })
  see('up', 12)
  assert.equal(await who(), 'web99')
  see('up', 11)
  assert.equal(await who(), 'web1 web2 web3')
  assert.equal(texts()[0], 'pool www has lost its quorum: weight 1 of 3, back at 3')
})

test('without a sorry server that can, what is left of a pool goes on, and it is told', async () => {
  world.text = file('quorum: 2')
  await world.start()
  see('up', 11, 12, 13)
  see('down', 11, 12)
  assert.equal(await who(), 'web3')
  await world.controller.tick()
  assert.deepEqual(await world.problemCodes(), ['QUORUM_LOST'])
  world.text = file('quorum: 2, sorry: web99')
  await world.controller.reload('test')
  assert.equal(await who(), 'web3')
  see('up', 99)
  assert.equal(await who(), 'web99')
  see('down', 99)
  assert.equal(await who(), 'web3')
})

test('what is drained, disabled or lowered by hand counts for the quorum, and a sorry server out by hand is none', async () => {
  world.text = file('sorry: web99, quorum: 2')
  await world.start()
  see('up', 11, 12, 13, 99)
  await world.controller.order({ kind: 'drain' }, 'web1', undefined)
  assert.equal(await who(), 'web2 web3')
  const { notes } = await world.controller.order({ kind: 'disable' }, 'web2', undefined)
  assert.equal(await who(), 'web99')
  assert.deepEqual(notes, ['too few servers of pool www are left: web99 answers as sorry server'])
  const out = await world.controller.order({ kind: 'drain' }, 'web99', undefined)
  assert.equal(await who(), 'web3')
  assert.deepEqual(out.notes, [
    'web99 is a sorry server of pool www: it gets something only when its servers cannot answer',
  ])
  await world.controller.order({ kind: 'undrain' }, 'web99', undefined)
  assert.equal(await who(), 'web99')
  await world.controller.order({ kind: 'enable' }, 'web2', undefined)
  assert.equal(await who(), 'web2 web3')
  await assert.rejects(world.controller.order({ kind: 'undrain' }, 'web97', undefined), (error) => {
    return error instanceof TenbinError && error.code === 'SERVER_UNKNOWN'
  })
})

test('a daemon that comes while a sorry server answers leaves it there until the quorum is reached', async () => {
  world.text = file('sorry: web99, quorum: { up: 3, down: 1 }')
  await world.start()
  see('up', 11, 12, 13, 99)
  see('down', 11, 12, 13)
  see('up', 11, 12)
  assert.equal(await who(), 'web99')
  world.kill()
  const calls = world.packetPath.calls.length
  await world.start()
  assert.equal(await who(), 'web99')
  assert.deepEqual(world.packetPath.calls.slice(calls), ['apply www on eth0'], 'in one step')
  see('up', 13)
  assert.equal(await who(), 'web1 web2 web3')
})

test('a quorum that the packet path could not be told of is a problem, and told again', async () => {
  world.text = file('sorry: web99, quorum: 3')
  await world.start()
  see('up', 11, 12, 13, 99)
  world.packetPath.deaf.set('www', new TenbinError('SYSCALL_FAILED', 'write slots', { detail: 'EBADF' }))
  see('down', 11)
  assert.equal(await who(), 'web2 web3')
  await world.controller.tick()
  assert.deepEqual(await world.problemCodes(), ['SYSCALL_FAILED', 'QUORUM_LOST'])
  world.packetPath.deaf.clear()
  await world.controller.tick()
  assert.equal(await who(), 'web99')
})
