// A revision: a content that was to be applied, with when, who and why. Its id is a hash over its content and the id of
// the revision before it, so a revision names its whole past: nodes that have the same id came there the same way, and
// one whose id is in the other's past has only to catch up. Bytes of a revision, on disk and between nodes:
//
//   {"format":1,"number":7,"parent":"…","id":"…",…,"files":[{"name":"tenbin.yaml","bytes":812},…]}\n
//   the files' bytes, one after another

import { createHash } from 'node:crypto'
import { z } from 'zod'
import { TenbinError } from '../base/errors.ts'
import { type Content, digestOf, FILES_LIMIT } from './content.ts'

/** WHY_LIMIT: characters of a reason. */
export const WHY_LIMIT = 1_000
/** ROOT: the parent of a first revision. */
export const ROOT = ''
/** FIRST: who a first start's revision is of, which nobody applied: any that somebody did counts more. */
export const FIRST = 'tenbin'
const HEADER_LIMIT = 4 * 1024 * 1024

/** idText: an id, 64 digits in hex. */
export const idText = z.string().regex(/^[0-9a-f]{64}$/)

/** refSchema: names a revision. Numbers count up along a past; two of the same number are of two pasts. */
export const refSchema = z.strictObject({ number: z.int().min(1), id: idText })
export type Ref = z.infer<typeof refSchema>

/** headSchema: a revision without its content. */
export const headSchema = z.strictObject({
  ...refSchema.shape,
  parent: z.union([idText, z.literal(ROOT)]).describe('the id of the revision before; empty: the first one'),
  at: z.iso.datetime(),
  node: z.string().max(63).describe('where it was asked for; empty: a file without nodes'),
  who: z.string().max(200),
  why: z.string().max(WHY_LIMIT),
})
export type Head = z.infer<typeof headSchema>

/** Revision: all of it. */
export interface Revision {
  readonly head: Head
  readonly content: Content
}

/** idOf the revision that follows `parent` with this content. */
export const idOf = (parent: string, content: Content): string =>
  createHash('sha256')
    .update(`${parent}\n${digestOf(content)}`)
    .digest('hex')

/** refOf a head. */
export const refOf = ({ number, id }: Ref): Ref => ({ number, id })

/** shortId: enough of an id for people. */
export const shortId = (id: string): string => id.slice(0, 8)

const headerSchema = z.strictObject({
  format: z.literal(1),
  ...headSchema.shape,
  folder: z.string().max(4096),
  files: z
    .array(z.strictObject({ name: z.string().min(1).max(4096), bytes: z.int().min(0) }))
    .min(1)
    .max(FILES_LIMIT),
})

/** encodeRevision: its bytes. */
export function encodeRevision({ head, content: { folder, files } }: Revision): Buffer {
  const header: z.infer<typeof headerSchema> = {
    format: 1,
    ...head,
    folder,
    files: files.map(({ name, bytes }) => ({ name, bytes: bytes.length })),
  }
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), ...files.map(({ bytes }) => bytes)])
}

/** decodeRevision reads them, and holds the id against the content. Throws REVISION_DAMAGED. */
export function decodeRevision(bytes: Uint8Array): Revision {
  const { header, body } = splitHeader(bytes)
  const { format: _, folder, files: parts, ...head } = header
  let at = 0
  const files = parts.map(({ name, bytes: length }) => {
    const part = { name, bytes: body.subarray(at, at + length) }
    at += length
    return part
  })
  if (at !== body.length) throw damaged(`its files are ${at} bytes, there are ${body.length}`)
  const content = { folder, files }
  if (idOf(head.parent, content) !== head.id) throw damaged('its bytes are not those of its id')
  return { head, content }
}

/** decodeHead reads the head alone. Throws REVISION_DAMAGED. */
export function decodeHead(bytes: Uint8Array): Head {
  const { format: _, folder: __, files: ___, ...head } = splitHeader(bytes).header
  return head
}

function splitHeader(bytes: Uint8Array): { header: z.infer<typeof headerSchema>; body: Uint8Array } {
  const end = bytes.indexOf(0x0a)
  if (end < 0 || end > HEADER_LIMIT) throw damaged('it has no header')
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes.subarray(0, end)).toString('utf8'))
  } catch {
    throw damaged('its header is no JSON')
  }
  const read = headerSchema.safeParse(value)
  if (!read.success) throw damaged(`its header is not one (${read.error.issues[0]?.path.join('.')})`)
  return { header: read.data, body: bytes.subarray(end + 1) }
}

const damaged = (detail: string): TenbinError =>
  new TenbinError('REVISION_DAMAGED', 'read revision', { detail })
