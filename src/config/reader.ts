// Where the text comes from: the disk, or whatever a test or an editor hands in. Only regular files are read,
// and only so much of them: a pipe would block, a device never end. Include patterns are matched here too:
// `*` and `?` in the file's name only, names that begin with a dot left out, in the order of their bytes.

import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** SIZE_LIMIT: the most bytes that a file and all that it includes may have together. */
export const SIZE_LIMIT = 16 * 1024 * 1024

/** Reader: both may throw; the words of what they throw are passed on. */
export interface Reader {
  /** read: a file's bytes, at least `limit` of them if there are so many; more need not be read. */
  read(path: string, limit: number): Uint8Array
  /** list: the names in a folder, in any order. */
  list(folder: string): readonly string[]
}

/** diskReader reads regular files. */
export const diskReader: Reader = {
  read(path, limit) {
    // Non-blocking, since opening a named pipe would otherwise wait for its writer.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stat = fstatSync(fd)
      if (!stat.isFile())
        throw new Error(stat.isDirectory() ? 'it is a directory' : 'it is not a regular file')
      const bytes = Buffer.alloc(Math.min(stat.size, limit))
      let length = 0
      while (length < bytes.length) {
        const count = readSync(fd, bytes, length, bytes.length - length, null)
        if (count === 0) break
        length += count
      }
      return bytes.subarray(0, length)
    } finally {
      closeSync(fd)
    }
  },
  list: (folder) => readdirSync(folder),
}

/** Denied: the path that could not be read and why. */
export interface Denied {
  readonly path: string
  readonly why: string
  readonly cause: unknown
}

const denied = (path: string, cause: unknown): Denied => ({ path, why: reason(cause), cause })

function reason(cause: unknown): string {
  const { code, message = String(cause) } = cause as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'it does not exist'
  return code === 'EACCES' ? 'this user may not read it' : message
}

/** readFile: a file's bytes, at most about `limit`. */
export function readFile(reader: Reader, path: string, limit: number): Uint8Array | Denied {
  try {
    return reader.read(path, limit)
  } catch (cause) {
    return denied(path, cause)
  }
}

/** matchFiles: the paths that an include pattern stands for; without wildcards itself. */
export function matchFiles(reader: Reader, pattern: string): string[] | Denied {
  const name = basename(pattern)
  if (!/[*?]/.test(name)) return [pattern]
  const folder = dirname(pattern)
  let names: readonly string[]
  try {
    names = reader.list(folder)
  } catch (cause) {
    return denied(folder, cause)
  }
  return names
    .filter((each) => !each.startsWith('.') && matches(name, each))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map((each) => join(folder, each))
}

/** matches: wildcard match in linear time: on a mismatch only the last star is tried again. */
function matches(pattern: string, name: string): boolean {
  let [p, n, star, mark] = [0, 0, -1, 0]
  while (n < name.length) {
    if (pattern[p] === '*') {
      star = p++
      mark = n
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === name[n])) {
      p++
      n++
    } else if (star >= 0) {
      p = star + 1
      n = ++mark
    } else {
      return false
    }
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

/** textReader reads files that are in memory: path -> text or bytes. */
export const textReader = (files: Readonly<Record<string, string | Uint8Array>>): Reader => ({
  read(path) {
    const file = files[path]
    if (file === undefined) throw new Error('it does not exist')
    return typeof file === 'string' ? Buffer.from(file) : file
  },
  list(folder) {
    const start = folder === '.' ? '' : `${folder}/`
    const names = Object.keys(files).filter((path) => path.startsWith(start))
    return [...new Set(names.map((path) => path.slice(start.length).split('/')[0]!))]
  },
})
