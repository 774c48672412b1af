// Two engines in two namespaces, of which the second follows the first: real maps, test runs of what is attached on both.
// What the first one's packets left there is handed over as it is between two daemons, without what carries it.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { HASH_KEYS, TIMEOUTS } from '../dataplane/shape.ts'
import type { Taken } from './flow-exchange.ts'
import { type Cast, type Kind, nameOf, Rehearsal } from './rehearsal.ts'

const ports = Array.from({ length: 200 }, (_, i) => 20_000 + 7 * i)
const POOL = 'web'
let active: Rehearsal
let backup: Rehearsal

beforeEach(() => {
  active = new Rehearsal(`same-test-a${process.pid}`)
  backup = new Rehearsal(`same-test-b${process.pid}`)
})
afterEach(() => {
  backup.within(() => {})
  backup[Symbol.dispose]()
  active[Symbol.dispose]()
})

const both = (use: (rehearsal: Rehearsal) => void) => {
  for (const each of [active, backup]) each.within(use)
}
const send = (where: Rehearsal, kind: Kind, some: Iterable<number> = ports) =>
  where.within(() => where.sendAll(kind, some))

/** Everything that one node has for another, told. */
function tell(from: Rehearsal, to: Rehearsal): Taken[] {
  const share = from.within(() => from.engine.replica.share(POOL)!)
  assert.equal(
    to.within(() => to.engine.replica.follow(share)),
    'followed',
  )
  const flows = from.engine.replica.flows()!
  return flows.tables.flatMap((table) => {
    const batch = flows.news(table, flows.entriesOf(table), 10_000)
    return batch ? [to.engine.replica.flows()!.take(batch)] : []
  })
}

function apply(cast: Cast): void {
  both((each) => each.apply(cast))
  for (const each of [active, backup]) each.engine.replica.flows()
}

const moved = (before: ReadonlyMap<number, unknown>, after: ReadonlyMap<number, unknown>) =>
  [...after].filter(([port, server]) => before.get(port) !== server).length

test('in steady state both have one server for each flow, and nothing is to be told', () => {
  apply({ servers: [1, 2, 3, 4] })
  const flows = send(active, 'syn')
  assert.deepEqual(tell(active, backup), [])
  assert.deepEqual(send(backup, 'ack'), flows)
})

test('flows of before a change and of after it keep their servers on the node that followed, without its daemon', () => {
  apply({ servers: [1, 2, 3, 4] })
  const old = send(active, 'syn')
  both(({ engine }) => void engine.setServer(POOL, nameOf(2), { up: true, weight: 0 }))
  const fresh = send(
    active,
    'syn',
    ports.map((port) => port + 1),
  )
  send(active, 'ack', ports.slice(0, 100))
  assert.ok(
    moved(old, send(backup, 'ack')) === 0,
    'the backup saw the same change, and has the same settled servers',
  )
  const taken = tell(active, backup)
  assert.ok(taken[0]!.placed > 20 && taken[0]!.foreign === 0, JSON.stringify(taken))
  backup.within(() => backup.engine[Symbol.dispose]())
  assert.equal(moved(fresh, send(backup, 'ack', fresh.keys())), 0)
  assert.equal(moved(old, send(backup, 'ack')), 0)
  assert.ok(
    ![
      ...send(
        backup,
        'syn',
        ports.map((port) => port + 2),
      ).values(),
    ].includes(2),
  )
})

test('where the views differ, flows stay with the server that they have on the active node, and new ones go by the own view', () => {
  apply({ servers: [1, 2, 3, 4] })
  backup.within(({ engine }) => void engine.setServer(POOL, nameOf(3), { up: true, weight: 0 }))
  const [tcp, udp] = [send(active, 'syn'), send(active, 'udp')]
  tell(active, backup)
  assert.equal(moved(tcp, send(backup, 'ack')), 0)
  assert.equal(moved(udp, send(backup, 'udp')), 0)
  const fresh = send(
    backup,
    'syn',
    ports.map((port) => port + 1),
  )
  assert.ok(![...fresh.values()].includes(3))
  backup.within(({ engine }) => engine.replica.lead(POOL))
  backup.within((each) => each.pass(TIMEOUTS.established - 20))
  assert.equal(moved(tcp, send(backup, 'ack')), 0, 'young from the moment of taking over')
})

test('a view that changes while another node leads is followed anew, and a return leaves no trace', () => {
  apply({ servers: [1, 2, 3] })
  tell(active, backup)
  const clean = backup.within((each) => each.words())
  backup.within(({ engine }) => {
    assert.ok(engine.setServer(POOL, nameOf(1), { up: false }).slots > 500)
    assert.equal(engine.replica.renew(1_000_000), 1)
    engine.setServer(POOL, nameOf(1), { up: true })
    assert.notDeepEqual(backup.words(), clean)
    assert.equal(engine.replica.renew(1_000_000), 1)
    assert.equal(engine.replica.renew(1_000_000), 0)
  })
  assert.deepEqual(
    backup.within((each) => each.words()),
    clean,
  )
})

test('tracked flows and client networks keep their servers, whoever schedules, and those that end are told as ended', () => {
  apply({ servers: [1, 2, 3, 4], scheduler: 'rr', persistence: { timeout: 300, network: 32, network6: 128 } })
  const flows = send(active, 'syn', ports.slice(0, 20))
  send(active, 'ack', ports.slice(0, 20))
  const [taken] = tell(active, backup)
  assert.equal(taken!.placed, 21, 'the network of the client, too')
  assert.deepEqual(send(backup, 'ack', ports.slice(0, 20)), flows)
  const next = send(backup, 'syn', [50_000]).get(50_000)
  assert.equal(next, flows.get(ports[0]!), 'the client keeps its server')
  send(active, 'fin', ports.slice(0, 5))
  assert.equal(tell(active, backup)[0]!.placed, 5)
  assert.deepEqual(tell(active, backup), [], 'what was taken in is no news')
  assert.equal(
    backup.engine.replica.flows()!.news('flows', 100_000, 10)?.records.length,
    1,
    'but its own flow is',
  )
})

test('a flow that goes on is told again after an eighth of its time-out, and when it has been silent for as long', () => {
  apply({ servers: [1, 2], track: 'all' })
  send(active, 'syn', [20_000])
  send(active, 'ack', [20_000])
  assert.equal(tell(active, backup).length, 1)
  const eighth = TIMEOUTS.established / 8
  both((each) => each.pass(eighth / 2))
  send(active, 'ack', [20_000])
  assert.deepEqual(tell(active, backup), [])
  both((each) => each.pass(eighth + 1))
  assert.equal(tell(active, backup)[0]?.placed, 1, 'silent')
  send(active, 'ack', [20_000])
  assert.equal(tell(active, backup)[0]?.placed, 1, 'and again')
})

test('what is older than what is known here changes nothing, and names that are not here mean nothing', () => {
  apply({ servers: [1, 2], track: 'all' })
  send(active, 'syn', [20_000])
  active.within((each) => each.pass(60))
  const { batch } = active.engine.replica.flows()!.bulk('flows', 0, 1_000_000)
  send(backup, 'syn', [20_000])
  const take = (change: object) => backup.engine.replica.flows()!.take({ ...batch!, ...change })
  assert.deepEqual(take({}), { placed: 0, stale: 1, foreign: 0, unplaced: 0 })
  assert.equal(take({ services: ['other'] }).foreign, 1)
  assert.equal(take({ servers: [{ name: nameOf(1), address: '10.9.9.9' }] }).foreign, 1)
  assert.equal(take({ table: 'answers' }).foreign, 1)
})

test('a table of before that has to be asked gets room in the next generation, and old flows their servers', () => {
  apply({ servers: [1] })
  const old = send(active, 'syn')
  both((each) => each.apply({ servers: [1, 2, 3, 4] }))
  backup.within((each) => {
    each.engine.setServer(POOL, nameOf(1), { up: true })
    each.pass(2 * TIMEOUTS.established)
    each.pass(10)
    each.apply({ servers: [1, 2, 3, 4] })
  })
  const share = active.engine.replica.share(POOL)!
  backup.within(({ engine }) => {
    const result = engine.replica.follow(share)
    if (result === 'before') backup.apply({ servers: [1, 2, 3, 4] })
    assert.equal(engine.replica.follow(share), 'followed')
  })
  assert.equal(moved(old, send(backup, 'ack')), 0)
})

test('a node of other hash keys gets those of the cluster with its next apply, and follows by them', () => {
  const own = BigUint64Array.from({ length: HASH_KEYS }, (_, i) => BigInt(i + 1))
  apply({ servers: [1, 2, 3, 4], track: 'all' })
  const flows = send(active, 'syn')
  backup.within((each) => {
    const cluster = each.engine.keys.slice()
    each.engine.rekey(own)
    each.apply({ servers: [1, 2, 3, 4], track: 'all' })
    assert.ok(moved(flows, each.sendAll('ack', ports)) > 100)
    each.engine.rekey(cluster)
    const { change } = each.apply({ servers: [1, 2, 3, 4], track: 'all' })
    assert.equal(change, 'replaced')
    assert.deepEqual(each.engine.keys, cluster)
    each.engine.replica.flows()
  })
  assert.equal(tell(active, backup)[0]!.placed, ports.length)
  assert.equal(moved(flows, send(backup, 'ack')), 0)
})
