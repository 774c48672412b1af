// Addresses that move between nodes have a lifetime that is renewed several times within it (vrrp/held-addresses.ts), and
// the kernel tells of each renewal: that changes nothing.

import { TENBIN_PROTOCOL } from './mark.ts'
import type { NetworkEvent } from './network.ts'

/** isRenewal: an address of ours that moves has got another lifetime, or its first one. */
export const isRenewal = (event: NetworkEvent): boolean =>
  event.kind === 'address' &&
  !event.gone &&
  event.address.protocol === TENBIN_PROTOCOL &&
  event.address.lifetime !== undefined
