import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { unifiedDiff } from './text-diff.ts'

const names = ['a', 'b'] as const

test('a changed line is told with three lines around it', () => {
  const before = 'one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n'
  assert.deepEqual(unifiedDiff(before, before.replace('five', '5'), names), [
    '--- a',
    '+++ b',
    '@@ -2,7 +2,7 @@',
    ' two',
    ' three',
    ' four',
    '-five',
    '+5',
    ' six',
    ' seven',
    ' eight',
  ])
})

test('the same text differs in nothing', () => {
  assert.deepEqual(unifiedDiff('a\nb', 'a\nb', names), [])
})

const edits = (lines: readonly string[]): number => lines.slice(2).filter((line) => /^[-+]/.test(line)).length

test('one text is made of the other by it, and it is as short as a way can be', () => {
  const text = fc
    .tuple(fc.array(fc.constantFrom('a', 'b', 'c', 'd', ''), { maxLength: 25 }), fc.boolean())
    .map(([lines, isEnded]) => lines.join('\n') + (isEnded && lines.length > 0 ? '\n' : ''))
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = unifiedDiff(before, after, names)
      assert.equal(patched(before, lines), after)
      assert.equal(edits(lines), shortest(before, after))
    }),
    { numRuns: 200 },
  )
})

test('texts that have nothing in common are told as replaced, in time', () => {
  const lines = (word: string) => Array.from({ length: 20_000 }, (_, i) => `${word} ${i}\n`).join('')
  assert.equal(unifiedDiff(lines('a'), lines('b'), names).length, 40_003)
})

const split = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? []

/** patched: what patch(1) makes of a text; what the diff says of it has to be true. */
function patched(before: string, diff: readonly string[]): string {
  const old = split(before)
  let [result, at] = ['', 0]
  for (const [i, line] of diff.entries()) {
    if (i < 2 || line.startsWith('\\')) continue
    const hunk = /^@@ -(\d+)(?:,(\d+))? /.exec(line)
    if (hunk) {
      const start = hunk[2] === '0' ? Number(hunk[1]) : Number(hunk[1]) - 1
      while (at < start) result += old[at++]
      continue
    }
    const whole = diff[i + 1]?.startsWith('\\') ? line.slice(1) : `${line.slice(1)}\n`
    if (line[0] !== '+') assert.equal(old[at++], whole)
    if (line[0] !== '-') result += whole
  }
  return result + old.slice(at).join('')
}

/** shortest: lines that have to be removed or added, by the table of all prefixes. */
function shortest(before: string, after: string): number {
  const [a, b] = [split(before), split(after)]
  let row = b.map((_, j) => j + 1)
  row.unshift(0)
  for (const [i, line] of a.entries()) {
    const next = [i + 1]
    for (const [j, other] of b.entries())
      next.push(line === other ? row[j]! : 1 + Math.min(row[j + 1]!, next[j]!))
    row = next
  }
  return row[b.length]!
}
