// What a node shows to others, and whom it trusts: credentials of its own, made anew at every start and once a day, and the
// authorities of its keys (one; two while keys are rotated). Nothing of it is on disk but the keys, and nothing that is
// lost here has to be asked for elsewhere.

import { type Authority, authorityOf, type Credentials, issue } from './certificate.ts'
import type { ClusterKeys } from './key-file.ts'

const DAY_MS = 86_400_000
/** LIFE_MS: how long a certificate is good: a clock that is that far ahead of the others finds theirs ended. */
export const LIFE_MS = 7 * DAY_MS
/** RENEW_MS: how old it becomes. */
export const RENEW_MS = DAY_MS

/** Identity: `trusted` are PEM certificates of authorities, `ids` theirs, the one that signs for this node first. */
export interface Identity {
  readonly node: string
  readonly credentials: Credentials
  readonly trusted: readonly string[]
  readonly ids: readonly string[]
  /** made: when, by the clock that counts for certificates. */
  readonly made: Date
}

/** identityOf keys, with a certificate that is good for {@link LIFE_MS} from `now`. */
export function identityOf({ node, current, next, previous }: ClusterKeys, now: Date): Identity {
  const signing = authorityOf(current)
  const others = [next, previous].flatMap((seed): Authority[] => (seed ? [authorityOf(seed)] : []))
  const trusted = [signing, ...others]
  return {
    node,
    credentials: issue(signing, node, new Date(now.getTime() + LIFE_MS)),
    trusted: trusted.map(({ certificate }) => certificate),
    ids: trusted.map(({ id }) => id),
    made: now,
  }
}

/** isOld: whether to make it anew; also where the clock was set back since. */
export const isOld = ({ made }: Identity, now: Date): boolean => {
  const age = now.getTime() - made.getTime()
  return age < 0 || age >= RENEW_MS
}
