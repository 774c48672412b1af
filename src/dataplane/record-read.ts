// A record of the recorder, read. The packet path takes a SYN, and what it drops, after it has counted its TTL down: here
// such a frame is again what it was when it came.

import { updateChecksum } from '../wire/checksum.ts'
import { outlineOf } from '../wire/outline.ts'
import { type OutcomeName, outcomeNames, outcomes } from './outcomes.ts'
import { NO_SERVICE, PacketRecord, RECORD_KINDS, type RecordKind } from './record.ts'

/** ReadRecord: numbers as the shape has them. */
export interface ReadRecord {
  /** CLOCK_MONOTONIC, ms. */
  readonly ms: number
  readonly kind: RecordKind
  readonly outcome: OutcomeName
  /** 'in': the frame as it came; 'out': as it left. */
  readonly direction: 'in' | 'out'
  /** Indexes; absent: the record does not say. */
  readonly service?: number
  readonly server?: number
  readonly interface: number
  /** Bytes of the frame, of which these are the first. */
  readonly length: number
  readonly frame: Uint8Array
}

/** EARLY: dropped before the TTL is looked at (docs/packet-path.md, step 13). */
const EARLY: ReadonlySet<OutcomeName> = new Set([
  ...(['fragment', 'fragment-held', 'fragment-lost', 'tiny-fragment'] as const),
  ...(['truncated', 'bad-length', 'ttl', 'not-accepted'] as const),
])

const { offsets } = PacketRecord

/** sequenceOf the record at an offset: what it says that it is; 0: it is being written. */
export const sequenceOf = (view: DataView, at: number): number => view.getUint32(at + offsets.sequence, true)

/** timeOf the record at an offset: CLOCK_MONOTONIC, ms. */
export const timeOfRecord = (view: DataView, at: number): number =>
  (view.getUint32(at + offsets.time + 4, true) * 2 ** 32 + view.getUint32(at + offsets.time, true)) / 1e6

/** readRecord copies the record at an offset; undefined: it is none of this version's. */
export function readRecord(view: DataView, at: number): ReadRecord | undefined {
  const outcome = outcomeNames[view.getUint8(at + offsets.outcome)]
  const kind = RECORD_KINDS[view.getUint8(at + offsets.kind)]
  if (!outcome || !kind) return undefined
  const captured = Math.min(view.getUint8(at + offsets.captured), PacketRecord.fields.frame.count)
  const start = view.byteOffset + at + offsets.frame
  const frame = new Uint8Array(view.buffer.slice(start, start + captured) as ArrayBuffer)
  const direction = kind !== 'established' ? 'in' : 'out'
  const isCounted = direction === 'in' && !EARLY.has(outcome) && outcomes[outcome].verdict !== 'pass'
  if (isCounted) countHop(frame)
  const service = view.getUint16(at + offsets.service, true)
  const server = view.getUint16(at + offsets.server, true)
  return {
    ms: timeOfRecord(view, at),
    kind,
    outcome,
    direction,
    ...(service !== NO_SERVICE && { service }),
    ...(server !== 0 && { server }),
    interface: view.getUint8(at + offsets.interface),
    length: view.getUint32(at + offsets.length, true),
    frame,
  }
}

/** countHop: TTL or hop limit is one more, and IPv4's checksum what it was. */
function countHop(frame: Uint8Array): void {
  const outline = outlineOf(frame)
  if (!outline) return
  const { ip } = outline
  const isIpv4 = frame[ip]! >> 4 === 4
  const hops = isIpv4 ? ip + 8 : ip + 7
  const before = frame[hops]! * 256 + frame[hops + 1]!
  frame[hops] = (frame[hops]! + 1) & 0xff
  if (!isIpv4) return
  const field = frame[ip + 10]! * 256 + frame[ip + 11]!
  const sum = updateChecksum(field, before, frame[hops]! * 256 + frame[hops + 1]!)
  frame[ip + 10] = sum >> 8
  frame[ip + 11] = sum & 0xff
}
