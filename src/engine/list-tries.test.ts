// What the tries of lists hold when the kernel refuses an entry, by a map that a test lets fail.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tryPrefix } from '../base/prefix.ts'
import { entryOf, type ListEntry, prefixKey } from '../dataplane/list-entries.ts'
import { ListTries, type Tries } from './list-tries.ts'

/** FakeTrie: `room`: updates that succeed from now on. */
class FakeTrie {
  room = Number.POSITIVE_INFINITY
  readonly #entries = new Map<string, ListEntry>()

  update(key: Uint8Array, value: Uint8Array): void {
    if (this.room-- <= 0) throw new Error('ENOMEM')
    const entry = entryOf(Buffer.from(key), Buffer.from(value))
    this.#entries.set(prefixKey(entry.prefix), entry)
  }

  delete(key: Uint8Array): boolean {
    return this.#entries.delete(prefixKey(entryOf(Buffer.from(key), Buffer.alloc(8)).prefix))
  }

  get entries(): ListEntry[] {
    return [...this.#entries.values()]
  }
}

const entry = (text: string, until = 0): ListEntry => {
  const { address, length } = tryPrefix(text)!
  return { prefix: { address, length }, says: 0, until }
}
const sorted = (entries: readonly ListEntry[]) =>
  entries.map(({ prefix, until }) => `${prefixKey(prefix)} ${until}`).sort()

const before = [entry('10.0.0.0/8', 1), entry('203.0.113.7', 2)]
const after = [entry('203.0.113.7', 3), entry('198.51.100.0/24', 4), entry('198.51.100.7', 5)]

function tries(): { readonly trie: FakeTrie; readonly lists: ListTries } {
  const trie = new FakeTrie()
  const lists = new ListTries(new Map([['lists4', trie]]) as Tries, [])
  lists.set(before)
  return { trie, lists }
}

for (const updates of [0, 1, 2])
  test(`where the kernel refuses after ${updates} entries nobody is kept out by what was new, and what is held is known`, () => {
    const { trie, lists } = tries()
    trie.room = updates
    assert.throws(() => lists.set(after), /ENOMEM/)
    assert.deepEqual(sorted(trie.entries), sorted(lists.held))
    const of = (prefix: string) =>
      trie.entries.filter((each) => prefixKey(each.prefix) === prefixKey(tryPrefix(prefix)!))
    assert.deepEqual([of('198.51.100.0/24'), of('198.51.100.7'), of('10.0.0.0/8').length], [[], [], 1])
    trie.room = 10
    lists.set(after)
    assert.deepEqual([sorted(trie.entries), sorted(lists.held)], [sorted(after), sorted(after)])
  })

test('what was there is there again where the kernel refused one entry only', () => {
  const { trie, lists } = tries()
  const update = trie.update.bind(trie)
  trie.update = (key, value) => {
    if (entryOf(Buffer.from(key), Buffer.from(value)).until === 5) throw new Error('ENOMEM')
    update(key, value)
  }
  assert.throws(() => lists.set(after), /ENOMEM/)
  assert.deepEqual([sorted(trie.entries), sorted(lists.held)], [sorted(before), sorted(before)])
})
