import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { during, isErrno, nativeCall, SyscallError } from './syscall.ts'

const open = nativeCall('open', 'int', ['string', 'int'])
const close = nativeCall('close', 'int', ['int'])
const read = nativeCall('read', 'long', ['int', 'buffer', 'size_t'])

const thrown = (run: () => unknown): unknown => {
  try {
    run()
  } catch (error) {
    return error
  }
  return assert.fail('it did not throw')
}

test('a libc function returns what the kernel answered and fills the buffer', () => {
  const fd = open('/proc/self/comm', 0)
  const bytes = Buffer.alloc(64)
  const length = read(fd, bytes, bytes.length)
  assert.match(bytes.toString('latin1', 0, length), /^\S.*\n$/)
  assert.equal(close(fd), 0)
})

test('a refusal carries the name of its errno and the call, with code SYSCALL_FAILED', () => {
  const error = thrown(() => open('/no/such/file', 0))
  assert.ok(error instanceof SyscallError && error instanceof TenbinError)
  assert.deepEqual([error.code, error.errno, error.op], ['SYSCALL_FAILED', 'ENOENT', 'open'])
  assert.equal(error.message, 'open: ENOENT: No such file or directory')
  assert.ok(
    isErrno(error, 'EACCES', 'ENOENT') && !isErrno(error, 'EACCES') && !isErrno(new Error(), 'ENOENT'),
  )
})

test('an attempt answers a negative error number instead', () => {
  assert.equal(open.attempt('/no/such/file', 0), -2)
  assert.equal(read.attempt(-1, Buffer.alloc(1), 1), -9)
})

test('during says what the call was for and keeps the errno, the words and the cause', () => {
  const error = thrown(() => during('read the settings', () => open('/no/such/file', 0)))
  assert.ok(isErrno(error, 'ENOENT'))
  assert.equal(error.message, 'read the settings: ENOENT: open: No such file or directory')
  assert.ok(isErrno(error.cause, 'ENOENT'))
  const other = new Error('other')
  assert.equal(
    thrown(() =>
      during('read the settings', () => {
        throw other
      }),
    ),
    other,
  )
})

test("the kernel's own words replace those of libc, and ENOTSUPP has some", () => {
  assert.equal(new SyscallError('add address', 22, { detail: 'no' }).message, 'add address: EINVAL: no')
  assert.equal(new SyscallError('bpf', 524).message, 'bpf: ENOTSUPP: Operation not supported by this object')
})

test('a user other than root who is refused is told so by NOT_PERMITTED', (t) => {
  t.mock.method(process as { geteuid(): number }, 'geteuid', () => 1000)
  assert.equal(new SyscallError('bpf', 1).code, 'NOT_PERMITTED')
  assert.equal(new SyscallError('bpf', 2).code, 'SYSCALL_FAILED')
})

test('an argument that C would cut or misread never reaches it', () => {
  for (const fd of [2 ** 32 + 1000, Number.NaN, 1.5, -(2 ** 31) - 1, undefined, '1', 1n])
    assert.throws(() => close(fd as number), /invariant broken: close: .* is not a 32-bit integer/)
  assert.throws(() => open('/tmp\0/x', 0), /invariant broken: open/)
  assert.throws(() => read(0, Buffer.alloc(1), -1), /invariant broken: read/)
  assert.throws(() => read(0, 'text' as never, 1), /invariant broken: read/)
})

test('a function that libc does not have fails when it is called, not when it is named', () => {
  const missing = nativeCall('tenbin_no_such_function', 'int', [])
  assert.throws(() => missing(), /tenbin_no_such_function/)
})
