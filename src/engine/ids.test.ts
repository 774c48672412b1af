import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TenbinError } from '../base/errors.ts'
import { type Ids, INTERFACE_IDS, keepIds, SERVER_IDS, SERVICE_IDS } from './ids.ts'

const names = fc.uniqueArray(fc.integer({ min: 0, max: 30 }).map(String), { maxLength: 12 })
const idOf = (ids: Ids) => new Map(ids.flatMap((name, id) => (name === undefined ? [] : [[name, id]])))

test('servers count from 1 and services from 0, in their order', () => {
  assert.deepEqual(keepIds(['b', 'a'], [], SERVER_IDS), [undefined, 'b', 'a'])
  assert.deepEqual(keepIds(['b', 'a'], [], SERVICE_IDS), ['b', 'a'])
  assert.deepEqual(keepIds([], [], SERVER_IDS), [undefined])
})

test('who stays keeps the number, and one that was given up is free a generation later', () => {
  const first = keepIds(['a', 'b', 'c'], [], SERVER_IDS)
  const second = keepIds(['c', 'd', 'a'], first, SERVER_IDS)
  assert.deepEqual(second, [undefined, 'a', undefined, 'c', 'd'])
  assert.deepEqual(keepIds(['a', 'c', 'd', 'e'], second, SERVER_IDS), [undefined, 'a', 'e', 'c', 'd'])
  assert.deepEqual(keepIds(['c'], second, SERVER_IDS), [undefined, undefined, undefined, 'c'])
})

test('through any generations no number changes hands without a generation in between', () => {
  fc.assert(
    fc.property(fc.array(names, { maxLength: 8 }), (generations) => {
      let before: Ids = []
      for (const now of generations) {
        const ids = keepIds(now, before, SERVER_IDS)
        assert.deepEqual([...idOf(ids).keys()].sort(), [...now].sort())
        for (const [name, id] of idOf(ids)) {
          assert.ok(id >= 1)
          const had = before[id]
          assert.ok(had === undefined || had === name, `${id} of ${had} is ${name}'s`)
          if (before.includes(name)) assert.equal(had, name)
        }
        assert.ok(ids.length <= 1 + now.length + before.length, 'holes are filled')
        before = ids
      }
    }),
    { numRuns: 200 },
  )
})

test('there are 32,766 server ids; more together with those just removed are refused', () => {
  const many = Array.from({ length: 32_766 }, (_, i) => `web${i}`)
  const all = keepIds(many, [], SERVER_IDS)
  assert.deepEqual([all.length, all[32_766]], [32_767, 'web32765'])
  const exhausted = (error: unknown) => error instanceof TenbinError && error.code === 'IDS_EXHAUSTED'
  assert.throws(() => keepIds([...many, 'one more'], [], SERVER_IDS), exhausted)
  assert.throws(() => keepIds([...many.slice(1), 'another'], all, SERVER_IDS), exhausted)
  const fewer = keepIds(many.slice(1), all, SERVER_IDS)
  assert.equal(idOf(keepIds([...many.slice(1), 'another'], fewer, SERVER_IDS)).get('another'), 1)
})

test('a refusal says whether the file alone has too many, or only together with what was just removed', () => {
  const nics = Array.from({ length: 257 }, (_, i) => `eth${i}`)
  assert.throws(
    () => keepIds(nics, [], INTERFACE_IDS),
    /the file has 257 interfaces, and 256 can be told apart/,
  )
  const before = keepIds(nics.slice(0, 200), [], INTERFACE_IDS)
  assert.throws(
    () => keepIds(nics.slice(100), before, INTERFACE_IDS),
    /57 of the file's 157 interfaces are new, 200 were there before, and together they may be 256/,
  )
})
