import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIp } from '../base/addresses.ts'
import type { InterfaceAddress } from './addresses.ts'
import { FakeNetwork } from './fake.ts'
import { TENBIN_PROTOCOL } from './mark.ts'
import type { NetworkEvent } from './network.ts'
import { isRenewal } from './renewal.ts'

const lifetime = { validS: 3, preferredS: 3 }

test('an address of ours whose lifetime is renewed is no news; one that goes, or is somebody else’s, is', () => {
  const network = new FakeNetwork()
  const { index: ifindex } = network.addLink({ name: 'eth0' })
  network.addAddress({
    ifindex,
    address: parseIp('10.0.0.100'),
    prefix: 24,
    protocol: TENBIN_PROTOCOL,
    lifetime,
  })
  const [address] = network.listAddresses() as [InterfaceAddress]
  const event = (change: Partial<InterfaceAddress>, gone = false): NetworkEvent => ({
    ...{ kind: 'address', gone },
    address: { ...address, ...change },
  })
  assert.ok(isRenewal(event({})))
  assert.ok(!isRenewal(event({}, true)))
  assert.ok(!isRenewal(event({ protocol: 0 })))
  const { lifetime: _, ...lasting } = address
  assert.ok(!isRenewal({ kind: 'address', gone: false, address: lasting }))
  assert.ok(!isRenewal({ kind: 'resync', why: 'lost' }))
})
