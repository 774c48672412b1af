// What a check has seen, for people: how long answers take, when it last looked, the last failure in words, and why the
// standing changed, each of the last times. Bounded, and as JSON between processes as it is here. Pure.

import type { Finding } from './checker.ts'
import type { Transition } from './machine.ts'

/** LATENCY_BOUNDS: upper ends in ms of the histogram's buckets; one more holds what is longer. */
export const LATENCY_BOUNDS: readonly number[] = [
  0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000,
]
/** TRANSITIONS_KEPT: how many changes of standing are remembered. */
export const TRANSITIONS_KEPT = 16

/** History: times are those that findings carry. */
export interface History {
  readonly looks: number
  readonly lastLook?: {
    readonly at: number
    readonly outcome: Finding['outcome']
    readonly text: string
    readonly latencyMs: number
  }
  readonly lastFailure?: { readonly at: number; readonly text: string }
  /** By LATENCY_BOUNDS, of good findings only: how long failures take is the time-out's doing. */
  readonly latencies: readonly number[]
  /** The latest one last. */
  readonly transitions: readonly Transition[]
}

export const emptyHistory: History = {
  looks: 0,
  latencies: LATENCY_BOUNDS.map(() => 0).concat(0),
  transitions: [],
}

/** remember adds a finding and the change that it made. */
export function remember(history: History, finding: Finding, at: number, transition?: Transition): History {
  const { outcome, text, latencyMs } = finding
  const bucket = outcome === 'good' ? bucketOf(latencyMs) : -1
  return {
    looks: history.looks + 1,
    lastLook: { at, outcome, text, latencyMs },
    ...(outcome === 'good'
      ? history.lastFailure && { lastFailure: history.lastFailure }
      : { lastFailure: { at, text } }),
    latencies:
      bucket < 0
        ? history.latencies
        : history.latencies.map((count, index) => (index === bucket ? count + 1 : count)),
    transitions: transition
      ? [...history.transitions.slice(1 - TRANSITIONS_KEPT), transition]
      : history.transitions,
  }
}

/** quantileMs: the upper end of the bucket in which a share `q` of all is reached; infinite in the last; none of nothing. */
export function quantileMs(latencies: readonly number[], q: number): number | undefined {
  const total = latencies.reduce((sum, count) => sum + count, 0)
  if (total === 0) return undefined
  let index = 0
  for (let sum = latencies[0]!; sum < q * total; sum += latencies[index]!) index++
  return LATENCY_BOUNDS[index] ?? Number.POSITIVE_INFINITY
}

/** bucketOf: the histogram's bucket of a latency. */
export function bucketOf(latencyMs: number): number {
  const index = LATENCY_BOUNDS.findIndex((bound) => latencyMs <= bound)
  return index < 0 ? LATENCY_BOUNDS.length : index
}
