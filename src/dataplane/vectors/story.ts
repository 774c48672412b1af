// A story: packets of flows one after the other, between which words, failures and the clock change; after each, what
// became of it, which events were counted, and what the flow's record is. Expectations are written down or built from
// parts, never asked of the model. The same stories are told to the model and to the kernel.

import type { Mac } from '../../base/addresses.ts'
import type { Outcome } from '../model.ts'
import type { EventName, OutcomeName } from '../outcomes.ts'
import type { ScheduleTable } from '../scheduling.ts'
import type { FlowFixtureName } from './flow-fixtures.ts'
import { resetOf } from './reset-of.ts'
import { forwards, keeps, type Parts } from './vector.ts'

/** Change: what is other from a step on. Lists are complete: who is not in them is well again. */
export interface Change {
  /** The clock, in ticks. */
  readonly at?: number
  /** The word in all slots of pool 0, or of each pool. */
  readonly word?: number | readonly number[]
  /** The word in all slots of each pool's table before. */
  readonly before?: readonly number[]
  /** Single slots of pool 0, and of its table before. */
  readonly slots?: Readonly<Record<number, number>>
  readonly slotsBefore?: Readonly<Record<number, number>>
  /** Servers that have failed in pool 0, or in another: [pool, server]. */
  readonly failed?: readonly (number | readonly [pool: number, server: number])[]
  /** Servers to whom no client network comes back, likewise. */
  readonly shut?: readonly (number | readonly [pool: number, server: number])[]
  /** Servers whose MAC is not known. */
  readonly lost?: readonly number[]
  /** Records may be on their way from other nodes, where they may come; in a network that forwards (nat-early.ts). */
  readonly awaits?: boolean
  /** The table is emptied, as by a sweep of the daemon, or by another user of its places. */
  readonly sweep?: true
  /** What schedulers that count go by, by service. */
  readonly schedules?: Readonly<Record<number, ScheduleTable>>
  /** Connections as service 0 sees them: 'SERVER:ACTIVE/INACTIVE' of those that are other. */
  readonly loads?: string
  /** What turns answers back is forgotten, and nothing else; or the flow table alone is emptied. */
  readonly sweepAnswers?: true
  readonly sweepFlows?: true
  /** In every record of answers a bit of the address is another, as if two CPUs had written it at once. */
  readonly tearAnswers?: true
}

/** Step: a change, and a packet. */
export interface Step extends Change {
  readonly send: Parts
  /** A packet whose flow it is about, where it is not itself one of the client's. */
  readonly of?: Parts
  /** The server that gets it, or how it ends. */
  readonly to: 1 | 2 | Exclude<OutcomeName, 'forwarded' | 'redirected' | 'time-exceeded'>
  /** The MAC of the interface that it leaves by, if that is another. */
  readonly by?: Mac
  /** Its service. */
  readonly service?: number
  /** Events that are counted, without "flow-": 'miss insert'. */
  readonly events?: string
  /**
   * The flow's record afterwards: 'STATE SERVER', then as far as they matter ' of SERVICE', ' @TICKS' (now), ' in PLACE'
   * (0..3 of the first bucket, 4..7 of the second); or 'none'.
   */
  readonly record?: string
  /** The record of the client's network afterwards, likewise. */
  readonly network?: string
  /** What is left of others' records, by place. */
  readonly left?: readonly number[]
  /** Connections afterwards, as service 0 sees them: 'SERVER:ACTIVE/INACTIVE', of those who have any. */
  readonly counts?: string
}

/** Held: a record that is there from the start, as in Step.record; of the first packet's flow, or of nobody we meet. */
export interface Held {
  readonly place: number
  readonly record: string
  readonly own?: true
  /** It is that of the first packet's client network; `place` is one of its own. */
  readonly network?: true
  /** Nobody we meet, but one of his hashes is that of the first packet's flow. */
  readonly shares?: 'hash' | 'other'
  /** Its key is that of this record instead: half of one and half of another. */
  readonly keyOf?: string
}

/** Story: names are unique among stories and vectors. */
export interface Story {
  readonly name: string
  readonly fixture: FlowFixtureName
  readonly held?: readonly Held[]
  readonly steps: readonly Step[]
}

/** Told: what a step came to. */
export interface Told {
  readonly outcome: Outcome
  readonly events: string
  readonly record: string
  readonly network?: string
  readonly left?: readonly number[]
  readonly counts?: string
}

const plain = (events: string): string => events.split(' ').filter(Boolean).sort().join(' ')

/** eventText: counted events as steps have them; each once, or 'NAME*2'. */
export const eventText = (events: Readonly<Record<EventName, number>>): string =>
  plain(
    Object.entries(events)
      .filter(([, times]) => times > 0)
      .map(([name, times]) => name.replace(/^flow-/, '') + (times > 1 ? `*${times}` : ''))
      .join(' '),
  )

/** outcomeOf a step. */
export function outcomeOf({ send, to, by, service = 0 }: Step): Outcome {
  if (to === 1 || to === 2)
    return forwards('', send, { service, server: to, ...(by !== undefined && { by }) }).expected
  return to === 'reset' ? { outcome: 'reset', frame: resetOf(send) } : keeps(to, '', send).expected
}

/** expectedOf a story, with the time written out where it was now. */
export function expectedOf({ steps }: Story): Told[] {
  let now = START
  return steps.map((step) => {
    now = step.at ?? now
    return {
      outcome: outcomeOf(step),
      events: plain(step.events ?? ''),
      record: atTime(step.record ?? 'none', now),
      ...(step.network && { network: atTime(step.network, now) }),
      ...(step.left && { left: step.left }),
      ...(step.counts !== undefined && { counts: step.counts }),
    }
  })
}

/** START: the ticks at which stories begin. */
export const START = 1_000

const atTime = (record: string, now: number): string => {
  if (record === 'none' || record.includes('@')) return record
  const [what, place] = record.split(' in ')
  return `${what} @${now}${place === undefined ? '' : ` in ${place}`}`
}
