// `routes:` of an address set: static routes that the active node has, and no other one. The source of what the node itself
// sends by one is an address of the set: in IPv4 that is what ends the route by the kernel's hand when the addresses end
// (vrrp/held-routes.ts), so there is always one.

import { formatIp, type Ip, isIp4 } from '../base/addresses.ts'
import { didYouMean } from '../base/nearest.ts'
import { bitsOf, formatPrefix, isIn, type Prefix, prefixOf, tryPrefix } from '../base/prefix.ts'
import { metricOf } from '../netlink/static-routes.ts'
import { describe } from './check-shape.ts'
import type { Whole } from './failover.ts'
import type { RouteOfSet } from './failover-spec.ts'
import type { Findings } from './findings.ts'
import { endOf, hostAddress, isLinkLocal } from './host-address.ts'
import type { Entry } from './merge.ts'
import { prefixAt } from './rule-words.ts'
import type { AddressSetShape, RouteShape } from './schema-addresses.ts'
import { formatPlace, inside, type Path, type Place } from './source.ts'
import { type AddressPart, type AddressSet, addressesOf } from './state.ts'

/** ROUTES_MOST: of one set: they are renewed together. */
const ROUTES_MOST = 64

type Say = (message: string, ...at: Path) => void

/** UNROUTABLE: what no router takes (RFC 6890, RFC 4291): loopback, multicast, link-local and reserved. */
const UNROUTABLE = ['127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::1/128', 'fe80::/10', 'ff00::/8'].map(
  (text) => tryPrefix(text)!,
)

/** resolveRoutes: in the file's order. */
export function resolveRoutes(
  shape: AddressSetShape,
  parts: readonly AddressPart[],
  place: Place,
  whole: Whole,
): RouteOfSet[] {
  const { routes = [], accept = true } = shape
  if (routes.length > 0 && !accept)
    whole.findings.add(
      inside(place, 'accept'),
      'what is sent by the set’s routes comes from its addresses, and with accept: false the answers are dropped: leave one of the two out',
    )
  if (routes.length > ROUTES_MOST)
    whole.findings.add(
      inside(place, 'routes', ROUTES_MOST),
      `${routes.length} routes are too many for a set: at most ${ROUTES_MOST}`,
    )
  return routes.flatMap((route, index) => {
    const at = inside(place, 'routes', index)
    return routeOf(route, { parts, isVirtual: shape.mac === 'virtual' }, at, whole) ?? []
  })
}

interface SetOfRoute {
  readonly parts: readonly AddressPart[]
  readonly isVirtual: boolean
}

function routeOf(
  shape: RouteShape,
  { parts, isVirtual }: SetOfRoute,
  at: Place,
  { nodes, findings }: Whole,
): RouteOfSet | undefined {
  const say: Say = (message, ...more) => findings.add(inside(at, ...more), message)
  const gateway = hostAddress(shape.via, inside(at, 'via'), findings, true)
  if (gateway === undefined) return undefined
  const to = networkOf(shape.to, gateway, say)
  if (to) checkNetwork(to, parts, nodes, say)
  const node = nodes.find(({ address }) => address === gateway)
  if (node) say(`${shape.via} is ${node.name}: ${NO_GATEWAY}`, 'via')
  const end = networksOf(parts)
    .filter((network) => isIn(gateway, network))
    .map(({ length }) => endOf(gateway, length))
    .find((each) => each !== undefined)
  if (end) say(`${shape.via} is the ${end} address of the set’s own network: no machine can have it`, 'via')
  const on = roleOf(shape, gateway, parts, say)
  if (isVirtual && on !== undefined) checkVirtual(shape, gateway, on, parts, say)
  const source = sourceOf(shape, gateway, on, parts, inside(at, 'source'), { findings, say })
  if (!to || on === undefined || source === undefined) return undefined
  return { on, to, gateway, source, ...(shape.metric !== undefined && { metric: shape.metric }) }
}

const NO_GATEWAY = 'a gateway is another machine, which this set’s nodes are not'

/** networksOf the set's addresses, as far as their prefix lengths tell them. */
const networksOf = (parts: readonly AddressPart[]): Prefix[] =>
  addressesOf({ parts }).flatMap(({ address, prefix }) =>
    prefix < bitsOf(address) && !isLinkLocal(address) ? [prefixOf(address, prefix)] : [],
  )

/** checkNetwork: what is on the link, or a node, is not behind a gateway. */
function checkNetwork(to: Prefix, parts: readonly AddressPart[], nodes: Whole['nodes'], say: Say): void {
  const isWithin = (other: Prefix): boolean => to.length >= other.length && isIn(to.address, other)
  const own = networksOf(parts).find(isWithin)
  const node = nodes.find(({ address }) => to.length === bitsOf(address) && address === to.address)
  const text = formatPrefix(to)
  if (own) say(`${text} is on the set’s own network ${formatPrefix(own)}: no gateway leads there`, 'to')
  else if (node) say(`${text} is ${node.name}: nodes reach each other without a gateway`, 'to')
  else if (UNROUTABLE.some(isWithin)) say(`${text} is behind no gateway: it is not routed`, 'to')
}

/** checkVirtual: a macvlan knows its link by its own addresses alone. */
function checkVirtual(
  { via }: RouteShape,
  gateway: Ip,
  on: string,
  parts: readonly AddressPart[],
  say: Say,
): void {
  const there = parts.filter((part) => part.on === on)
  const kin = addressesOf({ parts: there }).filter(({ address }) => isIp4(address) === isIp4(gateway))
  if (kin.length === 0 || isLinkLocal(gateway) || networksOf(there).some((each) => isIn(gateway, each)))
    return
  const example = `${formatIp(kin[0]!.address)}/${isIp4(gateway) ? 24 : 64}`
  say(
    `with mac: virtual no address on ${on} says that ${via} is on its link: give one its network’s length, such as ${example}`,
    'via',
  )
}

const familyText = (address: Ip): string => (isIp4(address) ? 'IPv4' : 'IPv6')

function networkOf(text: string, gateway: Ip, say: Say): Prefix | undefined {
  if (text === 'default') return prefixOf(gateway, 0)
  const to = prefixAt(text, say, 'to')
  if (!to || isIp4(to.address) === isIp4(gateway)) return to
  say(
    `${formatIp(gateway)} is no gateway of ${familyText(to.address)}: write one of its addresses there`,
    'via',
  )
  return undefined
}

/** roleOf the interface that it leaves by: as said, or the only one, or the one whose network the gateway is on. */
function roleOf(
  { on, via }: RouteShape,
  gateway: Ip,
  parts: readonly AddressPart[],
  say: Say,
): string | undefined {
  const roles = parts.map((part) => part.on)
  if (on !== undefined) {
    if (roles.includes(on)) return on
    say(`the set has no addresses on ${describe(on)}${didYouMean(on, roles)}`, 'on')
    return undefined
  }
  const near = parts.filter((part) => networksOf([part]).some((network) => isIn(gateway, network)))
  const [found, ...more] = roles.length === 1 ? roles : near.map((part) => part.on)
  if (found !== undefined && more.length === 0) return found
  say(`"on" is missing: which of ${roles.join(' and ')} is ${via} on?`, 'via')
  return undefined
}

/** sourceOf: as said, or the set's first address of the family, on the same role where there is one. */
function sourceOf(
  { source }: RouteShape,
  gateway: Ip,
  on: string | undefined,
  parts: readonly AddressPart[],
  place: Place,
  { findings, say }: { readonly findings: Findings; readonly say: Say },
): Ip | undefined {
  const there = parts.filter((part) => part.on === on)
  const kin = [...addressesOf({ parts: there }), ...addressesOf({ parts })]
    .map(({ address }) => address)
    .filter((address) => isIp4(address) === isIp4(gateway))
  if (source === undefined) {
    const chosen = kin.find((address) => !isLinkLocal(address))
    if (chosen === undefined)
      say(
        `the set has no ${familyText(gateway)} address, which is the source of such a route: add one`,
        'via',
      )
    return chosen
  }
  const said = hostAddress(source, place, findings, true)
  if (said === undefined || kin.includes(said)) return said
  say(`${source} is no ${familyText(gateway)} address of this set: the source of its routes is one`, 'source')
  return undefined
}

/** checkRoutes of all sets: nodes may be active for each of them at once. Of a set with a wrong one that is said already. */
export function checkRoutes(
  entries: readonly Entry<AddressSetShape>[],
  sets: readonly AddressSet[],
  findings: Findings,
): void {
  const first = new Map<string, Place>()
  const owners = new Map(
    sets.flatMap((set) => addressesOf(set).map(({ address }) => [address, set.name] as const)),
  )
  for (const { name, failover } of sets) {
    const { value, place } = entries.find((each) => each.name === name)!
    const shapes = value?.routes ?? []
    const routes = failover?.routes ?? []
    if (routes.length < shapes.length) continue
    for (const [index, route] of routes.entries()) {
      const { to, gateway } = route
      const at = inside(place, 'routes', index)
      const owner = owners.get(gateway)
      if (owner !== undefined)
        findings.add(
          inside(at, 'via'),
          `${formatIp(gateway)} is an address of ${owner === name ? 'this set' : `address set ${owner}`}: ${NO_GATEWAY}`,
        )
      const key = `${formatPrefix(to)} ${metricOf(route)}`
      const other = first.get(key)
      if (other)
        findings.add(
          at,
          `there is a route to ${shapes[index]!.to} already, at ${formatPlace(other)}: write a metric for one of the two, the smaller counts`,
        )
      else first.set(key, at)
    }
  }
}
