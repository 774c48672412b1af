// When a service asks for proof, from one SYN to the next (docs/packet-path.md, D). A word of the service says until when;
// a window counts the SYNs of a second. In peace nobody is looked up until a second has brought `below` of them: only what
// comes on top is told apart, and not counted where its source is proven. Above `above` proof is asked for, at once, and as
// long as a second brings `below` unproven ones it goes on; then for `hold` more. Ticks are counted in 32 bits: only
// differences are used.

/** SwitchSettings: SYNs of a second of the clock, `below` at most `above`; ticks. */
export interface SwitchSettings {
  readonly mode: 'auto' | 'on' | 'off'
  readonly above: number
  readonly below: number
  readonly hold: number
}

/** SwitchState: what is remembered of a service. */
export interface SwitchState {
  second: number
  count: number
  until: number
}

/** Now: the time of a packet, in ticks and seconds of the clock. */
export interface Now {
  readonly tick: number
  readonly second: number
}

/** isAsked: whether a service asks for proof. */
export const isAsked = ({ mode, hold }: SwitchSettings, { until }: SwitchState, tick: number): boolean =>
  mode === 'on' || (mode === 'auto' && (until - tick - 1) >>> 0 < hold)

/** takeSyn: counts a SYN; whether its source has to prove itself. `isProven` is only asked where it matters. */
export function takeSyn(
  settings: SwitchSettings,
  state: SwitchState,
  now: Now,
  isProven: () => boolean,
): boolean {
  const { mode, above, below, hold } = settings
  if (mode === 'off') return false
  if (state.second !== now.second) Object.assign(state, { second: now.second, count: 0 })
  const before = state.count
  const wasAsked = isAsked(settings, state, now.tick)
  if (!wasAsked && before < below) {
    state.count++
    return false
  }
  if (isProven()) return false
  state.count++
  if (before < (wasAsked ? below : above)) return wasAsked
  state.until = (now.tick + hold) >>> 0
  return true
}
