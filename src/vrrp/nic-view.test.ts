import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatIp, parseIp, parseMac } from '../base/addresses.ts'
import { FakeNetwork } from '../netlink/fake.ts'
import { TENBIN_PROTOCOL } from '../netlink/mark.ts'
import { viewNic } from './nic-view.ts'

const MOVING = new Set(['10.0.0.100', 'fe80::100'].map(parseIp))

function primaries(addresses: readonly (readonly [string, number?])[]): (string | undefined)[] {
  const network = new FakeNetwork()
  const { index } = network.addLink({ name: 'eth0', mac: parseMac('02:00:0a:00:00:02') })
  for (const [text, protocol = 0] of addresses)
    network.addAddress({ ifindex: index, address: parseIp(text), prefix: 24, protocol })
  const { primary } = viewNic(network, 'eth0', MOVING)!
  return [primary[4], primary[6]].map((ip) => (ip === undefined ? undefined : formatIp(ip)))
}

test('adverts come from the first address that stays, of IPv6 from the link-local one', () => {
  assert.deepEqual(
    primaries([
      ['10.0.0.99', TENBIN_PROTOCOL],
      ['10.0.0.100'],
      ['10.0.0.2'],
      ['2001:db8::2'],
      ['fe80::100'],
      ['fe80::2'],
    ]),
    ['10.0.0.2', 'fe80::2'],
  )
})

test('an owner that has nothing else speaks from what moves; without any address there is no source', () => {
  assert.deepEqual(primaries([['10.0.0.100'], ['fe80::100']]), ['10.0.0.100', undefined])
  assert.deepEqual(primaries([['10.0.0.100', TENBIN_PROTOCOL]]), [undefined, undefined])
  assert.equal(viewNic(new FakeNetwork(), 'eth0', MOVING), undefined)
})
