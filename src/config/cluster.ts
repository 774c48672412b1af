// Where the file's nodes meet: the port, and the second address that each may have for that, on another network, so that one
// cut does not part them. Both are addresses of nodes alone: a service's packets go to servers.

import { formatIp, type Ip } from '../base/addresses.ts'
import { didYouMean } from '../base/nearest.ts'
import { describe } from './check-shape.ts'
import type { Findings } from './findings.ts'
import { hostAddress } from './host-address.ts'
import type { Merged } from './merge.ts'
import type { Network } from './network.ts'
import { formatPlace, inside, keyOf, type Place } from './source.ts'
import type { ClusterState, DesiredState } from './state.ts'

/** CLUSTER_PORT: if the file says nothing else. */
export const CLUSTER_PORT = 7943

/** resolveCluster: the file's `cluster`; `metrics` are read at another port. */
export function resolveCluster(
  merged: Merged,
  network: Network,
  metrics: DesiredState['metrics'],
  findings: Findings,
): ClusterState {
  const entry = (name: string) => merged.cluster.find((one) => one.name === name)
  const port = entry('port')?.value ?? CLUSTER_PORT
  const also = entry('also')
  const addresses =
    also && typeof also.value === 'object'
      ? alsoOf(also.value, also.place, merged, network, findings)
      : undefined
  const state: ClusterState = {
    port: typeof port === 'number' ? port : CLUSTER_PORT,
    ...(addresses && { also: addresses }),
  }
  const listen = merged.metrics.find(({ name }) => name === 'listen')
  if (metrics && listen && network.nodes.length > 1 && metrics.port === state.port) {
    const own = [...network.nodes.map(({ address }) => address), ...Object.values(addresses ?? {})]
    if ([0, 0n, ...own].includes(metrics.address))
      findings.add(listen.place, `nodes meet at port ${state.port} (cluster.port): write another port`)
  }
  return state
}

function alsoOf(
  shape: Readonly<Record<string, string>>,
  place: Place,
  merged: Merged,
  { nodes, nodeAddresses, serviceAddresses }: Network,
  findings: Findings,
): Record<string, Ip> | undefined {
  if (merged.incomplete.has('nodes')) return undefined
  const names = nodes.map(({ name }) => name)
  if (names.length < 2) {
    findings.add(place, 'there is nobody to meet: add the other node to nodes')
    return undefined
  }
  for (const node of Object.keys(shape))
    if (!names.includes(node))
      findings.add(
        keyOf(inside(place, node)),
        `${describe(node)} is no node${didYouMean(node, names) || ': add it to nodes'}`,
      )
  const missing = names.filter((node) => !Object.hasOwn(shape, node))
  if (missing.length > 0)
    findings.add(keyOf(place), `also names no address of ${missing.join(', ')}: add ${missing[0]}: 10.0.0.2`)
  const seen = new Map<Ip, string>()
  for (const node of names) {
    const text = shape[node]
    if (text === undefined) continue
    const at = inside(place, node)
    const address = hostAddress(text, at, findings)
    if (address === undefined) continue
    const owner = nodeAddresses.get(address) ?? serviceAddresses.get(address)
    const other = seen.get(address)
    if (owner)
      findings.add(
        at,
        `${formatIp(address)} is ${owner.what}'s address already, at ${formatPlace(owner.place)}`,
      )
    else if (other !== undefined) findings.add(at, `${formatIp(address)} is ${other}'s address already`)
    seen.set(address, node)
  }
  return Object.fromEntries([...seen].map(([address, node]) => [node, address]))
}
