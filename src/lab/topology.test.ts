import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { cablesOf, findNode, labTopology, MAX_SERVERS, namespacesOf, nodesOf } from './topology.ts'

const code = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof TenbinError) return error.code
    throw error
  }
  return 'none'
}

test('a lab has one client, one balancer and four servers unless asked otherwise', () => {
  const topology = labTopology('lab')
  assert.deepEqual(
    topology.nodes.map(({ name, address }) => `${name} ${address}`),
    [
      'client 10.0.0.200',
      'lb1 10.0.0.2',
      'web01 10.0.0.11',
      'web02 10.0.0.12',
      'web03 10.0.0.13',
      'web04 10.0.0.14',
    ],
  )
  assert.deepEqual(topology.serviceAddresses, ['10.0.0.100'])
  assert.equal(topology.switch.flooding, false)
})

test('the largest lab has no address, MAC, namespace or name twice, and names fit an interface name', () => {
  const topology = labTopology('abcdefghijkl', {
    servers: MAX_SERVERS,
    balancers: 8,
    clients: 50,
    services: 99,
  })
  const unique = (values: readonly string[]) => assert.equal(new Set(values).size, values.length)
  unique([...topology.nodes.map(({ address }) => address), ...topology.serviceAddresses])
  unique(topology.nodes.map(({ mac }) => mac))
  unique(topology.nodes.map(({ name }) => name))
  unique(namespacesOf(topology))
  for (const { name, mac } of topology.nodes) {
    assert.ok(Buffer.byteLength(name) <= 15, name)
    assert.match(mac, /^02(:[0-9a-f]{2}){5}$/)
  }
})

test('with IPv6 every node and service has an address of that family too, and without it none', () => {
  const topology = labTopology('lab', { servers: MAX_SERVERS, services: 2, ipv6: true })
  const addresses = topology.nodes.map(({ address6 }) => address6!)
  assert.deepEqual(
    [...addresses.slice(0, 3), addresses.at(11), addresses.at(-1)],
    ['2001:db8::200', '2001:db8::2', '2001:db8::11', '2001:db8::1a', '2001:db8::42'],
  )
  assert.deepEqual(topology.serviceAddresses6, ['2001:db8::100', '2001:db8::101'])
  const all = [...addresses, ...topology.serviceAddresses6]
  assert.equal(new Set(all).size, all.length)
  const without = labTopology('lab', { services: 2 })
  assert.deepEqual(without.serviceAddresses6, [])
  assert.ok(without.nodes.every((node) => !('address6' in node)))
})

test('with nat clients are on a network of their own', () => {
  const topology = labTopology('lab', { forward: 'nat', ipv6: true, servers: 1 })
  assert.deepEqual(
    topology.nodes.map(({ address, address6, mac }) => `${address} ${address6} ${mac}`),
    [
      '10.0.1.200 2001:db8:1::200 02:00:0a:00:01:c8',
      '10.0.0.2 2001:db8::2 02:00:0a:00:00:02',
      '10.0.0.11 2001:db8::11 02:00:0a:00:00:0b',
    ],
  )
})

test('a pair is between two networks: clients and services in front, servers behind, with a router that moves', () => {
  const topology = labTopology('lab', { pair: true, servers: 1, ipv6: true })
  assert.deepEqual(
    topology.nodes.flatMap((node) =>
      cablesOf(node).map(
        ({ device, port, network, address, mac }) =>
          `${node.name} ${device} ${port} ${network} ${address} ${mac}`,
      ),
    ),
    [
      'client eth0 client front 10.0.0.200 02:00:0a:00:00:c8',
      'lb1 eth0 lb1 front 10.0.0.2 02:00:0a:00:00:02',
      'lb1 eth1 lb1-b back 10.0.1.2 02:00:0a:00:01:02',
      'lb2 eth0 lb2 front 10.0.0.3 02:00:0a:00:00:03',
      'lb2 eth1 lb2-b back 10.0.1.3 02:00:0a:00:01:03',
      'web01 eth0 web01 back 10.0.1.11 02:00:0a:00:01:0b',
      'web01 eth1 web01-b front 10.0.0.11 02:00:0a:00:00:0b',
    ],
  )
  assert.deepEqual(topology.router, { address: '10.0.1.1', address6: '2001:db8:1::1' })
  assert.deepEqual(topology.serviceAddresses, ['10.0.0.100'])
  assert.deepEqual(labTopology('lab', { pair: true }).router, { address: '10.0.1.1' })
})

test('a MAC holds the four bytes of its address', () => {
  assert.equal(nodesOf(labTopology('lab'), 'server')[1]!.mac, '02:00:0a:00:00:0c')
})

test('no lab has a namespace of another, even where one name begins with the other', () => {
  const both = [...namespacesOf(labTopology('lab')), ...namespacesOf(labTopology('lab2', { servers: 50 }))]
  assert.equal(new Set(both).size, both.length)
})

test('what cannot be made is refused as LAB_OPTION_INVALID', () => {
  for (const servers of [0, -1, 51, 1.5, Number.NaN]) {
    assert.equal(
      code(() => labTopology('lab', { servers })),
      'LAB_OPTION_INVALID',
      `${servers} servers`,
    )
  }
  for (const name of ['', 'Lab', '1lab', 'a-b', '../x', 'a'.repeat(13)]) {
    assert.equal(
      code(() => labTopology(name)),
      'LAB_OPTION_INVALID',
      name,
    )
  }
})

test('nodes are found by name, the switch too, and others are LAB_NODE_UNKNOWN', () => {
  const topology = labTopology('lab')
  assert.equal(findNode(topology, 'lb1').namespace, 'tenbin-lab-lb1')
  assert.equal(findNode(topology, 'switch').namespace, 'tenbin-lab-switch')
  assert.equal(
    code(() => findNode(topology, 'web99')),
    'LAB_NODE_UNKNOWN',
  )
})
