// What a daemon finds that did not end well, or was not made by it: a pin half made, a pin lost, a link of another
// network namespace, a description that lies. Nothing of it may stop the next daemon, or lead it astray.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { type Mac, parseIp4, parseMac } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { HASH_KEYS, STATELESS, TIMEOUTS } from '../dataplane/shape.ts'
import { handCode, returning } from '../kernel/hand-code.ts'
import { XdpLink } from '../kernel/link.ts'
import { BpfMap } from '../kernel/map.ts'
import { ensureBpffs, PinDirectory } from '../kernel/pin.ts'
import { loadProgram } from '../kernel/program.ts'
import { bindMap } from '../kernel/program-maps.ts'
import { KernelNetwork } from '../netlink/kernel-network.ts'
import { NetworkNamespace } from '../sys/namespace.ts'
import { type EngineSpec, LIMITS } from './engine.ts'
import { downXdp } from './hook.ts'
import { encodeMeta, META_FORMAT, type Meta } from './meta.ts'
import { openXdpEngine, type XdpEngine } from './xdp.ts'

const instance = `recovery-test-${process.pid}`
const keys = BigUint64Array.from({ length: HASH_KEYS }, (_, i) => 0x9e3779b97f4a7c15n + BigInt(i))
const servers = new Map([['web01', { mac: parseMac('02:00:00:00:01:01'), on: 'eth0' }]])
const engines: XdpEngine[] = []
const namespaces: NetworkNamespace[] = []
let home: NetworkNamespace

/** enterNew: a network namespace with eth0, which has the same index in each. */
function enterNew(mac: Mac): NetworkNamespace {
  const namespace = NetworkNamespace.create()
  namespaces.push(namespace)
  namespace.enter()
  execFileSync('ip', `link add eth0 index 7 address ${mac} type veth peer name peer0`.split(' '))
  return namespace
}
beforeEach(() => {
  home = NetworkNamespace.current()
  enterNew(parseMac('02:00:00:00:00:01'))
  ensureBpffs()
})
afterEach(() => {
  for (const engine of engines.splice(0)) engine[Symbol.dispose]()
  downXdp(instance)
  home.enter()
  for (const namespace of namespaces.splice(0)) namespace[Symbol.dispose]()
  home[Symbol.dispose]()
})

function open(): XdpEngine {
  const engine = openXdpEngine({ instance, keys })
  engines.push(engine)
  return engine
}
const attached = (): number | undefined => {
  using network = new KernelNetwork()
  return network.getLink('eth0')!.xdp[0]?.programId
}
function spec(): EngineSpec {
  using network = new KernelNetwork()
  const { name, index, mac, mtu } = network.getLink('eth0')!
  const address = parseIp4('10.0.0.100')
  return {
    interfaces: [{ name, index, mac: mac!, mtu }],
    services: [
      {
        name: 'www',
        pool: 'www',
        ...STATELESS,
        timeouts: TIMEOUTS,
        listeners: [{ address, port: 80, protocol: 'tcp' }],
      },
    ],
    pools: [{ name: 'www', members: [{ server: 'web01', weight: 1 }] }],
    servers: [{ name: 'web01', address: parseIp4('10.0.0.11') }],
    limits: LIMITS,
  }
}
const descriptors = (): number => readdirSync('/proc/self/fd').length
const code = (expected: string) => (error: unknown) => error instanceof TenbinError && error.code === expected

test('a pin that was about to get its name when the daemon was killed is found by the next one', () => {
  const first = open()
  first.apply(spec(), servers)
  first[Symbol.dispose]()
  const { path } = PinDirectory.find(instance)!
  renameSync(join(path, 'link-eth0'), join(path, '%new-link-eth0'))
  const program = attached()
  const second = open()
  assert.equal(second.apply(spec(), servers).change, 'taken-over')
  assert.equal(second.status().interfaces[0]!.programId, program)
  assert.deepEqual(second.drift(), [])
})

test('a daemon that was killed while it moved to an interface made anew is taken over from where it was', () => {
  const first = open()
  first.apply(spec(), servers)
  first[Symbol.dispose]()
  const { path } = PinDirectory.find(instance)!
  renameSync(join(path, 'link-eth0'), join(path, 'severed'))
  execFileSync('ip', 'link del eth0'.split(' '))
  execFileSync('ip', 'link add eth0 index 7 address 02:00:00:00:00:03 type veth peer name peer0'.split(' '))
  const second = open()
  second.apply(spec(), servers)
  second[Symbol.dispose]()
  renameSync(join(path, 'link-eth0'), join(path, '%new-link-eth0'))
  renameSync(join(path, 'severed'), join(path, 'link-eth0'))
  const program = attached()
  assert.equal(open().apply(spec(), servers).change, 'taken-over')
  assert.equal(attached(), program)
})

test('a pin that was removed by hand is made again', () => {
  const engine = open()
  engine.apply(spec(), servers)
  PinDirectory.find(instance)!.remove()
  assert.match(engine.drift().join(), /pin link-eth0 is gone/)
  const applied = engine.apply(spec(), servers)
  assert.equal(applied.change, 'taken-over')
  assert.match(applied.notes.join(), /pinned anew/)
  assert.deepEqual(engine.drift(), [])
})

test('what runs in another network namespace on an interface of the same index is left alone', () => {
  const [there] = namespaces
  const first = open()
  first.apply(spec(), servers)
  first[Symbol.dispose]()
  const program = attached()
  enterNew(parseMac('02:00:00:00:00:02'))
  assert.throws(() => open().apply(spec(), servers), code('NAMESPACE_OTHER'))
  assert.equal(attached(), undefined)
  there!.enter()
  assert.equal(attached(), program)
  assert.equal(open().apply(spec(), servers).change, 'taken-over')
})

/** A program that passes all, pinned as ours would be, described by `meta`. */
function pinForeign(meta: unknown): void {
  const array = (name: string, mmapable: boolean, valueSize: number) =>
    BpfMap.create({ name, type: 'array', keySize: 4, valueSize, maxEntries: 1, mmapable })
  const { program } = loadProgram({
    name: 'foreign',
    code: handCode(...returning(2)),
    relocations: [],
    maps: [],
    flags: 0,
  })
  using _ = program
  const text = encodeMeta(meta as Meta)
  using described = array('meta', false, text.length)
  described.update(new Uint8Array(4), text)
  bindMap(program, described)
  for (const name of ['tables', 'slots', 'counters']) {
    using map = array(name, true, 4096)
    bindMap(program, map)
  }
  using link = XdpLink.attach(program, { ifindex: spec().interfaces[0]!.index }, 'native')
  PinDirectory.open(instance).replace('link-eth0', link.fd)
}
const honest: Meta = {
  format: META_FORMAT,
  generation: 5,
  fingerprint: 'other',
  interfaces: [{ name: 'eth0', index: 7, loadMs: 1 }],
  outcomes: ['forwarded'],
  events: [],
  services: [{ name: 'www', pool: 0 }],
  servers: [
    { name: '', address: '' },
    { name: 'web01', address: '10.0.0.11' },
  ],
  pools: [{ name: 'www', slots: 1_024, before: 0 }],
  serverCapacity: 2,
  beforeWords: 0,
  counters: { block: 1024, blocks: 2, services: 64, servers: 128, events: 0 },
  keys: 0,
  entries: 64,
}

test('a description of what is pinned is believed only as far as its maps reach', () => {
  const { counters } = honest
  const lies: readonly Partial<Meta>[] = [
    { keys: 4096 },
    { keys: 1 },
    { entries: 4088 },
    { counters: { ...counters, blocks: Number.MAX_SAFE_INTEGER } },
    { counters: { ...counters, block: 0, blocks: Number.MAX_SAFE_INTEGER } },
    { counters: { ...counters, services: 1016 } },
    { counters: { ...counters, servers: 1000 } },
    { counters: { ...counters, events: 1020 }, events: ['flow-hit'] },
    { pools: [{ name: 'www', slots: 1_025, before: 0 }] },
    { pools: [{ name: 'www', slots: 1_024, before: 1 }] },
    { services: [{ name: 'www', pool: 1 }] },
    { flows: { format: 1, entries: 4, shift: 4 } },
    { outcomes: Array.from({ length: 129 }, (_, i) => `outcome${i}`) },
  ]
  for (const lie of lies) {
    pinForeign({ ...honest, ...lie })
    const engine = open()
    const applied = engine.apply(spec(), servers)
    assert.deepEqual([applied.change, applied.generation], ['replaced', 1], JSON.stringify(lie))
    assert.match(applied.notes.join(), /another format/)
    engine[Symbol.dispose]()
    downXdp(instance)
  }
  pinForeign(honest)
  assert.equal(open().apply(spec(), servers).generation, 6)
})

test('pins of a newer format are refused every time without a descriptor left open', () => {
  pinForeign({ format: META_FORMAT + 1 })
  const engine = open()
  assert.throws(() => engine.apply(spec(), servers), code('PINS_NEWER'))
  const before = descriptors()
  for (let i = 0; i < 3; i++) assert.throws(() => engine.apply(spec(), servers), code('PINS_NEWER'))
  assert.equal(descriptors(), before)
})

test('down removes also what is no link', () => {
  using map = BpfMap.create({ name: 'map', type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 })
  PinDirectory.open(instance).pin('link-eth0', map.fd)
  assert.throws(() => open().apply(spec(), servers), code('BPF_OBJECT_UNEXPECTED'))
  assert.deepEqual(downXdp(instance), [`pins of ${instance}`])
  assert.equal(PinDirectory.find(instance), undefined)
})

test('another program on our link is noticed and replaced by ours', () => {
  const engine = open()
  engine.apply(spec(), servers)
  const own = attached()
  const { program } = loadProgram({
    name: 'stranger',
    code: handCode(...returning(2)),
    relocations: [],
    maps: [],
    flags: 0,
  })
  {
    using _ = program
    using link = XdpLink.adopt(PinDirectory.find(instance)!.get('link-eth0')!)
    link.update(program)
    assert.match(engine.drift().join(), /another program/)
  }
  engine.apply(spec(), servers)
  assert.equal(attached(), own)
  assert.equal(engine.status().interfaces[0]!.programId, own)
  assert.deepEqual(engine.drift(), [])
})
