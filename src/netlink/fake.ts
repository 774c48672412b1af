// FakeNetwork: an in-memory kernel behind the Network interface, for tests without root. It knows links, addresses
// with the routes that come of them, static routes of ours and further ones, neighbour entries, and the hosts on each link that
// answer ARP or neighbour discovery.
// Its idea: a test changes the world by the methods below, requests see it at once, events follow in a later turn
// of the event loop (or at deliver()), as with the real kernel. Time does not pass by itself: timeOut() lets
// everything that waits for an answer run out. Left out: secondary and tentative addresses, link-local ones
// of the kernel's own, policy rules.

import { formatIp, type Ip, isIp4, type Mac, parseMac } from '../base/addresses.ts'
import { formatPrefix } from '../base/prefix.ts'
import { errnoNumber } from '../sys/errno.ts'
import { FOREVER, type InterfaceAddress, type NewAddress } from './addresses.ts'
import { isUsable, type Link } from './links.ts'
import { TENBIN_PROTOCOL } from './mark.ts'
import type { NeighbourEntry, NudState } from './neighbours.ts'
import { NetlinkError } from './netlink.ts'
import type { Network, NetworkEvent, Topic } from './network.ts'
import { covers, type Route, type RouteChange } from './routes.ts'
import { formatRoute, metricOf, type NewRoute, type StaticRoute } from './static-routes.ts'

/** FakeRoute: a route that a test adds; without a gateway it is on the link. */
export interface FakeRoute extends RouteChange {
  readonly ifindex: number
  readonly gateway?: Ip
}

interface Subscriber {
  readonly topics: readonly Topic[]
  readonly onEvents: (events: readonly NetworkEvent[]) => void
  /** What happened since it subscribed and was not delivered yet. */
  pending: NetworkEvent[]
}

const topicOf = { link: 'links', address: 'addresses', neighbour: 'neighbours', route: 'routes' } as const

/** FakeNetwork: the kernel of one network namespace; it begins with `lo` alone. */
export class FakeNetwork implements Network {
  #links = new Map<number, Link>()
  #addresses: InterfaceAddress[] = []
  #neighbours: NeighbourEntry[] = []
  #routes: FakeRoute[] = []
  #staticRoutes: StaticRoute[] = []
  readonly #hosts = new Map<number, Map<Ip, Mac>>()
  readonly #subscribers = new Set<Subscriber>()
  #scheduled: NodeJS.Immediate | undefined
  #nextIndex = 1

  constructor() {
    const lo = { name: 'lo', mac: '00:00:00:00:00:00', mtu: 65536, isLoopback: true } as const
    this.addLink({ ...lo, mac: parseMac(lo.mac) })
  }

  // The world, as a test changes it.

  /** addLink: a new interface, up with a carrier unless told otherwise; each gets an index of its own. */
  addLink(link: Partial<Link> & Pick<Link, 'name' | 'mac'>): Link {
    const defaults = {
      mtu: 1500,
      isUp: true,
      isLowerUp: true,
      isLoopback: false,
      isPromiscuous: false,
      xdp: [],
    }
    const added: Link = { index: this.#nextIndex++, ...defaults, ...link }
    this.#links.set(added.index, added)
    this.#hosts.set(added.index, new Map())
    this.#tell({ kind: 'link', gone: false, link: added })
    return added
  }

  /**
   * changeLink: any field but the index. Without carrier or switched off, its neighbour entries go; switched off, its
   * IPv6 addresses too.
   */
  changeLink(index: number, change: Partial<Omit<Link, 'index'>>): Link {
    const before = this.#linkOf(index, 'change interface')
    const link: Link = { ...before, ...change }
    this.#links.set(index, link)
    if (!isUsable(link) || link.mac !== before.mac) this.flushNeighbours(index)
    if (before.isUp && !link.isUp) {
      const lost = this.listAddresses(index).filter(({ address }) => !isIp4(address))
      for (const address of lost) this.removeAddress(address)
    }
    this.#tell({ kind: 'link', gone: false, link })
    return link
  }

  /** removeLink: with its addresses, routes and neighbour entries. */
  removeLink(index: number): void {
    const link = this.#linkOf(index, 'remove interface')
    this.flushNeighbours(index)
    for (const address of this.listAddresses(index)) this.removeAddress(address)
    for (const route of this.#routes.filter(({ ifindex }) => ifindex === index)) this.removeRoute(route)
    for (const route of this.listStaticRoutes(index)) this.removeStaticRoute(route)
    this.#links.delete(index)
    this.#hosts.delete(index)
    this.#tell({ kind: 'link', gone: true, link })
  }

  /** addRoute, removeRoute: routes besides those that addresses bring. */
  addRoute(route: FakeRoute): void {
    this.#routes.push(route)
    this.#tell({ kind: 'route', gone: false, route })
  }

  removeRoute(route: FakeRoute): void {
    this.#routes = this.#routes.filter((other) => other !== route)
    this.#tell({ kind: 'route', gone: true, route })
  }

  /**
   * setHost: a machine on the link answers for an address with this MAC, and announces it (gratuitous ARP, unsolicited
   * neighbour advertisement); undefined: it falls silent.
   */
  setHost(ifindex: number, address: Ip, mac: Mac | undefined): void {
    const hosts = this.#hosts.get(this.#linkOf(ifindex, 'set host').index)!
    if (mac === undefined) {
      hosts.delete(address)
      return
    }
    hosts.set(address, mac)
    const entry = this.#entry(ifindex, address)
    if (entry?.mac !== undefined && entry.mac !== mac && entry.state !== 'PERMANENT')
      this.setNeighbour({ ...entry, mac, state: 'STALE' })
    else this.#schedule()
  }

  /** setNeighbour: puts an entry into the table as `ip neigh replace` does. */
  setNeighbour(entry: Pick<NeighbourEntry, 'ifindex' | 'address' | 'state'> & Partial<NeighbourEntry>): void {
    const defaults = { isManaged: false, isExternallyLearned: false, protocol: 0 }
    const neighbour = { ...defaults, ...entry }
    this.#drop(entry.ifindex, entry.address)
    this.#neighbours.push(neighbour)
    this.#tell({ kind: 'neighbour', gone: false, neighbour })
  }

  /** flushNeighbours removes an interface's entries, all but permanent ones. */
  flushNeighbours(ifindex: number): void {
    for (const neighbour of this.listNeighbours(ifindex)) {
      if (neighbour.state === 'PERMANENT') continue
      this.#drop(ifindex, neighbour.address)
      this.#tell({ kind: 'neighbour', gone: true, neighbour })
    }
  }

  /** timeOut: whoever does not answer by now is FAILED. */
  timeOut(): void {
    this.#answer()
    for (const entry of this.#neighbours) {
      const { ifindex, address, state } = entry
      const silent = this.#hosts.get(ifindex)?.get(address) === undefined
      const fixed = state === 'PERMANENT' || state === 'FAILED' || state === 'NOARP'
      if (silent && !fixed && (entry.isManaged || state === 'INCOMPLETE')) {
        const { mac: _, ...rest } = entry
        this.setNeighbour({ ...rest, state: 'FAILED' })
      }
    }
  }

  /** loseEvents: the queue overflowed; what was not delivered yet is lost, and subscribers hear so. */
  loseEvents(): void {
    for (const subscriber of this.#subscribers) subscriber.pending = []
    this.#tell({ kind: 'resync', why: 'events were lost' })
  }

  /** deliver: hosts answer and events go out now instead of in a later turn. */
  deliver(): void {
    clearImmediate(this.#scheduled)
    this.#scheduled = undefined
    this.#answer()
    const batches = [...this.#subscribers].map((subscriber) => ({ subscriber, events: subscriber.pending }))
    for (const subscriber of this.#subscribers) subscriber.pending = []
    for (const { subscriber, events } of batches) {
      if (events.length > 0 && this.#subscribers.has(subscriber)) subscriber.onEvents(events)
    }
  }

  // Network.

  listLinks(): Link[] {
    return [...this.#links.values()]
  }

  getLink(which: string | number): Link | undefined {
    return typeof which === 'number'
      ? this.#links.get(which)
      : this.listLinks().find(({ name }) => name === which)
  }

  listAddresses(ifindex?: number): InterfaceAddress[] {
    const family = ({ address }: InterfaceAddress): number => (isIp4(address) ? 0 : 1)
    return this.#addresses
      .filter((address) => ifindex === undefined || address.ifindex === ifindex)
      .sort((a, b) => family(a) - family(b))
  }

  addAddress(added: NewAddress, { replace = false } = {}): void {
    const { nodad: _, lifetime, ...rest } = added
    const op = `add address ${formatIp(added.address)}/${added.prefix}`
    this.#linkOf(added.ifindex, op)
    const there = this.#addresses.find((other) => sameAddress(other, added))
    if (there && !replace) throw new NetlinkError(op, errnoNumber('EEXIST')!, 'Address already assigned')
    const isDeprecated = lifetime?.preferredS === 0
    const flags = { isSecondary: false, isTentative: false, isDuplicate: false, isDeprecated }
    const ends = lifetime && lifetime.validS !== FOREVER && { lifetime }
    const address = { protocol: TENBIN_PROTOCOL, ...rest, ...flags, ...ends }
    this.#addresses = [...this.#addresses.filter((other) => other !== there), address]
    this.#tell({ kind: 'address', gone: false, address })
    if (!there) this.#tell({ kind: 'route', gone: false, route: connected(address) })
  }

  removeAddress(removed: Pick<NewAddress, 'ifindex' | 'address' | 'prefix'>): boolean {
    const address = this.#addresses.find((other) => sameAddress(other, removed))
    if (!address) return false
    this.#addresses = this.#addresses.filter((other) => other !== address)
    this.#tell({ kind: 'address', gone: true, address })
    this.#tell({ kind: 'route', gone: true, route: connected(address) })
    // In IPv4 routes go with the address that is their source.
    if (isIp4(address.address) && !this.#hasAddress(address.address))
      for (const route of this.#staticRoutes.filter(({ source }) => source === address.address))
        this.removeStaticRoute(route)
    return true
  }

  listNeighbours(ifindex?: number): NeighbourEntry[] {
    return this.#neighbours.filter((entry) => ifindex === undefined || entry.ifindex === ifindex)
  }

  getNeighbour(ifindex: number, address: Ip): NeighbourEntry | undefined {
    return this.#entry(ifindex, address)
  }

  manageNeighbour(ifindex: number, address: Ip): void {
    this.#linkOf(ifindex, `manage neighbour ${formatIp(address)}`)
    const entry = this.#entry(ifindex, address)
    if (entry && (entry.isManaged || entry.state === 'PERMANENT' || entry.state === 'NOARP')) return
    const marks = { isManaged: true, protocol: TENBIN_PROTOCOL }
    if (entry) {
      this.setNeighbour({ ...entry, ...marks })
      return
    }
    // The kernel tells of an entry when it knows something, not when it begins to ask.
    const state: NudState = 'INCOMPLETE'
    this.#neighbours.push({ ifindex, address, state, isExternallyLearned: false, ...marks })
    this.#schedule()
  }

  unmanageNeighbour(ifindex: number, address: Ip): boolean {
    const entry = this.#entry(ifindex, address)
    if (!entry?.isManaged || entry.protocol !== TENBIN_PROTOCOL) return false
    this.setNeighbour({ ...entry, state: 'FAILED' })
    this.#drop(ifindex, address)
    this.#tell({ kind: 'neighbour', gone: true, neighbour: { ...entry, state: 'FAILED' } })
    return true
  }

  getRoute(destination: Ip): Route {
    if (this.#hasAddress(destination)) return { kind: 'local' }
    const routes: FakeRoute[] = [
      ...this.#addresses.map(connected),
      ...this.#routes,
      ...this.#staticRoutes.map(asFake),
    ]
      .filter((route) => covers(route, destination) && this.#links.get(route.ifindex)?.isUp)
      .sort((a, b) => b.prefix - a.prefix)
    const best = routes[0]
    if (!best) return { kind: 'none', why: 'ENETUNREACH' }
    const { ifindex, gateway } = best
    return { kind: 'unicast', ifindex, ...(gateway !== undefined && { gateway }) }
  }

  addStaticRoute(route: NewRoute): void {
    const op = `add route ${formatRoute(route)}`
    this.#linkOf(route.ifindex, op)
    const isNear = this.#addresses.some(
      (each) => each.ifindex === route.ifindex && covers(connected(each), route.gateway),
    )
    if (!isNear)
      throw new NetlinkError(op, errnoNumber(isIp4(route.gateway) ? 'ENETUNREACH' : 'EHOSTUNREACH')!)
    if (route.source !== undefined && !this.#hasAddress(route.source))
      throw new NetlinkError(op, errnoNumber('EINVAL')!)
    const isTaken = this.#staticRoutes.some(
      (each) => formatPrefix(each.to) === formatPrefix(route.to) && metricOf(each) === metricOf(route),
    )
    const isOthers = this.#routes.some(
      ({ destination, prefix }) =>
        route.metric === undefined && destination === route.to.address && prefix === route.to.length,
    )
    if (isTaken || isOthers) throw new NetlinkError(op, errnoNumber('EEXIST')!)
    const { validS: _, ...added } = route
    this.#staticRoutes.push({ ...added, ...(!isIp4(added.to.address) && { metric: metricOf(added) }) })
    this.#tell({ kind: 'route', gone: false, route: asFake(added) })
  }

  renewStaticRoute(_route: NewRoute): void {
    // Time does not pass.
  }

  removeStaticRoute(route: StaticRoute): boolean {
    const inOrder = this.#staticRoutes.toSorted((a, b) => metricOf(a) - metricOf(b))
    const there = inOrder.find(
      (each) =>
        each.ifindex === route.ifindex &&
        each.gateway === route.gateway &&
        formatPrefix(each.to) === formatPrefix(route.to) &&
        (route.metric === undefined || each.metric === route.metric),
    )
    if (!there) return false
    this.#staticRoutes = this.#staticRoutes.filter((each) => each !== there)
    this.#tell({ kind: 'route', gone: true, route: asFake(there) })
    return true
  }

  listStaticRoutes(ifindex: number): StaticRoute[] {
    return this.#staticRoutes.filter((each) => each.ifindex === ifindex)
  }

  subscribe(topics: readonly Topic[], onEvents: (events: readonly NetworkEvent[]) => void): Disposable {
    const subscriber: Subscriber = { topics, onEvents, pending: [] }
    this.#subscribers.add(subscriber)
    return { [Symbol.dispose]: () => void this.#subscribers.delete(subscriber) }
  }

  [Symbol.dispose](): void {
    clearImmediate(this.#scheduled)
    this.#subscribers.clear()
  }

  #linkOf(index: number, op: string): Link {
    const link = this.#links.get(index)
    if (!link) throw new NetlinkError(op, errnoNumber('ENODEV')!)
    return link
  }

  #hasAddress(address: Ip): boolean {
    return this.#addresses.some((each) => each.address === address)
  }

  #entry(ifindex: number, address: Ip): NeighbourEntry | undefined {
    return this.#neighbours.find((entry) => entry.ifindex === ifindex && entry.address === address)
  }

  #drop(ifindex: number, address: Ip): void {
    const entry = this.#entry(ifindex, address)
    this.#neighbours = this.#neighbours.filter((other) => other !== entry)
  }

  /** #answer: hosts answer what managed entries ask. */
  #answer(): void {
    for (const entry of this.#neighbours) {
      const mac = this.#hosts.get(entry.ifindex)?.get(entry.address)
      const link = this.#links.get(entry.ifindex)
      const asks = entry.state === 'INCOMPLETE' || entry.state === 'FAILED'
      if (entry.isManaged && asks && mac !== undefined && link && isUsable(link))
        this.setNeighbour({ ...entry, mac, state: 'REACHABLE' })
    }
  }

  #tell(event: NetworkEvent): void {
    for (const { topics, pending } of this.#subscribers) {
      if (event.kind === 'resync' || topics.includes(topicOf[event.kind])) pending.push(event)
    }
    this.#schedule()
  }

  #schedule(): void {
    this.#scheduled ??= setImmediate(() => this.deliver())
  }
}

const connected = ({ ifindex, address, prefix }: NewAddress): FakeRoute => ({
  ifindex,
  destination: address,
  prefix,
})

const asFake = ({ ifindex, to, gateway }: StaticRoute): FakeRoute => ({
  ...{ ifindex, gateway, destination: to.address, prefix: to.length },
})

const sameAddress = (a: NewAddress, b: Pick<NewAddress, 'ifindex' | 'address' | 'prefix'>): boolean =>
  a.ifindex === b.ifindex && a.address === b.address && a.prefix === b.prefix
