// A mutant is a source with one place replaced by something else, and the suite that must notice. It is bundled with
// its suite (an esbuild plugin hands the changed text in; no file changes) and run in a process of its own.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** suites: what a mutant is tried with. Those that are test files print TAP and exit with 1. */
export const suites = {
  vectors: 'test/mutants/suites/vectors.ts',
  table: 'test/mutants/suites/table.ts',
  constructs: 'test/mutants/suites/constructs.ts',
  builder: 'src/bpf/builder.test.ts',
  allocate: 'src/bpf/allocate.test.ts',
} as const
export type Suite = keyof typeof suites

/** Mutant: `find` stands exactly once in the file. */
export interface Mutant {
  readonly name: string
  readonly file: string
  readonly find: string
  readonly replace: string
  readonly suite: Suite
}

/** mutated: the file's text with the place replaced. Throws when the place is not there exactly once. */
export function mutated({ file, find, replace }: Pick<Mutant, 'file' | 'find' | 'replace'>): string {
  const text = readFileSync(join(root, file), 'utf8')
  const parts = text.split(find)
  assert.equal(parts.length, 2, `${file} has ${parts.length - 1} times: ${find}`)
  assert.notEqual(find, replace)
  return parts.join(replace)
}

/** Noticed: what a suite said. `status` 0: nothing was noticed. */
export interface Noticed {
  readonly status: number
  readonly output: string
}

/** runSuite with a mutant, or as it is; `folder` is where the bundle goes. */
export async function runSuite(
  suite: Suite,
  folder: string,
  name: string,
  mutant?: Mutant,
): Promise<Noticed> {
  const outfile = join(folder, `${name}.mjs`)
  const text = mutant && mutated(mutant)
  await build({
    absWorkingDir: root,
    entryPoints: [suites[suite]],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['koffi', 'esbuild'],
    // Test files look at the lines that messages name.
    sourcemap: suites[suite].endsWith('.test.ts') ? 'inline' : false,
    logLevel: 'silent',
    plugins: [
      {
        name: 'mutant',
        setup: ({ onLoad }) =>
          onLoad({ filter: /\.ts$/ }, ({ path }) =>
            mutant && path === join(root, mutant.file) ? { contents: text!, loader: 'ts' } : undefined,
          ),
      },
    ],
  })
  return new Promise((resolve) => {
    // A child of a test would report in the runner's own format.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const args = ['--enable-source-maps', '--test-reporter=tap', outfile]
    execFile(process.execPath, args, { cwd: root, env, timeout: 30_000 }, (error, stdout, stderr) => {
      const status = error ? (typeof error.code === 'number' ? error.code : -1) : 0
      resolve({ status, output: `${stdout}${stderr}` })
    })
  })
}

/** assertNoticed: the suite failed, and not because the mutant is no program. */
export function assertNoticed({ status, output }: Noticed, suite: Suite): void {
  const isTestFile = suites[suite].endsWith('.test.ts')
  assert.notEqual(status, 0, 'nobody noticed')
  assert.doesNotMatch(output, /ReferenceError|SyntaxError|TypeError/, 'the mutant is no program')
  if (isTestFile) assert.match(output, /^# fail [1-9]/m, output)
  else assert.match(output, /^noticed: /m, output)
}
