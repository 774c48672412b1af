// The multipliers by which sources are told apart in the tables of defence: multilinear over the 32-bit words of an address
// of which all bits but its network's are cleared, mixed twice, for where it is and for what it is told by. Made of the
// hash keys, so that tables mean the same as long as these stay.
//
//   s = k0 + k1*w0 (IPv4), k6 + k1*w0 + k2*w1 + k3*w2 + k4*w3 (IPv6), modulo 2^64;  f = s xor s >> 32
//   place = f*k5 mod 2^64 >> 32;  print = f*k7 mod 2^64 >> 32;  the source is place << 32 | print
//
// A flow of UDP is told by the whole address and k8*ports + k9*service beside it.

import { flowKeys } from './flow-keys.ts'
import { ALL_FLOW_KEYS } from './memory.ts'

/** SOURCE_KEY: which key multiplies what; `four` and `six` are added. */
export const SOURCE_KEY = { four: 0, word: 1, place: 5, six: 6, print: 7, ports: 8, service: 9 } as const
/** SOURCE_KEYS: how many there are. */
export const SOURCE_KEYS = 10

/** sourceKeys: behind those of flows, of which none is one of these. */
export const sourceKeys = (keys: BigUint64Array): BigUint64Array =>
  flowKeys(keys, ALL_FLOW_KEYS + SOURCE_KEYS).subarray(ALL_FLOW_KEYS)
