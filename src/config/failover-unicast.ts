// `unicast:` of an address set: the addresses that nodes send each other adverts to. Each role and family that the set has
// addresses of has one address of every node; `true` takes those under `nodes`, of which there is one a node.

import { formatIp, type Ip, isIp4 } from '../base/addresses.ts'
import { didYouMean } from '../base/nearest.ts'
import { describe } from './check-shape.ts'
import type { Whole } from './failover.ts'
import type { UnicastRole } from './failover-spec.ts'
import { hostAddress } from './host-address.ts'
import type { AddressSetShape } from './schema-addresses.ts'
import { inside, keyOf, type Place } from './source.ts'
import type { AddressPart } from './state.ts'

type Family = 4 | 6
const familyOf = (address: Ip): Family => (isIp4(address) ? 4 : 6)
const familiesOf = ({ addresses }: AddressPart): Family[] => [
  ...new Set(addresses.map(({ address }) => familyOf(address))),
]

/** resolveUnicast: undefined: by multicast. */
export function resolveUnicast(
  { unicast }: AddressSetShape,
  parts: readonly AddressPart[],
  place: Place,
  { merged, nodes, findings }: Whole,
): UnicastRole[] | undefined {
  if (unicast === undefined || merged.incomplete.has('nodes')) return undefined
  const at = inside(place, 'unicast')
  if (nodes.length < 2) {
    findings.add(at, 'there is nobody to send to: add the other node to nodes')
    return undefined
  }
  if (unicast === true) return ofNodes(parts, at, { nodes, findings })
  const roles = parts.map(({ on }) => on)
  for (const role of Object.keys(unicast))
    if (!roles.includes(role))
      findings.add(
        keyOf(inside(at, role)),
        `the set has no addresses on ${describe(role)}${didYouMean(role, roles)}`,
      )
  return parts.flatMap((part) => {
    const shape = unicast[part.on]
    if (shape)
      return { role: part.on, nodes: addressesOf(shape, part, inside(at, part.on), { nodes, findings }) }
    findings.add(at, `no addresses of nodes on ${part.on}: add ${part.on}: { ${nodes[0]!.name}: … }`)
    return []
  })
}

type Nodes = Pick<Whole, 'nodes' | 'findings'>

function ofNodes(parts: readonly AddressPart[], at: Place, { nodes, findings }: Nodes): UnicastRole[] {
  const [part] = parts
  const families = new Set([...parts.flatMap(familiesOf), ...nodes.map(({ address }) => familyOf(address))])
  if (!part || parts.length > 1 || families.size > 1) {
    const what = parts.length > 1 ? 'several roles' : 'both families'
    findings.add(
      at,
      `true is the address in nodes, one of each node, but here are ${what}: name the addresses of each role`,
    )
    return []
  }
  return [{ role: part.on, nodes: Object.fromEntries(nodes.map(({ name, address }) => [name, [address]])) }]
}

function addressesOf(
  shape: Readonly<Record<string, string | readonly string[]>>,
  part: AddressPart,
  at: Place,
  { nodes, findings }: Nodes,
): Record<string, readonly Ip[]> {
  const names = nodes.map(({ name }) => name)
  const seen = new Map<Ip, string>()
  for (const node of Object.keys(shape))
    if (!names.includes(node))
      findings.add(
        keyOf(inside(at, node)),
        `${describe(node)} is no node${didYouMean(node, names) || ': add it to nodes'}`,
      )
  const entries = names.map((node): [string, readonly Ip[]] => {
    const texts = shape[node]
    if (texts === undefined) {
      findings.add(at, `no address of ${node} on ${part.on}: add ${node}: 192.168.8.2`)
      return [node, []]
    }
    const place = inside(at, node)
    const isList = typeof texts !== 'string'
    const addresses = [texts].flat().flatMap((text, index) => {
      const where = isList ? inside(place, index) : place
      const address = hostAddress(text, where, findings, true)
      if (address === undefined) return []
      const owner = seen.get(address)
      if (owner !== undefined) findings.add(where, `${formatIp(address)} is ${owner}'s address already`)
      seen.set(address, node)
      return address
    })
    for (const family of familiesOf(part)) {
      const count = addresses.filter((address) => familyOf(address) === family).length
      if (count === 1 || addresses.length < [texts].flat().length) continue
      findings.add(
        place,
        `${node} needs one IPv${family} address on ${part.on}, and has ${count === 0 ? 'none' : count}`,
      )
    }
    return [node, addresses]
  })
  return Object.fromEntries(entries)
}
