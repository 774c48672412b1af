// The NICs on which the kernel keeps neighbour entries because of this instance: recorded, so that `down`, or a
// daemon whose file names another NIC, can let go of them. Only one instance works on a NIC, so that every entry
// there that carries tenbin's mark is its own.

import type { Network } from '../netlink/network.ts'
import type { RecordStore } from './record.ts'

/** recordLink: before the first entry on a NIC is made. */
export function recordLink(store: RecordStore, ifindex: number): void {
  const record = store.read()
  if (!record.links.includes(ifindex)) store.write({ ...record, links: [...record.links, ifindex] })
}

/** leaveOtherLinks lets go of the entries on every recorded NIC but this one; how many. */
export function leaveOtherLinks(store: RecordStore, network: Network, ifindex?: number): number {
  const record = store.read()
  const others = record.links.filter((each) => each !== ifindex)
  const released = others.reduce((sum, other) => sum + releaseNeighbours(network, other), 0)
  if (others.length > 0) {
    store.write({ ...record, links: record.links.filter((each) => each === ifindex) })
  }
  return released
}

// The kernel's entries go with their NIC: where it is gone, there is nothing to list.
const releaseNeighbours = (network: Network, ifindex: number): number =>
  network.getLink(ifindex) === undefined
    ? 0
    : network
        .listNeighbours(ifindex)
        .filter(({ isManaged, address }) => isManaged && network.unmanageNeighbour(ifindex, address)).length
