// Words of several nodes: whatever order they are heard in, all nodes end with the same.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fakeCluster } from '../cluster/fake-peers.ts'
import type { Override } from './overrides.ts'
import { shareOrders } from './shared-orders.ts'
import type { SharedWords } from './shared-words.ts'
import {
  digestOf,
  later,
  merged,
  NOTHING_SAID,
  OVERRIDES_LIMIT,
  type Said,
  spoken,
  type Word,
  wordsOf,
} from './words.ts'

const drained = (server: string, since = 1): Override => ({ server, order: 'drained', since })
const always = () => true
const hears = (said: Said, from: Said) => merged(said, later(from, [...wordsOf(said).values()]), always).said

test('the later word counts, wherever it was said, and what was taken back does not come back', () => {
  let lb1 = spoken(NOTHING_SAID, [drained('web1')], 'lb1')
  let lb2 = hears(NOTHING_SAID, lb1)
  assert.deepEqual(lb2.overrides, [{ ...drained('web1'), said: { count: 1, by: 'lb1' } }])
  lb2 = spoken(lb2, [], 'lb2')
  assert.deepEqual(lb2.takenBack, [{ server: 'web1', said: { count: 2, by: 'lb2' } }])
  assert.equal(hears(lb2, lb1), lb2)
  lb1 = hears(lb1, lb2)
  assert.deepEqual(lb1.overrides, [])
  assert.equal(digestOf(lb1), digestOf(lb2))
  lb1 = spoken(lb1, [drained('web1', 5)], 'lb1')
  assert.deepEqual([lb1.takenBack, lb1.overrides[0]!.said], [[], { count: 3, by: 'lb1' }])
})

test('a command leaves the words that it does not touch as old as they are', () => {
  const first = spoken(NOTHING_SAID, [drained('web1'), drained('web2')], 'lb1')
  const next = spoken(first, [{ ...first.overrides[0]! }, { ...first.overrides[1]!, weight: 3 }], 'lb2')
  assert.deepEqual(
    next.overrides.map(({ said }) => said),
    [
      { count: 1, by: 'lb1' },
      { count: 2, by: 'lb2' },
    ],
  )
})

test('what the file here does not have is not heard, and too many words are not either', () => {
  const many = Array.from({ length: OVERRIDES_LIMIT }, (_, i) => drained(`web${i}`))
  const full = spoken(NOTHING_SAID, many, 'lb1')
  const more = [{ ...drained('other'), said: { count: 9, by: 'lb2' } }]
  assert.equal(merged(full, more, always).said, full)
  assert.equal(merged(NOTHING_SAID, more, ({ server }) => server !== 'other').said, NOTHING_SAID)
  const back = spoken(spoken(full, [], 'lb1'), [drained('x')], 'lb1')
  assert.equal(spoken(back, [], 'lb1').takenBack.length, OVERRIDES_LIMIT)
})

test('nodes that say things and hear each other now and then agree once all have heard all', () => {
  const server = fc.constantFrom('web1', 'web2', 'web3')
  const step = fc.oneof(
    fc.record({ kind: fc.constant('say' as const), at: fc.nat(2), server, isDrained: fc.boolean() }),
    fc.record({ kind: fc.constant('hear' as const), at: fc.nat(2), from: fc.nat(2) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const nodes: Said[] = [NOTHING_SAID, NOTHING_SAID, NOTHING_SAID]
      for (const [i, each] of steps.entries()) {
        const said = nodes[each.at]!
        if (each.kind === 'hear') {
          nodes[each.at] = hears(said, nodes[each.from]!)
          continue
        }
        const others = said.overrides.filter((one) => one.server !== each.server)
        const all = each.isDrained ? [...others, drained(each.server, i)] : others
        nodes[each.at] = spoken(said, all, `lb${each.at}`)
      }
      for (let round = 0; round < 2; round++)
        for (const at of [0, 1, 2]) for (const from of [0, 1, 2]) nodes[at] = hears(nodes[at]!, nodes[from]!)
      const [a, b, c] = nodes.map((said) =>
        [...said.overrides].sort((x, y) => (x.server < y.server ? -1 : 1)),
      )
      assert.deepEqual(a, b)
      assert.deepEqual(b, c)
      assert.equal(new Set(nodes.map(digestOf)).size, 1)
    }),
  )
})

/** Two nodes whose clocks differ by an hour. */
function pair() {
  const cluster = fakeCluster(['lb1', 'lb2'])
  let ms = 0
  const pass = (by: number) => {
    ms += by
  }
  const nodes = ['lb1', 'lb2'].map((name, i) => {
    const node = { said: NOTHING_SAID, heard: 0, shared: undefined as unknown as SharedWords<Word> }
    node.shared = shareOrders({
      peers: cluster.node(name),
      said: () => node.said,
      hear: async (words) => {
        node.heard += words.length
        node.said = merged(node.said, words, always).said
      },
      now: () => new Date(1_000_000_000_000 + i * 3_600_000 + ms),
      monotonic: () => ms,
    })
    return node
  })
  return { cluster, lb1: nodes[0]!, lb2: nodes[1]!, pass }
}

const settled = () => new Promise<void>((done) => setImmediate(done))

test('a word is told at once to who is there, with the deadline where that is by the other clock', async () => {
  const { lb1, lb2 } = pair()
  const deadline = 1_000_000_000_000 + 60_000
  lb1.said = spoken(NOTHING_SAID, [{ ...drained('web1', 1_000_000_000_000), deadline }], 'lb1')
  assert.deepEqual(await lb1.shared.tell(), [{ node: 'lb2', isTold: true }])
  assert.equal(lb2.said.overrides[0]!.deadline, deadline + 3_600_000)
  assert.equal(digestOf(lb1.said), digestOf(lb2.said))
})

test('a node that was away has all words when it is back, and its own are heard; equal ones ask nothing', async () => {
  const { cluster, lb1, lb2, pass } = pair()
  cluster.cut('lb1', 'lb2')
  lb1.said = spoken(NOTHING_SAID, [drained('web1')], 'lb1')
  lb2.said = spoken(NOTHING_SAID, [drained('web2')], 'lb2')
  assert.deepEqual(await lb1.shared.tell(), [{ node: 'lb2', isTold: false }])
  cluster.heal('lb1', 'lb2')
  pass(10_000)
  for (const { shared } of [lb2, lb1]) shared.sweep()
  await settled()
  assert.equal(digestOf(lb1.said), digestOf(lb2.said))
  assert.equal(lb1.said.overrides.length, 2)
  const { heard } = lb1
  for (const { shared } of [lb1, lb2, lb1, lb2]) shared.sweep()
  pass(10_000)
  lb1.shared.sweep()
  await settled()
  assert.equal(lb1.heard, heard)
})
