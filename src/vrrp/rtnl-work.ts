// What the rtnl process does for vrrp: takes, renews and releases the addresses of sets, with their macvlans and routes,
// views NICs, looks at the packet path. Its idea: everything that may wait for the kernel's lock of links and addresses is
// here, one thing after the other, and nothing else. Left out: when, which vrrp says; the talk with it (rtnl-process.ts).

import { type Ip, isIp4, parseIp, parseMac } from '../base/addresses.ts'
import type { Netlink } from '../netlink/netlink.ts'
import type { Network, NetworkEvent } from '../netlink/network.ts'
import { type Held, HeldAddresses, removeStrays } from './held-addresses.ts'
import { HeldRoutes, removeStrayRoutes } from './held-routes.ts'
import { parseMember } from './members.ts'
import { type NicView, NOWHERE, viewNic } from './nic-view.ts'
import { PacketPathLook, type Seen } from './packet-path-look.ts'
import { tellPacketPath } from './path-roles.ts'
import { type RtnlMember, STALE_MS, type ToRtnl, type Watched } from './rtnl-protocol.ts'
import type { SetRoute } from './spec.ts'
import { VirtualMacs, type VirtualRouterKey } from './virtual-macs.ts'

/** RtnlWorkOptions: `record`: of macvlans (macvlanRecord). `now` is bootMs. */
export interface RtnlWorkOptions {
  readonly network: Network
  /** For macvlans. */
  readonly links: Netlink
  readonly record: string
  readonly now: () => number
}

interface SetHeld {
  readonly addresses: HeldAddresses
  readonly routes: HeldRoutes
  /** Of whom addresses were taken last. */
  members: readonly RtnlMember[]
  takenMs: number
}
/** Places: where each member has its addresses: the index of the NIC, or of its macvlan; undefined: that is gone. */
type Places = ReadonlyMap<RtnlMember, number | undefined>

/** ORPHANED_MOST_MS: so long the process outlives vrrp at most. */
const ORPHANED_MOST_MS = 500

/** Answer to an order to hold addresses. */
export type HoldAnswer = {
  readonly failed?: string
  readonly isLate?: boolean
  readonly unrouted?: string[]
}

export class RtnlWork implements Disposable {
  readonly #options: RtnlWorkOptions
  readonly #macs: VirtualMacs
  readonly #sets = new Map<string, SetHeld>()
  #watched: Watched = { nics: [], moving: [] }
  #moving: ReadonlySet<Ip> = new Set()
  #path: PacketPathLook | undefined
  /** As they were read last. */
  #views: readonly NicView[] = []

  /** Macvlans that an earlier process left are gone from now on. Throws as VirtualMacs. */
  constructor(options: RtnlWorkOptions) {
    this.#options = options
    const tell = (...[router, isActive]: Parameters<ConstructorParameters<typeof VirtualMacs>[1]>): void => {
      const { packetPath } = this.#watched
      if (packetPath !== undefined) tellPacketPath(packetPath, router, isActive)
    }
    this.#macs = new VirtualMacs(options.links, tell, options.record)
  }

  /** begin: addresses and routes that an earlier process left are gone; says what was. Throws as Network does. */
  begin(watched: Watched): string[] {
    this.watch(watched)
    return watched.nics.flatMap((nic) => {
      const { network } = this.#options
      const addresses = removeStrays(network, nic, this.#moving).length
      // What is left of those of IPv4, whose source is gone, and of IPv6, whose time is not over yet.
      const routes = quietly(() => removeStrayRoutes(network, nic)) ?? 0
      return [
        ...(addresses === 0 ? [] : [`took ${addresses} addresses of an earlier process off ${nic}`]),
        ...(routes === 0 ? [] : [`removed ${routes} routes of an earlier process by ${nic}`]),
      ]
    })
  }

  /** rehearse what has not run before a role is taken, and takes a millisecond more when it does so first (rehearsal.ts). */
  rehearse(): void {
    const addresses = new HeldAddresses(this.#options.network)
    for (const text of ['192.0.2.1', '2001:db8::1'])
      quietly(() => addresses.take([{ ifindex: NOWHERE, address: parseIp(text), prefix: 32 }], 1))
  }

  watch(watched: Watched): void {
    this.#watched = watched
    this.#moving = new Set(watched.moving.map(parseIp))
    if (watched.packetPath === this.#path?.instance) return
    this.#path?.[Symbol.dispose]()
    this.#path = watched.packetPath === undefined ? undefined : new PacketPathLook(watched.packetPath)
  }

  /** watched: names of NICs. */
  get watched(): readonly string[] {
    return this.#watched.nics
  }

  /** views of the NICs that are there. Throws as Network does. */
  views(): readonly NicView[] {
    const { network } = this.#options
    this.#views = this.#watched.nics.flatMap((nic) => viewNic(network, nic, this.#moving) ?? [])
    return this.#views
  }

  /** hold a set's addresses and routes. Never throws. */
  hold(order: Omit<Extract<ToRtnl, { kind: 'hold' }>, 'v'>): HoldAnswer {
    const { set, how, members, routes, validS, takenMs, at } = order
    if (this.#options.now() > at + STALE_MS) return { isLate: true }
    const before = this.#sets.get(set)
    const { network } = this.#options
    const fresh = () => ({
      ...{ addresses: new HeldAddresses(network), routes: new HeldRoutes(network) },
      ...{ members, takenMs },
    })
    const held = before ?? fresh()
    held.takenMs = takenMs
    this.#sets.set(set, held)
    try {
      const unrouted =
        before && how === 'renew'
          ? this.#renew(held, validS)
          : this.#route(held, routes, this.#take(held, members, validS), validS)
      return unrouted.length === 0 ? {} : { unrouted }
    } catch (error) {
      this.release(set)
      return { failed: (error as Error).message }
    }
  }

  /** release what a set holds. Never throws: what fails the kernel takes away when its time is over. */
  release(set: string): void {
    const held = this.#sets.get(set)
    if (!held) return
    this.#sets.delete(set)
    held.routes.leave()
    quietly(() => held.addresses.leave())
    for (const member of held.members) this.#withMac(member, (key) => quietly(() => this.#macs.down(key)))
  }

  /** orphaned: sets that are held though vrrp is gone, and when each is to be released: when another node has taken over. */
  orphaned(): readonly { readonly set: string; readonly afterMs: number }[] {
    const held = [...this.#sets].map(([set, { takenMs }]) => ({ set, afterMs: takenMs }))
    // Of the others the kernel takes care; a vrrp that starts anew is not to wait for this process.
    return held.filter(({ afterMs }) => afterMs <= ORPHANED_MOST_MS)
  }

  /** clear: as the order says. Never throws. */
  clear(members: readonly RtnlMember[]): void {
    for (const member of members) this.#withMac(member, (key) => quietly(() => this.#macs.remove(key)))
  }

  /** look at the packet path. */
  look(nics: readonly string[]): (Seen & { readonly nic: string })[] {
    const path = this.#path
    if (!path) return []
    return nics.map((name) => {
      const view = this.#views.find((each) => each.name === name)
      const seen = view ? path.look(view, this.#options.now()) : { isUp: false, text: `there is no ${name}` }
      return { nic: name, ...seen }
    })
  }

  /** bereft: sets that are to have an address that is gone by these events. */
  bereft(events: readonly NetworkEvent[]): string[] {
    const gone = events.flatMap((event): Held[] =>
      event.kind === 'address' && event.gone ? [event.address] : [],
    )
    return [...this.#sets]
      .filter(([, { addresses }]) => gone.some((each) => addresses.wants(each)))
      .map(([set]) => set)
  }

  /** Dispose: what is held stays, until its time is over. */
  [Symbol.dispose](): void {
    this.#path?.[Symbol.dispose]()
  }

  #take(held: SetHeld, members: readonly RtnlMember[], validS: number): Places {
    held.members = members
    const places = new Map(members.map((member) => [member, this.#placeOf(member)]))
    const wanted = members.flatMap((member): Held[] => {
      const ifindex = places.get(member)
      if (ifindex === undefined) return []
      return member.addresses.map(parseMember).map(({ ip, prefix }) => ({ ifindex, address: ip, prefix }))
    })
    held.addresses.take(wanted, validS)
    return places
  }

  /** #route by the NIC, or by the macvlan where the set's addresses of this family are on one. */
  #route(
    { routes, members }: SetHeld,
    wanted: readonly SetRoute[],
    places: Places,
    validS: number,
  ): string[] {
    const placeOf = ({ nic, via }: SetRoute): number | undefined => {
      const family = isIp4(parseIp(via)) ? 4 : 6
      const member = members.find((each) => each.nic === nic && each.family === family)
      return member ? places.get(member) : quietly(() => this.#linkOf(nic)?.index)
    }
    return routes.take(
      wanted.map((said) => ({ said, ifindex: placeOf(said) })),
      validS,
    )
  }

  #renew({ addresses, routes, members }: SetHeld, validS: number): string[] {
    for (const member of members) this.#withMac(member, (key) => this.#macs.renew(key))
    addresses.renew(validS)
    return routes.renew(validS)
  }

  /** #placeOf a member: the index of the NIC, or of the macvlan, that its addresses are on; undefined: the NIC is gone. */
  #placeOf(member: RtnlMember): number | undefined {
    if (member.virtualMac === undefined) return this.#linkOf(member.nic)?.index
    return this.#withMac(member, (key) => this.#macs.up(key))
  }

  #withMac<Result>(
    { nic, family, virtualMac }: RtnlMember,
    work: (key: VirtualRouterKey) => Result,
  ): Result | undefined {
    if (virtualMac === undefined) return undefined
    const link = this.#linkOf(nic)
    return link && work({ nic: link, family, mac: parseMac(virtualMac) })
  }

  /** #linkOf a NIC as it was seen last: events are told at once, and who takes a role does not wait for one more question. */
  #linkOf(nic: string): { readonly name: string; readonly index: number } | undefined {
    return this.#views.find(({ name }) => name === nic) ?? this.#options.network.getLink(nic)
  }
}

/** quietly: what fails is said by a fault, or by the next attempt. */
function quietly<Result>(work: () => Result): Result | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
