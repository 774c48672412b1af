// Whose each port of a service address is. Of the listeners around a port the narrowest has it: an exact port before a
// range, a range before all ports; so only listeners of one of these three kinds may not have a port in common. Where
// one service has a port twice, that is an oversight, whatever the kinds. Ranges are kept as ranges, in order of their
// first port, so that a file of wide ranges costs no more than one of single ports.

import type { Ip } from '../base/addresses.ts'
import type { Place } from './source.ts'
import { ALL_PORTS, type ListenerState } from './state.ts'

/** Owner: a listener that is known already, whose it is and where the file says so. */
export interface Owner {
  readonly listener: ListenerState
  readonly service: string
  readonly place: Place
}

/** Owners of an address and protocol by kind, by first port; no two of a kind overlap. */
type Owners = Readonly<Record<'exact' | 'range' | 'all', Owner[]>>

const kindOf = ({ port, lastPort }: ListenerState): keyof Owners => {
  if (port === lastPort) return 'exact'
  return port === ALL_PORTS.port && lastPort === ALL_PORTS.lastPort ? 'all' : 'range'
}

/** ListenerOwners: all listeners that were claimed so far. */
export class ListenerOwners {
  readonly #owners = { tcp: new Map<Ip, Owners>(), udp: new Map<Ip, Owners>() }

  /** claim makes the listener the service's, unless another one bars it: that one is returned then. */
  claim(listener: ListenerState, service: string, place: Place): Owner | undefined {
    const { address, protocol } = listener
    const owners = this.#owners[protocol].get(address) ?? { exact: [], range: [], all: [] }
    this.#owners[protocol].set(address, owners)
    const kind = kindOf(listener)
    for (const owner of overlapping(owners[kind], listener)) return owner
    for (const list of Object.values(owners))
      for (const owner of overlapping(list, listener)) if (owner.service === service) return owner
    owners[kind].splice(firstNotBefore(owners[kind], listener), 0, { listener, service, place })
    return undefined
  }
}

/** firstNotBefore: where the first one is that does not end before the listener begins. */
function firstNotBefore(owners: readonly Owner[], { port }: ListenerState): number {
  let [low, high] = [0, owners.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (owners[middle]!.listener.lastPort < port) low = middle + 1
    else high = middle
  }
  return low
}

/** overlapping: those that have a port in common with the listener. */
function* overlapping(owners: readonly Owner[], listener: ListenerState): Generator<Owner> {
  for (let at = firstNotBefore(owners, listener); at < owners.length; at++) {
    if (owners[at]!.listener.port > listener.lastPort) return
    yield owners[at]!
  }
}
