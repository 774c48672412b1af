// Takeovers of an address set, by whichever node: what nodes that fail in turn of one cause leave behind, since none of them
// lives to count. Its idea: each node tells the others all takeovers that it knows of (peer-roles.ts), and reads its own
// again from the events that it kept; so who takes over after a reboot knows what came before. Counted is a takeover because
// nobody was heard, from another node: what somebody ordered, and what is taken back, is none. Pure.

import { z } from 'zod'
import type { Event } from '../events/event.ts'

/** takeoverSchema: `at` in ms of the time of day there; `isSilence`: nobody was heard any more, or why is not known. */
export const takeoverSchema = z.object({ node: z.string(), at: z.number(), isSilence: z.boolean() })
export type Takeover = z.infer<typeof takeoverSchema>

/** FAILURES: so many within so long are told, and put preemption off for so long after the last one: machines boot in minutes. */
export const FAILURES = { most: 2, withinMs: 30 * 60_000, backOffMs: 10 * 60_000 } as const
/** TAKEOVERS_KEPT: the latest of a set; those told by others are no more. */
export const TAKEOVERS_KEPT = 16
/** AHEAD_MS: as far as a clock may be ahead; what is later yet was said by one that was wrong. */
const AHEAD_MS = 60_000

/** isSilence: by the name of a Why (vrrp/event.ts). */
export const isSilence = (why: string): boolean => why === 'silence' || why === 'overslept'

/** mergeTakeovers: all of both that are known at `now`, the latest last. */
export function mergeTakeovers(
  a: readonly Takeover[],
  b: readonly Takeover[],
  now: number,
): readonly Takeover[] {
  const all = new Map([...b, ...a].map((each) => [`${each.node} ${each.at}`, each]))
  return [...all.values()]
    .filter(({ at }) => at <= now + AHEAD_MS)
    .sort((one, other) => one.at - other.at)
    .slice(-TAKEOVERS_KEPT)
}

/** takeoversKept: this node's, of one set, as events tell that were kept. */
export const takeoversKept = (events: readonly Event[], set: string, node: string): Takeover[] =>
  events.flatMap(({ kind, set: of, data, time }) => {
    if (kind !== 'role.changed' || of !== set || data.to !== 'active') return []
    const at = typeof data.since === 'number' ? data.since : Date.parse(time)
    return [{ node, at, isSilence: isSilence(String(data.why)) }]
  })

/** Failures: how often the active node failed lately; `nodes`: who was active, one after the other. */
export interface Failures {
  readonly count: number
  readonly nodes: readonly string[]
  readonly forMs: number
  /** Until then nobody is to preempt; ms of the time of day. */
  readonly heldUntil: number
}

/** tooMany of these takeovers, at `now`: undefined: they are not. */
export function tooMany(takeovers: readonly Takeover[], now: number): Failures | undefined {
  const turns = takeovers.filter(({ node }, index) => node !== takeovers[index - 1]?.node)
  const failed = turns.flatMap(({ isSilence: isOne, at }, index) =>
    isOne && index > 0 && at > now - FAILURES.withinMs ? [index] : [],
  )
  const [first, last] = [failed[0], failed.at(-1)]
  if (first === undefined || last === undefined || failed.length < FAILURES.most) return undefined
  return {
    count: failed.length,
    nodes: turns.slice(first - 1).map(({ node }) => node),
    forMs: turns[last]!.at - turns[first]!.at,
    heldUntil: turns[last]!.at + FAILURES.backOffMs,
  }
}
