// Placement: what the file means on this machine, now. Which node this is, which NIC forwards, which addresses it
// holds, what the engine is to do; or everything that stands in the way. Pure: the machine is handed in as facts.

import { formatIp, type Ip, isIp4, type Mac } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { toEngineSpec } from '../config/engine-spec.ts'
import { type DesiredState, type HeldAddress, heldBy, serviceNic, whichNode } from '../config/state.ts'
import type { EngineSpec } from '../engine/engine.ts'
import type { InterfaceAddress } from '../netlink/addresses.ts'
import type { Link } from '../netlink/links.ts'
import { covers, isOnLink, type Route } from '../netlink/routes.ts'
import type { Problem } from './api-schema.ts'
import { Problems, problem } from './problem.ts'

/** Facts: the machine as it is. */
export interface Facts {
  readonly links: readonly Link[]
  readonly addresses: readonly InterfaceAddress[]
  readonly route: (destination: Ip) => Route
  /** isOwn: whether this instance added the address to that interface. */
  readonly isOwn: (ifindex: number, address: Ip) => boolean
  /** isServing: whether flows may be with a server of this name: what runs sends to it. */
  readonly isServing: (server: string) => boolean
}

/** EthernetLink: a link that frames can be addressed to. */
export type EthernetLink = Link & { readonly mac: Mac }

/** Placement: `held` are the service addresses that belong on `link`. */
export interface Placement {
  readonly node: string
  readonly link: EthernetLink
  readonly held: readonly HeldAddress[]
  readonly spec: EngineSpec
}

/** place finds this machine's part. Throws NODE_UNKNOWN, NODE_AMBIGUOUS, or Problems with all that is wrong. */
export function place(desired: DesiredState, facts: Facts): Placement {
  const node = whichNode(
    desired,
    facts.addresses.map(({ address }) => address),
  )
  const link = findLink(serviceNic(desired, node), facts.links)
  const held = heldBy(desired, node)
  const stays = (server: EngineSpec['servers'][number]) =>
    facts.isServing(server.name) && serverOffLink(server, link, held, facts).length === 0
  const spec = toEngineSpec(desired, node, specLink(link), stays)
  const problems = [
    ...held.flatMap((address) => addressElsewhere(address, link, facts)),
    ...spec.servers.flatMap((server) => serverOffLink(server, link, held, facts)),
  ]
  if (problems.length > 0) throw new Problems('apply', problems)
  return { node, link, held, spec }
}

/** specLink: what an engine needs to know of the NIC. */
export const specLink = ({ name, index, mac, mtu }: EthernetLink): EngineSpec['interface'] => ({
  name,
  index,
  mac,
  mtu,
})

/** findLink: the NIC by name. Throws INTERFACE_MISSING, INTERFACE_UNSUITABLE. */
export function findLink(name: string, links: readonly Link[]): EthernetLink {
  const link = links.find((each) => each.name === name)
  if (!link) {
    const there = links.filter((each) => !each.isLoopback).map((each) => each.name)
    throw new TenbinError('INTERFACE_MISSING', `interface ${name}`, {
      detail: `this machine has no such interface: it has ${there.join(', ') || 'none'}`,
    })
  }
  if (link.isLoopback || link.mac === undefined) {
    throw new TenbinError('INTERFACE_UNSUITABLE', `interface ${name}`, {
      detail: 'it has no Ethernet address',
    })
  }
  return link as EthernetLink
}

function addressElsewhere({ address, addressSet }: HeldAddress, link: Link, facts: Facts): Problem[] {
  const other = facts.addresses.find(
    (each) => each.address === address && each.ifindex !== link.index && !facts.isOwn(each.ifindex, address),
  )
  if (!other) return []
  const where = facts.links.find((each) => each.index === other.ifindex)?.name ?? `interface ${other.ifindex}`
  const text = `${formatIp(address)} of address set ${addressSet} is on ${where} already, not on ${link.name}`
  return [problem('ADDRESS_ELSEWHERE', text)]
}

// A dsr server must be reached without a router: the packet keeps the service's address, and a router would send
// it back. Where the file says the link's prefix, load() has checked that; where it does not, the routes say it.
function serverOffLink(
  server: EngineSpec['servers'][number],
  link: Link,
  held: readonly HeldAddress[],
  facts: Facts,
): Problem[] {
  const off = (why: string) => [
    problem('SERVER_OFF_LINK', `server ${server.name} ${formatIp(server.address)} ${why}`),
  ]
  if (facts.addresses.some((each) => each.address === server.address)) return off('is this machine itself')
  if (held.some((each) => contains(each, server.address))) return []
  const route = facts.route(server.address)
  if (isOnLink(route, link.index)) return []
  if (route.kind === 'local') return off('is this machine itself')
  if (route.kind === 'none') {
    const text = `server ${server.name} ${formatIp(server.address)}: no route to it: ${route.why}`
    return [problem('SERVER_UNREACHABLE', text)]
  }
  if (route.gateway !== undefined) return off(`is behind the router ${formatIp(route.gateway)}`)
  const other = facts.links.find((each) => each.index === route.ifindex)?.name ?? `interface ${route.ifindex}`
  return off(`is behind ${other}, not ${link.name}`)
}

/** contains: whether a service address's prefix length says that another address is on the same link. */
const contains = ({ address, prefix }: HeldAddress, other: Ip): boolean =>
  prefix > 0 && prefix < (isIp4(address) ? 32 : 128) && covers({ destination: address, prefix }, other)

/** summaryOf: a placement in a line. */
export const summaryOf = ({ node, link, spec }: Placement): string =>
  `${plural(spec.services.length, 'service')}, ${plural(spec.servers.length, 'server')}, node ${node}, ${link.name}`

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

/** linkChanges: how the NIC differs from the one that was applied to, in sentences. */
export function linkChanges(before: EthernetLink, now: EthernetLink): string[] {
  const changes: string[] = []
  if (now.index !== before.index) changes.push(`${now.name} was made anew`)
  if (now.mac !== before.mac) changes.push(`${now.name} has MAC ${now.mac} instead of ${before.mac}`)
  if (now.mtu !== before.mtu) changes.push(`${now.name} has MTU ${now.mtu} instead of ${before.mtu}`)
  return changes
}
