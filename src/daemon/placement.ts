// Placement: what the file means on this machine, now. Which node this is, which NICs forward, which addresses it
// holds, what the engine is to do; or everything that stands in the way. Pure: the machine is handed in as facts.

import { formatIp, type Ip, isIp4, type Mac } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { toEngineSpec } from '../config/engine-spec.ts'
import {
  type DesiredState,
  type HeldAddress,
  heldBy,
  nicsOf,
  serviceNics,
  whichNode,
} from '../config/state.ts'
import type { EngineInterface, EngineSpec } from '../engine/engine.ts'
import type { InterfaceAddress } from '../netlink/addresses.ts'
import type { Link } from '../netlink/links.ts'
import { TENBIN_PROTOCOL } from '../netlink/mark.ts'
import { covers, isOnLink, type Route } from '../netlink/routes.ts'
import type { Problem } from './api-schema.ts'
import { Problems, problem, problemsOf } from './problem.ts'
import { turnChanges, turnOf } from './turn-addresses.ts'
import { unacceptedOf } from './unaccepted.ts'
import { virtualRoutersOf } from './virtual-routers.ts'

/** Facts: the machine as it is. */
export interface Facts {
  readonly links: readonly Link[]
  readonly addresses: readonly InterfaceAddress[]
  readonly route: (destination: Ip) => Route
  /** isOwn: whether this instance added the address to that interface. */
  readonly isOwn: (ifindex: number, address: Ip) => boolean
  /** isServing: whether flows may be with a server of this name: what runs sends to it. */
  readonly isServing: (server: string) => boolean
  /** defended: a file as it is defended after what operators have said; absent: they have said nothing. */
  readonly defended?: (desired: DesiredState) => DesiredState
}

/** EthernetLink: a link that frames can be addressed to. */
export type EthernetLink = Link & { readonly mac: Mac }

/** Placement: `held` are the service addresses that belong on this machine. */
export interface Placement {
  readonly node: string
  /** Those that forward, in the file's order of roles. */
  readonly links: readonly EthernetLink[]
  /** Every NIC that plays a role: servers may turn out to be behind it. */
  readonly nics: readonly string[]
  readonly held: readonly HeldAddress[]
  readonly spec: EngineSpec
  /** Of `nics` those that are missed, and all that stands in the way because of it: nothing where none is. */
  readonly absent: readonly string[]
  readonly missing: readonly Problem[]
}

/** place finds this machine's part. Throws NODE_UNKNOWN, NODE_AMBIGUOUS, or Problems with all that is wrong. */
export function place(desired: DesiredState, facts: Facts): Placement {
  const placement = placeSome(desired, facts)
  if (placement.missing.length > 0) throw new Problems('apply', placement.missing)
  return placement
}

/**
 * placeSome: the same where NICs are still to come, as at boot: the others forward meanwhile, if one of them has service
 * addresses; the servers that have no way yet are not usable.
 */
export function placeSome(desired: DesiredState, facts: Facts): Placement {
  const node = whichNode(
    desired,
    facts.addresses.map(({ address }) => address),
  )
  const held = heldBy(desired, node)
  const nics = nicsOf(desired, node)
  const absent = nics.filter((nic) => !facts.links.some(({ name }) => name === nic))
  const links = placeLinks(desired, node, absent, facts)
  const stays = (server: EngineSpec['servers'][number]) =>
    facts.isServing(server.name) && serverOffLink(server, nics, held, facts).length === 0
  const state = facts.defended?.(desired) ?? desired
  const spec = withNetworks(specOf(state, node, links.map(specLink), facts.addresses, stays), held, facts)
  const elsewhere = held.flatMap((address) => addressElsewhere(address, facts))
  const offLink = spec.servers.flatMap((server) => serverOffLink(server, nics, held, facts))
  if (elsewhere.length > 0 || (absent.length === 0 && offLink.length > 0))
    throw new Problems('apply', [...elsewhere, ...offLink])
  const service = serviceNics(desired, node)
  const missed = absent.filter((nic) => offLink.length > 0 || service.includes(nic))
  const missing = [...missed.flatMap((nic) => problemsOf(nicMissing(nic, facts.links))), ...offLink]
  return { node, links, nics, held, spec, absent: missed, missing }
}

/** specOf a file at a node that forwards on these interfaces and has these addresses. `stays`: as of toEngineSpec. */
export function specOf(
  desired: DesiredState,
  node: string,
  interfaces: EngineSpec['interfaces'],
  addresses: readonly InterfaceAddress[],
  stays?: (server: EngineSpec['servers'][number]) => boolean,
): EngineSpec {
  const turn = turnOf(desired, interfaces, addresses)
  const virtual = virtualRoutersOf(desired, node)
  const unaccepted = unacceptedOf(desired, node)
  return {
    ...toEngineSpec(desired, interfaces, stays),
    ...(turn && { turn }),
    ...(virtual.length > 0 && { virtual }),
    ...(unaccepted.length > 0 && { unaccepted }),
  }
}

/**
 * withNetworks: with nat, servers with the network that they share with the node: the smallest that is one of its own
 * addresses' on the NIC that the server is behind. Service addresses, which come and go, say nothing of it.
 */
function withNetworks(
  spec: EngineSpec,
  held: readonly HeldAddress[],
  { addresses, route }: Facts,
): EngineSpec {
  if (!spec.services.some(({ nat }) => nat)) return spec
  const service = new Set(held.map(({ address }) => address))
  const servers = spec.servers.map((server) => {
    const way = route(server.address)
    if (way.kind !== 'unicast' || !isOnLink(way, way.ifindex)) return server
    const networks = addresses.filter(
      ({ address, prefix, ifindex }) =>
        ifindex === way.ifindex &&
        !service.has(address) &&
        covers({ destination: address, prefix }, server.address),
    )
    if (networks.length === 0) return server
    return { ...server, network: Math.max(...networks.map(({ prefix }) => prefix)) }
  })
  return { ...spec, servers }
}

/**
 * placeLinks: which NICs of a node forward: those that its address sets are on, and of the others that play a role those
 * by which a server is reached; of them those that are not absent. Throws INTERFACE_MISSING where none is left that an
 * address set is on, INTERFACE_UNSUITABLE, or Problems of several NICs.
 */
function placeLinks(
  desired: DesiredState,
  node: string,
  absent: readonly string[],
  facts: Facts,
): EthernetLink[] {
  const service = serviceNics(desired, node)
  const isHopeless = service.length > 0 && service.every((nic) => absent.includes(nic))
  const links: EthernetLink[] = []
  const errors: unknown[] = []
  for (const nic of forwardingNics(desired, node, facts)) {
    if (absent.includes(nic) && !isHopeless) continue
    try {
      links.push(findLink(nic, facts.links))
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 1) throw new Problems('apply', errors.flatMap(problemsOf))
  if (errors.length === 1) throw errors[0]
  return links
}

/** forwardingNics: their names, whether they are there or not. */
export function forwardingNics(
  desired: DesiredState,
  node: string,
  { links, route, isServing }: Pick<Facts, 'links' | 'route' | 'isServing'>,
): string[] {
  const service = new Set(serviceNics(desired, node))
  const nics = nicsOf(desired, node)
  if (service.size === nics.length) return nics
  const nameOf = new Map(links.map(({ index, name }) => [index, name]))
  // one that no service has any more keeps its flows, and the NIC that it is behind
  const servers = desired.servers.filter(({ name }) => isUsed(desired, name) || isServing(name))
  const towards = new Set(
    servers.flatMap(({ address }) => {
      const way = route(address)
      return way.kind === 'unicast' ? (nameOf.get(way.ifindex) ?? []) : []
    }),
  )
  return nics.filter((nic) => service.has(nic) || towards.has(nic))
}

const isUsed = ({ services, pools }: DesiredState, server: string): boolean =>
  pools.some(
    ({ name, members }) =>
      members.some((member) => member.server === server) && services.some(({ pool }) => pool === name),
  )

/** specLink: what an engine needs to know of a NIC. */
export const specLink = ({ name, index, mac, mtu }: EthernetLink): EngineInterface => ({
  name,
  index,
  mac,
  mtu,
})

/** specOn: what an engine is to do on the NICs that are there now, with the addresses that they have. */
export function specOn(
  { turn: _, ...spec }: EngineSpec,
  desired: DesiredState,
  links: readonly EthernetLink[],
  addresses: readonly InterfaceAddress[],
): EngineSpec {
  const turn = turnOf(desired, links, addresses)
  return { ...spec, interfaces: links.map(specLink), ...(turn && { turn }) }
}

/** defendedSpec: a spec that is defended as a state says now. */
export function defendedSpec({ defence: _, ...spec }: EngineSpec, state: DesiredState): EngineSpec {
  const said = new Map(state.services.map(({ name, defence }) => [name, defence]))
  const services = spec.services.map(({ defence: _, ...service }) => {
    const defence = said.get(service.name)
    return defence ? { ...service, defence } : service
  })
  return { ...spec, services, ...(state.defence && { defence: state.defence }) }
}

function nicMissing(name: string, links: readonly Link[]): TenbinError {
  const there = links.filter((each) => !each.isLoopback).map((each) => each.name)
  const detail = `this machine has no such interface: it has ${there.join(', ') || 'none'}`
  return new TenbinError('INTERFACE_MISSING', `interface ${name}`, { detail })
}

/** findLink: the NIC by name. Throws INTERFACE_MISSING, INTERFACE_UNSUITABLE. */
export function findLink(name: string, links: readonly Link[]): EthernetLink {
  const link = links.find((each) => each.name === name)
  if (!link) throw nicMissing(name, links)
  if (link.isLoopback || link.mac === undefined) {
    throw new TenbinError('INTERFACE_UNSUITABLE', `interface ${name}`, {
      detail: 'it has no Ethernet address',
    })
  }
  return link as EthernetLink
}

function addressElsewhere({ address, addressSet, nic, byRole }: HeldAddress, facts: Facts): Problem[] {
  const link = facts.links.find(({ name }) => name === nic)
  const other = facts.addresses.find(
    (each) =>
      each.address === address &&
      each.ifindex !== link?.index &&
      !facts.isOwn(each.ifindex, address) &&
      // vrrp may have it on an interface of its own, with the virtual router's MAC
      !(byRole && each.protocol === TENBIN_PROTOCOL),
  )
  if (!other) return []
  const where = facts.links.find((each) => each.index === other.ifindex)?.name ?? `interface ${other.ifindex}`
  const text = `${formatIp(address)} of address set ${addressSet} is on ${where} already, not on ${nic}`
  return [problem('ADDRESS_ELSEWHERE', text)]
}

// A dsr server must be reached without a router: the packet keeps the service's address, and a router would send
// it back. Where the file says the link's prefix, load() has checked that; where it does not, the routes say it.
function serverOffLink(
  server: EngineSpec['servers'][number],
  nics: readonly string[],
  held: readonly HeldAddress[],
  facts: Facts,
): Problem[] {
  const off = (why: string) => [
    problem('SERVER_OFF_LINK', `server ${server.name} ${formatIp(server.address)} ${why}`),
  ]
  if (facts.addresses.some((each) => each.address === server.address)) return off('is this machine itself')
  if (held.some((each) => contains(each, server.address))) return []
  const route = facts.route(server.address)
  const way = route.kind === 'unicast' && facts.links.find(({ index }) => index === route.ifindex)
  if (way && isOnLink(route, way.index) && nics.includes(way.name)) return []
  if (route.kind === 'local') return off('is this machine itself')
  if (route.kind === 'none') {
    const text = `server ${server.name} ${formatIp(server.address)}: no route to it: ${route.why}`
    return [problem('SERVER_UNREACHABLE', text)]
  }
  if (route.gateway !== undefined) return off(`is behind the router ${formatIp(route.gateway)}`)
  const other = way ? way.name : `interface ${route.ifindex}`
  return off(`is behind ${other}, which plays no role: interfaces has ${nics.join(', ')}`)
}

/** contains: whether a service address's prefix length says that another address is on the same link. */
const contains = ({ address, prefix }: HeldAddress, other: Ip): boolean =>
  prefix > 0 && prefix < (isIp4(address) ? 32 : 128) && covers({ destination: address, prefix }, other)

/** summaryOf: a placement in a line. */
export const summaryOf = ({ node, links, spec }: Placement): string =>
  `${plural(spec.services.length, 'service')}, ${plural(spec.servers.length, 'server')}, node ${node}, ${links.map(({ name }) => name).join(' ')}`

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

/** changesOf a placement: how NICs and addresses differ from those that were applied to, in sentences. */
export const changesOf = (
  { links, spec }: Placement,
  now: readonly EthernetLink[],
  next: EngineSpec,
): string[] => [...linkChanges(links, now), ...turnChanges(spec.turn, next.turn)]

/** linkChanges: how the NICs that forward differ from those that were applied to, in sentences. */
const linkChanges = (before: readonly EthernetLink[], now: readonly EthernetLink[]): string[] => [
  ...before.flatMap((link) => {
    const same = now.find(({ name }) => name === link.name)
    return same ? linkChangesOf(link, same) : [`${link.name} is gone`]
  }),
  ...now.flatMap(({ name }) => (before.some((link) => link.name === name) ? [] : [`${name} forwards too`])),
]

function linkChangesOf(before: EthernetLink, now: EthernetLink): string[] {
  const changes: string[] = []
  if (now.index !== before.index) changes.push(`${now.name} was made anew`)
  if (now.mac !== before.mac) changes.push(`${now.name} has MAC ${now.mac} instead of ${before.mac}`)
  if (now.mtu !== before.mtu) changes.push(`${now.name} has MTU ${now.mtu} instead of ${before.mtu}`)
  return changes
}
