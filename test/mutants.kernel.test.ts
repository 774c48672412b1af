// The tests are tested: a line is broken, and the suite that should notice must fail. A mutant is one exact textual
// replacement (the test fails where the text is not there exactly once), handed in by an esbuild plugin, so that no
// file changes; bundle and suite run in a process of its own, two at a time, up to the first difference. A suite is
// vectors, constructs, or a test file of the builder; each must pass without a mutant. Mutants of types are all checked
// by one run of tsc over a copy of src/bpf each. It takes about 20 s on two cores.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { builderMutants } from './mutants/builder-mutants.ts'
import { pathMutants } from './mutants/path-mutants.ts'
import { assertNoticed, mutated, runSuite, type Suite, suites } from './mutants/run-mutant.ts'
import { typeMutants } from './mutants/type-mutants.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folder = mkdtempSync(join(tmpdir(), 'tenbin-mutants-'))
symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
after(() => rmSync(folder, { recursive: true, force: true }))

describe('suites pass without a mutant', { concurrency: 2 }, () => {
  for (const suite of Object.keys(suites) as Suite[])
    test(`${suite} passes`, async () => {
      const { status, output } = await runSuite(suite, folder, suite)
      assert.equal(status, 0, output)
    })
})

describe('every mutant is noticed', { concurrency: 2 }, () => {
  for (const [index, mutant] of [...pathMutants, ...builderMutants].entries())
    test(`noticed by ${mutant.suite}: ${mutant.name}`, async () => {
      assertNoticed(await runSuite(mutant.suite, folder, `mutant-${index}`, mutant), mutant.suite)
    })
})

describe('mistakes that must not compile compile where a type is loosened', () => {
  const mistakes = 'src/bpf/builder.types.test.ts'
  const lines = readFileSync(join(root, mistakes), 'utf8').split('\n')
  const copies = ['as-it-is', ...typeMutants.map((_, index) => `type-${index}`)]
  let findings: readonly string[]

  test('all are checked by tsc', async () => {
    for (const [index, copy] of copies.entries()) {
      for (const part of ['base', 'bpf'])
        cpSync(join(root, 'src', part), join(folder, copy, 'src', part), {
          recursive: true,
          filter: (path) => !path.endsWith('.test.ts') || path.endsWith(mistakes),
        })
      const mutant = typeMutants[index - 1]
      if (mutant) writeFileSync(join(folder, copy, mutant.file), mutated(mutant))
    }
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    const { compilerOptions } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'))
    const config = { compilerOptions, files: copies.map((copy) => join(copy, mistakes)) }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const output = await new Promise<string>((resolve) => {
      const tsc = join(root, 'node_modules/.bin/tsc')
      execFile(tsc, ['-p', folder, '--pretty', 'false'], { cwd: folder }, (_, stdout) => resolve(stdout))
    })
    findings = output.split('\n').filter((line) => line.includes('error TS'))
    assert.ok(findings.length >= typeMutants.length, output)
    assert.deepEqual(
      findings.filter((line) => line.startsWith('as-it-is/')),
      [],
    )
  })

  for (const [index, { name, allows }] of typeMutants.entries())
    test(name, () => {
      const at = lines.findIndex((line) => line.trim() === `// @ts-expect-error ${allows}`) + 1
      assert.ok(at > 0, `builder.types.test.ts has no mistake called: ${allows}`)
      const unused = `type-${index}/${mistakes}(${at},`
      assert.ok(
        findings.some((line) => line.startsWith(unused) && line.includes('TS2578')),
        findings.filter((line) => line.startsWith(`type-${index}/`)).join('\n'),
      )
    })
})
