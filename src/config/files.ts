// The main file and what it includes, read and parsed, in the order in which they count: the main file first,
// then its patterns in their order, each pattern's files by name. An included file has no includes of its own, so
// nothing can go in circles.

import { dirname, isAbsolute, join, resolve } from 'node:path'
import { checkShape } from './check-shape.ts'
import { ConfigError } from './config-error.ts'
import type { Findings } from './findings.ts'
import type { File } from './merge.ts'
import { parse } from './parse.ts'
import { type Denied, matchFiles, type Reader, readFile, SIZE_LIMIT } from './reader.ts'
import { inside, type Place } from './source.ts'

/** Files: what was read. `whole` is false when the text of one could not be understood. */
export interface Files {
  readonly files: readonly File[]
  readonly whole: boolean
}

/** readFiles reads a file and its includes. Throws CONFIG_UNREADABLE for the main one; all else is a finding. */
export function readFiles(path: string, reader: Reader, findings: Findings): Files {
  const batch = new Batch(reader, findings)
  const main = batch.read(path)
  if ('why' in main) {
    const { why, cause } = main
    throw new ConfigError('CONFIG_UNREADABLE', 'read file', { detail: `${path}: ${why}`, cause })
  }
  const seen = new Set([resolve(path)])
  const { include = [] } = main.shaped
  for (const [index, pattern] of (typeof include === 'string' ? [include] : include).entries()) {
    const item = inside(
      { source: main.source, path: ['include'] },
      ...(typeof include === 'string' ? [] : [index]),
    )
    const denied = ({ path, why }: Denied): void => {
      findings.add(item, `${path} cannot be read: ${why}`)
      batch.whole = false
    }
    const matched = matchFiles(reader, isAbsolute(pattern) ? pattern : join(dirname(path), pattern))
    if ('why' in matched) {
      denied(matched)
      continue
    }
    for (const each of matched) {
      if (seen.has(resolve(each))) continue
      seen.add(resolve(each))
      const file = batch.read(each)
      if ('why' in file) denied(file)
      else if (file.shaped.include !== undefined) {
        const place: Place = { source: file.source, path: ['include'], key: true }
        findings.add(place, `include works in the main file only: name the files in ${path}`)
      }
    }
  }
  return batch
}

/** Batch: the files of one load, which have one limit of size together. */
class Batch implements Files {
  readonly files: File[] = []
  whole = true
  #left = SIZE_LIMIT
  readonly #reader: Reader
  readonly #findings: Findings

  constructor(reader: Reader, findings: Findings) {
    this.#reader = reader
    this.#findings = findings
  }

  read(path: string): File | Denied {
    const bytes = readFile(this.#reader, path, this.#left + 1)
    if ('why' in bytes) return bytes
    const isTooLarge = bytes.length > this.#left
    this.#left -= Math.min(this.#left, bytes.length)
    const parsed = parse(path, isTooLarge ? new Uint8Array() : bytes, this.#findings)
    if (isTooLarge) {
      const message =
        'the file and what it includes are larger than 16 MiB together: let services share pools'
      this.#findings.addAt(parsed.source, 0, message)
    }
    if (isTooLarge || parsed.value === undefined) this.whole = false
    const file = { source: parsed.source, ...checkShape(parsed, this.#findings) }
    this.files.push(file)
    return file
  }
}
