import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ErrorCode } from '../base/error-catalogue.ts'
import { TenbinError } from '../base/errors.ts'
import type { Participant } from './coordinator.ts'
import { contentOf, FakeNode } from './node.fixture.ts'

let lb1: FakeNode
let lb2: FakeNode
/** asked: what the nodes were asked, in order. */
let asked: string[]
beforeEach(() => {
  ;[lb1, lb2] = [new FakeNode('lb1'), new FakeNode('lb2')]
  asked = []
  for (const node of [lb1, lb2]) {
    node.first()
    node.onStep = (step) => void (step === 'run' && asked.push(`${node.name} ${step}`))
  }
  lb1.others = () => [participantOf(lb2)]
})
afterEach(() => {
  lb1.remove()
  lb2.remove()
})

const coded = (code: ErrorCode) => (e: unknown) => e instanceof TenbinError && e.code === code

/** participantOf a node: as another one sees it, without a network between them. */
const participantOf = ({ name, local, isActive }: FakeNode): Participant => ({
  node: name,
  prepare: async (attempt, revision) => {
    await local.prepare(attempt, revision)
    return { isActive }
  },
  try: (id) => local.try(id),
  settle: (id, confirmMs) => local.settle(id, confirmMs),
  abort: (id, why) => local.abort(id, why),
  confirm: async (_, why) => void (await local.confirm(why)),
  revert: async (_, why) => void (await local.revert(why)),
})

test('nodes without traffic apply first, the active one last; both have the same revision then', async () => {
  lb1.isActive = true
  const { nodes, unheard } = await lb1.apply(2)
  assert.deepEqual([nodes, unheard, asked], [['lb1', 'lb2'], [], ['lb2 run', 'lb1 run']])
  assert.deepEqual([lb1.running, lb2.running], [2, 2])
  assert.equal(lb1.local.current?.id, lb2.local.current?.id)
  assert.equal(lb2.local.state, 'settled')
})

test('a node in no cluster says whom of the file it did not ask; who was left out is no news', async () => {
  lb1.others = () => []
  const notes = async (servers: number, without: readonly string[]) =>
    (await lb1.apply(servers, { without })).ran.notes
  assert.deepEqual(await notes(2, []), [
    'lb2, lb3 were not asked: this node is in no cluster (tenbin cluster init)',
  ])
  assert.deepEqual(await notes(3, ['lb3']), [
    'lb2 was not asked: this node is in no cluster (tenbin cluster init)',
  ])
  assert.deepEqual(await notes(4, ['lb2', 'lb3']), [])
})

test('a node that the file leaves out is told of: it goes on with the one it has', async () => {
  const { folder, files } = contentOf(2)
  const text = Buffer.from(files[0]!.bytes).toString().replace(', lb3: 10.0.0.4', '')
  const content = { folder, files: [{ ...files[0]!, bytes: Buffer.from(text) }] }
  const { ran } = await lb1.coordinator.apply({ content, who: 'root', why: '' })
  assert.deepEqual(ran.notes, [
    'lb3 is no node of the file any more, and goes on as it is: stop tenbin there',
  ])
})

for (const step of ['check', 'run', 'verify', 'write trying'] as const)
  for (const name of ['lb1', 'lb2'] as const)
    test(`a failure of ${name} at "${step}" takes everything back on both`, async () => {
      const victim = name === 'lb1' ? lb1 : lb2
      victim.fails.add(step)
      await assert.rejects(lb1.apply(2), (e) =>
        name === 'lb1' ? e instanceof TenbinError : coded('APPLY_FAILED')(e) && /lb2/.test(String(e)),
      )
      victim.fails.clear()
      await Promise.all([lb1.local.tick(), lb2.local.tick()])
      assert.deepEqual([lb1.running, lb2.running], [1, 1])
      assert.deepEqual([lb1.local.state, lb2.local.state], ['settled', 'settled'])
      await lb1.apply(3)
      assert.deepEqual([lb1.running, lb2.running], [3, 3])
    })

test('what is applied once more after a failed attempt is on both when, whose and why it was applied, not tried', async () => {
  lb2.fails.add('run')
  await assert.rejects(lb1.apply(2, { who: 'alice', why: 'friday' }), coded('APPLY_FAILED'))
  lb2.fails.clear()
  lb1.bootMs += 3 * 24 * 3_600_000
  const { head } = await lb1.apply(2, { who: 'bob', why: 'lb2 is mended' })
  assert.deepEqual(
    [head.who, head.why, head.at],
    ['bob', 'lb2 is mended', new Date(lb1.bootMs).toISOString()],
  )
  for (const node of [lb1, lb2]) {
    assert.deepEqual([node.local.current, node.store.heads.at(-1)], [head, head])
    node.boots()
    assert.deepEqual(
      [node.local.current, node.store.read(head.id).head, node.store.heads.length],
      [head, head, 2],
    )
  }
})

test('what was not confirmed and is applied again is whose that is, on both', async () => {
  await lb1.apply(2, { who: 'alice', confirmMs: 60_000 })
  await lb1.coordinator.revert('root')
  const { head } = await lb1.apply(2, { who: 'bob' })
  for (const node of [lb1, lb2]) assert.deepEqual([node.local.current, head.who], [head, 'bob'])
})

test('a node of another past is named, and what makes nodes equal is the remedy', async () => {
  lb1.others = () => []
  await lb1.apply(2)
  lb1.others = () => [participantOf(lb2)]
  await assert.rejects(
    lb1.apply(3),
    (e) =>
      coded('REVISION_DIFFERS')(e) && /lb2: it follows revision .*, and revision 1 .* here/.test(String(e)),
  )
  assert.deepEqual([lb1.running, lb2.running, lb1.local.state], [2, 1, 'settled'])
})

test('a node that cannot take part keeps a file from being applied', async () => {
  lb1.others = () => {
    throw new TenbinError('NODES_MISSING', 'apply', { detail: 'lb2 is unreachable' })
  }
  await assert.rejects(lb1.apply(2), coded('NODES_MISSING'))
  assert.equal(lb1.running, 1)
})

test('of two who apply at once on two nodes one is refused, and told who was first', async () => {
  lb2.others = () => [participantOf(lb1)]
  const results = await Promise.allSettled([lb1.apply(2), lb2.apply(3)])
  const refused = results.filter((each) => each.status === 'rejected')
  assert.equal(refused.length, 1)
  assert.ok(coded('APPLY_BUSY')(refused[0]!.reason))
  assert.equal(lb1.running, lb2.running)
  assert.notEqual(lb1.running, 1)
})

test('what was taken back meanwhile cannot be settled', async () => {
  await assert.rejects(lb2.local.settle('an attempt of before'), coded('APPLY_OVER'))
})

test('confirm and rollback count on both', async () => {
  await lb1.apply(2, { confirmMs: 60_000 })
  assert.equal(lb2.local.state, 'confirming')
  await lb1.coordinator.confirm('root')
  assert.deepEqual([lb1.local.state, lb2.local.state], ['settled', 'settled'])
  await lb1.apply(3, { confirmMs: 60_000 })
  await lb1.coordinator.revert('root')
  assert.deepEqual([lb1.running, lb2.running], [2, 2])
})

test('one who is refused here does not end the change that is under way: it is being decided about still', async () => {
  let attempt = ''
  let goesOn: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    goesOn = resolve
  })
  const slow: Participant = {
    ...participantOf(lb2),
    try: async (id) => {
      attempt = id
      await held
      return lb2.local.try(id)
    },
  }
  lb1.others = () => [slow]
  const first = lb1.apply(2)
  while (attempt === '') await nextTurn()
  await assert.rejects(lb1.apply(3), coded('APPLY_BUSY'))
  assert.ok(lb1.coordinator.isDeciding(attempt))
  goesOn()
  await first
  assert.ok(!lb1.coordinator.isDeciding(attempt))
  assert.deepEqual([lb1.running, lb2.running], [2, 2])
})
