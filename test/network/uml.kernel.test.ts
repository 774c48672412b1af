// The contract suites on Linux 6.1, the oldest kernel that tenbin runs on: its rtnetlink has managed neighbours, marks
// of who added what, strict checking and extended acknowledgements, but not all of today's words.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runInUml, whyNoUml } from '../uml/run-in-uml.ts'

test('the kernel network keeps both contracts on Linux 6.1', { skip: whyNoUml() ?? false }, async () => {
  const script = fileURLToPath(new URL('./kernel.kernel.test.ts', import.meta.url))
  const { output, status } = await runInUml({ script, timeoutMs: 800_000, modules: ['veth', 'ipv6'] })
  const broken = output.split('\n').filter((line) => line.startsWith('not ok'))
  assert.deepEqual(broken, [], output)
  assert.equal(status, 0, output)
  assert.match(output, /^# pass [6-9][0-9]$/m)
})
