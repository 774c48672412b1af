import assert from 'node:assert/strict'
import { test } from 'node:test'
import { missingCapabilities } from './privileges.ts'

const status = (bits: string) => `Name:\tnode\nCapEff:\t${bits}\nCapBnd:\t000001ffffffffff\n`

test('root lacks nothing, nobody lacks all', () => {
  assert.deepEqual(missingCapabilities(status('000001ffffffffff')), [])
  const all = ['CAP_NET_ADMIN', 'CAP_BPF', 'CAP_PERFMON']
  assert.deepEqual(missingCapabilities(status('0000000000000000')), all)
  assert.deepEqual(missingCapabilities(''), all)
})

test('single capabilities are enough, and CAP_SYS_ADMIN stands for those of bpf', () => {
  assert.deepEqual(missingCapabilities(status('000000c000001000')), [])
  assert.deepEqual(missingCapabilities(status('0000000000201000')), [])
  assert.deepEqual(missingCapabilities(status('0000000000200000')), ['CAP_NET_ADMIN'])
  assert.deepEqual(missingCapabilities(status('0000008000001000')), ['CAP_PERFMON'])
})
