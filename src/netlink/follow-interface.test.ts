// What the contract suite (test/network/follower-contract.ts) cannot provoke in a kernel: failures of the network.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Ip, type Ip4, parseIp4, parseMac } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { errnoNumber } from '../sys/errno.ts'
import { FakeNetwork } from './fake.ts'
import { InterfaceFollower } from './follow-interface.ts'
import { NetlinkError } from './netlink.ts'
import type { Resolution } from './resolution.ts'

const own = parseIp4('192.0.2.1')
const host = parseIp4('192.0.2.2')
const mac = parseMac('02:00:00:00:00:02')

/** A network that refuses what `refuse` says. */
class FailingNetwork extends FakeNetwork {
  refuse: 'manageNeighbour' | 'listAddresses' | undefined
  asked = 0

  override manageNeighbour(ifindex: number, address: Ip4): void {
    this.asked++
    if (this.refuse === 'manageNeighbour')
      throw new NetlinkError('manage neighbour', errnoNumber('ENOBUFS')!, 'neighbour table overflow')
    super.manageNeighbour(ifindex, address)
  }
  override listAddresses(ifindex?: number) {
    if (this.refuse === 'listAddresses') throw new TenbinError('NETLINK_TIMEOUT', 'list addresses')
    return super.listAddresses(ifindex)
  }
}

function world() {
  const network = new FailingNetwork()
  const link = network.addLink({ name: 'eth0', mac: parseMac('02:00:00:00:00:01') })
  network.addAddress({ ifindex: link.index, address: own, prefix: 24 })
  network.setHost(link.index, host, mac)
  network.deliver()
  return { network, link }
}

test('a neighbour that the kernel refuses to manage says so, and is tried again at a resync', () => {
  const { network } = world()
  network.refuse = 'manageNeighbour'
  const told: [Ip, Resolution][] = []
  using follower = new InterfaceFollower(network, 'eth0', {
    onNeighbours: (changed) => told.push(...changed),
  })
  const view = follower.watch([host])
  assert.deepEqual(view.get(host), { why: 'manage neighbour: ENOBUFS: neighbour table overflow' })
  network.deliver()
  assert.equal(network.asked, 1)
  network.refuse = undefined
  follower.resync()
  network.deliver()
  assert.deepEqual(follower.neighbours.get(host), { mac })
  assert.deepEqual(told.at(-1), [host, { mac }])
})

test('a failure to read after an event goes to onFailure, and a resync makes up for it', () => {
  const { network, link } = world()
  const failures: TenbinError[] = []
  using follower = new InterfaceFollower(network, 'eth0', { onFailure: (error) => failures.push(error) })
  follower.watch([host])
  network.deliver()
  network.refuse = 'listAddresses'
  network.loseEvents()
  network.deliver()
  assert.deepEqual(
    failures.map(({ code }) => code),
    ['NETLINK_TIMEOUT'],
  )
  network.refuse = undefined
  network.removeAddress({ ifindex: link.index, address: own, prefix: 24 })
  follower.resync()
  assert.deepEqual(follower.addresses, [])
})

test('without onFailure it is thrown where events are delivered, and from resync always', () => {
  const { network } = world()
  using follower = new InterfaceFollower(network, 'eth0')
  network.refuse = 'listAddresses'
  const timeout = (error: unknown) => error instanceof TenbinError && error.code === 'NETLINK_TIMEOUT'
  assert.throws(() => follower.resync(), timeout)
  network.loseEvents()
  assert.throws(() => network.deliver(), timeout)
})

test('a follower that cannot read at first is not made, and hears nothing', () => {
  const { network, link } = world()
  network.refuse = 'listAddresses'
  const onLink = () => assert.fail('there is no follower')
  assert.throws(() => new InterfaceFollower(network, 'eth0', { onLink }))
  network.refuse = undefined
  network.changeLink(link.index, { mtu: 9000 })
  network.deliver()
})

test('a lifetime that is renewed is no change of the addresses, that it has one is', () => {
  const { network, link } = world()
  let told = 0
  using _follower = new InterfaceFollower(network, 'eth0', { onAddresses: () => told++ })
  const renew = (validS: number): void => {
    const lifetime = { validS, preferredS: 1 }
    network.addAddress({ ifindex: link.index, address: own, prefix: 24, lifetime }, { replace: true })
    network.deliver()
  }
  renew(10)
  assert.equal(told, 1)
  renew(20)
  assert.equal(told, 1)
})

test('a permanent entry is left alone without a word to the kernel', () => {
  const { network, link } = world()
  network.setNeighbour({ ifindex: link.index, address: host, mac, state: 'PERMANENT' })
  using follower = new InterfaceFollower(network, 'eth0')
  follower.watch([host])
  network.changeLink(link.index, { mtu: 9000 })
  network.deliver()
  assert.equal(network.asked, 0)
})

test('many events of one batch are told at once', () => {
  const { network, link } = world()
  const batches: number[] = []
  using follower = new InterfaceFollower(network, 'eth0', { onNeighbours: ({ size }) => batches.push(size) })
  const hosts = Array.from({ length: 100 }, (_, index) => (own + 2 + index) as Ip4)
  for (const address of hosts) network.setHost(link.index, address, mac)
  follower.watch(hosts)
  network.deliver()
  assert.deepEqual(batches, [100])
})

test('events of other interfaces change nothing', () => {
  const { network } = world()
  const nothing = () => assert.fail('not about eth0')
  const changes = { onLink: nothing, onAddresses: nothing, onNeighbours: nothing }
  using follower = new InterfaceFollower(network, 'eth0', changes)
  follower.watch([])
  const other = network.addLink({ name: 'eth1', mac: parseMac('02:00:00:00:00:09') })
  network.addAddress({ ifindex: other.index, address: parseIp4('198.51.100.1'), prefix: 24 })
  network.setNeighbour({ ifindex: other.index, address: host, mac, state: 'REACHABLE' })
  network.changeLink(other.index, { isUp: false })
  network.removeLink(other.index)
  network.deliver()
})
