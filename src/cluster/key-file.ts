// The cluster's keys as a node keeps them: one file of JSON, mode 0600, replaced as a whole, so that a join or a rotation
// that is cut off has happened or has not. It holds what all nodes have (the shared secret, the seeds of the authorities
// that are trusted) and this node's name; certificates are made from it when they are needed and kept nowhere.

import { z } from 'zod'
import { TenbinError } from '../base/errors.ts'
import { isName } from '../base/ranges.ts'
import { readIfThere, writePrivate } from '../sys/private-file.ts'

/** SEED: bytes of the secret, and of an authority's Ed25519 seed (RFC 8032). */
export const SEED = 32

const seed = z
  .base64()
  .transform((text) => new Uint8Array(Buffer.from(text, 'base64')))
  .refine((bytes) => bytes.length === SEED, { error: `expected ${SEED} bytes` })

const keyFileSchema = z.strictObject({
  version: z.literal(1),
  node: z.string().refine(isName),
  secret: seed,
  /** Who signs this node's certificates. */
  current: seed,
  /** Trusted as well, while keys are rotated: the one to come, and the one before. */
  next: seed.optional(),
  previous: seed.optional(),
  /** Nodes that are left without the newest of these (rotation.ts). */
  without: z.array(z.string().refine(isName)).readonly().optional(),
})

/** ClusterKeys: what a node has of its cluster. Seeds are private keys. */
export type ClusterKeys = Omit<z.output<typeof keyFileSchema>, 'version'>

/** readKeyFile: undefined if there is none. Throws CLUSTER_KEYS_DAMAGED, and what fs throws. */
export function readKeyFile(path: string): ClusterKeys | undefined {
  const bytes = readIfThere(path)
  if (!bytes) return undefined
  try {
    const { version: _, ...keys } = keyFileSchema.parse(JSON.parse(bytes.toString('utf8')))
    return keys
  } catch (cause) {
    throw new TenbinError('CLUSTER_KEYS_DAMAGED', 'read cluster keys', {
      detail: `${path} is not what \`tenbin cluster init\` or \`join\` wrote`,
      cause,
    })
  }
}

/** writeKeyFile keeps `keys`. Throws what fs throws; what was there before is then untouched. */
export function writeKeyFile(path: string, keys: ClusterKeys): void {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
  const { node, secret, current, next, previous, without = [] } = keys
  const file = {
    version: 1,
    node,
    secret: text(secret),
    current: text(current),
    ...(next && { next: text(next) }),
    ...(previous && { previous: text(previous) }),
    ...(without.length > 0 && { without }),
  }
  writePrivate(path, `${JSON.stringify(file, null, 2)}\n`)
}
