// What turns a server's answers back into a listener's: a record for each flow that `forward: nat` translates, found by
// what an answer carries. 48 bytes, four to a bucket; key and value are made and compared as those of flow-record.ts.
//
//   key      K ^ (S | S << 32)     K: a 64-bit hash of server, client, both ports and protocol (answerKey)
//   value    S (server, service), time and state
//   address  the listener's: 16 bytes, of IPv4 the first four and zeros; port: the listener's, in wire order
//   seal     of K, address and port, so that a record of which two CPUs wrote parts at once turns nothing back
//   hop      where the client's last packet came from: the MAC that answers go to, and in the upper 16 bits the number of the
//            interface that they leave by; changed by one 64-bit store
//
// A record is the flow's only with its key and its seal. The sum of K is multilinear like that of a flow's second hash,
// with the same multipliers, over the words of an answer as they lie in its packet; a bijection of 64-bit words spreads
// it, so that no part of it is lost and both bucket numbers are well mixed.

import { array, bytes, struct } from '../bpf/types.ts'
import { BUCKET_ENTRIES } from './flow-record.ts'

/** AnswerEntry: one record. */
export const AnswerEntry = struct('answer_entry', {
  key: 'u64',
  stable: 'u32',
  changing: 'u32',
  address: bytes(16),
  port: 'be16',
  fill: 'u16',
  seal: 'u32',
  hop: 'u64',
})
/** AnswerBucket: records that are looked at together. */
export const AnswerBucket = struct('answer_bucket', { entries: array(AnswerEntry, BUCKET_ENTRIES) })

/** ANSWER_WORDS: where a record's fields are, in 32-bit words. */
export const ANSWER_WORDS = {
  keyLow: 0,
  keyHigh: 1,
  stable: 2,
  changing: 3,
  address: 4,
  port: 8,
  seal: 9,
  hop: 10,
  count: 12,
} as const

/** HOP_VIA: how far an interface's number is to the left in a hop. */
export const HOP_VIA = 48

/** SPREAD: the multipliers of the bijection: the finalizer of SplitMix64 (Steele, Lea and Flood, 2014). */
export const SPREAD = [0xbf58476d1ce4e5b9n, 0x94d049bb133111ebn] as const
/** SEAL: multipliers of the address's halves and the port. */
export const SEAL = [0x9e3779b97f4a7c15n, 0xd6e8feb86659fd93n, 0xa0761d6478bd642fn] as const

/** CLASH_TRIES: so many other slots are asked for a server when a new flow's has its place taken. */
export const CLASH_TRIES = 8
/** CLASH_STEP: a slot's hash plus the number of the try, times it, is the next one's: 2^32 over the golden ratio, odd, so that tries lie far apart. */
export const CLASH_STEP = 0x9e37_79b1
