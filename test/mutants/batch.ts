// Many mutants at once: one build, in which each has its own copy of the mutated file and of all that depends on it,
// while the rest is shared; and two processes that run half of them each (batch-process.ts), where what is shared need
// be read and compiled once. A mutant thus costs little more than the programs that it loads. What one leaves behind
// in shared modules could be taken for the next one's: so the suites as they are run last, and must pass.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { build, type Metafile, type Plugin } from 'esbuild'
import { type BatchSuite, batchSuites, bundling, type Mutant, mutated, root } from './run-mutant.ts'

const PROCESSES = 2
const TIMEOUT_MS = 550_000

/** Said: what a suite said of a mutant. `broken`: it is no program at all (a name that is not there). */
export interface Said {
  readonly entry: string
  readonly what: 'passed' | 'noticed' | 'broken'
  readonly message: string
}

/** Batch: what was said of each mutant, and of each of suiteNames as it is, by each of the processes. */
export interface Batch {
  readonly mutants: readonly (Said | undefined)[]
  readonly suites: readonly (readonly (Said | undefined)[])[]
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

/** runEntries: what a process says of the entries given, one after the other. */
function runEntries(folder: string, entries: readonly string[]): Promise<{ said: Said[]; stderr: string }> {
  const args = [join(folder, 'process.js'), ...entries]
  const child = spawn(process.execPath, args, {
    cwd: root,
    timeout: TIMEOUT_MS,
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

/** runBatch builds the mutants into `folder` and runs them, then the suites as they are. */
export async function runBatch(folder: string, mutants: readonly Mutant<BatchSuite>[]): Promise<Batch> {
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
  const shares = Array.from({ length: PROCESSES }, (_, share) => [
    ...names.filter((_, index) => index % PROCESSES === share),
    ...suiteNames,
  ])
  const answers = await Promise.all(shares.map((entries) => runEntries(folder, entries)))
  const about = (entry: string) => answers.map(({ said }) => said.find((each) => each.entry === entry))
  return {
    mutants: names.map((name) => about(name).find((each) => each)),
    suites: suiteNames.map((suite) => about(suite)),
    stderr: answers.map(({ stderr }) => stderr).join(''),
  }
}

/** assertSaid that of a mutant or suite. */
export function assertSaid(what: Said['what'], said: Said | undefined, stderr: string): void {
  assert.ok(said, `the process ended before: ${stderr}`)
  assert.equal(said.what, what, said.message)
}
