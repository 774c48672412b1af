import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIp, parseMac } from '../base/addresses.ts'
import { prefixOf } from '../base/prefix.ts'
import { FakeNetwork } from '../netlink/fake.ts'
import { RtnlWork } from './rtnl-work.ts'

/** world: a NIC on which an earlier process left an address of a set, and routes of both families. */
function world() {
  const network = new FakeNetwork()
  const { index: ifindex } = network.addLink({ name: 'eth0', mac: parseMac('02:00:0a:00:00:02') })
  const [OWN, OURS] = ['10.0.0.2', '10.0.0.100'].map(parseIp)
  const lifetime = { validS: 2, preferredS: 2 }
  network.addAddress({ ifindex, address: OWN!, prefix: 24, protocol: 0 })
  network.addAddress({ ifindex, address: parseIp('2001:db8::2'), prefix: 64, protocol: 0 })
  network.addAddress({ ifindex, address: OURS!, prefix: 24, lifetime })
  const to = prefixOf(parseIp('10.20.0.0'), 16)
  network.addStaticRoute({ ifindex, to, gateway: parseIp('10.0.0.1'), source: OURS! })
  const six = prefixOf(parseIp('2001:db8:20::'), 48)
  network.addStaticRoute({ ifindex, to: six, gateway: parseIp('2001:db8::1'), validS: 2 })
  const work = new RtnlWork({
    ...{ network, links: { request: () => [], dump: () => [] } },
    ...{ record: '/nowhere/macvlans', now: () => 0 },
  })
  const left = () => [network.listAddresses(ifindex).length, network.listStaticRoutes(ifindex).length]
  return { network, work, left }
}
const watched = { nics: ['eth0'], moving: ['10.0.0.100'] }

test('a process that begins takes away addresses and routes that an earlier one left', () => {
  const { work, left } = world()
  assert.deepEqual(left(), [3, 2])
  // That of IPv4 is gone with its source.
  assert.deepEqual(work.begin(watched), [
    'took 1 addresses of an earlier process off eth0',
    'removed 1 routes of an earlier process by eth0',
  ])
  assert.deepEqual(left(), [2, 0])
})

test('a rehearsal is on no NIC that there is', () => {
  const { network, work, left } = world()
  const asked: number[] = []
  const { addAddress } = network
  network.addAddress = (address, options) => {
    asked.push(address.ifindex)
    addAddress.call(network, address, options)
  }
  const before = left()
  work.rehearse()
  assert.deepEqual(left(), before)
  assert.ok(asked.length > 0 && asked.every((ifindex) => ifindex > 1_000_000), `${asked}`)
})

test('a NIC that was seen is not asked for once more when a role is taken', () => {
  const { network, work, left } = world()
  work.begin(watched)
  work.views()
  network.getLink = () => assert.fail('it was seen')
  const members = [{ nic: 'eth0', family: 4 as const, addresses: ['10.0.0.101/24'] }]
  const order = { id: 1, at: 0, set: 'front', members, routes: [], validS: 2, takenMs: 400 }
  assert.deepEqual(work.hold({ kind: 'hold', how: 'take', ...order }), {})
  assert.deepEqual(left(), [3, 0])
})

test('routes that cannot be read keep no address', () => {
  const { network, work, left } = world()
  const { listStaticRoutes } = network
  network.listStaticRoutes = () => {
    throw new Error('the kernel says no')
  }
  assert.deepEqual(work.begin(watched), ['took 1 addresses of an earlier process off eth0'])
  network.listStaticRoutes = listStaticRoutes
  assert.equal(left()[0], 2)
})

test('what is held when vrrp is gone is released when another node has it, or when its time is over', () => {
  const { work, left } = world()
  const held = (set: string, address: string, takenMs: number) => {
    const members = [{ nic: 'eth0', family: 4 as const, addresses: [`${address}/24`] }]
    work.hold({ kind: 'hold', id: 1, at: 0, set, how: 'take', members, routes: [], validS: 2, takenMs })
  }
  held('fast', '10.0.0.101', 400)
  held('slow', '10.0.0.102', 4000)
  assert.deepEqual(work.orphaned(), [{ set: 'fast', afterMs: 400 }])
  held('slow', '10.0.0.102', 40)
  assert.equal(work.orphaned().length, 2)
  work.release('fast')
  work.release('slow')
  assert.deepEqual([work.orphaned(), left()[0]], [[], 3])
})
