import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { BtfBuilder } from '../bpf/btf.ts'
import { struct } from '../bpf/types.ts'
import { loadBtf } from './btf.ts'
import { BpfMap } from './map.ts'

const refusal = (blob: Uint8Array): TenbinError => {
  try {
    loadBtf(blob)[Symbol.dispose]()
  } catch (error) {
    assert.ok(error instanceof TenbinError)
    return error
  }
  return assert.fail('it was accepted')
}

const pair = new BtfBuilder()
const keyTypeId = pair.typeId('u32')
const valueTypeId = pair.typeId(struct('pair', { first: 'u64', second: 'u64' }))
const blob = pair.blob()

test('a map with type information is printed by field names', {
  skip: !hasBpftool() && 'bpftool is missing',
}, () => {
  const btf = { blob, keyTypeId, valueTypeId }
  using map = BpfMap.create({
    name: 'tb_typed',
    type: 'array',
    keySize: 4,
    valueSize: 16,
    maxEntries: 1,
    btf,
  })
  map.update(Buffer.alloc(4), Buffer.from(BigUint64Array.of(7n, 9n).buffer))
  const dump = execFileSync('bpftool', ['map', 'dump', 'id', String(map.info.id)], { encoding: 'utf8' })
  assert.match(dump, /"first": 7,\s*"second": 9/)
})

test('types that do not fit the map are refused', () => {
  const btf = { blob, keyTypeId, valueTypeId }
  assert.throws(
    () => BpfMap.create({ name: 'tb_typed', type: 'array', keySize: 4, valueSize: 24, maxEntries: 1, btf }),
    { code: 'SYSCALL_FAILED', errno: 'EINVAL' },
  )
})

test('a blob cut short anywhere is refused, most often with a reason', () => {
  let reasons = 0
  for (let length = 0; length < blob.length; length++) {
    const { code, message } = refusal(blob.subarray(0, length))
    assert.match(message, /^load BTF: \S/)
    assert.ok(code === 'BTF_REFUSED' || code === 'SYSCALL_FAILED')
    if (code === 'BTF_REFUSED') reasons++
  }
  assert.ok(reasons > blob.length / 2)
})

test('a blob of another version is refused in the words of the kernel', () => {
  const other = Uint8Array.from(blob)
  other[2] = 9
  const { code, detail } = refusal(other)
  assert.deepEqual([code, detail], ['BTF_REFUSED', 'Unsupported version'])
})

function hasBpftool(): boolean {
  try {
    execFileSync('bpftool', ['version'])
    return true
  } catch {
    return false
  }
}
