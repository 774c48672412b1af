// Which line of TypeScript an instruction comes from. The builder asks once an operation; the answer is the innermost
// frame outside src/bpf, translated by the source map when the program runs from a bundle. Most calls are answered by
// the first few frames and by what is known of their positions already, since a reload builds the same code again. It
// reads only V8's own stack and the loaded source maps, never a file, so that the same program always says the same.
// Left out: texts of lines where no source map holds the source, as under tsx.

import { findSourceMap } from 'node:module'

/** Line: file relative to the project ("src/dataplane/x.ts"), 1-based line, and the line's text where known. */
export interface Line {
  readonly file: string
  readonly line: number
  readonly text: string
}

/** Depths of the stack to look at: the builder's own frames are rarely more than the first, never more than the last. */
const DEPTHS = [4, 12]
const unknown: Line = { file: 'unknown', line: 0, text: '' }

/** By file and position in it: the line, or undefined for the builder's own code. */
const positions = new Map<string, Map<number, Line | undefined>>()
/** By source as source maps name it: its lines. */
const texts = new Map<string, readonly string[]>()

const raw = (_: Error, sites: NodeJS.CallSite[]): NodeJS.CallSite[] => sites

/** frames: the callers of callerLine, innermost first. */
function frames(depth: number): readonly NodeJS.CallSite[] {
  const { prepareStackTrace, stackTraceLimit } = Error
  Error.stackTraceLimit = depth
  Error.prepareStackTrace = raw
  const holder: { stack?: readonly NodeJS.CallSite[] } = {}
  Error.captureStackTrace(holder, callerLine)
  const found = holder.stack ?? []
  Error.prepareStackTrace = prepareStackTrace
  Error.stackTraceLimit = stackTraceLimit
  return found
}

/** projectPath: the part of a path from the project's src/, test/ or bench/ on; others as they are. */
export const projectPath = (file: string): string => file.replace(/^.*\/(?=(?:src|test|bench)\/)/, '')

/** isOwn: the builder's own code; tests of the builder are not. */
const isOwn = (file: string): boolean => file.startsWith('src/bpf/') && !file.endsWith('.test.ts')

function textsOf(map: NonNullable<ReturnType<typeof findSourceMap>>, source: string): readonly string[] {
  const known = texts.get(source)
  if (known) return known
  const { sources, sourcesContent } = map.payload
  const lines = sourcesContent?.[sources.indexOf(source)]?.split('\n') ?? []
  texts.set(source, lines)
  return lines
}

function translate(file: string, line: number, column: number): Line {
  const map = findSourceMap(file) as ReturnType<typeof findSourceMap> | undefined
  const entry = map?.findEntry(line - 1, column - 1)
  if (!map || !entry || !('originalSource' in entry)) return { file: projectPath(file), line, text: '' }
  const { originalSource, originalLine } = entry
  const text = textsOf(map, originalSource)[originalLine]?.trim() ?? ''
  return { file: projectPath(originalSource), line: originalLine + 1, text }
}

/** lineOf a frame; undefined for the builder's own. */
function lineOf(site: NodeJS.CallSite): Line | undefined {
  const file = site.getFileName() ?? ''
  let known = positions.get(file)
  if (!known) {
    known = new Map()
    positions.set(file, known)
  }
  const position = site.getPosition()
  if (known.has(position)) return known.get(position)
  const translated = translate(file, site.getLineNumber() ?? 0, site.getColumnNumber() ?? 0)
  const line = isOwn(translated.file) ? undefined : translated
  known.set(position, line)
  return line
}

let isAsked = true

/**
 * withoutLines: what `build` builds before it returns, in two thirds of the time and without a source map: its lines are unknown.
 * What fails is built again with them, so that its error says where.
 */
export function withoutLines<T>(build: () => T): T {
  const outer = isAsked
  isAsked = false
  try {
    return build()
  } catch {
    isAsked = outer
    return build()
  } finally {
    isAsked = outer
  }
}

/** callerLine: the line outside src/bpf that called the builder (tests of the builder count as outside). */
export function callerLine(): Line {
  if (!isAsked) return unknown
  for (const depth of DEPTHS) {
    for (const site of frames(depth)) {
      const line = lineOf(site)
      if (line) return line
    }
  }
  return unknown
}

/** formatLine: "src/dataplane/x.ts:42". */
export const formatLine = (line: Line | undefined): string =>
  line ? `${line.file}:${line.line}` : 'an unknown line'
