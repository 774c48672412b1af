import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Ip4, Ip6 } from '../base/addresses.ts'
import { checksum, foldSum, pseudoHeaderSum, sumWords, updateChecksum } from './checksum.ts'

test('the sum is that of the example in RFC 1071, section 3', () => {
  const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7)
  assert.equal(sumWords(bytes), 0xddf2)
  assert.equal(checksum(bytes), 0x220d)
})

test('the update is that of the example in RFC 1624, section 4, and gives no negative zero', () => {
  assert.equal(updateChecksum(0xdd2f, 0x5555, 0x3285), 0x0000)
})

test('an odd last byte counts as the upper half of a word', () => {
  assert.equal(sumWords(Uint8Array.of(0x12)), 0x1200)
  assert.equal(sumWords(Uint8Array.of(0xff, 0xff, 0x12)), 0x1200)
})

test('bytes with their checksum in place sum to 0xffff', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 2, maxLength: 100 }), (bytes) => {
      bytes[0] = bytes[1] = 0
      const field = checksum(bytes)
      bytes[0] = field >> 8
      bytes[1] = field & 0xff
      assert.equal(sumWords(bytes), 0xffff)
    }),
  )
})

test('an update equals a new computation for every word that changes', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 4, maxLength: 60 }),
      fc.nat(0xffff),
      fc.nat(0xffff),
      (bytes, before, after) => {
        bytes[0] = before >> 8
        bytes[1] = before & 0xff
        bytes[2] = 1 // all zero words have two checksums
        const field = checksum(bytes)
        bytes[0] = after >> 8
        bytes[1] = after & 0xff
        assert.equal(updateChecksum(field, before, after), checksum(bytes))
      },
    ),
    { numRuns: 5_000 },
  )
})

test('the pseudo-header sums like its bytes', () => {
  fc.assert(
    fc.property(
      fc.nat(0xffffffff),
      fc.nat(0xffffffff),
      fc.nat(255),
      fc.nat(0xffff),
      (source, destination, protocol, length) => {
        const bytes = new Uint8Array(12)
        const view = new DataView(bytes.buffer)
        view.setUint32(0, source)
        view.setUint32(4, destination)
        view.setUint16(8, protocol)
        view.setUint16(10, length)
        assert.equal(pseudoHeaderSum(source as Ip4, destination as Ip4, protocol, length), sumWords(bytes))
      },
    ),
  )
})

test('the pseudo-header of IPv6 sums like its bytes', () => {
  const address = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map((value) => value as Ip6)
  fc.assert(
    fc.property(address, address, fc.nat(255), fc.nat(0xffff), (source, destination, protocol, length) => {
      const words = [source >> 64n, source, destination >> 64n, destination]
      const bytes = new Uint8Array(40)
      const view = new DataView(bytes.buffer)
      for (const [i, word] of words.entries()) view.setBigUint64(8 * i, BigInt.asUintN(64, word))
      view.setUint32(32, length)
      bytes[39] = protocol
      assert.equal(pseudoHeaderSum(source, destination, protocol, length), sumWords(bytes))
    }),
  )
})

test('a fold leaves 16 bits and adds every carry back', () => {
  assert.equal(foldSum(0xffff), 0xffff)
  assert.equal(foldSum(0x10000), 1)
  assert.equal(foldSum(0x1fffe), 0xffff)
  assert.equal(foldSum(0xffff * 40_000), 0xffff)
})
