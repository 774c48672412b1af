// A flow's record in the flow table: 16 bytes, four to a bucket of one cache line. The stable half S of the value is
// mixed into the key, so that an entry of which a reader sees half of one record and half of another matches no flow,
// or the same server; what changes with every packet (time, state) is outside of S and is stored together with it by
// one 64-bit store. An entry whose value is 0 is empty.
//
//   key    F ^ (S | S << 32)     F = A << 32 | B: A the hash that chose the flow's slot, B a second one (flow-keys.ts)
//   value  bits 0..14 server | 15..30 service | 31 template  = S
//          bits 32..61 time, in ticks (Clock), modulo 2^30 | 62..63 state
//
// A template (persistence) is such a record of a client network instead of a flow; its F is templateId's (flow-keys.ts).
//
// Two buckets may hold a flow's record: bucketsOfFlow. Times are compared modulo 2^30 with SLACK for other CPUs' clocks.

import { array, struct } from '../bpf/types.ts'

/** FlowEntry: one record; `stable` (S) and `changing` are the halves of the value. */
export const FlowEntry = struct('flow_entry', { key: 'u64', stable: 'u32', changing: 'u32' })
export const BUCKET_ENTRIES = 4
/** FlowBucket: records that lie in one cache line. */
export const FlowBucket = struct('flow_bucket', { entries: array(FlowEntry, BUCKET_ENTRIES) })

/** FLOW: states. `closed`: a FIN or RST was seen; `established` is UDP's as well. */
export const FLOW = { empty: 0, closed: 1, syn: 2, established: 3 } as const
export type FlowState = (typeof FLOW)[keyof typeof FLOW]

export const SERVICE_SHIFT = 15
/** TEMPLATE: of S: the record is a client network's. */
export const TEMPLATE = 0x8000_0000
/** TIME_MASK: ticks are counted modulo 2^30. */
export const TIME_MASK = 0x3fff_ffff
export const STATE_SHIFT = 30
/** SLACK: a time may be so many ticks ahead of this CPU's and counts as now. */
export const SLACK = 64

/** WORDS: an entry as 32-bit words: key's lower and upper half, S, time and state. */
export const WORDS = { keyLow: 0, keyHigh: 1, stable: 2, changing: 3, count: 4 } as const

/** FlowRecord: an entry that is not empty. `hash` is A: with the number of slots of its pool it tells the slot. */
export interface FlowRecord {
  readonly hash: number
  readonly other: number
  readonly server: number
  readonly service: number
  /** Ticks modulo 2^30. */
  readonly time: number
  readonly state: FlowState
  /** It is a client network's. */
  readonly template?: true
}

/** stableOf: S. */
export const stableOf = ({
  server,
  service,
  template,
}: Pick<FlowRecord, 'server' | 'service' | 'template'>): number =>
  (server | (service << SERVICE_SHIFT) | (template ? TEMPLATE : 0)) >>> 0

/**
 * flowRecordAt: the record in an entry of the table, seen as 32-bit words (little-endian); undefined: empty. `count`: words
 * of an entry, which begins with these four in the table of answers, too.
 */
export function flowRecordAt(
  words: Uint32Array,
  entry: number,
  count: number = WORDS.count,
): FlowRecord | undefined {
  const at = count * entry
  const stable = words[at + WORDS.stable]!
  const changing = words[at + WORDS.changing]!
  if (changing >>> STATE_SHIFT === FLOW.empty) return undefined
  return {
    hash: (words[at + WORDS.keyHigh]! ^ stable) >>> 0,
    other: (words[at + WORDS.keyLow]! ^ stable) >>> 0,
    server: stable & 0x7fff,
    service: (stable >>> SERVICE_SHIFT) & 0xffff,
    time: changing & TIME_MASK,
    state: (changing >>> STATE_SHIFT) as FlowState,
    ...(stable >>> 31 === 1 && { template: true }),
  }
}

/** storeFlowRecord writes a record into an entry, for tests and tables of another size: nobody else writes it then. */
export function storeFlowRecord(words: Uint32Array, entry: number, record: FlowRecord): void {
  const at = WORDS.count * entry
  const stable = stableOf(record)
  words[at + WORDS.keyHigh] = record.hash ^ stable
  words[at + WORDS.keyLow] = record.other ^ stable
  words[at + WORDS.stable] = stable
  words[at + WORDS.changing] = (record.state << STATE_SHIFT) | record.time
}

/**
 * slackAge: ticks since a record's time, counted from SLACK ticks ahead, so that a time which another CPU took a little
 * later than this one is no age of two years.
 */
export const slackAge = (now: number, time: number): number => (now + SLACK - time) & TIME_MASK

/** ageOf: ticks since a record's time. */
export const ageOf = (now: number, time: number): number => Math.max(0, slackAge(now, time) - SLACK)

/** isOlder: whether a record has been silent for more than so many ticks. */
export const isOlder = (now: number, time: number, ticks: number): boolean =>
  slackAge(now, time) > ticks + SLACK

/** RANK_MASK: of the time only units of eight ticks count, about half a second. */
export const RANK_MASK = TIME_MASK - 7

/**
 * rankOf an entry by its time and state: what a new record overwrites first has the least: empty ones, closed ones,
 * those of a SYN only, established ones; of equals the oldest.
 */
export const rankOf = (changing: number, now: number): number =>
  ((changing & ~TIME_MASK) | ((changing - (now + SLACK + 1)) & RANK_MASK)) >>> 0

/** tickOf: what a record's time is at so many jiffies, in the bits that it has for it. */
export const tickOf = (jiffies: bigint, shift: number, mask = TIME_MASK): number =>
  Number((jiffies >> BigInt(shift)) & BigInt(mask))

/** scaleExactly: hash * n >> 32, for tables of more than 2^21 buckets too. */
const scaleExactly = (hash: number, n: number): number =>
  Math.floor(((hash >>> 16) * n + Math.floor(((hash & 0xffff) * n) / 0x10000)) / 0x10000)

/** MIX: an odd constant (2^32 over the golden ratio). */
export const MIX = 0x9e37_79b1

/** FLOW_BYTES: of a table, for each flow: so less than one in a thousand finds no place but another's. */
const FLOW_BYTES = 27
/** entriesFor: how many places a table for so many flows has. */
export const entriesFor = (flows: number): number => Math.ceil((flows * FLOW_BYTES) / FlowEntry.size)

/** bucketsOfFlow: where a flow's record may be: the first bucket by B, the second by a mix of both hashes. */
export const bucketsOfFlow = (hash: number, other: number, buckets: number): readonly [number, number] => [
  scaleExactly(other, buckets),
  scaleExactly((Math.imul(other, MIX) + hash) >>> 0, buckets),
]
