// A file that is made only where there is none, whole or not at all. Left out: the folder, which has to be there.

import { closeSync, fsyncSync, linkSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { TenbinError } from '../base/errors.ts'

/** writeNew makes `path` with this text. Throws FILE_EXISTS, FILE_UNWRITABLE; then nothing was made. */
export function writeNew(path: string, text: string): void {
  const beside = `${path}.${process.pid}.new`
  try {
    const fd = openSync(beside, 'wx', 0o644)
    try {
      writeAll(fd, Buffer.from(text))
      // Unlike rename(2), link(2) refuses a name that is taken.
      linkSync(beside, path)
    } finally {
      closeSync(fd)
      unlinkSync(beside)
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new TenbinError('FILE_EXISTS', `write ${path}`, { cause })
    throw new TenbinError('FILE_UNWRITABLE', `write ${path}`, { detail: message, cause })
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
  fsyncSync(fd)
}
