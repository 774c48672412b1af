// Revisions on disk, one file each: `00000007-1f3a….rev` in the instance's folder. A file is there whole or not at all
// (written beside, flushed, renamed, the folder flushed), and stays as it is until the same content is tried anew after the
// same past: then it is that attempt's, with when, who and why. Old ones go when there are too many, but none that somebody
// still needs. What is no revision there is left alone, and told.

import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { TenbinError } from '../base/errors.ts'
import { permitted } from '../sys/permitted.ts'
import { writePrivate } from '../sys/private-file.ts'
import { decodeHead, decodeRevision, encodeRevision, type Head, type Ref, type Revision } from './revision.ts'

/** REVISION_LIMITS: how many are kept, and of how many bytes together. */
export const REVISION_LIMITS = { count: 500, bytes: 256 * 1024 * 1024 } as const

const FILE = /^\d{8}-[0-9a-f]{16}\.rev$/
const CHUNK = 64 * 1024

interface Kept {
  readonly head: Head
  readonly bytes: number
}

export class RevisionStore {
  readonly folder: string
  readonly #limits: { readonly count: number; readonly bytes: number }
  readonly #kept = new Map<string, Kept>()
  /** damaged: names of files that cannot be read as revisions. */
  readonly damaged: string[] = []

  /** Reads the heads of what is there. Throws NOT_PERMITTED, STATE_UNUSABLE. */
  constructor(folder: string, limits: { readonly count: number; readonly bytes: number } = REVISION_LIMITS) {
    this.folder = folder
    this.#limits = limits
    permitted('read revisions', () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      for (const name of readdirSync(folder).sort()) {
        if (name.endsWith('.new')) rmSync(join(folder, name), { force: true })
        else if (FILE.test(name)) this.#open(name)
      }
    })
  }

  /** heads: all that are kept, by number; of the same number by id. */
  get heads(): readonly Head[] {
    return [...this.#kept.values()]
      .map(({ head }) => head)
      .sort((a, b) => a.number - b.number || (a.id < b.id ? -1 : 1))
  }

  head(id: string): Head | undefined {
    return this.#kept.get(id)?.head
  }

  /** has: it is kept with this very head: also when, by whom and why. */
  has(head: Head): boolean {
    return isDeepStrictEqual(this.head(head.id), head)
  }

  /** read: a revision that is kept. Throws REVISION_UNKNOWN, REVISION_DAMAGED. */
  read(id: string): Revision {
    const kept = this.#kept.get(id)
    if (!kept)
      throw new TenbinError('REVISION_UNKNOWN', 'read revision', { detail: `${id} is not kept here` })
    return permitted('read revision', () => decodeRevision(readFileSync(this.#path(kept.head))))
  }

  /**
   * add keeps a revision, at the cost of old ones outside `needed` (ids), and instead of one of the same id that has another
   * head. Throws NOT_PERMITTED, STATE_UNUSABLE.
   */
  add(revision: Revision, needed: ReadonlySet<string>): void {
    const { head } = revision
    if (this.has(head)) return
    const bytes = encodeRevision(revision)
    permitted('keep revision', () => {
      writePrivate(this.#path(head), bytes)
      flushFolder(this.folder)
      this.#replace({ head, bytes: bytes.length })
    })
    this.#prune(new Set([...needed, head.id]))
  }

  /** past of a revision: itself, what came before it, and so on, as far as that is kept. */
  past(id: string | undefined): Head[] {
    const past: Head[] = []
    for (let head = id === undefined ? undefined : this.head(id); head; head = this.head(head.parent))
      past.push(head)
    return past
  }

  #open(name: string): void {
    const path = join(this.folder, name)
    try {
      const head = decodeHead(firstLine(path))
      if (fileOf(head) !== name) throw new TenbinError('REVISION_DAMAGED', 'read revision')
      this.#replace({ head, bytes: statSync(path).size })
    } catch (error) {
      if (!(error instanceof TenbinError)) throw error
      this.damaged.push(path)
    }
  }

  /** #replace: the file of `now` is there; that of the same id before, or found where a process ended just here, goes. */
  #replace(now: Kept): void {
    const before = this.#kept.get(now.head.id)
    if (before && before.head.number !== now.head.number) rmSync(this.#path(before.head), { force: true })
    this.#kept.set(now.head.id, now)
  }

  #prune(needed: ReadonlySet<string>): void {
    let bytes = [...this.#kept.values()].reduce((sum, each) => sum + each.bytes, 0)
    for (const head of this.heads) {
      if (this.#kept.size <= this.#limits.count && bytes <= this.#limits.bytes) return
      if (needed.has(head.id)) continue
      bytes -= this.#kept.get(head.id)!.bytes
      permitted('remove an old revision', () => rmSync(this.#path(head), { force: true }))
      this.#kept.delete(head.id)
    }
  }

  #path(ref: Ref): string {
    return join(this.folder, fileOf(ref))
  }
}

const fileOf = ({ number, id }: Ref): string => `${String(number).padStart(8, '0')}-${id.slice(0, 16)}.rev`

function firstLine(path: string): Buffer {
  const fd = openSync(path, 'r')
  try {
    let bytes = Buffer.alloc(0)
    for (;;) {
      const chunk = Buffer.alloc(CHUNK)
      const count = readSync(fd, chunk)
      bytes = Buffer.concat([bytes, chunk.subarray(0, count)])
      if (count === 0 || chunk.subarray(0, count).includes(0x0a)) return bytes
    }
  } finally {
    closeSync(fd)
  }
}

/** flushFolder: a name that was made in it survives a loss of power. */
export function flushFolder(folder: string): void {
  const fd = openSync(folder, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
