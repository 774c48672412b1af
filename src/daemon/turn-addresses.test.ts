import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatIp, parseIp, parseMac } from '../base/addresses.ts'
import { load } from '../config/load.ts'
import { textReader } from '../config/reader.ts'
import type { InterfaceAddress } from '../netlink/addresses.ts'
import type { Link } from '../netlink/links.ts'
import { turnChanges, turnOf } from './turn-addresses.ts'

const desired = (check: string) =>
  load(
    't',
    textReader({
      t: `
interfaces: { lan: eth0, back: eth1 }
addresses: { front: { on: lan, ips: [10.0.0.100/24, "2001:db8::100/64"] } }
servers: { web01: 10.0.0.11 }
services: { www: { listen: [10.0.0.100:80], servers: web01, check: ${check} } }`,
    }),
  )
const link = (index: number, name: string): Link => ({
  ...{ index, name, mac: parseMac('02:00:00:00:00:01'), mtu: 1500 },
  ...{ isUp: true, isLowerUp: true, isLoopback: false, isPromiscuous: false, xdp: [] },
})
const links = [link(2, 'eth0'), link(3, 'eth1')]
const address = (ifindex: number, text: string, more: Partial<InterfaceAddress> = {}): InterfaceAddress => {
  const [ip, prefix] = text.split('/')
  return {
    ...{ ifindex, address: parseIp(ip!), prefix: Number(prefix), protocol: 0 },
    ...{ isSecondary: false, isTentative: false, isDuplicate: false, isDeprecated: false },
    ...more,
  }
}
const through = '{ tcp: {}, via: service }'
const own = (check: string, addresses: readonly InterfaceAddress[]) =>
  turnOf(desired(check), links, addresses)?.addresses.map(
    ({ on, address: ip, prefix }) => `${on} ${formatIp(ip)}/${prefix}`,
  )

test('checks through the service come from the node’s own addresses on the NICs that forward', () => {
  const addresses = [
    address(1, '127.0.0.1/8'),
    address(2, '10.0.0.2/24'),
    address(2, '10.0.0.3/24', { isSecondary: true }),
    address(2, '10.0.0.100/24'),
    address(2, '2001:db8::2/64'),
    address(2, '2001:db8::100/64'),
    address(2, 'fe80::1/64'),
    address(2, '2001:db8::dead/64', { isSecondary: true }),
    address(2, '2001:db8::3/64', { isTentative: true }),
    address(2, '2001:db8::4/64', { isDuplicate: true }),
    address(3, '10.1.0.2/24'),
    address(4, '10.2.0.2/24'),
  ]
  assert.deepEqual(own(through, addresses), [
    'eth0 10.0.0.2/24',
    'eth0 10.0.0.3/24',
    'eth0 2001:db8::2/64',
    'eth1 10.1.0.2/24',
  ])
})

test('a file without such checks wants none', () => {
  assert.equal(own('tcp', [address(2, '10.0.0.2/24')]), undefined)
  assert.equal(own('none', [address(2, '10.0.0.2/24')]), undefined)
})

test('another address, prefix or interface is a change', () => {
  const turn = (...addresses: InterfaceAddress[]) => turnOf(desired(through), links, addresses)
  const one = turn(address(2, '10.0.0.2/24'))
  assert.deepEqual(turnChanges(one, turn(address(2, '10.0.0.2/24'))), [])
  assert.deepEqual(turnChanges(undefined, undefined), [])
  for (const other of [
    turn(),
    turn(address(2, '10.0.0.3/24')),
    turn(address(2, '10.0.0.2/25')),
    turn(address(3, '10.0.0.2/24')),
  ])
    assert.deepEqual(turnChanges(one, other), ['the node’s own addresses have changed'])
})
