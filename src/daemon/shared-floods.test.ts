import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeCluster } from '../cluster/fake-peers.ts'
import { load } from '../config/load.ts'
import { textReader } from '../config/reader.ts'
import { textOf } from '../config/refusals.fixture.ts'
import { quietLog } from '../events/quiet-log.ts'
import { ORDERS_LIMIT } from '../flood/said.ts'
import { FakeFloodStore } from './fake-world.ts'
import { FloodOrders } from './flood-orders.ts'
import { shareFloods } from './shared-floods.ts'

const running = load('t', textReader({ t: textOf({ extra: 'defence: on' }) }))

/** pairOf nodes whose clocks are apart by so many ms. */
function pairOf(apartMs: number) {
  const cluster = fakeCluster(['lb1', 'lb2'])
  const clock = { ms: 1_700_000_000_000 }
  const nodes = ['lb1', 'lb2'].map((name, i) => {
    const now = () => new Date(clock.ms + i * apartMs)
    const store = new FakeFloodStore()
    const log = quietLog(1, now)
    const orders = new FloodOrders({
      ...{ store, now, self: () => name, running: () => running },
      events: log,
      defend: () => Promise.resolve(),
      doubts: () => [],
      release: () => false,
    })
    const shared = shareFloods({ peers: cluster.node(name), orders, now, monotonic: () => clock.ms })
    return { orders, shared, store, log, now }
  })
  return { cluster, clock, lb1: nodes[0]!, lb2: nodes[1]! }
}

test('what is said on one node holds on the other, until the same moment whatever its clock says', async () => {
  const { clock, lb1, lb2 } = pairOf(3_600_000)
  using first = lb1.shared
  using _ = lb2.shared
  const untilMs = lb1.now().getTime() + 60_000
  const answer = await first.told(await lb1.orders.carryOut({ kind: 'ban', source: '192.0.2.1', untilMs }))
  assert.deepEqual(answer.notes, [])
  assert.deepEqual(
    lb2.orders.inForce.map(({ about }) => about),
    ['ban 192.0.2.1'],
  )
  assert.equal(lb2.store.kept.length, 1, 'it is kept there, too')
  assert.match(lb2.log.latest()[0]!.text, /^192\.0\.2\.1 banned by hand until .*, on lb1$/)
  clock.ms += 59_999
  assert.equal(lb2.orders.inForce.length, 1)
  clock.ms += 1
  assert.equal(lb1.orders.inForce.length + lb2.orders.inForce.length, 0)
})

test('a node that was away hears what was said meanwhile, and what was taken back does not come again', async () => {
  const { cluster, clock, lb1, lb2 } = pairOf(0)
  using first = lb1.shared
  using second = lb2.shared
  await first.told(await lb1.orders.carryOut({ kind: 'proof', mode: 'on' }))
  cluster.cut('lb1', 'lb2')
  const answer = await first.told(
    await lb1.orders.carryOut({
      kind: 'add',
      name: 'night',
      rule: { tcp: 'syn', window: 0, ttl: 243 },
      isObserved: true,
    }),
  )
  assert.deepEqual(answer.notes, ['lb2 could not be told: it hears of it when it is there again'])
  await lb2.orders.carryOut({ kind: 'ban', source: '192.0.2.1' })
  await lb2.orders.carryOut({ kind: 'unban', source: '192.0.2.1' })
  assert.deepEqual(
    lb2.orders.inForce.map(({ about }) => about),
    ['proof'],
  )
  cluster.heal('lb1', 'lb2')
  clock.ms += 10_000
  for (const shared of [first, second]) shared.sweep()
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
  for (const { orders } of [lb1, lb2])
    assert.deepEqual(orders.inForce.map(({ about }) => about).sort(), ['proof', 'rule night'])
})

test('a node whose clock was never set keeps what it hears so that it can be read again', async () => {
  const { lb1, lb2 } = pairOf(-1_700_000_000_000 + 10_000)
  using first = lb1.shared
  using _ = lb2.shared
  await lb1.orders.carryOut({ kind: 'ban', source: '192.0.2.1' })
  const [word] = lb1.orders.words
  await lb1.orders.hear([{ ...word!, version: { count: 9, by: 'lb3' }, since: word!.since - 60_000 }], 'lb3')
  await first.tell()
  assert.deepEqual(
    lb2.store.kept.map(({ about, since }) => [about, since]),
    [['ban 192.0.2.1', 0]],
  )
})

test('words of another node that have no room are a problem, and are asked for again once there is', async () => {
  const { clock, lb1, lb2 } = pairOf(0)
  using first = lb1.shared
  using second = lb2.shared
  const bans = (by: string, net: number, count: number) =>
    Array.from({ length: count }, (_, i) => {
      const prefix = `10.${net}.${i >> 8}.${i & 255}`
      return {
        ...{ about: `ban ${prefix}`, order: { kind: 'ban' as const, prefix } },
        ...{ version: { count: i + 1, by }, since: clock.ms },
      }
    })
  await lb1.orders.hear(bans('lb1', 1, ORDERS_LIMIT), 'lb1')
  await lb2.orders.hear(bans('lb2', 2, 2), 'lb2')
  let asked = 0
  const sweep = async (ms: number) => {
    for (const end = clock.ms + ms; clock.ms < end; clock.ms += 5_000) {
      for (const shared of [first, second]) shared.sweep()
      for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const { hear } = lb1.orders
  lb1.orders.hear = (...of) => {
    asked++
    return hear.apply(lb1.orders, of)
  }
  await sweep(20_000)
  assert.equal(lb2.orders.inForce.length, ORDERS_LIMIT, 'as many as have room')
  const [told, ...more] = lb1.orders.problems()
  assert.deepEqual(
    [told?.code, told?.message, more],
    ['FLOOD_ORDERS_MANY', 'node lb2: 2 of its words on floods do not hold here: 2,000 are in force', []],
  )
  assert.match(told!.remedy, /tenbin flood unban/)
  assert.equal(lb2.orders.problems()[0]?.code, 'FLOOD_ORDERS_MANY')
  asked = 0
  await sweep(300_000)
  assert.equal(asked, 0)
  for (const i of [7, 8]) await lb1.orders.carryOut({ kind: 'unban', source: `10.1.0.${i}` })
  await sweep(20_000)
  assert.deepEqual([lb1.orders.problems(), lb2.orders.problems()], [[], []])
  const [mine, theirs] = [lb1, lb2].map(({ orders }) => orders.inForce.map(({ about }) => about).sort())
  assert.deepEqual(mine, theirs)
  assert.equal(mine!.length, ORDERS_LIMIT)
})
