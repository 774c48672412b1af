// Many mutants at once: one build, in which each has its own copy of the mutated file and of all that depends on it,
// while the rest is shared; and two processes that run about half of them each (batch-process.ts), where what is shared
// need be read and compiled once. A mutant thus costs little more than the programs that it loads, and of these the one
// that noticed it before goes first (noticed-by.json). What one leaves behind in shared modules could be taken for the
// next one's: so of each process the suites as they are run last, and must pass.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { build, type Metafile, type Plugin } from 'esbuild'
import { type BatchSuite, batchSuites, bundling, type Mutant, mutated, root } from './run-mutant.ts'

const PROCESSES = 2
/** A process that takes longer hangs: so long to begin, and so long for each of its mutants. */
const TIMEOUT_MS = { first: 60_000, each: 12_000 } as const

/** Said: what a suite said of a mutant. `broken`: it is no program at all (a name that is not there). */
export interface Said {
  readonly entry: string
  readonly what: 'passed' | 'noticed' | 'broken'
  readonly message: string
  /** Which of the suite's vectors, stories or constructs noticed. */
  readonly item?: string | undefined
}

/** NoticedBy: which of its suite's items noticed a mutant, by the mutant's name. */
export type NoticedBy = Readonly<Record<string, string>>

/** Batch: what was said of each mutant, and of each of suiteNames as it is. */
export interface Batch {
  readonly mutants: readonly (Said | undefined)[]
  readonly suites: readonly (Said | undefined)[]
  /** What else the processes said. */
  readonly stderr: string
}

/** suiteNames: the suites of a batch. */
export const suiteNames = Object.keys(batchSuites) as BatchSuite[]

/** dependentsOf a file, itself among them, as absolute paths. */
function dependentsOf(file: string, { inputs }: Metafile): ReadonlySet<string> {
  const found = new Set([file])
  for (const each of found)
    for (const [path, { imports }] of Object.entries(inputs))
      if (imports.some((imported) => imported.path === each)) found.add(path)
  return new Set([...found].map((path) => join(root, path)))
}

/** copies: entry "mutant-N" is mutant N's suite, in a namespace of that name with all that depends on its file. */
function copies(mutants: readonly Mutant<BatchSuite>[], metafile: Metafile): Plugin {
  const dependents = new Map<string, ReadonlySet<string>>()
  for (const { file } of mutants) dependents.set(file, dependentsOf(file, metafile))
  const texts = new Map<string, string>()
  const textOf = (path: string): string => {
    const text = texts.get(path) ?? readFileSync(path, 'utf8')
    texts.set(path, text)
    return text
  }
  const mutantOf = (namespace: string) => mutants[Number(/^mutant-(\d+)$/.exec(namespace)?.[1])]
  return {
    name: 'mutants',
    setup: ({ onResolve, onLoad }) => {
      onResolve({ filter: /^mutant-\d+$/ }, ({ path: namespace }) => ({
        path: join(root, batchSuites[mutantOf(namespace)!.suite]),
        namespace,
      }))
      onResolve({ filter: /^\./ }, ({ path, namespace, resolveDir }) => {
        const mutant = mutantOf(namespace)
        const target = resolve(resolveDir, path)
        return mutant && dependents.get(mutant.file)!.has(target) ? { path: target, namespace } : undefined
      })
      onLoad({ filter: /\.ts$/ }, ({ path, namespace }) => {
        const mutant = mutantOf(namespace)
        if (!mutant) return undefined
        const contents = path === join(root, mutant.file) ? mutated(mutant) : textOf(path)
        return { contents, loader: 'ts', resolveDir: dirname(path) }
      })
    },
  }
}

/** Entry: of a bundle, and what of its suite is to go first. */
type Entry = readonly [name: string, first?: string | undefined]

/** runEntries: what a process says of the entries given, one after the other. */
function runEntries(folder: string, entries: readonly Entry[]): Promise<{ said: Said[]; stderr: string }> {
  const args = [join(folder, 'process.js'), JSON.stringify(entries)]
  const child = spawn(process.execPath, args, {
    cwd: root,
    timeout: TIMEOUT_MS.first + TIMEOUT_MS.each * entries.length,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said: Said[] = []
  let stderr = ''
  createInterface({ input: child.stdout }).on('line', (line) => said.push(JSON.parse(line)))
  child.stderr.on('data', (data) => {
    stderr += data
  })
  return new Promise((resolve) => child.on('close', () => resolve({ said, stderr })))
}

/** shares of the mutants for the processes, by number: those of a suite are in one, which runs it as it is, too. */
function shares(mutants: readonly Mutant<BatchSuite>[]): readonly (readonly number[])[] {
  const made: number[][] = Array.from({ length: PROCESSES }, () => [])
  const bySuite = suiteNames.map((suite) =>
    [...mutants.keys()].filter((index) => mutants[index]!.suite === suite),
  )
  for (const numbers of bySuite.sort((a, b) => b.length - a.length))
    made.reduce((least, share) => (share.length < least.length ? share : least)).push(...numbers)
  return made
}

/** runBatch builds the mutants into `folder` and runs them, then their suites as they are. */
export async function runBatch(
  folder: string,
  mutants: readonly Mutant<BatchSuite>[],
  noticedBy: NoticedBy,
): Promise<Batch> {
  for (const mutant of mutants) mutated(mutant)
  const entryPoints = suiteNames.map((suite) => batchSuites[suite])
  const { metafile } = await build({ ...bundling, entryPoints, outdir: folder, write: false, metafile: true })
  const names = mutants.map((_, index) => `mutant-${index}`)
  await build({
    ...bundling,
    entryPoints: {
      process: 'test/mutants/batch-process.ts',
      ...batchSuites,
      ...Object.fromEntries(names.map((name) => [name, name])),
    },
    outdir: folder,
    splitting: true,
    plugins: [copies(mutants, metafile)],
  })
  const answers = await Promise.all(
    shares(mutants).map((numbers) =>
      runEntries(folder, [
        ...numbers.map((index): Entry => [names[index]!, noticedBy[mutants[index]!.name]]),
        ...suiteNames
          .filter((suite) => numbers.some((index) => mutants[index]!.suite === suite))
          .map((suite): Entry => [suite]),
      ]),
    ),
  )
  const about = (entry: string) => answers.flatMap(({ said }) => said).find((each) => each.entry === entry)
  return {
    mutants: names.map(about),
    suites: suiteNames.map(about),
    stderr: answers.map(({ stderr }) => stderr).join(''),
  }
}

/** assertSaid that of a mutant or suite. */
export function assertSaid(what: Said['what'], said: Said | undefined, stderr: string): void {
  assert.ok(said, `the process ended before: ${stderr}`)
  assert.equal(said.what, what, said.message)
}
