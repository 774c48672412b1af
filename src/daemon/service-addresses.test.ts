// Service addresses, of which there may be many.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Ip4, parseMac } from '../base/addresses.ts'
import { FakeNetwork } from '../netlink/fake.ts'
import { TENBIN_PROTOCOL } from '../netlink/mark.ts'
import { emptyRecord, type Record } from './record.ts'
import { ServiceAddresses, settleAddresses } from './service-addresses.ts'

test('thousands of addresses are looked through in a fraction of the two seconds between two looks', () => {
  const network = new FakeNetwork()
  const link = network.addLink({ name: 'eth0', mac: parseMac('02:00:0a:00:00:02') })
  const wanted = Array.from({ length: 3_000 }, (_, i) => ({
    address: (0x0a01_0000 + i) as Ip4,
    prefix: 16,
    link,
  }))
  const owned = wanted.map(({ address, prefix }) => ({
    ifindex: link.index,
    interface: 'eth0',
    address,
    prefix,
  }))
  const one = owned[1_234]!
  for (const { interface: _, ...each } of owned)
    if (each.address !== one.address) network.addAddress({ ...each, protocol: TENBIN_PROTOCOL })
  let record: Record = { ...emptyRecord, addresses: owned }
  const store = {
    read: () => record,
    write: (now: Record) => {
      record = now
    },
  }
  const addresses = new ServiceAddresses(network, store, (_, body) => body())
  const told: string[] = []
  const before = process.cpuUsage()
  const look = () =>
    settleAddresses(addresses, wanted, (done, { address }) => told.push(`${done} ${address}`))
  assert.deepEqual(look(), [])
  assert.deepEqual(look(), [])
  const { user } = process.cpuUsage(before)
  assert.deepEqual(told, [`added ${one.address}`])
  assert.ok(user < 1_000_000, `${user / 1000} ms for two looks`)
})
