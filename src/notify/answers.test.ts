import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { readAnswers } from './answers.ts'

async function heardOf(...said: readonly string[]): Promise<string> {
  const from = new PassThrough()
  const heard: string[] = []
  readAnswers(
    from,
    ({ number, outcome }) => heard.push(`${number} ${outcome.text}`),
    () => heard.push('bad'),
  )
  for (const each of said) {
    if (!from.destroyed) from.write(each)
    await turn()
  }
  return heard.join(', ')
}

const line = (number: number) => `${JSON.stringify({ number, outcome: { isDone: true, text: 'ok' } })}\n`

test('answers are heard, however they are cut', async () => {
  const [first, second] = [line(1), line(2)]
  assert.equal(await heardOf(first + second.slice(0, 9), second.slice(9), line(3)), '1 ok, 2 ok, 3 ok')
})

test('what is no answer, or has no end, is bad, once, and nothing is heard any more', async () => {
  for (const bad of ['{"number":1}\n', 'Error: at x\n', '\n', 'null\n', 'x'.repeat(70_000)])
    assert.equal(await heardOf(line(1), `${bad}${line(2)}`, line(3)), '1 ok, bad')
  const parts = Array.from({ length: 100 }, () => 'x'.repeat(1_000))
  assert.equal(await heardOf(...parts), 'bad')
})
