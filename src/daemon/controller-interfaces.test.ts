// The controller on a machine with a front and a back network, and a third NIC that nobody needs at first.

import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { parseIp4, parseMac } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import type { Link } from '../netlink/links.ts'
import { World } from './fake-world.ts'
import { Problems } from './problem.ts'

const ROLES = 'lan: eth0, back: eth1, spare: eth2'
const FRONT = 'front: { on: lan, ips: [10.0.0.100/24] }'
const text = ({ roles = ROLES, sets = FRONT, servers = '10.1.0.11..12', listen = '10.0.0.100:80' } = {}) => `
interfaces: { ${roles} }
addresses: { ${sets} }
servers: { web1..2: ${servers} }
services: { www: { listen: [${listen}], servers: web1..2, check: none } }
`

let world: World
let eth1: Link
let eth2: Link
/** plugBack: eth1 with the back network and its servers; again with another index. */
function plugBack(): Link {
  const link = world.network.addLink({ name: 'eth1', mac: parseMac('02:00:0a:01:00:02') })
  world.address('10.1.0.2/24', link)
  for (const host of [11, 12]) world.host(`10.1.0.${host}`, `02:00:0a:01:00:${host}`, link)
  return link
}
beforeEach(() => {
  world = new World()
  eth1 = plugBack()
  eth2 = world.network.addLink({ name: 'eth2', mac: parseMac('02:00:0a:02:00:02') })
  world.text = text()
})

const forwarding = () => world.packetPath.spec?.interfaces.map(({ name, index }) => `${name} ${index}`)
const named = (...links: readonly Link[]) => links.map(({ name, index }) => `${name} ${index}`)
const managed = (link: Link) =>
  world.network.listNeighbours(link.index).filter(({ isManaged }) => isManaged).length
const reached = () =>
  [...world.packetPath.neighbours.values()].map((each) => ('mac' in each ? each.on : each.why))

test('with nat the packet path is told which network each server shares with the node, and without it is not', async () => {
  const networks = () => world.packetPath.spec?.servers.map(({ network }) => network)
  const controller = await world.start()
  assert.deepEqual(networks(), [undefined, undefined])
  for (const [address, nic] of [
    ['10.1.0.9/28', eth1],
    ['10.1.0.16/29', eth2],
  ] as const)
    world.address(address, nic)
  world.text = text().replace('check: none', 'check: none, forward: nat')
  await controller.reload('test')
  // service addresses say nothing, nor do those of other NICs
  assert.deepEqual(networks(), [28, 28])
  world.text = text({ sets: `${FRONT}, inner: { on: back, ips: [10.1.0.10/30] }` }).replace(
    'check: none',
    'check: none, forward: nat',
  )
  await controller.reload('test')
  assert.deepEqual(networks(), [28, 28])
})

test('what address sets are on forwards, and that by which servers are reached, and nothing else', async () => {
  const controller = await world.start()
  assert.deepEqual(forwarding(), named(world.eth0, eth1))
  assert.deepEqual(reached(), ['eth1', 'eth1'])
  assert.deepEqual([managed(world.eth0), managed(eth1), managed(eth2)], [0, 2, 0])
  const { interfaces, servers, problems } = await controller.status()
  assert.deepEqual(
    interfaces.map(({ name, mode, programId }) => [name, mode, programId]),
    [
      ['eth0', 'native', 1],
      ['eth1', 'native', 2],
    ],
  )
  assert.deepEqual(
    servers.map((server) => server.interface),
    ['eth1', 'eth1'],
  )
  assert.deepEqual(problems, [])
  assert.ok(world.logged.some((line) => line.includes('node local, eth0 eth1')))
})

test('address sets may be on several interfaces', async () => {
  world.text = text({ sets: `${FRONT}, inner: { on: back, ips: [10.1.0.100/24] }` })
  const controller = await world.start()
  assert.deepEqual(world.held.slice(-2), ['10.0.0.100/24 eth0', '10.1.0.100/24 eth1'])
  world.text = text({ sets: `${FRONT}, inner: { on: spare, ips: [10.1.0.100/24] }` })
  await controller.reload('test')
  assert.deepEqual(forwarding(), named(world.eth0, eth1, eth2))
  assert.deepEqual(world.held.slice(-2), ['10.0.0.100/24 eth0', '10.1.0.100/24 eth2'])
})

test('a server behind an interface without a role is refused, with the roles that there are', async () => {
  const controller = await world.start()
  world.text = text({ roles: 'lan: eth0, spare: eth2' })
  await assert.rejects(
    controller.reload('test'),
    (e) =>
      e instanceof Problems &&
      e.problems.every(({ code }) => code === 'SERVER_OFF_LINK') &&
      /web1 10\.1\.0\.11 is behind eth1, which plays no role: interfaces has eth0, eth2/.test(e.message),
  )
  assert.deepEqual(forwarding(), named(world.eth0, eth1))
})

test('an interface of an address set that is not there is waited for at a start and refused at a reload', async () => {
  world.text = text({ sets: `${FRONT}, inner: { on: back, ips: [10.1.0.100/24] }` })
  world.network.removeLink(eth1.index)
  const controller = await world.start()
  assert.deepEqual(await world.problemCodes(), ['INTERFACE_MISSING'])
  eth1 = plugBack()
  await world.settle()
  assert.deepEqual(forwarding(), named(world.eth0, eth1))
  world.text = text({
    roles: 'lan: eth0, back: eth7',
    sets: `${FRONT}, inner: { on: back, ips: [10.1.0.100/24] }`,
  })
  await assert.rejects(
    controller.reload('test'),
    (e) => e instanceof TenbinError && e.code === 'INTERFACE_MISSING',
  )
  world.text = text({
    roles: 'lan: eth6, back: eth7',
    sets: `${FRONT}, inner: { on: back, ips: [10.1.0.100/24] }`,
  })
  await assert.rejects(controller.reload('test'), (e) => e instanceof Problems && e.problems.length === 2)
})

test('an interface that is taken away leaves the others, and is taken up again when it is put back', async () => {
  const controller = await world.start()
  world.network.removeLink(eth1.index)
  await world.settle()
  assert.deepEqual(forwarding(), named(world.eth0))
  assert.deepEqual(await world.problemCodes(), ['INTERFACE_MISSING'])
  eth1 = plugBack()
  await world.settle()
  assert.deepEqual(forwarding(), named(world.eth0, eth1))
  assert.deepEqual(reached(), ['eth1', 'eth1'])
  assert.deepEqual(await world.problemCodes(), [])
  assert.deepEqual(
    (await controller.status()).interfaces.map(({ index }) => index),
    [world.eth0.index, eth1.index],
  )
  assert.deepEqual(world.record.links.toSorted(), [world.eth0.index, eth2.index, eth1.index])
})

test('when no interface is left, what runs stays as it is', async () => {
  const controller = await world.start()
  world.network.removeLink(eth1.index)
  world.network.removeLink(world.eth0.index)
  await world.settle()
  const { state, interfaces } = await controller.status()
  assert.equal(state, 'forwarding')
  assert.ok(interfaces.every(({ up }) => !up))
  assert.deepEqual((await world.problemCodes()).slice(0, 1), ['INTERFACE_MISSING'])
})

test('a server whose route changes is asked on the interface that it leads to, which forwards from then on', async () => {
  await world.start()
  world.packetPath.calls.length = 0
  world.host('10.1.0.12', '02:00:0a:02:00:12', eth2)
  world.network.addRoute({ ifindex: eth2.index, destination: parseIp4('10.1.0.12'), prefix: 32 })
  await world.settle()
  assert.deepEqual(forwarding(), named(world.eth0, eth1, eth2))
  assert.deepEqual(reached(), ['eth1', 'eth2'])
  assert.deepEqual([managed(eth2)], [1])
  assert.deepEqual(await world.problemCodes(), [])
})

test('a carrier that one interface loses takes no server out, and is the only thing that is told', async () => {
  await world.start()
  world.packetPath.calls.length = 0
  world.network.changeLink(eth1.index, { isLowerUp: false })
  await world.settle()
  assert.deepEqual(await world.problemCodes(), ['INTERFACE_DOWN'])
  world.network.changeLink(eth1.index, { isLowerUp: true })
  await world.settle()
  assert.deepEqual(await world.problemCodes(), [])
  assert.deepEqual(world.packetPath.calls, [])
})

test('a changed MAC of one interface is applied, with the other as it was', async () => {
  await world.start()
  world.network.changeLink(eth1.index, { mac: parseMac('02:00:0a:01:00:77') })
  await world.settle()
  assert.deepEqual(
    world.packetPath.spec?.interfaces.map(({ mac }) => mac),
    [world.eth0.mac, '02:00:0a:01:00:77'],
  )
})

test('a service address that another interface has is refused by name', async () => {
  world.address('10.1.0.100/24', eth2)
  world.text = text({ sets: `${FRONT}, inner: { on: back, ips: [10.1.0.100/24] }` })
  await world.start()
  const { problems } = await world.controller.status()
  assert.match(problems[0]!.message, /10\.1\.0\.100 of address set inner is on eth2 already, not on eth1/)
})

test('a server that no service has any more keeps the interface that it is behind', async () => {
  world.text = `
interfaces: { lan: eth0, back: eth1 }
addresses: { ${FRONT} }
servers: { web1: 10.0.0.11, old1: 10.1.0.11 }
services: { www: { listen: [10.0.0.100:80], servers: [web1, old1], check: none } }
`
  const controller = await world.start()
  assert.deepEqual(forwarding(), named(world.eth0, eth1))
  world.text = world.text.replace('[web1, old1]', '[web1]')
  await controller.reload('test')
  assert.deepEqual(forwarding(), named(world.eth0, eth1))
  world.text = world.text.replace(', old1: 10.1.0.11', '')
  await controller.reload('test')
  assert.deepEqual(forwarding(), named(world.eth0))
})
