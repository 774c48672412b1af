// The virtual routers of a file that have MACs of their own, as the packet path of a node is to know them. Pure.

import { isIp4 } from '../base/addresses.ts'
import { type DesiredState, nicOf } from '../config/state.ts'
import type { VirtualRouter } from '../engine/engine.ts'

/** virtualRoutersOf a file, on a node's NICs: one for each role and family that a set has addresses of. */
export const virtualRoutersOf = (desired: DesiredState, node: string): readonly VirtualRouter[] =>
  desired.addressSets.flatMap(({ parts, failover }) =>
    failover?.mac === 'virtual'
      ? parts.flatMap(({ on, addresses }) =>
          [...new Set(addresses.map(({ address }) => (isIp4(address) ? 4 : 6)))].map(
            (family): VirtualRouter => ({ on: nicOf(desired, on, node), family, vrid: failover.vrid }),
          ),
        )
      : [],
  )
