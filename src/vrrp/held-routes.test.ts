import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatIp, parseIp, parseMac } from '../base/addresses.ts'
import { FakeNetwork } from '../netlink/fake.ts'
import { formatRoute } from '../netlink/static-routes.ts'
import { HeldRoutes, removeStrayRoutes } from './held-routes.ts'
import type { SetRoute } from './spec.ts'

const OURS = '10.0.0.100'
const LIFETIME = { validS: 2, preferredS: 2 }

/** world: a NIC with an address of the node, and one of a set. */
function world() {
  const network = new FakeNetwork()
  const { index: ifindex } = network.addLink({ name: 'eth0', mac: parseMac('02:00:0a:00:00:02') })
  network.addAddress({ ifindex, address: parseIp('10.0.0.2'), prefix: 24 })
  const ours = { ifindex, address: parseIp(OURS), prefix: 24, lifetime: LIFETIME }
  network.addAddress(ours)
  const routes = new HeldRoutes(network)
  const there = () =>
    network
      .listStaticRoutes(ifindex)
      .map((each) => `${formatRoute(each)} from ${each.source === undefined ? 'any' : formatIp(each.source)}`)
  const take = (...said: readonly SetRoute[]) =>
    routes.take(
      said.map((each) => ({ said: each, ifindex })),
      2,
    )
  return { network, ifindex, ours, routes, there, take }
}
const route = (to: string, more: Partial<SetRoute> = {}): SetRoute => ({
  ...{ nic: 'eth0', to, via: '10.0.0.1', source: OURS },
  ...more,
})
const [FAR, NEAR] = [route('0.0.0.0/0', { metric: 5 }), route('10.20.0.0/16')]
const TAKEN =
  '10.20.0.0/16 via 10.0.0.1: another route to it has this metric already, and is left alone: give one of the two another metric'

test('routes are added, replaced by others, and removed', () => {
  const { network, ifindex, routes, there, take } = world()
  const other = { ifindex, address: parseIp('10.0.0.101'), prefix: 24, lifetime: LIFETIME }
  network.addAddress(other)
  assert.deepEqual(take(FAR, NEAR), [])
  assert.deepEqual(there(), [
    'default via 10.0.0.1 metric 5 from 10.0.0.100',
    '10.20.0.0/16 via 10.0.0.1 from 10.0.0.100',
  ])
  assert.deepEqual(take({ ...NEAR, source: '10.0.0.101' }), [])
  assert.deepEqual(there(), ['10.20.0.0/16 via 10.0.0.1 from 10.0.0.101'])
  routes.leave()
  assert.deepEqual(there(), [])
})

test('what somebody removed, or the kernel with its source, is there again with the next renewal', () => {
  const { network, ifindex, ours, routes, there, take } = world()
  take(NEAR)
  const [one] = network.listStaticRoutes(ifindex)
  for (const lose of [() => network.removeStaticRoute(one!), () => network.removeAddress(ours)]) {
    lose()
    assert.deepEqual(there(), [])
    network.addAddress(ours, { replace: true })
    assert.deepEqual(routes.renew(2), [])
    assert.deepEqual(there(), ['10.20.0.0/16 via 10.0.0.1 from 10.0.0.100'])
  }
})

test('an IPv6 route that the kernel left without its source gets it again', () => {
  const { network, ifindex, there, take } = world()
  for (const ip of ['2001:db8::2', '2001:db8::64'])
    network.addAddress({ ifindex, address: parseIp(ip), prefix: 64, lifetime: LIFETIME })
  const six = route('2001:db8:1::/48', { via: '2001:db8::1', source: '2001:db8::64' })
  assert.deepEqual(take(six), [])
  const { source: _, ...bare } = network.listStaticRoutes(ifindex)[0]!
  network.removeStaticRoute(bare)
  network.addStaticRoute(bare)
  assert.deepEqual(there(), ['2001:db8:1::/48 via 2001:db8::1 metric 1024 from any'])
  assert.deepEqual(take(six), [])
  assert.deepEqual(there(), ['2001:db8:1::/48 via 2001:db8::1 metric 1024 from 2001:db8::64'])
})

test('what somebody else has there, before us or instead of ours, is left alone, said, and taken when it is free', () => {
  const { network, ifindex, routes, there, take } = world()
  const theirs = { ifindex, destination: parseIp('10.20.0.0'), prefix: 16, gateway: parseIp('10.0.0.9') }
  network.addRoute(theirs)
  assert.deepEqual([take(NEAR), routes.renew(2)], [[TAKEN], [TAKEN]])
  network.removeRoute(theirs)
  assert.deepEqual(routes.renew(2), [])
  assert.deepEqual(there(), ['10.20.0.0/16 via 10.0.0.1 from 10.0.0.100'])

  network.removeStaticRoute(network.listStaticRoutes(ifindex)[0]!)
  network.addRoute(theirs)
  assert.deepEqual(routes.renew(2), [TAKEN])
  routes.leave()
  const found = network.getRoute(parseIp('10.20.0.1'))
  assert.equal(found.kind === 'unicast' && formatIp(found.gateway!), '10.0.0.9')
})

test('an address that stays, wherever it is, is no source: the route would stay with it', () => {
  const { network, routes, there, take } = world()
  const why = `10.20.0.0/16 via 10.0.0.1: its source ${OURS} is on an interface for ever, so that the route would stay where this node was killed: take it away there, or write another source`
  assert.deepEqual(take(NEAR), [])
  const stays = { ifindex: network.getLink('lo')!.index, address: parseIp(OURS), prefix: 32 }
  network.addAddress(stays)
  assert.deepEqual([routes.renew(2), there()], [[why], []])
  network.removeAddress(stays)
  assert.deepEqual([routes.renew(2), there().length], [[], 1])
})

test('one that cannot be made stands in no other one’s way', () => {
  const { network, ifindex, routes, there } = world()
  const wanted = [
    { said: route('10.20.0.0/16', { via: '10.9.0.1' }), ifindex },
    { said: route('10.30.0.0/16', { source: '10.0.0.101' }), ifindex },
    { said: route('10.40.0.0/16', { nic: 'eth1' }), ifindex: undefined },
    { said: route('10.50.0.0/16'), ifindex },
  ]
  assert.deepEqual(routes.take(wanted, 2), [
    '10.20.0.0/16 via 10.9.0.1: its gateway is not on this link',
    '10.30.0.0/16 via 10.0.0.1: add route 10.30.0.0/16 via 10.0.0.1: EINVAL: Invalid argument',
    '10.40.0.0/16 via 10.0.0.1: there is no eth1',
  ])
  assert.deepEqual(there(), ['10.50.0.0/16 via 10.0.0.1 from 10.0.0.100'])
  network.listStaticRoutes = () => {
    throw new Error('the kernel says no')
  }
  assert.deepEqual(routes.renew(2).slice(-1), ['10.50.0.0/16 via 10.0.0.1: the kernel says no'])
})

test('what an earlier process left is removed', () => {
  const { network, there, take } = world()
  take(NEAR)
  assert.equal(removeStrayRoutes(network, 'eth0'), 1)
  assert.equal(removeStrayRoutes(network, 'eth1'), 0)
  assert.deepEqual(there(), [])
})
