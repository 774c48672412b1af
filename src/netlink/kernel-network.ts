// KernelNetwork: the Network of the namespace in which the calling thread is when it opens it (rtnetlink(7)). It
// only joins the parts: requests over one connection, each kind of object's own file, and subscriptions, which need
// a reactor; a command that asks a few questions and ends opens it without one.

import type { Ip } from '../base/addresses.ts'
import { invariant } from '../base/errors.ts'
import type { Reactor } from '../sys/reactor.ts'
import {
  addAddress,
  type InterfaceAddress,
  listAddresses,
  type NewAddress,
  removeAddress,
} from './addresses.ts'
import { Connection } from './connection.ts'
import { getLink, type Link, listLinks } from './links.ts'
import {
  getNeighbour,
  listNeighbours,
  manageNeighbour,
  type NeighbourEntry,
  unmanageNeighbour,
} from './neighbours.ts'
import type { Network, NetworkEvent, Topic } from './network.ts'
import { openTransport } from './route-socket.ts'
import { getRoute, type Route } from './routes.ts'
import {
  addStaticRoute,
  listStaticRoutes,
  type NewRoute,
  removeStaticRoute,
  renewStaticRoute,
  type StaticRoute,
} from './static-routes.ts'
import { type SubscriptionOptions, subscribe } from './subscription.ts'

/** KernelNetwork: the real one. Disposing ends requests; subscriptions end each by its own disposal. */
export class KernelNetwork implements Network {
  readonly #connection: Connection
  readonly #reactor: Reactor | undefined
  readonly #options: SubscriptionOptions

  /** Throws SyscallError where there is no rtnetlink. Without a reactor subscribe is a bug. */
  constructor(reactor?: Reactor, options: SubscriptionOptions = {}) {
    this.#connection = new Connection(openTransport())
    this.#reactor = reactor
    this.#options = options
  }

  listLinks(): Link[] {
    return listLinks(this.#connection)
  }

  getLink(which: string | number): Link | undefined {
    return getLink(this.#connection, which)
  }

  listAddresses(ifindex?: number): InterfaceAddress[] {
    return listAddresses(this.#connection, ifindex)
  }

  addAddress(address: NewAddress, options?: { readonly replace?: boolean }): void {
    addAddress(this.#connection, address, options)
  }

  removeAddress(address: Pick<NewAddress, 'ifindex' | 'address' | 'prefix'>): boolean {
    return removeAddress(this.#connection, address)
  }

  listNeighbours(ifindex?: number): NeighbourEntry[] {
    return listNeighbours(this.#connection, ifindex)
  }

  getNeighbour(ifindex: number, address: Ip): NeighbourEntry | undefined {
    return getNeighbour(this.#connection, ifindex, address)
  }

  manageNeighbour(ifindex: number, address: Ip): void {
    manageNeighbour(this.#connection, ifindex, address)
  }

  unmanageNeighbour(ifindex: number, address: Ip): boolean {
    return unmanageNeighbour(this.#connection, ifindex, address)
  }

  getRoute(destination: Ip): Route {
    return getRoute(this.#connection, destination)
  }

  addStaticRoute(route: NewRoute): void {
    addStaticRoute(this.#connection, route)
  }

  renewStaticRoute(route: NewRoute): void {
    renewStaticRoute(this.#connection, route)
  }

  removeStaticRoute(route: StaticRoute): boolean {
    return removeStaticRoute(this.#connection, route)
  }

  listStaticRoutes(ifindex: number): StaticRoute[] {
    return listStaticRoutes(this.#connection, ifindex)
  }

  subscribe(topics: readonly Topic[], onEvents: (events: readonly NetworkEvent[]) => void): Disposable {
    invariant(this.#reactor, 'a network without a reactor has no events')
    return subscribe(this.#reactor, topics, onEvents, this.#options)
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]()
  }
}
