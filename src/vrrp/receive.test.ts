import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Ip, parseIp } from '../base/addresses.ts'
import { encodeVrrp, type Vrrp, vrrpGroup } from '../wire/vrrp.ts'
import type { VrrpChecksum } from '../wire/vrrp-checksum.ts'
import { KEY_BYTES, type TrailerKey } from '../wire/vrrp-trailer.ts'
import { advertOf, composeAdvert, passwordBytes } from './compose.ts'
import { type Expectation, judge, MULTICAST, type Received, vridOf, type Windows } from './receive.ts'
import { ANNOUNCE, FLAPS, type VirtualRouter } from './router.ts'
import { findingText } from './words.ts'

const router: VirtualRouter = {
  vrid: 51,
  version: 3,
  priority: 100,
  adverMs: 1000,
  preempt: true,
  preemptDelayMs: 0,
  accept: false,
  primary: parseIp('192.0.2.5'),
  addresses: [parseIp('192.0.2.100'), parseIp('192.0.2.101')],
  announce: ANNOUNCE,
  flaps: FLAPS,
}
const two: VirtualRouter = { ...router, version: 2 }
const expected = (changes: Partial<Expectation> = {}): Expectation => ({ router, ...MULTICAST, ...changes })
const PEER = parseIp('192.0.2.6')
const none: Windows = new Map()

/** What a peer of this router sends. */
function from(
  of: VirtualRouter = router,
  {
    form = 'rfc5798',
    password,
    change,
    ttl = 255,
    source = PEER,
  }: {
    form?: VrrpChecksum
    password?: Uint8Array
    change?: Partial<Vrrp>
    ttl?: number
    source?: Ip
  } = {},
): Received {
  const advert = { ...advertOf(of, 200, password), ...change } as Vrrp
  const destination = vrrpGroup[4]
  return { source, destination, ttl, bytes: encodeVrrp(advert, { source, destination }, form) }
}

/** What is said of it: the refusal's or the remarks' names. */
function names(received: Received, expectation = expected(), windows = none): string[] {
  const judged = judge(expectation, windows, received)
  return judged.kind === 'refused'
    ? [`refused: ${judged.refusal.name}`]
    : judged.remarks.map(({ name }) => name)
}

test('a peer of the same configuration counts, without a remark', () => {
  const judged = judge(expected(), none, from())
  assert.deepEqual(judged, {
    kind: 'counts',
    heard: { from: PEER, priority: 200, adverMs: 1000 },
    remarks: [],
    windows: none,
  })
  assert.equal(vridOf(from().bytes), 51)
  assert.equal(vridOf(new Uint8Array(1)), undefined)
})

test('what RFC 9568 7.1 wants discarded is refused, by name and with what was expected', () => {
  assert.deepEqual(judge(expected(), none, from(router, { ttl: 254 })), {
    kind: 'refused',
    refusal: { name: 'ttl', got: 254, expected: 255 },
  })
  assert.deepEqual(judge(expected(), none, from(two)), {
    kind: 'refused',
    refusal: { name: 'version-mismatch', got: 2, expected: 3 },
  })
  assert.deepEqual(judge(expected(), none, from({ ...router, vrid: 52 })), {
    kind: 'refused',
    refusal: { name: 'vrid-mismatch', got: 52, expected: 51 },
  })
  const cut = from()
  assert.deepEqual(names({ ...cut, bytes: cut.bytes.subarray(0, 15) }), ['refused: truncated'])
  assert.deepEqual(names({ ...cut, source: parseIp('192.0.2.9') }), ['refused: checksum'])
  assert.deepEqual(names(from(router, { source: router.primary })), ['refused: own-address'])
})

test('unicast counts from peers alone, and from as far as they may be', () => {
  const unicast = expected({ peers: [PEER, parseIp('192.0.2.7')], minTtl: 253 })
  assert.deepEqual(names(from(router, { ttl: 253 }), unicast), [])
  assert.deepEqual(names(from(router, { ttl: 252 }), unicast), ['refused: ttl'])
  assert.deepEqual(names(from(router, { source: parseIp('192.0.2.8') }), unicast), ['refused: stranger'])
})

test('version 2: the interval must be the same, and so must the authentication', () => {
  const plain = expected({ router: two })
  const password = passwordBytes('secret')
  const guarded = expected({ router: two, password })
  assert.deepEqual(names(from(two), plain), [])
  assert.deepEqual(names(from(two, { password }), guarded), [])
  assert.deepEqual(names(from({ ...two, adverMs: 2000 }), plain), ['refused: interval-mismatch'])
  assert.deepEqual(names(from(two, { password }), plain), ['refused: auth-mismatch'])
  assert.deepEqual(names(from(two), guarded), ['refused: auth-mismatch'])
  assert.deepEqual(names(from(two, { password: passwordBytes('secrets') }), guarded), ['refused: password'])
})

test('what RFC 9568 7.1 wants logged counts, and is remarked on', () => {
  assert.deepEqual(names(from({ ...router, adverMs: 500 })), ['interval-differs'])
  assert.deepEqual(names(from(router, { form: 'rfc9568' })), ['checksum-form'])
  assert.deepEqual(names(from(router, { form: 'rfc9568' }), expected({ form: 'rfc9568' })), [])
  const listed = (...ips: string[]) => names(from({ ...router, addresses: ips.map(parseIp) }))
  assert.deepEqual(listed('192.0.2.101', '192.0.2.100'), [])
  assert.deepEqual(listed('192.0.2.100'), ['addresses-differ'])
  assert.deepEqual(listed('192.0.2.100', '192.0.2.101', '192.0.2.102'), ['addresses-differ'])
  assert.deepEqual(listed('192.0.2.102'), ['vrid-clash'])
  const owner = { ...router, priority: 255 }
  assert.deepEqual(names(from(router, { change: { priority: 255 } }), expected({ router: owner })), [
    'two-owners',
  ])
  assert.deepEqual(names(from(router), expected({ router: owner })), [])
  assert.deepEqual(names(from(router, { change: { priority: 255 } })), [])
})

const key: TrailerKey = { id: 1, secret: new Uint8Array(KEY_BYTES).fill(7) }
const keyed = expected({ keys: [key] })
function signed(sequence: bigint, by = key, boot = 7): Received {
  const sender = { router: { ...router, primary: PEER }, form: 'rfc5798', password: undefined } as const
  const destination = vrrpGroup[4]
  const bytes = composeAdvert(sender, 200, destination, { key: by, number: { boot, sequence } })
  return { source: PEER, destination, ttl: 255, bytes }
}

test('with keys an advert counts once, and only with a trailer that proves its sender', () => {
  const first = judge(keyed, none, signed(5n))
  assert.equal(first.kind, 'counts')
  if (first.kind !== 'counts') return
  assert.deepEqual(names(signed(5n), keyed, first.windows), ['refused: trailer-replayed'])
  assert.deepEqual(names(signed(6n), keyed, first.windows), [])
  assert.deepEqual(names(from(), keyed), ['refused: trailer-missing'])
  assert.deepEqual(names(signed(6n, { ...key, id: 2 }), keyed), ['refused: trailer-key'])
  assert.deepEqual(names(signed(6n, { ...key, secret: new Uint8Array(KEY_BYTES) }), keyed), [
    'refused: trailer-mac',
  ])
})

test('an advert of a start before one that was heard is refused by that name, with both', () => {
  const first = judge(keyed, none, signed(5n))
  assert.equal(first.kind, 'counts')
  if (first.kind !== 'counts') return
  const refusal = { name: 'trailer-old-boot', got: 6, expected: 7 } as const
  assert.deepEqual(judge(keyed, first.windows, signed(9n, key, 6)), { kind: 'refused', refusal })
  assert.match(findingText(refusal), /start 6 .* heard in start 7: .* write 7 into the file \*\.vrrp-boots/)
})

test('without keys a trailer is remarked on', () => {
  assert.deepEqual(names(signed(5n)), ['trailer-unexpected'])
})
