// The machines' side of the file: nodes, the NICs that play roles, and the address sets on them. Names that lead
// nowhere, addresses that two things would have, and what only a later version can do are said here.

import { formatIp, type Ip, type Ip6, isIp4, tryIp4, tryIp6 } from '../base/addresses.ts'
import { didYouMean } from '../base/nearest.ts'
import { isName } from '../base/ranges.ts'
import { describe } from './check-shape.ts'
import type { Findings } from './findings.ts'
import type { Entry, Merged } from './merge.ts'
import { formatPlace, inside, keyOf, type Place } from './source.ts'
import type { AddressSet, InterfaceState, NodeState, ServiceAddress } from './state.ts'

/** NAME_RULE: what a name is, for messages. */
export const NAME_RULE = 'a name is a letter, then letters, digits, "-", "_" and ".", at most 63'

/** Owner: what has an address, in words, and where the file says so. */
export interface Owner {
  readonly what: string
  readonly place: Place
}

/** Network: the resolved part, and who has which address. */
export interface Network {
  readonly nodes: readonly NodeState[]
  readonly interfaces: readonly InterfaceState[]
  /** Of interfaces, those whose NIC is wrong included; undefined: some could not be read. */
  readonly roles: ReadonlySet<string> | undefined
  readonly addressSets: readonly AddressSet[]
  readonly nodeAddresses: ReadonlyMap<Ip, Owner>
  readonly serviceAddresses: ReadonlyMap<Ip, Owner & { readonly set: AddressSet }>
  /** Whether every address of every set could be read, so that one which is not there is nobody's. */
  readonly addressesComplete: boolean
}

/** named: an entry's name is one; otherwise a finding. */
export function named({ name, place }: Entry<unknown>, findings: Findings): boolean {
  if (!isName(name)) findings.add(keyOf(place), `${describe(name)} is not a name: ${NAME_RULE}`)
  return isName(name)
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
  const serviceAddresses = new Map<Ip, Owner & { set: AddressSet }>()
  const addressSets: AddressSet[] = []
  let addressesComplete = !merged.incomplete.has('addresses')
  for (const { name, value, place } of merged.addresses.filter((entry) => named(entry, findings))) {
    if (!value) {
      addressesComplete = false
      continue
    }
    const roles = merged.interfaces.map((entry) => entry.name)
    if (!roles.includes(value.on) && !merged.incomplete.has('interfaces')) {
      const remedy = didYouMean(value.on, roles) || `: add it, for example ${value.on}: eth0`
      findings.add(inside(place, 'on'), `${describe(value.on)} is no role of interfaces${remedy}`)
    }
    if (value.ips.length === 0)
      findings.add(inside(place, 'ips'), 'an address set has at least one address: write [192.168.8.100/24]')
    const addresses: ServiceAddress[] = []
    const set: AddressSet = { name, on: value.on, addresses }
    for (const [index, text] of value.ips.entries()) {
      const at = inside(place, 'ips', index)
      const address = prefixedAddress(text, at, findings)
      if (!address) {
        addressesComplete = false
        continue
      }
      const other = serviceAddresses.get(address.address) ?? nodeAddresses.get(address.address)
      if (other) {
        const ip = formatIp(address.address)
        findings.add(at, `${ip} is the address of ${other.what} already, at ${formatPlace(other.place)}`)
      }
      addresses.push(address)
      if (!serviceAddresses.has(address.address))
        serviceAddresses.set(address.address, { what: `address set ${name}`, place: at, set })
    }
    addressSets.push(set)
  }
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

/** hostAddress: an address that a machine can have; otherwise a finding. */
export function hostAddress(text: string, place: Place, findings: Findings): Ip | undefined {
  const address = tryIp4(text) ?? tryIp6(text)
  if (address === undefined) {
    findings.add(place, `${describe(text)} is not an address such as 192.168.8.2 or 2001:db8::2`)
    return undefined
  }
  const why = unusable(address)
  if (why !== undefined) findings.add(place, `${text} is ${why}: no machine can have it here`)
  return why === undefined ? address : undefined
}

/** unusable: why an address is no machine's on a network (RFC 6890, RFC 4291), if it is not. */
export function unusable(address: Ip): string | undefined {
  if (!isIp4(address)) return unusable6(address)
  const high = address >>> 24
  if (high === 0) return 'in 0.0.0.0/8, "this network"'
  if (high === 127) return 'a loopback address'
  if (address === 0xffffffff) return 'the broadcast address'
  if (high >= 240) return 'in the reserved 240.0.0.0/4'
  return high >= 224 ? 'a multicast address' : undefined
}

function unusable6(address: Ip6): string | undefined {
  if (address === 0n) return 'the unspecified address'
  if (address === 1n) return 'the loopback address'
  if (address >> 120n === 0xffn) return 'a multicast address'
  if (address >> 118n === 0x3fan) return 'a link-local address, which needs an interface beside it'
  return address >> 32n === 0xffffn ? 'an IPv4 address in IPv6 clothes' : undefined
}

/** endOf: whether an address stands for a network itself, or for all of it; /31 and /32 have neither (RFC 3021), nor has IPv6. */
export function endOf(address: Ip, prefix: number): 'network' | 'broadcast' | undefined {
  if (!isIp4(address) || prefix > 30) return undefined
  const last = 0xffffffff >>> prefix
  const host = (address & last) >>> 0
  return host === 0 ? 'network' : host === last ? 'broadcast' : undefined
}

function prefixedAddress(text: string, place: Place, findings: Findings): ServiceAddress | undefined {
  const [ip, length, more] = text.split('/')
  const address = hostAddress(ip!, place, findings)
  if (address === undefined) return undefined
  const [bits, usual] = isIp4(address) ? [32, 24] : [128, 64]
  if (length === undefined) return { address, prefix: bits }
  const prefix = Number(length)
  if (more !== undefined || !/^\d{1,3}$/.test(length) || prefix < 1 || prefix > bits) {
    findings.add(place, `${describe(text)} has no prefix length from 1 to ${bits}: write ${ip}/${usual}`)
    return undefined
  }
  const end = endOf(address, prefix)
  if (end) {
    findings.add(place, `${ip} is the ${end} address of its own /${prefix}: no machine can have it`)
    return undefined
  }
  return { address, prefix }
}
