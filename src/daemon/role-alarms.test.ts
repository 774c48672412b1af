import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FakeCluster, fakeCluster } from '../cluster/fake-peers.ts'
import type { Event } from '../events/event.ts'
import { EventLog, memoryStore } from '../events/event-log.ts'
import type { RoleChange, SetStatus } from '../vrrp/protocol.ts'
import { setTold } from './fake-vrrp.ts'
import { publishRoles } from './peer-roles.ts'
import { RoleAlarms } from './role-alarms.ts'
import { roleEvent } from './role-events.ts'
import { FAILURES } from './takeovers.ts'

const log = { info: () => {}, warn: () => {}, error: () => {} }

/** Pair: lb1 and lb2 with one set, their events on disks that outlive them, and one clock. */
class Pair {
  now = Date.parse('2024-01-02T03:00:00Z')
  readonly cluster: FakeCluster = fakeCluster(['lb1', 'lb2'], () => new Date(this.now))
  readonly lb1 = new Node('lb1', this)
  readonly lb2 = new Node('lb2', this)

  /** dies: power and network at once. */
  dies(node: Node): void {
    this.cluster.cut('lb1', 'lb2')
    node.alarms = undefined
  }

  /** back: `withDisk`: what it kept is there. */
  back(node: Node, withDisk = true): void {
    if (!withDisk) node.disk = []
    node.begin()
    this.cluster.heal('lb1', 'lb2')
    this.pass(1000)
  }

  /** pass: time, and what vrrp says again and again. */
  pass(ms: number): void {
    this.now += ms
    for (const node of [this.lb1, this.lb2]) node.hears()
  }

  /** told: alarms by node, in order of time. */
  get told(): string[] {
    return [this.lb1, this.lb2].flatMap(({ name, disk }) =>
      disk.flatMap(({ kind, severity }) => (kind === 'role.flapping' ? [`${name} ${severity}`] : [])),
    )
  }
}

class Node {
  readonly name: string
  readonly #pair: Pair
  disk: Event[] = []
  alarms: RoleAlarms | undefined
  readonly held: number[] = []
  #status: SetStatus = setTold('front', 'backup', { since: 0 })
  #log: EventLog | undefined

  constructor(name: string, pair: Pair) {
    this.name = name
    this.#pair = pair
    this.begin()
  }

  begin(): void {
    const store = {
      ...memoryStore(),
      kept: [...this.disk],
      add: (event: Event) => void this.disk.push(event),
    }
    this.#log = new EventLog({ store, log, now: () => new Date(this.#pair.now) })
    this.#status = setTold('front', 'backup', { since: this.#pair.now })
    this.alarms = new RoleAlarms({
      peers: this.#pair.cluster.node(this.name),
      events: this.#log,
      servicesOf: () => ['www'],
      hold: (_, ms) => void this.held.push(ms),
      now: () => new Date(this.#pair.now),
    })
    this.alarms.adopt(['front'], this.name)
  }

  hears(): void {
    if (!this.alarms) return
    this.alarms.heard([this.#status])
    publishRoles(this.#pair.cluster.node(this.name), [this.#status], (set) => this.alarms!.told(set))
  }

  takes(why: RoleChange['why']['name']): void {
    const at = this.#pair.now
    const change: RoleChange = {
      set: 'front',
      from: 'backup',
      to: 'active',
      why: { name: why, text: why },
      at,
    }
    this.#status = setTold('front', 'active', { since: at })
    this.#log!.record(roleEvent(change, { services: [], nameOf: (address) => address }))
    this.alarms!.changed(change)
    this.#pair.pass(1000)
  }

  /** finds: what vrrp finds, told as main tells it. */
  finds(name: 'flapping' | 'flapping-over'): boolean {
    return this.alarms!.isNews({ set: 'front', name })
  }
}

for (const withDisk of [true, false])
  test(`nodes that die in turn raise one alarm, by who takes over, ${withDisk ? 'each with' : 'all without'} a disk`, () => {
    const pair = new Pair()
    const { lb1, lb2 } = pair
    lb1.takes('silence')
    pair.pass(86_400_000)
    pair.dies(lb1)
    lb2.takes('silence')
    pair.pass(60_000)
    pair.back(lb1, withDisk)
    pair.pass(60_000)
    assert.deepEqual(pair.told, [])
    pair.dies(lb2)
    lb1.takes('silence')
    assert.deepEqual(pair.told, ['lb1 error'])
    const { text, services, data } = lb1.disk.at(-1)!
    assert.match(
      text,
      /^front: its active node failed 2 times within 122 s: lb1, lb2, lb1; nobody preempts until /,
    )
    assert.deepEqual([services, data], [['www'], { name: 'failures', failures: 2 }])
    assert.deepEqual(lb1.held, [FAILURES.backOffMs])
    // and goes on as it began
    pair.back(lb2, withDisk)
    pair.pass(60_000)
    pair.dies(lb1)
    lb2.takes('silence')
    pair.back(lb1, true)
    assert.deepEqual([pair.told, lb2.held.at(-1)! > 0], [['lb1 error'], true])
    assert.deepEqual([lb1.finds('flapping'), lb2.finds('flapping')], [false, false])
    // who raised it tells when it is over, having been away meanwhile
    pair.pass(FAILURES.withinMs)
    assert.deepEqual([pair.told, lb2.held.at(-1)], [['lb1 error', 'lb1 notice'], 0])
  })

test('a takeover that main did not see was for no reason that it knows, and counts', () => {
  const pair = new Pair()
  const { lb1, lb2 } = pair
  lb1.takes('silence')
  pair.dies(lb1)
  lb2.takes('silence')
  pair.back(lb1)
  pair.dies(lb2)
  lb1.alarms!.heard([setTold('front', 'active', { since: pair.now })])
  assert.deepEqual(pair.told, ['lb1 error'])
})

test('what vrrp finds of a node that takes over too often is told by one node, until that is over', () => {
  const pair = new Pair()
  const { lb1, lb2 } = pair
  assert.ok(lb1.finds('flapping'))
  pair.pass(1000)
  assert.ok(!lb2.finds('flapping'))
  assert.ok(!lb2.finds('flapping-over'))
  assert.ok(lb1.finds('flapping-over'))
  pair.pass(1000)
  assert.ok(lb2.finds('flapping'))
})
