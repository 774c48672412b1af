// The contract of Network: what every implementation must do, run on the fake network and on the kernel.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ip } from '../../src/base/addresses.ts'
import { type Prefix, tryPrefix } from '../../src/base/prefix.ts'
import { FOREVER } from '../../src/netlink/addresses.ts'
import { TENBIN_PROTOCOL } from '../../src/netlink/mark.ts'
import type { NetworkEvent, Topic } from '../../src/netlink/network.ts'
import { isOnLink } from '../../src/netlink/routes.ts'
import { isErrno } from '../../src/sys/syscall.ts'
import { type Family, families, ip, LINK_NAME, otherMac, ownMac, peerMac, type World } from './world.ts'

const own = ip('192.0.2.1')
const NO_LINK = 9999
/** networkOf: 192.0.2.0/24. */
function networkOf(text: string): Prefix {
  const { address, length } = tryPrefix(text)!
  return { address, length }
}
const errno = (...names: string[]) => ({
  matches: (error: unknown): boolean => isErrno(error, ...names),
})

/** networkContract runs the suite in worlds of one kind. */
export function networkContract(kind: string, open: () => World): void {
  const check = (name: string, run: (world: World) => void | Promise<void>): void => {
    test(`${kind}: ${name}`, async () => {
      using world = open()
      await run(world)
    })
  }

  check('links are listed by index, lo first, and found by name and index', ({ network, ifindex }) => {
    const links = network.listLinks()
    assert.deepEqual(
      links.map((link) => link.index),
      links.map((link) => link.index).sort((a, b) => a - b),
    )
    assert.equal(links[0]?.name, 'lo')
    assert.equal(links[0]?.isLoopback, true)
    const link = network.getLink(LINK_NAME)
    assert.deepEqual(
      link,
      links.find(({ index }) => index === ifindex),
    )
    assert.deepEqual(network.getLink(ifindex), link)
    assert.equal(link?.mac, ownMac)
    assert.equal(link?.mtu, 1500)
    assert.equal(link?.kind, 'veth')
    assert.deepEqual([link?.isUp, link?.isLowerUp, link?.isLoopback], [true, true, false])
    assert.deepEqual(link?.xdp, [])
  })

  check('a link that is not there is undefined, whatever its name', ({ network }) => {
    for (const which of ['', 'v1', 'x'.repeat(15), 'x'.repeat(16), 'x'.repeat(300), NO_LINK])
      assert.equal(network.getLink(which), undefined)
  })

  check('a link tells of being switched off and of its cable', (world) => {
    world.setCarrier(false)
    assert.deepEqual(
      [world.network.getLink(LINK_NAME)?.isUp, world.network.getLink(LINK_NAME)?.isLowerUp],
      [true, false],
    )
    world.setCarrier(true)
    world.setLink({ isUp: false, mtu: 1400 })
    assert.equal(world.network.getLink(LINK_NAME)?.isUp, false)
    assert.equal(world.network.getLink(LINK_NAME)?.mtu, 1400)
  })

  check('an address is added, marked as ours, refused twice, and removed once', ({ network, ifindex }) => {
    const address = { ifindex, address: own, prefix: 24 }
    network.addAddress(address)
    const listed = network.listAddresses(ifindex).find((other) => other.address === own)
    assert.equal(listed?.prefix, 24)
    assert.equal(listed?.protocol, TENBIN_PROTOCOL)
    assert.equal(listed?.lifetime, undefined)
    assert.throws(() => network.addAddress(address), errno('EEXIST').matches)
    assert.equal(network.listAddresses().filter((other) => other.address === own).length, 1)
    assert.equal(network.removeAddress({ ...address, prefix: 25 }), false)
    assert.equal(network.removeAddress(address), true)
    assert.equal(network.removeAddress(address), false)
    assert.ok(!network.listAddresses().some((other) => other.address === own))
  })

  check('an IPv6 address without duplicate detection is usable at once', ({ network, ifindex }) => {
    const address = ip('2001:db8::1')
    network.addAddress({ ifindex, address, prefix: 128, nodad: true })
    const listed = network.listAddresses(ifindex).find((other) => other.address === address)
    assert.deepEqual([listed?.prefix, listed?.isTentative, listed?.isDuplicate], [128, false, false])
    assert.throws(
      () => network.addAddress({ ifindex, address, prefix: 128, nodad: true }),
      errno('EEXIST').matches,
    )
    assert.equal(network.removeAddress({ ifindex, address, prefix: 128 }), true)
  })

  check('an address can have a lifetime, and a longer one later', ({ network, ifindex }) => {
    for (const address of [own, ip('2001:db8::1')]) {
      const added = { ifindex, address, prefix: 32, nodad: true }
      const lifetime = () =>
        network.listAddresses(ifindex).find((other) => other.address === address)?.lifetime
      network.addAddress({ ...added, lifetime: { validS: 100, preferredS: 50 } })
      assert.ok(Math.abs(lifetime()!.validS - 100) <= 1 && Math.abs(lifetime()!.preferredS - 50) <= 1)
      network.addAddress({ ...added, lifetime: { validS: 1000, preferredS: 500 } }, { replace: true })
      assert.ok(lifetime()!.validS > 900 && lifetime()!.preferredS > 400)
    }
  })

  check('an IPv6 address can be for ever, and yet never be chosen as a source', ({ network, ifindex }) => {
    const address = ip('2001:db8::1')
    const lifetime = { validS: FOREVER, preferredS: 0 }
    network.addAddress({ ifindex, address, prefix: 64, nodad: true, lifetime })
    const listed = network.listAddresses(ifindex).find((other) => other.address === address)
    assert.deepEqual([listed?.isDeprecated, listed?.lifetime], [true, undefined])
  })

  check('switched off, an interface keeps its IPv4 addresses and loses those of IPv6', (world) => {
    const { network, ifindex } = world
    const own6 = ip('2001:db8::1')
    for (const address of [own, own6]) network.addAddress({ ifindex, address, prefix: 32, nodad: true })
    const held = () => network.listAddresses(ifindex).map(({ address }) => address)
    assert.ok(held().includes(own) && held().includes(own6))
    world.setLink({ isUp: false })
    assert.deepEqual(held(), [own])
  })

  for (const family of families) familyContract(kind, open, family)

  check('who has ended his subscription hears nothing, the others go on', async (world) => {
    const { network, ifindex } = world
    const ended = network.subscribe(['addresses'], () => assert.fail('after the end'))
    let heard = 0
    using _other = network.subscribe(['addresses'], () => heard++)
    network.addAddress({ ifindex, address: own, prefix: 24 })
    ended[Symbol.dispose]()
    await world.until('the event', () => heard > 0)
  })

  check('in IPv4 a static route is gone with its source', ({ network, ifindex }) => {
    const gateway = { ifindex, gateway: ip('192.0.2.9') }
    const source = ip('192.0.2.100')
    network.addAddress({ ifindex, address: own, prefix: 24 })
    network.addAddress({ ifindex, address: source, prefix: 32 })
    network.addStaticRoute({ ...gateway, to: networkOf('0.0.0.0/0'), source, metric: 7 })
    assert.equal(network.listStaticRoutes(ifindex)[0]?.to.length, 0)
    network.removeAddress({ ifindex, address: source, prefix: 32 })
    assert.deepEqual(network.listStaticRoutes(ifindex), [])
  })

  check('lost events are told as such', async (world) => {
    const heard: NetworkEvent[] = []
    using _subscription = world.network.subscribe(['routes'], (events) => heard.push(...events))
    world.overflow()
    await world.until('the resync', () => heard.some(({ kind }) => kind === 'resync'))
  })
}

function familyContract(kind: string, open: () => World, family: Family): void {
  const { own, prefix, host, silent, far, elsewhere } = family
  const check = (name: string, run: (world: World) => void | Promise<void>): void => {
    test(`${kind}, ${family.name}: ${name}`, async () => {
      using world = open()
      await run(world)
    })
  }

  check('what needs an interface says that there is none', ({ network }) => {
    assert.throws(
      () => network.addAddress({ ifindex: NO_LINK, address: own, prefix }),
      errno('ENODEV').matches,
    )
    assert.throws(() => network.manageNeighbour(NO_LINK, host), errno('ENODEV').matches)
    assert.equal(network.removeAddress({ ifindex: NO_LINK, address: own, prefix }), false)
    assert.equal(network.getNeighbour(NO_LINK, host), undefined)
    assert.equal(network.unmanageNeighbour(NO_LINK, host), false)
    assert.deepEqual(network.listNeighbours(NO_LINK), [])
    assert.deepEqual(network.listAddresses(NO_LINK), [])
  })

  check('a route says on the link, through a router, this machine, or nowhere', async (world) => {
    const { network, ifindex } = world
    assert.deepEqual(network.getRoute(host), { kind: 'none', why: 'ENETUNREACH' })
    network.addAddress({ ifindex, address: own, prefix, nodad: true })
    world.addRoute(family.farNetwork, host)
    const near = network.getRoute(silent)
    assert.ok(isOnLink(near, ifindex) && !isOnLink(near, ifindex + 1))
    const routed = network.getRoute(far)
    assert.ok(routed.kind === 'unicast' && routed.gateway === host && routed.ifindex === ifindex)
    assert.ok(!isOnLink(routed, ifindex))
    // The kernel makes that of an IPv6 address in a later turn of its own.
    await world.until('local', () => network.getRoute(own).kind === 'local')
    assert.equal(network.getRoute(elsewhere).kind, 'none')
  })

  check('a static route is added with a source of ours, renewed, and removed once', async (world) => {
    const { network, ifindex } = world
    network.addAddress({ ifindex, address: own, prefix, nodad: true })
    await world.until('local', () => network.getRoute(own).kind === 'local')
    const to = networkOf(family.farNetwork)
    const route = { ifindex, to, gateway: host, source: own, metric: 50, validS: 100 }
    network.addStaticRoute(route)
    assert.throws(() => network.addStaticRoute(route), errno('EEXIST').matches)
    const { validS: _, ...listed } = route
    network.renewStaticRoute({ ...listed, validS: 200 })
    assert.deepEqual(network.listStaticRoutes(ifindex), [listed])
    assert.deepEqual(network.listStaticRoutes(NO_LINK), [])
    const found = network.getRoute(far)
    assert.ok(found.kind === 'unicast' && found.gateway === host)
    assert.equal(network.removeStaticRoute({ ...route, metric: 51 }), false)
    assert.equal(network.removeStaticRoute(route), true)
    assert.equal(network.removeStaticRoute(route), false)
    assert.deepEqual(network.listStaticRoutes(ifindex), [])
  })

  check('of two routes of ours to one network that goes which was meant', async (world) => {
    const { network, ifindex } = world
    network.addAddress({ ifindex, address: own, prefix, nodad: true })
    await world.until('local', () => network.getRoute(own).kind === 'local')
    const route = { ifindex, to: networkOf(family.farNetwork), gateway: host, source: own, validS: 100 }
    network.addStaticRoute({ ...route, metric: 10 })
    network.addStaticRoute(route)
    const usual = network.listStaticRoutes(ifindex).find(({ metric }) => metric !== 10)
    assert.equal(network.removeStaticRoute(usual!), true)
    assert.deepEqual(
      network.listStaticRoutes(ifindex).map(({ metric }) => metric),
      [10],
    )
  })

  check('whoever else made it, a route with that metric is left alone', (world) => {
    const { network, ifindex } = world
    network.addAddress({ ifindex, address: own, prefix, nodad: true })
    world.addRoute(family.farNetwork, host)
    const route = { ifindex, to: networkOf(family.farNetwork), gateway: family.second }
    assert.throws(() => network.addStaticRoute({ ...route, validS: 100 }), errno('EEXIST').matches)
    assert.equal(network.removeStaticRoute({ ...route, gateway: host }), false)
    assert.deepEqual(network.listStaticRoutes(ifindex), [])
    const found = network.getRoute(far)
    assert.ok(found.kind === 'unicast' && found.gateway === host)
  })

  check('a static route needs a gateway on the link, and a source that is here', async (world) => {
    const { network, ifindex } = world
    const to = networkOf(family.farNetwork)
    const add = (gateway: Ip, source = own) => network.addStaticRoute({ ifindex, to, gateway, source })
    network.addAddress({ ifindex, address: own, prefix, nodad: true })
    await world.until('local', () => network.getRoute(own).kind === 'local')
    assert.throws(() => add(elsewhere), errno('ENETUNREACH', 'EHOSTUNREACH').matches)
    assert.throws(() => add(host, family.second), errno('EINVAL').matches)
    assert.throws(
      () => network.addStaticRoute({ ifindex: NO_LINK, to, gateway: host }),
      errno('ENODEV', 'ENETUNREACH').matches,
    )
    add(host)
    assert.equal(network.listStaticRoutes(ifindex).length, 1)
  })

  check('a managed neighbour is resolved, a silent one fails', async (world) => {
    const { network, ifindex } = world
    network.addAddress({ ifindex, address: own, prefix, nodad: true })
    world.appear(host)
    network.manageNeighbour(ifindex, host)
    network.manageNeighbour(ifindex, silent)
    network.manageNeighbour(ifindex, host)
    assert.equal(network.getNeighbour(ifindex, silent)?.mac, undefined)
    await world.until('the answer', () => network.getNeighbour(ifindex, host)?.mac === peerMac)
    await world.until('the silence', () => network.getNeighbour(ifindex, silent)?.state === 'FAILED')
    for (const address of [host, silent]) {
      const entry = network.listNeighbours(ifindex).find((other) => other.address === address)
      assert.deepEqual([entry?.isManaged, entry?.protocol], [true, TENBIN_PROTOCOL])
    }
  })

  check('a permanent entry is never touched', (world) => {
    const { network, ifindex } = world
    world.setPermanent(host, otherMac)
    const before = network.getNeighbour(ifindex, host)
    assert.deepEqual([before?.state, before?.mac], ['PERMANENT', otherMac])
    network.manageNeighbour(ifindex, host)
    assert.deepEqual(network.getNeighbour(ifindex, host), before)
    assert.equal(network.unmanageNeighbour(ifindex, host), false)
    assert.deepEqual(network.getNeighbour(ifindex, host), before)
  })

  check('what we manage we can give back, once', async (world) => {
    const { network, ifindex } = world
    network.addAddress({ ifindex, address: own, prefix, nodad: true })
    world.appear(host)
    network.manageNeighbour(ifindex, host)
    await world.until('the answer', () => network.getNeighbour(ifindex, host)?.mac === peerMac)
    assert.equal(network.unmanageNeighbour(ifindex, host), true)
    assert.equal(network.getNeighbour(ifindex, host), undefined)
    assert.equal(network.unmanageNeighbour(ifindex, host), false)
  })

  check('changes are told in order, by topic, never from within a request, until the end', async (world) => {
    const { network, ifindex } = world
    const heard: NetworkEvent[] = []
    const ofTopic = (topic: Topic) => network.subscribe([topic], (events) => heard.push(...events))
    using _addresses = ofTopic('addresses')
    using _links = ofTopic('links')
    using _neighbours = ofTopic('neighbours')
    using _routes = ofTopic('routes')
    const has = (kind: string, gone: boolean) => () =>
      heard.some((e) => e.kind === kind && 'gone' in e && e.gone === gone)
    network.addAddress({ ifindex, address: own, prefix, nodad: true })
    assert.equal(heard.length, 0)
    await world.until('the address', has('address', false))
    await world.until('its route', has('route', false))
    world.appear(host)
    network.manageNeighbour(ifindex, host)
    await world.until('the neighbour', () =>
      heard.some(
        (e) => e.kind === 'neighbour' && e.neighbour.address === host && e.neighbour.mac === peerMac,
      ),
    )
    network.unmanageNeighbour(ifindex, host)
    await world.until('its removal', has('neighbour', true))
    network.removeAddress({ ifindex, address: own, prefix })
    await world.until('the removal of the address', has('address', true))
    const ofOwn = heard.filter((e) => e.kind === 'address' && e.address.address === own)
    assert.deepEqual(
      ofOwn.map((e) => e.kind === 'address' && e.gone),
      [false, true],
    )
    world.removeLink()
    await world.until('the removal of the link', has('link', true))
    assert.ok(
      heard.some((e) => e.kind === 'link' && e.gone && e.link.name === LINK_NAME && e.link.index === ifindex),
    )
  })
}
