import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { lineDifference } from './line-difference.ts'

const shown = (before: string, after: string) =>
  lineDifference(before.split('\n'), after.split('\n')).map(
    ({ isNew, line }) => `${isNew ? '+' : '-'}${line}`,
  )

test('lines that came, went or changed are told, others are not', () => {
  assert.deepEqual(shown('a\nb\nc', 'a\nb\nc'), [])
  assert.deepEqual(shown('a\nb\nc', 'a\nx\nc'), ['-b', '+x'])
  assert.deepEqual(shown('a\nc', 'a\nb\nc'), ['+b'])
  assert.deepEqual(shown('a\nb\nc', 'c'), ['-a', '-b'])
  assert.deepEqual(shown('a', 'a\nb'), ['+b'])
})

test('one text with its differences applied is the other', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 })
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = lineDifference(before, after)
      const [old, fresh] = [false, true].map((which) => lines.filter(({ isNew }) => isNew === which))
      assert.equal(before.length - old!.length, after.length - fresh!.length)
      const left = (all: readonly string[], some: readonly { readonly line: string }[]) => {
        const gone = some.map(({ line }) => line)
        return all.filter((line) => !(gone[0] === line && gone.shift() !== undefined))
      }
      // what is left of both has the same lines, each as often
      assert.deepEqual(left(before, old!).toSorted(), left(after, fresh!).toSorted())
    }),
  )
})
