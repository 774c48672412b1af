// The engine on several interfaces: veth pairs in a namespace of their own, whose other ends let every frame pass.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { formatIp, parseIp4, parseMac } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { HASH_KEYS, STATELESS, TIMEOUTS } from '../dataplane/shape.ts'
import { handCode, returning } from '../kernel/hand-code.ts'
import { XdpLink } from '../kernel/link.ts'
import { PinDirectory } from '../kernel/pin.ts'
import { type BpfProgram, loadProgram } from '../kernel/program.ts'
import { mapsOfProgram } from '../kernel/program-maps.ts'
import { programById } from '../kernel/query.ts'
import { runLive, testRun } from '../kernel/test-run.ts'
import { KernelNetwork } from '../netlink/kernel-network.ts'
import { NetworkNamespace } from '../sys/namespace.ts'
import { Reactor } from '../sys/reactor.ts'
import { decodeIpv4 } from '../wire/ipv4.ts'
import { ether, ipv4, packet, tcp } from '../wire/packet.ts'
import { tcpFlag } from '../wire/tcp.ts'
import { type EngineSpec, LIMITS, type Neighbour } from './engine.ts'
import { downXdp } from './hook.ts'
import { META_MAP } from './meta.ts'
import { openXdpEngine, type XdpEngine } from './xdp.ts'

const XDP_PASS = 2
const VERDICT = ['aborted', 'drop', 'pass', 'tx', 'redirect'] as const
const instance = `interfaces-test-${process.pid}`
const keys = BigUint64Array.from(
  { length: HASH_KEYS },
  (_, i) => 0x9e3779b97f4a7c15n + BigInt(i) * 0x1000000010001n,
)
const SERVICE = parseIp4('10.0.0.100')
const macs = { web01: '02:00:00:00:01:01', web02: '02:00:00:00:01:02' } as const
const client = parseMac('02:00:00:00:00:fe')

let namespace: NetworkNamespace
let previous: NetworkNamespace
const engines: XdpEngine[] = []
const ends: XdpLink[] = []
const ip = (line: string) => execFileSync('ip', line.split(' '))

/** plug makes ethN, whose other end is peerN. */
function plug(number: number): void {
  ip(`link add eth${number} address 02:00:00:00:00:0${number} type veth peer name peer${number}`)
  ip(`link set eth${number} up`)
  ip(`link set peer${number} up`)
  const code = handCode(...returning(XDP_PASS))
  using pass = loadProgram({ name: 'pass', code, relocations: [], maps: [], flags: 0 }).program
  ends.push(XdpLink.attach(pass, { ifindex: link(`peer${number}`).index }, 'native'))
}
const link = (name: string) => {
  using network = new KernelNetwork()
  return network.getLink(name)!
}

beforeEach(() => {
  previous = NetworkNamespace.current()
  namespace = NetworkNamespace.create()
  namespace.enter()
  for (const number of [0, 1, 2]) plug(number)
})
afterEach(() => {
  for (const engine of engines.splice(0)) engine[Symbol.dispose]()
  for (const name of [instance, `${instance}-2`]) downXdp(name)
  for (const end of ends.splice(0)) end[Symbol.dispose]()
  previous.enter()
  namespace[Symbol.dispose]()
  previous[Symbol.dispose]()
})

const open = (name = instance): XdpEngine => {
  const engine = openXdpEngine({ instance: name, keys })
  engines.push(engine)
  return engine
}
const restart = (engine: XdpEngine): XdpEngine => {
  engine[Symbol.dispose]()
  return open()
}

/** spec of a service whose one server is web01. */
function spec(nics: readonly string[], server: keyof typeof macs = 'web01'): EngineSpec {
  return {
    interfaces: nics.map((name) => {
      const { index, mac, mtu } = link(name)
      return { name, index, mac: mac!, mtu }
    }),
    services: [
      {
        name: 'www',
        pool: 'www',
        ...STATELESS,
        timeouts: TIMEOUTS,
        listeners: [{ address: SERVICE, port: 80, protocol: 'tcp' }],
      },
    ],
    pools: [{ name: 'www', members: [{ server, weight: 1 }] }],
    servers: [
      { name: 'web01', address: parseIp4('10.0.0.11') },
      { name: 'web02', address: parseIp4('10.0.0.12') },
    ],
    limits: LIMITS,
  }
}
/** inTurns: the same, of both servers, picked by turns: all flows are tracked. */
function inTurns(nics: readonly string[]): EngineSpec {
  const { services, ...rest } = spec(nics)
  const members = (['web01', 'web02'] as const).map((server) => ({ server, weight: 1 }))
  const turns = { track: 'all', scheduler: 'rr' } as const
  return {
    ...rest,
    services: services.map((service) => ({ ...service, ...turns })),
    pools: [{ name: 'www', members }],
  }
}
const behind = (on: string): ReadonlyMap<string, Neighbour> =>
  new Map(Object.entries(macs).map(([name, mac]) => [name, { mac: parseMac(mac), on }]))

/** attached: the program on an interface, owned by the caller. */
const attached = (nic: string): BpfProgram | undefined => {
  const { xdp } = link(nic)
  return xdp[0] && programById(xdp[0].programId)
}
const idOn = (nic: string): number | undefined => link(nic).xdp[0]?.programId

const syn = (nic: string) =>
  packet(
    ether({ destination: link(nic).mac!, source: client }),
    ipv4({ source: parseIp4('10.0.0.50'), destination: SERVICE }),
    tcp({ source: 40_000, destination: 80, flags: tcpFlag.SYN }),
  )
const macText = (octets: Uint8Array) =>
  [...octets].map((octet) => octet.toString(16).padStart(2, '0')).join(':')

/** sent: what a SYN that comes in by an interface comes to: verdict, and the MACs to and from. */
function sent(nic: string): string {
  using program = attached(nic)
  const { verdict, packet: out } = testRun(program!, { packet: syn(nic) })
  const name = VERDICT[verdict]!
  return verdict < 3 ? name : `${name} ${macText(out.subarray(0, 6))} ${macText(out.subarray(6, 12))}`
}
/** received: frames that came in by an interface (proc_pid_net(5): bytes, packets). */
const received = (peer: string): number => {
  const lines = readFileSync('/proc/thread-self/net/dev', 'utf8').split('\n')
  return Number(
    lines
      .find((line) => line.trim().startsWith(`${peer}:`))!
      .trim()
      .split(/\s+/)[2],
  )
}
const code = (expected: string) => (error: unknown) => error instanceof TenbinError && error.code === expected
const pins = (): string[] => PinDirectory.find(instance)?.names() ?? []

test('each interface has a program of its own, over the same maps', () => {
  const engine = open()
  const applied = engine.apply(spec(['eth0', 'eth1']), behind('eth1'))
  assert.equal(applied.change, 'created')
  assert.notEqual(idOn('eth0'), idOn('eth1'))
  const metas = ['eth0', 'eth1'].map((nic) => {
    using program = attached(nic)
    const maps = mapsOfProgram(program!)
    const ids = ['tables', 'slots', 'counters', META_MAP].map((name) => maps.get(name)!.info.id)
    for (const map of maps.values()) map[Symbol.dispose]()
    return ids
  })
  assert.deepEqual(metas[0], metas[1])
  assert.deepEqual(
    engine.status().interfaces.map(({ name, mode, programId }) => [name, mode, programId]),
    ['eth0', 'eth1'].map((nic) => [nic, 'native', idOn(nic)]),
  )
  assert.deepEqual(pins(), ['link-eth0', 'link-eth1'])
  assert.deepEqual(engine.drift(), [])
})

test('a frame leaves by the interface that its server is behind, from its MAC; counters are for all interfaces', () => {
  const engine = open()
  engine.apply(spec(['eth0', 'eth1']), behind('eth1'))
  assert.equal(sent('eth0'), `redirect ${macs.web01} 02:00:00:00:00:01`)
  assert.equal(sent('eth1'), `tx ${macs.web01} 02:00:00:00:00:01`)
  const { outcomes, services, servers } = engine.status()
  assert.deepEqual([outcomes.redirected, outcomes.forwarded], [1n, 1n])
  assert.deepEqual([services[0]!.packets, servers[0]!.packets], [2n, 2n])
})

test('frames that are sent really arrive at the other end', () => {
  open().apply(spec(['eth0', 'eth1']), behind('eth1'))
  const before = ['peer0', 'peer1', 'peer2'].map(received)
  using program = attached('eth0')
  runLive(program!, { packet: syn('eth0'), repeat: 64, ingressIfindex: link('eth0').index })
  const after = ['peer0', 'peer1', 'peer2'].map(received)
  const [here, there, elsewhere] = after.map((count, i) => count - before[i]!)
  assert.ok(there! >= 64 && here! < 32 && elsewhere! < 32, `${[here, there, elsewhere]}`)
})

test('a server that moves to another interface is followed by one store', () => {
  const engine = open()
  engine.apply(spec(['eth0', 'eth1']), behind('eth1'))
  const id = idOn('eth0')
  engine.setNeighbour('web01', { mac: parseMac(macs.web01), on: 'eth0' })
  assert.equal(sent('eth0'), `tx ${macs.web01} 02:00:00:00:00:00`)
  assert.equal(sent('eth1'), `redirect ${macs.web01} 02:00:00:00:00:00`)
  assert.equal(idOn('eth0'), id)
  engine.setNeighbour('web01', { mac: parseMac(macs.web01), on: 'eth2' })
  assert.equal(sent('eth0'), 'drop')
  const { neighbour } = engine.status().servers[0]!
  assert.match('why' in neighbour ? neighbour.why : '', /behind eth2, which does not forward/)
})

test('the next daemon takes all of it over, and where a server is', () => {
  const first = open()
  first.apply(spec(['eth0', 'eth1']), behind('eth1'))
  const ids = [idOn('eth0'), idOn('eth1')]
  const second = restart(first)
  assert.equal(second.apply(spec(['eth0', 'eth1']), new Map()).change, 'taken-over')
  assert.deepEqual([idOn('eth0'), idOn('eth1')], ids)
  assert.equal(sent('eth0'), `redirect ${macs.web01} 02:00:00:00:00:01`)
})

test('a fragment that comes before its first one follows it out of the other interface', async () => {
  using reactor = new Reactor()
  const engine = openXdpEngine({ instance, keys, reactor })
  engines.push(engine)
  engine.apply(spec(['eth0', 'eth1']), behind('eth1'))
  const fragment = (flags: { moreFragments?: boolean; fragmentOffset?: number }, payload: string) =>
    packet(
      ether({ destination: link('eth0').mac!, source: client }),
      ipv4({ source: parseIp4('10.0.0.50'), destination: SERVICE, identification: 7, protocol: 6, ...flags }),
      payload === '' ? tcp({ source: 40_000, destination: 80 }) : payload,
      payload === '' ? new Uint8Array(12) : '',
    )
  // the kernel's own frames would be taken for it
  execFileSync('sysctl', ['-qw', 'net.ipv6.conf.all.disable_ipv6=1'])
  const before = ['peer0', 'peer1', 'peer2'].map(received)
  using program = attached('eth0')
  assert.equal(
    VERDICT[testRun(program!, { packet: fragment({ fragmentOffset: 4 }, 'the rest') }).verdict],
    'drop',
  )
  assert.equal(
    VERDICT[testRun(program!, { packet: fragment({ moreFragments: true }, '') }).verdict],
    'redirect',
  )
  const { outcomes } = engine.status()
  assert.deepEqual([outcomes['fragment-held'], outcomes.redirected], [1n, 1n])
  const isSent = () => received('peer1') > before[1]! && engine.status().outcomes.redirected === 2n
  for (const deadline = Date.now() + 5_000; !isSent() && Date.now() < deadline; ) await delay(5)
  assert.equal(engine.status().outcomes.redirected, 2n)
  assert.deepEqual(
    ['peer0', 'peer1', 'peer2'].map((peer, at) => received(peer) - before[at]!),
    [0, 1, 0],
  )
})

test('with nat a request leaves by the server’s interface and its answer by the client’s, from either program', () => {
  const engine = open()
  const base = spec(['eth0', 'eth1'])
  const services = base.services.map((service) => ({
    ...service,
    track: 'all' as const,
    nat: { port: 8_080 },
  }))
  engine.apply({ ...base, services }, behind('eth1'))
  const run = (nic: string, frame: Uint8Array) => {
    using program = attached(nic)
    const { verdict, packet: out } = testRun(program!, { packet: frame })
    const ends = decodeIpv4(out.subarray(14))
    const [source, destination] = [out.readUInt16BE(34), out.readUInt16BE(36)]
    return [
      VERDICT[verdict],
      `${macText(out.subarray(6, 12))} ${macText(out.subarray(0, 6))}`,
      `${formatIp(ends.header.source)}:${source} ${formatIp(ends.header.destination)}:${destination}`,
    ]
  }
  assert.deepEqual(run('eth0', syn('eth0')), [
    'redirect',
    `02:00:00:00:00:01 ${macs.web01}`,
    '10.0.0.50:40000 10.0.0.11:8080',
  ])
  const answer = packet(
    ether({ destination: link('eth1').mac!, source: parseMac(macs.web01) }),
    ipv4({ source: parseIp4('10.0.0.11'), destination: parseIp4('10.0.0.50') }),
    tcp({ source: 8_080, destination: 40_000, flags: 0x12 }),
  )
  assert.deepEqual(run('eth1', answer), [
    'redirect',
    `02:00:00:00:00:00 ${client}`,
    '10.0.0.100:80 10.0.0.50:40000',
  ])
  assert.equal(engine.status().outcomes['answer-redirected'], 1n)
  // an interface that is put before it takes no number away
  engine.apply({ ...base, interfaces: spec(['eth2', 'eth0', 'eth1']).interfaces, services }, behind('eth1'))
  assert.equal(run('eth1', answer)[1], `02:00:00:00:00:00 ${client}`)
  // where the client's interface is gone nobody else gets its answers, neither who is left nor who takes its number
  engine.apply({ ...base, interfaces: spec(['eth1']).interfaces, services }, behind('eth1'))
  assert.equal(run('eth1', answer)[0], 'pass')
  engine.apply({ ...base, interfaces: spec(['eth1', 'eth2']).interfaces, services }, behind('eth1'))
  engine.apply({ ...base, interfaces: spec(['eth1', 'eth2', 'eth0']).interfaces, services }, behind('eth1'))
  assert.equal(run('eth1', answer)[0], 'pass')
  run('eth0', syn('eth0'))
  assert.equal(run('eth1', answer)[1], `02:00:00:00:00:00 ${client}`)
})

test('with nat a client on its server’s own network gets nothing, and a trace says why', () => {
  const engine = open()
  const base = spec(['eth0', 'eth1'])
  const services = base.services.map((each) => ({ ...each, track: 'all' as const, nat: { port: 0 } }))
  const servers = base.servers.map((server) => ({ ...server, network: 26 }))
  engine.apply({ ...base, services, servers }, behind('eth1'))
  const trace = (text: string) =>
    engine.trace({ address: parseIp4(text), port: 40_000 }, { address: SERVICE, port: 80 })
  assert.equal(sent('eth0'), 'drop')
  assert.equal(engine.status().outcomes.hairpin, 1n)
  const near = trace('10.0.0.50')
  assert.equal(near.outcome, 'hairpin')
  assert.match(near.steps.join('\n'), /on web01’s own network, 10\.0\.0\.11\/26: .* past this node/)
  assert.equal(trace('10.0.0.64').outcome, 'forwarded')
  // the network of a server is part of what is applied
  assert.equal(engine.apply({ ...base, services }, behind('eth1')).change, 'replaced')
  assert.match(sent('eth0'), /^redirect /)
  assert.equal(trace('10.0.0.50').outcome, 'forwarded')
  assert.match(
    trace('10.0.0.11').steps.join('\n'),
    /The client is web01 itself: what begins a flow is dropped/,
  )
})

test('interfaces come and go, and each keeps its number', () => {
  const first = open()
  first.apply(spec(['eth0', 'eth1']), behind('eth1'))
  assert.equal(first.apply(spec(['eth2', 'eth1', 'eth0']), new Map()).change, 'replaced')
  for (const nic of ['eth0', 'eth2']) assert.equal(sent(nic), `redirect ${macs.web01} 02:00:00:00:00:01`)
  const second = restart(first)
  const applied = second.apply(spec(['eth1']), new Map())
  assert.deepEqual(applied.notes.toSorted(), ['eth0 forwards no longer', 'eth2 forwards no longer'])
  assert.deepEqual([idOn('eth0'), idOn('eth2')], [undefined, undefined])
  assert.equal(sent('eth1'), `tx ${macs.web01} 02:00:00:00:00:01`)
  assert.deepEqual(pins(), ['link-eth1'])
  assert.equal(second.status().outcomes.redirected, 2n, 'counters go on')
  assert.equal(second.apply(spec(['eth0', 'eth1']), new Map()).change, 'replaced')
  assert.equal(sent('eth0'), `redirect ${macs.web01} 02:00:00:00:00:01`)
})

test('an interface that is moved to another namespace is as one that is gone; all of them moved are refused', () => {
  using other = NetworkNamespace.create()
  const engine = open()
  engine.apply(spec(['eth0', 'eth1']), behind('eth0'))
  const move = (nic: string) =>
    execFileSync('ip', ['link', 'set', nic, 'netns', `/proc/self/fd/3`], {
      stdio: ['ignore', 'inherit', 'inherit', other.fd.number],
    })
  move('eth1')
  assert.equal(engine.apply(spec(['eth0']), new Map()).change, 'replaced')
  assert.equal(sent('eth0'), `tx ${macs.web01} 02:00:00:00:00:00`)
  assert.deepEqual(pins(), ['link-eth0'])
  move('eth0')
  assert.throws(() => restart(engine).apply(spec(['eth2']), new Map()), code('NAMESPACE_OTHER'))
})

test('when one of several interfaces cannot be had, none is changed', () => {
  open(`${instance}-2`).apply(spec(['eth2']), behind('eth2'))
  const engine = open()
  engine.apply(spec(['eth0']), behind('eth0'))
  const [id, other] = [idOn('eth0'), idOn('eth2')]
  assert.throws(() => engine.apply(spec(['eth0', 'eth1', 'eth2']), behind('eth1')), code('XDP_OCCUPIED'))
  assert.deepEqual([idOn('eth0'), idOn('eth1'), idOn('eth2')], [id, undefined, other])
  assert.deepEqual(pins(), ['link-eth0'])
  assert.equal(sent('eth0'), `tx ${macs.web01} 02:00:00:00:00:00`)
  assert.deepEqual(engine.drift(), [])
})

test('a daemon that died between two swaps leaves two generations, which forward; the next one makes them one', () => {
  const first = open()
  first.apply(spec(['eth0', 'eth1']), behind('eth1'))
  assert.equal(sent('eth1'), `tx ${macs.web01} 02:00:00:00:00:01`)
  using old = attached('eth1')
  first.apply(spec(['eth0', 'eth1'], 'web02'), behind('eth1'))
  {
    using half = XdpLink.adopt(PinDirectory.find(instance)!.get('link-eth1')!)
    half.update(old!)
  }
  const second = restart(first)
  assert.equal(sent('eth0'), `redirect ${macs.web02} 02:00:00:00:00:01`)
  assert.equal(sent('eth1'), `tx ${macs.web01} 02:00:00:00:00:01`)
  const applied = second.apply(spec(['eth0', 'eth1'], 'web02'), new Map())
  assert.deepEqual([applied.change, applied.generation], ['replaced', 3])
  assert.equal(sent('eth0'), `redirect ${macs.web02} 02:00:00:00:00:01`)
  assert.equal(sent('eth1'), `tx ${macs.web02} 02:00:00:00:00:01`)
  assert.deepEqual(second.drift(), [])
})

test('an interface that is taken away is told and done without, and taken up again when it is put back', () => {
  const engine = open()
  engine.apply(spec(['eth0', 'eth1']), behind('eth1'))
  ip('link del eth1')
  assert.match(engine.drift().join(), /no longer attached to eth1/)
  engine.apply(spec(['eth0']), behind('eth1'))
  assert.equal(sent('eth0'), 'drop', 'its server is not there')
  assert.deepEqual(pins(), ['link-eth0'])
  assert.deepEqual(engine.drift(), [])
  plug(1)
  engine.apply(spec(['eth0', 'eth1']), behind('eth1'))
  assert.equal(sent('eth0'), `redirect ${macs.web01} 02:00:00:00:00:01`)
  assert.deepEqual(engine.drift(), [])
})

test('each interface is repaired by itself', () => {
  const engine = open()
  engine.apply(spec(['eth0', 'eth1']), behind('eth1'))
  const id = idOn('eth0')
  const pinned = () => XdpLink.adopt(PinDirectory.find(instance)!.get('link-eth1')!)
  {
    using there = pinned()
    there.detach()
  }
  assert.match(engine.drift().join(), /^the program is no longer attached to eth1$/)
  assert.match(
    engine.apply(spec(['eth0', 'eth1']), new Map()).notes.join(),
    /detached from eth1: attached anew/,
  )
  assert.equal(idOn('eth0'), id, 'the same programs go on')
  assert.deepEqual(engine.drift(), [])
  PinDirectory.find(instance)!.unpin('link-eth0')
  assert.match(engine.drift().join(), /^pin link-eth0 is gone$/)
  assert.equal(engine.apply(spec(['eth0', 'eth1']), new Map()).change, 'taken-over')
  assert.deepEqual(pins(), ['link-eth0', 'link-eth1'])
})

test('interfaces that exchange their names keep their programs attached, and pins follow the names', () => {
  const engine = open()
  engine.apply(spec(['eth0', 'eth1']), behind('eth1'))
  const linkId = (name: string) => {
    using there = XdpLink.adopt(PinDirectory.find(instance)!.get(name)!)
    return there.info().id
  }
  const before = [linkId('link-eth0'), linkId('link-eth1')]
  for (const nic of ['eth0', 'eth1']) ip(`link set ${nic} down`)
  ip('link set eth0 name old0')
  ip('link set eth1 name eth0')
  ip('link set old0 name eth1')
  for (const nic of ['eth0', 'eth1']) ip(`link set ${nic} up`)
  engine.apply(spec(['eth0', 'eth1']), behind('eth0'))
  assert.deepEqual([linkId('link-eth1'), linkId('link-eth0')], before)
  assert.equal(sent('eth1'), `redirect ${macs.web01} 02:00:00:00:00:01`)
  assert.deepEqual(engine.drift(), [])
})

test('what was pinned under a name without an interface is taken over', () => {
  const first = open()
  first.apply(spec(['eth0']), behind('eth0'))
  first[Symbol.dispose]()
  const { path } = PinDirectory.find(instance)!
  renameSync(join(path, 'link-eth0'), join(path, 'link'))
  const second = open()
  second.apply(spec(['eth0', 'eth1']), behind('eth0'))
  assert.deepEqual(pins(), ['link-eth0', 'link-eth1'])
  assert.deepEqual(second.drift(), [])
})

test('down takes the programs off all interfaces', () => {
  open().apply(spec(['eth0', 'eth1', 'eth2']), behind('eth1'))
  assert.equal(downXdp(instance).length, 4)
  assert.deepEqual(['eth0', 'eth1', 'eth2'].map(idOn), [undefined, undefined, undefined])
  assert.equal(PinDirectory.find(instance), undefined)
})

test('turns that the test of one program takes are not missing in the next one’s, nor for clients', () => {
  const engine = open()
  const both = new Map(Object.entries(macs).map(([name, mac]) => [name, { mac: parseMac(mac), on: 'eth0' }]))
  assert.equal(engine.apply(inTurns(['eth0', 'eth1']), both).change, 'created')
  assert.match(sent('eth0'), new RegExp(`^tx ${macs.web01}`))
  assert.match(sent('eth1'), new RegExp(`^redirect ${macs.web01}`), 'the same flow')
})
