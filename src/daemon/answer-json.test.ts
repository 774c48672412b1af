import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { atOnce, type Steps } from '../base/steps.ts'
import { answerSteps, bodyOf } from './answer-json.ts'

const schema = z.object({
  name: z.string(),
  why: z.string().optional(),
  servers: z.array(z.object({ name: z.string() })),
  peers: z.array(z.string()).optional(),
  few: z.array(z.int()).max(2),
  counts: z.record(z.string(), z.int()),
})
const text = (of: z.ZodType, answer: unknown): string => atOnce(answerSteps(of, answer)).toString()

/** stepsOf work: how many there are. */
function stepsOf(steps: Steps<unknown>): number {
  let count = 0
  while (!steps.next().done) count++
  return count
}

test('an answer is what its schema lets through, lists last, element by element', () => {
  const answer = {
    ...{ name: 'lb1', why: undefined, servers: [{ name: 'ä', secret: 1 }, { name: 'b' }], few: [1, 2] },
    ...{ counts: { a: 1 }, more: 'of it' },
  }
  assert.equal(
    text(schema, answer),
    '{"name":"lb1","few":[1,2],"counts":{"a":1},"servers":[{"name":"ä"},{"name":"b"}]}',
  )
  assert.deepEqual(JSON.parse(text(schema, answer)), JSON.parse(JSON.stringify(schema.parse(answer))))
  assert.equal(text(z.object({ a: z.array(z.int()) }), { a: [] }), '{"a":[]}')
  assert.equal(text(z.object({}), {}), '{}')
  assert.equal(text(z.union([z.string(), z.int()]), 'x'), '"x"')
})

test('each element is a step, and much text is pieces of bytes', () => {
  const servers = Array.from({ length: 50_000 }, (_, i) => ({ name: `server ${i}` }))
  const answer = { name: 'lb1', servers, few: [], counts: {} }
  assert.equal(stepsOf(answerSteps(schema, answer)), servers.length)
  assert.deepEqual(JSON.parse(text(schema, answer)), answer)
})

test('a short answer is one body, a long one a stream of its pieces', async () => {
  const bytes = (length: number) => Buffer.alloc(length, 'ab')
  assert.equal(bodyOf(bytes(1_000)).constructor, Buffer)
  const long = bytes(1_000_001)
  const body = bodyOf(long)
  assert.ok(body instanceof ReadableStream)
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  assert.equal(pieces.length, 16)
  assert.deepEqual(Buffer.concat(pieces), long)
})

test('what is not of the schema is a bug, wherever it stands', () => {
  const right = { name: 'lb1', servers: [], few: [], counts: {} }
  const strict = z.strictObject({ a: z.array(z.int()) })
  const refined = z.object({ a: z.array(z.int()) }).refine(({ a }) => a.length > 0)
  for (const [of, answer] of [
    [schema, { ...right, name: 1 }],
    [schema, { ...right, servers: [{ name: 'a' }, {}] }],
    [schema, { ...right, servers: 'none' }],
    [schema, { ...right, few: [1, 2, 3] }],
    [schema, undefined],
    [strict, { a: [], b: 1 }],
    [refined, { a: [] }],
  ] as const)
    assert.throws(() => text(of, answer), z.ZodError, JSON.stringify(answer))
})
