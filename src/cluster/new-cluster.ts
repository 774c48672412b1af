// A new cluster's keys: what `tenbin cluster init` makes for one node, and a lab for all of its nodes.

import { randomBytes } from 'node:crypto'
import { type ClusterKeys, SEED } from './key-file.ts'

/** newCluster: keys of a cluster that did not exist before, for each of `nodes`. */
export function newCluster(nodes: readonly string[]): readonly ClusterKeys[] {
  const secret = new Uint8Array(randomBytes(SEED))
  const current = new Uint8Array(randomBytes(SEED))
  return nodes.map((node) => ({ node, secret, current }))
}
