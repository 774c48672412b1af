// Known adverts through codec and checksum, then mutated ones through all that judges them.

import { ok } from 'node:assert'
import { fuzz } from '../../vrrp/fuzz.ts'
import { assertKnown, knownAdverts } from '../../vrrp/known-adverts.ts'
import { VERDICTS } from '../../vrrp/verdicts.ts'

/** run throws at the first difference. */
export function run(): void {
  for (const known of knownAdverts) assertKnown(known)
  const { verdicts } = fuzz(5_000, 93)
  for (const name of VERDICTS) ok(verdicts[name], `${name} is never met`)
}
