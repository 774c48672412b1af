import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { lanes } from './test-lanes.mjs'

/** split: the lanes of the files given, batches as the names of the files that they import. */
function split(...files: readonly string[]): { waiting: string[]; computing: (string | string[])[] } {
  const folder = mkdtempSync(join(tmpdir(), 'tenbin-lanes-'))
  try {
    const { waiting, computing } = lanes(files, folder)
    const imported = (entry: string): string[] =>
      [...readFileSync(entry, 'utf8').matchAll(/\/([^/"]+)"$/gm)].map(([, name]) => name!)
    return {
      waiting,
      computing: computing.map((entry) => (entry.startsWith(folder) ? imported(entry) : entry)),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('pure files share processes, but not those that others there would notice, or that look at the clock', () => {
  const hooked = 'src/daemon/controller-sysctls.test.ts'
  const pure = ['src/base/ranges.test.ts', 'src/bpf/lint.test.ts']
  const timed = 'src/base/pattern.test.ts'
  const { waiting, computing } = split(...pure, hooked, timed)
  assert.deepEqual(waiting, [hooked, timed])
  assert.deepEqual(computing.flat(), ['ranges.test.ts', 'lint.test.ts'])
})

test('what computes is beside what waits, the longest first', () => {
  const { waiting, computing } = split(
    'src/lab/lab.kernel.test.ts',
    'src/lab/demo.kernel.test.ts',
    'test/path/fuzz.kernel.test.ts',
    'test/mutants.kernel.test.ts',
  )
  assert.deepEqual(waiting, ['src/lab/demo.kernel.test.ts', 'src/lab/lab.kernel.test.ts'])
  assert.deepEqual(computing, ['test/mutants.kernel.test.ts', 'test/path/fuzz.kernel.test.ts'])
})
