// What a process that has ended wrote last: the line of its log that says most, for people. Node writes an uncaught error as
// the source line, a caret, the error, its stack, and its own version: the error is what is wanted. Pure but for reading.

import { closeSync, openSync, readSync, statSync } from 'node:fs'

/** Bytes of a log's end that are looked at. */
const TAIL = 4096
const LONGEST = 200

/** lastWordsIn: of a log, or of its part from byte `from` on; undefined: nothing was said. */
export function lastWordsIn(path: string, from: number): string | undefined {
  try {
    const { size } = statSync(path)
    const start = Math.max(size < from ? 0 : from, size - TAIL)
    const bytes = Buffer.alloc(Math.max(0, size - start))
    const fd = openSync(path, 'r')
    try {
      return lastWords(bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, start)))
    } finally {
      closeSync(fd)
    }
  } catch {
    // A log that cannot be read says nothing.
    return undefined
  }
}

/** lastWords: the last error of a text, or its last line; of lines of JSON their `text`. */
export function lastWords(text: string): string | undefined {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(at |Node\.js v|\^+$|\}$)/.test(line))
  const line = lines.findLast((each) => /^(\w*Error\b|FATAL|<---)/.test(each)) ?? lines.at(-1)
  if (line === undefined) return undefined
  const said = textOf(line).replace(/\p{Cc}/gu, ' ')
  return said.length > LONGEST ? `${said.slice(0, LONGEST - 1)}…` : said
}

function textOf(line: string): string {
  try {
    const { text } = JSON.parse(line) as { readonly text?: unknown }
    return typeof text === 'string' ? text : line
  } catch {
    return line
  }
}
