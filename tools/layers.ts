// The house's rule, checked: a file imports its own folder and folders drawn on lines above its own. Its idea: the
// drawing in ARCHITECTURE.md is the rule itself, read from there, so that the two cannot differ; imports are read from
// the sources' text. Tests may import anything. Also here: koffi in src/sys only, and how long a file may be.
// Left out: what an import is used for.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Source: a file of the project by its path there ("src/base/bytes.ts") and its text. */
export interface Source {
  readonly path: string
  readonly text: string
}

const LONGEST = 500

/** readDrawing: folder of src -> its line in the drawing, the first code block of ARCHITECTURE.md with a line "src/". */
export function readDrawing(document: string): ReadonlyMap<string, number> {
  const drawing = document
    .split(/^```.*$/m)
    .find((part, index) => index % 2 === 1 && /^src\/\s*$/m.test(part))
  if (drawing === undefined) throw new Error('ARCHITECTURE.md has no drawing with a line "src/"')
  const layers = new Map<string, number>()
  const lines = drawing.slice(drawing.search(/^src\/\s*$/m)).split('\n')
  for (const [index, line] of lines.entries())
    for (const [, folder = ''] of (/^ {2}((?:[a-z]+\/\s+)+)/.exec(line)?.[1] ?? '').matchAll(/([a-z]+)\//g))
      layers.set(folder, index)
  return layers
}

/** importsOf: what a TypeScript source imports, types and dynamic imports included, as written. */
export function importsOf(text: string): readonly string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  const statement = /(?:^|[\n;}]\s*)(?:import|export)\s(?:[^'"`;]*?\sfrom\s*)?'([^']+)'/g
  const dynamic = /\bimport\(\s*'([^']+)'/g
  return [...code.matchAll(statement), ...code.matchAll(dynamic)].map((match) => match[1] ?? '')
}

const isTest = (path: string): boolean => path.endsWith('.test.ts')

function violationsOf({ path, text }: Source, layers: ReadonlyMap<string, number>): readonly string[] {
  const found: string[] = []
  const length = text.split('\n').length - 1
  if (length > LONGEST)
    found.push(`${path} has ${length} lines: more than ${LONGEST} are never needed, split it`)
  if (!path.startsWith('src/') || isTest(path)) return found

  const folder = path.split('/')[1] ?? ''
  const own = layers.get(folder)
  if (own === undefined) return [...found, `${path} is in no folder that ARCHITECTURE.md draws`]
  for (const specifier of importsOf(text)) {
    if (specifier === 'koffi' && folder !== 'sys')
      found.push(`${path} imports koffi: only sys may make native calls`)
    if (!specifier.startsWith('.')) continue
    const target = normalize(join(dirname(path), specifier))
    const [top, other = ''] = target.split('/')
    const theirs = layers.get(other)
    if (top !== 'src') found.push(`${path} imports ${target}: src may not import ${top}`)
    else if (isTest(target)) found.push(`${path} imports ${target}: sources may not import tests`)
    else if (other !== folder && (theirs === undefined || theirs >= own))
      found.push(`${path} imports ${target}: ${folder} may not import ${other}`)
  }
  return found
}

/** violations: a line for everything in `sources` that breaks the rule of the drawing in `document`. */
export function violations(document: string, sources: readonly Source[]): readonly string[] {
  const layers = readDrawing(document)
  const found = sources.flatMap((source) => violationsOf(source, layers))
  for (const folder of layers.keys())
    if (!sources.some(({ path }) => path.startsWith(`src/${folder}/`)))
      found.push(`ARCHITECTURE.md draws src/${folder}/, which has no sources`)
  return found
}

function readSources(root: string): readonly Source[] {
  return ['src', 'test', 'bench', 'tools'].flatMap((top) =>
    readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|mjs)$/.test(name))
      .map((name) => ({ path: `${top}/${name}`, text: readFileSync(join(root, top, name), 'utf8') })),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = dirname(dirname(fileURLToPath(import.meta.url)))
  const found = violations(readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8'), readSources(root))
  for (const line of found) console.error(line)
  if (found.length > 0) process.exitCode = 1
}
