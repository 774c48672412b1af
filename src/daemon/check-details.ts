// What checks have seen, for people: each with whom it is about, what it asks, when it looked last, how long answers take,
// the last failure, and why the standing changed. Put together from the plan, the states that the daemon knows, and the
// histories of the checker, where it is there. Pure.

import { quantileMs } from '../health/history.ts'
import { labelOf } from '../health/label.ts'
import type { Ordered, User } from '../health/orders.ts'
import type { Detail, State } from '../health/protocol.ts'
import type { CheckDetail } from './api-schema-checks.ts'

/** CheckFilter: checks of a service, of a server, or of both. */
export interface CheckFilter {
  readonly service?: string | undefined
  readonly server?: string | undefined
}

/** DETAILS_MOST: checks in one answer. */
export const DETAILS_MOST = 1_000

/** Meant: a check, and one of those whom it is about. */
interface Meant {
  readonly ordered: Ordered
  readonly user: User
}

/** meantBy: what a filter selects, in the file's order, as many as an answer may have; and how many more there are. */
export function meantBy(
  ordered: ReadonlyMap<string, Ordered>,
  { service, server }: CheckFilter,
): { readonly meant: readonly Meant[]; readonly more: number } {
  const all = [...ordered.values()].flatMap((each) =>
    each.users
      .filter((user) => service === undefined || user.service === service)
      .filter((user) => server === undefined || user.server === server)
      .map((user) => ({ ordered: each, user })),
  )
  return { meant: all.slice(0, DETAILS_MOST), more: Math.max(0, all.length - DETAILS_MOST) }
}

/** checkDetails: `states` by key, as the daemon knows them; `details` as the checker has told them. */
export function checkDetails(
  meant: readonly Meant[],
  states: ReadonlyMap<string, State>,
  details: readonly Detail[],
  overdue: readonly string[],
): CheckDetail[] {
  const known = new Map(details.map((detail) => [detail.key, detail]))
  return meant.map(({ ordered: { order }, user: { server, service, pool, isObserved } }) => {
    const { key, check, address, port } = order
    const { everyMs, timeoutMs, fall, rise } = check.rhythm
    const detail = known.get(key)
    const state = detail ?? states.get(key)
    return {
      ...{ server, service, pool, isObserved, check: labelOf(check.probe), kind: check.probe.kind },
      ...{ address, port, everyMs, timeoutMs, fall, rise },
      standing: state?.standing ?? 'unknown',
      ...(state && { since: timeText(state.since) }),
      ...(state?.why !== undefined && { why: state.why }),
      ...(state?.warning !== undefined && { warning: state.warning }),
      isOverdue: overdue.includes(key),
      ...(detail && { history: historyOf(detail) }),
    }
  })
}

function historyOf({ streak, history }: Detail): NonNullable<CheckDetail['history']> {
  const { looks, lastLook, lastFailure, latencies, transitions } = history
  const [p50, p99] = [quantileMs(latencies, 0.5), quantileMs(latencies, 0.99)]
  return {
    ...{ looks, streak },
    ...(lastLook && { lastLook: { ...lastLook, at: timeText(lastLook.at) } }),
    ...(lastFailure && { lastFailure: { ...lastFailure, at: timeText(lastFailure.at) } }),
    ...(p50 !== undefined && Number.isFinite(p50) && { p50Ms: p50 }),
    ...(p99 !== undefined && Number.isFinite(p99) && { p99Ms: p99 }),
    latencies: [...latencies],
    transitions: transitions.map((each) => ({ ...each, at: timeText(each.at) })),
  }
}

const timeText = (ms: number): string => new Date(ms).toISOString()
