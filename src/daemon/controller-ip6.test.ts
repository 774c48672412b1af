// The daemon with services of both families, TCP and UDP: what is said of addresses, servers and traces.

import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { formatIp, parseIp, parseMac, tryEndpoint } from '../base/addresses.ts'
import { World } from './fake-world.ts'
import { Problems } from './problem.ts'

const both = `
nodes: { lb1: 10.0.0.2 }
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [10.0.0.100/24, "2001:db8::100/64"] } }
servers: { web1..2: 10.0.0.11..12, six1..2: 2001:db8::11..12 }
services:
  dns: { listen: ["10.0.0.100:53/udp", "10.0.0.100:53"], servers: web1..2, check: none }
  www6: { listen: ["[2001:db8::100]:80", "[2001:db8::100]:443/udp"], servers: six1..2, check: none }
`

const linkLocal = 'fe80::2/64'

/** machine: a world in which both families work, with the file `both`. */
function machine(): World {
  const made = new World()
  made.text = both
  for (const address of [linkLocal, '2001:db8::2/64']) made.address(address)
  for (const host of [11, 12]) made.host(`2001:db8::${host}`, `02:00:0a:00:06:${host}`)
  return made
}

let world = machine()
afterEach(() => {
  world.kill()
  world = machine()
})

test('addresses of both families are added, those of IPv6 never to be a source', async () => {
  const controller = await world.start()
  assert.deepEqual(world.held, [
    '10.0.0.2/24 eth0',
    '10.0.0.100/24 eth0',
    'fe80::2/64 eth0',
    '2001:db8::2/64 eth0',
    '2001:db8::100/64 eth0',
  ])
  const deprecated = world.network.listAddresses().filter(({ isDeprecated }) => isDeprecated)
  assert.deepEqual(
    deprecated.map(({ address }) => formatIp(address)),
    ['2001:db8::100'],
  )
  const { addresses, problems } = await controller.status()
  assert.deepEqual(problems, [])
  assert.deepEqual(addresses[1], {
    address: '2001:db8::100',
    prefix: 64,
    interface: 'eth0',
    present: true,
    owned: true,
    set: 'front',
  })
})

test('status writes listeners as the file does, and servers by their family', async () => {
  const { services, servers } = await (await world.start()).status()
  assert.deepEqual(
    services.map(({ listeners }) => listeners),
    [
      ['10.0.0.100:53/udp', '10.0.0.100:53'],
      ['[2001:db8::100]:80', '[2001:db8::100]:443/udp'],
    ],
  )
  assert.deepEqual(
    servers.map(({ name, address, mac }) => [name, address, mac]),
    [
      ['web1', '10.0.0.11', '02:00:0a:00:00:11'],
      ['web2', '10.0.0.12', '02:00:0a:00:00:12'],
      ['six1', '2001:db8::11', '02:00:0a:00:06:11'],
      ['six2', '2001:db8::12', '02:00:0a:00:06:12'],
    ],
  )
})

test('a trace is of a protocol, TCP if nothing is said', async () => {
  const controller = await world.start()
  const [client, listener] = ['[2001:db8::9]:5', '[2001:db8::100]:443'].map((text) => tryEndpoint(text)!)
  const udp = controller.trace(client!, listener!, 'udp')
  assert.deepEqual([udp.listener, udp.protocol], ['[2001:db8::100]:443/udp', 'udp'])
  assert.deepEqual(udp.steps, ['[2001:db8::9]:5 to [2001:db8::100]:443/udp'])
  const { listener: tcp } = controller.trace(client!, listener!)
  assert.equal(tcp, '[2001:db8::100]:443')
})

test('an IPv6 server that falls silent is unusable for want of an answer to neighbour discovery', async () => {
  await world.start()
  world.packetPath.calls.length = 0
  world.host('2001:db8::12', undefined)
  world.network.timeOut()
  await world.settle()
  world.host('2001:db8::12', '02:00:0a:00:06:12')
  await world.settle()
  assert.deepEqual(world.packetPath.calls, [
    'six2 neighbour FAILED: no answer to neighbour discovery',
    'six2 02:00:0a:00:06:12',
  ])
})

test('without a link-local address IPv6 servers are unusable, with the reason, until there is one', async () => {
  const address = { ifindex: world.eth0.index, address: parseIp('fe80::2'), prefix: 64 }
  world.network.removeAddress(address)
  const controller = await world.start()
  const why = 'no way to ask on eth0: it has no link-local address'
  assert.deepEqual(world.packetPath.neighbours.get('six1'), { why })
  assert.deepEqual(world.packetPath.neighbours.get('web1'), {
    mac: parseMac('02:00:0a:00:00:11'),
    on: 'eth0',
  })
  world.address(linkLocal)
  await world.settle()
  assert.deepEqual(world.packetPath.neighbours.get('six1'), {
    mac: parseMac('02:00:0a:00:06:11'),
    on: 'eth0',
  })
  world.network.removeAddress(address)
  world.network.timeOut()
  await world.settle()
  await controller.tick()
  assert.deepEqual(world.packetPath.neighbours.get('six1'), {
    mac: parseMac('02:00:0a:00:06:11'),
    on: 'eth0',
  })
})

test('switched off and on, the interface gets its IPv6 service addresses back', async () => {
  await world.start()
  world.network.changeLink(world.eth0.index, { isUp: false })
  world.network.changeLink(world.eth0.index, { isUp: true })
  await world.settle()
  assert.ok(world.held.includes('2001:db8::100/64 eth0'))
  // The kernel's own and the node's come from elsewhere; until then the last MACs are used.
  assert.deepEqual(await world.problemCodes(), ['SERVER_DOUBTFUL', 'SERVER_DOUBTFUL'])
  for (const address of [linkLocal, '2001:db8::2/64']) world.address(address)
  await world.settle()
  assert.deepEqual(await world.problemCodes(), [])
  assert.deepEqual(world.packetPath.neighbours.get('six1'), {
    mac: parseMac('02:00:0a:00:06:11'),
    on: 'eth0',
  })
})

test('a changed prefix length of an IPv6 address replaces it, a removed one is taken off', async () => {
  const controller = await world.start()
  world.text = both.replace('::100/64', '::100/80')
  await controller.reload('test')
  assert.ok(world.held.includes('2001:db8::100/80 eth0') && !world.held.includes('2001:db8::100/64 eth0'))
  world.text = both.replace(/, "2001:db8::100\/64"/, '').replace(/ {2}www6.*\n/, '')
  await controller.reload('test')
  assert.deepEqual(world.held.slice(-1), ['2001:db8::2/64 eth0'])
  assert.deepEqual(
    world.record.addresses.map(({ address }) => formatIp(address)),
    ['10.0.0.100'],
  )
})

test('IPv6 servers behind a router or on another interface are refused by name', async () => {
  const eth1 = world.network.addLink({ name: 'eth1', mac: parseMac('02:00:0a:00:00:03') })
  const any = { destination: parseIp('::'), prefix: 0, gateway: parseIp('fe80::1') }
  world.network.addRoute({ ifindex: world.eth0.index, ...any })
  world.network.addRoute({ ifindex: eth1.index, destination: parseIp('2001:db8:7::'), prefix: 64 })
  const controller = await world.start()
  world.text = `
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: ["2001:db8::100"] } }
servers: { far: "2001:db8:8::1", aside: "2001:db8:7::1", me: "2001:db8::2", near: "2001:db8::11" }
services: { www: { listen: ["[2001:db8::100]:80"], servers: [far, aside, me, near], check: none } }
`
  await assert.rejects(controller.reload('test'), (e) => {
    assert.ok(e instanceof Problems)
    assert.deepEqual(
      e.problems.map(({ code }) => code),
      Array(3).fill('SERVER_OFF_LINK'),
    )
    assert.match(e.problems[0]!.message, /far 2001:db8:8::1 is behind the router fe80::1/)
    assert.match(e.problems[1]!.message, /aside 2001:db8:7::1 is behind eth1/)
    assert.match(e.problems[2]!.message, /me 2001:db8::2 is this machine/)
    return true
  })
})
