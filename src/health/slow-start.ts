// Slow start: a server that comes back gets its share in steps over a time, so that caches warm up and pools of
// connections fill before all of it arrives. In steps, because each change of a weight moves slots. Pure.

/** RAMP_STEPS: how many changes of weight a ramp takes. */
export const RAMP_STEPS = 10

/** rampShare: the part of its weight that a server has, `since` the ramp began; from 1/RAMP_STEPS to 1. */
export function rampShare(since: number, now: number, overMs: number): number {
  if (overMs <= 0 || now >= since + overMs) return 1
  return (Math.floor((RAMP_STEPS * (now - since)) / overMs) + 1) / RAMP_STEPS
}

/** rampNext: when its part changes next; undefined = it has all of it. */
export function rampNext(since: number, now: number, overMs: number): number | undefined {
  if (rampShare(since, now, overMs) === 1) return undefined
  const step = Math.floor((RAMP_STEPS * (now - since)) / overMs) + 1
  return since + (step * overMs) / RAMP_STEPS
}

/** ramped: a weight's part; at least 1, since 0 would mean that it gets nothing. */
export const ramped = (weight: number, share: number): number =>
  weight === 0 ? 0 : Math.max(1, Math.round(weight * share))
