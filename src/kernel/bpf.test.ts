import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Attr, attempt, cText, refusal, textAt } from './bpf.ts'
import { NotSupported } from './not-supported.ts'

test('fields are written at their offsets, little-endian, and all else is zero', () => {
  const { bytes } = new Attr().u32(4, 0xfedcba98).u64(8, 0x1122334455667788n).name(28, 'tb_map.1')
  const expected = Buffer.alloc(bytes.length)
  expected.set([0x98, 0xba, 0xdc, 0xfe, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11], 4)
  expected.set(cText('tb_map.1'), 28)
  assert.deepEqual(bytes, expected)
  assert.ok(new Attr().bytes.every((byte) => byte === 0))
})

test('a name that the kernel would refuse or cut is a bug of the caller', () => {
  for (const name of ['', 'sixteen_letters_', 'a-b', 'a b', 'ä', 'a\0'])
    assert.throws(() => new Attr().name(28, name), /invariant broken: .* cannot name a BPF object/)
  assert.equal(textAt(new Attr().name(28, 'fifteen_letters').bytes, 28), 'fifteen_letters')
})

test('a text ends at its zero, or with its field', () => {
  const bytes = Buffer.from('xab\0cdef')
  assert.deepEqual([textAt(bytes, 1, 7), textAt(bytes, 4, 4), textAt(bytes, 3, 1)], ['ab', 'cdef', ''])
})

test('a refusal names the command and the errno', () => {
  const error = refusal('BPF_MAP_CREATE', 'create map x', 7)
  assert.deepEqual([error.errno, error.op], ['E2BIG', 'create map x'])
  assert.equal(error.message, 'create map x: E2BIG: BPF_MAP_CREATE: Argument list too long')
})

test('a machine whose system call has no known number is not supported', (t) => {
  const arch = Object.getOwnPropertyDescriptor(process, 'arch')!
  t.after(() => Object.defineProperty(process, 'arch', arch))
  Object.defineProperty(process, 'arch', { ...arch, value: 's390x' })
  assert.throws(
    () => attempt('BPF_MAP_CREATE', new Attr()),
    (error) =>
      error instanceof NotSupported &&
      error.code === 'NOT_SUPPORTED' &&
      error.minimumKernel === '6.1' &&
      /s390x/.test(error.message),
  )
})
