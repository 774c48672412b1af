// How the lab starts other processes of this tenbin. Each process of its own has an entry file, NAME.ts beside this file,
// or NAME.js beside it once built; the running file's own name tells which of the two it is.

import { existsSync } from 'node:fs'
import { delimiter, extname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from './run.ts'

/** EntryName: the entry files; the build makes one output file of each *-process.ts, beside its other output. */
export type EntryName = 'web-process' | 'traffic-process' | 'attack-process' | 'slow-process'

const isSource = extname(fileURLToPath(import.meta.url)) === '.ts'
const place = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const node = (): [string, ...string[]] => [
  process.execPath,
  // Source maps: the packet path's instructions are told by their lines of TypeScript.
  ...(isSource ? ['--import', import.meta.resolve('tsx')] : ['--enable-source-maps']),
]

/** entryCommand: the command that runs an entry with `options` as its only argument, in JSON. */
export const entryCommand = (name: EntryName, options: unknown): Command => [
  ...node(),
  '--max-old-space-size=128',
  place(`./${name}.${isSource ? 'ts' : 'js'}`),
  JSON.stringify(options),
]

/** BIN: the folder of the executable. */
export const BIN = place(isSource ? '../../bin' : '../bin')

/** tenbinWord: how a person calls it from here: `tenbin` where PATH has it, else its path. */
export function tenbinWord(path = process.env.PATH ?? '', folder = process.cwd()): string {
  if (path.split(delimiter).some((each) => existsSync(join(each, 'tenbin')))) return 'tenbin'
  const near = relative(folder, join(BIN, 'tenbin'))
  return near.startsWith('..') ? join(BIN, 'tenbin') : near
}

/** tenbinCommand: the command that runs this very tenbin: its sources, or what was built. */
export const tenbinCommand = (args: readonly string[]): Command => [
  ...node(),
  place(isSource ? '../cli/main.ts' : './tenbin.js'),
  ...args,
]
