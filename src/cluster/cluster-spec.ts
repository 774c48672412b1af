// What the file says of the cluster: who belongs to it, and where each meets the others.

import type { Endpoint, Ip } from '../base/addresses.ts'
import type { DesiredState } from '../config/state.ts'
import type { Way } from './call-failure.ts'

/** NodeSpec: `addresses`: its own of `nodes` first, then the one of `cluster.also`, if there is one. */
export interface NodeSpec {
  readonly name: string
  readonly addresses: readonly Ip[]
}

/** ClusterSpec: the nodes in the file's order. */
export interface ClusterSpec {
  readonly port: number
  readonly nodes: readonly NodeSpec[]
}

/** clusterSpecOf a file. */
export const clusterSpecOf = ({ cluster, nodes }: Pick<DesiredState, 'cluster' | 'nodes'>): ClusterSpec => ({
  port: cluster.port,
  nodes: nodes.map(({ name, address }) => {
    const also = cluster.also?.[name]
    return { name, addresses: also === undefined ? [address] : [address, also] }
  }),
})

/** endpointsOf a node: where it is met. */
export const endpointsOf = ({ port, nodes }: ClusterSpec, node: string): readonly Endpoint[] =>
  (nodes.find(({ name }) => name === node)?.addresses ?? []).map((address) => ({ address, port }))

/** waysFrom one node to another: the first address of the one to that of the other, the second to the second. */
export function waysFrom(spec: ClusterSpec, self: string, other: string): readonly Way[] {
  const from = endpointsOf(spec, self)
  return endpointsOf(spec, other).flatMap((to, i) => (from[i] ? [{ from: from[i].address, to }] : []))
}

/** sameSpec: whether two say the same. */
export const sameSpec = (a: ClusterSpec | undefined, b: ClusterSpec | undefined): boolean =>
  textOf(a) === textOf(b)

const textOf = (spec: ClusterSpec | undefined): string =>
  JSON.stringify(spec, (_, value) => (typeof value === 'bigint' ? `${value}n` : value)) ?? ''
