// What the vrrp process is told of a file: this node's part of every address set that moves. Pure.

import { formatIp, type Ip, isIp4 } from '../base/addresses.ts'
import { formatPrefix } from '../base/prefix.ts'
import type { Failover, RouteOfSet, TrackRule } from '../config/failover-spec.ts'
import { type AddressSet, type DesiredState, nicOf } from '../config/state.ts'
import type { NetworkSpec, SetRoute, SetSpec, TrackSpec, VrrpSpec } from '../vrrp/spec.ts'
import { VRRP_TTL } from '../wire/vrrp.ts'

/** MovingSet: an address set that moves. */
export type MovingSet = AddressSet & { readonly failover: Failover }

/** movingSets of a file, in its order. */
export const movingSets = ({ addressSets }: Pick<DesiredState, 'addressSets'>): MovingSet[] =>
  addressSets.filter((set): set is MovingSet => set.failover !== undefined)

/** vrrpSpecOf: `instance`: whose packet path a node must have to be active. */
export const vrrpSpecOf = (desired: DesiredState, node: string, instance: string): VrrpSpec => ({
  sets: movingSets(desired).map((set) => setOf(set, desired, node)),
  packetPath: { instance },
})

function setOf(set: MovingSet, desired: DesiredState, node: string): SetSpec {
  const { failover, name, parts } = set
  const { vrid, version, advertMs, preempt, preemptDelayMs, accept, checksum, mac, auth } = failover
  return {
    ...{ name, vrid, version, advertMs, preempt, preemptDelayMs, accept, checksum, mac },
    priority: failover.priorities[node]!,
    ...(auth && { auth: auth.kind === 'pass' ? auth : { ...auth, files: [...auth.files] } }),
    announce: { ...failover.announce },
    networks: parts.map((part): NetworkSpec => {
      const unicast = unicastOf(failover, part.on, node)
      return {
        name: part.on,
        nic: nicOf(desired, part.on, node),
        addresses: part.addresses.map(({ address, prefix }) => `${formatIp(address)}/${prefix}`),
        ...(unicast && { unicast }),
      }
    }),
    ...(failover.routes.length > 0 && {
      routes: failover.routes.map((route) => routeOf(route, desired, node)),
    }),
    track: failover.track.map((rule) => trackOf(rule, desired, node)),
  }
}

/** unicastOf a role: whom this node speaks to, each in the families that both have. */
function unicastOf(
  { unicast, minTtl = VRRP_TTL }: Failover,
  role: string,
  node: string,
): NetworkSpec['unicast'] {
  const found = unicast?.find((each) => each.role === role)
  if (!found) return undefined
  const self = found.nodes[node] ?? []
  const others = Object.entries(found.nodes).flatMap(([name, addresses]) => (name === node ? [] : addresses))
  const families = new Set(self.map(isIp4))
  const texts = (some: readonly Ip[]) => some.map(formatIp)
  return { self: texts(self), peers: texts(others.filter((each) => families.has(isIp4(each)))), minTtl }
}

const routeOf = (
  { on, to, gateway, source, metric }: RouteOfSet,
  desired: DesiredState,
  node: string,
): SetRoute => ({
  ...{
    nic: nicOf(desired, on, node),
    to: formatPrefix(to),
    via: formatIp(gateway),
    source: formatIp(source),
  },
  ...(metric !== undefined && { metric }),
})

function trackOf({ name, thing, ...rest }: TrackRule, desired: DesiredState, node: string): TrackSpec {
  const rule = { name, ...rest }
  switch (thing.kind) {
    case 'link':
      return { ...rule, thing: { kind: 'link', nic: nicOf(desired, thing.role, node) } }
    case 'service':
      return { ...rule, thing: { kind: 'service' } }
    case 'script':
      return { ...rule, thing: { ...thing, command: [...thing.command] } }
    case 'file':
      return { ...rule, thing }
    case 'reach':
      return { ...rule, thing: { ...thing, addresses: thing.addresses.map(formatIp) } }
  }
}
