// The guard of a pool: when most of it fails at once, it is more likely that the one who looks has gone blind than that
// they all died; then those who just fell go on serving, and everybody is told. Its idea: a fall is `held` instead of
// believed while more than a share of the pool that was up fell within one window. It ends by itself: when enough of the
// held are seen up again; or, where somebody else is seen up (so the one who looks does see), after a time: half of a
// pool that is held while dead fails half of all clients. Pure.
//
//   up up up up up up    six were up a window ago
//   up up  x  x  x  x    four of six fell: more than half, so they are held, and those that fall from now on
//   up up  x  x  x up    three of six: no longer more than half, so the three that still fail are believed

/** GuardRules: times in ms. */
export interface GuardRules {
  /** More than this share of those that were up; 1: never. */
  readonly share: number
  /** Falls within so long count as one event: what one round of checks takes. */
  readonly windowMs: number
  /** How long falls are held while others are up. */
  readonly holdMs: number
}

/** GuardState: who fell when, by name (forgotten once the window is over), and who is held since when. */
export interface GuardState {
  readonly falls: ReadonlyMap<string, number>
  readonly held: ReadonlySet<string>
  readonly since?: number
}

export const noGuard: GuardState = { falls: new Map(), held: new Set() }

/** Seen: the members of one pool now. `fell`: up before, down now. */
export interface Seen {
  readonly up: ReadonlySet<string>
  readonly down: ReadonlySet<string>
  readonly fell: readonly string[]
  /** Somebody outside of the pool who would answer instead (a sorry server) is seen up. */
  readonly hasSubstitute: boolean
}

/** stepGuard: who is held now. Members that are gone from the pool are forgotten. */
export function stepGuard(
  state: GuardState,
  { up, down, fell, hasSubstitute }: Seen,
  now: number,
  rules: GuardRules,
): GuardState {
  const falls = new Map(fell.map((name) => [name, now]))
  for (const [name, at] of state.falls)
    if (down.has(name) && at > now - rules.windowMs && !falls.has(name)) falls.set(name, at)
  const isMost = (count: number) => count > rules.share * (up.size + count)

  if (state.since === undefined) {
    if (!isMost(falls.size) || isAnswered(up, hasSubstitute)) return { falls, held: new Set() }
    return { falls: new Map(), held: new Set(falls.keys()), since: now }
  }
  const held = new Set([...state.held, ...fell].filter((name) => down.has(name)))
  const isOver =
    !isMost(held.size) || isAnswered(up, hasSubstitute) || (up.size > 0 && now >= state.since + rules.holdMs)
  return isOver ? { falls: new Map(), held: new Set() } : { falls: new Map(), held, since: state.since }
}

/** isAnswered: all have failed, and whoever looks sees a substitute: it is not blind, and clients need not fail. */
const isAnswered = (up: ReadonlySet<string>, hasSubstitute: boolean): boolean =>
  up.size === 0 && hasSubstitute

/** guardEnds: when a guard that holds has to be stepped at the latest. */
export const guardEnds = ({ since }: GuardState, { holdMs }: GuardRules): number | undefined =>
  since === undefined ? undefined : since + holdMs
