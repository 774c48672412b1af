// The addresses of a node's own that stories of answers know (nat-early.ts): what is for them its kernel keeps, and forwards
// all else.

import { parseIp } from '../../base/addresses.ts'
import { ipBytes } from '../../wire/ipv6.ts'

/** KEPT: of each family one. The IPv6 one differs from client6 in its last word alone. */
export const KEPT = ['10.1.2.1', '2001:db8:ffff::8'] as const

const kept = KEPT.map((text) => Buffer.from(ipBytes(parseIp(text))))

/** isLocal: loopback, or of IPv6 multicast or of one link, which no node forwards. */
const isLocal = (address: Uint8Array): boolean => {
  const [first, second] = address
  if (address.length === 4) return first === 127
  return first === 0xff || (first === 0xfe && second! >> 6 === 2) || loopback6.equals(address)
}
const loopback6 = Buffer.from(ipBytes(parseIp('::1')))

/** isForwarded: whether the kernel of such a node forwards what is for this address, given in bytes. */
export const isForwarded = (destination: Uint8Array): boolean =>
  !isLocal(destination) && !kept.some((each) => each.equals(destination))
