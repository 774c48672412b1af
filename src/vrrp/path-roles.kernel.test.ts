// The engine on a veth pair, and what vrrp says to its packet path about a virtual router's MAC.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { type Mac, parseIp4, parseMac } from '../base/addresses.ts'
import { HASH_KEYS, STATELESS, TIMEOUTS } from '../dataplane/shape.ts'
import { type EngineSpec, LIMITS } from '../engine/engine.ts'
import { downXdp } from '../engine/hook.ts'
import { openXdpEngine } from '../engine/xdp.ts'
import { programById } from '../kernel/query.ts'
import { testRun } from '../kernel/test-run.ts'
import { KernelNetwork } from '../netlink/kernel-network.ts'
import { NetworkNamespace } from '../sys/namespace.ts'
import { ether, ipv4, packet, tcp } from '../wire/packet.ts'
import { virtualRouterMac } from '../wire/vrrp.ts'
import { tellPacketPath } from './path-roles.ts'

const skip = process.geteuid?.() !== 0 && 'network namespaces need root'
const instance = `roles-test-${process.pid}`
const keys = BigUint64Array.from({ length: HASH_KEYS }, (_, i) => BigInt(2 * i + 1) * 0x9e3779b97f4a7n)
const ip = (line: string) => execFileSync('ip', line.split(' '))
const PASS = 2
const TX = 3

const link = () => {
  using network = new KernelNetwork()
  return network.getLink('eth0')!
}
const spec = (ports: readonly number[], virtual: EngineSpec['virtual']): EngineSpec => {
  const { index, mac, mtu } = link()
  const listeners = ports.map((port) => ({ address: parseIp4('10.0.0.100'), port, protocol: 'tcp' as const }))
  return {
    interfaces: [{ name: 'eth0', index, mac: mac!, mtu }],
    services: [{ name: 'www', pool: 'www', ...STATELESS, timeouts: TIMEOUTS, listeners }],
    pools: [{ name: 'www', members: [{ server: 'web01', weight: 1 }] }],
    servers: [{ name: 'web01', address: parseIp4('10.0.0.11') }],
    limits: LIMITS,
    ...(virtual && { virtual }),
  }
}

/** verdictTo a MAC: what becomes of a client's SYN to the listener. */
function verdictTo(destination: Mac): number {
  using program = programById(link().xdp[0]!.programId)!
  const frame = packet(
    ether({ destination }),
    ipv4({ source: parseIp4('10.0.0.50'), destination: parseIp4('10.0.0.100') }),
    tcp({ source: 40_000, destination: 80 }),
  )
  return testRun(program, { packet: frame }).verdict
}

test('frames to a virtual MAC are the node’s from when vrrp says so until it takes that back, whatever main does', {
  skip,
}, () => {
  using previous = NetworkNamespace.current()
  using namespace = NetworkNamespace.create()
  namespace.enter()
  try {
    ip('link add eth0 type veth peer name peer0')
    ip('link set eth0 up')
    const router = { ifindex: link().index, family: 4, vrid: 51 } as const
    const [mac, other] = [virtualRouterMac(51, 4), virtualRouterMac(52, 4)]
    const virtual = [51, 52].map((vrid) => ({ on: 'eth0', family: 4, vrid }) as const)
    const neighbours = new Map([['web01', { mac: parseMac('02:00:00:00:01:01'), on: 'eth0' }]])
    assert.equal(tellPacketPath(instance, router, true), false, 'there is no packet path')
    const engine = openXdpEngine({ instance, keys })
    engine.apply(spec([80], undefined), neighbours)
    assert.equal(tellPacketPath(instance, router, true), false, 'it has no such MAC')

    engine.apply(spec([80], virtual), neighbours)
    assert.equal(verdictTo(mac), PASS)
    assert.equal(tellPacketPath(instance, router, true), true)
    assert.deepEqual([verdictTo(mac), verdictTo(other), verdictTo(link().mac!)], [TX, PASS, TX])

    // a new generation, a daemon that died, the next one
    engine.apply(spec([80, 81], virtual), neighbours)
    assert.equal(verdictTo(mac), TX)
    engine[Symbol.dispose]()
    using next = openXdpEngine({ instance, keys })
    next.apply(spec([80], virtual), neighbours)
    assert.equal(verdictTo(mac), TX)

    assert.equal(tellPacketPath(instance, { ...router, ifindex: router.ifindex + 16 }, false), false)
    assert.equal(verdictTo(mac), TX)
    assert.equal(tellPacketPath(instance, router, false), true)
    assert.equal(verdictTo(mac), PASS)
  } finally {
    downXdp(instance)
    previous.enter()
  }
})
