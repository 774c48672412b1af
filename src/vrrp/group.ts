// Virtual routers that move together: those of one address set, front and back, IPv4 and IPv6. Its idea: one takes over
// only when all of them would (each is active already, or its Active_Down_Timer has fired), and when one has to go, all go.
// So a node whose back network alone is silent does not become active in front beside one that answers on both, and a node
// that lost one network leaves both. What concerns all of it is counted and told once: takeovers, a sleep, networks on which
// nobody is heard. Pure; the machine of each is machine.ts.
//
//   front: silent, wants ---+--> all want: all take over, in one step
//   back:  silent, wants ---'
//   back:  adverts heard ------> front goes on wanting

import type { Effect, Event, RoleName } from './event.ts'
import type { Finding } from './finding.ts'
import { alarmEnds, calmed, countTakeover, type Flaps, noFlaps } from './flapping.ts'
import { isDue, nextAt, step } from './machine.ts'
import type { VirtualRouter } from './router.ts'
import { initial, type State } from './state.ts'
import { lookForUnheard, noneUnheard, type Unheard } from './unheard.ts'

/** Member: one virtual router of a group, by name. */
export interface Member {
  readonly router: VirtualRouter
  readonly state: State
}
type Members = ReadonlyMap<string, Member>

/** Group: its members, and what is known of all of it. */
export interface Group {
  readonly members: Members
  readonly flaps: Flaps
  readonly unheard: Unheard
}

/** GroupEffect: an effect of one member; what concerns the group (finding.ts, GroupIncident) comes as one of its first. */
export interface GroupEffect {
  readonly member: string
  readonly effect: Effect
}
export type GroupStep = readonly [Group, readonly GroupEffect[]]

/** Happened: to one member, or to all of them (`to` undefined). Time passes for all. */
export type Happened =
  | { readonly to: string; readonly event: Exclude<Event, { kind: 'tick' }> }
  | { readonly to: undefined; readonly event: Exclude<Event, { kind: 'tick' }> | { readonly kind: 'tick' } }

/** groupOf: before startup. */
export const groupOf = (routers: ReadonlyMap<string, VirtualRouter>): Group => ({
  members: new Map([...routers].map(([name, router]) => [name, { router, state: initial }])),
  flaps: noFlaps,
  unheard: noneUnheard,
})

/** withRouters: the same group, its members with other parameters. */
export const withRouters = (group: Group, routers: ReadonlyMap<string, VirtualRouter>): Group => ({
  ...group,
  members: new Map(
    [...group.members].map(([name, { state }]) => [name, { router: routers.get(name)!, state }]),
  ),
})

/** withStates: the same group, each member's state another one. */
const withStates = (group: Group, change: (state: State) => State): Group => ({
  ...group,
  members: new Map(
    [...group.members].map(([name, { router, state }]) => [name, { router, state: change(state) }]),
  ),
})

/** isReady: would take over now, or has. */
const isReady = ({ state }: Member, now: number): boolean =>
  state.phase.role === 'active' || isDue(state, now)

/** groupNextAt: when a group has to be stepped at the latest. */
export function groupNextAt({ members, flaps }: Group): number | undefined {
  const times = [...members.values()].map(({ state }) => nextAt(state))
  const set = [...times, alarmEnds(flaps)].filter((at) => at !== undefined)
  return set.length === 0 ? undefined : Math.min(...set)
}

/** stepGroup: what happened, and what follows for the others. */
export function stepGroup(group: Group, happened: Happened, now: number): GroupStep {
  const { to, event } = happened
  const effects: GroupEffect[] = []
  const after = new Map(group.members)
  const apply = (name: string, each: Event): void => {
    const { router, state } = after.get(name)!
    const [next, wanted] = step(router, state, each, now)
    after.set(name, { router, state: next })
    for (const effect of wanted) effects.push({ member: name, effect })
  }
  const each: Event = event.kind === 'tick' ? { kind: 'tick', mayTake: false } : event
  for (const name of to === undefined ? [...after.keys()] : [to]) apply(name, each)
  follow(group.members, after, apply, now)
  const [concluded, findings] = conclude(group, { ...group, members: after }, happened, now)
  return [concluded, [...onceOverslept(effects), ...reports(after, findings)]]
}

/** follow: who was active and is not takes the others along; where all are ready, those that want take over. */
function follow(
  before: Members,
  after: Members,
  apply: (name: string, event: Event) => void,
  now: number,
): void {
  const roleOf = (members: Members, name: string) => members.get(name)!.state.phase.role
  const names = [...after.keys()]
  const hasLost = names.some((name) => roleOf(before, name) === 'active' && roleOf(after, name) !== 'active')
  if (hasLost) {
    for (const name of names)
      if (roleOf(after, name) === 'active') apply(name, { kind: 'yield', why: 'group', holdMs: 0 })
    return
  }
  const members = [...after.values()]
  const isTaking = names.some((name) => roleOf(before, name) !== 'active' && roleOf(after, name) === 'active')
  if (!isTaking && !members.every((member) => isReady(member, now))) return
  for (const name of names) if (roleOf(after, name) === 'backup') apply(name, { kind: 'join' })
}

/** conclude: what is counted of the group as a whole, and what is to be told of it. */
function conclude(
  before: Group,
  after: Group,
  happened: Happened,
  now: number,
): readonly [Group, readonly Finding[]] {
  const [unheard, odd] = lookForUnheard(after.unheard, after.members, happened, now)
  const hasTaken = !isActive(before) && isActive(after)
  const [flaps, alarm] = hasTaken ? countTakeover(after.flaps, now, rulesOf(after)) : calmed(after.flaps, now)
  const isSame = flaps.backOffUntil === after.flaps.backOffUntil
  const { members } = isSame
    ? after
    : withStates(after, (state) => ({ ...state, backOffUntil: flaps.backOffUntil }))
  return [{ members, flaps, unheard }, [odd, alarm].filter((each) => each !== undefined)]
}

/** rulesOf a group: all members have the same. */
const rulesOf = ({ members }: Group) => [...members.values()][0]!.router.flaps

const reports = (members: Members, findings: readonly Finding[]): GroupEffect[] =>
  findings.map((finding) => ({
    member: [...members.keys()][0]!,
    effect: { kind: 'report', finding, from: undefined, left: 0 },
  }))

/** onceOverslept: all members have slept as long. */
function onceOverslept(effects: readonly GroupEffect[]): readonly GroupEffect[] {
  const isOverslept = ({ effect }: GroupEffect): boolean =>
    effect.kind === 'report' && effect.finding.name === 'overslept'
  const first = effects.find(isOverslept)
  return effects.filter((each) => each === first || !isOverslept(each))
}

/** isActive: the whole group. */
export const isActive = ({ members }: Group): boolean =>
  [...members.values()].every(({ state }) => state.phase.role === 'active')

/** groupRole: active when all of it is; initialize when all of it is, or it has no member. */
export function groupRole({ members }: Group): RoleName {
  const roles = [...members.values()].map(({ state }) => state.phase.role)
  if (roles.every((role) => role === 'initialize')) return 'initialize'
  return roles.every((role) => role === 'active') ? 'active' : 'backup'
}

/** heldUntil: nobody is preempted before. */
export const heldUntil = ({ members }: Group): number =>
  Math.max(...[...members.values()].map(({ state }) => Math.max(state.holdUntil, state.backOffUntil)))

/** heldGroup: nobody is preempted before `until`. */
export const heldGroup = (group: Group, until: number): Group =>
  withStates(group, (state) => ({ ...state, holdUntil: until }))

/** deferringGroup: a node that leaves before `until` is left to another one until then. */
export const deferringGroup = (group: Group, until: number): Group =>
  withStates(group, (state) => ({ ...state, deferUntil: until }))

/** patientGroup: no silence counts before `until`; the first advert that is heard ends that. */
export const patientGroup = (group: Group, until: number): Group =>
  withStates(group, (state) => {
    const { phase } = state
    if (phase.role !== 'backup') return state
    return { ...state, phase: { ...phase, downAt: Math.max(phase.downAt, until) } }
  })
