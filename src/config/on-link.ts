// dsr reaches on-link servers only: the packet keeps the service's address as its destination, so a router would
// send it back to the balancer. Whether a server is on-link can be told from the file where an address set says
// its network by a prefix length and has no other interface; otherwise the daemon asks the routes.

import { formatIp, type Ip, type Ip4, type Ip6, isIp4 } from '../base/addresses.ts'
import type { Findings } from './findings.ts'
import { endOf } from './host-address.ts'
import type { Inventory } from './inventory.ts'
import type { PoolRef } from './pools.ts'
import { type AddressSet, addressesOf } from './state.ts'

/** networkOf: the address with its host bits cleared. */
const networkOf = (address: Ip, prefix: number): Ip =>
  isIp4(address)
    ? ((address - (address % 2 ** (32 - prefix))) as Ip4)
    : (((address >> BigInt(128 - prefix)) << BigInt(128 - prefix)) as Ip6)

/** isAway from all networks of its family. */
function isAway(networks: readonly Network[], address: Ip): boolean {
  const kin = networks.filter((each) => isKin(each, address))
  return kin.length > 0 && !kin.some((each) => isOn(each, address))
}

interface Network {
  readonly prefix: number
  readonly network: Ip
}

const isKin = ({ network }: Network, address: Ip): boolean => isIp4(network) === isIp4(address)
const isOn = (on: Network, address: Ip): boolean =>
  isKin(on, address) && networkOf(address, on.prefix) === on.network

/** OnLinkOptions: `fine`: servers of which it is known already that nothing is to be said; others are added. */
export interface OnLinkOptions {
  readonly inventory: Inventory
  readonly isOnlyInterface: boolean
  readonly fine: Set<string>
}

/**
 * checkOnLink: servers of a pool, sorry ones too, that cannot be on the networks of the set whose listeners they serve; or on none of them,
 * where the set's interface is the only one.
 */
export function checkOnLink(
  refs: readonly PoolRef[],
  set: AddressSet,
  { inventory: { servers }, isOnlyInterface, fine }: OnLinkOptions,
  findings: Findings,
): void {
  const networks = addressesOf(set)
    .filter(({ address, prefix }) => prefix < (isIp4(address) ? 32 : 128))
    .map(({ address, prefix }) => ({ prefix, network: networkOf(address, prefix) }))
  if (networks.length === 0) return
  for (const { place, members } of refs) {
    const others = members.filter(({ server }) => !fine.has(server))
    if (others.length === 0) continue
    const before = findings.count
    const states = others.flatMap(({ server }) => servers.get(server) ?? [])
    for (const { name, address } of states) {
      const near = networks.find((each) => isOn(each, address))
      const end = near && endOf(address, near.prefix)
      if (!end) continue
      const lan = `${formatIp(near.network)}/${near.prefix}`
      findings.add(
        place,
        `${name} (${formatIp(address)}) is the ${end} address of ${lan}: no server can have it`,
      )
    }
    const away = isOnlyInterface ? states.filter(({ address }) => isAway(networks, address)) : []
    const first = away[0]
    if (!first) {
      if (findings.count === before) for (const { name } of states) fine.add(name)
      continue
    }
    const more = away.length > 1 ? ` and ${away.length - 1} more are` : ' is'
    const lan = [
      ...new Set(
        networks
          .filter(({ network }) => isIp4(network) === isIp4(first.address))
          .map(({ network, prefix }) => `${formatIp(network)}/${prefix}`),
      ),
    ].join(', ')
    findings.add(
      place,
      `${first.name} (${formatIp(first.address)})${more} not on ${lan} of address set ${set.name}: dsr reaches servers on the service’s own network only: nat reaches those of any network of the node (forward: nat)`,
    )
  }
}
