// A sequence put through the packet path in the kernel, which must not have seen a packet before.

import assert from 'node:assert/strict'
import type { Sequence } from '../../src/dataplane/vectors/sequence.ts'
import type { KernelPath } from './kernel-path.ts'

/** runSequence throws at the first step of which the kernel makes something else. */
export function runSequence(path: KernelPath, { steps }: Sequence): void {
  for (const [i, { now, frame, expected }] of steps.entries()) {
    path.setJiffies(BigInt(now))
    const got = path.run(frame)
    if (typeof expected === 'string') assert.equal(got.outcome, expected, `step ${i}`)
    else assert.deepEqual(got, { ...expected, frame: new Uint8Array(expected.frame) }, `step ${i}`)
  }
}
