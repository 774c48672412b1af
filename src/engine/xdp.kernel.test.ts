// The engine on a veth pair in a namespace of its own: attached, swapped, taken over, repaired, taken down.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { afterEach, beforeEach, test } from 'node:test'
import { type Mac, parseIp4, parseMac } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { atOnce } from '../base/steps.ts'
import { HASH_KEYS, STATELESS, TIMEOUTS } from '../dataplane/shape.ts'
import { XdpLink } from '../kernel/link.ts'
import { ensureBpffs, PinDirectory } from '../kernel/pin.ts'
import { programById } from '../kernel/query.ts'
import { testRun } from '../kernel/test-run.ts'
import { KernelNetwork } from '../netlink/kernel-network.ts'
import { NetworkNamespace } from '../sys/namespace.ts'
import { ether, ipv4, packet, tcp } from '../wire/packet.ts'
import { type EngineSpec, LIMITS, type Neighbour } from './engine.ts'
import { downXdp } from './hook.ts'
import { openXdpEngine, type XdpEngine } from './xdp.ts'

const instance = `engine-test-${process.pid}`
const keys = BigUint64Array.from(
  { length: HASH_KEYS },
  (_, i) => 0x9e3779b97f4a7c15n + BigInt(i) * 0x1000000010001n,
)
const web: readonly Mac[] = [1, 2, 3, 4].map((n) => parseMac(`02:00:00:00:01:0${n}`))
const all: ReadonlyMap<string, Neighbour> = new Map(
  web.map((mac, i) => [`web0${i + 1}`, { mac, on: 'eth0' }]),
)
let namespace: NetworkNamespace
let previous: NetworkNamespace
const engines: XdpEngine[] = []

beforeEach(() => {
  previous = NetworkNamespace.current()
  namespace = NetworkNamespace.create()
  namespace.enter()
  ip('link add eth0 type veth peer name peer0')
  ip('link set eth0 up')
})
afterEach(() => {
  for (const engine of engines.splice(0)) engine[Symbol.dispose]()
  downXdp(instance)
  downXdp(`${instance}-2`)
  previous.enter()
  namespace[Symbol.dispose]()
  previous[Symbol.dispose]()
})

const ip = (line: string) => execFileSync('ip', line.split(' '))
const open = (name = instance) => {
  const engine = openXdpEngine({ instance: name, keys })
  engines.push(engine)
  return engine
}

function spec(change: Partial<EngineSpec> = {}): EngineSpec {
  using network = new KernelNetwork()
  const link = network.getLink('eth0')!
  return {
    interfaces: [{ name: 'eth0', index: link.index, mac: link.mac!, mtu: link.mtu }],
    services: [
      {
        name: 'www',
        pool: 'www',
        ...STATELESS,
        timeouts: TIMEOUTS,
        listeners: [{ address: parseIp4('10.0.0.100'), port: 80, protocol: 'tcp' }],
      },
    ],
    pools: [{ name: 'www', members: [1, 2, 3, 4].map((n) => ({ server: `web0${n}`, weight: 1 })) }],
    servers: [1, 2, 3, 4].map((n) => ({ name: `web0${n}`, address: parseIp4(`10.0.0.1${n}`) })),
    limits: LIMITS,
    ...change,
  }
}
const moreServices = (): EngineSpec => {
  const base = spec()
  const other = {
    name: 'other',
    pool: 'www',
    ...STATELESS,
    timeouts: TIMEOUTS,
    listeners: [{ address: parseIp4('10.0.0.101'), port: 443, protocol: 'tcp' as const }],
  }
  return { ...base, services: [...base.services, other] }
}

/** The MAC that a client's frame is sent to by what is attached, or the verdict's number. */
function sentTo(clientPort: number, destination = '10.0.0.100', port = 80): string | number {
  using network = new KernelNetwork()
  const link = network.getLink('eth0')!
  using program = programById(link.xdp[0]!.programId)!
  const frame = packet(
    ether({ destination: link.mac! }),
    ipv4({ source: parseIp4('10.0.0.50'), destination: parseIp4(destination) }),
    tcp({ source: clientPort, destination: port }),
  )
  const { verdict, packet: out } = testRun(program, { packet: frame })
  return verdict === 3
    ? [...out.subarray(0, 6)].map((octet) => octet.toString(16).padStart(2, '0')).join(':')
    : verdict
}
const flows = (): (string | number)[] => Array.from({ length: 400 }, (_, i) => sentTo(20_000 + 7 * i))
const code = (expected: string) => (error: unknown) => error instanceof TenbinError && error.code === expected

test('what is applied forwards to all servers, by the trace that it gives', () => {
  const engine = open()
  const applied = engine.apply(spec(), all)
  assert.equal(applied.change, 'created')
  assert.ok(applied.instructions < 725 && applied.generation === 1)
  assert.deepEqual(new Set(flows()), new Set<string>(web))
  for (let port = 30_000; port < 30_200; port++) {
    const traced = engine.trace(
      { address: parseIp4('10.0.0.50'), port },
      { address: parseIp4('10.0.0.100'), port: 80 },
    )
    assert.equal(traced.mac, sentTo(port))
  }
  const status = engine.status()
  assert.deepEqual(
    status.interfaces.map(({ name, mode }) => [name, mode]),
    [['eth0', 'native']],
  )
  assert.equal(status.outcomes.forwarded, 600n)
  assert.equal(status.services[0]!.packets, 600n)
  assert.equal(status.services[0]!.bytes, 600n * 40n)
  assert.equal(
    status.servers.reduce((sum, { packets }) => sum + packets, 0n),
    600n,
  )
  for (const { share } of status.servers) assert.ok(Math.abs(share - 0.25) < 0.01)
  assert.deepEqual(engine.drift(), [])
})

test('a port is that of the narrowest listener around it, as its trace says', () => {
  const engine = open()
  const [www] = spec().services
  const address = parseIp4('10.0.0.100')
  const of = (name: string, port: number, lastPort: number) => ({
    ...www!,
    name,
    listeners: [{ address, port, ...(lastPort !== port && { lastPort }), protocol: 'tcp' as const }],
  })
  const services = [of('rest', 1, 65_535), of('some', 8_000, 8_099), of('one', 8_050, 8_050)]
  engine.apply(spec({ services }), all)
  const traced = (port: number) =>
    engine.trace({ address: parseIp4('10.0.0.50'), port: 40_000 }, { address, port })
  assert.deepEqual(
    [1, 7_999, 8_000, 8_050, 8_099, 8_100, 65_535].map((port) => traced(port).service),
    ['rest', 'rest', 'some', 'one', 'some', 'rest', 'rest'],
  )
  assert.equal(
    traced(8_001).steps[0],
    '10.0.0.100:8001/tcp is within listener 10.0.0.100:8000..8099 of service some, pool www.',
  )
  assert.equal(
    traced(80).steps[0],
    '10.0.0.100:80/tcp is within listener 10.0.0.100:* of service rest, pool www.',
  )
  assert.equal(traced(8_050).steps[0], '10.0.0.100:8050/tcp is a listener of service one, pool www.')
  assert.equal(traced(0).outcome, 'no-listener')
  sentTo(40_000)
  assert.deepEqual(
    engine.status().services.map(({ name, packets }) => `${name} ${packets}`),
    ['rest 1', 'some 0', 'one 0'],
  )
})

test('another service is added in one swap: no flow moves, counters go on', () => {
  const engine = open()
  engine.apply(spec(), all)
  const before = flows()
  assert.equal(sentTo(1_000, '10.0.0.101', 443), 2)
  const told = engine.statusSteps()
  assert.equal(told.next().done, false)
  const applied = engine.apply(moreServices(), all)
  assert.deepEqual([applied.change, applied.generation], ['replaced', 2])
  assert.deepEqual(atOnce(told), engine.status(), 'what was being told is told of what counts now')
  assert.deepEqual(flows(), before)
  assert.equal(typeof sentTo(1_000, '10.0.0.101', 443), 'string')
  const { services, outcomes } = engine.status()
  assert.deepEqual(
    services.map(({ name, packets }) => [name, packets]),
    [
      ['www', 800n],
      ['other', 1n],
    ],
  )
  assert.deepEqual([outcomes.forwarded, outcomes['no-listener']], [801n, 1n])
})

test('the same file again is taken over without a swap, also by the next daemon, also with servers unknown yet', () => {
  const first = open()
  first.apply(spec(), all)
  const before = flows()
  const { programId } = first.status().interfaces[0]!
  assert.equal(first.apply(spec(), all).change, 'taken-over')
  first[Symbol.dispose]()
  assert.deepEqual(flows(), before, 'the dead daemon’s path goes on')
  const second = openXdpEngine({ instance, keys: keys.map((key) => key ^ 0xffffn) })
  engines.push(second)
  assert.equal(second.apply(spec(), new Map()).change, 'taken-over')
  assert.equal(second.status().interfaces[0]!.programId, programId)
  assert.deepEqual(second.keys, keys, 'the pinned key is used')
  assert.deepEqual(flows(), before)
  assert.equal(second.status().outcomes.forwarded, 1_200n)
})

test('a daemon that starts with another file swaps, and no flow of an unchanged service moves', () => {
  const first = open()
  first.apply(spec(), all)
  const before = flows()
  first[Symbol.dispose]()
  const second = open()
  assert.equal(second.apply(moreServices(), new Map()).change, 'replaced')
  assert.deepEqual(flows(), before)
  assert.equal(second.status().outcomes.forwarded, 800n)
})

test('a server that loses its MAC loses its slots and no others, and gets the same ones back', () => {
  const engine = open()
  engine.apply(spec(), all)
  const before = flows()
  engine.setNeighbour('web02', { why: 'neighbour FAILED' })
  const without = flows()
  before.forEach((mac, i) => {
    if (mac === web[1]) assert.notEqual(without[i], web[1])
    else assert.equal(without[i], mac)
  })
  assert.equal(engine.status().servers[1]!.share, 0)
  assert.deepEqual(engine.status().servers[1]!.neighbour, { why: 'neighbour FAILED' })
  engine.setNeighbour('web02', { mac: web[1]!, on: 'eth0' })
  assert.deepEqual(flows(), before)
  const moved = parseMac('02:00:00:00:02:22')
  engine.setNeighbour('web02', { mac: moved, on: 'eth0' })
  assert.deepEqual(
    flows(),
    before.map((mac) => (mac === web[1] ? moved : mac)),
  )
})

test('without any usable server packets are dropped, never handed to the kernel', () => {
  const engine = open()
  engine.apply(spec(), new Map([['web01', { why: 'asking' }]]))
  assert.equal(sentTo(1_000), 1)
  assert.equal(engine.status().outcomes['no-server'], 1n)
  const traced = engine.trace(
    { address: parseIp4('10.0.0.50'), port: 1_000 },
    { address: parseIp4('10.0.0.100'), port: 80 },
  )
  assert.equal(traced.outcome, 'no-server')
})

test('a second instance on the interface is refused, and leaves nothing', () => {
  open().apply(spec(), all)
  const second = open(`${instance}-2`)
  assert.throws(
    () => second.apply(spec(), all),
    (error) =>
      code('XDP_OCCUPIED')(error) && (error as Error).message.endsWith(`instance ${instance} forwards there`),
  )
  assert.equal(PinDirectory.find(`${instance}-2`), undefined)
  assert.equal(flows().length, 400)
})

test('a detached program is noticed and attached anew', () => {
  const engine = open()
  engine.apply(spec(), all)
  const pins = PinDirectory.find(instance)!
  {
    using link = XdpLink.adopt(pins.get('link-eth0')!)
    link.detach()
  }
  assert.match(engine.drift().join(), /no longer attached/)
  assert.match(engine.apply(spec(), all).notes.join(), /attached anew/)
  assert.deepEqual(engine.drift(), [])
  pins.unpin('link-eth0')
  assert.match(engine.drift().join(), /pin link-eth0 is gone/)
})

test('an interface that comes back with another index and MAC is attached anew', () => {
  const engine = open()
  engine.apply(spec(), all)
  ip('link del eth0')
  ip('link add eth0 type veth peer name peer0')
  ip('link set eth0 up')
  assert.equal(engine.drift().length, 1)
  engine.apply(spec(), all)
  assert.deepEqual(engine.drift(), [])
  assert.deepEqual(new Set(flows()), new Set<string>(web))
})

test('pins of a newer format are refused, nonsense is replaced, and down removes everything', () => {
  ensureBpffs()
  const engine = open()
  engine.apply(spec(), all)
  assert.deepEqual(downXdp(instance).length, 2)
  assert.equal(PinDirectory.find(instance), undefined)
  using network = new KernelNetwork()
  assert.deepEqual(network.getLink('eth0')!.xdp, [])
  assert.deepEqual(downXdp(instance), [])
})

test('a missing interface is an error and changes nothing', () => {
  const engine = open()
  const base = spec()
  assert.throws(
    () => engine.apply({ ...base, interfaces: [{ ...base.interfaces[0]!, index: 999 }] }, all),
    /attach to eth0: (EINVAL|ENODEV)/,
  )
  assert.equal(PinDirectory.find(instance), undefined)
})
