// Changes on three nodes that talk over a network that can be cut: whatever is killed or cut, and whenever, in the end
// all have the same revision.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import fc from 'fast-check'
import type { ErrorCode } from '../base/error-catalogue.ts'
import { TenbinError } from '../base/errors.ts'
import { type FakeCluster, fakeCluster } from '../cluster/fake-peers.ts'
import { contentOf, FakeNode } from './node.fixture.ts'
import { paths } from './peer-words.ts'
import { idOf } from './revision.ts'

const NAMES = ['lb1', 'lb2', 'lb3']
let network: FakeCluster
let nodes: FakeNode[]
let [lb1, lb2]: FakeNode[] = []
function build(): void {
  network = fakeCluster(NAMES)
  nodes = NAMES.map((name) => new FakeNode(name, network.node(name)))
  for (const node of nodes) node.first()
  ;[lb1, lb2] = nodes
}
beforeEach(build)
const removeAll = () => {
  for (const node of nodes) {
    node.dies()
    node.remove()
  }
}
afterEach(removeAll)

const coded = (code: ErrorCode) => (e: unknown) => e instanceof TenbinError && e.code === code
const running = () => nodes.map((node) => node.running)

/** pass lets time pass on all nodes that live, a second at a time. */
async function pass(seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++)
    for (const node of nodes) {
      node.bootMs += 1_000
      if (node.isDead) continue
      if ((node.local.leftMs ?? 1) <= 0) await node.local.revert('it was not confirmed in time')
      await node.local.tick()
      await node.follower!.tick()
    }
}

test('a change reaches all nodes, the active one last', async () => {
  lb1!.isActive = true
  const order: string[] = []
  for (const node of nodes) node.onStep = (step) => void (step === 'run' && order.push(node.name))
  await lb1!.apply(2)
  assert.deepEqual(
    [running(), order],
    [
      [2, 2, 2],
      ['lb2', 'lb3', 'lb1'],
    ],
  )
})

test('a node that is not there keeps a file from being applied, unless it is left out; then it catches up', async () => {
  for (const other of ['lb1', 'lb3']) network.cut('lb2', other)
  await assert.rejects(lb1!.apply(2), (e) => coded('NODES_MISSING')(e) && /lb2/.test(String(e)))
  await lb1!.apply(2, { without: ['lb2'] })
  await lb1!.apply(3, { without: ['lb2'] })
  assert.deepEqual(running(), [3, 1, 3])
  for (const other of ['lb1', 'lb3']) network.heal('lb2', other)
  await pass(2)
  assert.deepEqual(running(), [3, 3, 3])
  assert.deepEqual(
    lb2!.store.past(lb2!.local.current?.id).map(({ number }) => number),
    [3, 2, 1],
  )
})

test('a node that kept a failed attempt, and follows, keeps when, whose and why it was applied', async () => {
  lb1!.fails.add('run')
  await assert.rejects(lb1!.apply(2, { who: 'alice' }))
  lb1!.fails.clear()
  for (const other of ['lb1', 'lb3']) network.cut('lb2', other)
  const { head } = await lb1!.apply(2, { who: 'bob', without: ['lb2'] })
  assert.equal(lb2!.store.head(head.id)?.who, 'alice')
  for (const other of ['lb1', 'lb3']) network.heal('lb2', other)
  await pass(2)
  for (const node of nodes) assert.deepEqual(node.local.current, head, node.name)
})

test('a node whose answer is another version’s keeps a file from being applied, in words', async () => {
  lb2!.dies()
  using _ = network.node('lb2').handle(paths.prepare, async () => Buffer.from('{"isActive":"perhaps"}'))
  await assert.rejects(
    lb1!.apply(2),
    (e) => coded('APPLY_FAILED')(e) && /lb2: what came is not what this version understands/.test(String(e)),
  )
  assert.deepEqual([running(), lb1!.local.state], [[1, 1, 1], 'settled'])
})

test('a node that cannot follow says why, and goes on trying', async () => {
  for (const other of ['lb1', 'lb3']) network.cut('lb2', other)
  await lb1!.apply(2, { without: ['lb2'] })
  lb2!.fails.add('run')
  for (const other of ['lb1', 'lb3']) network.heal('lb2', other)
  await pass(2)
  assert.match(lb2!.follower!.why!, /cannot follow lb[13] to revision 2: .*lb2 fails at run/)
  assert.match(lb1!.follower!.differences[0]!.why!, /cannot follow/)
  lb2!.fails.clear()
  await pass(12)
  assert.deepEqual([running(), lb2!.follower!.why], [[2, 2, 2], undefined])
  assert.deepEqual(lb1!.follower!.differences, [])
})

test('a node that cannot follow tries later each time, and runs on meanwhile what it runs', async () => {
  for (const other of ['lb1', 'lb3']) network.cut('lb2', other)
  await lb1!.apply(2, { without: ['lb2'] })
  lb2!.fails.add('run')
  for (const other of ['lb1', 'lb3']) network.heal('lb2', other)
  await pass(120)
  const again = { servers: 2, isAgain: true }
  assert.deepEqual(lb2!.runs, [{ ...again, isAgain: false }, again, again, again, again, again])
  await lb1!.apply(3, { without: ['lb2'] })
  await pass(1)
  assert.equal(lb2!.runs.at(-1)!.servers, 3, 'another one is tried at once')
})

test('two that applied different files while they were cut off differ, until somebody syncs', async () => {
  network.cut('lb1', 'lb2')
  network.cut('lb2', 'lb3')
  await lb1!.apply(2, { without: ['lb2'] })
  await lb2!.apply(3, { without: ['lb1', 'lb3'] })
  network.heal('lb1', 'lb2')
  network.heal('lb2', 'lb3')
  await pass(30)
  assert.deepEqual(running(), [2, 3, 2])
  assert.deepEqual(
    lb1!.follower!.differences.map(({ node, kind }) => [node, kind]),
    [['lb2', 'other']],
  )
  await assert.rejects(lb1!.follower!.sync(undefined, 'lb1'), coded('REVISION_DIFFERS'))
  await assert.rejects(lb1!.follower!.sync('lb9', 'lb1'), coded('NODES_MISSING'))
  const { nodes: synced } = await lb1!.follower!.sync('lb2', 'lb1')
  assert.deepEqual(
    [running(), synced],
    [
      [3, 3, 3],
      ['lb1', 'lb3'],
    ],
  )
})

test('what is confirmed on one node counts on all, also where the word was lost', async () => {
  await lb1!.apply(2, { confirmMs: 60_000 })
  network.cut('lb1', 'lb2')
  network.cut('lb2', 'lb3')
  const { unheard } = await lb1!.coordinator.confirm('root')
  assert.deepEqual(unheard, [])
  assert.equal(lb2!.local.state, 'confirming')
  network.heal('lb1', 'lb2')
  await pass(70)
  assert.deepEqual(running(), [2, 2, 2])
})

test('who did not hear of the confirmation goes back in time, and follows when it is back', async () => {
  await lb1!.apply(2, { confirmMs: 60_000 })
  network.cut('lb1', 'lb2')
  network.cut('lb2', 'lb3')
  await lb1!.coordinator.confirm('root')
  await pass(70)
  assert.deepEqual(running(), [2, 1, 2])
  network.heal('lb1', 'lb2')
  await pass(2)
  assert.deepEqual(running(), [2, 2, 2])
})

test('a decision that was not heard is asked for; without an answer a trial is given up', async () => {
  lb1!.onStep = (step) => void (step === 'write settled' && network.cut('lb1', 'lb2'))
  const { unheard } = await lb1!.apply(2)
  assert.deepEqual(unheard, ['lb2'])
  assert.equal(lb2!.local.state, 'trying')
  network.heal('lb1', 'lb2')
  await pass(5)
  assert.deepEqual([lb2!.local.state, running()], ['settled', [2, 2, 2]])

  lb1!.onStep = (step) => void (step === 'write settled' && network.cut('lb1', 'lb2'))
  await lb1!.apply(3)
  network.cut('lb2', 'lb3')
  await pass(20)
  assert.deepEqual(running(), [3, 2, 3])
  network.heal('lb1', 'lb2')
  await pass(2)
  assert.deepEqual(running(), [3, 3, 3])
})

test('a decision that was not heard counts also where the next change has begun when it is asked for', async () => {
  lb1!.onStep = (step) => void (step === 'write settled' && network.cut('lb1', 'lb2'))
  await lb1!.apply(2)
  network.heal('lb1', 'lb2')
  const [content, parent] = [contentOf(3), lb1!.local.current!.id]
  const head = { ...lb1!.local.current!, number: 3, id: idOf(parent, content), parent }
  const attempt = { id: 'next', node: 'lb1', who: 'root', since: head.at }
  await lb1!.local.prepare(attempt, { head, content })
  await pass(5)
  assert.deepEqual([lb2!.local.state, lb2!.running, lb2!.told], ['settled', 2, []])
})

test('who died over a change can apply the next one within seconds, however often he tries; so can a third one', async () => {
  for (const [who, without] of [
    [0, []],
    [2, ['lb1']],
  ] as const) {
    lb1!.isActive = true
    lb1!.onStep = (step) => {
      if (step !== 'run') return
      for (const other of ['lb2', 'lb3']) network.cut('lb1', other)
      lb1!.dies()
      throw new Error('dead')
    }
    await assert.rejects(lb1!.apply(2), /dead/)
    assert.deepEqual([lb2!.local.state, nodes[2]!.local.state], ['trying', 'trying'])
    lb1!.onStep = () => undefined
    if (who === 0) {
      for (const other of ['lb2', 'lb3']) network.heal('lb1', other)
      lb1!.boots()
    }
    let tries = 0
    const applied = () =>
      nodes[who]!.apply(3, { without }).then(
        () => true,
        (error: unknown) => !coded('APPLY_BUSY')(error) && assert.fail(String(error)),
      )
    while (!(await applied())) {
      assert.ok(++tries < 25, 'refused for ever')
      await pass(1)
    }
    assert.deepEqual(running().slice(1), [3, 3])
    removeAll()
    build()
  }
})

test('however long a reason is, all nodes hear that a change is taken back', async () => {
  lb1!.onStep = (step) => {
    if (step === 'verify') throw new TenbinError('INTERFACE_MISSING', 'run', { detail: 'x'.repeat(100_000) })
  }
  await assert.rejects(lb1!.apply(2), coded('INTERFACE_MISSING'))
  assert.deepEqual([running(), nodes.map(({ local }) => local.state)], [[1, 1, 1], Array(3).fill('settled')])
})

test('a node installed anew takes what somebody applied for more than its own file', async () => {
  await lb1!.apply(2)
  lb2!.dies()
  lb2!.remove()
  const fresh = new FakeNode('lb2', network.node('lb2'))
  nodes[1] = fresh
  fresh.first(5)
  await pass(2)
  assert.deepEqual(running(), [2, 2, 2])
})

/** STEPS: more than a change has, over all nodes. */
const STEPS = 40
const fault = fc.record({
  kind: fc.constantFrom('kill', 'cut', 'refuse', 'disk', 'lose'),
  at: fc.integer({ min: 1, max: STEPS }),
  node: fc.constantFrom(0, 1, 2),
  other: fc.constantFrom(0, 1, 2),
  lastsS: fc.integer({ min: 1, max: 40 }),
})
const RUNS = Number(process.env.TENBIN_APPLY_RUNS ?? 20)

test('whatever is killed, cut, lost or full, at whatever step: in the end all nodes have the same revision', async () => {
  removeAll()
  await fc.assert(
    fc.asyncProperty(
      fc.array(fault, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      fc.constantFrom(undefined, 30_000),
      async (faults, isActiveFirst, confirmMs) => {
        build()
        ;(isActiveFirst ? lb1 : lb2)!.isActive = true
        let steps = 0
        const due = new Set(faults)
        for (const node of nodes)
          node.onStep = (step) => {
            steps++
            for (const each of due) {
              if (each.at > steps) continue
              due.delete(each)
              const [a, b] = [NAMES[each.node]!, NAMES[each.other]!]
              if (each.kind === 'kill') {
                nodes[each.node]!.dies()
                if (nodes[each.node] === node) throw new Error('dead')
              } else if (each.kind === 'cut' || each.kind === 'refuse') {
                if (a !== b) network.cut(a, b, each.kind === 'cut' ? 'unreachable' : 'refused')
              } else if (each.kind === 'lose') {
                if (a !== b) network.lose(a, b)
              } else if (step.startsWith('write')) {
                throw new TenbinError('STATE_UNUSABLE', step, { detail: 'no space left on device' })
              }
            }
          }
        const result = await lb1!.apply(2, confirmMs === undefined ? {} : { confirmMs }).then(
          () => true,
          (error: unknown) => {
            assert.ok(error instanceof TenbinError || (error as Error).message === 'dead', String(error))
            return false
          },
        )
        for (const node of nodes) node.onStep = () => undefined
        await pass(Math.max(...faults.map(({ lastsS }) => lastsS)))
        for (const node of nodes) if (node.isDead) node.boots()
        for (const a of NAMES) for (const b of NAMES) if (a < b) network.heal(a, b)
        await pass(60)
        assert.equal(new Set(running()).size, 1, `all the same: ${running().join(' ')}`)
        assert.equal(new Set(nodes.map(({ local }) => local.current?.id)).size, 1)
        assert.deepEqual(
          nodes.map(({ local }) => [local.state, local.current?.number === 1 ? 1 : 2]),
          nodes.map(({ running }) => ['settled', running]),
        )
        if (result && confirmMs === undefined && faults.every(({ kind }) => kind !== 'kill'))
          assert.deepEqual(running(), [2, 2, 2], 'what was told as done counts')
        // An answer may be lost only now.
        for (let left = faults.length; left > 0; left--)
          if (
            await lb1!.apply(3).then(
              () => true,
              () => false,
            )
          )
            break
          else await pass(30)
        await lb1!.apply(3)
        await pass(30)
        assert.deepEqual(running(), [3, 3, 3])
        for (const { local } of nodes)
          assert.deepEqual(local.current, lb1!.local.current, 'whoever tried it before')
        removeAll()
      },
    ),
    { numRuns: RUNS },
  )
  build()
})
