// An answer of the API as JSON, made in steps: each element of a long list is held against the schema, written and forgotten, so
// that 100,000 servers of pools are many small pieces of work. What comes out is what the schema lets through, as of
// JSON.stringify(schema.parse(answer)).

import { z } from 'zod'
import type { Steps } from '../base/steps.ts'

/** PIECE: characters that are put together before they become bytes, and bytes that go out at once. */
const PIECE = 64 * 1024

/** answerSteps: UTF-8. Throws ZodError: the answer is not of the schema. */
export function* answerSteps(schema: z.ZodType, answer: unknown): Steps<Buffer<ArrayBuffer>> {
  const text = new Text()
  const parts = partsOf(schema)
  if (!parts) text.add(JSON.stringify(schema.parse(answer)))
  else {
    const fields = anObject.parse(answer)
    const data = parts.rest.parse(fields)
    // The lists stand behind everything else.
    text.add(JSON.stringify(data).slice(0, -1))
    let comma = Object.keys(data).length > 0 ? ',' : ''
    for (const { name, list, element } of parts.lists) {
      const items = fields[name]
      // Absent where it may be, or no list at all.
      if (!Array.isArray(items) && list.parse(items) === undefined) continue
      text.add(`${comma}${JSON.stringify(name)}:[`)
      comma = ','
      for (const [index, item] of (items as readonly unknown[]).entries()) {
        text.add(`${index === 0 ? '' : ','}${JSON.stringify(element.parse(item))}`)
        yield
      }
      text.add(']')
    }
    text.add('}')
  }
  return text.bytes()
}

const anObject = z.record(z.string(), z.unknown())

/** Parts of a schema: its lists, and all else. */
interface Parts {
  readonly rest: z.ZodObject
  readonly lists: readonly { readonly name: string; readonly list: z.ZodType; readonly element: z.ZodType }[]
}

const known = new WeakMap<z.ZodType, Parts>()

/** partsOf a schema, which are made once; undefined: it is no plain object. */
function partsOf(schema: z.ZodType): Parts | undefined {
  if (!isPlainObject(schema)) return undefined
  const parts = known.get(schema) ?? apart(schema)
  known.set(schema, parts)
  return parts
}

function apart(schema: z.ZodObject): Parts {
  const rest: Record<string, z.ZodType> = {}
  const lists: Parts['lists'][number][] = []
  for (const [name, field] of Object.entries(schema.shape) as [string, z.ZodType][]) {
    const list = field instanceof z.ZodOptional ? field.unwrap() : field
    if (list instanceof z.ZodArray && hasNoChecks(list))
      lists.push({ name, list: field, element: list.element as z.ZodType })
    else rest[name] = field
  }
  return { rest: z.object(rest), lists }
}

/** bodyOf an answer: one that is long goes out piece by piece, since a Response would copy it for each who asked. */
export function bodyOf(bytes: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> | ReadableStream<Uint8Array> {
  if (bytes.length <= PIECE) return bytes
  let at = 0
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= bytes.length) controller.close()
      else controller.enqueue(bytes.subarray(at, at + PIECE))
      at += PIECE
    },
  })
}

/** isPlainObject: its fields are all that it asks for. */
const isPlainObject = (schema: z.ZodType): schema is z.ZodObject =>
  schema instanceof z.ZodObject && schema.def.catchall === undefined && hasNoChecks(schema)

const hasNoChecks = (schema: z.ZodType): boolean => (schema.def.checks ?? []).length === 0

/** Text becomes bytes piece by piece. */
class Text {
  readonly #pieces: Buffer[] = []
  #text = ''

  add(text: string): void {
    this.#text += text
    if (this.#text.length >= PIECE) this.#flush()
  }

  bytes(): Buffer<ArrayBuffer> {
    this.#flush()
    return Buffer.concat(this.#pieces)
  }

  #flush(): void {
    this.#pieces.push(Buffer.from(this.#text))
    this.#text = ''
  }
}
