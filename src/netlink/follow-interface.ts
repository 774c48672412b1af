// InterfaceFollower: keeps up with one interface by name, the addresses on it, and how a set of addresses is reached
// on its link. Its idea: the kernel resolves MACs (Network.manageNeighbour) and tells of changes; this
// keeps the last known answer for each address, or the reason why there is none. Events only mark what may have
// changed; at the end of a batch everything marked is asked for again and what differs is reported once.
// The interface may be absent at first, go, and come back with another index. For IPv6 the kernel asks from the
// interface's link-local address (RFC 4861 4.3, net/ipv6/ndisc.c ndisc_send_ns) and in silence not at all without one:
// that is no silence of the neighbour's. Left out: timers; whoever wants a periodic check calls resync().

import { isDeepStrictEqual } from 'node:util'
import { formatIp, type Ip, isIp4 } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import type { InterfaceAddress } from './addresses.ts'
import { isUsable, type Link } from './links.ts'
import type { NeighbourEntry } from './neighbours.ts'
import type { Network, NetworkEvent } from './network.ts'
import { asking, isFailed, learn, offLink, type Resolution, sameResolution } from './resolution.ts'
import { covers, isOnLink, type Route } from './routes.ts'

/** InterfaceChanges: called after a batch of events, in this order, only for what really changed. */
export interface InterfaceChanges {
  /** The interface came, went (undefined), came back with another index, or changed its MAC, MTU or state. */
  readonly onLink?: (link: Link | undefined, before: Link | undefined) => void
  /** The addresses on the interface are now these; a lifetime that only runs down is no change. */
  readonly onAddresses?: (addresses: readonly InterfaceAddress[]) => void
  /** How these of the watched addresses are reached is now this. */
  readonly onNeighbours?: (changed: ReadonlyMap<Ip, Resolution>) => void
  /** Somebody deleted the entries of these, which the kernel was looking after: it was asked to look after them again. */
  readonly onDeleted?: (addresses: readonly Ip[]) => void
  /** Reading the kernel failed after an event: the view is the old one until resync() succeeds. Absent: thrown. */
  readonly onFailure?: (error: TenbinError) => void
}

/** Watched: what is kept for one address. */
interface Watched {
  /** What the kernel's neighbour entry says, whatever the interface and the route say. */
  known: Resolution
  /** The kernel looks after the entry, or it is not ours to touch, or it refused: nothing to do. */
  attended: boolean
  /** It was seen to look after the entry. */
  wasManaged: boolean
  /** It does so no longer, though the interface was usable all the time: somebody has deleted the entry. */
  isDeleted: boolean
  /** Why the address is not on the link; '' = it is; undefined = to be looked up. */
  offLink: string | undefined
  /** What was last told; undefined = nothing yet. */
  shown: Resolution | undefined
}

/** InterfaceFollower: alive until disposed; disposing leaves the kernel's entries managed. */
export class InterfaceFollower implements Disposable {
  readonly #network: Network
  readonly #name: string
  readonly #changes: InterfaceChanges
  readonly #subscription: Disposable
  readonly #watched = new Map<Ip, Watched>()
  #link: Link | undefined
  #addresses = new Map<string, InterfaceAddress>()
  /** The entries of watched addresses are to be read when the interface can be used again. */
  #unread = true
  #shownLink: Link | undefined
  #shownAddresses: readonly InterfaceAddress[] = []

  /** Reads the present state at once; `changes` is called for later changes only. Throws as Network does. */
  constructor(network: Network, name: string, changes: InterfaceChanges = {}) {
    this.#network = network
    this.#name = name
    this.#changes = changes
    this.#subscription = network.subscribe(['links', 'addresses', 'neighbours', 'routes'], (events) =>
      this.#take(events),
    )
    try {
      this.#read()
    } catch (error) {
      this.#subscription[Symbol.dispose]()
      throw error
    }
    this.#shownLink = this.#link
    this.#shownAddresses = this.addresses
  }

  /** link: the interface as it is; undefined while there is none of that name. */
  get link(): Link | undefined {
    return this.#link
  }

  /** addresses: what the interface holds. */
  get addresses(): readonly InterfaceAddress[] {
    return [...this.#addresses.values()]
  }

  /** neighbours: how each watched address is reached. */
  get neighbours(): ReadonlyMap<Ip, Resolution> {
    return new Map([...this.#watched].map(([address, watched]) => [address, watched.shown ?? asking]))
  }

  /**
   * watch replaces the set of watched addresses and returns how each is reached. Those that are new begin to be
   * resolved; those that are no longer in it are given back to the kernel. Throws as Network does.
   */
  watch(addresses: Iterable<Ip>): ReadonlyMap<Ip, Resolution> {
    const wanted = new Set(addresses)
    for (const address of this.#watched.keys()) {
      if (wanted.has(address)) continue
      this.#watched.delete(address)
      if (this.#link) this.#network.unmanageNeighbour(this.#link.index, address)
    }
    for (const address of wanted) {
      if (this.#watched.has(address)) continue
      this.#watched.set(address, { ...nothingKnown, offLink: undefined, shown: undefined })
    }
    this.#readNeighbours()
    this.#settle()
    return this.neighbours
  }

  /** resync reads everything anew and reports what differs. Throws as Network does. */
  resync(): void {
    this.#read()
    this.#settle()
  }

  /** Dispose: no more changes are reported. */
  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]()
  }

  #take(events: readonly NetworkEvent[]): void {
    try {
      if (events.some(({ kind }) => kind === 'resync')) this.#read()
      else for (const event of events) this.#note(event)
      if (this.#unread) this.#readNeighbours()
    } catch (error) {
      if (!this.#changes.onFailure || !(error instanceof TenbinError)) throw error
      this.#changes.onFailure(error)
      return
    }
    this.#settle()
  }

  #note(event: NetworkEvent): void {
    switch (event.kind) {
      case 'link':
        this.#noteLink(event.link, event.gone)
        return
      case 'address': {
        const { address } = event
        if (address.ifindex !== this.#link?.index) return
        if (event.gone) this.#addresses.delete(key(address))
        else this.#addresses.set(key(address), address)
        // Its route comes and goes with it, and it makes an address our own.
        for (const [other, watched] of this.#watched)
          if (isIp4(other) === isIp4(address.address)) watched.offLink = undefined
        return
      }
      case 'neighbour': {
        const { ifindex, address } = event.neighbour
        if (ifindex === this.#link?.index)
          this.#noteNeighbour(address, event.gone ? undefined : event.neighbour)
        return
      }
      case 'route':
        for (const [address, watched] of this.#watched) {
          if (covers(event.route, address)) watched.offLink = undefined
        }
        return
      case 'resync':
        return
      default:
        event satisfies never
    }
  }

  #noteLink(link: Link, gone: boolean): void {
    if (link.name === this.#name && !gone) this.#setLink(link)
    // Gone, or renamed.
    else if (link.index === this.#link?.index) this.#setLink(undefined)
  }

  #setLink(link: Link | undefined): void {
    const isOther = link?.index !== this.#link?.index
    this.#link = link
    // The kernel forgets neighbours and routes with the carrier, and tells of the routes only in part.
    const forget = isOther || !link || !isUsable(link)
    if (forget) this.#unread = true
    for (const watched of this.#watched.values()) {
      watched.offLink = undefined
      if (forget) Object.assign(watched, nothingKnown)
    }
    if (isOther) this.#readAddresses()
  }

  #noteNeighbour(address: Ip, entry: NeighbourEntry | undefined): void {
    const watched = this.#watched.get(address)
    if (!watched) return
    watched.known = learn(watched.known, entry)
    watched.isDeleted ||= watched.wasManaged && !entry?.isManaged
    watched.wasManaged = entry?.isManaged ?? false
    watched.attended = entry !== undefined && (entry.isManaged || isFixed(entry))
  }

  #read(): void {
    this.#setLink(this.#network.getLink(this.#name))
    this.#readAddresses()
    this.#readNeighbours()
  }

  #readAddresses(): void {
    const addresses = this.#link ? this.#network.listAddresses(this.#link.index) : []
    this.#addresses = new Map(addresses.map((address) => [key(address), address]))
  }

  #readNeighbours(): void {
    if (this.#watched.size === 0 || !this.#link || !isUsable(this.#link)) return
    const entries = this.#network.listNeighbours(this.#link.index)
    this.#unread = false
    const byAddress = new Map(entries.map((entry) => [entry.address, entry]))
    for (const address of this.#watched.keys()) this.#noteNeighbour(address, byAddress.get(address))
  }

  /** #settle asks for what is not known, makes the kernel attend to what it does not, and reports. */
  #settle(): void {
    const changed = new Map<Ip, Resolution>()
    const restored: Ip[] = []
    for (const [address, watched] of this.#watched) {
      const resolution = this.#resolve(address, watched, restored)
      const before = watched.shown
      watched.shown = resolution
      if (before && !sameResolution(before, resolution)) changed.set(address, resolution)
    }
    const { onLink, onAddresses, onNeighbours, onDeleted } = this.#changes
    const linkBefore = this.#shownLink
    const addressesBefore = this.#shownAddresses
    this.#shownLink = this.#link
    this.#shownAddresses = this.addresses
    if (!isDeepStrictEqual(linkBefore, this.#link)) onLink?.(this.#link, linkBefore)
    if (!isDeepStrictEqual(addressesBefore.map(lasting), this.#shownAddresses.map(lasting)))
      onAddresses?.(this.#shownAddresses)
    if (restored.length > 0) onDeleted?.(restored)
    if (changed.size > 0) onNeighbours?.(changed)
  }

  /** #resolve: `restored` gets the address if its entry had been deleted and is there again. */
  #resolve(address: Ip, watched: Watched, restored: Ip[]): Resolution {
    const link = this.#link
    if (!link) return { why: `no interface ${this.#name}` }
    if (!link.isUp) return { why: 'interface down' }
    if (!link.isLowerUp) return { why: 'interface down: no carrier' }
    try {
      watched.offLink ??= whyOffLink(this.#network.getRoute(address), link)
      if (watched.offLink !== '') return offLink(watched.offLink)
      // An entry that somebody deletes turns FAILED first: is it still there?
      if (isFailed(watched.known) && watched.shown && 'mac' in watched.shown) {
        watched.known = watched.shown
        this.#noteNeighbour(address, this.#network.getNeighbour(link.index, address))
      }
      const unasked = isIp4(address) ? undefined : this.#whyUnasked()
      if (unasked && (!watched.attended || isFailed(watched.known)))
        return 'mac' in watched.known ? watched.known : unasked
      if (!watched.attended) {
        watched.attended = true
        // What is told late is old news: it may be there again already.
        const isGone = watched.isDeleted && !this.#network.getNeighbour(link.index, address)?.isManaged
        this.#network.manageNeighbour(link.index, address)
        if (isGone) restored.push(address)
        watched.isDeleted = false
      }
    } catch (error) {
      if (!(error instanceof TenbinError)) throw error
      watched.known = { why: error.message }
    }
    return watched.known
  }

  /** #whyUnasked: why the kernel cannot ask for IPv6 addresses; undefined if it can. */
  #whyUnasked(): Resolution | undefined {
    const own = this.addresses.filter(({ address }) => isLinkLocal(address))
    if (own.some(({ isTentative }) => !isTentative)) return undefined
    // Until nobody else claims it: a second or two.
    if (own.some(({ isDuplicate }) => !isDuplicate)) return asking
    const what = own.length > 0 ? 'another machine has its' : 'it has no'
    return { why: `no way to ask on ${this.#name}: ${what} link-local address` }
  }
}

/** nothingKnown: of a watched address, before its entry was seen. */
const nothingKnown = { known: asking, attended: false, wasManaged: false, isDeleted: false } as const

/** isLinkLocal: of fe80::/10 (RFC 4291 2.5.6). */
const isLinkLocal = (ip: Ip): boolean => !isIp4(ip) && ip >> 118n === 0x3fan

const key = ({ address, prefix }: InterfaceAddress): string => `${formatIp(address)}/${prefix}`

const lasting = ({ lifetime, ...address }: InterfaceAddress): object => ({ ...address, lasts: !lifetime })

const isFixed = ({ state }: NeighbourEntry): boolean => state === 'PERMANENT' || state === 'NOARP'

/** whyOffLink: why an address is not on the link, '' if it is. */
function whyOffLink(route: Route, link: Link): string {
  if (isOnLink(route, link.index)) return ''
  switch (route.kind) {
    case 'none':
      return route.why
    case 'local':
      return "it is this machine's own address"
    case 'unicast':
      return route.gateway === undefined
        ? 'it is on another interface'
        : `it is behind the router ${formatIp(route.gateway)}`
    default:
      return route satisfies never
  }
}
