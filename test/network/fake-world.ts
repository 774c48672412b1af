// FakeWorld: the world of the fake network. Time passes while a test waits.

import type { Ip, Mac } from '../../src/base/addresses.ts'
import { parseIp } from '../../src/base/addresses.ts'
import { FakeNetwork } from '../../src/netlink/fake.ts'
import { LINK_NAME, linkLocal, ownMac, peerMac, type World, waitUntil } from './world.ts'

/** IFAPROT_KERNEL_LL: linux/if_addr.h. */
const KERNEL_LL = 3

export class FakeWorld implements World {
  readonly network = new FakeNetwork()
  readonly #hosts = new Set<Ip>()
  #mac = peerMac
  #ifindex = 0

  constructor() {
    this.addLink()
  }
  get ifindex(): number {
    return this.#ifindex
  }
  appear(...addresses: Ip[]): void {
    for (const address of addresses) {
      this.#hosts.add(address)
      this.network.setHost(this.#ifindex, address, this.#mac)
    }
  }
  fallSilent(address: Ip): void {
    this.#hosts.delete(address)
    this.network.setHost(this.#ifindex, address, undefined)
  }
  setPeerMac(mac: Mac): void {
    this.#mac = mac
    this.appear(...this.#hosts)
  }
  setLink(change: { readonly isUp?: boolean; readonly mac?: Mac; readonly mtu?: number }): void {
    const before = this.network.getLink(this.#ifindex)
    this.network.changeLink(this.#ifindex, change)
    if (change.isUp && !before?.isUp) this.#addLinkLocal()
  }
  setCarrier(isLowerUp: boolean): void {
    this.network.changeLink(this.#ifindex, { isLowerUp })
  }
  removeLink(): void {
    this.network.removeLink(this.#ifindex)
  }
  addLink(): void {
    this.#ifindex = this.network.addLink({ name: LINK_NAME, mac: ownMac, kind: 'veth' }).index
    this.#addLinkLocal()
    this.appear(...this.#hosts)
  }
  renameLink(name: string): void {
    this.network.changeLink(this.#ifindex, { name })
  }
  addRoute(prefix: string, gateway?: Ip): void {
    const [destination, length] = prefix.split('/')
    const route = { destination: parseIp(destination!), prefix: Number(length), ifindex: this.#ifindex }
    this.network.addRoute({ ...route, ...(gateway !== undefined && { gateway }) })
  }
  setPermanent(address: Ip, mac: Mac): void {
    this.network.setNeighbour({ ifindex: this.#ifindex, address, mac, state: 'PERMANENT' })
  }
  flushNeighbours(): void {
    this.network.flushNeighbours(this.#ifindex)
  }
  overflow(): void {
    this.network.loseEvents()
  }
  until(what: string, condition: () => boolean): Promise<void> {
    return waitUntil(what, condition, async () => {
      await new Promise((resolve) => setImmediate(resolve))
      this.network.timeOut()
    })
  }
  [Symbol.dispose](): void {
    this.network[Symbol.dispose]()
  }

  /** #addLinkLocal: as the kernel does when an interface is switched on. */
  #addLinkLocal(): void {
    this.network.addAddress({ ifindex: this.#ifindex, address: linkLocal, prefix: 64, protocol: KERNEL_LL })
  }
}
