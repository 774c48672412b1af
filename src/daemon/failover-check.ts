// What `tenbin check` says of address sets that move: files and scripts that cannot be used, addresses that adverts would lack,
// what asks something of the other nodes, and how soon silence is noticed.

import { formatIp, isIp4 } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { addressesOf, type DesiredState, nicOf } from '../config/state.ts'
import { scriptFault } from '../health/script-fault.ts'
import { lookUpUser } from '../health/user.ts'
import { TENBIN_PROTOCOL } from '../netlink/mark.ts'
import type { Network } from '../netlink/network.ts'
import { formatRoute } from '../netlink/static-routes.ts'
import { readSecrets } from '../vrrp/secrets.ts'
import { PRIORITY } from '../wire/vrrp.ts'
import type { Problem } from './api-schema.ts'
import { problem, problemsOf } from './problem.ts'
import { type MovingSet, movingSets } from './vrrp-spec.ts'

/** MovingUse: a set that moves; `noticedMs`: the longest that a node other than the preferred one waits for a silent node. */
export interface MovingUse {
  readonly name: string
  readonly vrid: number
  readonly version: 2 | 3
  readonly advertMs: number
  readonly priorities: Readonly<Record<string, number>>
  readonly noticedMs: number
  /** Static routes of the active node: 10.20.0.0/16 via 192.168.8.1. */
  readonly routes: readonly string[]
}

/** movingUses of a file, in its order. */
export const movingUses = (desired: DesiredState): MovingUse[] =>
  movingSets(desired).map(({ name, failover: { vrid, version, advertMs, priorities, routes } }) => {
    const [, ...others] = Object.values(priorities).toSorted((a, b) => b - a)
    const least = Math.min(...(others.length > 0 ? others : Object.values(priorities)))
    const skew = ((256 - least) * (version === 3 ? advertMs : 1000)) / 256
    return {
      ...{ name, vrid, version, advertMs, priorities, noticedMs: Math.round(3 * advertMs + skew) },
      routes: routes.map(formatRoute),
    }
  })

/** failoverProblems: one for each file of secrets, script and user that cannot be used on this machine. */
export const failoverProblems = (desired: DesiredState): Problem[] =>
  movingSets(desired).flatMap(({ name, failover: { auth, track } }) => [
    ...secretProblems(auth),
    ...track.flatMap(({ thing }) => (thing.kind === 'script' ? scriptProblems(name, thing) : [])),
  ])

function secretProblems(auth: MovingSet['failover']['auth']): Problem[] {
  try {
    readSecrets(auth?.kind === 'hmac' ? { ...auth, files: [...auth.files] } : auth)
    return []
  } catch (error) {
    return problemsOf(error)
  }
}

function scriptProblems(
  set: string,
  { command, user }: { command: readonly string[]; user: string },
): Problem[] {
  const [file = ''] = command
  const what = `script ${file} that ${set} tracks`
  try {
    const fault = scriptFault(file, { user, ...lookUpUser(user) })
    return fault === undefined ? [] : [problem('SCRIPT_UNUSABLE', `${what} ${fault}`)]
  } catch (error) {
    if (!(error instanceof TenbinError)) throw error
    return [problem('SCRIPT_UNUSABLE', `${what}: ${error.detail ?? error.message}`)]
  }
}

/**
 * failoverWarnings: what another node must be for this, and, on a machine, NICs without an address that adverts come from, or with
 * one that moves and that somebody else put there.
 */
export function failoverWarnings(
  desired: DesiredState,
  node: string,
  network: Pick<Network, 'listLinks' | 'listAddresses'> | undefined,
): Problem[] {
  return movingSets(desired).flatMap((set) => [
    ...(set.failover.auth?.kind === 'hmac'
      ? [
          problem(
            'VRRP_SIGNED',
            `${set.name}: adverts of vrid ${set.failover.vrid} are signed: every node of it must be tenbin, with this key`,
          ),
        ]
      : []),
    ...(network ? [...unsourced(set, desired, node, network), ...fixed(set, desired, node, network)] : []),
  ])
}

function unsourced(
  set: MovingSet,
  desired: DesiredState,
  node: string,
  network: Pick<Network, 'listLinks' | 'listAddresses'>,
): Problem[] {
  const service = new Set(
    desired.addressSets.flatMap((each) => addressesOf(each).map(({ address }) => address)),
  )
  const links = network.listLinks()
  const present = network.listAddresses()
  return set.parts.flatMap(({ on, addresses }) => {
    const nic = nicOf(desired, on, node)
    const link = links.find(({ name }) => name === nic)
    if (!link) return []
    const own = present.filter(({ ifindex, address }) => ifindex === link.index && !service.has(address))
    const unicast = set.failover.unicast?.find(({ role }) => role === on)?.nodes[node]
    if (unicast)
      return unicast.flatMap((wanted) =>
        own.some(({ address }) => address === wanted)
          ? []
          : [
              problem(
                'VRRP_UNSOURCED',
                `${set.name}: ${nic} does not have ${formatIp(wanted)}, this node's unicast address`,
              ),
            ],
      )
    // IPv6 has a link-local address wherever it is on.
    const needs = addresses.some(({ address }) => isIp4(address))
    if (!needs || own.some(({ address }) => isIp4(address))) return []
    return [problem('VRRP_UNSOURCED', `${set.name}: ${nic} has no IPv4 address of its own`)]
  })
}

/** fixed: an owner's addresses are its own. */
function fixed(
  { name, failover, parts }: MovingSet,
  desired: DesiredState,
  node: string,
  network: Pick<Network, 'listLinks' | 'listAddresses'>,
): Problem[] {
  if (failover.priorities[node] === PRIORITY.owner) return []
  const links = network.listLinks()
  const present = network.listAddresses()
  return parts.flatMap(({ on, addresses }) => {
    const nic = nicOf(desired, on, node)
    const link = links.find((each) => each.name === nic)
    return addresses.flatMap(({ address }) =>
      present.some(
        (each) =>
          each.ifindex === link?.index && each.address === address && each.protocol !== TENBIN_PROTOCOL,
      )
        ? [problem('VRRP_ADDRESS_FIXED', `${name}: ${formatIp(address)} is on ${nic}, and not by tenbin`)]
        : [],
    )
  })
}
