// The inventory of servers: ranges expanded, each name and each address once. An entry whose address cannot be
// used still makes its names known, so that those who refer to them are not called wrong for it.

import { formatIp, type Ip } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import {
  type AddressRange,
  addressAt,
  type NameRange,
  nameAt,
  parseAddresses,
  parseNames,
  RANGE_LIMIT,
} from '../base/ranges.ts'
import type { Findings } from './findings.ts'
import { unusable } from './host-address.ts'
import type { Entry, Merged } from './merge.ts'
import type { Network } from './network.ts'
import { formatPlace, keyOf, type Place } from './source.ts'
import type { ServerState } from './state.ts'

/** Inventory: `servers` is what is right; `known` holds every name, `complete` whether no name can be missing. */
export interface Inventory {
  readonly servers: ReadonlyMap<string, ServerState>
  readonly known: ReadonlySet<string>
  readonly complete: boolean
}

/** rangeOr: what a range parser says, or a finding with the parser's words. Rethrows bugs. */
export function rangeOr<T>(parse: () => T, place: Place, findings: Findings): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof TenbinError)) throw error
    findings.add(place, error.detail ?? error.message)
    return undefined
  }
}

/** resolveInventory reads servers; `network` says which addresses are others'. */
export function resolveInventory(merged: Merged, network: Network, findings: Findings): Inventory {
  const servers = new Map<string, ServerState>()
  const known = new Map<string, Place>()
  const owners = new Map<Ip, { name: string; place: Place }>()
  let complete = !merged.incomplete.has('servers')
  for (const entry of merged.servers) {
    const names = rangeOr(() => parseNames(entry.name), keyOf(entry.place), findings)
    if (!names) {
      complete = false
      continue
    }
    if (known.size + names.count > RANGE_LIMIT) {
      const message = `makes more than ${RANGE_LIMIT} servers in all: split them over several balancers`
      findings.add(keyOf(entry.place), `"${entry.name}" ${message}`)
      return { servers, known: new Set(known.keys()), complete: false }
    }
    const range = addressesOf(entry, names, findings)
    // One finding an entry and kind: a range that clashes does so many times over.
    const clash = { name: false, address: false }
    for (let index = 0; index < names.count; index++) {
      const name = nameAt(names, index)
      const other = known.get(name)
      if (other) {
        if (!clash.name)
          findings.add(
            keyOf(entry.place),
            `server ${name} is there twice: also at ${formatPlace(keyOf(other))}`,
          )
        clash.name = true
        continue
      }
      known.set(name, entry.place)
      if (!range) continue
      const address = addressAt(range, index)
      const taken = takenBy(address, network, owners)
      if (taken !== undefined) {
        if (!clash.address) findings.add(entry.place, `${formatIp(address)} (${name}) ${taken}`)
        clash.address = true
        continue
      }
      owners.set(address, { name, place: entry.place })
      servers.set(name, { name, address })
    }
  }
  return { servers, known: new Set(known.keys()), complete }
}

function addressesOf(entry: Entry<string>, names: NameRange, findings: Findings): AddressRange | undefined {
  const { value, place, name } = entry
  if (value === undefined) return undefined
  const range = rangeOr(() => parseAddresses(value), place, findings)
  if (!range) return undefined
  if (range.count !== names.count) {
    const [one, other] = [`${name} is ${plural(names.count, 'server')}`, plural(range.count, 'address')]
    findings.add(place, `${one}, ${value} is ${other}: both sides need as many`)
    return undefined
  }
  const bad = [addressAt(range, 0), addressAt(range, range.count - 1)].find((each) => unusable(each))
  if (bad === undefined) return range
  findings.add(place, `${formatIp(bad)} is ${unusable(bad)}: no machine can have it here`)
  return undefined
}

const plural = (count: number, what: 'server' | 'address'): string =>
  `${count} ${what}${count === 1 ? '' : what === 'address' ? 'es' : 's'}`

function takenBy(
  address: Ip,
  { nodeAddresses, serviceAddresses }: Network,
  owners: ReadonlyMap<Ip, { name: string; place: Place }>,
): string | undefined {
  const own = owners.get(address)
  if (own) return `is server ${own.name}'s address already, at ${formatPlace(own.place)}`
  const node = nodeAddresses.get(address)
  if (node) return `is the address of ${node.what}, at ${formatPlace(node.place)}: a node cannot be a server`
  const service = serviceAddresses.get(address)
  if (!service) return undefined
  return `is a service address, at ${formatPlace(service.place)}: write the server's own address`
}
