import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assertKnown, knownAdverts } from '../../test/vrrp/known-adverts.ts'
import { type Ip, type Ip4, type Ip6, parseIp } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import {
  adverMs,
  decodeVrrp,
  encodeVrrp,
  sealVrrp,
  type Vrrp,
  type VrrpDefect,
  virtualRouterMac,
  vrrpGroup,
} from './vrrp.ts'
import type { Ends, VrrpChecksum } from './vrrp-checksum.ts'

const ip4 = fc.nat(0xffffffff).map((value) => value as Ip4)
const ip6 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map((value) => value as Ip6)
const listOf = <T extends Ip>(one: fc.Arbitrary<T>) => fc.array<Ip>(one, { minLength: 1, maxLength: 20 })
const common = { vrid: fc.integer({ min: 1, max: 255 }), priority: fc.nat(255) }
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { noNullPrototype: true })
const v3 = (addresses: fc.Arbitrary<Ip[]>) =>
  record({
    version: fc.constant(3 as const),
    ...common,
    addresses,
    maxAdverCs: fc.integer({ min: 1, max: 4095 }),
  })
const auth = fc.oneof(
  fc.constant({ type: 0 as const }),
  record({ type: fc.constant(1 as const), data: fc.uint8Array({ minLength: 8, maxLength: 8 }) }),
)
const v2 = record({
  version: fc.constant(2 as const),
  ...common,
  addresses: listOf(ip4),
  adverS: fc.integer({ min: 1, max: 255 }),
  auth,
})
const form = fc.constantFrom<VrrpChecksum>('rfc5798', 'rfc9568')
const trailer = fc.uint8Array({ maxLength: 60 })
const ends = (ip: fc.Arbitrary<Ip>) => record({ source: ip, destination: ip })
const anything = fc.oneof(
  fc.tuple(fc.oneof(v3(listOf(ip4)), v2) as fc.Arbitrary<Vrrp>, ends(ip4), form, trailer),
  fc.tuple(v3(listOf(ip6)) as fc.Arbitrary<Vrrp>, ends(ip6), form, trailer),
)

const example: Vrrp = {
  version: 3,
  vrid: 51,
  priority: 100,
  maxAdverCs: 100,
  addresses: [parseIp('192.0.2.100')],
}
const group: Ends = { source: parseIp('192.0.2.1'), destination: vrrpGroup[4] }

function defectOf(bytes: Uint8Array, between = group): VrrpDefect {
  const decoded = decodeVrrp(bytes, between)
  assert.equal(decoded.kind, 'defect')
  return (decoded as { defect: VrrpDefect }).defect
}
/** The advert with bytes replaced, and a checksum that is right for them. */
function changed(change: (bytes: Uint8Array) => void, advert = example): Uint8Array {
  const bytes = encodeVrrp(advert, group)
  change(bytes)
  sealVrrp(bytes, group)
  return bytes
}

test('an advert survives a round trip, in each version, family and form, with what is behind it', () => {
  fc.assert(
    fc.property(anything, ([advert, between, sent, behind]) => {
      const decoded = decodeVrrp(encodeVrrp(advert, between, sent, behind), between)
      assert.equal(decoded.kind, 'advert')
      if (decoded.kind !== 'advert') return
      assert.deepEqual(decoded.advert, advert)
      assert.deepEqual(decoded.trailer, behind)
      const hasForms = advert.version === 3 && typeof between.source === 'number'
      assert.equal(decoded.form, hasForms ? sent : undefined)
    }),
    { numRuns: 2_000 },
  )
})

test('an advert that ends too soon is no advert, at every length', () => {
  fc.assert(
    fc.property(anything, ([advert, between, sent]) => {
      const whole = encodeVrrp(advert, between, sent)
      for (let length = 0; length < whole.length; length++) {
        const { name } = defectOf(whole.subarray(0, length), between)
        assert.equal(name, 'truncated', `${length} of ${whole.length} bytes`)
      }
    }),
    { numRuns: 100 },
  )
})

test('a changed bit anywhere is a defect, and what it is called is what is wrong', () => {
  fc.assert(
    fc.property(anything, fc.nat(), ([advert, between, sent, behind], at) => {
      const bytes = encodeVrrp(advert, between, sent, behind)
      const bit = at % (8 * bytes.length)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      const names = bit < 8 ? ['version', 'type', 'truncated', 'checksum'] : ['checksum', 'truncated']
      assert.ok(names.includes(defectOf(bytes, between).name))
    }),
    { numRuns: 1_000 },
  )
})

for (const known of knownAdverts) test(`known bytes: ${known.name}`, () => assertKnown(known))

test('each defect has its name', () => {
  assert.deepEqual(defectOf(new Uint8Array(7)), { name: 'truncated', got: 7, needed: 8 })
  assert.deepEqual(defectOf(changed((bytes) => (bytes[0] = 0x41))), { name: 'version', got: 4 })
  assert.deepEqual(defectOf(changed((bytes) => (bytes[0] = 0x32))), { name: 'type', got: 2 })
  assert.deepEqual(defectOf(changed((bytes) => (bytes[1] = 0))), { name: 'vrid', got: 0 })
  assert.deepEqual(defectOf(changed((bytes) => (bytes[3] = 0))), { name: 'count', got: 0 })
  assert.deepEqual(defectOf(changed((bytes) => (bytes[3] = 2))), { name: 'truncated', got: 12, needed: 16 })
  assert.deepEqual(defectOf(changed((bytes) => bytes.set([0xf0, 0], 4))), { name: 'interval', got: 0 })
  const bytes = encodeVrrp(example, group)
  bytes[6]! ^= 0xff
  assert.equal(defectOf(bytes).name, 'checksum')

  const two: Vrrp = { ...example, version: 2, adverS: 1, auth: { type: 0 } }
  assert.deepEqual(defectOf(changed((each) => (each[4] = 2), two)), { name: 'auth-type', got: 2 })
  assert.deepEqual(defectOf(changed((each) => (each[5] = 0), two)), { name: 'interval', got: 0 })
  const six = { source: parseIp('fe80::a'), destination: vrrpGroup[6] }
  assert.deepEqual(defectOf(encodeVrrp(two, group), six), { name: 'version', got: 2 })
})

test('over IPv6 an advert without pseudo-header is wrong, and the reserved bits of version 3 say nothing', () => {
  const six = { source: parseIp('fe80::a'), destination: vrrpGroup[6] }
  const bytes = encodeVrrp({ ...example, addresses: [parseIp('fe80::1')] }, six)
  sealVrrp(bytes, group, 'rfc9568')
  assert.equal(defectOf(bytes, six).name, 'checksum')
  const reserved = decodeVrrp(
    changed((each) => (each[4] = 0xf0)),
    group,
  )
  assert.equal(reserved.kind === 'advert' && adverMs(reserved.advert), 1000)
})

test('what cannot be said is refused', () => {
  const password = (length: number): Vrrp => ({
    ...example,
    version: 2,
    adverS: 1,
    auth: { type: 1, data: new Uint8Array(length) },
  })
  const six = { source: parseIp('fe80::a'), destination: vrrpGroup[6] }
  const refused: readonly (readonly [Vrrp, Ends?])[] = [
    [{ ...example, vrid: 0 }],
    [{ ...example, vrid: 256 }],
    [{ ...example, priority: 256 }],
    [{ ...example, priority: 1.5 }],
    [{ ...example, addresses: [] }],
    [{ ...example, addresses: Array<Ip>(256).fill(parseIp('192.0.2.1')) }],
    [{ ...example, maxAdverCs: 0 }],
    [{ ...example, maxAdverCs: 4096 }],
    [{ ...example, version: 2, adverS: 256, auth: { type: 0 } }],
    [password(7)],
    [{ ...password(8), addresses: [parseIp('::1')] }, six],
    [{ ...example, addresses: [parseIp('::1')] }],
    [example, six],
    [example, { ...group, destination: vrrpGroup[6] }],
  ]
  for (const [advert, between = group] of refused)
    assert.throws(
      () => encodeVrrp(advert, between),
      (error) => error instanceof TenbinError && error.code === 'PACKET_INVALID',
    )
})

test('a virtual router has a MAC of each family', () => {
  assert.equal(virtualRouterMac(51, 4), '00:00:5e:00:01:33')
  assert.equal(virtualRouterMac(5, 6), '00:00:5e:00:02:05')
})
