import assert from 'node:assert/strict'
import { test } from 'node:test'
import { objectIdentifier, octetString, positiveInteger, time } from './der.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

test('lengths are in one octet up to 127, and then as many as it takes', () => {
  for (const [length, expected] of [
    [0, '0400'],
    [127, '047f'],
    [128, '048180'],
    [256, '04820100'],
    [65_536, '0483010000'],
  ] as const)
    assert.equal(hex(octetString(new Uint8Array(length))).slice(0, expected.length), expected)
})

test('integers are the shortest that are no negative number', () => {
  const integer = (...octets: number[]) => hex(positiveInteger(Uint8Array.from(octets)))
  assert.equal(integer(0), '020100')
  assert.equal(integer(0, 0, 5), '020105')
  assert.equal(integer(0x7f), '02017f')
  assert.equal(integer(0x80), '02020080')
})

test('object identifiers are X.690’s, those of several octets an arc too', () => {
  assert.equal(hex(objectIdentifier('1.3.101.112')), '06032b6570')
  assert.equal(hex(objectIdentifier('2.5.29.15')), '0603551d0f')
  assert.equal(hex(objectIdentifier('1.2.840.113549')), '06062a864886f70d')
})

test('times are UTCTime up to 2049 and GeneralizedTime from then on', () => {
  const at = (text: string) => Buffer.from(time(new Date(text)).subarray(2)).toString()
  assert.equal(at('1970-01-01T00:00:00Z'), '700101000000Z')
  assert.equal(at('2049-12-31T23:59:59.999Z'), '491231235959Z')
  assert.equal(at('2050-01-01T00:00:00Z'), '20500101000000Z')
  assert.equal(at('9999-12-31T23:59:59Z'), '99991231235959Z')
})
