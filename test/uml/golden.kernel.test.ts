// Every golden program, construct of the builder, vector and story on Linux 6.1, the oldest kernel that tenbin runs on.

import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { goldenShapes } from '../../src/dataplane/golden-shapes.ts'
import { flowStories } from '../../src/dataplane/vectors/flow-stories.ts'
import { asksRoutes, natStories } from '../../src/dataplane/vectors/nat-stories.ts'
import { sequences } from '../../src/dataplane/vectors/sequences.ts'
import { vectors } from '../../src/dataplane/vectors/vectors.ts'
import { constructs } from '../constructs/constructs.ts'
import { findings, type GuestReport } from '../guest/report.ts'
import { runInUml, whyNoUml } from './run-in-uml.ts'

const none = { passed: 0, failed: [] }
const script = fileURLToPath(new URL('../guest/packet-path.ts', import.meta.url))

describe('on Linux 6.1', { skip: whyNoUml() ?? false }, () => {
  let report: GuestReport

  before(async () => {
    const { output, result, status } = await runInUml({ script, timeoutMs: 1_100_000 })
    assert.equal(status, 0, output)
    report = result as GuestReport
  })

  test('the kernel is of the series that is the floor', () => {
    assert.match(report.kernel, /^6\.1\./)
  })

  test('nothing that tenbin needs is missing, and only the JIT is', () => {
    assert.deepEqual(report.missing, ['jit'])
  })

  test('every golden program passes the verifier', () => {
    assert.deepEqual(
      report.golden.map(({ name }) => name),
      [...Object.keys(goldenShapes), 'turn-out'],
    )
    assert.deepEqual(
      findings({ ...report, constructs: none, vectors: none, stories: none, sequences: none }),
      [],
    )
  })

  test('every construct of the builder does what it says', () => {
    assert.deepEqual(findings({ ...report, golden: [], vectors: none, stories: none, sequences: none }), [])
    assert.equal(report.constructs.passed, constructs.length)
  })

  test('every vector leaves as it does in the model', () => {
    assert.deepEqual(
      findings({ ...report, golden: [], constructs: none, stories: none, sequences: none }),
      [],
    )
    assert.equal(report.vectors.passed, vectors.filter(({ modelOnly }) => modelOnly === undefined).length)
  })

  test('every story of tracked flows and of nat goes as it does in the model', () => {
    assert.deepEqual(
      findings({ ...report, golden: [], constructs: none, vectors: none, sequences: none }),
      [],
    )
    assert.equal(
      report.stories.passed,
      flowStories.length + natStories.filter((story) => !asksRoutes(story)).length,
    )
  })

  test('every sequence of frames goes as it does in the model', () => {
    assert.deepEqual(findings({ ...report, golden: [], constructs: none, vectors: none, stories: none }), [])
    assert.equal(report.sequences.passed, sequences.length)
  })
})
