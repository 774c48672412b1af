import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { askYes } from './ask.ts'

const never = new AbortController().signal

const answered = async (typed: string): Promise<boolean> => {
  const input = new PassThrough()
  const output = new PassThrough()
  const answer = askYes('Leave it up? ', never, input, output)
  input.end(typed)
  const said = await answer
  output.end()
  assert.equal(await text(output), 'Leave it up? ')
  return said
}

test('y and yes are yes, in any case', async () => {
  for (const typed of ['y\n', 'YES\n', ' yes \nno\n']) assert.equal(await answered(typed), true, typed)
})

test('anything else is no: another word, an empty line, the end of input', async () => {
  for (const typed of ['n\n', 'yesterday\n', '\n', '', '\ny\n'])
    assert.equal(await answered(typed), false, typed)
})

test('a signal ends the question', async () => {
  const controller = new AbortController()
  const question = askYes('? ', controller.signal, new PassThrough(), new PassThrough())
  controller.abort()
  await assert.rejects(question, { name: 'AbortError' })
})
