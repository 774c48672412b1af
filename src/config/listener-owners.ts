// Whose each port of a service address is: no two listeners may have one port of an address and protocol. Ranges are
// kept as ranges, in order of their first port, so that a file of wide ranges costs no more than one of single ports.

import type { Ip } from '../base/addresses.ts'
import type { Place } from './source.ts'
import type { ListenerState } from './state.ts'

/** Owner: a listener that is known already, whose it is and where the file says so. */
export interface Owner {
  readonly listener: ListenerState
  readonly service: string
  readonly place: Place
}

/** ListenerOwners: all listeners that were claimed so far. */
export class ListenerOwners {
  /** Per protocol and address, by first port; no two overlap. */
  readonly #owners = { tcp: new Map<Ip, Owner[]>(), udp: new Map<Ip, Owner[]>() }

  /** claim makes the listener the service's, unless some of its ports have an owner: that one is returned then. */
  claim(listener: ListenerState, service: string, place: Place): Owner | undefined {
    const { address, protocol, port, lastPort } = listener
    const owners = this.#owners[protocol].get(address) ?? []
    this.#owners[protocol].set(address, owners)
    let [low, high] = [0, owners.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (owners[middle]!.listener.lastPort < port) low = middle + 1
      else high = middle
    }
    // The first one that does not end before this begins.
    const next = owners[low]
    if (next && next.listener.port <= lastPort) return next
    owners.splice(low, 0, { listener, service, place })
    return undefined
  }
}
