// Who is active: one virtual router's machine, RFC 9568 6.4 state by state (RFC 3768 6.4 for version 2). Its idea: pure,
// (state, event, now) -> [state, effects], so that every interleaving is a test; an instance reads sockets and clock and
// executes effects (event.ts). `now` is in ms of a clock that nobody sets and that goes on while the machine is suspended
// (CLOCK_BOOTTIME).
//
//                      startup, priority 255
//   +-> Initialize -------------------------------------> Active <--+
//   |       | startup              Active_Down_Timer  ^     |       | Adver_Timer: an advert
//   |       +--------------> Backup ------------------+     |       | lower priority heard: an advert (version 3)
//   |                          ^  higher priority heard     |       +
//   |                          +--- overslept --------------+
//   +------- shutdown ---------+----------------------------+ priority 0 sent
//
// Beyond the RFC, and why: docs/decisions/0022-vrrp.md. A node that overslept gives its role up (overslept.ts); who is
// preempted waits for preemptDelayMs, a yield or a back-off to be over; what is sent in answer to adverts is bounded. Left
// out: judging adverts (receive.ts), address sets of several virtual routers and their back-off (group.ts).

import { PRIORITY } from '../wire/vrrp.ts'
import { announced, announcedAgain, contested, given } from './announcing.ts'
import type { Effect, Event, Heard, RoleName, Why } from './event.ts'
import { admitReport, type Finding } from './finding.ts'
import { hasOverslept, hasOversleptTakeover, listening } from './overslept.ts'
import { activeDownMs, deadMs, isOwner, skewMs, type VirtualRouter } from './router.ts'
import type { Active, Backup, State } from './state.ts'

/** Step: the state that follows, and what is to be done, in this order. */
export type Step = readonly [State, readonly Effect[]]

/** step: one event. The parameters may be others than at the last step: then `changed` comes first. */
export function step(router: VirtualRouter, before: State, event: Event, now: number): Step {
  const [state, woken] = wake(router, before, now)
  const [after, effects] = react(router, state, event, now)
  return [after, [...woken, ...effects]]
}

/** isDue: the Active_Down_Timer has fired, or fires at `now`: it would take over. */
export const isDue = ({ phase }: State, now: number): boolean =>
  phase.role === 'backup' && (phase.isWanting || now >= phase.downAt)

/** nextAt: when it has to be stepped at the latest; undefined: not by time. */
export function nextAt({ phase }: State): number | undefined {
  const times: (number | undefined)[] = []
  if (phase.role === 'active') times.push(phase.adverAt, phase.announcing.at)
  if (phase.role === 'backup' && !phase.isWanting) times.push(phase.downAt)
  const set = times.filter((at) => at !== undefined)
  return set.length === 0 ? undefined : Math.min(...set)
}

function wake(router: VirtualRouter, state: State, now: number): Step {
  const { phase } = state
  if (!hasOverslept(phase, now)) return [state, []]
  const [told, report] = reported(
    state,
    { name: 'overslept', role: 'active', lateMs: now - phase.adverAt },
    undefined,
    now,
  )
  const backup = listening(router, router.adverMs, now)
  return [
    { ...told, phase: backup },
    [{ kind: 'leave' }, role('active', 'backup', { name: 'overslept' }), ...report],
  ]
}

function react(router: VirtualRouter, state: State, event: Event, now: number): Step {
  const { phase } = state
  switch (event.kind) {
    case 'startup':
      return phase.role === 'initialize' ? startup(router, state, now) : [state, []]
    case 'succeed':
      if (phase.role !== 'initialize') return [state, []]
      return becomeActive(router, state, { name: 'succeeded' }, now)
    case 'shutdown':
      return shutdown(state, event.why)
    case 'tick':
      return tick(router, state, event.mayTake, now)
    case 'advert': {
      const { from, priority, adverMs } = event
      const heard = { from, priority, adverMs }
      if (phase.role === 'active') return heardInActive(router, state, phase, heard, now)
      if (phase.role === 'initialize') return [state, []]
      return [{ ...state, phase: heardInBackup(router, state, phase, heard, now) }, []]
    }
    case 'changed':
      if (phase.role !== 'active') return [state, []]
      return changed(router, state, phase, event.addresses, now)
    case 'yield':
      return yieldRole(router, state, event, now)
    case 'join':
      if (phase.role !== 'backup') return [state, []]
      return becomeActive(router, state, { name: isDue(state, now) ? phase.cause : 'group' }, now)
    case 'finding':
      return reported(state, event.finding, event.from, now)
    default:
      return event satisfies never
  }
}

/** 6.4.1, Initialize. */
function startup(router: VirtualRouter, state: State, now: number): Step {
  if (isOwner(router)) return becomeActive(router, state, { name: 'owner' }, now)
  const backup = inBackup(router, router.adverMs, now)
  return [{ ...state, phase: backup }, [role('initialize', 'backup', { name: 'startup' })]]
}

/** 6.4.2 and 6.4.3, Shutdown. */
function shutdown(state: State, text: string): Step {
  const from = state.phase.role
  if (from === 'initialize') return [state, []]
  const why: Why = { name: 'shutdown', text }
  return [
    { ...state, phase: { role: 'initialize' } },
    [...(from === 'active' ? leaving : []), role(from, 'initialize', why)],
  ]
}

const leaving: readonly Effect[] = [{ kind: 'send', priority: PRIORITY.leaving }, { kind: 'leave' }]

function yieldRole(
  router: VirtualRouter,
  state: State,
  { why, holdMs }: Extract<Event, { kind: 'yield' }>,
  now: number,
): Step {
  const held = { ...state, holdUntil: Math.max(state.holdUntil, now + holdMs) }
  if (state.phase.role !== 'active') return [held, []]
  return [
    { ...held, phase: inBackup(router, router.adverMs, now) },
    [...leaving, role('active', 'backup', { name: 'yield', text: why })],
  ]
}

function tick(router: VirtualRouter, state: State, mayTake: boolean, now: number): Step {
  const { phase } = state
  if (phase.role === 'active') return tickInActive(router, state, phase, now)
  if (phase.role !== 'backup' || !isDue(state, now)) return [state, []]
  if (hasOversleptTakeover(phase, now)) {
    const finding: Finding = { name: 'overslept', role: 'backup', lateMs: now - phase.downAt }
    const [told, report] = reported(state, finding, undefined, now)
    return [{ ...told, phase: { ...phase, ...listening(router, phase.activeAdverMs, now) } }, report]
  }
  if (!mayTake) return [{ ...state, phase: { ...phase, isWanting: true } }, []]
  return becomeActive(router, state, { name: phase.cause }, now)
}

/** GIVEN: why a role is taken that another node, which is there, gives up, of this router or of its group. */
const GIVEN: ReadonlySet<Why['name']> = new Set(['preempted', 'other-left', 'group'])

/** 6.4.2, Active_Down_Timer fires; and 6.4.1 for the owner. */
function becomeActive(router: VirtualRouter, state: State, why: Why, now: number): Step {
  const from = state.phase.role
  const phase: Active = {
    role: 'active',
    ...advertised(router, now),
    assertedAt: now,
    announcing: GIVEN.has(why.name) ? given(now) : announced(now, router.announce),
  }
  const effects: Effect[] = [
    { kind: 'send', priority: router.priority },
    { kind: 'take', accept: router.accept || isOwner(router) },
    { kind: 'announce', why: 'took' },
    role(from, 'active', why),
  ]
  return [{ ...state, phase }, effects]
}

/** 6.4.2, an ADVERTISEMENT is received. */
function heardInBackup(
  router: VirtualRouter,
  state: State,
  phase: Backup,
  heard: Heard,
  now: number,
): Backup {
  if (heard.priority === PRIORITY.leaving) {
    const downAt = Math.max(now + skewMs(router, phase.activeAdverMs), state.deferUntil)
    return { ...phase, downAt, cause: 'other-left', heard }
  }
  const isLower = heard.priority < router.priority && (router.preempt || isOwner(router))
  const preemptAt = isLower ? (phase.preemptAt ?? now + router.preemptDelayMs) : undefined
  const mayPreempt = isLower && now >= Math.max(preemptAt ?? now, state.holdUntil, state.backOffUntil)
  // discarded: the timer goes on
  if (mayPreempt) return { ...phase, preemptAt, heard, cause: 'preempted' }
  return { ...inBackup(router, intervalOf(router, heard), now), preemptAt, heard }
}

/** 6.4.3, Adver_Timer fires; and announcements that are due. */
function tickInActive(router: VirtualRouter, state: State, phase: Active, now: number): Step {
  const effects: Effect[] = []
  let after = phase
  if (now >= phase.adverAt) {
    effects.push({ kind: 'send', priority: router.priority })
    const onBeat = phase.adverAt + router.adverMs
    after = { ...after, ...advertised(router, now), ...(onBeat > now ? { adverAt: onBeat } : {}) }
  }
  const { at, next } = phase.announcing
  if (at !== undefined && now >= at) {
    effects.push({ kind: 'announce', why: next })
    after = { ...after, announcing: announcedAgain(phase.announcing, now, router.announce) }
  }
  return [{ ...state, phase: after }, effects]
}

/** 6.4.3, an ADVERTISEMENT is received. */
function heardInActive(router: VirtualRouter, state: State, phase: Active, heard: Heard, now: number): Step {
  const { from, priority } = heard
  if (priority === PRIORITY.leaving) return assert(router, state, phase, now)
  const isHigher = priority > router.priority || (priority === router.priority && from > router.primary)
  if (isHigher) {
    const backup = { ...inBackup(router, intervalOf(router, heard), now), heard }
    const effects: Effect[] = [
      { kind: 'leave' },
      role('active', 'backup', { name: 'higher', from, priority }),
    ]
    return [{ ...state, phase: backup }, effects]
  }
  const [told, report] = reported(state, { name: 'conflict', priority }, from, now)
  // Version 2 only discards it (RFC 3768 6.4.3): the next advert is soon enough.
  const [asserted, sent] = router.version === 3 ? assert(router, told, phase, now) : ([told, []] as const)
  if (asserted.phase.role !== 'active') return [asserted, [...sent, ...report]]
  const isTold = now >= phase.announcing.lastAt + router.adverMs
  const announcing = contested(phase.announcing, now, router.adverMs, isTold)
  return [
    { ...asserted, phase: { ...asserted.phase, announcing } },
    [...sent, ...(isTold ? [{ kind: 'announce', why: 'conflict' } as const] : []), ...report],
  ]
}

/** assert: an advert at once, at most ten times an interval, whoever asks for it how often. */
function assert(router: VirtualRouter, state: State, phase: Active, now: number): Step {
  if (now < phase.assertedAt + router.adverMs / 10) return [state, []]
  return [
    { ...state, phase: { ...phase, ...advertised(router, now), assertedAt: now } },
    [{ kind: 'send', priority: router.priority }],
  ]
}

function changed(router: VirtualRouter, state: State, phase: Active, addresses: boolean, now: number): Step {
  const effects: Effect[] = [{ kind: 'send', priority: router.priority }]
  if (addresses)
    effects.push(
      { kind: 'take', accept: router.accept || isOwner(router) },
      { kind: 'announce', why: 'took' },
    )
  const announcing = addresses ? announced(now, router.announce) : phase.announcing
  return [{ ...state, phase: { ...phase, ...advertised(router, now), announcing } }, effects]
}

/** Both timers of an active node, an advert having gone at `now`. */
const advertised = (router: VirtualRouter, now: number): Pick<Active, 'adverAt' | 'deadAt'> => ({
  adverAt: now + router.adverMs,
  deadAt: now + deadMs(router),
})

/** Active_Adver_Interval, from an advert; version 2 has but one, or two while nodes get another: then the longer one. */
const intervalOf = (router: VirtualRouter, heard: Heard): number =>
  router.version === 3 ? heard.adverMs : Math.max(router.adverMs, heard.adverMs)

const inBackup = (router: VirtualRouter, activeAdverMs: number, now: number): Backup => ({
  role: 'backup',
  activeAdverMs,
  downAt: now + activeDownMs(router, activeAdverMs),
  cause: 'silence',
  isWanting: false,
  preemptAt: undefined,
  heard: undefined,
})

const role = (from: RoleName, to: RoleName, why: Why): Effect => ({ kind: 'role', from, to, why })

function reported(state: State, finding: Finding, from: Heard['from'] | undefined, now: number): Step {
  const { reports, left } = admitReport(state.reports, finding, from, now)
  return [{ ...state, reports }, left === undefined ? [] : [{ kind: 'report', finding, from, left }]]
}
