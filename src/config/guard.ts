// `guard: 50%`, `guard: off`, or `guard: { share: 50%, interval: 5s, hold: 60s }`: when the failures of a pool are not
// believed (health/guard.ts). `off` has to be written: without the guard a checker that goes blind empties every pool.

import { parseDuration } from '../base/durations.ts'
import { TenbinError } from '../base/errors.ts'
import { describe } from './check-shape.ts'
import type { Findings } from './findings.ts'
import type { ServiceShape } from './schema-services.ts'
import { inside, type Place } from './source.ts'

/** GuardState: more than `share` of a pool failing within an interval is not believed; 1: all is. Times in ms. */
export interface GuardState {
  readonly share: number
  /** Absent: what one round of the pool's checks takes. */
  readonly intervalMs?: number
  /** How long it is not believed while others of the pool are up. */
  readonly holdMs: number
}

/** GUARD: what is not said. */
export const GUARD: GuardState = { share: 0.5, holdMs: 60_000 }

/** resolveGuard: undefined, and a finding, where it is not right. */
export function resolveGuard(
  value: NonNullable<ServiceShape['guard']>,
  at: Place,
  findings: Findings,
): GuardState | undefined {
  if (typeof value === 'string') {
    const share = shareOf(value, at, findings)
    return share === undefined ? undefined : { ...GUARD, share }
  }
  const before = findings.count
  const share = value.share === undefined ? GUARD.share : shareOf(value.share, inside(at, 'share'), findings)
  const interval = millisecondsOf(value.interval, inside(at, 'interval'), findings)
  const hold = millisecondsOf(value.hold, inside(at, 'hold'), findings)
  if (findings.count > before) return undefined
  return {
    share: share!,
    ...(interval !== undefined && { intervalMs: interval }),
    holdMs: hold ?? GUARD.holdMs,
  }
}

/** guardOf a pool that several services share: the most careful of each. */
export const guardOf = (guards: readonly GuardState[]): GuardState => {
  const intervals = guards.flatMap(({ intervalMs }) => intervalMs ?? [])
  return {
    share: Math.min(...guards.map(({ share }) => share)),
    ...(intervals.length > 0 && { intervalMs: Math.max(...intervals) }),
    holdMs: Math.max(...guards.map(({ holdMs }) => holdMs)),
  }
}

/** shareOf: `50%` is 0.5, `off` is 1: more than all cannot fail. */
function shareOf(text: string, place: Place, findings: Findings): number | undefined {
  if (text === 'off') return 1
  const percent = /^([1-9]\d?)%$/.exec(text)?.[1]
  if (percent !== undefined) return Number(percent) / 100
  findings.add(place, `${describe(text)} is not a share: write guard: 50%, or off`)
  return undefined
}

/** BOUNDS in ms. */
const BOUNDS = { min: 100, max: 86_400_000 }

function millisecondsOf(text: string | undefined, place: Place, findings: Findings): number | undefined {
  if (text === undefined) return undefined
  try {
    const ms = parseDuration(text)
    if (ms >= BOUNDS.min && ms <= BOUNDS.max) return ms
    findings.add(place, `${text} is out of range: it is 100ms to 24h`)
  } catch (error) {
    if (!(error instanceof TenbinError)) throw error
    findings.add(place, error.detail ?? error.message)
  }
  return undefined
}
