import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { contentOf } from './node.fixture.ts'
import { idOf, type Revision, ROOT } from './revision.ts'
import { RevisionStore } from './revision-store.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : '/tmp', 'store-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** revisionOf: the same content and past, tried by somebody as number so and so. */
function revisionOf(number: number, who: string): Revision {
  const content = contentOf(1)
  const at = new Date(number).toISOString()
  return { head: { number, id: idOf(ROOT, content), parent: ROOT, at, node: 'lb1', who, why: '' }, content }
}
const [friday, monday] = [revisionOf(2, 'alice'), revisionOf(3, 'bob')]
const files = () => readdirSync(folder)

test('a revision that is kept once more takes the place of the one of before, on the disk, too', () => {
  const store = new RevisionStore(folder)
  store.add(friday, new Set())
  store.add(monday, new Set())
  for (const each of [store, new RevisionStore(folder)]) {
    assert.deepEqual([each.heads, each.read(monday.head.id)], [[monday.head], monday])
    assert.deepEqual([files().length, each.damaged], [1, []])
  }
  const sameNumber = revisionOf(3, 'carol')
  store.add(sameNumber, new Set())
  assert.deepEqual([files().length, new RevisionStore(folder).heads], [1, [sameNumber.head]])
})

for (const [first, second] of [
  [friday, monday],
  [monday, friday],
] as const)
  test(`ended between the two of ${first.head.who} and ${second.head.who}, one of both is there, whole`, () => {
    const store = new RevisionStore(folder)
    store.add(first, new Set())
    const [name] = files()
    copyFileSync(join(folder, name!), join(folder, '..', name!))
    store.add(second, new Set())
    copyFileSync(join(folder, '..', name!), join(folder, name!))
    rmSync(join(folder, '..', name!))
    assert.equal(files().length, 2)
    const after = new RevisionStore(folder)
    assert.equal(after.heads.length, 1)
    const { head } = after.read(first.head.id)
    assert.ok([friday.head.who, monday.head.who].includes(head.who))
    assert.equal(files().length, 1, 'the other one is gone')
    assert.deepEqual(new RevisionStore(folder).heads, after.heads)
  })
