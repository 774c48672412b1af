// The static routes that an active node has beside its addresses. Their idea: none outlives the node's role, however its
// processes end. What ends a route by the kernel's hand is that its source, an address of the set, is gone (IPv4), or that
// its lifetime is over (IPv6), which is renewed with that of the addresses; so an address that stays is no source. A route
// that somebody else has in this place is left alone, and what cannot be made is said and tried again with each renewal: no
// route is worth an address.

import { formatIp, type Ip, isIp4, parseIp } from '../base/addresses.ts'
import { formatPrefix, tryPrefix } from '../base/prefix.ts'
import type { NetlinkError } from '../netlink/netlink.ts'
import type { Network } from '../netlink/network.ts'
import { formatRoute, metricOf, type StaticRoute } from '../netlink/static-routes.ts'
import { isErrno } from '../sys/syscall.ts'
import type { SetRoute } from './spec.ts'

/** WantedRoute: a route of a set, and the interface that it is to leave by; undefined: that is gone. */
export interface WantedRoute {
  readonly said: SetRoute
  readonly ifindex: number | undefined
}

export class HeldRoutes {
  readonly #network: Network
  #wanted: readonly WantedRoute[] = []

  constructor(network: Network) {
    this.#network = network
  }

  /** take: these from now on, and no others; their source is there. Says what could not be made, and why. Never throws. */
  take(wanted: readonly WantedRoute[], validS: number): string[] {
    const words = new Set(wanted.map(wordsOf))
    this.#remove(this.#wanted.filter((each) => !words.has(wordsOf(each))))
    this.#wanted = wanted
    return this.renew(validS)
  }

  /** renew: they stay for `validS` seconds from now; one that is gone, or is another one, is there again. As take. */
  renew(validS: number): string[] {
    if (this.#wanted.length === 0) return []
    let staying: ReadonlySet<Ip> | undefined
    return this.#attempt(this.#wanted, (route, listed) => {
      staying ??= stayingOf(this.#network)
      const there = listed.find((each) => isSameWay(each, route))
      const isWhole = there !== undefined && there.source === route.source
      if (isIp4(route.source!) && staying.has(route.source)) {
        if (there) this.#network.removeStaticRoute(there)
        return `its source ${formatIp(route.source)} is on an interface for ever, so that the route would stay where this node was killed: take it away there, or write another source`
      }
      if (isWhole) this.#network.renewStaticRoute({ ...there, validS })
      else {
        if (there) this.#network.removeStaticRoute(there)
        this.#network.addStaticRoute({ ...route, validS })
      }
      return undefined
    })
  }

  /** leave: none is held any more. Never throws. */
  leave(): void {
    this.#remove(this.#wanted)
    this.#wanted = []
  }

  /** #remove: what fails goes with its source, or when its time is over. */
  #remove(some: readonly WantedRoute[]): void {
    if (some.length === 0) return
    this.#attempt(some, (route, listed) => {
      const there = listed.find((each) => isSameWay(each, route))
      if (there) this.#network.removeStaticRoute(there)
      return undefined
    })
  }

  /** #attempt something with each, beside what there is of ours on its interface; says why not. */
  #attempt(
    some: readonly WantedRoute[],
    work: (route: StaticRoute, listed: readonly StaticRoute[]) => string | undefined,
  ): string[] {
    const listed = new Map<number, readonly StaticRoute[]>()
    return some.flatMap(({ said, ifindex = 0 }) => {
      const route = toStaticRoute(said, ifindex)
      const refuse = (why: string | undefined) => (why === undefined ? [] : [`${formatRoute(route)}: ${why}`])
      if (ifindex === 0) return refuse(`there is no ${said.nic}`)
      try {
        if (!listed.has(ifindex)) listed.set(ifindex, this.#network.listStaticRoutes(ifindex))
        return refuse(work(route, listed.get(ifindex)!))
      } catch (error) {
        return refuse(refusalText(error))
      }
    })
  }
}

/** removeStrayRoutes takes away what an earlier process left on an interface. Throws as Network does. */
export function removeStrayRoutes(network: Network, nic: string): number {
  const link = network.getLink(nic)
  if (!link) return 0
  return network.listStaticRoutes(link.index).filter((each) => network.removeStaticRoute(each)).length
}

function toStaticRoute({ to, via, source, metric }: SetRoute, ifindex: number): StaticRoute {
  const { address, length } = tryPrefix(to)!
  return {
    ...{ ifindex, to: { address, length }, gateway: parseIp(via), source: parseIp(source) },
    ...(metric !== undefined && { metric }),
  }
}

/** stayingOf: addresses that no kernel takes away, wherever they are. */
const stayingOf = (network: Network): ReadonlySet<Ip> =>
  new Set(network.listAddresses().flatMap(({ address, lifetime }) => (lifetime ? [] : [address])))

const wordsOf = ({ said, ifindex }: WantedRoute): string => JSON.stringify([ifindex, said])

/** isSameWay: as the kernel tells routes of one owner apart. */
const isSameWay = (a: StaticRoute, b: StaticRoute): boolean =>
  formatPrefix(a.to) === formatPrefix(b.to) && a.gateway === b.gateway && metricOf(a) === metricOf(b)

function refusalText(error: unknown): string {
  if (isErrno(error, 'EEXIST'))
    return 'another route to it has this metric already, and is left alone: give one of the two another metric'
  if (isErrno(error, 'ENETUNREACH', 'EHOSTUNREACH')) return 'its gateway is not on this link'
  const { kernelMessage, message } = error as NetlinkError
  return kernelMessage ?? message
}
