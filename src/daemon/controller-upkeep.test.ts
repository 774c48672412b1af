// What was applied is kept so, whoever changes it: found, put right, told once, and where it cannot be put right tried
// again, later each time.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { parseIp, parseMac } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { fileText, World } from './fake-world.ts'

let world: World
beforeEach(() => {
  world = new World()
})
afterEach(() => world.kill())

const healed = () =>
  world
    .events!.latest()
    .filter(({ kind }) => kind === 'node.healed')
    .map(({ text }) => text)
const applies = () => world.packetPath.calls.filter((call) => call.startsWith('apply')).length

test('memory that somebody rewrote is told once, with how much it was', async () => {
  await world.start()
  world.packetPath.rewritten = [
    { what: 'slots of pool www', words: 3, isMended: true },
    { what: 'MACs of servers', words: 1, isMended: true },
  ]
  world.pass(100)
  assert.deepEqual(healed(), [
    "somebody wrote to the packet path's memory, slots of pool www (3 words): written back",
    "somebody wrote to the packet path's memory, MACs of servers (1 word): written back",
  ])
  await world.controller.tick()
  assert.deepEqual(await world.problemCodes(), [], 'it is as it should be')
})

test('who rewrites it again and again is a problem, until he leaves it alone', async () => {
  const controller = await world.start()
  for (let second = 0; second < 10; second++) {
    world.packetPath.rewritten = [{ what: 'slots of pool www', words: 1, isMended: true }]
    world.pass(1_000)
  }
  await controller.tick()
  assert.deepEqual(await world.problemCodes(), ['CHANGED_AGAIN'])
  assert.equal(healed().length, 1, 'an event, not ten')
  world.pass(60_000)
  await controller.tick()
  assert.deepEqual(await world.problemCodes(), [])
})

test('memory that cannot be written back is a problem at once', async () => {
  const controller = await world.start()
  world.packetPath.rewritten = [{ what: 'slots of pool www', words: 1, isMended: false }]
  world.pass(100)
  await controller.tick()
  assert.deepEqual(await world.problemCodes(), ['NOT_HEALED'])
})

test('a service address that somebody removed is there again at once, and that is told', async () => {
  await world.start()
  world.network.removeAddress({ ifindex: world.eth0.index, address: parseIp('10.0.0.100'), prefix: 24 })
  await world.settle()
  assert.ok(world.held.includes('10.0.0.100/24 eth0'))
  assert.deepEqual(healed(), ['10.0.0.100/24 on eth0 was gone: added again'])
})

test('neighbour entries that somebody flushed are made again, and that is told', async () => {
  await world.start()
  world.packetPath.calls.length = 0
  world.network.flushNeighbours(world.eth0.index)
  await world.settle()
  assert.deepEqual(healed(), [
    'the neighbour entries of 2 servers on eth0 were deleted: made again, and asked for',
  ])
  assert.deepEqual(world.packetPath.calls, [], 'no server lost its slots')
})

test('a packet path that cannot be repaired is tried again, later each time, and the rest is kept up meanwhile', async () => {
  const controller = await world.start()
  const drift = ['the program is no longer attached to eth0']
  world.packetPath.drifted = drift
  const refuse = () => {
    world.packetPath.refusal = new TenbinError('VERIFIER_REFUSED', 'load program', { detail: 'too complex' })
  }
  const before = applies()
  let tries = 0
  for (let second = 0; second < 120; second++) {
    refuse()
    await controller.tick()
    if (world.packetPath.refusal === undefined) tries++
    world.pass(1_000)
  }
  assert.equal(tries, 6, 'at 0, 2, 6, 14, 30 and 62 s')
  assert.deepEqual(await world.problemCodes(), ['NOT_HEALED', 'VERIFIER_REFUSED'])
  world.network.removeAddress({ ifindex: world.eth0.index, address: parseIp('10.0.0.100'), prefix: 24 })
  await world.settle()
  assert.ok(!world.held.includes('10.0.0.100/24 eth0'), 'no address without its program')
  world.packetPath.refusal = undefined
  for (let second = 0; second < 120 && applies() === before; second++) {
    world.pass(1_000)
    await controller.tick()
  }
  assert.deepEqual(await world.problemCodes(), [])
  assert.ok(world.held.includes('10.0.0.100/24 eth0'))
  assert.ok(healed().some((text) => text.startsWith(`applied again: ${drift[0]}`)))
})

test('a file is not said to run where the machine is not as it says, and cannot be made so; also if it was so before', async () => {
  const controller = await world.start()
  const drift = ['the program is no longer attached to eth0']
  world.packetPath.drifts = drift
  await controller.tick()
  for (const servers of [3, 1]) {
    world.text = fileText({ servers })
    await controller.reload('apply')
    await assert.rejects(
      controller.verifyRuns(controller.running!.desired),
      (e) => e instanceof TenbinError && e.code === 'NOT_HEALED' && e.message.includes(drift[0]!),
    )
  }
  world.packetPath.drifts = []
  await controller.reload('apply')
  await controller.verifyRuns(controller.running!.desired)
  world.network.removeLink(world.eth0.index)
  await assert.rejects(
    controller.verifyRuns(controller.running!.desired),
    (e) => e instanceof TenbinError && e.code === 'INTERFACE_MISSING',
  )
})

test('a program that somebody detaches again and again is attached each time, and a problem instead of an event each time', async () => {
  const controller = await world.start()
  const before = applies()
  for (let second = 0; second < 10; second++) {
    world.packetPath.drifted = ['the program is no longer attached to eth0']
    await controller.tick()
    world.pass(1_000)
  }
  assert.equal(applies() - before, 10)
  assert.equal(healed().length, 1, 'an event, not ten')
  assert.deepEqual(await world.problemCodes(), ['CHANGED_AGAIN'])
  world.pass(60_000)
  await controller.tick()
  assert.deepEqual(await world.problemCodes(), [])
  world.packetPath.drifted = ['the program is no longer attached to eth0']
  await controller.tick()
  assert.equal(healed().length, 2)
})

test('a file that waits and is refused is not applied again by what its own applying changes of the machine', async () => {
  world.network.removeAddress({ ifindex: world.eth0.index, address: parseIp('10.0.0.2'), prefix: 24 })
  const controller = await world.start()
  assert.equal((await controller.status()).state, 'waiting')
  let tries = 0
  const { packetPath } = world
  const apply = packetPath.apply.bind(packetPath)
  packetPath.apply = (...args) => {
    if (++tries > 20) return apply(...args)
    const veth = world.network.addLink({ name: 'checks-1', mac: parseMac('02:00:0a:00:00:99') })
    world.network.removeLink(veth.index)
    throw new TenbinError('VERIFIER_REFUSED', 'load program', { detail: 'too complex' })
  }
  world.address('10.0.0.2/24')
  for (let i = 0; i < 20; i++) await world.settle()
  assert.equal(tries, 1)
  world.pass(2_000)
  await controller.tick()
  assert.equal(tries, 2, 'the timer tries')
  assert.deepEqual(await world.problemCodes(), ['VERIFIER_REFUSED'])
})

test('a repair after which the machine looks the same is a problem', async () => {
  const controller = await world.start()
  Object.defineProperty(world.packetPath, 'drifted', { get: () => ['pin link-eth0 is gone'], set: () => {} })
  await controller.tick()
  const { problems } = await controller.status()
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['NOT_HEALED'],
  )
  assert.match(problems[0]!.message, /^pin link-eth0 is gone: this could not be put right/)
})

test('an interface that somebody renames is named, and used again when it has its name back', async () => {
  const controller = await world.start()
  world.network.changeLink(world.eth0.index, { name: 'wan7' })
  await world.settle()
  assert.deepEqual(await world.problemCodes(), ['INTERFACE_MISSING'])
  assert.equal((await controller.status()).state, 'forwarding')
  world.network.changeLink(world.eth0.index, { name: 'eth0' })
  await world.settle()
  assert.deepEqual(await world.problemCodes(), [])
})

const TWO = fileText()
  .replace('{ lan: eth0 }', '{ lan: eth0, back: eth1 }')
  .replace('addresses: {', 'addresses: { inner: { on: back, ips: [10.1.0.100/24] }, ')
const plug = () => {
  const eth1 = world.network.addLink({ name: 'eth1', mac: parseMac('02:00:0a:01:00:02') })
  world.address('10.1.0.2/24', eth1)
  return eth1
}
const forwarding = () => world.packetPath.spec?.interfaces.map(({ name }) => name)

test('at a start one of two interfaces that is not there yet is named, and the other forwards', async () => {
  world.text = TWO
  const controller = await world.start()
  assert.deepEqual(forwarding(), ['eth0'])
  assert.ok(world.held.includes('10.0.0.100/24 eth0'))
  assert.deepEqual(await world.problemCodes(), ['INTERFACE_MISSING'])
  await controller.tick()
  assert.deepEqual(await world.problemCodes(), ['INTERFACE_MISSING'])
  plug()
  await world.settle()
  assert.deepEqual(forwarding(), ['eth0', 'eth1'])
  assert.ok(world.held.includes('10.1.0.100/24 eth1'))
  assert.deepEqual(await world.problemCodes(), [])
})

test('servers behind an interface that is still to come are waited for, and used when it comes', async () => {
  world.text = TWO.replace('10.0.0.11..12', '[10.0.0.11, 10.1.0.12]')
    .replace('web1..2:', 'web1: 10.0.0.11, web2: 10.1.0.12 } #')
    .replace('inner: { on: back, ips: [10.1.0.100/24] }, ', '')
  await world.start()
  assert.deepEqual(forwarding(), ['eth0'])
  assert.deepEqual((await world.problemCodes()).sort(), ['INTERFACE_MISSING', 'SERVER_UNREACHABLE'])
  assert.deepEqual(world.packetPath.neighbours.get('web2'), { why: 'no interface eth1' })
  const eth1 = plug()
  world.host('10.1.0.12', '02:00:0a:01:00:12', eth1)
  await world.settle()
  assert.deepEqual(forwarding(), ['eth0', 'eth1'])
  assert.deepEqual(world.packetPath.neighbours.get('web2'), { mac: '02:00:0a:01:00:12', on: 'eth1' })
  assert.deepEqual(await world.problemCodes(), [])
})

test('looks by the timer do not queue behind one that takes longer', async () => {
  const controller = await world.start()
  let looks = 0
  world.packetPath.drift = () => {
    looks++
    return []
  }
  await Promise.all([controller.tick(), controller.tick(), controller.tick()])
  assert.equal(looks, 1)
  await controller.tick()
  assert.equal(looks, 2)
})

test('while a file that waited is refused, what runs is looked after', async () => {
  world.text = TWO
  const controller = await world.start()
  const { packetPath } = world
  const apply = packetPath.apply.bind(packetPath)
  packetPath.apply = (...args) => {
    if (args[0].interfaces.length > 1)
      throw new TenbinError('VERIFIER_REFUSED', 'load program', { detail: 'too complex' })
    return apply(...args)
  }
  plug()
  await world.settle()
  assert.ok((await world.problemCodes()).includes('VERIFIER_REFUSED'))
  world.network.changeLink(world.eth0.index, { isLowerUp: false })
  await world.settle()
  const codes = await world.problemCodes()
  assert.ok(codes.includes('INTERFACE_DOWN') && codes.includes('VERIFIER_REFUSED'), codes.join(' '))
  world.network.changeLink(world.eth0.index, { isLowerUp: true })
  packetPath.apply = apply
  world.pass(4_000)
  await controller.tick()
  assert.deepEqual(await world.problemCodes(), [])
  assert.deepEqual(forwarding(), ['eth0', 'eth1'])
})

test('at a start no interface with a service address is there: nothing forwards, and it is waited for', async () => {
  world.text = fileText({ nic: 'eth7' })
  const controller = await world.start()
  assert.equal((await controller.status()).state, 'waiting')
  assert.deepEqual(await world.problemCodes(), ['INTERFACE_MISSING'])
})
