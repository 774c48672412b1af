// A story told to the packet path in the kernel, which must not have seen a packet before.

import assert from 'node:assert/strict'
import type { Story } from '../../src/dataplane/vectors/story.ts'
import type { KernelPath } from './kernel-path.ts'

/** tellStory throws at the first step of which the kernel makes something else. */
export function tellStory(path: KernelPath, { steps }: Story): void {
  for (const [i, { now, frame, expected }] of steps.entries()) {
    path.now = now
    const got = path.run(frame)
    if (typeof expected === 'string') assert.equal(got.outcome, expected, `step ${i}`)
    else assert.deepEqual(got, { ...expected, frame: new Uint8Array(expected.frame) }, `step ${i}`)
  }
}
