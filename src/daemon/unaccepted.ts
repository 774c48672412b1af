// The addresses of a file whose packets a node's kernel is not to get (`accept: false`). Pure. A node that owns a set's addresses
// accepts all the same (RFC 9568 6.1).

import type { Ip } from '../base/addresses.ts'
import { addressesOf, type DesiredState } from '../config/state.ts'
import { PRIORITY } from '../wire/vrrp.ts'

/** unacceptedOf a file, at a node. */
export const unacceptedOf = (
  { addressSets }: Pick<DesiredState, 'addressSets'>,
  node: string,
): readonly Ip[] =>
  addressSets
    .filter(({ failover }) => failover?.accept === false && failover.priorities[node] !== PRIORITY.owner)
    .flatMap((set) => addressesOf(set).map(({ address }) => address))
