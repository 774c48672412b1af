// One virtual router has one VRID on one link in one family (RFC 9568 5.2.3): no two sets of the file are the same one, on
// any node, and no set is one twice because two of its roles are played by one NIC.

import { isIp4 } from '../base/addresses.ts'
import type { Machines } from './address-sets.ts'
import type { Findings } from './findings.ts'
import type { Entry } from './merge.ts'
import type { AddressSetShape } from './schema-addresses.ts'
import { formatPlace, inside } from './source.ts'
import { type AddressSet, ONLY_NODE } from './state.ts'

/** checkVrids of all sets. */
export function checkVrids(
  entries: readonly Entry<AddressSetShape>[],
  sets: readonly AddressSet[],
  { nodes, interfaces }: Pick<Machines, 'nodes' | 'interfaces'>,
  findings: Findings,
): void {
  const nodeNames = nodes.length === 0 ? [ONLY_NODE] : nodes.map(({ name }) => name)
  const nicOf = (role: string, node: string): string | undefined => {
    const nic = interfaces.find((each) => each.role === role)?.nic
    return typeof nic === 'object' ? nic[node] : nic
  }
  const first = new Map<string, { readonly set: string; readonly on: string }>()
  for (const { name: set, parts, failover } of sets) {
    if (!failover) continue
    const place = (of: string) => inside(entries.find(({ name }) => name === of)!.place, 'vrid')
    for (const { on, addresses } of parts)
      for (const family of new Set(addresses.map(({ address }) => (isIp4(address) ? 4 : 6))))
        for (const node of nodeNames) {
          const nic = nicOf(on, node)
          if (nic === undefined) continue
          const key = `${failover.vrid} ${family} ${node} ${nic}`
          const other = first.get(key)
          if (!other) first.set(key, { set, on })
          else if (other.set === set && other.on !== on)
            findings.add(
              place(set),
              `${other.on} and ${on} are one NIC, ${nic}: put the set's addresses on one of them`,
            )
          else if (other.set !== set)
            findings.add(
              place(set),
              `vrid ${failover.vrid} is that of address set ${other.set} on the same link already, at ${formatPlace(place(other.set))}: take another number`,
            )
        }
  }
}
