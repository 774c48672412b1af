// Flows through failures, returns, drains, weights and time, in the kernel: real maps, test runs of what is attached.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { TIMEOUTS } from '../dataplane/shape.ts'
import { CLIENT, macOf, nameOf, Rehearsal, SERVICE } from './rehearsal.ts'

const ports = Array.from({ length: 200 }, (_, i) => 20_000 + 7 * i)
let r: Rehearsal

beforeEach(() => {
  r = new Rehearsal(`flows-test-${process.pid}`)
})
afterEach(() => {
  r[Symbol.dispose]()
})

/** The flows of a server. */
const of = (flows: ReadonlyMap<number, unknown>, server: number) =>
  [...flows].flatMap(([port, each]) => (each === server ? [port] : []))

test('a failed server keeps its TCP flows and gets no new ones; its return and time restore the bytes', () => {
  r.apply({ servers: [1, 2, 3, 4] })
  const start = r.words()
  const flows = r.sendAll('syn', ports)
  const theirs = of(flows, 2)
  assert.ok(theirs.length > 20)
  const { slots } = r.engine.setServer('web', nameOf(2), { up: false })
  assert.ok(slots > 900)
  for (const [port, server] of r.sendAll('ack', ports)) assert.equal(server, flows.get(port), `${port}`)
  const later = r.sendAll(
    'syn',
    ports.map((port) => port + 1),
  )
  assert.equal(of(later, 2).length, 0)
  assert.deepEqual(r.sendAll('ack', later.keys()), later)
  assert.equal(r.engine.status().pools[0]!.servers[1]!.state, 'failed')
  r.pass(600)
  assert.equal(r.engine.setServer('web', nameOf(2), { up: true }).slots, slots)
  for (const [port, server] of [...r.sendAll('ack', flows.keys()), ...r.sendAll('ack', later.keys())])
    assert.equal(server, flows.get(port) ?? later.get(port), `${port}`)
  assert.ok(r.engine.status().flows!.live > theirs.length)
  r.pass(TIMEOUTS.established + 10)
  r.pass(10)
  assert.deepEqual(r.words(), start)
  assert.equal(r.engine.status().pools[0]!.young, 0)
  assert.equal(r.engine.status().flows!.live, 0)
})

test('with on_failure: reset the clients of a failed server get a RST, and only they', () => {
  r.apply({ servers: [1, 2, 3], onFailure: 'reset' })
  const flows = r.sendAll('syn', ports)
  r.engine.setServer('web', nameOf(3), { up: false })
  for (const [port, server] of r.sendAll('ack', ports))
    assert.equal(server, flows.get(port) === 3 ? 'reset' : flows.get(port))
  r.engine.setServer('web', nameOf(3), { up: true })
  for (const [port, server] of r.sendAll('ack', of(flows, 3))) assert.equal(server, 3, `${port}`)
})

test('UDP leaves a failed server at once, and stays where it went when that returns', () => {
  r.apply({ servers: [1, 2, 3] })
  const flows = r.sendAll('udp', ports)
  r.engine.setServer('web', nameOf(1), { up: false })
  const after = r.sendAll('udp', ports)
  assert.equal(of(after, 1).length, 0)
  for (const [port, server] of after) if (flows.get(port) !== 1) assert.equal(server, flows.get(port))
  r.engine.setServer('web', nameOf(1), { up: true })
  assert.deepEqual(r.sendAll('udp', ports), after)
  const fresh = r.sendAll(
    'udp',
    ports.map((port) => port + 1),
  )
  assert.ok(of(fresh, 1).length > 20)
})

test('a drain keeps the flows that are there, UDP among them, gives nothing new, and says when it is done', () => {
  r.apply({ servers: [1, 2, 3] })
  const [tcp, udp] = [r.sendAll('syn', ports), r.sendAll('udp', ports)]
  const drain = () => r.engine.status().pools[0]!.servers[1]!.drain!
  assert.deepEqual(r.engine.setServer('web', nameOf(2), { up: true, weight: 0 }).weight, 0)
  assert.deepEqual(r.sendAll('ack', ports), tcp)
  assert.deepEqual(r.sendAll('udp', ports), udp)
  assert.equal(
    of(
      r.sendAll(
        'syn',
        ports.map((port) => port + 1),
      ),
      2,
    ).length,
    0,
  )
  r.pass(2)
  assert.equal(drain().flows, of(tcp, 2).length + of(udp, 2).length)
  assert.deepEqual([drain().done, drain().leftS], [false, undefined])
  r.pass(TIMEOUTS.udp - 2)
  assert.equal(
    of(
      r.sendAll(
        'udp',
        ports.map((port) => port + 1),
      ),
      2,
    ).length,
    0,
    'UDP has been learned',
  )
  r.pass(500)
  assert.deepEqual(r.sendAll('ack', ports), tcp)
  r.pass(TIMEOUTS.established - 10)
  assert.ok(drain().flows >= of(tcp, 2).length && !drain().done)
  assert.ok(Math.abs(drain().silentS! - TIMEOUTS.established + 10) < 62, `${drain().silentS}`)
  r.pass(20)
  r.pass(2)
  assert.deepEqual([drain().flows, drain().done], [0, true])
  assert.equal(r.engine.setServer('web', nameOf(2), { up: true }).weight, 10)
  assert.equal(r.engine.status().pools[0]!.servers[1]!.drain, undefined)
})

test('a drain with a deadline is done then, whatever is left', () => {
  r.apply({ servers: [1, 2] })
  r.sendAll('syn', ports)
  r.engine.setServer('web', nameOf(2), { up: true, weight: 0, drainS: 90 })
  r.sendAll('ack', ports)
  r.pass(60)
  const drain = () => r.engine.status().pools[0]!.servers[1]!.drain!
  assert.deepEqual([drain().done, drain().leftS], [false, 30])
  r.pass(30)
  assert.equal(drain().done, true)
  assert.ok(drain().flows > 20)
})

test('a lower weight moves a part of the slots and no flow; a higher one than the file’s is clamped', () => {
  r.apply({ servers: [1, 2, 3] })
  const flows = r.sendAll('syn', ports)
  const changed = r.engine.setServer('web', nameOf(2), { up: true, weight: 3 })
  const share = () => r.engine.status().pools[0]!.servers[1]!.share
  assert.ok(Math.abs(share() - 0.1) < 0.01, `${share()}`)
  assert.deepEqual([changed.weight, changed.clamped], [3, false])
  assert.deepEqual(r.sendAll('ack', ports), flows)
  assert.deepEqual(r.engine.setServer('web', nameOf(2), { up: true, weight: 30 }), {
    slots: changed.slots,
    of: changed.of,
    peers: 2,
    weight: 10,
    clamped: true,
  })
  assert.ok(Math.abs(share() - 1 / 3) < 0.01)
  assert.deepEqual(r.engine.setServer('nobody’s', nameOf(2), { up: true }), {
    slots: 0,
    of: 0,
    peers: 0,
    weight: 0,
    clamped: false,
  })
})

test('what is not reachable is nobody’s for new flows, and not failed: its flows come back with its MAC', () => {
  r.apply({ servers: [1, 2, 3], onFailure: 'reset' })
  const flows = r.sendAll('syn', ports)
  r.engine.setNeighbour(nameOf(2), { why: 'neighbour FAILED' })
  const [theirs] = of(flows, 2)
  assert.equal(r.send('ack', theirs!), 'drop')
  assert.equal(
    of(
      r.sendAll(
        'syn',
        ports.map((port) => port + 1),
      ),
      2,
    ).length,
    0,
  )
  assert.equal(r.engine.status().pools[0]!.servers[1]!.state, 'unreachable')
  r.engine.setNeighbour(nameOf(2), { mac: macOf(2), on: 'eth0' })
  assert.deepEqual(r.sendAll('ack', ports), flows)
})

test('with track: all every flow is counted, by service and by server, and forgotten by its service’s time-outs', () => {
  const timeouts = { syn: 10, established: 60, fin: 5, udp: 30 }
  r.apply({ servers: [1, 2], track: 'all', timeouts })
  const flows = r.sendAll('syn', ports)
  r.sendAll('udp', ports.slice(0, 40))
  r.sendAll('ack', ports.slice(0, 100))
  r.sendAll('fin', ports.slice(0, 20))
  r.pass(1)
  const status = () => r.engine.status()
  assert.deepEqual(
    status().services.map(({ flows }) => flows),
    [200, 40],
  )
  assert.deepEqual([status().flows!.closed, status().flows!.syn, status().flows!.established], [20, 100, 120])
  const [first] = status().pools[0]!.servers
  const udpOf1 = first!.flows - of(flows, 1).length
  assert.ok(udpOf1 > 5 && udpOf1 < 35)
  assert.equal(status().servers[0]!.flows, first!.flows)
  r.pass(6)
  assert.equal(status().flows!.closed, 0)
  r.pass(6)
  assert.equal(status().flows!.syn, 0)
  r.pass(20)
  assert.deepEqual(
    status().services.map(({ flows }) => flows),
    [80, 0],
  )
  r.pass(30)
  assert.equal(status().flows!.live, 0)
})

test('where the packet path’s ticks come round, nothing young is forgotten and nothing old is kept', () => {
  r.apply({ servers: [1, 2], track: 'all' })
  // 30 bits of ticks of at most 2^6 jiffies: behind 2^36 jiffies all of them have come round
  r.setJiffies((1n << 40n) - 100n)
  const flows = r.sendAll('syn', ports)
  r.sendAll('ack', ports)
  r.pass(60)
  assert.equal(r.engine.status().flows!.live, 200)
  assert.deepEqual(r.sendAll('ack', ports), flows)
  r.pass(TIMEOUTS.established + 60)
  assert.equal(r.engine.status().flows!.live, 0)
})

test('by the kernel’s own clock, too, a flow is remembered for its time-out and no longer', async () => {
  r[Symbol.dispose]()
  r = new Rehearsal(`flows-test-${process.pid}`, 'apart', 'jiffies')
  r.apply({ servers: [1, 2], track: 'all', timeouts: { syn: 4, established: 4, fin: 4, udp: 4 } })
  const flows = r.sendAll('syn', ports)
  r.engine.tick()
  assert.equal(r.engine.status().flows!.live, ports.length)
  await wait(2_400)
  r.sendAll('ack', ports.slice(0, 50))
  await wait(2_400)
  r.engine.tick()
  assert.equal(r.engine.status().flows!.live, 50)
  assert.deepEqual(r.sendAll('ack', ports), flows)
})

test('a trace tells listener, slot, current and settled server, record and MAC', () => {
  r.apply({ servers: [1, 2, 3] })
  const flows = r.sendAll('syn', ports)
  const [port, other] = of(flows, 2) as [number, number]
  const ask = (from: number) =>
    r.engine.trace({ address: CLIENT, port: from }, { address: SERVICE, port: 80 })
  assert.deepEqual([ask(port).server, ask(port).record, ask(port).settled], ['web02', undefined, undefined])
  r.engine.setServer('web', nameOf(2), { up: false })
  r.send('ack', port)
  r.pass(30)
  const traced = ask(port)
  assert.deepEqual([traced.server, traced.settled, traced.record?.server], ['web02', 'web02', 'web02'])
  assert.deepEqual([traced.record?.state, Math.round(traced.record!.ageS)], ['established', 30])
  assert.match(
    traced.steps.join(' '),
    /A record says that the flow is web02’s: established, last seen (29|30)\.\d s ago/,
  )
  assert.match(traced.steps.join(' '), /which has failed; web0[13] stands in for it/)
  const unrecorded = ask(other)
  assert.deepEqual([unrecorded.record, unrecorded.server, unrecorded.settled], [undefined, 'web02', 'web02'])
  assert.match(
    unrecorded.steps.join(' '),
    /No record is there of the flow\. A SYN goes to web0[13]; a flow of before is web02’s/,
  )
  for (const each of ports) {
    assert.equal(ask(each).server, nameOf(r.send('ack', each) as number))
    assert.equal(ask(each + 1).current, nameOf(r.send('syn', each + 1) as number))
  }
})

test('a trace says what becomes of the next packet, whatever state the slot and the flow are in', () => {
  const seen = new Map<string, number>()
  const compare = () => {
    for (const [kind, port] of [['ack', 80], ['udp', 53]] as const) // biome-ignore format: a list
      for (const from of ports.slice(0, 60)) {
        const protocol = kind === 'ack' ? 'tcp' : 'udp'
        const traced = r.engine.trace({ address: CLIENT, port: from }, { address: SERVICE, port }, protocol)
        const got = r.send(kind, from)
        const said = { forwarded: traced.server, reset: 'reset', 'no-server': 'drop' }[traced.outcome]
        assert.equal(
          said,
          typeof got === 'number' ? nameOf(got) : got,
          `${kind} ${from}: ${traced.steps.join(' ')}`,
        )
        const key = `${kind} ${traced.outcome} ${traced.record?.state} ${traced.settled !== undefined}`
        seen.set(key, (seen.get(key) ?? 0) + 1)
      }
  }
  const cast = { servers: [1, 2, 3, 4, 5, 6], onFailure: 'reset' } as const
  r.apply(cast)
  r.sendAll('syn', ports)
  compare()
  r.engine.setServer('web', nameOf(1), { up: true, weight: 0 })
  r.sendAll('ack', ports.slice(0, 20))
  compare()
  r.engine.setServer('web', nameOf(2), { up: false })
  compare()
  compare()
  r.engine.setNeighbour(nameOf(3), { why: 'neighbour FAILED' })
  compare()
  r.apply({ ...cast, servers: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] })
  compare()
  r.engine.setServer('web', nameOf(2), { up: true })
  r.pass(400)
  r.sendAll('fin', ports.slice(0, 10))
  compare()
  r.pass(1_000)
  compare()
  assert.ok(seen.size >= 10, `${[...seen.keys()].join(', ')}`)
})
