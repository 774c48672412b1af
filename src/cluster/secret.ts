// The secret that all nodes of a cluster share: 32 random bytes, made by `tenbin cluster init` and handed over by
// `join`. Its idea: whatever nodes have to agree on without talking (hash keys) is derived from it by HKDF (RFC 5869),
// each under a label of its own, so that knowing one tells nothing of another. It stays when keys are rotated: with other
// hash keys all flows would move.

import { hkdfSync } from 'node:crypto'
import { readKeyFile } from './key-file.ts'

/** ClusterPlace: where an instance keeps its cluster's keys (Instance has it). */
export interface ClusterPlace {
  readonly clusterKeys: string
}

/** clusterSecret: 32 bytes; undefined: this node is in no cluster. Throws CLUSTER_KEYS_DAMAGED, and what fs throws. */
export const clusterSecret = ({ clusterKeys }: ClusterPlace): Uint8Array | undefined =>
  readKeyFile(clusterKeys)?.secret

/** subkey: `length` bytes (at most 8160) of `secret` for one use, named by its label ("tenbin hash keys"). */
export const subkey = (secret: Uint8Array, label: string, length: number): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), label, length))
