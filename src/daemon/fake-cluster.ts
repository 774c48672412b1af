// A node that is in no cluster, for tests.

import type { ClusterOperations } from './keep-cluster.ts'

const nothing = {
  keys: false,
  at: [],
  rotates: false,
  refused: { strangers: 0, excess: 0 },
  nodes: [],
  problems: [],
}

/** noCluster: what the API is told then. */
export const noCluster: ClusterOperations = {
  answer: () => nothing,
  rotate: () => nothing,
  leave: () => Promise.resolve(nothing),
}

const notAsked = () => Promise.reject(new Error('not asked here'))

/** aloneOperations: of a node that is alone; whoever asks it to move roles fails. */
export const aloneOperations = { cluster: noCluster, failover: notAsked, maintain: notAsked }
