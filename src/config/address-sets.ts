// Entries of `addresses:` as address sets: roles that there are, addresses that a machine can have, each in one set alone.
// How a set moves between nodes is failover.ts's; that no two sets are one virtual router, vrids.ts's.

import { formatIp, type Ip } from '../base/addresses.ts'
import { resolveFailover } from './failover.ts'
import { checkRoutes } from './failover-routes.ts'
import type { Findings } from './findings.ts'
import { prefixedAddress } from './host-address.ts'
import type { Merged } from './merge.ts'
import { checkRole, named, type Owner } from './named.ts'
import type { AddressSetShape } from './schema-addresses.ts'
import { formatPlace, inside, keyOf, type Place } from './source.ts'
import type { AddressPart, AddressSet, InterfaceState, NodeState, ServiceAddress } from './state.ts'
import { checkVrids } from './vrids.ts'

/** SetOwner: the address set that has an address. */
export type SetOwner = Owner & { readonly set: AddressSet }

/** AddressSets: the resolved part; `addressesComplete` as in Network. */
export interface AddressSets {
  readonly addressSets: readonly AddressSet[]
  readonly serviceAddresses: ReadonlyMap<Ip, SetOwner>
  readonly addressesComplete: boolean
}

/** Machines: what of the file is known already. */
export interface Machines {
  readonly nodes: readonly NodeState[]
  readonly interfaces: readonly InterfaceState[]
  readonly nodeAddresses: ReadonlyMap<Ip, Owner>
}

/** resolveAddressSets reads addresses. */
export function resolveAddressSets(merged: Merged, machines: Machines, findings: Findings): AddressSets {
  const serviceAddresses = new Map<Ip, SetOwner>()
  let addressesComplete = !merged.incomplete.has('addresses')
  const addressSets: AddressSet[] = []
  const entries = merged.addresses.filter((entry) => named(entry, findings))
  const readSet = (name: string, value: AddressSetShape, place: Place) =>
    read({ name, value, place }, merged, machines.nodes, findings)
  for (const { name, value, mended, place } of entries) {
    if (!value) {
      addressesComplete = false
      const look = () => void readSet(name, mended!.value as AddressSetShape, place)
      if (mended) findings.sift(mended.isSaid, look)
      continue
    }
    const { set, addresses, isWhole } = readSet(name, value, place)
    if (!isWhole) addressesComplete = false
    for (const { address, where } of addresses) {
      const other = serviceAddresses.get(address.address) ?? machines.nodeAddresses.get(address.address)
      if (other) {
        const ip = formatIp(address.address)
        findings.add(where, `${ip} is the address of ${other.what} already, at ${formatPlace(other.place)}`)
      }
      if (!serviceAddresses.has(address.address))
        serviceAddresses.set(address.address, { what: `address set ${name}`, place: where, set })
    }
    addressSets.push(set)
  }
  checkVrids(merged.addresses, addressSets, machines, findings)
  checkRoutes(merged.addresses, addressSets, findings)
  return { addressSets, serviceAddresses, addressesComplete }
}

interface Read {
  readonly set: AddressSet
  readonly addresses: readonly { readonly address: ServiceAddress; readonly where: Place }[]
  /** All addresses that are written are right. */
  readonly isWhole: boolean
}

/** read an entry by itself. */
function read(
  { name, value, place }: { readonly name: string; readonly value: AddressSetShape; readonly place: Place },
  merged: Merged,
  nodes: readonly NodeState[],
  findings: Findings,
): Read {
  const parts = partsOf({ value, place }, merged, findings).map(({ on, texts, at }) => {
    const addresses = texts.flatMap((text, index) => {
      const where = inside(at, index)
      const address = prefixedAddress(text, where, findings, value.vrid !== undefined)
      return address ? [{ address, where }] : []
    })
    return { on, addresses, isWhole: addresses.length === texts.length }
  })
  const plain = parts.map(({ on, addresses }): AddressPart => {
    return { on, addresses: addresses.map(({ address }) => address) }
  })
  const failover = resolveFailover(value, plain, place, { merged, nodes, findings })
  return {
    set: { name, parts: plain, ...(failover && { failover }) },
    addresses: parts.flatMap((part) => part.addresses),
    isWhole: parts.every((part) => part.isWhole),
  }
}

interface PartShape {
  readonly on: string
  readonly texts: readonly string[]
  readonly at: Place
}

/** partsOf an entry: `on` and a list, or lists by role. */
function partsOf(
  { value, place }: { readonly value: AddressSetShape; readonly place: Place },
  merged: Merged,
  findings: Findings,
): PartShape[] {
  const at = inside(place, 'ips')
  const { on, ips } = value
  const parts: PartShape[] = []
  if (Array.isArray(ips)) {
    if (on === undefined)
      findings.add(keyOf(place), '"on" is missing: it takes a role of interfaces, such as lan')
    else checkRole(on, inside(place, 'on'), merged, findings)
    parts.push({ on: on ?? '', texts: ips, at })
  } else {
    if (on !== undefined) findings.add(inside(place, 'on'), 'ips names the roles already: leave "on" out')
    for (const [role, texts] of Object.entries(ips)) {
      checkRole(role, keyOf(inside(at, role)), merged, findings)
      parts.push({ on: role, texts, at: inside(at, role) })
    }
    if (parts.length === 0) parts.push({ on: '', texts: [], at })
  }
  for (const { texts, at: where } of parts)
    if (texts.length === 0)
      findings.add(where, 'an address set has at least one address: write [192.168.8.100/24]')
  return parts
}
