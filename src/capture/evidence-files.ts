// Captures on disk: pcapng files in one folder, for root alone, named by when they began and why. The folder is bounded: before a
// file is begun the oldest ones go until it has room, and no file takes more than a quarter. Nor is the disk filled, on which a
// node's keys and revisions may be, too.
//
//   <folder>/20161101T201530Z-flood.began.pcapng

import { appendFile, mkdir, readdir, stat, statfs, truncate, unlink } from 'node:fs/promises'
import { join } from 'node:path'

/** KeptCapture: one file. */
export interface KeptCapture {
  readonly name: string
  readonly path: string
  readonly bytes: number
}

/** FREE: bytes of a disk that are left to others, or a tenth of a smaller one. */
const FREE = 64 * 2 ** 20
/** PARTS: a file takes one of so many parts of its folder at most. */
const PARTS = 4
const NAME = /^\d{8}T\d{6}Z-[a-z0-9][a-z0-9.-]{0,63}\.pcapng$/

/** captureName: `why` in few words of letters, digits, dots and dashes. */
export const captureName = (began: Date, why: string): string =>
  `${began.toISOString().replace(/[-:]/g, '').slice(0, 15)}Z-${why}.pcapng`

/** isCaptureName: nothing else is written, whoever asks for it. */
export const isCaptureName = (name: string): boolean => NAME.test(name)

/** keptCaptures in a folder, the newest first; none where there is no folder. */
export async function keptCaptures(folder: string): Promise<KeptCapture[]> {
  const names = await readdir(folder).catch(() => [])
  const sizes = names.filter(isCaptureName).map(async (name): Promise<KeptCapture> => {
    const path = join(folder, name)
    const bytes = await stat(path).then(
      ({ size }) => size,
      () => 0,
    )
    return { name, path, bytes }
  })
  return (await Promise.all(sizes)).sort((a, b) => (a.name < b.name ? 1 : -1))
}

/** captureFacts: what a file's name says: when it began, ISO 8601 in UTC, and why. */
export function captureFacts(name: string): { readonly began: string; readonly why: string } {
  const [, date, time, why] = /^(\d{8})T(\d{6})Z-(.*)\.pcapng$/.exec(name)!
  const split = (text: string, mark: string, ...ends: readonly number[]) =>
    ends.map((end, at) => text.slice(ends[at - 1] ?? 0, end)).join(mark)
  return { began: `${split(date!, '-', 4, 6, 8)}T${split(time!, ':', 2, 4, 6)}Z`, why: why! }
}

/** CaptureFile: one file that grows. What it is given is written whole, or fails. */
export class CaptureFile {
  readonly path: string
  readonly #folder: string
  readonly #name: string
  readonly #limit: number
  #bytes = 0
  #isReady = false

  /** `folderBytes`: what all captures in the folder may take. */
  constructor(folder: string, name: string, folderBytes: number) {
    this.#folder = folder
    this.#name = name
    this.path = join(folder, name)
    this.#limit = Math.floor(folderBytes / PARTS)
  }

  /** bytes that are written. */
  get bytes(): number {
    return this.#bytes
  }

  /** append: false: the file has had its part, and nothing was written. Throws what the disk says. */
  async append(bytes: Buffer): Promise<boolean> {
    if (this.#bytes + bytes.length > this.#limit) return false
    if (!this.#isReady) {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 })
      await this.#makeRoom()
      this.#isReady = true
    }
    await leaveRoom(this.#folder, bytes.length)
    await appendFile(this.path, bytes, { mode: 0o600 }).catch(async (error: unknown) => {
      // a part of it may have been written
      await truncate(this.path, this.#bytes).catch(() => undefined)
      throw error
    })
    this.#bytes += bytes.length
    return true
  }

  /** The oldest go until the others leave a part for this one. */
  async #makeRoom(): Promise<void> {
    const kept = await keptCaptures(this.#folder)
    let left = this.#limit * (PARTS - 1)
    for (const { name, path, bytes } of kept) {
      if (name === this.#name) {
        this.#bytes = bytes
        continue
      }
      left -= bytes
      if (left < 0) await unlink(path).catch(() => undefined)
    }
  }
}

/** leaveRoom on the disk of a folder beside so many bytes more. Throws ENOSPC. */
async function leaveRoom(folder: string, bytes: number): Promise<void> {
  const { bsize, blocks, bavail } = await statfs(folder)
  if (bavail * bsize - bytes >= Math.min(FREE, (blocks * bsize) / 10)) return
  throw Object.assign(new Error('its disk has no room but for others'), { code: 'ENOSPC' })
}
