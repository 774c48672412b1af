import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyscallError } from '../sys/syscall.ts'
import { errnoVerdict, failed, failureVerdict, shown } from './failure.ts'

test("what the server did is held against it, what is this machine's own fault is not", () => {
  const outcomes = ['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'EMFILE', 'EADDRNOTAVAIL', 'ENODEV'].map(
    (name) => errnoVerdict('connect', name).outcome,
  )
  assert.deepEqual(outcomes, ['bad', 'bad', 'bad', 'none', 'none', 'none'])
})

test('errors become words: what was done and what came of it', () => {
  const refused = failureVerdict('connect', new SyscallError('connect', 111))
  assert.deepEqual(refused, { outcome: 'bad', text: 'connect: refused' })
  const odd = failureVerdict('connect', new SyscallError('connect', 71))
  assert.equal(odd.text, 'connect: EPROTO')
  const error = failed('the server closed the connection before it answered')
  assert.equal(error.code, 'CHECK_FAILED')
  assert.equal(failureVerdict('greeting', error).text, 'the server closed the connection before it answered')
})

test("a server's bytes are quoted in one short printable line", () => {
  assert.equal(shown(Buffer.from('a\r\nb\tc\u0000\u00ff')), '"a\\nb\\x09c\\x00\\xc3\\xbf"')
  assert.equal(shown(Buffer.alloc(100, 'x'), 10), '"xxxxxxxxxx"…')
})
