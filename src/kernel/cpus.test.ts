import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { parseCpus, possibleCpus } from './cpus.ts'

test('a list of CPUs is counted, gaps make ids larger than the count', () => {
  for (const [list, ids, count] of [
    ['0\n', 1, 1],
    ['0-1\n', 2, 2],
    ['0-127', 128, 128],
    ['0,2-3,8', 9, 4],
    ['4-7', 8, 4],
  ] as const)
    assert.deepEqual(parseCpus(list), { ids, count }, list)
})

test('what is no such list is not read', () => {
  for (const list of ['', '\n', '0-', '-1', '3-1', '0,0', '2,1', '0-3,2', 'a', '0 1', '0-99999', '0-1-2'])
    assert.equal(parseCpus(list), undefined, list)
})

test('a machine that does not tell its CPUs is not supported, and why is said', () => {
  const refused = (path: string, detail: RegExp) =>
    assert.throws(
      () => possibleCpus(path),
      (error) => error instanceof TenbinError && error.code === 'NOT_SUPPORTED' && detail.test(error.message),
    )
  refused('/no/such/file', /missing: is \/sys mounted\?/)
  refused('/dev/null', /is no list of CPUs/)
})
