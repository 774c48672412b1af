import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load } from '../config/load.ts'
import { textReader } from '../config/reader.ts'
import { ordersOf } from './orders.ts'

const file = (services: string, rest = '') => `
nodes: { lb1: 192.168.8.2, lb2: 192.168.8.3 }
interfaces: { lan: { lb1: eth0, lb2: ens3 } }
addresses: { front: { on: lan, ips: [192.168.8.100/24] } }
servers: { web01..03: 192.168.8.11..13 }
services:
${services}
${rest}`
const ordersFor = (services: string, node = 'lb1', rest = '') =>
  ordersOf(load('t', textReader({ t: file(services, rest) })), node)

test('identical targets of several services are looked at once, whatever the services are called', () => {
  const orders = ordersFor(`
  a: { listen: [192.168.8.100:80], servers: web01..03, check: { http: /x } }
  b: { listen: [192.168.8.100:81], servers: web02..03, check: { http: { path: /x }, port: 80 } }
  c: { listen: [192.168.8.100:82], servers: web03, check: { http: /x, port: 80, every: 3s } }
  d: { listen: [192.168.8.100:83], servers: web01, check: none }`)
  assert.deepEqual(
    orders.map(({ order, users }) => [
      order.address,
      order.port,
      order.check.rhythm.everyMs,
      users.map((user) => user.service),
    ]),
    [
      ['192.168.8.11', 80, 2000, ['a']],
      ['192.168.8.12', 80, 2000, ['a', 'b']],
      ['192.168.8.13', 80, 2000, ['a', 'b']],
      ['192.168.8.13', 80, 3000, ['c']],
    ],
  )
})

test('a check that names its port is the same for services of different ports', () => {
  const check = 'check: { tcp: {}, port: 8080 }'
  const orders = ordersFor(`
  a: { listen: [192.168.8.100:80], servers: web01, ${check} }
  b: { listen: [192.168.8.100:81], servers: web01..02, ${check} }`)
  assert.deepEqual(
    orders.map(({ order, users }) => [
      order.address,
      users.map(({ service, pool, server }) => `${service} ${pool} ${server}`),
    ]),
    [
      ['192.168.8.11', ['a a web01', 'b b web01']],
      ['192.168.8.12', ['b b web02']],
    ],
  )
})

test('keys are the same for the same look, and others for another one', () => {
  const keysOf = (services: string, node?: string, rest?: string) =>
    ordersFor(services, node, rest).map(({ order }) => order.key)
  const line = (name: string, check: string) =>
    `  ${name}: { listen: [192.168.8.100:80], servers: web01, check: ${check} }`
  const [key] = keysOf(line('a', '{ tcp: {}, every: 3s, mark: 7 }'))
  assert.match(key!, /^[\w-]{22}$/)
  assert.deepEqual(keysOf(line('z', '{ mark: 7, every: 3000ms, tcp: {} }')), [key])
  assert.deepEqual(keysOf(line('a', '{ tcp: {}, every: 3s, mark: 7, observe: true }')), [key])
  for (const other of [
    '{ tcp: {}, every: 3s }',
    '{ tcp: {}, every: 3s, mark: 8 }',
    '{ tls: {}, every: 3s, mark: 7 }',
  ])
    assert.notDeepEqual(keysOf(line('a', other)), [key])
})

test('the port is that of the servers, of the check, or of the first listener of TCP; an interface is the NIC of the node', () => {
  const portOf = (service: string) => ordersFor(`  a: { ${service} }`)[0]!.order.port
  assert.equal(
    portOf('listen: [192.168.8.100:53/udp, 192.168.8.100:80, 192.168.8.100:443], servers: web01'),
    80,
  )
  assert.equal(portOf('listen: [192.168.8.100:80], servers: web01, forward: nat, server_port: 8080'), 8080)
  assert.equal(portOf('listen: [192.168.8.100:53/udp], servers: web01, check: { dns: x }'), 53)
  const service = '  a: { listen: [192.168.8.100:80], servers: web01, check: { tcp: {}, interface: lan } }'
  const nics = ['lb1', 'lb2'].map((node) => ordersFor(service, node)[0]!.order.check.interface)
  assert.deepEqual(nics, ['eth0', 'ens3'])
})

test('sorry servers are looked at as the members are, or as they have it; with their own by each service once', () => {
  const looks = (sorry: string) =>
    ordersFor(`
  a: { listen: [192.168.8.100:80], servers: web01..02, check: { http: /x }, sorry: ${sorry} }
  b: { listen: [192.168.8.100:81], servers: web01..02, check: tcp, sorry: ${sorry} }`).map(
      ({ order, users }) =>
        `${order.address}:${order.port} ${(order.check.probe as { kind: string }).kind} ${users.map(({ service, server }) => `${service}/${server}`).join(' ')}`,
    )
  const members = [
    '192.168.8.11:80 http a/web01',
    '192.168.8.11:81 tcp b/web01',
    '192.168.8.12:80 http a/web02',
    '192.168.8.12:81 tcp b/web02',
  ]
  assert.deepEqual(looks('web03').toSorted(), [
    ...members,
    '192.168.8.13:80 http a/web03',
    '192.168.8.13:81 tcp b/web03',
  ])
  assert.deepEqual(looks('{ servers: web03, check: { tcp: {}, port: 99 } }').toSorted(), [
    ...members,
    '192.168.8.13:99 tcp a/web03 b/web03',
  ])
  assert.deepEqual(looks('{ servers: web03, check: none }').toSorted(), members)
})

test('a check through the service goes to the listener that it is for, at each server', () => {
  const told = (service: string) =>
    ordersFor(`  a: { listen: ${service} }`).map(({ order: { address, through, port, check } }) => [
      address,
      through,
      port,
      check.via,
    ])
  const servers = 'servers: web01..02'
  assert.deepEqual(
    told(`[192.168.8.100:80, 192.168.8.100:443], ${servers}, check: { tcp: {}, via: service }`),
    [
      ['192.168.8.11', '192.168.8.100', 80, undefined],
      ['192.168.8.12', '192.168.8.100', 80, undefined],
    ],
  )
  assert.deepEqual(
    told(
      `[192.168.8.100:80, 192.168.8.100:443], servers: web01, check: { tls: {}, port: 443, via: service }`,
    ),
    [['192.168.8.11', '192.168.8.100', 443, undefined]],
  )
  assert.deepEqual(
    told(`["192.168.8.100:53/udp", 192.168.8.100:80], servers: web01, check: { tcp: {}, via: service }`),
    [['192.168.8.11', '192.168.8.100', 80, undefined]],
  )
  assert.deepEqual(told('[192.168.8.100:80], servers: web01, check: { tcp: {} }'), [
    ['192.168.8.11', undefined, 80, undefined],
  ])
})

test('a look through the service is another one than that at the server', () => {
  const keys = ordersFor(`
  a: { listen: [192.168.8.100:80], servers: web01, check: { tcp: {} } }
  b: { listen: [192.168.8.100:81], servers: web01, check: { tcp: {}, port: 81, via: service } }
  c: { listen: [192.168.8.100:82], servers: web01, check: { tcp: {}, port: 81 } }`).map(
    ({ order }) => order.key,
  )
  assert.equal(new Set(keys).size, 3)
})
