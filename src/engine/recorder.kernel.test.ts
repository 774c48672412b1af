// The recorder behind the engine: what is recorded is told by name, survives a new generation and a new daemon, and the
// engine's own tests of a program leave nothing in it.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { afterEach, beforeEach, test } from 'node:test'
import { type Mac, parseIp4, parseMac } from '../base/addresses.ts'
import { HASH_KEYS, STATELESS, TIMEOUTS } from '../dataplane/shape.ts'
import { programById } from '../kernel/query.ts'
import { testRun } from '../kernel/test-run.ts'
import { KernelNetwork } from '../netlink/kernel-network.ts'
import { NetworkNamespace } from '../sys/namespace.ts'
import { ether, ipv4, packet, tcp } from '../wire/packet.ts'
import { tcpFlag } from '../wire/tcp.ts'
import { type EngineSpec, LIMITS, type Neighbour } from './engine.ts'
import { downXdp } from './hook.ts'
import { openXdpEngine, type XdpEngine } from './xdp.ts'

const instance = `recorder-test-${process.pid}`
const keys = BigUint64Array.from({ length: HASH_KEYS }, (_, i) => 0x9e3779b97f4a7c15n + BigInt(2 * i))
const web = parseMac('02:00:00:00:01:01')
const neighbours: ReadonlyMap<string, Neighbour> = new Map([['web01', { mac: web, on: 'eth0' }]])
let namespace: NetworkNamespace
let previous: NetworkNamespace
let mac: Mac
const engines: XdpEngine[] = []

beforeEach(() => {
  previous = NetworkNamespace.current()
  namespace = NetworkNamespace.create()
  namespace.enter()
  execFileSync('ip', ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'peer0'])
})
afterEach(() => {
  for (const engine of engines.splice(0)) engine[Symbol.dispose]()
  downXdp(instance)
  previous.enter()
  namespace[Symbol.dispose]()
  previous[Symbol.dispose]()
})

const open = (): XdpEngine => {
  const engine = openXdpEngine({ instance, keys })
  engines.push(engine)
  return engine
}

/** A service each of these names, at ports from 80 on. */
function spec(names: readonly string[], memory = 2 ** 20): EngineSpec {
  using network = new KernelNetwork()
  const link = network.getLink('eth0')!
  mac = link.mac!
  return {
    interfaces: [{ name: 'eth0', index: link.index, mac, mtu: link.mtu }],
    services: names.map((name, at) => ({
      name,
      pool: 'web',
      ...STATELESS,
      timeouts: TIMEOUTS,
      listeners: [{ address: parseIp4('10.0.0.100'), port: 80 + at, protocol: 'tcp' }],
    })),
    pools: [{ name: 'web', members: [{ server: 'web01', weight: 1 }] }],
    servers: [{ name: 'web01', address: parseIp4('10.0.0.11') }],
    limits: LIMITS,
    defence: { rules: [], allow: [], deny: [], only: false, recorder: { memory, disk: 0, aroundS: 30 } },
  }
}

/** send a SYN of a client's through the program that runs. */
function send(engine: XdpEngine, port: number): void {
  using program = programById(engine.status().interfaces[0]!.programId)
  const frame = packet(
    ether({ destination: mac, source: parseMac('02:00:00:00:02:01') }),
    ipv4({ source: '10.9.9.9', destination: '10.0.0.100' }),
    tcp({ source: 4_000 + port, destination: port, flags: tcpFlag.SYN }),
  )
  testRun(program!, { packet: frame })
}

const told = (engine: XdpEngine) =>
  engine
    .recorder!.since()
    .packets.map(({ service, server, interface: nic, outcome, kind }) =>
      [kind, outcome, nic, service, server].join(' '),
    )

test('packets are told by the names of their time, through generations and a new daemon', () => {
  const engine = open()
  engine.apply(spec(['www', 'mail']), neighbours)
  assert.deepEqual(told(engine), [])
  const began = Date.now()
  send(engine, 80)
  send(engine, 81)
  const first = ['new forwarded eth0 www web01', 'new forwarded eth0 mail web01']
  assert.deepEqual(told(engine), first)
  const { at } = engine.recorder!.since().packets[0]!
  assert.ok(Math.abs(at - began) < 2_000, `${at - began} ms`)

  engine.apply(spec(['www', 'mail', 'more']), neighbours)
  assert.deepEqual(told(engine), first)
  const cursor = engine.recorder!.end()
  send(engine, 82)
  assert.deepEqual(
    engine.recorder!.since(cursor).packets.map(({ service }) => service),
    ['more'],
  )

  engine[Symbol.dispose]()
  engines.length = 0
  const next = open()
  assert.equal(next.apply(spec(['www', 'mail', 'more']), neighbours).change, 'taken-over')
  assert.deepEqual(told(next), [...first, 'new forwarded eth0 more web01'])
})

test('of another size the rings begin anew, and without a recorder there is none', () => {
  const engine = open()
  engine.apply(spec(['www']), neighbours)
  send(engine, 80)
  assert.equal(told(engine).length, 1)
  const { bytes } = engine.recorder!.kept
  assert.ok(bytes <= 2 ** 20 + 2 ** 13, `${bytes} bytes`)
  engine.apply(spec(['www'], 2 ** 21), neighbours)
  assert.deepEqual(told(engine), [])
  assert.equal(engine.recorder!.kept.bytes > bytes, true)
  send(engine, 80)
  assert.equal(told(engine).length, 1)
  assert.ok(engine.status().maps.some(({ name }) => name === 'recorder'))
  const { defence: _, ...without } = spec(['www'])
  engine.apply(without, neighbours)
  assert.equal(engine.recorder, undefined)
})
