// What the recorder keeps of a packet, and how many it keeps (docs/packet-path.md, R). Each CPU has a ring of records of
// its own, 128 bytes each, the frame's first bytes among them; the newest overwrites the oldest. Of each kind a CPU keeps
// the first so many in a window of time, so few that a ring holds a minute whatever arrives, and all there is where little
// does: what is new or dropped has more room than what goes on as it did.

import { invariant } from '../base/errors.ts'
import { array, bytes, direct, struct } from '../bpf/types.ts'
import type { RecorderShape } from './defence-shape.ts'
import type { Clock } from './shape.ts'

/**
 * RECORD_KINDS: why a packet is kept, by its number: a SYN (`new`), one that was dropped, one that a rule with `record` matched,
 * any other that left again.
 */
export const RECORD_KINDS = ['new', 'dropped', 'rule', 'established'] as const
export type RecordKind = (typeof RECORD_KINDS)[number]
/** FRAME_BYTES: of a frame so many are kept: an IPv6 SYN with all its options and two tags. */
export const FRAME_BYTES = 104
/** NO_SERVICE: the record does not say; the frame's destination does. */
export const NO_SERVICE = 0xffff
/** KEPT_S: a ring holds so many seconds at least. */
export const KEPT_S = 60

/**
 * PacketRecord: `time`: CLOCK_MONOTONIC in ns. `sequence`: the lower half of the record's number on its CPU, plus 1; 0 while
 * it is being written. `interface`: the number of the one that the frame came in by. `length`: bytes of the frame, of which
 * `captured` are here.
 */
export const PacketRecord = struct('packet_record', {
  time: 'u64',
  sequence: 'u32',
  service: 'u16',
  server: 'u16',
  outcome: 'u8',
  kind: 'u8',
  interface: 'u8',
  captured: 'u8',
  length: 'u32',
  frame: bytes(FRAME_BYTES),
})
/** RecorderHead: how many records a CPU has ever written; on a line of its own. */
export const RecorderHead = struct('recorder_head', { written: 'u64', fill: bytes(56) })
/**
 * Recording: of one CPU. `pending`: the place, plus 1, of a record whose packet has not left yet; 0: there is none. `spent`: by
 * kind the window in which one was kept last, times 256, plus how many were in it.
 */
export const RecorderState = struct('recorder_state', {
  pending: 'u64',
  spent: array('u64', RECORD_KINDS.length),
  fill: bytes(24),
})

/** recorderOf lays the rings out. */
export const recorderOf = ({ records }: RecorderShape, cpus: number) =>
  direct('recorder', { heads: array(RecorderHead, cpus), records: array(PacketRecord, cpus * records) })
export type RecorderMemory = ReturnType<typeof recorderOf>

/** USUAL_MEMORY: bytes of a recorder of which the file says no size: so many a CPU, so many at most. */
const USUAL_MEMORY = { perCpu: 8 * 2 ** 20, most: 64 * 2 ** 20 }
/** usualMemory of so many CPUs: bytes. */
export const usualMemory = (cpus: number): number => Math.min(USUAL_MEMORY.most, cpus * USUAL_MEMORY.perCpu)

/** recordsFor: how many each of so many CPUs has in so many bytes: a power of two, 64 at least. */
export const recordsFor = (memoryBytes: number, cpus: number): number =>
  2 ** Math.floor(Math.log2(Math.max(64, memoryBytes / (PacketRecord.size * cpus))))

/** Budget: how many of each kind a CPU keeps in a window of 2^shift jiffies. */
export interface Budget {
  readonly shift: number
  readonly kept: Readonly<Record<RecordKind, number>>
}

/** SHARES of a window, of eight; LEAST: so many it has at least. */
const SHARES: Readonly<Record<RecordKind, number>> = { new: 3, dropped: 2, rule: 1, established: 2 }
const LEAST = 16
/** MOST of a kind: what is counted has a byte. */
const MOST = 255

/** budgetOf a ring: windows as short as they can be with room for each kind. */
export function budgetOf({ records }: RecorderShape, { hz }: Pick<Clock, 'hz'>): Budget {
  invariant(records >= 64 && Number.isInteger(Math.log2(records)), `a ring of ${records} records`)
  const perJiffy = records / KEPT_S / hz
  const shift = Math.max(0, Math.ceil(Math.log2(LEAST / perJiffy)))
  const eighth = (perJiffy * 2 ** shift) / 8
  const kept = (kind: RecordKind) => Math.min(MOST, Math.floor(SHARES[kind] * eighth))
  return {
    shift,
    kept: {
      new: kept('new'),
      dropped: kept('dropped'),
      rule: kept('rule'),
      established: kept('established'),
    },
  }
}
