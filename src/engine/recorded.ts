// Recorded packets, as readers get them: named, in the order of time. A reader keeps a cursor and nothing else, so one that
// is slow loses what has been overwritten, is told how much, and holds nobody up.

import { type OutcomeName, toClient } from '../dataplane/outcomes.ts'
import type { RecordKind } from '../dataplane/record.ts'

/** RecordedPacket: one packet that the recorder kept. */
export interface RecordedPacket {
  /** When it was recorded: ms of the epoch, with fractions. */
  readonly at: number
  /** Why it was kept: a SYN, dropped, matched by a rule, or one of many that went on. */
  readonly kind: RecordKind
  readonly outcome: OutcomeName
  /** 'in': `bytes` are the frame as it came; 'out': as it left. */
  readonly direction: 'in' | 'out'
  /** The listener's whose it is; absent: nobody can tell. */
  readonly service?: string
  /** Who got it; absent: nobody. */
  readonly server?: string
  /** The name of the interface that it came in by. */
  readonly interface: string
  /** Bytes of the frame. */
  readonly length: number
  /** Its first bytes, 104 at most, from Ethernet's header on. */
  readonly bytes: Uint8Array
}

/** isToClient: the frame is one that goes to whoever asked, of a server or of the node itself. */
export const isToClient = ({ outcome, direction }: Pick<RecordedPacket, 'outcome' | 'direction'>): boolean =>
  direction === 'out' && toClient.has(outcome)

/** Cursor: how far a reader has read: by CPU the records ever written before it. Opaque to readers. */
export type Cursor = readonly number[]

/** Recorded: what was read. */
export interface Recorded {
  readonly packets: readonly RecordedPacket[]
  /** Where the next reading goes on. */
  readonly cursor: Cursor
  /** How many were overwritten before they were read. */
  readonly lost: number
  /** There is more to be read at once: `most` was reached. */
  readonly more: boolean
}

/** RecordedNames: those that packets which are kept can have. */
export type RecordedNames = Readonly<Record<'service' | 'server' | 'interface', readonly string[]>>

/** RecorderReader: the recorder as readers use it. */
export interface RecorderReader {
  /** since a cursor, all that is kept where there is none; at most `most` packets (4,096). */
  since(cursor?: Cursor, most?: number): Recorded
  /** end: behind all that is recorded. */
  end(): Cursor
  /** from: before the first packet that was recorded at that time of day (ms of the epoch) or later. */
  from(ms: number): Cursor
  /** oldest: since when (ms of the epoch) nothing has been overwritten; undefined: nothing ever was. */
  oldest(): number | undefined
  /** names of now and, as long as packets may have them, of before. */
  readonly names: RecordedNames
  /** interfaces: the names of those whose packets are recorded now. */
  readonly interfaces: readonly string[]
  /** kept: for how many records there is room, in how many bytes. */
  readonly kept: { readonly records: number; readonly bytes: number }
}
