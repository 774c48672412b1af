// The hash key decides which server a connection goes to: with another key, connections move. It is made once,
// kept in the state folder so that it survives a boot, and taken from the pinned packet path where that runs
// already. The nodes of a cluster have theirs from its secret, so that they agree before they have talked.

import { randomFillSync } from 'node:crypto'
import { TenbinError } from '../base/errors.ts'
import { type ClusterPlace, clusterSecret, subkey } from '../cluster/secret.ts'
import { HASH_KEYS } from '../dataplane/shape.ts'
import { readIfThere, writePrivate } from '../sys/private-file.ts'

/** readHashKeys: the kept key, or a new one, which is kept before it is used. Throws HASH_KEY_INVALID. */
export function readHashKeys(path: string): BigUint64Array {
  const bytes = readIfThere(path)
  if (bytes) return decode(bytes, path)
  const keys = randomFillSync(new BigUint64Array(HASH_KEYS))
  keepHashKeys(path, keys)
  return keys
}

/** clusterHashKeys: those of all nodes that share a secret. */
export function clusterHashKeys(secret: Uint8Array): BigUint64Array {
  const bytes = subkey(secret, 'tenbin hash keys', 8 * HASH_KEYS)
  return decode(Buffer.from(bytes), "the cluster's secret")
}

/** REREAD_MS: so often the cluster's keys are looked for. */
const REREAD_MS = 5_000

/** clusterHashKeysOf an instance, as they are at a time (`monotonic`); undefined: it is in no cluster, or its keys are damaged. */
export function clusterHashKeysOf(
  place: ClusterPlace,
  monotonic: () => number,
): () => BigUint64Array | undefined {
  let read = { at: Number.NEGATIVE_INFINITY, keys: undefined as BigUint64Array | undefined }
  return () => {
    if (monotonic() - read.at >= REREAD_MS) read = { at: monotonic(), keys: clusterHashKeysIn(place) }
    return read.keys
  }
}

function clusterHashKeysIn(place: ClusterPlace): BigUint64Array | undefined {
  try {
    const secret = clusterSecret(place)
    return secret && clusterHashKeys(secret)
  } catch (error) {
    // the cluster itself tells of it
    if (error instanceof TenbinError || (error as NodeJS.ErrnoException).syscall !== undefined)
      return undefined
    throw error
  }
}

/** keepHashKeys makes `keys` the kept ones, unless they are already. */
export function keepHashKeys(path: string, keys: BigUint64Array): void {
  const bytes = Buffer.alloc(8 * HASH_KEYS)
  keys.forEach((key, i) => {
    bytes.writeBigUInt64LE(key, 8 * i)
  })
  if (readIfThere(path)?.equals(bytes)) return
  writePrivate(path, bytes)
}

function decode(bytes: Buffer, path: string): BigUint64Array {
  if (bytes.length !== 8 * HASH_KEYS || bytes.every((byte) => byte === 0)) {
    throw new TenbinError('HASH_KEY_INVALID', 'read hash key', {
      detail: `${path} is not ${8 * HASH_KEYS} random bytes`,
    })
  }
  return BigUint64Array.from({ length: HASH_KEYS }, (_, i) => bytes.readBigUInt64LE(8 * i))
}
