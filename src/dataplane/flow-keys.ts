// The second hash of a flow, B: multilinear over 32-bit words like the one that chooses the slot, with multipliers of
// its own. They are made of the hash keys and no others need be kept: who has the keys knows them, and a record can be
// found as long as the keys stay.
//
//   IPv4   b0 + b1*saddr + b2*ports + b3*daddr
//   IPv6   b0 + b1*s0 + b2*ports + b3*d0 + b4*s1 + b5*s2 + b6*s3 + b7*d1 + b8*d2 + b9*d3
//
// modulo 2^64; for UDP b10 stands in place of b0, as TCP and UDP may have the same ports. Then, as sources or ports in a row
// would lie unevenly: the sum's halves xored into the lower one, times b11, shifted right by 32 (schedule/hash.ts).

// A client network of a service that persists has two hashes of its own: with the keys from t = b12 on, and from t = b18
// on, where s0..s3 are the words of the source address with all bits but the network's cleared,
//
//   t0 + t1*service + t2*s0 (+ t3*s1 + t4*s2 + t5*s3)

import { FLOW_KEYS } from './memory.ts'

/** Which key multiplies what. */
export const FLOW_KEY = {
  tcp: 0,
  source: 1,
  ports: 2,
  destination: 3,
  source6: 4,
  destination6: 7,
  udp: 10,
  mix: 11,
} as const

/** TEMPLATE_KEY: where the keys of a network's hashes begin, and which multiplies what. */
export const TEMPLATE_KEY = { first: 12, other: 18, service: 1, source: 2 } as const

const MASK = 0xffff_ffff_ffff_ffffn

/** mix64: the finalizer of SplitMix64 (Steele, Lea and Flood, 2014), a bijection of 64-bit words. */
function mix64(word: bigint): bigint {
  let z = word & MASK
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK
  return z ^ (z >> 31n)
}

/** flowKeys: multipliers out of the hash keys, each of all of them; the first are the same however many. */
export function flowKeys(keys: BigUint64Array, count = FLOW_KEYS): BigUint64Array {
  let state = 0n
  for (const key of keys) state = mix64(state + 0x9e3779b97f4a7c15n + key)
  return BigUint64Array.from({ length: count }, () => {
    state = (state + 0x9e3779b97f4a7c15n) & MASK
    return mix64(state)
  })
}
