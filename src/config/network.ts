// The machines' side of the file: nodes, the NICs that play roles, and the address sets on them (address-sets.ts). Names
// that lead nowhere and addresses that two things would have are said here.

import { formatIp, type Ip } from '../base/addresses.ts'
import { didYouMean } from '../base/nearest.ts'
import { resolveAddressSets, type SetOwner } from './address-sets.ts'
import { describe } from './check-shape.ts'
import type { Findings } from './findings.ts'
import { hostAddress } from './host-address.ts'
import type { Merged } from './merge.ts'
import { named, type Owner } from './named.ts'
import { formatPlace, inside, keyOf, type Place } from './source.ts'
import type { AddressSet, InterfaceState, NodeState } from './state.ts'

/** Network: the resolved part, and who has which address. */
export interface Network {
  readonly nodes: readonly NodeState[]
  readonly interfaces: readonly InterfaceState[]
  /** Of interfaces, those whose NIC is wrong included; undefined: some could not be read. */
  readonly roles: ReadonlySet<string> | undefined
  readonly addressSets: readonly AddressSet[]
  readonly nodeAddresses: ReadonlyMap<Ip, Owner>
  readonly serviceAddresses: ReadonlyMap<Ip, SetOwner>
  /** Whether every address of every set could be read, so that one which is not there is nobody's. */
  readonly addressesComplete: boolean
}

/** resolveNetwork reads nodes, interfaces and addresses. */
export function resolveNetwork(merged: Merged, findings: Findings): Network {
  const nodeAddresses = new Map<Ip, Owner>()
  const nodes: NodeState[] = []
  for (const entry of merged.nodes) {
    if (!named(entry, findings) || entry.value === undefined) continue
    const address = hostAddress(entry.value, entry.place, findings)
    if (address === undefined) continue
    const first = nodeAddresses.get(address)
    if (first) {
      const where = formatPlace(first.place)
      findings.add(entry.place, `${formatIp(address)} is ${first.what}'s address already, at ${where}`)
      continue
    }
    nodeAddresses.set(address, { what: `node ${entry.name}`, place: entry.place })
    nodes.push({ name: entry.name, address })
  }
  const interfaces = merged.interfaces.flatMap((entry) => interfaceOf(entry, merged, findings))
  const { addressSets, serviceAddresses, addressesComplete } = resolveAddressSets(
    merged,
    { nodes, interfaces, nodeAddresses },
    findings,
  )
  const roles = merged.incomplete.has('interfaces')
    ? undefined
    : new Set(merged.interfaces.map((entry) => entry.name))
  return {
    ...{ nodes, interfaces, roles, addressSets },
    ...{ nodeAddresses, serviceAddresses, addressesComplete },
  }
}

function interfaceOf(
  entry: Merged['interfaces'][number],
  { nodes, incomplete }: Merged,
  findings: Findings,
): InterfaceState[] {
  const { name: role, value, place } = entry
  if (!named(entry, findings) || value === undefined) return []
  const checked = (nic: string, at: Place): boolean => {
    const valid = /^[^/:\s]{1,15}$/.test(nic) && nic !== '.' && nic !== '..'
    if (!valid)
      findings.add(
        at,
        `${describe(nic)} cannot be a NIC: its name has 1 to 15 characters, none of them "/", ":" or a space`,
      )
    return valid
  }
  if (typeof value === 'string') return checked(value, place) ? [{ role, nic: value }] : []
  const names = nodes.map(({ name }) => name)
  const known = incomplete.has('nodes') ? undefined : names
  if (known?.length === 0) {
    findings.add(place, `a NIC for each node needs nodes: add them, or write ${role}: eth0`)
    return []
  }
  let whole = true
  for (const [node, nic] of Object.entries(value)) {
    whole = checked(nic, inside(place, node)) && whole
    if (!known || known.includes(node)) continue
    findings.add(
      keyOf(inside(place, node)),
      `${describe(node)} is no node${didYouMean(node, known) || ': add it to nodes'}`,
    )
  }
  const missing = names.filter((node) => !Object.hasOwn(value, node))
  if (missing.length > 0)
    findings.add(keyOf(place), `${role} names no NIC for ${missing.join(', ')}: add ${missing[0]}: eth0`)
  return whole && missing.length === 0 ? [{ role, nic: value }] : []
}
