// The record of what setup put on this machine (.setup/installed), so that `npm run test:clean` takes away exactly
// that. It is written before something is installed and corrected afterwards: an interrupted setup is known too.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, SetupError } from './process.mjs'

/**
 * @typedef {object} Installed
 * @property {string[]} packages Debian packages that were not there before, by name
 * @property {string} [bpffs] the boot in which setup mounted /sys/fs/bpf
 */

/** setupFolder: .setup, where logs and the record lie; made when missing. */
export function setupFolder() {
  const folder = join(root, '.setup')
  mkdirSync(folder, { recursive: true })
  return folder
}

/** readInstalled: the record; empty when there is none. @param {string} [folder] @returns {Installed} */
export function readInstalled(folder = setupFolder()) {
  const file = join(folder, 'installed')
  let text
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return { packages: [] }
  }
  try {
    const record = JSON.parse(text)
    if (Array.isArray(record.packages)) return record
  } catch {
    // Said below.
  }
  throw new SetupError(`${file} is damaged: delete it, and remove packages that you do not want by hand`)
}

/** writeInstalled replaces the record in one step. @param {Installed} record @param {string} [folder] */
export function writeInstalled(record, folder = setupFolder()) {
  const file = join(folder, 'installed')
  writeFileSync(
    `${file}.new`,
    `${JSON.stringify({ ...record, packages: [...new Set(record.packages)].sort() }, null, 2)}\n`,
  )
  renameSync(`${file}.new`, file)
}

/** bootId: the same until the machine starts again. */
export const bootId = () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
