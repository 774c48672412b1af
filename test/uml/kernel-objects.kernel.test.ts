// The tests of src/kernel on Linux 6.1: maps, programs, links, pins and test runs are the same there. Left out: the
// probes' own test, which starts its sources in another process; golden.kernel.test.ts runs the probes.

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runInUml, whyNoUml } from './run-in-uml.ts'

const folder = fileURLToPath(new URL('../../src/kernel/', import.meta.url))
const script = readdirSync(folder)
  .filter((file) => file.endsWith('.kernel.test.ts') && file !== 'probe.kernel.test.ts')
  .map((file) => `${folder}${file}`)

test('src/kernel passes its own tests on Linux 6.1', { skip: whyNoUml() ?? false }, async () => {
  const { output, status } = await runInUml({ script, timeoutMs: 600_000, modules: ['veth'] })
  const broken = output.split('\n').filter((line) => line.startsWith('not ok'))
  assert.deepEqual(broken, [], output)
  assert.equal(status, 0, output)
  const passed = Number(/^# pass (\d+)$/m.exec(output)?.[1])
  assert.ok(passed > 40, `${passed} tests of ${script.length} files`)
})
