// Somebody rewrites the packet path's memory by bpf(2), as `bpftool map update` does, map by map: the next rounds of the
// audit find it, say what it was, and packets are handled as before.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { parseIp4, parseMac } from '../base/addresses.ts'
import { HASH_KEYS, TIMEOUTS } from '../dataplane/shape.ts'
import type { BpfMap } from '../kernel/map.ts'
import { ensureBpffs } from '../kernel/pin.ts'
import { mapsOfProgram } from '../kernel/program-maps.ts'
import { programById } from '../kernel/query.ts'
import { KernelNetwork } from '../netlink/kernel-network.ts'
import { NetworkNamespace } from '../sys/namespace.ts'
import { type EngineSpec, LIMITS, type Neighbour } from './engine.ts'
import { downXdp } from './hook.ts'
import { openXdpEngine, type XdpEngine } from './xdp.ts'

const instance = `audit-test-${process.pid}`
const keys = BigUint64Array.from({ length: HASH_KEYS }, (_, i) => 0x9e3779b97f4a7c15n + BigInt(i))
const names = ['web01', 'web02', 'web03']
const all: ReadonlyMap<string, Neighbour> = new Map(
  names.map((name, i) => [name, { mac: parseMac(`02:00:00:00:01:0${i + 1}`), on: 'eth0' }]),
)
const ZERO = new Uint8Array(4)
let home: NetworkNamespace
let namespace: NetworkNamespace
let engine: XdpEngine
const maps = new Map<string, BpfMap>()

/** Three services: one persists, one takes turns, one counts connections; so that every map is there. */
function spec(): EngineSpec {
  using network = new KernelNetwork()
  const { name, index, mac, mtu } = network.getLink('eth0')!
  const members = names.map((server) => ({ server, weight: 2 }))
  const service = (at: number) => ({
    pool: `pool${at}`,
    track: 'all' as const,
    onFailure: 'keep' as const,
    hash: 'flow' as const,
    timeouts: TIMEOUTS,
    listeners: [{ address: parseIp4('10.0.0.100'), port: 80 + at, protocol: 'tcp' as const }],
  })
  return {
    interfaces: [{ name, index, mac: mac!, mtu }],
    services: [
      { name: 'www', ...service(0), persistence: { timeout: 60, network: 24, network6: 64 } },
      { name: 'turns', ...service(1), scheduler: 'wrr' },
      { name: 'least', ...service(2), scheduler: 'wlc' },
    ],
    pools: [0, 1, 2].map((at) => ({ name: `pool${at}`, members })),
    servers: names.map((server, i) => ({ name: server, address: parseIp4(`10.0.0.1${i + 1}`) })),
    limits: LIMITS,
  }
}

before(() => {
  home = NetworkNamespace.current()
  namespace = NetworkNamespace.create()
  namespace.enter()
  execFileSync('ip', 'link add eth0 type veth peer name peer0'.split(' '))
  ensureBpffs()
  engine = openXdpEngine({ instance, keys })
  engine.apply(spec(), all)
  engine.setServer('pool0', 'web03', { up: false })
  open()
})
after(() => {
  engine[Symbol.dispose]()
  close()
  downXdp(instance)
  home.enter()
  namespace[Symbol.dispose]()
  home[Symbol.dispose]()
})

/** open the maps as a stranger does: by the program that is attached. */
function open(): void {
  using program = programById(engine.status().interfaces[0]!.programId)!
  for (const [name, map] of mapsOfProgram(program)) maps.set(name, map)
}
function close(): void {
  for (const map of maps.values()) map[Symbol.dispose]()
  maps.clear()
}

/** rewrite bytes of a map's value, by bpf(2). */
function rewrite(name: string, change: (value: Buffer) => void): Buffer {
  const map = maps.get(name)!
  const was = map.lookup(ZERO)!
  const value = Buffer.from(was)
  change(value)
  map.update(ZERO, value)
  return was
}
/** audited: what two rounds find; with a memory as small as this each is a step. */
const audited = (): string[] =>
  [...engine.audit(), ...engine.audit()].map(({ what, words, isMended }) => {
    assert.ok(isMended)
    return `${what} ${words}`
  })

test('what runs undisturbed is as it was written, also after servers failed and came back', () => {
  assert.deepEqual(audited(), [])
  for (const up of [false, true, false]) engine.setServer('pool1', 'web02', { up })
  engine.setServer('pool2', 'web01', { up: true, weight: 1 })
  engine.setServer('pool1', 'web02', { up: true })
  engine.setNeighbour('web01', { why: 'it is silent' })
  assert.deepEqual(audited(), [])
  engine.setNeighbour('web01', all.get('web01')!)
  engine.tick()
  assert.deepEqual(audited(), [])
})

test('slots that were zeroed or given to others are given back, and named by their pools', () => {
  const was = rewrite('slots', (value) => value.fill(0))
  const found = engine.audit()
  assert.deepEqual(
    found.map(({ what }) => what),
    ['slots of pool pool0', 'slots of pool pool1', 'slots of pool pool2'],
  )
  assert.ok(found.every(({ words }) => words > 1_000))
  assert.ok(maps.get('slots')!.lookup(ZERO)!.equals(was))
})

for (const { map, what, change } of [
  {
    map: 'tables',
    what: 'MACs of servers 1',
    change: (value: Buffer, at: number) => value.writeUInt8(9, at + 8),
  },
  { map: 'failed', what: 'marks of failed servers 1', change: (value: Buffer) => value.writeUInt32LE(0, 0) },
  {
    map: 'shut',
    what: 'marks of servers that nobody returns to 1',
    change: (value: Buffer) => value.writeUInt32LE(7, 0),
  },
  { map: 'meta', what: 'the description of what runs 1', change: (value: Buffer) => value.fill(0x20) },
])
  test(`of the map ${map} what was rewritten is as it was: ${what}`, () => {
    const servers = 8 * HASH_KEYS
    const was = rewrite(map, (value) => change(value, servers))
    assert.deepEqual(audited(), [what])
    assert.ok(maps.get(map)!.lookup(ZERO)!.equals(was))
    assert.deepEqual(audited(), [])
  })

test('every word of the tables is mended, whatever it is of', () => {
  const was = rewrite('tables', (value) => {
    for (let at = 0; at < value.length; at++) value[at]! ^= 0xff
  })
  const found = audited().map((each) => each.replace(/ \d+$/, ''))
  for (const what of [
    'the hash key',
    'MACs of servers',
    'the table of listeners',
    'sizes of pools',
    'settings of services',
    'addresses of servers',
  ])
    assert.ok(found.includes(what), `${what} is among ${found}`)
  assert.ok(maps.get('tables')!.lookup(ZERO)!.equals(was))
})

test('turns and members of schedulers are put right, and turns go on', () => {
  rewrite('schedule', (value) => {
    // what each service goes by: its word, and whose turn it is
    for (let at = 0; at < value.length; at += 8) if (at % 24 === 0) value.writeBigUInt64LE(0n, at)
  })
  assert.deepEqual(audited().sort(), ['the scheduler of service least 1', 'the scheduler of service turns 1'])
  const next = engine.trace(
    { address: parseIp4('10.0.0.50'), port: 4_000 },
    { address: parseIp4('10.0.0.100'), port: 81 },
  )
  assert.ok(next.server, next.steps.join(' '))
})

test('a file that is applied after slots were rewritten inherits what was written, not what is there', () => {
  const was = rewrite('slots', (value) => value.fill(0))
  const base = spec()
  const [www, ...others] = base.services
  engine.apply({ ...base, services: [{ ...www!, onFailure: 'reset' }, ...others] }, all)
  close()
  open()
  const now = maps.get('slots')!.lookup(ZERO)!
  assert.ok(now.equals(was), 'every slot has the server and the past that it had')
  assert.deepEqual(audited(), [])
})

test('a daemon that comes later mends what was rewritten while there was none', () => {
  engine[Symbol.dispose]()
  const was = rewrite('tables', (value) => value.fill(0, 8 * (HASH_KEYS + 1 + names.length)))
  const servers = rewrite('slots', () => undefined)
  engine = openXdpEngine({ instance, keys })
  const base = spec()
  const [www, ...others] = base.services
  const views = new Map([
    ['pool0', new Map([['web03', { up: false }]])],
    ['pool2', new Map([['web01', { up: true, weight: 1 }]])],
  ])
  const applied = engine.apply(
    { ...base, services: [{ ...www!, onFailure: 'reset' }, ...others] },
    all,
    views,
  )
  assert.equal(applied.change, 'taken-over')
  assert.match(audited().join(), /^sizes of pools 2,the hash key 24,/)
  assert.ok(maps.get('tables')!.lookup(ZERO)!.equals(was))
  assert.ok(maps.get('slots')!.lookup(ZERO)!.equals(servers))
})
