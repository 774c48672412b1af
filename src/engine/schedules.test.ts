// What schedulers that count go by, through failures, weights, edits of the file and restarts, in memory that no kernel has.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIp, parseMac } from '../base/addresses.ts'
import { clockOf } from '../dataplane/flow-clock.ts'
import { memoryOf } from '../dataplane/memory.ts'
import { ScheduleImage, schedulingOf } from '../dataplane/scheduling.ts'
import { type CountingScheduler, TIMEOUTS } from '../dataplane/shape.ts'
import { type EngineSpec, LIMITS } from './engine.ts'
import { Known } from './known.ts'
import { pickerOf, scaledWeights } from './picker.ts'
import { planOf } from './plan.ts'
import { Schedules } from './schedules.ts'

type Members = readonly (readonly [server: string, weight: number])[]

const specOf = (scheduler: CountingScheduler, members: Members): EngineSpec => ({
  interfaces: [{ name: 'eth0', index: 2, mac: parseMac('02:00:00:00:00:02'), mtu: 1500 }],
  services: [
    {
      ...{ name: 'www', pool: 'www', track: 'all', onFailure: 'keep', hash: 'flow', scheduler },
      listeners: [{ address: parseIp('192.0.2.10'), port: 80, protocol: 'tcp' }],
      timeouts: TIMEOUTS,
    },
  ],
  pools: [{ name: 'www', members: members.map(([server, weight]) => ({ server, weight })) }],
  servers: members.map(([name], i) => ({ name, address: parseIp(`192.0.2.${20 + i}`) })),
  limits: LIMITS,
})

/** Running: one generation, filled; the packet path is played by take(). */
class Running {
  readonly known: Known
  readonly schedules: Schedules
  readonly image: ScheduleImage
  readonly idOf: ReadonlyMap<string, number>
  readonly #names: readonly (string | undefined)[]

  constructor(scheduler: CountingScheduler, members: Members, before?: Running) {
    const plan = planOf(specOf(scheduler, members), { cpus: 1, clock: clockOf(250) })
    const { serviceCapacity, serverCapacity } = memoryOf(plan.shape)
    const scheduling = schedulingOf(plan.shape, serviceCapacity, serverCapacity)!
    this.known = new Known(before?.known)
    for (const [name] of members)
      this.known.setNeighbour(name, { mac: parseMac('02:00:00:00:00:09'), on: 'eth0' })
    this.schedules = Schedules.of(plan, scheduling.rows, this.known, before?.schedules)!
    this.image = new ScheduleImage(scheduling, new Uint8Array(scheduling.map.type.size))
    for (const [service, table] of this.schedules.tables()) this.image.fill(service, table)
    this.schedules.bind(this.image, () => ({ active: 0, inactive: 0 }))
    this.idOf = plan.idOf
    this.#names = plan.servers
  }

  /** take turns, as the packet path does. */
  take(count: number): string {
    return Array.from({ length: count }, () => {
      const { ids, cursor } = this.image.turns(0)
      if (ids.length === 0) return 'nobody'
      this.image.setTurns(0, [...ids], cursor + 1n)
      return this.#names[ids[Number(cursor % BigInt(ids.length))]!]
    }).join(' ')
  }

  view(server: string, view: { readonly up: boolean; readonly weight?: number }): void {
    this.known.setView('www', server, view, 0)
    this.schedules.change(this.known)
  }
}

const three: Members = [
  ['c', 1],
  ['a', 1],
  ['b', 1],
]

test('servers take turns in the order of the file', () => {
  assert.equal(new Running('rr', three).take(7), 'c a b c a b c')
  assert.equal(
    new Running('wrr', [
      ['c', 1],
      ['a', 3],
      ['b', 2],
    ]).take(6),
    'a a b c a b',
  )
})

test('a server that fails, drains or is not reachable has no turn, and the others go on behind the last one', () => {
  const running = new Running('rr', three)
  assert.equal(running.take(1), 'c')
  running.view('a', { up: false })
  assert.equal(running.take(3), 'b c b')
  running.view('a', { up: true, weight: 0 })
  assert.equal(running.take(1), 'c')
  running.view('a', { up: true })
  assert.equal(running.take(2), 'a b')
  running.known.setNeighbour('c', { why: 'no answer' })
  running.schedules.change(running.known)
  assert.equal(running.take(3), 'a b a')
  for (const server of ['a', 'b']) running.view(server, { up: false })
  assert.equal(running.take(2), 'nobody nobody')
  running.view('b', { up: true })
  assert.equal(running.take(2), 'b b')
})

test('turns go on through a file with other servers, behind the last one or who was before it', () => {
  const before = new Running('rr', three)
  assert.equal(before.take(2), 'c a')
  assert.equal(new Running('rr', [...three, ['d', 1]], before).take(3), 'b d c')
  const without: Members = [
    ['c', 1],
    ['b', 1],
    ['e', 1],
  ]
  assert.equal(new Running('rr', without, before).take(3), 'b e c')
  // nobody was before the last one: from the start
  const alone = new Running('rr', [['c', 1]])
  assert.equal(alone.take(1), 'c')
  assert.equal(new Running('rr', three.slice(1), alone).take(2), 'a b')
  // another scheduler begins anew
  assert.equal(new Running('wrr', three, before).take(3), 'c a b')
})

test('what a daemon finds running goes on where it is, and on from there where it has changed', () => {
  const before = new Running('rr', three)
  assert.equal(before.take(1), 'c')
  const after = new Running('rr', three)
  after.schedules.takeOver(before.image)
  assert.equal(before.take(1), 'a')
  after.known.setView('www', 'b', { up: false }, 0)
  after.schedules.change(after.known)
  assert.equal(before.take(2), 'c a')

  const other = new Running('rr', three)
  other.known.setView('www', 'c', { up: false }, 0)
  const late = new Running('rr', three, other)
  late.schedules.takeOver(before.image)
  assert.equal(before.take(2), 'b a')
})

test('weights above the configured one count as that, and lower ones have room for their turns', () => {
  const running = new Running('wrr', [
    ['a', 4],
    ['b', 4],
  ])
  assert.equal(running.take(2), 'a b')
  running.view('b', { up: true, weight: 9 })
  assert.equal(running.take(2), 'a b')
  running.view('b', { up: true, weight: 3 })
  // the pass that asks for 1 was under way, as LVS counts; then all passes: 4, 3, 2, 1
  assert.equal(running.take(9), 'a b a a b a b a b')
})

test('room for turns is what the weights of the file can make, and scaled weights are said', () => {
  const room = (scheduler: CountingScheduler, members: Members) => {
    const { services, pools } = specOf(scheduler, members)
    return pickerOf(services[0]!, pools[0]!)!.room
  }
  assert.equal(room('rr', three), 3)
  assert.equal(room('wlc', three), 3)
  assert.equal(
    room('wrr', [
      ['a', 100],
      ['b', 100],
    ]),
    200,
  ) // prettier-ignore
  assert.equal(
    room('wrr', [
      ['a', 65_535],
      ['b', 65_534],
    ]),
    65_536,
  ) // prettier-ignore
  assert.equal(room('wrr', [['a', 0]]), 1)
  assert.deepEqual(
    scaledWeights(
      specOf('wrr', [
        ['a', 65_535],
        ['b', 65_535],
      ]),
    ),
    [],
  ) // prettier-ignore
  assert.deepEqual(
    scaledWeights(
      specOf('wlc', [
        ['a', 65_535],
        ['b', 65_534],
      ]),
    ),
    [],
  ) // prettier-ignore
  assert.deepEqual(
    scaledWeights(
      specOf('wrr', [
        ['a', 65_535],
        ['b', 65_534],
        ['c', 1],
      ]),
    ),
    [
      'service www: the weights of pool www make more than 65536 turns: they are scaled, and a server may get 100 % more or less than its part',
    ],
  ) // prettier-ignore
})

test('loads are corrected by what a walk counted, as far as they were never that much while it went on', () => {
  const running = new Running('wlc', three)
  const { schedules, image } = running
  const at = (server: string) => 2 * running.idOf.get(server)!
  const load = (server: string) => schedules.loadOf(0, running.idOf.get(server)!)
  const counts: Record<string, { active: number; inactive: number }> = {
    a: { active: 10, inactive: 2 },
    b: { active: 0, inactive: 0 },
    c: { active: 5, inactive: 5 },
  }
  const counted = (_: number, id: number) => counts[[...running.idOf].find(([, each]) => each === id)![0]]!
  schedules.bind(image, counted)
  assert.deepEqual(load('a'), counts.a)
  // races: c lost one, b got below none; both walks see the truth
  image.loads[at('c')]! -= 1
  image.loads[at('b')]! = -2
  assert.deepEqual(load('b'), { active: 0, inactive: 0 })
  schedules.watch()
  // while the walk goes on three of a's flows end, and two were seen before they did
  image.loads[at('a')]! -= 3
  counts.a = { active: 9, inactive: 2 }
  schedules.correct(counted)
  assert.deepEqual(load('a'), { active: 7, inactive: 2 })
  assert.deepEqual(load('b'), { active: 0, inactive: 0 })
  assert.equal(image.loads[at('b')], 0)
  assert.deepEqual(load('c'), { active: 5, inactive: 5 })
  // a walk that was not watched from its beginning corrects nothing
  counts.a = { active: 1, inactive: 1 }
  schedules.correct(counted)
  assert.deepEqual(load('a'), { active: 7, inactive: 2 })
  assert.equal(new Running('rr', three).schedules.loadOf(0, 1), undefined)
})
