// A mutant is a source with one place replaced by something else, and the suite that must notice. No file changes: the
// text is handed to esbuild. Suites that are test files run here, each mutant in a process of its own; for the others
// see batch.ts.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build } from 'esbuild'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** batchSuites: functions that throw at the first thing that is not as it should be. */
export const batchSuites = {
  vectors: 'test/mutants/suites/vectors.ts',
  vectors6: 'test/mutants/suites/vectors6.ts',
  vectorsDefence: 'test/mutants/suites/vectors-defence.ts',
  sequencesDefence: 'test/mutants/suites/sequences-defence.ts',
  ranges: 'test/mutants/suites/ranges.ts',
  stories: 'test/mutants/suites/stories.ts',
  storiesPlaces: 'test/mutants/suites/stories-places.ts',
  storiesPersistence: 'test/mutants/suites/stories-persistence.ts',
  storiesResets: 'test/mutants/suites/stories-resets.ts',
  storiesPeeks: 'test/mutants/suites/stories-peeks.ts',
  sequences: 'test/mutants/suites/sequences.ts',
  storiesNat: 'test/mutants/suites/stories-nat.ts',
  table: 'test/mutants/suites/table.ts',
  constructs: 'test/mutants/suites/constructs.ts',
  counting: 'test/mutants/suites/counting.ts',
  recorder: 'test/mutants/suites/recorder.ts',
  vrrpMachine: 'test/mutants/suites/vrrp-machine.ts',
  vrrpAdverts: 'test/mutants/suites/vrrp-adverts.ts',
  amendments: 'test/mutants/suites/amendments.ts',
} as const
/** testSuites: test files. They print TAP and exit with 1. */
export const testSuites = {
  builder: 'src/bpf/builder.test.ts',
  allocate: 'src/bpf/allocate.test.ts',
  loop: 'src/bpf/loop.test.ts',
  machine: 'src/health/machine.test.ts',
  pool: 'src/health/pool.test.ts',
  rota: 'src/health/rota.test.ts',
  expect: 'src/health/expect.test.ts',
  orders: 'src/health/orders.test.ts',
  sorrySlots: 'src/engine/pool-slots-sorry.test.ts',
  simplify: 'src/bpf/simplify.test.ts',
  addressSet: 'src/vrrp/address-set.test.ts',
  setSecrets: 'src/vrrp/set-secrets.test.ts',
  exchange: 'src/vrrp/exchange.test.ts',
  heldRoutes: 'src/vrrp/held-routes.test.ts',
  rotation: 'src/cluster/rotation.test.ts',
  peerRecord: 'src/cluster/peer-record.test.ts',
  parts: 'src/cluster/parts.test.ts',
  coordinator: 'src/revisions/coordinator.test.ts',
  localRevisions: 'src/revisions/local.test.ts',
  link: 'src/replicate/link.test.ts',
  mergeBatches: 'src/replicate/merge-batches.test.ts',
  incident: 'src/flood/incident.test.ts',
  verdictBounds: 'src/flood/verdict-bounds.test.ts',
  suggest: 'src/flood/suggest.test.ts',
  tally: 'src/flood/tally.test.ts',
  arrivals: 'src/flood/arrivals.test.ts',
  sketch: 'src/flood/sketch.test.ts',
  top: 'src/flood/top.test.ts',
  usual: 'src/flood/usual.test.ts',
  said: 'src/flood/said.test.ts',
  effective: 'src/flood/effective.test.ts',
} as const
export type BatchSuite = keyof typeof batchSuites
export type TestSuite = keyof typeof testSuites

/** Mutant: `find` stands exactly once in the file. */
export interface Mutant<S = BatchSuite | TestSuite> {
  readonly name: string
  readonly file: string
  readonly find: string
  readonly replace: string
  readonly suite: S
}

/** inFile makes mutants of one file, for one suite. */
export const inFile =
  <S extends BatchSuite | TestSuite>(file: string, suite: S) =>
  (name: string, find: string, replace: string): Mutant<S> => ({ name, file, find, replace, suite })

/** mutated: the file's text with the place replaced. Throws when the place is not there exactly once. */
export function mutated({ file, find, replace }: Pick<Mutant, 'file' | 'find' | 'replace'>): string {
  const text = readFileSync(join(root, file), 'utf8')
  const parts = text.split(find)
  assert.equal(parts.length, 2, `${file} has ${parts.length - 1} times: ${find}`)
  assert.notEqual(find, replace)
  return parts.join(replace)
}

/** bundling: how all mutants are built. */
export const bundling = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  external: ['koffi', 'esbuild', 'yaml'],
  logLevel: 'silent',
} as const satisfies BuildOptions

/** Noticed: what a test file said. `status` 0: nothing was noticed. */
export interface Noticed {
  readonly status: number
  readonly output: string
}

/** runTestFile with a mutant, or as it is; `folder` is where the bundle goes. */
export async function runTestFile(
  suite: TestSuite,
  folder: string,
  name: string,
  mutant?: Mutant,
): Promise<Noticed> {
  const outfile = join(folder, `${name}.mjs`)
  const text = mutant && mutated(mutant)
  await build({
    ...bundling,
    entryPoints: [testSuites[suite]],
    outfile,
    // Test files look at the lines that messages name.
    sourcemap: 'inline',
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
    execFile(process.execPath, args, { cwd: root, env, timeout: 120_000 }, (error, stdout, stderr) => {
      const status = error ? (typeof error.code === 'number' ? error.code : -1) : 0
      resolve({ status, output: `${stdout}${stderr}` })
    })
  })
}

/** assertNoticed: the test file failed, and not because the mutant is no program. */
export function assertNoticed({ status, output }: Noticed): void {
  assert.notEqual(status, 0, 'nobody noticed')
  assert.doesNotMatch(output, /ReferenceError|SyntaxError|TypeError/, 'the mutant is no program')
  assert.match(output, /^# fail [1-9]/m, output)
}
