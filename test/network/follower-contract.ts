// The contract of InterfaceFollower over a Network, run on the fake network and on the kernel: what is known of an
// interface, its addresses and its neighbours after everything that can happen to them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatIp, type Ip } from '../../src/base/addresses.ts'
import { InterfaceFollower } from '../../src/netlink/follow-interface.ts'
import type { Link } from '../../src/netlink/links.ts'
import { asking, type Resolution } from '../../src/netlink/resolution.ts'
import { type Family, LINK_NAME, linkLocal, otherMac, ownMac, peerMac, type World } from './world.ts'

/** Followed: a follower in a world with the address `own`, and everything it told. */
class Followed implements Disposable {
  readonly links: (Link | undefined)[] = []
  readonly addresses: (readonly Ip[])[] = []
  readonly told: [Ip, Resolution][] = []
  readonly follower: InterfaceFollower
  readonly #world: World

  readonly deleted: Ip[] = []

  constructor(world: World, ...watched: Ip[]) {
    this.#world = world
    this.follower = new InterfaceFollower(world.network, LINK_NAME, {
      onLink: (link) => this.links.push(link),
      onAddresses: (list) => this.addresses.push(list.map(({ address }) => address as Ip)),
      onNeighbours: (changed) => this.told.push(...changed),
      onDeleted: (addresses) => this.deleted.push(...addresses),
    })
    this.follower.watch(watched)
  }
  of(address: Ip): Resolution | undefined {
    return this.follower.neighbours.get(address)
  }
  mac(address: Ip): string | undefined {
    const resolution = this.of(address)
    return resolution && 'mac' in resolution ? resolution.mac : undefined
  }
  why(address: Ip): string {
    const resolution = this.of(address)
    return resolution && 'why' in resolution ? resolution.why : ''
  }
  /** Everything told of one address, in order. */
  history(address: Ip): Resolution[] {
    return this.told.filter(([of]) => of === address).map(([, resolution]) => resolution)
  }
  async resolved(...addresses: Ip[]): Promise<void> {
    await this.#world.until('resolved', () => addresses.every((address) => this.mac(address) === peerMac))
  }
  [Symbol.dispose](): void {
    this.follower[Symbol.dispose]()
  }
}

/** followerContract runs the suite in worlds of one kind, for one family of addresses. */
export function followerContract(kind: string, open: () => World, family: Family): void {
  const { own, prefix, host, second, silent, far, failed } = family
  const check = (name: string, run: (world: World) => void | Promise<void>): void => {
    test(`${kind}, ${family.name}: ${name}`, async () => {
      using world = open()
      world.network.addAddress({ ifindex: world.ifindex, address: own, prefix, nodad: true })
      await run(world)
    })
  }
  const addOwn = (world: World): void =>
    world.network.addAddress({ ifindex: world.ifindex, address: own, prefix, nodad: true })

  // IPv6 addresses go when an interface is switched off.
  const switchOn = (world: World): void => {
    world.setLink({ isUp: true })
    if (family.name === 'IPv6') addOwn(world)
  }

  check('the present state is there at once, and later changes alone are told', async (world) => {
    world.appear(host)
    using first = new Followed(world, host)
    assert.deepEqual(first.of(host), asking)
    assert.equal(first.follower.link?.mac, ownMac)
    assert.ok(first.follower.addresses.some(({ address }) => address === own))
    await first.resolved(host)
    assert.deepEqual(first.history(host), [{ mac: peerMac }])
    using second = new Followed(world, host)
    assert.equal(second.mac(host), peerMac)
    assert.deepEqual(second.told, [])
    assert.deepEqual(second.links, [])
  })

  check('a silent neighbour is asked for, fails, and stays so until it answers', async (world) => {
    using followed = new Followed(world, silent)
    assert.deepEqual(followed.of(silent), asking)
    await world.until('failed', () => followed.of(silent) === failed)
    world.appear(silent)
    await followed.resolved(silent)
    assert.deepEqual(followed.history(silent), [failed, { mac: peerMac }])
  })

  check('a neighbour that falls silent loses its MAC only when nobody answers', async (world) => {
    world.appear(host)
    using followed = new Followed(world, host)
    await followed.resolved(host)
    world.fallSilent(host)
    world.flushNeighbours()
    await world.until('failed', () => followed.of(host) === failed)
    assert.deepEqual(followed.history(host), [{ mac: peerMac }, failed])
  })

  check('an interface that goes down and comes up again has no entries deleted by anybody', async (world) => {
    world.appear(host)
    using followed = new Followed(world, host)
    await followed.resolved(host)
    world.setLink({ isUp: false })
    await world.until('down', () => followed.why(host) === 'interface down')
    switchOn(world)
    await world.until('up', () => followed.mac(host) === peerMac)
    assert.deepEqual(followed.deleted, [])
  })

  check('a new MAC of a neighbour is noticed', async (world) => {
    world.appear(host, second)
    using followed = new Followed(world, host, second)
    await followed.resolved(host, second)
    world.setPeerMac(otherMac)
    await world.until(
      'the new MAC',
      () => followed.mac(host) === otherMac && followed.mac(second) === otherMac,
    )
    assert.deepEqual(followed.history(host), [{ mac: peerMac }, { mac: otherMac }])
  })

  check(
    'a flush of the table changes nothing: the MAC stays, and the kernel attends to it again',
    async (world) => {
      world.appear(host, second)
      using followed = new Followed(world, host, second)
      await followed.resolved(host, second)
      world.flushNeighbours()
      const attended = (): boolean =>
        [host, second].every((address) => world.network.getNeighbour(world.ifindex, address)?.mac === peerMac)
      await world.until('attended again', attended)
      assert.deepEqual(new Set(followed.deleted), new Set([host, second]), 'that somebody did it is told')
      assert.equal(world.network.getNeighbour(world.ifindex, host)?.isManaged, true)
      assert.deepEqual(followed.history(host), [{ mac: peerMac }])
      assert.deepEqual(followed.history(second), [{ mac: peerMac }])
    },
  )

  check('a permanent entry counts, and stays as it was', async (world) => {
    world.setPermanent(host, otherMac)
    using followed = new Followed(world, host)
    assert.equal(followed.mac(host), otherMac)
    world.setCarrier(false)
    await world.until('down', () => followed.why(host).startsWith('interface down'))
    world.setCarrier(true)
    await world.until('up', () => followed.mac(host) === otherMac)
    followed.follower.watch([])
    assert.equal(world.network.getNeighbour(world.ifindex, host)?.state, 'PERMANENT')
  })

  check('what is watched can change: new addresses are resolved, the others given back', async (world) => {
    world.appear(host, second)
    using followed = new Followed(world, host)
    await followed.resolved(host)
    const view = followed.follower.watch([second])
    assert.deepEqual([...view.keys()], [second])
    assert.equal(world.network.getNeighbour(world.ifindex, host), undefined)
    await followed.resolved(second)
    assert.deepEqual(followed.history(second), [{ mac: peerMac }])
    assert.equal(followed.of(host), undefined)
    followed.follower.watch([])
    assert.equal(world.network.getNeighbour(world.ifindex, second), undefined)
  })

  check('a disposed follower tells nothing and leaves the entries to the kernel', async (world) => {
    world.appear(host)
    const followed = new Followed(world, host)
    await followed.resolved(host)
    followed[Symbol.dispose]()
    const { length } = followed.told
    world.setPeerMac(otherMac)
    await world.until(
      'the kernel knows',
      () => world.network.getNeighbour(world.ifindex, host)?.mac === otherMac,
    )
    assert.equal(world.network.getNeighbour(world.ifindex, host)?.isManaged, true)
    assert.equal(followed.told.length, length)
  })

  check('switched off and on again: every neighbour says why, then has its MAC again', async (world) => {
    world.appear(host)
    using followed = new Followed(world, host)
    await followed.resolved(host)
    world.setLink({ isUp: false })
    await world.until('down', () => followed.why(host) === 'interface down')
    assert.equal(followed.follower.link?.isUp, false)
    switchOn(world)
    await followed.resolved(host)
    assert.deepEqual(followed.links.map((link) => link?.isUp).at(-1), true)
    assert.ok(!followed.history(host).includes(failed))
  })

  check('without a carrier nothing is reachable, with it everything again', async (world) => {
    world.appear(host)
    using followed = new Followed(world, host)
    await followed.resolved(host)
    world.setCarrier(false)
    await world.until('no carrier', () => followed.why(host) === 'interface down: no carrier')
    world.setCarrier(true)
    await followed.resolved(host)
    // The other machine's IPv6 answers up to a second later than its cable is in.
    if (family.name === 'IPv4') assert.ok(!followed.history(host).includes(failed))
  })

  check('what was known before the cable was pulled does not count any more', async (world) => {
    world.appear(host)
    using followed = new Followed(world, host)
    await followed.resolved(host)
    world.setCarrier(false)
    await world.until('no carrier', () => followed.why(host) === 'interface down: no carrier')
    world.fallSilent(host)
    world.setCarrier(true)
    await world.until('failed', () => followed.of(host) === failed)
    assert.equal(followed.history(host).filter((resolution) => 'mac' in resolution).length, 1)
  })

  check('a new MAC of the interface is told, and no neighbour is lost by it', async (world) => {
    world.appear(host)
    using followed = new Followed(world, host)
    await followed.resolved(host)
    world.setLink({ mac: otherMac })
    await world.until('told', () => followed.links.at(-1)?.mac === otherMac)
    await world.until('attended', () => world.network.getNeighbour(world.ifindex, host)?.mac === peerMac)
    assert.deepEqual(followed.history(host), [{ mac: peerMac }])
  })

  check('an interface that goes and comes back with another index is followed', async (world) => {
    world.appear(host)
    using followed = new Followed(world, host)
    await followed.resolved(host)
    const before = world.ifindex
    world.removeLink()
    await world.until('gone', () => followed.follower.link === undefined)
    assert.deepEqual(followed.of(host), { why: 'no interface v0' })
    assert.deepEqual(followed.follower.addresses, [])
    world.addLink()
    addOwn(world)
    await followed.resolved(host)
    assert.notEqual(followed.follower.link?.index, before)
    assert.equal(followed.follower.link?.index, world.ifindex)
    await world.until('its address', () => followed.follower.addresses.some(({ address }) => address === own))
    assert.ok(followed.links.includes(undefined))
  })

  check('an interface that is not there yet is waited for', async (world) => {
    world.removeLink()
    using followed = new Followed(world, host)
    assert.equal(followed.follower.link, undefined)
    assert.deepEqual(followed.of(host), { why: 'no interface v0' })
    world.addLink()
    addOwn(world)
    world.appear(host)
    await followed.resolved(host)
    assert.ok(followed.links.some((link) => link?.name === LINK_NAME))
  })

  check(
    'an interface that takes another name is gone, and is back with its addresses under its own',
    async (world) => {
      world.appear(host)
      using followed = new Followed(world, host)
      await followed.resolved(host)
      world.setLink({ isUp: false })
      world.renameLink('w0')
      await world.until('gone', () => followed.follower.link === undefined)
      assert.deepEqual(followed.follower.addresses, [])
      world.renameLink(LINK_NAME)
      switchOn(world)
      await followed.resolved(host)
      assert.ok(followed.follower.addresses.some(({ address }) => address === own))
    },
  )

  check(
    'an address that somebody removes is told, and the neighbours say that there is no route',
    async (world) => {
      world.appear(host)
      using followed = new Followed(world, host)
      await followed.resolved(host)
      world.network.removeAddress({ ifindex: world.ifindex, address: own, prefix })
      await world.until('told', () => followed.addresses.some((list) => !list.includes(own)))
      await world.until('no route', () => followed.why(host) === 'no route on the link: ENETUNREACH')
      addOwn(world)
      await world.until('told again', () => followed.addresses.at(-1)?.includes(own) === true)
      await followed.resolved(host)
    },
  )

  check('an address behind a router, or our own, is not on the link', async (world) => {
    world.addRoute(family.farNetwork, host)
    using followed = new Followed(world, far, own)
    assert.equal(followed.why(far), `no route on the link: it is behind the router ${formatIp(host)}`)
    // The kernel adds an IPv6 address in a later turn of its own.
    const why = "no route on the link: it is this machine's own address"
    await world.until('own', () => followed.why(own) === why)
    assert.equal(world.network.getNeighbour(world.ifindex, far), undefined)
    world.addRoute(`${formatIp(far)}/${family.bits}`)
    world.appear(far)
    await followed.resolved(far)
  })

  check('lost events are made up for by reading everything anew', async (world) => {
    world.appear(host)
    using followed = new Followed(world, host, silent)
    await followed.resolved(host)
    // First the overflow, then changes whose events do not fit any more.
    world.overflow()
    world.network.removeAddress({ ifindex: world.ifindex, address: own, prefix })
    await world.until('no route', () => followed.why(host).startsWith('no route on the link'))
    await world.until('told', () => followed.addresses.at(-1)?.includes(own) === false)
    world.overflow()
    addOwn(world)
    await followed.resolved(host)
  })

  check('resync on demand finds what differs, and nothing where nothing does', async (world) => {
    world.appear(host)
    using followed = new Followed(world, host)
    await followed.resolved(host)
    const { length } = followed.told
    followed.follower.resync()
    assert.equal(followed.told.length, length)
    world.setPermanent(host, otherMac)
    followed.follower.resync()
    assert.equal(followed.mac(host), otherMac)
    assert.equal(followed.told.length, length + 1)
  })

  if (family.name === 'IPv4') return

  check('where nobody can be asked, that is said, and it is no silence', async (world) => {
    world.appear(host)
    const address = { ifindex: world.ifindex, address: linkLocal, prefix: 64 }
    world.network.removeAddress(address)
    using followed = new Followed(world, host)
    assert.equal(followed.why(host), 'no way to ask on v0: it has no link-local address')
    assert.equal(world.network.getNeighbour(world.ifindex, host), undefined)
    world.network.addAddress(address)
    await followed.resolved(host)
    assert.ok(!followed.history(host).includes(failed))
  })

  check('a MAC stays while nobody can be asked', async (world) => {
    world.appear(host)
    using followed = new Followed(world, host)
    await followed.resolved(host)
    const address = { ifindex: world.ifindex, address: linkLocal, prefix: 64 }
    world.network.removeAddress(address)
    world.flushNeighbours()
    await world.until('told', () => followed.addresses.at(-1)?.includes(linkLocal) === false)
    world.network.addAddress({ ...address, nodad: true })
    const attended = () => world.network.getNeighbour(world.ifindex, host)?.mac === peerMac
    await world.until('attended again', attended)
    assert.deepEqual(followed.history(host), [{ mac: peerMac }])
  })
}
