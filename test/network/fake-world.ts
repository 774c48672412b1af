// FakeWorld: the world of the fake network. Time passes while a test waits.

import type { Ip4, Mac } from '../../src/base/addresses.ts'
import { parseIp } from '../../src/base/addresses.ts'
import { FakeNetwork } from '../../src/netlink/fake.ts'
import { LINK_NAME, ownMac, peerMac, type World, waitUntil } from './world.ts'

export class FakeWorld implements World {
  readonly network = new FakeNetwork()
  readonly #hosts = new Set<Ip4>()
  #mac = peerMac
  #ifindex = 0

  constructor() {
    this.addLink()
  }
  get ifindex(): number {
    return this.#ifindex
  }
  appear(...addresses: Ip4[]): void {
    for (const address of addresses) {
      this.#hosts.add(address)
      this.network.setHost(this.#ifindex, address, this.#mac)
    }
  }
  fallSilent(address: Ip4): void {
    this.#hosts.delete(address)
    this.network.setHost(this.#ifindex, address, undefined)
  }
  setPeerMac(mac: Mac): void {
    this.#mac = mac
    this.appear(...this.#hosts)
  }
  setLink(change: { readonly isUp?: boolean; readonly mac?: Mac; readonly mtu?: number }): void {
    this.network.changeLink(this.#ifindex, change)
  }
  setCarrier(isLowerUp: boolean): void {
    this.network.changeLink(this.#ifindex, { isLowerUp })
  }
  removeLink(): void {
    this.network.removeLink(this.#ifindex)
  }
  addLink(): void {
    this.#ifindex = this.network.addLink({ name: LINK_NAME, mac: ownMac, kind: 'veth' }).index
    this.appear(...this.#hosts)
  }
  renameLink(name: string): void {
    this.network.changeLink(this.#ifindex, { name })
  }
  addRoute(prefix: string, gateway?: Ip4): void {
    const [destination, length] = prefix.split('/')
    const route = { destination: parseIp(destination!), prefix: Number(length), ifindex: this.#ifindex }
    this.network.addRoute({ ...route, ...(gateway !== undefined && { gateway }) })
  }
  setPermanent(address: Ip4, mac: Mac): void {
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
}
