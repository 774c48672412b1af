// The tests are tested: a line is broken, and the suite that should notice must fail. A mutant is one exact textual
// replacement (the test fails where the text is not there exactly once), handed in by an esbuild plugin, so that no
// file changes. A suite is vectors, stories, tables or constructs, up to the first difference, for all mutants in one batch
// (mutants/batch.ts), or a test file of the builder or of what decides about
// servers, in a process of its own; each must pass without a mutant. Mutants
// of types are all checked by one run of tsc over a copy of src/bpf each.
//
// TENBIN_MUTANTS=all npm test -- mutants     all of them; else every sixth
// TENBIN_MUTANTS=write npm test -- mutants   all of them, and what noticed each is written down, to go first from then on

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { amendMutants } from './mutants/amend-mutants.ts'
import { assertSaid, type Batch, type NoticedBy, runBatch, suiteNames } from './mutants/batch.ts'
import { builderMutants } from './mutants/builder-mutants.ts'
import { clusterMutants } from './mutants/cluster-mutants.ts'
import { floodMutants } from './mutants/flood-mutants.ts'
import { healthMutants } from './mutants/health-mutants.ts'
import { natBackMutants } from './mutants/nat-back-mutants.ts'
import { natEarlyMutants } from './mutants/nat-early-mutants.ts'
import { natMutants } from './mutants/nat-mutants.ts'
import { pathMutants } from './mutants/path-mutants.ts'
import { recorderMutants } from './mutants/recorder-mutants.ts'
import {
  assertNoticed,
  type BatchSuite,
  batchSuites,
  type Mutant,
  mutated,
  runTestFile,
  type TestSuite,
  testSuites,
} from './mutants/run-mutant.ts'
import { trackMutants } from './mutants/track-mutants.ts'
import { typeMutants } from './mutants/type-mutants.ts'
import { verdictMutants } from './mutants/verdict-mutants.ts'
import { vrrpMutants } from './mutants/vrrp-mutants.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folder = mkdtempSync(join(tmpdir(), 'tenbin-mutants-'))
symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
after(() => rmSync(folder, { recursive: true, force: true }))

const all = [
  ...pathMutants,
  ...trackMutants,
  ...natMutants,
  ...natBackMutants,
  ...natEarlyMutants,
  ...builderMutants,
  ...healthMutants,
  ...vrrpMutants,
  ...recorderMutants,
  ...clusterMutants,
  ...floodMutants,
  ...verdictMutants,
  ...amendMutants,
]
const asked = process.env.TENBIN_MUTANTS
const chosen = asked === undefined ? all.filter((_, index) => index % 6 === 0) : all
const noticedByFile = join(root, 'test/mutants/noticed-by.json')
const noticedBy: NoticedBy = JSON.parse(readFileSync(noticedByFile, 'utf8'))
const isBatched = (mutant: Mutant): mutant is Mutant<BatchSuite> => mutant.suite in batchSuites
const isTestFile = (mutant: Mutant): mutant is Mutant<TestSuite> => mutant.suite in testSuites

test('every mutant changes something, and no two have one name or one change', () => {
  for (const mutant of all) mutated(mutant)
  for (const key of [
    ({ name }: Mutant) => name,
    ({ file, find, replace, suite }: Mutant) => [suite, file, find, replace].join('\0'),
  ])
    assert.equal(new Set(all.map(key)).size, all.length)
})

describe('each mutant is noticed, and the suites pass without one', () => {
  const mutants = chosen.filter(isBatched)
  let batch: Batch
  before(async () => {
    const bundles = join(folder, 'batch')
    mkdirSync(bundles)
    batch = await runBatch(bundles, mutants, noticedBy)
    if (asked === 'write') {
      const items = mutants.map(({ name }, index) => [name, batch.mutants[index]?.item] as const)
      writeFileSync(noticedByFile, `${JSON.stringify(Object.fromEntries(items), undefined, 2)}\n`)
    }
  })
  for (const [index, suite] of suiteNames.entries())
    test(`${suite} passes`, () => assertSaid('passed', batch.suites[index], batch.stderr))
  for (const [index, mutant] of mutants.entries())
    test(`noticed by ${mutant.suite}: ${mutant.name}`, () =>
      assertSaid('noticed', batch.mutants[index], batch.stderr))
})

describe('each mutant is noticed by a test file that passes without one', { concurrency: 2 }, () => {
  for (const suite of Object.keys(testSuites) as TestSuite[])
    test(`${suite} passes`, async () => {
      const { status, output } = await runTestFile(suite, folder, suite)
      assert.equal(status, 0, output)
    })
  for (const [index, mutant] of chosen.filter(isTestFile).entries())
    test(`noticed by ${mutant.suite}: ${mutant.name}`, async () => {
      assertNoticed(await runTestFile(mutant.suite, folder, `mutant-${index}`, mutant))
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
