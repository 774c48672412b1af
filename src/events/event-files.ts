// Events on disk: files of JSON lines that are only appended to, the oldest removed when there are too many bytes. Writes
// run beside the daemon, one at a time, at once when an event comes; the disk is flushed within a second. So a daemon
// that is killed loses nothing that was written, a machine that loses power the last second. A line that was cut short is
// cut off when the files are opened. A disk that is full, read-only or stuck costs nobody time: what cannot be written
// waits in memory, bounded, is tried again, and unkept() says why.
//
//   <directory>/0000000000000001.ndjson   events from number 1 on
//   <directory>/0000000000004711.ndjson   the file that is written

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type Event, eventSchema } from './event.ts'
import { EVENTS_KEPT, type EventStore } from './event-log.ts'
import { SequenceNumbers } from './sequence-numbers.ts'

/**
 * EventFilesOptions: `sequence`: the file of numbers given away, which a boot may forget; `given`: the highest that somebody
 * else knows of, so that nobody takes a new event for one that is known.
 */
export interface EventFilesOptions {
  readonly directory: string
  readonly sequence: string
  readonly given?: number
  readonly limits?: { readonly fileBytes: number; readonly files: number }
}

/** EVENT_LIMITS: bytes of one file, and how many files: 8 MiB in all. */
export const EVENT_LIMITS = { fileBytes: 2 ** 20, files: 8 } as const

/** Unkept: why events are in memory only. */
export interface Unkept {
  readonly why: string
  /** The file system is read-only: that is how this machine is, not a fault. */
  readonly isReadOnly: boolean
}

const RETRY_MS = 2_000
const FLUSH_MS = 1_000
/** STUCK_MS: a write that takes longer is told of. */
const STUCK_MS = 5_000
/** BATCH_BYTES: of one write, but that one event is written whatever its size. */
const BATCH_BYTES = 128 * 1024

export class EventFiles implements EventStore {
  readonly kept: readonly Event[]
  readonly #options: Required<EventFilesOptions>
  readonly #numbers: SequenceNumbers
  /** What is not written yet, oldest first, EVENTS_KEPT at most. */
  #waiting: Event[] = []
  #writing: Promise<void> | undefined
  #since = 0
  #file: { readonly handle: FileHandle; bytes: number } | undefined
  #unkept: Unkept | undefined
  #retry: NodeJS.Timeout | undefined
  #flush: NodeJS.Timeout | undefined

  /** Reads what is there; nothing is made or changed before the first event. Never throws for the disk's sake. */
  constructor(options: EventFilesOptions) {
    this.#options = { limits: EVENT_LIMITS, given: 0, ...options }
    this.kept = readEvents(options.directory, this.#options.limits)
    this.#numbers = new SequenceNumbers(
      options.sequence,
      Math.max(this.#options.given, this.kept.at(-1)?.seq ?? 0),
    )
  }

  next(): number {
    return this.#numbers.next()
  }

  add(event: Event): void {
    this.#waiting.push(event)
    if (this.#waiting.length > EVENTS_KEPT) this.#waiting.shift()
    if (!this.#retry) this.#wake()
  }

  /** unkept: why what has happened lately is not on disk; undefined: it is, or will be in a moment. */
  unkept(): Unkept | undefined {
    if (this.#writing && performance.now() - this.#since > STUCK_MS)
      return { why: `${this.#options.directory}: the disk does not answer`, isReadOnly: false }
    return this.#unkept
  }

  /** close: what waits is written, and flushed, or `patienceMs` are over. */
  async close(patienceMs: number): Promise<void> {
    clearTimeout(this.#retry)
    this.#retry = undefined
    this.#wake()
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patienceMs)
    })
    await Promise.race([this.#finish(), patience])
    clearTimeout(timer)
    clearTimeout(this.#retry)
    this.#numbers.close()
  }

  async #finish(): Promise<void> {
    await this.#writing
    clearTimeout(this.#flush)
    const file = this.#file
    this.#file = undefined
    await file?.handle.datasync().catch(() => undefined)
    await file?.handle.close().catch(() => undefined)
  }

  #wake(): void {
    if (this.#writing || this.#waiting.length === 0) return
    this.#since = performance.now()
    this.#writing = this.#drain().finally(() => {
      this.#writing = undefined
    })
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const [first] = this.#waiting as [Event]
      const { bytes, last } = batchOf(this.#waiting, Math.min(BATCH_BYTES, this.#options.limits.fileBytes))
      try {
        await this.#write(first.seq, bytes)
      } catch (error) {
        this.#fail(error as NodeJS.ErrnoException)
        return
      }
      // Some of the batch may have made room meanwhile.
      this.#waiting = this.#waiting.filter(({ seq }) => seq > last)
      this.#unkept = undefined
      this.#since = performance.now()
    }
    this.#flush ??= setTimeout(() => {
      this.#flush = undefined
      this.#file?.handle.datasync().catch((error: NodeJS.ErrnoException) => this.#fail(error))
    }, FLUSH_MS).unref()
  }

  #fail({ code, message }: NodeJS.ErrnoException): void {
    this.#unkept = { why: message, isReadOnly: code === 'EROFS' }
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined
      this.#wake()
    }, RETRY_MS).unref()
  }

  async #write(seq: number, bytes: Buffer): Promise<void> {
    const file = await this.#fileFor(seq, bytes.length)
    try {
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await file.handle.write(bytes, at, bytes.length - at, file.bytes + at)
        at += bytesWritten
      }
      file.bytes += bytes.length
    } catch (error) {
      // Half a line may be there.
      await file.handle.truncate(file.bytes).catch(() => undefined)
      await file.handle.close().catch(() => undefined)
      this.#file = undefined
      throw error
    }
  }

  /** #fileFor: the file that is written, with room for so many bytes more, or a new one that begins with `seq`. */
  async #fileFor(seq: number, more: number): Promise<{ readonly handle: FileHandle; bytes: number }> {
    const { directory, limits } = this.#options
    this.#file ??= await lastFile(directory)
    const full = this.#file
    if (full && full.bytes > 0 && full.bytes + more > limits.fileBytes) {
      // Also if that fails: a file that was closed cannot be flushed again.
      this.#file = undefined
      try {
        await full.handle.datasync()
      } finally {
        await full.handle.close()
      }
    }
    if (!this.#file) {
      await makeDirectory(directory)
      const names = await fileNames(directory)
      for (const name of names.slice(0, Math.max(0, names.length - limits.files + 1)))
        await unlink(join(directory, name))
      const path = join(directory, `${String(seq).padStart(16, '0')}.ndjson`)
      this.#file = { handle: await open(path, 'w', 0o600), bytes: 0 }
    }
    return this.#file
  }
}

/** makeDirectory: its parents only where they are missing: on a read-only file system Node's recursive mkdir says ENOENT. */
async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') await mkdir(directory, { recursive: true, mode: 0o700 })
    else if (code !== 'EEXIST') throw error
  }
}

/** batchOf: the lines of one write of at most `limit` bytes, or one line, and the number of its last event. */
function batchOf(events: readonly Event[], limit: number): { readonly bytes: Buffer; readonly last: number } {
  const lines: Buffer[] = []
  let [length, last] = [0, 0]
  for (const event of events) {
    const line = Buffer.from(`${JSON.stringify(event)}\n`)
    if (length > 0 && length + line.length > limit) break
    lines.push(line)
    length += line.length
    last = event.seq
  }
  return { bytes: Buffer.concat(lines), last }
}

const isFileName = (name: string): boolean => /^\d{16}\.ndjson$/.test(name)

async function fileNames(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter(isFileName).sort()
}

/** lastFile: the one to go on with, without a line that was cut short; undefined: there is none. */
async function lastFile(directory: string): Promise<{ handle: FileHandle; bytes: number } | undefined> {
  let names: string[]
  try {
    names = await fileNames(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const last = names.at(-1)
  if (last === undefined) return undefined
  const path = join(directory, last)
  if (!(await stat(path)).isFile()) throw new Error(`${path} is no file`)
  const handle = await open(path, 'r+')
  try {
    const text = await handle.readFile()
    const bytes = text.lastIndexOf('\n') + 1
    if (bytes < text.length) await handle.truncate(bytes)
    return { handle, bytes }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/**
 * readEvents: the latest that are kept in a directory, oldest first; none where there are none. What is no event of ours, or
 * not in order, is left out.
 */
export function readEvents(
  directory: string,
  { fileBytes }: { readonly fileBytes: number } = EVENT_LIMITS,
): readonly Event[] {
  let names: string[]
  try {
    names = readdirSync(directory).filter(isFileName).sort()
  } catch {
    return []
  }
  const files: Event[][] = []
  let count = 0
  for (const name of names.reverse()) {
    if (count >= EVENTS_KEPT) break
    const events = readFile(join(directory, name), 2 * fileBytes)
    files.unshift(events)
    count += events.length
  }
  let last = 0
  return files
    .flat()
    .filter(({ seq }) => {
      const isInOrder = seq > last
      if (isInOrder) last = seq
      return isInOrder
    })
    .slice(-EVENTS_KEPT)
}

function readFile(path: string, limit: number): Event[] {
  try {
    const found = statSync(path)
    if (!found.isFile() || found.size > limit) return []
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
    return lines.flatMap((line) => eventIn(line) ?? [])
  } catch {
    return []
  }
}

function eventIn(line: string): Event | undefined {
  try {
    return eventSchema.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}
