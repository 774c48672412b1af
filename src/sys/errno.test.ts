import assert from 'node:assert/strict'
import { constants } from 'node:os'
import { test } from 'node:test'
import { errnoName, errnoNumber } from './errno.ts'

test('every error number that Node knows on Linux has the same number here', {
  skip: process.platform !== 'linux' && 'error numbers of another system',
}, () => {
  for (const [name, number] of Object.entries(constants.errno)) assert.equal(errnoNumber(name), number, name)
})

test('names and numbers are each others inverse, up to the last one', () => {
  for (let errno = 1; errno <= 133; errno++) {
    if (errno === 41 || errno === 58) assert.equal(errnoName(errno), `ERRNO_${errno}`)
    else assert.equal(errnoNumber(errnoName(errno)), errno)
  }
  assert.equal(errnoName(133), 'EHWPOISON')
  assert.equal(errnoName(524), 'ENOTSUPP')
  assert.equal(errnoNumber('ENOTSUPP'), 524)
})

test('what is no error number says so by its number', () => {
  for (const errno of [0, -1, 134, 4096]) assert.equal(errnoName(errno), `ERRNO_${errno}`)
  assert.equal(errnoNumber('ENOSUCH'), undefined)
  assert.equal(errnoNumber('-'), undefined)
})
