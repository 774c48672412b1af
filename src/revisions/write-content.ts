// A content on the disk becomes another one, file by file, each as a whole: included files first, the main file, then what
// is included no more goes. Only plain files below the main file's folder are touched; where one is a link, or lies
// elsewhere, it is somebody's who has other plans with it, and nothing is.

import { lstatSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { writePrivate } from '../sys/private-file.ts'
import type { Content } from './content.ts'

/**
 * writeContent: whether `path` and what it includes, which are `before`, are `after` now; false where they are not only
 * plain files below one folder, or cannot be written: then some may be new already, and the rest as before.
 */
export function writeContent(path: string, before: Content, after: Content): boolean {
  const old = filesOf(path, before)
  const next = filesOf(path, after)
  if (!old || !next || ![...old.keys(), ...next.keys()].every((each) => isPlain(each, dirname(path))))
    return false
  try {
    for (const [each, bytes] of [...next].toReversed()) {
      const known = old.get(each)
      if (!known || Buffer.compare(known, bytes) !== 0) replace(each, bytes)
    }
    for (const each of old.keys()) if (!next.has(each)) rmSync(each)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    return false
  }
}

/** filesOf a content by path, the main file first; undefined: some lie elsewhere. */
function filesOf(path: string, { files: [main, ...others] }: Content): Map<string, Uint8Array> | undefined {
  const folder = dirname(path)
  const isBelow = (name: string) => !name.startsWith('/') && !name.split('/').includes('..')
  if (!others.every(({ name }) => isBelow(name))) return undefined
  return new Map([
    [path, main!.bytes],
    ...others.map(({ name, bytes }) => [join(folder, name), bytes] as const),
  ])
}

/** isPlain: a file, or nothing yet, and so are the folders on the way to it from `folder`. */
function isPlain(path: string, folder: string): boolean {
  const statOf = (each: string) => lstatSync(each, { throwIfNoEntry: false })
  if (!(statOf(path)?.isFile() ?? true)) return false
  for (let each = dirname(path); each !== folder; each = dirname(each))
    if (!(statOf(each)?.isDirectory() ?? true)) return false
  return true
}

/** replace a file in one step; owner and mode stay, and where they cannot it does not happen. */
function replace(path: string, bytes: Uint8Array): void {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  mkdirSync(dirname(path), { recursive: true })
  writePrivate(path, bytes, stat ?? { uid: process.getuid!(), gid: process.getgid!(), mode: 0o644 })
}
