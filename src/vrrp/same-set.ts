// What makes an address set of one file and one of the next the same.

import { membersOf } from './members.ts'
import type { SetSpec } from './spec.ts'

/** isSameSet: a set that goes on with other parameters; else it is another one. */
export const isSameSet = (a: SetSpec, b: SetSpec): boolean => identityOf(a) === identityOf(b)

/** isSameRouter: adverts of both are of one virtual router, wherever both are (RFC 9568 1.7: VRID and family). */
export const isSameRouter = (a: SetSpec, b: SetSpec): boolean =>
  a.name === b.name && a.vrid === b.vrid && a.version === b.version

const identityOf = (spec: SetSpec): string =>
  JSON.stringify([spec.name, spec.vrid, spec.version, spec.mac, placesOf(spec)])
const placesOf = (spec: SetSpec): unknown =>
  membersOf(spec).map(({ name, nic, unicast }) => [name, nic, `${unicast?.self}`])
