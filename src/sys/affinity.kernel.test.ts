import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { affinity, setAffinity } from './affinity.ts'
import { isErrno } from './syscall.ts'

const allowed = (): string =>
  /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]!

test('the thread runs where it is told, and the kernel agrees', () => {
  const before = affinity()
  const last = before.at(-1)!
  try {
    setAffinity([last])
    assert.deepEqual(affinity(), [last])
    assert.equal(allowed(), String(last))
  } finally {
    setAffinity(before)
  }
  assert.deepEqual(affinity(), before)
})

test('CPUs that are not there are refused and nothing changes', () => {
  const before = affinity()
  assert.throws(
    () => setAffinity([8191]),
    (error) => isErrno(error, 'EINVAL'),
  )
  assert.throws(() => setAffinity([]), /EINVAL/)
  assert.throws(() => setAffinity([-1]), /invariant broken/)
  assert.throws(() => setAffinity([8192]), /invariant broken/)
  assert.deepEqual(affinity(), before)
})
