// Which line of TypeScript an instruction comes from. The builder asks once an instruction; the answer is the
// innermost frame outside src/bpf, translated by the source map when the program runs from a bundle. It reads
// only V8's own stack and the loaded source maps, never a file, so that the same program always says the same.

import { findSourceMap } from 'node:module'

/** Line: file relative to the project ("src/dataplane/x.ts"), 1-based line, and the line's text where known. */
export interface Line {
  readonly file: string
  readonly line: number
  readonly text: string
}

interface Frame {
  readonly file: string
  readonly line: number
  readonly column: number
}

const cache = new Map<string, Line>()
const texts = new Map<string, readonly string[]>()

function frames(): Frame[] {
  const before = { prepare: Error.prepareStackTrace, limit: Error.stackTraceLimit }
  Error.stackTraceLimit = 14
  Error.prepareStackTrace = (_, sites) =>
    sites.map((site) => ({
      file: site.getFileName() ?? '',
      line: site.getLineNumber() ?? 0,
      column: site.getColumnNumber() ?? 0,
    }))
  const { stack } = new Error() as unknown as { stack: Frame[] }
  Error.prepareStackTrace = before.prepare
  Error.stackTraceLimit = before.limit
  return stack
}

const relative = (file: string): string => file.replace(/^.*?((?:src|test|bench)\/)/, '$1')

function textOf(file: string, content: string | null | undefined, line: number): string {
  if (!texts.has(file) && typeof content === 'string') texts.set(file, content.split('\n'))
  return texts.get(file)?.[line - 1]?.trim() ?? ''
}

function translate(frame: Frame): Line {
  const key = `${frame.file}:${frame.line}:${frame.column}`
  const known = cache.get(key)
  if (known) return known
  const map = findSourceMap(frame.file) as ReturnType<typeof findSourceMap> | undefined
  const entry = map?.findEntry(frame.line - 1, frame.column - 1)
  let line: Line = { file: relative(frame.file), line: frame.line, text: '' }
  if (map && entry && 'originalSource' in entry) {
    const at = map.payload.sources.findIndex((source) =>
      entry.originalSource.endsWith(source.replace(/^(\.\.?\/)+/, '')),
    )
    const file = relative(entry.originalSource)
    line = {
      file,
      line: entry.originalLine + 1,
      text: textOf(file, map.payload.sourcesContent?.[at], entry.originalLine + 1),
    }
  }
  cache.set(key, line)
  return line
}

/** callerLine: the line outside src/bpf that called the builder (tests of the builder count as outside). */
export function callerLine(): Line {
  for (const frame of frames()) {
    const line = translate(frame)
    if (!line.file.startsWith('src/bpf/') || line.file.endsWith('.test.ts')) return line
  }
  return { file: 'unknown', line: 0, text: '' }
}

/** formatLine: "src/dataplane/x.ts:42". */
export const formatLine = (line: Line | undefined): string =>
  line ? `${line.file}:${line.line}` : 'an unknown line'
