// Every name that an advert can be judged to have, so that a fuzz can tell what it has not met.

import type { Refusal, Remark } from '../../src/vrrp/finding.ts'

const named: Record<Refusal['name'] | Remark['name'], true> = {
  truncated: true,
  version: true,
  type: true,
  checksum: true,
  vrid: true,
  count: true,
  interval: true,
  'auth-type': true,
  'trailer-missing': true,
  'trailer-format': true,
  'trailer-key': true,
  'trailer-mac': true,
  'trailer-replayed': true,
  'trailer-old-boot': true,
  ttl: true,
  'version-mismatch': true,
  'vrid-mismatch': true,
  'interval-mismatch': true,
  'auth-mismatch': true,
  password: true,
  stranger: true,
  'own-address': true,
  'interval-differs': true,
  'vrid-clash': true,
  'addresses-differ': true,
  'checksum-form': true,
  'trailer-unexpected': true,
  'two-owners': true,
}

/** VERDICTS: all of them, and `counts`. */
export const VERDICTS: readonly string[] = ['counts', ...Object.keys(named)]
