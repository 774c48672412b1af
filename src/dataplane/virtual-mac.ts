// Virtual router MACs (RFC 9568 7.3) in the packet path: frames to one are this node's while it is active for the virtual
// router, and nobody's otherwise. Its idea: the process that has roles says so in a word of direct memory, which it finds by
// the running program, so that a role changes with one store, whatever main does; the map survives generations. A word
// holds its whole key: two virtual routers that share a word cannot be taken for each other. What leaves has the
// interface's own MAC as its source, so a switch never learns the virtual one but from adverts and announcements.
//
//   word of a virtual router:  0, or while this node is active  ifindex << 9 | IPv6 << 8 | VRID

import type { Mac } from '../base/addresses.ts'
import { array, direct } from '../bpf/types.ts'
import { virtualRouterMac } from '../wire/vrrp.ts'

/** Words: of interfaces whose indexes differ modulo 16 every virtual router has one of its own. */
const WORDS = 1 << 13

/** ROLES: the map. Its size is always the same. */
export const ROLES = direct('roles', { words: array('u32', WORDS) })

/** VirtualRouterId: `vrid` 1..255, on the interface with the index. */
export interface VirtualRouterId {
  readonly ifindex: number
  readonly family: 4 | 6
  readonly vrid: number
}

/** VirtualMac: what the packet path compares: the MAC, the word's index, and what it holds while the node is active. */
export interface VirtualMac {
  readonly mac: Mac
  readonly at: number
  readonly active: number
}

/** virtualMacOf a virtual router. */
export function virtualMacOf({ ifindex, family, vrid }: VirtualRouterId): VirtualMac {
  const active = ((ifindex << 9) | (family === 6 ? 0x100 : 0) | vrid) >>> 0
  return { mac: virtualRouterMac(vrid, family), at: active % WORDS, active }
}
