import assert from 'node:assert/strict'
import { test } from 'node:test'
import { US } from '../../test/vrrp/machine-stories.ts'
import { parseIp } from '../base/addresses.ts'
import { encodeVrrp, vrrpGroup } from '../wire/vrrp.ts'
import { KEY_BYTES, TRAILER_BYTES } from '../wire/vrrp-trailer.ts'
import { advertOf, composeAdvert, passwordBytes } from './compose.ts'

test('a password is its first eight bytes', () => {
  assert.deepEqual([...passwordBytes('ab')], [97, 98, 0, 0, 0, 0, 0, 0])
  assert.deepEqual(passwordBytes('12345678'), passwordBytes('123456789'))
})

test('of IPv6 the link-local addresses come first, whatever the order of the file', () => {
  const addresses = ['2001:db8::1', 'fe80::1', '2001:db8::2', 'febf::1', 'fec0::1'].map(parseIp)
  const said = advertOf({ ...US, primary: parseIp('fe80::5'), addresses }, 1).addresses
  assert.deepEqual(said, ['fe80::1', 'febf::1', '2001:db8::1', '2001:db8::2', 'fec0::1'].map(parseIp))
  assert.deepEqual(advertOf(US, 1).addresses, US.addresses)
})

test('an advert is composed with a trailer for each destination, or without', () => {
  const sender = { router: US, form: 'rfc9568', password: undefined } as const
  const bare = composeAdvert(sender, 0, vrrpGroup[4])
  assert.deepEqual(
    bare,
    encodeVrrp(advertOf(US, 0), { source: US.primary, destination: vrrpGroup[4] }, 'rfc9568'),
  )
  const signature = {
    key: { id: 1, secret: new Uint8Array(KEY_BYTES) },
    number: { boot: 1, sequence: 1n },
  }
  const [one, other] = ['192.0.2.6', '192.0.2.7'].map((peer) =>
    composeAdvert(sender, 0, parseIp(peer), signature),
  )
  assert.equal(one!.length, bare.length + TRAILER_BYTES)
  assert.notDeepEqual(one!.subarray(-32), other!.subarray(-32))
})
