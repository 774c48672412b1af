import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { parseIp, parseMac } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { fileText, World } from './fake-world.ts'

let world = new World()
afterEach(() => {
  world.kill()
  world = new World()
})

test('a server that answers late, moves, falls silent and returns is followed', async () => {
  world.host('10.0.0.12', undefined)
  await world.start()
  assert.equal(world.packetPath.neighbours.has('web2'), false)
  world.packetPath.calls.length = 0
  world.host('10.0.0.12', '02:00:0a:00:00:99')
  await world.settle()
  world.host('10.0.0.12', '02:00:0a:00:00:98')
  await world.settle()
  world.host('10.0.0.12', undefined)
  world.network.timeOut()
  await world.settle()
  world.host('10.0.0.12', '02:00:0a:00:00:98')
  await world.settle()
  assert.deepEqual(world.packetPath.calls, [
    'web2 02:00:0a:00:00:99',
    'web2 02:00:0a:00:00:98',
    'web2 neighbour FAILED: no answer to ARP',
    'web2 02:00:0a:00:00:98',
  ])
})

test('a server that answers while the file is being applied is told as soon as it runs', async () => {
  world.host('10.0.0.12', undefined)
  const { packetPath } = world
  const apply = packetPath.apply.bind(packetPath)
  packetPath.apply = (...args) => {
    world.host('10.0.0.12', '02:00:0a:00:00:99')
    world.network.deliver()
    return apply(...args)
  }
  await world.start()
  assert.ok(packetPath.calls.includes('web2 02:00:0a:00:00:99'), packetPath.calls.join(', '))
})

test('a carrier that is lost for a moment takes no server out', async () => {
  const controller = await world.start()
  world.packetPath.calls.length = 0
  world.network.changeLink(world.eth0.index, { isLowerUp: false })
  await world.settle()
  assert.deepEqual(await world.problemCodes(), ['INTERFACE_DOWN'])
  assert.equal((await controller.status()).interfaces[0]?.up, false)
  world.network.changeLink(world.eth0.index, { isLowerUp: true })
  await world.settle()
  assert.deepEqual(world.packetPath.calls, [])
  assert.deepEqual(await world.problemCodes(), [])
})

test('a machine that loses its route for a moment goes on with the MACs it knows, and says so', async () => {
  await world.start()
  world.packetPath.calls.length = 0
  world.network.removeAddress({ ifindex: world.eth0.index, address: parseIp('10.0.0.2'), prefix: 24 })
  world.network.removeAddress({ ifindex: world.eth0.index, address: parseIp('10.0.0.100'), prefix: 24 })
  const { addAddress } = world.network
  world.network.addAddress = () => {
    throw new TenbinError('NOT_PERMITTED', 'add address')
  }
  await world.settle()
  assert.deepEqual(await world.problemCodes(), ['SERVER_DOUBTFUL', 'SERVER_DOUBTFUL', 'NOT_PERMITTED'])
  world.network.addAddress = addAddress
  world.address('10.0.0.2/24')
  await world.settle()
  assert.deepEqual(await world.problemCodes(), [])
  assert.deepEqual(world.packetPath.calls, [])
})

test('a changed MAC or MTU of the interface is applied', async () => {
  await world.start()
  world.network.changeLink(world.eth0.index, { mac: parseMac('02:00:0a:00:00:77') })
  await world.settle()
  assert.equal(world.packetPath.spec?.interfaces[0]?.mac, '02:00:0a:00:00:77')
  world.network.changeLink(world.eth0.index, { mtu: 9000 })
  await world.settle()
  assert.equal(world.packetPath.spec?.interfaces[0]?.mtu, 9000)
  assert.equal(world.packetPath.generation, 3)
})

test('an interface that goes and comes back with another index is taken up again', async () => {
  await world.start()
  world.network.removeLink(world.eth0.index)
  await world.settle()
  assert.deepEqual(await world.problemCodes(), ['INTERFACE_MISSING'])
  const again = world.network.addLink({ name: 'eth0', mac: parseMac('02:00:0a:00:00:02') })
  world.address('10.0.0.2/24', again)
  for (const host of [11, 12]) world.host(`10.0.0.${host}`, `02:00:0a:00:00:${host}`, again)
  await world.settle()
  assert.equal(world.packetPath.spec?.interfaces[0]?.index, again.index)
  assert.deepEqual(world.held, ['10.0.0.2/24 eth0', '10.0.0.100/24 eth0'])
  assert.deepEqual(world.record.links, [again.index])
  assert.deepEqual(
    world.record.addresses.map(({ ifindex }) => ifindex),
    [again.index],
  )
  assert.deepEqual(await world.problemCodes(), [])
})

test('the timer repairs what the kernel lost without an event', async () => {
  const controller = await world.start()
  world.packetPath.drifted = ['the link was detached']
  await controller.tick()
  assert.equal(world.packetPath.generation, 2)
  assert.ok(world.logged.some((line) => line.includes('applied again: the link was detached')))
  await controller.tick()
  assert.equal(world.packetPath.generation, 2)
})

test('a problem is logged when it begins and when it is over, not in between', async () => {
  const controller = await world.start()
  world.network.changeLink(world.eth0.index, { isUp: false })
  await world.settle()
  for (let i = 0; i < 3; i++) await controller.tick()
  world.network.changeLink(world.eth0.index, { isUp: true })
  await world.settle()
  const about = world.logged.filter((line) => line.includes('is down or has no carrier'))
  assert.equal(about.length, 2)
})

test('reloads and repairs that come at once are done one after another', async () => {
  const controller = await world.start()
  world.text = fileText({ servers: 3 })
  const [first, , second] = await Promise.all([
    controller.reload('one'),
    controller.tick(),
    controller.reload('two'),
  ])
  assert.equal(first.generation + 1, second.generation)
})

test('a reload that was asked for during a start that failed applies nothing', async () => {
  const controller = world.make()
  world.packetPath.refusal = new TenbinError('NOT_PERMITTED', 'attach')
  const [start, reload] = await Promise.allSettled([controller.start(), controller.reload('SIGHUP')])
  assert.equal(start.status, 'rejected')
  assert.ok(reload.status === 'rejected' && (reload.reason as TenbinError).code === 'NOT_APPLIED')
  assert.deepEqual(world.packetPath.calls, [])
})

test('a reload while the kernel asks anew keeps the MACs that are known', async () => {
  const controller = await world.start()
  for (const host of [11, 12]) world.host(`10.0.0.${host}`, undefined)
  world.network.flushNeighbours(world.eth0.index)
  await world.settle()
  world.text = fileText({ listen: '10.0.0.100:81' })
  await controller.reload('test')
  assert.deepEqual(Object.fromEntries(world.packetPath.neighbours), {
    web1: { mac: '02:00:0a:00:00:11', on: 'eth0' },
    web2: { mac: '02:00:0a:00:00:12', on: 'eth0' },
  })
})

test('the timer finds what no event told of', async () => {
  world.network.subscribe = () => ({ [Symbol.dispose]: () => undefined })
  const entry = { ifindex: world.eth0.index, address: parseIp('10.0.0.12'), state: 'REACHABLE' } as const
  world.network.setNeighbour({ ...entry, mac: parseMac('02:00:0a:00:00:12') })
  const controller = await world.start()
  world.network.setNeighbour({ ...entry, mac: parseMac('02:00:0a:00:00:98') })
  await controller.tick()
  assert.deepEqual(world.packetPath.neighbours.get('web2'), { mac: '02:00:0a:00:00:98', on: 'eth0' })
})
