// Virtual routers that move together: those of one address set, front and back, IPv4 and IPv6. Its idea: one takes over
// only when all of them would (each is active already, or its Active_Down_Timer has fired), and when one has to go, all go.
// So a node whose back network alone is silent does not become active in front beside one that answers on both, and a node
// that lost one network leaves both. Pure; the machine of each is machine.ts.
//
//   front: silent, wants ---+--> all want: all take over, in one step
//   back:  silent, wants ---'
//   back:  adverts heard ------> front goes on wanting

import type { Effect, Event } from './event.ts'
import { isDue, nextAt, step } from './machine.ts'
import type { VirtualRouter } from './router.ts'
import { initial, type State } from './state.ts'

/** Member: one virtual router of a group, by name. */
export interface Member {
  readonly router: VirtualRouter
  readonly state: State
}
export type Group = ReadonlyMap<string, Member>

/** GroupEffect: an effect of one member. */
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
export const groupOf = (routers: ReadonlyMap<string, VirtualRouter>): Group =>
  new Map([...routers].map(([name, router]) => [name, { router, state: initial }]))

/** isReady: would take over now, or has. */
const isReady = ({ state }: Member, now: number): boolean =>
  state.phase.role === 'active' || isDue(state, now)

/** groupNextAt: when a group has to be stepped at the latest. */
export function groupNextAt(group: Group): number | undefined {
  const times = [...group.values()].map(({ router, state }) => nextAt(router, state))
  const set = times.filter((at) => at !== undefined)
  return set.length === 0 ? undefined : Math.min(...set)
}

/** stepGroup: what happened, and what follows for the others. */
export function stepGroup(group: Group, { to, event }: Happened, now: number): GroupStep {
  const effects: GroupEffect[] = []
  const after = new Map(group)
  const apply = (name: string, each: Event): void => {
    const { router, state } = after.get(name)!
    const [next, wanted] = step(router, state, each, now)
    after.set(name, { router, state: next })
    for (const effect of wanted) effects.push({ member: name, effect })
  }
  const each: Event = event.kind === 'tick' ? { kind: 'tick', mayTake: false } : event
  for (const name of to === undefined ? [...after.keys()] : [to]) apply(name, each)
  follow(group, after, apply, now)
  return [after, effects]
}

/** follow: who was active and is not takes the others along; where all are ready, those that want take over. */
function follow(
  before: Group,
  after: ReadonlyMap<string, Member>,
  apply: (name: string, event: Event) => void,
  now: number,
): void {
  const roleOf = (group: Group, name: string) => group.get(name)!.state.phase.role
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

/** isActive: the whole group. */
export const isActive = (group: Group): boolean =>
  [...group.values()].every(({ state }) => state.phase.role === 'active')
