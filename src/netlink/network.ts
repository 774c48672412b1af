// Network: what the rest of tenbin knows of a machine's network and may change there, as one interface. The real
// one talks rtnetlink (kernel-network.ts), the fake one is an in-memory kernel for tests (fake.ts); one contract
// suite holds both to the same behaviour. Requests are synchronous and take microseconds; only events are not.

import type { Ip } from '../base/addresses.ts'
import type { InterfaceAddress, NewAddress } from './addresses.ts'
import type { Link } from './links.ts'
import type { NeighbourEntry } from './neighbours.ts'
import type { Route, RouteChange } from './routes.ts'
import type { NewRoute, StaticRoute } from './static-routes.ts'

/** Topic: a kind of thing to hear of. */
export type Topic = 'links' | 'addresses' | 'neighbours' | 'routes'

/** NetworkEvent: what changed. `gone` carries the last state of what was removed. */
export type NetworkEvent =
  | { readonly kind: 'link'; readonly gone: boolean; readonly link: Link }
  | { readonly kind: 'address'; readonly gone: boolean; readonly address: InterfaceAddress }
  | { readonly kind: 'neighbour'; readonly gone: boolean; readonly neighbour: NeighbourEntry }
  | { readonly kind: 'route'; readonly gone: boolean; readonly route: RouteChange }
  /** Events were lost: whoever keeps a copy must read it anew. */
  | { readonly kind: 'resync'; readonly why: string }

/**
 * Network: one network namespace's links, addresses, neighbours and routes. Every call may throw a
 * NetlinkError (SYSCALL_FAILED or NOT_PERMITTED, with the errno's name and the kernel's words), NETLINK_TIMEOUT,
 * NETLINK_MALFORMED, NETLINK_DUMP_CHANGED.
 */
export interface Network extends Disposable {
  /** listLinks: all interfaces, by rising index. */
  listLinks(): Link[]
  /** getLink: by name or index; undefined where there is none. */
  getLink(which: string | number): Link | undefined
  /** listAddresses: of all interfaces, or of one. */
  listAddresses(ifindex?: number): InterfaceAddress[]
  /** addAddress: EEXIST where it is there already, unless `replace` sets its lifetime anew. */
  addAddress(address: NewAddress, options?: { readonly replace?: boolean }): void
  /** removeAddress: false where it was not there. */
  removeAddress(address: Pick<NewAddress, 'ifindex' | 'address' | 'prefix'>): boolean
  /** listNeighbours: of all interfaces, or of one. */
  listNeighbours(ifindex?: number): NeighbourEntry[]
  /** getNeighbour: undefined where there is no entry. */
  getNeighbour(ifindex: number, address: Ip): NeighbourEntry | undefined
  /** manageNeighbour: the kernel resolves it and keeps it resolved; PERMANENT entries are left alone. */
  manageNeighbour(ifindex: number, address: Ip): void
  /** unmanageNeighbour removes what manageNeighbour made, and nothing else; false where there is no such entry. */
  unmanageNeighbour(ifindex: number, address: Ip): boolean
  /** getRoute: where a packet to this address would go. */
  getRoute(destination: Ip): Route
  /** addStaticRoute: EEXIST where there is one with that metric, whoever made it. */
  addStaticRoute(route: NewRoute): void
  /** renewStaticRoute: the lifetime of one that is listed begins anew. */
  renewStaticRoute(route: NewRoute): void
  /** removeStaticRoute of ours, as it is listed; false where there is none. */
  removeStaticRoute(route: StaticRoute): boolean
  /** listStaticRoutes of ours that leave by this interface. */
  listStaticRoutes(ifindex: number): StaticRoute[]
  /** subscribe calls back with each batch of events, in order, never from within a request; dispose ends it. */
  subscribe(topics: readonly Topic[], onEvents: (events: readonly NetworkEvent[]) => void): Disposable
}
