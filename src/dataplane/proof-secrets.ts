// The secrets of proofs of source: made of the hash keys, so that they are the same on all nodes of a cluster and after
// every start, and by HMAC, so that who learns what else is made of these keys learns nothing of them.

import { createHmac } from 'node:crypto'
import type { Secret } from './siphash.ts'

/** ProofSecrets: of cookies, and of where a source is in the table. */
export interface ProofSecrets {
  readonly cookie: Secret
  readonly source: Secret
}

/** SECRETS: where among the defence's keys they begin, two words each. */
export const SECRETS = { cookie: 16, source: 18 } as const
/** SECRET_WORDS: as they lie there. */
export const SECRET_WORDS = 4

/** secretWords of the hash keys. */
export function secretWords(keys: BigUint64Array): BigUint64Array {
  const bytes = new Uint8Array(keys.buffer, keys.byteOffset, keys.byteLength)
  const digest = createHmac('sha256', bytes).update('tenbin proof of source').digest()
  return BigUint64Array.from({ length: SECRET_WORDS }, (_, i) => digest.readBigUInt64LE(8 * i))
}

/** proofSecrets of the hash keys. */
export function proofSecrets(keys: BigUint64Array): ProofSecrets {
  const [a, b, c, d] = [...secretWords(keys)] as [bigint, bigint, bigint, bigint]
  return { cookie: [a, b], source: [c, d] }
}
