import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseIp } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { decodeVrrp, encodeVrrp, type Vrrp, vrrpGroup } from './vrrp.ts'
import type { Ends } from './vrrp-checksum.ts'
import { checkTrailer, encodeTrailer, KEY_BYTES, TRAILER_BYTES, type TrailerKey } from './vrrp-trailer.ts'

const advert: Vrrp = {
  version: 3,
  vrid: 51,
  priority: 100,
  maxAdverCs: 100,
  addresses: [parseIp('192.0.2.100')],
}
const ends: Ends = { source: parseIp('192.0.2.1'), destination: vrrpGroup[4] }
const old: TrailerKey = { id: 1, secret: new Uint8Array(KEY_BYTES).fill(1) }
const young: TrailerKey = { id: 2, secret: new Uint8Array(KEY_BYTES + 8).fill(2) }
const number = { boot: 7, sequence: 123_456_789_012n }

function sealed(key = old, of = number): { bytes: Uint8Array; end: number } {
  const bare = encodeVrrp(advert, ends)
  return {
    bytes: encodeVrrp(advert, ends, 'rfc5798', encodeTrailer(bare, ends, key, of)),
    end: bare.length,
  }
}
const nameOf = (bytes: Uint8Array, end: number, keys = [old], between = ends): string => {
  const checked = checkTrailer(bytes, end, between, keys)
  return checked.kind === 'proved' ? 'proved' : checked.defect.name
}

test('a trailer proves its sender, and says its number, under either key while keys are exchanged', () => {
  for (const key of [old, young]) {
    const { bytes, end } = sealed(key)
    const decoded = decodeVrrp(bytes, ends)
    assert.equal(decoded.kind === 'advert' && decoded.trailer.length, TRAILER_BYTES)
    assert.deepEqual(checkTrailer(bytes, end, ends, [old, young]), { kind: 'proved', keyId: key.id, number })
  }
})

test('the MAC is what RFC 2104 makes of addresses, advert and number', () => {
  const { bytes, end } = sealed()
  const covered = Buffer.from(
    '00000000000000000000ffffc0000201' +
      '00000000000000000000ffffe0000012' +
      '3133640100640000c0000264' +
      '54425652' +
      '01010000' +
      '00000007' +
      '0000001cbe991a14',
    'hex',
  )
  const expected = createHmac('sha256', old.secret).update(covered).digest('hex')
  assert.equal(Buffer.from(bytes.subarray(end + 20)).toString('hex'), expected)
})

test('whatever bit is changed, of advert or trailer, nothing is proved', () => {
  const { bytes, end } = sealed()
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const changed = Uint8Array.from(bytes)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    const isChecksum = bit >> 3 === 6 || bit >> 3 === 7
    assert.equal(nameOf(changed, end) === 'proved', isChecksum, `bit ${bit}`)
  }
  assert.equal(nameOf(bytes, end, [old], { ...ends, source: parseIp('192.0.2.2') }), 'trailer-mac')
  assert.equal(nameOf(bytes, end, [old], { ...ends, destination: parseIp('192.0.2.2') }), 'trailer-mac')
})

test('each defect of a trailer has its name, at every length', () => {
  const { bytes, end } = sealed()
  assert.equal(nameOf(bytes.subarray(0, end), end), 'trailer-missing')
  for (let length = end + 1; length < bytes.length; length++)
    assert.equal(nameOf(bytes.subarray(0, length), end), 'trailer-format')
  assert.equal(nameOf(Uint8Array.from([...bytes, 0]), end), 'trailer-format')
  assert.equal(nameOf(bytes, end, [young]), 'trailer-key')
  assert.equal(nameOf(bytes, end, [{ ...young, id: 1 }]), 'trailer-mac')
})

test('random bytes prove nothing, and nothing is thrown', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80, size: 'max' }), fc.nat(80), (bytes, end) => {
      assert.notEqual(nameOf(bytes, Math.min(end, bytes.length)), 'proved')
    }),
  )
})

test('a key shorter than the hash is refused', () => {
  const key = { id: 1, secret: new Uint8Array(KEY_BYTES - 1) }
  assert.throws(
    () => sealed(key),
    (error) => error instanceof TenbinError && error.code === 'PACKET_INVALID',
  )
})
