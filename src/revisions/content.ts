// What a file says, byte for byte, with all that it includes: what a revision keeps, what nodes hand each other, and what
// a command hands the daemon, which may see other folders than the command. Names of included files count from the main
// file's folder, so that the same bytes are the same content wherever they lie. Left out: files that the file merely
// names (scripts, secrets).

import { createHash } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { load } from '../config/load.ts'
import { diskReader, type Reader, SIZE_LIMIT } from '../config/reader.ts'
import type { DesiredState } from '../config/state.ts'

/** ContentFile: `name`: the main file's is its base name, others' from its folder on, or absolute elsewhere. */
export interface ContentFile {
  readonly name: string
  readonly bytes: Uint8Array
}

/** Content: the main file first. `folder`: where it lay, for messages only: it is not part of what is compared. */
export interface Content {
  readonly folder: string
  readonly files: readonly ContentFile[]
}

/** FILES_LIMIT: the most files of one content. */
export const FILES_LIMIT = 10_000

/** Known: what a content means; `lists`: it includes by patterns, so another file beside it may make it another content. */
interface Known {
  readonly desired: DesiredState
  readonly lists: boolean
}

const loaded = new WeakMap<Content, Known>()
/** By what they are: what runs, what is tried, what was before; read again from disk, or come again from another node. */
const recent = new Map<string, Known>()
const RECENT = 3

function knownOf(content: Content): Known | undefined {
  const known = loaded.get(content) ?? recent.get(keyOf(content))
  if (known) remember(content, known)
  return known
}

function remember(content: Content, known: Known): void {
  if (loaded.get(content) === known) return
  loaded.set(content, known)
  const key = keyOf(content)
  recent.delete(key)
  recent.set(key, known)
  for (const oldest of recent.keys()) if (recent.size > RECENT) recent.delete(oldest)
}

/** keyOf: all that a load depends on. */
const keyOf = (content: Content): string =>
  JSON.stringify([content.folder, content.files[0]?.name, digestOf(content)])

/** Loaded: a content, and what it means. */
export interface Loaded {
  readonly content: Content
  readonly desired: DesiredState
}

/** readContent reads a file and what it includes. Throws ConfigError, with all findings. */
export function readContent(path: string, reader: Reader = diskReader): Loaded {
  const folder = dirname(path)
  const files: ContentFile[] = []
  const known = loadFrom(path, {
    read(each, limit) {
      const bytes = reader.read(each, limit)
      files.push({ name: nameIn(folder, each), bytes })
      return bytes
    },
    list: (each) => reader.list(each),
  })
  const content = { folder, files }
  remember(content, known)
  return { content, desired: known.desired }
}

function loadFrom(path: string, reader: Reader): Known {
  let lists = false
  const desired = load(path, {
    read: (each, limit) => reader.read(each, limit),
    list(each) {
      lists = true
      return reader.list(each)
    },
  })
  return { desired, lists }
}

/**
 * isAt: the file at a path, with what it includes, is this content, which was loaded: told by its bytes alone, without the
 * time that reading what they mean takes. False where it is not, or where that cannot be told.
 */
export function isAt(path: string, content: Content, reader: Reader = diskReader): boolean {
  if (knownOf(content)?.lists !== false) return false
  const folder = dirname(path)
  return content.files.every(({ name, bytes }, at) => {
    try {
      return (
        Buffer.compare(reader.read(at === 0 ? path : pathIn(folder, name), bytes.length + 1), bytes) === 0
      )
    } catch {
      return false
    }
  })
}

/** contentReader: a content as files to read; `mainOf` is the path of the first. */
export function contentReader({ folder, files }: Content): Reader {
  const bytesOf = new Map(files.map(({ name, bytes }) => [pathIn(folder, name), bytes]))
  return {
    read(path) {
      const bytes = bytesOf.get(path)
      if (!bytes) throw new Error('it is not part of this revision')
      return bytes
    },
    list: (path) =>
      [...bytesOf.keys()].filter((each) => dirname(each) === path).map((each) => basename(each)),
  }
}

/** mainOf: the path of a content's main file. */
export const mainOf = ({ folder, files }: Content): string => pathIn(folder, files[0]!.name)

/** loadContent: what a content means; the same object for the same content, for some time. Throws ConfigError, with all findings. */
export function loadContent(content: Content): DesiredState {
  const known = knownOf(content) ?? loadFrom(mainOf(content), contentReader(content))
  remember(content, known)
  return known.desired
}

/** digestOf a content: SHA-256 in hex over names and bytes, without the main file's name and folder. */
export function digestOf({ files }: Content): string {
  const hash = createHash('sha256')
  for (const [i, { name, bytes }] of files.entries()) {
    hash.update(`${i === 0 ? '' : name}\0${bytes.length}\0`).update(bytes)
  }
  return hash.digest('hex')
}

const nameIn = (folder: string, path: string): string => {
  const start = folder === '/' ? '/' : `${folder}/`
  if (folder === '.') return path
  return path.startsWith(start) ? path.slice(start.length) : path
}

const pathIn = (folder: string, name: string): string => (name.startsWith('/') ? name : join(folder, name))

const base64 = z
  .string()
  .max(Math.ceil(SIZE_LIMIT / 3) * 4)
  .regex(/^[A-Za-z0-9+/]*={0,2}$/, 'is base64')

/** contentSchema: a content as JSON carries it, bytes in base64. */
export const contentSchema = z.strictObject({
  folder: z.string().max(4096),
  files: z
    .array(z.strictObject({ name: z.string().min(1).max(4096), data: base64 }))
    .min(1)
    .max(FILES_LIMIT)
    .refine((files) => new Set(files.map(({ name }) => name)).size === files.length, 'each name once'),
})
export type ContentBody = z.output<typeof contentSchema>

/** encodeContent: as JSON carries it. */
export const encodeContent = ({ folder, files }: Content): ContentBody => ({
  folder,
  files: files.map(({ name, bytes }) => ({ name, data: Buffer.from(bytes).toString('base64') })),
})

/** decodeContent is the opposite. */
export const decodeContent = ({ folder, files }: ContentBody): Content => ({
  folder,
  files: files.map(({ name, data }) => ({ name, bytes: Buffer.from(data, 'base64') })),
})
