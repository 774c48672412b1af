import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TenbinError } from '../base/errors.ts'
import { documentSchema } from './document.ts'
import { errorOf } from './error-words.ts'
import { readDocument } from './peer.ts'
import { formatWord, parseWord } from './word.ts'

const document = {
  node: 'lb2',
  version: '0.1.0',
  protocols: { min: 1, max: 1 },
  run: 'a',
  clock: 1,
  keys: { current: '0123456789abcdef' },
  parts: { revision: { number: 7 } },
}
const word = formatWord({
  node: 'lb2',
  from: 0x0a000003 as never,
  at: { address: 0x0a000002 as never, port: 7943 },
  key: new Uint8Array(16).fill(9),
})

/** quiet: what a reader does with bytes: a value, or an error of ours. */
function quiet(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    assert.ok(error instanceof TenbinError, String(error))
  }
}

/** damaged: a text with some of its characters others, or missing. */
const damaged = (text: string) =>
  fc
    .array(fc.tuple(fc.nat(text.length - 1), fc.constantFrom('', '"', '}', '9', 'x', '\u0000', '[')), {
      maxLength: 4,
    })
    .map((changes) => {
      const letters = [...text]
      for (const [at, letter] of changes) letters[at] = letter
      return letters.join('')
    })

test('of documents, words and errors that are damaged, or never were any, only errors of ours come', () => {
  const bytes = (text: string) => Buffer.from(text)
  fc.assert(
    fc.property(damaged(JSON.stringify(document)), (text) =>
      quiet(() => readDocument(bytes(text), 'lb2', 'x')),
    ),
  )
  fc.assert(fc.property(fc.json(), (text) => quiet(() => readDocument(bytes(text), 'lb2', 'x'))))
  fc.assert(fc.property(fc.uint8Array(), (some) => quiet(() => readDocument(some, 'lb2', 'x'))))
  fc.assert(fc.property(damaged(word), (text) => quiet(() => parseWord(text))))
  fc.assert(fc.property(fc.string(), (text) => quiet(() => parseWord(`tenbin1.${text}`))))
  fc.assert(
    fc.property(
      fc.uint8Array(),
      fc.nat(600),
      (some, status) => errorOf(some, status, 'x') instanceof TenbinError,
    ),
  )
})

/** withoutProto: what zod leaves out of any object, since it would be its prototype. */
const withoutProto = (key: string, value: unknown) => (key === '__proto__' ? undefined : value)

test('parts are whatever JSON is, and come as they went, but for prototypes', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ maxLength: 20 }), fc.jsonValue()), (parts) => {
      const sent = JSON.stringify({ ...document, parts })
      assert.deepEqual(documentSchema.parse(JSON.parse(sent)).parts, JSON.parse(sent, withoutProto).parts)
    }),
    { examples: [[{ a: JSON.parse('{"__proto__":{"b":[{"__proto__":0}]},"c":1}') }]] },
  )
})
