// The NICs on which the kernel keeps neighbour entries because of this instance: recorded, so that `down`, or a
// daemon whose file names another NIC, can let go of them. Only one instance works on a NIC, so that every entry
// there that carries tenbin's mark is its own.

import type { Ip } from '../base/addresses.ts'
import type { Network } from '../netlink/network.ts'
import type { RecordStore } from './record.ts'

/** indexesOf the NICs that play a role, of those that are there. */
export const indexesOf = (network: Network, nics: readonly string[]): number[] =>
  network.listLinks().flatMap(({ name, index }) => (nics.includes(name) ? [index] : []))

/**
 * recordLinks: before the first entry on these NICs is made. What it returns takes that back, for when nothing forwards
 * there after all: what was there before may be another instance's and stays.
 */
export function recordLinks(store: RecordStore, network: Network, ifindexes: readonly number[]): () => void {
  const takeBacks = ifindexes.map((ifindex) => recordLink(store, network, ifindex))
  return () => {
    for (const takeBack of takeBacks.reverse()) takeBack()
  }
}

function recordLink(store: RecordStore, network: Network, ifindex: number): () => void {
  const { links, ...rest } = store.read()
  if (links.includes(ifindex)) return () => undefined
  const before = managed(network, ifindex)
  store.write({ ...rest, links: [...links, ifindex] })
  return () => {
    for (const address of managed(network, ifindex))
      if (!before.includes(address)) network.unmanageNeighbour(ifindex, address)
    const now = store.read()
    store.write({ ...now, links: now.links.filter((each) => each !== ifindex) })
  }
}

/** leaveOtherLinks lets go of the entries on every recorded NIC but these; how many. */
export function leaveOtherLinks(store: RecordStore, network: Network, kept: readonly number[] = []): number {
  const record = store.read()
  const others = record.links.filter((each) => !kept.includes(each))
  const released = others.reduce((sum, other) => sum + releaseNeighbours(network, other), 0)
  if (others.length > 0) {
    store.write({ ...record, links: record.links.filter((each) => kept.includes(each)) })
  }
  return released
}

const releaseNeighbours = (network: Network, ifindex: number): number =>
  managed(network, ifindex).filter((address) => network.unmanageNeighbour(ifindex, address)).length

/** managed: the kernel's entries go with their NIC; where it is gone, there is nothing to list. */
const managed = (network: Network, ifindex: number): readonly Ip[] =>
  network.getLink(ifindex) === undefined
    ? []
    : network.listNeighbours(ifindex).flatMap(({ isManaged, address }) => (isManaged ? [address] : []))
