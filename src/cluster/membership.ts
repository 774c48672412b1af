// Into a cluster and on to others: what the commands `tenbin cluster init`, `invite`, `join` and `leave` do. They work on files alone,
// beside a daemon that may be running, and that finds within seconds what they wrote.

import { randomBytes } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { TenbinError } from '../base/errors.ts'
import { type ClusterSpec, endpointsOf } from './cluster-spec.ts'
import { Invitations, WORD_KEY } from './invitations.ts'
import { join } from './join.ts'
import { readKeyFile, writeKeyFile } from './key-file.ts'
import { newCluster } from './new-cluster.ts'
import { formatWord, parseWord } from './word.ts'

/** ClusterPlaces: where an instance keeps its keys and who is invited. */
export interface ClusterPlaces {
  readonly clusterKeys: string
  readonly clusterInvitations: string
}

/** found a cluster whose first node is `self`. Throws CLUSTER_EXISTS, CLUSTER_ALONE, and what fs throws. */
export function found({ clusterKeys }: ClusterPlaces, spec: ClusterSpec, self: string): void {
  refuseMember(clusterKeys, 'cluster init')
  requireOthers(spec, self)
  const [keys] = newCluster([self])
  writeKeyFile(clusterKeys, keys!)
}

/**
 * invite `node`: its word, good for `forMs` from `now`; an earlier one no longer is. Throws CLUSTER_NONE,
 * CLUSTER_KEYS_DAMAGED, PEER_UNKNOWN, and what fs throws.
 */
export function invite(
  { clusterKeys, clusterInvitations }: ClusterPlaces,
  spec: ClusterSpec,
  node: string,
  { forMs, now }: { readonly forMs: number; readonly now: Date },
): string {
  const keys = readKeyFile(clusterKeys)
  if (!keys)
    throw new TenbinError('CLUSTER_NONE', `invite ${node}`, { detail: `there are no keys in ${clusterKeys}` })
  const invited = spec.nodes.find(({ name }) => name === node && name !== keys.node)
  const [at] = endpointsOf(spec, keys.node)
  if (!invited || !at) {
    const others = spec.nodes.flatMap(({ name }) => (name === keys.node ? [] : [name]))
    const detail = `${node} is none of the other nodes of the file: ${others.join(', ') || 'there are none'}`
    throw new TenbinError('PEER_UNKNOWN', `invite ${node}`, { detail })
  }
  const key = new Uint8Array(randomBytes(WORD_KEY))
  new Invitations(clusterInvitations).invite({ node, key, until: now.getTime() + forMs })
  return formatWord({ node, from: invited.addresses[0]!, at, key })
}

/**
 * enter the cluster by a word; the name that this machine has there. Throws CLUSTER_EXISTS, CLUSTER_WORD_INVALID, what
 * join throws, and what fs throws; then this machine is in no cluster, and the word is still good.
 */
export async function enter({ clusterKeys }: ClusterPlaces, text: string): Promise<string> {
  refuseMember(clusterKeys, 'cluster join')
  const keys = await join(parseWord(text))
  writeKeyFile(clusterKeys, keys)
  return keys.node
}

/** leave the cluster: this machine's keys and whom it has invited are gone from the disk. Throws CLUSTER_NONE, and what fs throws. */
export function leave({ clusterKeys, clusterInvitations }: ClusterPlaces): void {
  if (!existsSync(clusterKeys))
    throw new TenbinError('CLUSTER_NONE', 'cluster leave', { detail: `there are no keys in ${clusterKeys}` })
  rmSync(clusterInvitations, { recursive: true, force: true })
  rmSync(clusterKeys)
}

function refuseMember(path: string, op: string): void {
  if (!existsSync(path)) return
  throw new TenbinError('CLUSTER_EXISTS', op, { detail: `its keys are in ${path}` })
}

function requireOthers({ nodes }: ClusterSpec, self: string): void {
  if (nodes.some(({ name }) => name === self) && nodes.length > 1) return
  const names = nodes.map(({ name }) => name).join(', ') || 'no nodes'
  throw new TenbinError('CLUSTER_ALONE', 'cluster init', { detail: `the file has ${names}` })
}
