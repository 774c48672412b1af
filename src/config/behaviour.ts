// How a service treats its flows: how they are forwarded, what picks their server, which are remembered and for how
// long, what becomes of those of a failed server. What a service does not say comes from `defaults`, time-outs each on
// their own. A scheduler that counts turns or connections remembers every flow. Of the ways to forward and to schedule, those that are not built yet are known by name.

import { formatDuration, parseDuration } from '../base/durations.ts'
import { TenbinError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import {
  type ServiceShape as Flows,
  type OnFailure,
  TIMEOUTS,
  type Timeouts,
  type Track,
} from '../dataplane/shape.ts'
import { describe } from './check-shape.ts'
import { type Check, resolveCheck } from './checks.ts'
import type { Findings } from './findings.ts'
import { GUARD, type GuardState, resolveGuard } from './guard.ts'
import type { Merged } from './merge.ts'
import type { CheckShape } from './schema-check.ts'
import type { OwnedShape, ServiceShape, TimeoutsShape } from './schema-services.ts'
import type { SorryShape } from './sorry.ts'
import { inside, keyOf, type Place } from './source.ts'
import { countingOf, type Forward, type Scheduler } from './state.ts'

/** Behaviour: what a service or `defaults` says, where it says something that is right. */
export interface Behaviour {
  readonly forward?: Forward
  /** The servers' port, where it is not the listener's: of nat. */
  readonly serverPort?: number
  readonly scheduler?: Scheduler
  readonly hash?: Flows['hash']
  readonly track?: Track
  readonly onFailure?: OnFailure
  readonly timeouts?: Partial<Timeouts>
  readonly slowStartMs?: number
  readonly guard?: GuardState
}

interface Choice<Built extends string> {
  readonly key: string
  readonly what: string
  readonly built: readonly Built[]
  readonly later?: readonly string[]
}

const forwards: Choice<Forward> = {
  key: 'forward',
  what: 'a way of forwarding',
  built: ['dsr', 'nat'],
  later: ['fullnat', 'ipip', 'gue'],
}
const schedulers: Choice<Scheduler> = {
  key: 'scheduler',
  what: 'a scheduler',
  built: ['mh', 'sh', 'rr', 'wrr', 'lc', 'wlc', 'sed', 'nq'],
  later: ['dh', 'fo', 'ovf', 'twos', 'lblc', 'lblcr'],
}
const hashes: Choice<Flows['hash']> = { key: 'hash', what: 'part of a flow', built: ['flow', 'source'] }
const tracks: Choice<Track> = {
  key: 'track',
  what: 'a way of tracking',
  built: ['changes', 'all', 'none'],
}
const failures: Choice<OnFailure> = { key: 'on_failure', what: 'known', built: ['keep', 'reset'] }

/** TIMEOUT_BOUNDS: seconds that a time-out may have. */
const TIMEOUT_BOUNDS = { min: 1, max: 86_400 }

type Values = Pick<
  ServiceShape,
  | 'forward'
  | 'server_port'
  | 'scheduler'
  | 'hash'
  | 'track'
  | 'on_failure'
  | 'timeouts'
  | 'slow_start'
  | 'guard'
>

/** resolveBehaviour reads the values of a service, or of `defaults`, whose place is `at`. */
export function resolveBehaviour(values: Values, at: Place, findings: Findings): Behaviour {
  const choose = <Built extends string>(choice: Choice<Built>, value: string | undefined) =>
    value === undefined ? undefined : chosen(choice, value, inside(at, choice.key), findings)
  const forward = choose(forwards, values.forward)
  const scheduler = choose(schedulers, values.scheduler)
  const hash = choose(hashes, values.hash)
  const track = choose(tracks, values.track)
  const onFailure = choose(failures, values.on_failure)
  const timeouts = values.timeouts && resolveTimeouts(values.timeouts, inside(at, 'timeouts'), findings)
  const slowStart =
    values.slow_start === undefined
      ? undefined
      : secondsOf(values.slow_start, inside(at, 'slow_start'), findings)
  const guard = values.guard && resolveGuard(values.guard, inside(at, 'guard'), findings)
  return {
    ...(forward && { forward }),
    ...(values.server_port !== undefined && { serverPort: values.server_port }),
    ...(scheduler && { scheduler }),
    ...(hash && { hash }),
    ...(track && { track }),
    ...(onFailure && { onFailure }),
    ...(timeouts && { timeouts }),
    ...(slowStart !== undefined && { slowStartMs: slowStart * 1000 }),
    ...(guard && { guard }),
  }
}

function chosen<Built extends string>(
  { key, what, built, later = [] }: Choice<Built>,
  value: string,
  place: Place,
  findings: Findings,
): Built | undefined {
  if ((built as readonly string[]).includes(value)) return value as Built
  const words = built.length > 2 ? `${built.slice(0, -1).join(', ')} or ${built.at(-1)}` : built.join(' or ')
  const remedy = `write ${key}: ${words}`
  if (later.includes(value)) findings.add(place, `${key} ${value} is not built yet: ${remedy}`)
  else
    findings.add(
      place,
      `${describe(value)} is not ${what}${didYouMean(value, [...built, ...later]) || `: ${remedy}`}`,
    )
  return undefined
}

function resolveTimeouts(values: TimeoutsShape, at: Place, findings: Findings): Partial<Timeouts> {
  const seconds = Object.entries(values).flatMap(([name, text]) => {
    const value = text === undefined ? undefined : secondsOf(text, inside(at, name), findings)
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(seconds)
}

/** secondsOf a time-out, or undefined and a finding. */
export function secondsOf(text: string, place: Place, findings: Findings): number | undefined {
  const { min, max } = TIMEOUT_BOUNDS
  const refuse = (why: string): undefined => void findings.add(place, why)
  try {
    const seconds = parseDuration(text) / 1000
    if (seconds < min || seconds > max) return refuse(`${text} is out of range: a time-out is 1s to 24h`)
    if (!Number.isInteger(seconds))
      return refuse(`${text} is not whole seconds: write ${formatDuration(Math.round(seconds) * 1000)}`)
    return seconds
  } catch (error) {
    if (!(error instanceof TenbinError)) throw error
    return refuse(error.detail ?? error.message)
  }
}

/** Said: a value for pools to resolve, and where it stands. */
export interface Said<Shape> {
  readonly value: Shape
  readonly place: Place
}

/** Defaults: what `defaults` says, where it says something. */
export interface Defaults extends Behaviour {
  readonly weight: number
  /** Absent: nothing was said, or nothing that can be used. */
  readonly check?: Check
  readonly sorry?: Said<SorryShape>
  readonly quorum?: Said<NonNullable<OwnedShape['quorum']>>
}

/** resolveDefaults checks the values once, at their own place. */
export function resolveDefaults(
  { defaults }: Merged,
  roles: ReadonlySet<string> | undefined,
  findings: Findings,
): Defaults {
  const behaviours = defaults.map(({ name, value, place }) =>
    value === undefined
      ? {}
      : resolveBehaviour({ [name]: value } as Values, { ...place, path: place.path.slice(0, -1) }, findings),
  )
  const weight = defaults.find(({ name }) => name === 'weight')?.value
  const behaviour: Behaviour = Object.assign({}, ...behaviours)
  const said = defaults.find(({ name }) => name === 'check')
  const check =
    said?.value === undefined
      ? undefined
      : resolveCheck(said.value as CheckShape, said.place, roles, findings)
  const saidOf = <Shape>(key: keyof OwnedShape): Said<Shape> | undefined => {
    const { value, place } = defaults.find(({ name }) => name === key) ?? {}
    return value === undefined ? undefined : { value: value as Shape, place: place! }
  }
  const sorry = saidOf<SorryShape>('sorry')
  const quorum = saidOf<NonNullable<OwnedShape['quorum']>>('quorum')
  const track = defaults.find(({ name }) => name === 'track')
  if (track) checkTrack(behaviour, {}, track.place, findings)
  return {
    ...behaviour,
    weight: typeof weight === 'number' ? weight : 1,
    ...(check !== undefined && { check }),
    ...(sorry && { sorry }),
    ...(quorum && { quorum }),
  }
}

/**
 * checkTrack: a scheduler that counts needs every flow remembered, so another `track`, at `place`, beside it or under it is
 * refused. One under `defaults` is not meant for a service that has such a scheduler of its own.
 */
export function checkTrack(own: Behaviour, defaults: Behaviour, place: Place, findings: Findings): void {
  const scheduler = own.scheduler ?? defaults.scheduler
  if (!countingOf(scheduler) || own.track === undefined || own.track === 'all') return
  findings.add(place, `scheduler ${scheduler} remembers every flow: write track: all, or leave it out`)
}

/** checkNat: what nat does not go with: a service that says so, or to which it comes from `defaults`. */
export function checkNat(
  values: Values,
  own: Behaviour,
  defaults: Behaviour,
  service: Place,
  findings: Findings,
): void {
  const { forward = 'dsr', track } = { ...defaults, ...own }
  if (forward === 'dsr' && own.serverPort !== undefined)
    findings.add(
      inside(service, 'server_port'),
      'dsr leaves the port as it is: write forward: nat, or remove server_port',
    )
  if (forward !== 'nat' || track === undefined || track === 'all') return
  const place = values.track === undefined ? keyOf(service) : inside(service, 'track')
  findings.add(
    place,
    `forward nat tracks every flow, track ${track} does not: write track: all, or leave it out`,
  )
}

/** settled: what a service does, by itself or by default. */
export function settled(own: Behaviour, defaults: Behaviour) {
  const both = { ...defaults, ...own }
  const { forward = 'dsr', scheduler = 'mh', hash, onFailure = 'keep' } = both
  const tracksAll = forward === 'nat' || countingOf(scheduler) !== undefined
  const track: Track = tracksAll ? 'all' : (both.track ?? 'changes')
  return {
    forward,
    ...(own.serverPort !== undefined && { serverPort: own.serverPort }),
    scheduler,
    // As LVS's sh, which hashes the client's address unless told to take the port as well.
    hash: hash ?? (scheduler === 'sh' ? ('source' as const) : ('flow' as const)),
    track,
    onFailure,
    timeouts: { ...TIMEOUTS, ...defaults.timeouts, ...own.timeouts },
    slowStartMs: both.slowStartMs ?? 0,
    guard: both.guard ?? GUARD,
  }
}
