// Every vector through the generated program, in this kernel.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type FixtureName, fixtures } from '../../src/dataplane/vectors/fixtures.ts'
import { vectors } from '../../src/dataplane/vectors/vectors.ts'
import { affinity, setAffinity } from '../../src/sys/affinity.ts'
import { KernelPath } from './kernel-path.ts'

const paths = new Map<FixtureName, KernelPath>()
let now = 0
// what is bounded is bounded for each CPU
setAffinity(affinity().slice(0, 1))
const pathOf = (name: FixtureName): KernelPath => {
  const path = paths.get(name) ?? new KernelPath(fixtures[name])
  paths.set(name, path)
  return path
}
after(() => {
  for (const path of paths.values()) path[Symbol.dispose]()
})

for (const { name, fixture, frame, expected, modelOnly } of vectors) {
  if (modelOnly !== undefined) continue
  test(`${expected.outcome}: ${name}`, () => {
    const path = pathOf(fixture)
    // each vector has a second of its own, and nothing remembered
    now += 512
    path.setJiffies(BigInt(now))
    path.forgetFragments()
    assert.deepEqual(path.run(frame), { ...expected, frame: new Uint8Array(expected.frame) })
  })
}

test('all but the frames that no kernel takes have been tried', () => {
  assert.ok(vectors.filter(({ modelOnly }) => modelOnly === undefined).length > 400)
})
