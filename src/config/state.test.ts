import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatIp, parseIp, parseMac } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { STATELESS, TIMEOUTS } from '../dataplane/shape.ts'
import { LIMITS } from '../engine/engine.ts'
import { toEngineSpec } from './engine-spec.ts'
import { load } from './load.ts'
import { textReader } from './reader.ts'
import { type DesiredState, heldBy, nicsOf, ONLY_NODE, serviceNics, whichNode } from './state.ts'

const text = `
nodes: { lb1: 192.168.8.2, lb2: 192.168.8.3 }
interfaces: { lan: { lb1: eth0, lb2: ens3 }, spare: eth9 }
addresses:
  front: { on: lan, ips: [192.168.8.100/24] }
  back: { on: lan, ips: [192.168.8.101] }
servers: { web01..10: 192.168.8.11..20 }
defaults: { check: none }
pools: { idle: web01..05 }
services:
  www: { listen: [192.168.8.100:80, 192.168.8.101:443], servers: [web03, { name: web02, weight: 0 }] }
`
const read = (file: string): DesiredState => load('t', textReader({ t: file }))
const state = read(text)
const nodeless = read(text.replace(/nodes: .*\n/, '').replace(/{ lb1: eth0, lb2: ens3 }/, 'eth0'))
const local = (...ips: string[]) => ips.map(parseIp)

const refused = (run: () => unknown, code: string, words: RegExp) =>
  assert.throws(run, (e) => e instanceof TenbinError && e.code === code && words.test(e.message))

test('a node finds itself by its addresses', () => {
  assert.equal(whichNode(state, local('127.0.0.1', 'fe80::1', '192.168.8.3')), 'lb2')
  refused(
    () => whichNode(state, local('192.168.8.4')),
    'NODE_UNKNOWN',
    /none of the addresses of lb1 192\.168\.8\.2, lb2 192\.168\.8\.3: it has 192\.168\.8\.4/,
  )
  refused(
    () => whichNode(state, local('192.168.8.2', '192.168.8.3')),
    'NODE_AMBIGUOUS',
    /the addresses of lb1 192\.168\.8\.2, lb2 192\.168\.8\.3/,
  )
})

test('a file of one node or none needs no match', () => {
  assert.equal(whichNode(nodeless, []), ONLY_NODE)
  assert.equal(whichNode({ nodes: state.nodes.slice(0, 1) }, []), 'lb1')
})

test('each node has its NIC, and the first one holds the service addresses', () => {
  assert.deepEqual([serviceNics(state, 'lb1'), serviceNics(state, 'lb2')], [['eth0'], ['ens3']])
  const held = (of: DesiredState, node: string) =>
    heldBy(of, node).map(
      ({ address, prefix, nic, addressSet }) => `${formatIp(address)}/${prefix} ${nic} ${addressSet}`,
    )
  assert.deepEqual(held(state, 'lb1'), ['192.168.8.100/24 eth0 front', '192.168.8.101/32 eth0 back'])
  assert.deepEqual(held(state, 'lb2'), [])
  assert.deepEqual(held(nodeless, ONLY_NODE), ['192.168.8.100/24 eth0 front', '192.168.8.101/32 eth0 back'])
})

test('a range of ports is one listener to the engine, and one port says no last one', () => {
  const www = { ...state.services[0]!, listeners: [range(8000, 8002), range(80, 80), range(1, 65_535)] }
  const link = { name: 'ens3', index: 7, mac: parseMac('02:00:00:00:00:01'), mtu: 1500 }
  const [service] = toEngineSpec({ ...state, services: [www] }, [link]).services
  assert.deepEqual(
    service!.listeners.map(({ port, lastPort }) => [port, lastPort]),
    [
      [8000, 8002],
      [80, undefined],
      [1, 65_535],
    ],
  )
})

const range = (port: number, lastPort: number) =>
  ({ address: parseIp('192.168.8.100'), port, lastPort, protocol: 'udp' }) as const

test('the engine gets the services and only the pools and servers that they use', () => {
  const link = { name: 'ens3', index: 7, mac: parseMac('02:00:00:00:00:01'), mtu: 1500 }
  const spec = toEngineSpec(state, [link])
  assert.deepEqual(spec, {
    interfaces: [link],
    services: [
      {
        name: 'www',
        listeners: [
          { address: parseIp('192.168.8.100'), port: 80, protocol: 'tcp' },
          { address: parseIp('192.168.8.101'), port: 443, protocol: 'tcp' },
        ],
        pool: 'www',
        ...STATELESS,
        track: 'changes',
        timeouts: TIMEOUTS,
      },
    ],
    pools: [
      {
        name: 'www',
        members: [
          { server: 'web03', weight: 1 },
          { server: 'web02', weight: 0 },
        ],
      },
    ],
    servers: [
      { name: 'web02', address: parseIp('192.168.8.12') },
      { name: 'web03', address: parseIp('192.168.8.13') },
    ],
    limits: LIMITS,
    isTold: true,
    defence: state.defence,
  })
  assert.equal(toEngineSpec({ ...state, nodes: state.nodes.slice(0, 1) }, [link]).isTold, undefined)
  const { defence: _, ...undefended } = state
  assert.ok(!('defence' in toEngineSpec(undefended, [link])))
})

test('address sets may be on several interfaces, and servers on none of their networks', () => {
  const two = read(`
nodes: { lb1: 192.168.8.2, lb2: 192.168.8.3 }
interfaces: { back: { lb1: eth1, lb2: eth7 }, lan: eth0, spare: eth9 }
addresses:
  front: { on: lan, ips: [192.168.8.100/24] }
  inner: { on: back, ips: [10.1.0.100/24] }
servers: { web01..02: 10.1.0.11..12, far01: 10.2.0.11 }
services: { www: { listen: [192.168.8.100:80, 10.1.0.100:80], servers: [web01, web02, far01], check: none } }
`)
  assert.deepEqual(serviceNics(two, 'lb1'), ['eth1', 'eth0'])
  assert.deepEqual(serviceNics(two, 'lb2'), ['eth7', 'eth0'])
  assert.deepEqual(nicsOf(two, 'lb2'), ['eth7', 'eth0', 'eth9'])
  assert.deepEqual(
    heldBy(two, 'lb1').map(({ address, nic }) => `${formatIp(address)} ${nic}`),
    ['192.168.8.100 eth0', '10.1.0.100 eth1'],
  )
})
