// dsr reaches on-link servers only: the packet keeps the service's address as its destination, so a router would
// send it back to the balancer. Whether a server is on-link can be told from the file where an address set says
// its network by a prefix length; a set of bare addresses says nothing, and the daemon asks the routes.

import { formatIp, type Ip4 } from '../base/addresses.ts'
import type { Findings } from './findings.ts'
import type { Inventory } from './inventory.ts'
import { endOf } from './network.ts'
import type { Pool } from './pools.ts'
import type { AddressSet } from './state.ts'

const networkOf = (address: Ip4, prefix: number): Ip4 => (address - (address % 2 ** (32 - prefix))) as Ip4

/** checkOnLink: servers of a pool that cannot be on the networks of the set whose listeners they serve. */
export function checkOnLink(pool: Pool, set: AddressSet, { servers }: Inventory, findings: Findings): void {
  const networks = set.addresses
    .filter(({ prefix }) => prefix < 32)
    .map(({ address, prefix }) => ({ prefix, network: networkOf(address, prefix) }))
  if (networks.length === 0) return
  for (const { place, members } of pool.refs) {
    const states = members.flatMap(({ server }) => servers.get(server) ?? [])
    for (const { name, address } of states) {
      const near = networks.find(({ prefix, network }) => networkOf(address, prefix) === network)
      const end = near && endOf(address, near.prefix)
      if (!end) continue
      const lan = `${formatIp(near.network)}/${near.prefix}`
      findings.add(
        place,
        `${name} (${formatIp(address)}) is the ${end} address of ${lan}: no server can have it`,
      )
    }
    const away = states.flatMap((state) => {
      const near = networks.some(({ prefix, network }) => networkOf(state.address, prefix) === network)
      return near ? [] : [state]
    })
    const first = away[0]
    if (!first) continue
    const more = away.length > 1 ? ` and ${away.length - 1} more are` : ' is'
    const lan = [...new Set(networks.map(({ network, prefix }) => `${formatIp(network)}/${prefix}`))].join(
      ', ',
    )
    findings.add(
      place,
      `${first.name} (${formatIp(first.address)})${more} not on ${lan} of address set ${set.name}: dsr reaches on-link servers only; others will be reached by ipip, gue or nat, not built yet`,
    )
  }
}
