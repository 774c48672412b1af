// Flows from one generation to the next, in the kernel: edits of the file, other sizes of tables, daemons that die.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { entriesFor } from '../dataplane/flow-record.ts'
import { TIMEOUTS } from '../dataplane/shape.ts'
import { nameOf, Rehearsal } from './rehearsal.ts'

const ports = Array.from({ length: 200 }, (_, i) => 20_000 + 7 * i)
const next = ports.map((port) => port + 1)
let r: Rehearsal

beforeEach(() => {
  r = new Rehearsal(`succession-test-${process.pid}`)
})
afterEach(() => {
  r[Symbol.dispose]()
})

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)
const of = (flows: ReadonlyMap<number, unknown>, ...servers: number[]) =>
  [...flows].flatMap(([port, each]) => (servers.includes(each as number) ? [port] : []))

test('through 20 reloads with another set of servers each, flows that send keep their server while the file has it', () => {
  r.apply({ servers: upTo(6) })
  const flows = new Map<number, number | 'reset' | 'drop'>()
  const begin = (port: number) => {
    flows.set(port, r.send('syn', port))
    assert.equal(r.send('ack', port), flows.get(port))
  }
  for (const port of ports) begin(port)
  for (let reload = 1; reload <= 20; reload++) {
    // 5 to 12 servers: two sizes of tables; 1 to 4 are always there
    const more = upTo(1 + ((reload * 5) % 8)).map((n) => 5 + ((n + reload) % 12))
    r.apply({ servers: [1, 2, 3, 4, ...more].sort((a, b) => a - b) })
    // half of the flows send between any two reloads, half of them only now and then
    for (const [index, port] of [...flows.keys()].entries()) {
      const server = flows.get(port)!
      if (index < 100 && reload % 8 !== 0) continue
      if ((server as number) < 5 || more.includes(server as number))
        assert.equal(r.send('ack', port), server, `${port}, reload ${reload}`)
      else begin(port)
    }
    begin(40_000 + 3 * reload)
    r.pass(100)
  }
  assert.ok(of(flows, 1, 2, 3, 4).length > 60)
})

const isBeforeThere = () => r.engine.status().maps.some(({ name }) => name === 'before')

test('flows that were silent while the table grew find their server: new slots are parts of old ones', () => {
  r.apply({ servers: upTo(6) })
  const flows = r.sendAll('syn', ports)
  assert.equal(r.apply({ servers: upTo(11) }).change, 'replaced')
  assert.equal(isBeforeThere(), false)
  r.pass(TIMEOUTS.established - 60)
  assert.deepEqual(r.sendAll('ack', ports), flows)
  assert.ok(of(r.sendAll('syn', next), 7, 8, 9, 10, 11).length > 50)
})

test('flows that were silent while the table shrank find their server by the table before', () => {
  r.apply({ servers: upTo(11) })
  // who takes the place of several that failed is drawn for each slot by itself
  for (const failed of [7, 8, 9, 10, 11]) r.engine.setServer('web', nameOf(failed), { up: false })
  r.pass(TIMEOUTS.established + 60)
  const flows = r.sendAll('syn', ports)
  assert.equal(r.apply({ servers: upTo(6) }).change, 'replaced')
  assert.equal(isBeforeThere(), true)
  r.pass(TIMEOUTS.established - 60)
  assert.deepEqual(r.sendAll('ack', ports), flows)
  r.pass(120)
  assert.deepEqual(r.sendAll('ack', ports), flows, 'they have records now')
  // what has settled asks no more, and the next generation has no table before
  assert.equal(r.apply({ servers: upTo(6) }).change, 'replaced')
  assert.equal(isBeforeThere(), false)
  assert.deepEqual(r.sendAll('ack', ports), flows)
  assert.equal(r.apply({ servers: upTo(6) }).change, 'taken-over')
})

test('the flow table is the same map after a reload, and copied when its size changes', () => {
  r.apply({ servers: [1, 2, 3], track: 'all' })
  const flows = r.sendAll('syn', ports)
  r.sendAll('ack', ports)
  const id = r.mapId('flows')
  // nothing is settled with anybody else: only records can know
  r.apply({ servers: [1, 2, 3, 4], track: 'all' })
  assert.equal(r.mapId('flows'), id)
  assert.deepEqual(r.sendAll('ack', ports), flows)
  for (const size of [16_384, 512, 4_096]) {
    const { notes } = r.apply({ servers: [1, 2, 3, 4], track: 'all', flows: size })
    assert.match(
      notes.join(),
      new RegExp(`flow table of ${entriesFor(size)} records instead of \\d+: 200 copied$`),
    )
    assert.notEqual(r.mapId('flows'), id)
    r.pass(2)
    assert.equal(r.engine.status().flows!.live, 200)
    assert.deepEqual(r.sendAll('ack', ports), flows)
  }
})

test('a server that is taken out of the file loses its flows, and its number is free a generation later', () => {
  r.apply({ servers: [1, 2, 3], track: 'all' })
  const flows = r.sendAll('syn', ports)
  r.sendAll('ack', ports)
  r.apply({ servers: [1, 3, 9], track: 'all' })
  const after = r.sendAll('ack', ports)
  for (const [port, server] of flows) {
    if (server !== 2) assert.equal(after.get(port), server)
    else assert.notEqual(after.get(port), 2)
  }
  assert.ok(
    of(
      r.sendAll(
        'syn',
        ports.map((port) => port + 1),
      ),
      9,
    ).length > 20,
    'the new one is not taken for it',
  )
  r.apply({ servers: [1, 3, 9, 2], track: 'all' })
  for (const [port, server] of after) assert.equal(r.send('ack', port), server)
})

test('a new daemon reads slots, records and failures from the kernel; what changed counts as changed now', () => {
  r.apply({ servers: [1, 2, 3, 4] })
  const flows = r.sendAll('syn', ports)
  r.engine.setServer('web', nameOf(2), { up: false })
  r.sendAll('ack', ports.slice(0, 100))
  r.pass(600)
  const words = r.words()
  r.restart()
  assert.equal(r.apply({ servers: [1, 2, 3, 4] }).change, 'taken-over')
  assert.deepEqual(r.words(), words)
  assert.equal(r.engine.status().pools[0]!.servers[1]!.state, 'failed')
  r.pass(600)
  assert.deepEqual(r.sendAll('ack', ports.slice(100)), new Map([...flows].slice(100)))
  r.pass(310)
  assert.equal(r.engine.status().pools[0]!.young, 0)
})

test('a daemon that starts with another file finds flows by what the one before left', () => {
  r.apply({ servers: upTo(4) })
  const flows = r.sendAll('syn', ports)
  r.apply({ servers: upTo(5) })
  r.restart()
  assert.equal(r.apply({ servers: [1, 2, 3, 5, 6, 7, 8] }).change, 'replaced')
  for (const [port, server] of flows) if (server !== 4) assert.equal(r.send('ack', port), server, `${port}`)
  r.restart()
  r.apply({ servers: upTo(12) })
  for (const [port, server] of flows) if (server !== 4) assert.equal(r.send('ack', port), server, `${port}`)
})

test('a pool that gets another name is the one that its services had', () => {
  r.apply({ servers: upTo(6) })
  const flows = r.sendAll('syn', ports)
  r.apply({ servers: upTo(7), pool: 'inside' })
  assert.deepEqual(r.sendAll('ack', ports), flows)
  r.restart()
  r.apply({ servers: upTo(8), pool: 'outside' })
  assert.deepEqual(r.sendAll('ack', ports), flows)
})

test('views and drains hold through a reload; what the caller tells counts', () => {
  r.apply({ servers: [1, 2, 3] })
  r.engine.setServer('web', nameOf(1), { up: false })
  r.engine.setServer('web', nameOf(2), { up: true, weight: 0 })
  const states = () => r.engine.status().pools[0]!.servers.map(({ state }) => state)
  r.apply({ servers: [1, 2, 3, 4] })
  assert.deepEqual(states(), ['failed', 'draining', 'up', 'up'])
  r.apply({ servers: [1, 2, 3, 4] }, new Map([['web', new Map([[nameOf(1), { up: true }]])]]))
  assert.deepEqual(states(), ['up', 'draining', 'up', 'up'])
  r.apply({ servers: [2, 3, 4] })
  r.restart()
  r.apply({ servers: [1, 2, 3, 4] }, new Map([['web', new Map([[nameOf(3), { up: false }]])]]))
  assert.deepEqual(states(), ['up', 'up', 'failed', 'up'])
  assert.equal(r.engine.status().pools[0]!.servers[2]!.share, 0)
})

test('a daemon killed in the middle of swaps and copies leaves one generation or the other, and flows where they were', async () => {
  r.apply({ servers: [1, 2, 3], track: 'all' })
  const flows = r.sendAll('syn', ports)
  r.sendAll('ack', ports)
  const url = (file: string) => JSON.stringify(new URL(file, import.meta.url).href)
  const code = `
    const { Rehearsal } = await import(${url('./rehearsal.ts')})
    const daemon = new Rehearsal(${JSON.stringify(r.instance)}, 'here')
    for (let turn = 0; ; turn++) {
      daemon.apply({ servers: turn % 2 ? [1, 2, 3] : [1, 2, 3, 4, 5, 6, 7], track: 'all', flows: turn % 3 ? 100_000 : 60_000 })
      if (turn === 0) console.log('swapping')
    }`
  const generations = new Set<number>()
  for (let round = 0; round < 6; round++) {
    r.engine[Symbol.dispose]()
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    await wait(17 + 61 * round)
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.deepEqual(r.sendAll('ack', ports), flows, `round ${round}`)
    r.restart()
    const { generation, change } = r.apply({ servers: [1, 2, 3], track: 'all' })
    assert.equal(change, 'replaced')
    generations.add(generation)
    assert.deepEqual(r.sendAll('ack', ports), flows, `round ${round}`)
    r.pass(2)
    assert.equal(r.engine.status().flows!.live, ports.length)
  }
  assert.ok(Math.max(...generations) > 12, `${[...generations]}`)
})

test('a swap back and forth between shapes leaves no record of what nobody has', () => {
  r.apply({ servers: [1, 2], track: 'all' })
  r.sendAll('udp', ports)
  r.apply({ servers: [1, 2], track: 'none' })
  assert.equal(r.engine.status().flows, undefined)
  r.apply({ servers: [1, 2], track: 'all' })
  r.engine.tick()
  assert.equal(r.engine.status().flows!.live, 0)
})

for (const track of ['none', 'changes'] as const)
  test(`track ${track}: a fragment follows its first over a change of the file, and over a daemon that died`, () => {
    using r = new Rehearsal(`pieces-${track}-${process.pid}`)
    r.apply({ servers: [1, 2, 3, 4], track })
    const server = r.sendPiece('first', 4_000, 7)
    assert.equal(typeof server, 'number')
    assert.equal(
      r.apply({ servers: [1, 2, 3, 4], track, onFailure: 'reset', weights: [9, 9, 9, 9] }).change,
      'replaced',
    )
    assert.equal(r.sendPiece('later', 4_000, 7), server)
    assert.equal(r.sendPiece('later', 4_000, 8), 'drop')
    r.restart()
    r.apply({ servers: [1, 2, 3, 4], track, flows: 8_192 })
    assert.equal(r.sendPiece('later', 4_000, 7), server)
  })

test('that records of other nodes are awaited holds through reloads and over a daemon that died, until it is said otherwise', () => {
  const cast = { servers: [1, 2], scheduler: 'rr', track: 'all', isTold: true } as const
  r.apply(cast)
  assert.notEqual(r.send('ack', 1), 'drop')
  r.engine.replica.awaitRecords(true)
  assert.equal(r.send('ack', 2), 'drop')
  assert.equal(r.apply({ ...cast, servers: [1, 2, 3] }).change, 'replaced')
  assert.equal(r.send('ack', 2), 'drop')
  r.restart()
  r.apply({ ...cast, flows: 8_192 })
  assert.equal(r.send('ack', 2), 'drop')
  assert.notEqual(r.send('ack', 1), 'drop', 'what is known goes on')
  r.engine.replica.awaitRecords(false)
  assert.notEqual(r.send('ack', 2), 'drop')
  r.apply({ servers: [1, 2], track: 'all' })
  r.engine.replica.awaitRecords(true)
  assert.notEqual(r.send('ack', 3), 'drop', 'nobody tells of records')
})
