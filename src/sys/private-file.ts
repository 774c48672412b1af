// Small files of a process, mode 0600 unless it is said otherwise, replaced as a whole: written beside, flushed, renamed. A reader, or the
// process after a crash, finds the old content or the new one, never half.

import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'

/** Like: whose a file is to be, and its mode: those of the one that it replaces. */
export interface Like {
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

/**
 * writePrivate replaces `path` by `bytes` in one step, mode and owner included; makes its folder (0700) if needed. Throws
 * what fs throws; what was there before is then untouched.
 */
export function writePrivate(path: string, bytes: Uint8Array | string, like?: Like): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const beside = `${path}.${process.pid}.new`
  try {
    const fd = openSync(beside, 'w', 0o600)
    try {
      const data = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
      for (let at = 0; at < data.length; ) at += writeSync(fd, data, at)
      if (like) {
        fchmodSync(fd, like.mode & 0o7777)
        fchownSync(fd, like.uid, like.gid)
      }
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(beside, path)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
}

/** readIfThere: the file's bytes; undefined if there is none. Throws what fs throws otherwise. */
export function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
