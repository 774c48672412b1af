// What the machine must do, event by event, written as one would tell it: RFC 9568 6.4 in its order, RFC 3768 where
// version 2 differs, then tenbin's own rules. Each line is a time, what happens, and all that is to be done about it.

import { deepStrictEqual } from 'node:assert'
import { parseIp } from '../../src/base/addresses.ts'
import type { Effect, Event } from '../../src/vrrp/event.ts'
import { nextAt, step } from '../../src/vrrp/machine.ts'
import { ANNOUNCE, FLAPS, type VirtualRouter } from '../../src/vrrp/router.ts'
import { initial, type State } from '../../src/vrrp/state.ts'

/** US: priority 100, one advert a second: Skew_Time 609.375 ms, Active_Down_Interval 3609.375 ms. */
export const US: VirtualRouter = {
  vrid: 51,
  version: 3,
  priority: 100,
  adverMs: 1000,
  preempt: true,
  preemptDelayMs: 0,
  accept: false,
  primary: parseIp('192.0.2.5'),
  addresses: [parseIp('192.0.2.100')],
  announce: ANNOUNCE,
  flaps: FLAPS,
}

/** Line: what happens when; what is to be done; and, where it is told, when to step next. */
type Line = readonly [at: number, event: Event, effects: readonly string[], next?: number | 'never']
export interface Story {
  readonly name: string
  readonly router?: Partial<VirtualRouter>
  readonly deferUntil?: number
  readonly backOffUntil?: number
  readonly lines: readonly Line[]
}

const startup: Event = { kind: 'startup' }
const tick: Event = { kind: 'tick', mayTake: true }
const shutdown: Event = { kind: 'shutdown', why: 'ended' }
const hear = (priority: number, from = '192.0.2.6', adverMs = 1000): Event => ({
  kind: 'advert',
  priority,
  from: parseIp(from),
  adverMs,
})

/** words: an effect as stories say it. */
export function words(effect: Effect): string {
  switch (effect.kind) {
    case 'send':
      return `send ${effect.priority}`
    case 'take':
      return effect.accept ? 'take, accept' : 'take'
    case 'leave':
      return 'leave'
    case 'announce':
      return `announce ${effect.why}`
    case 'role':
      return `${effect.from} -> ${effect.to}: ${effect.why.name}`
    case 'report':
      return `report ${effect.finding.name}${effect.left > 0 ? ` (${effect.left} left out)` : ''}`
    default:
      return effect satisfies never
  }
}

/** takeOver: all that a takeover is. */
const takeOver = (why: string, priority = 100, from = 'backup'): string[] => [
  `send ${priority}`,
  'take',
  'announce took',
  `${from} -> active: ${why}`,
]
const started: Line = [0, startup, ['initialize -> backup: startup'], 3609.375]
const took: Line = [3609.375, tick, takeOver('silence'), 4609.375]

/** stories: all of them. */
export const stories: readonly Story[] = [
  {
    name: '6.4.1: who does not own the addresses begins as backup; its timer is Active_Down_Interval',
    lines: [started],
  },
  {
    name: '6.4.1: who owns the addresses is active at once, and its kernel answers on them',
    router: { priority: 255 },
    lines: [
      [0, startup, ['send 255', 'take, accept', 'announce took', 'initialize -> active: owner'], 1000],
      [1000, tick, ['send 255'], 2000],
    ],
  },
  {
    name: '6.4.1: before startup nothing counts, and a second startup is none',
    lines: [
      [0, hear(50), []],
      [0, tick, []],
      [0, shutdown, []],
      [0, { kind: 'join' }, []],
      [0, { kind: 'yield', why: 'x', holdMs: 0 }, []],
      [0, { kind: 'changed', addresses: true }, [], 'never'],
      started,
      [10, startup, [], 3609.375],
    ],
  },
  {
    name: '6.4.2: Active_Down_Timer fires, not before its time',
    lines: [started, [3609, tick, [], 3609.375], took],
  },
  {
    name: '6.4.2: with Accept_Mode the node itself answers',
    router: { accept: true },
    lines: [
      started,
      [3609.375, tick, ['send 100', 'take, accept', 'announce took', 'backup -> active: silence'], 4609.375],
    ],
  },
  {
    name: '6.4.2: shutdown of a backup says nothing on the wire',
    lines: [started, [10, shutdown, ['backup -> initialize: shutdown'], 'never']],
  },
  {
    name: '6.4.2: priority 0 sets the timer to Skew_Time',
    lines: [
      started,
      [1000, hear(200), [], 4609.375],
      [1500, hear(0), [], 2109.375],
      [2109.375, tick, takeOver('other-left')],
    ],
  },
  {
    name: '6.4.2: adverts of the same or a higher priority set the timer, by the interval that they say',
    lines: [
      started,
      [1000, hear(100), [], 4609.375],
      [2000, hear(101, '192.0.2.6', 100), [], 2360.9375],
      [2100, hear(0), [], 2160.9375],
    ],
  },
  {
    name: '6.4.2: who preempts discards adverts of a lower priority',
    lines: [started, [1000, hear(99), [], 3609.375], [3609.375, tick, takeOver('preempted')]],
  },
  {
    name: '6.4.2: who does not preempt lets a lower priority be, until it is silent',
    router: { preempt: false },
    lines: [started, [1000, hear(99), [], 4609.375], [4609.375, tick, takeOver('silence')]],
  },
  {
    name: '6.4.3: Adver_Timer fires, and keeps its beat when it is noticed a little late',
    lines: [started, took, [4700, tick, ['send 100'], 5609.375], [5609.375, tick, ['send 100'], 6609.375]],
  },
  {
    name: '6.4.3: a beat that is missed by an interval begins anew',
    lines: [started, took, [5700, tick, ['send 100'], 6700]],
  },
  {
    name: '6.4.3: shutdown sends priority 0 before the addresses go',
    lines: [started, took, [4000, shutdown, ['send 0', 'leave', 'active -> initialize: shutdown'], 'never']],
  },
  {
    name: '6.4.3: priority 0 is answered with an advert, and the timer begins anew',
    lines: [started, took, [4000, hear(0), ['send 100'], 5000]],
  },
  {
    name: '6.4.3: a higher priority ends it without a word; its interval counts from then on',
    lines: [
      started,
      took,
      [4000, hear(101, '192.0.2.4', 500), ['leave', 'active -> backup: higher'], 4000 + 1500 + 304.6875],
    ],
  },
  {
    name: '6.4.3: of the same priority the higher address stays',
    lines: [started, took, [4000, hear(100, '192.0.2.6'), ['leave', 'active -> backup: higher']]],
  },
  {
    name: '6.4.3: of the same priority a lower address is told at once who is active',
    lines: [started, took, [4000, hear(100, '192.0.2.4'), ['send 100', 'report conflict'], 5000]],
  },
  {
    name: '6.4.3: a lower priority is answered at once and neighbours are told again; each within bounds',
    lines: [
      started,
      took,
      [4700, hear(99), ['send 100', 'announce conflict', 'report conflict'], 5700],
      [4799, hear(99), [], 5700],
      [4800, hear(99), ['send 100'], 5700],
      [5700, hear(99), ['send 100', 'announce conflict'], 6700],
      // who claimed them may have told neighbours after that
      [6700, tick, ['send 100', 'announce conflict'], 7700],
      // the repetition counts from then on
      [7700, tick, ['send 100'], 8700],
      [8700, tick, ['send 100'], 9700],
      [9700, tick, ['send 100'], 10700],
      [10700, tick, ['send 100'], 11700],
      [11700, tick, ['send 100', 'announce repeat'], 12700],
    ],
  },
  {
    name: 'of two that take over at once the one that stays tells neighbours again, when the other one has told them last',
    lines: [
      started,
      took,
      [3610, hear(99), ['report conflict'], 4609.375],
      // an answer at once may have told him already; more adverts put it off no further
      [4000, hear(99), ['send 100'], 4610],
      [4610, tick, ['announce conflict'], 5000],
      [5000, tick, ['send 100'], 6000],
    ],
  },
  {
    name: 'RFC 3768: Skew_Time is a part of a second, and a lower priority is only discarded',
    router: { version: 2, adverMs: 2000 },
    lines: [
      [0, startup, ['initialize -> backup: startup'], 6609.375],
      [1000, hear(0), [], 1609.375],
      [1609.375, tick, takeOver('other-left'), 1629.375],
      [1629.375, tick, ['announce given'], 3609.375],
      [2000, hear(99), ['report conflict'], 3609.375],
      [2100, hear(101), ['leave', 'active -> backup: higher'], 8709.375],
      // an interval that differs never comes this far: its adverts are refused
      [3000, hear(101, '192.0.2.6', 500), [], 9609.375],
    ],
  },
  {
    name: 'announcements are repeated once, then refreshed, while active',
    router: { announce: { repeatMs: 100, refreshMs: 300 } },
    lines: [
      started,
      [3609.375, tick, takeOver('silence'), 3709.375],
      [3709.375, tick, ['announce repeat'], 4009.375],
      [4009.375, tick, ['announce refresh'], 4309.375],
      [4100, hear(101), ['leave', 'active -> backup: higher'], 7709.375],
    ],
  },
  {
    name: 'where another node gave way, neighbours are told once more when its addresses are gone',
    router: { announce: { repeatMs: 300, refreshMs: 0 } },
    lines: [
      started,
      [1000, hear(99), [], 3609.375],
      [3609.375, tick, takeOver('preempted'), 3629.375],
      [3629.375, tick, ['announce given'], 3929.375],
      [3929.375, tick, ['announce repeat'], 4609.375],
    ],
  },
  {
    name: 'announcements can be left at one',
    router: { announce: { repeatMs: 0, refreshMs: 0 }, adverMs: 10_000 },
    lines: [
      [0, startup, ['initialize -> backup: startup']],
      [36093.75, tick, takeOver('silence'), 46093.75],
    ],
  },
  {
    name: 'preemption waits for its delay from the first advert of a lower priority on',
    router: { preemptDelayMs: 5000 },
    lines: [
      started,
      [1000, hear(99), [], 4609.375],
      [4000, hear(99), [], 7609.375],
      [5999, hear(99), [], 9608.375],
      [6000, hear(99), [], 9608.375],
      [9608.375, tick, takeOver('preempted')],
    ],
  },
  {
    name: 'a higher priority in between begins the delay anew; silence waits for none',
    router: { preemptDelayMs: 5000 },
    lines: [
      started,
      [1000, hear(99), []],
      [2000, hear(101), []],
      [3000, hear(99), []],
      [6500, hear(99), [], 10109.375],
      [10109.375, tick, takeOver('silence')],
    ],
  },
  {
    name: 'one whose set was active here as another one is active at once, and yields to who has more right to it',
    lines: [
      [0, { kind: 'succeed' }, takeOver('succeeded', 100, 'initialize'), 1000],
      [1, { kind: 'succeed' }, []],
      [500, hear(200), ['leave', 'active -> backup: higher']],
    ],
  },
  {
    name: 'an owner preempts, whatever Preempt_Mode says',
    router: { priority: 255, preempt: false, adverMs: 256 },
    lines: [
      [0, startup, ['send 255', 'take, accept', 'announce took', 'initialize -> active: owner']],
      [
        10,
        { kind: 'yield', why: 'operator', holdMs: 0 },
        ['send 0', 'leave', 'active -> backup: yield'],
        779,
      ],
      [20, hear(254, '192.0.2.6', 250), [], 779],
      [779, tick, ['send 255', 'take, accept', 'announce took', 'backup -> active: preempted']],
    ],
  },
  {
    name: 'who yields is silent from then on, and preempts nobody until the hold is over',
    lines: [
      started,
      took,
      [
        4000,
        { kind: 'yield', why: 'operator', holdMs: 10_000 },
        ['send 0', 'leave', 'active -> backup: yield'],
      ],
      [4700, hear(99), [], 8309.375],
      [13_999, hear(99), [], 17_608.375],
      [14_000, hear(99), [], 17_608.375],
    ],
  },
  {
    name: 'who yields where nobody else is takes over again',
    lines: [
      started,
      took,
      [
        4000,
        { kind: 'yield', why: 'operator', holdMs: 10_000 },
        ['send 0', 'leave', 'active -> backup: yield'],
      ],
      [7609.375, tick, takeOver('silence')],
    ],
  },
  {
    name: 'who leaves is left to another node until then, and no longer',
    deferUntil: 2000,
    lines: [started, [100, hear(0), [], 2000], [2000, tick, takeOver('other-left')]],
  },
  {
    name: 'nobody who leaves after that is left to another one, and silence never',
    deferUntil: 200,
    lines: [
      started,
      [100, hear(200), [], 3709.375],
      [150, hear(0), [], 759.375],
      [759.375, tick, takeOver('other-left')],
    ],
  },
  {
    name: 'a backup that yields preempts nobody meanwhile',
    lines: [
      started,
      [100, { kind: 'yield', why: 'operator', holdMs: 2000 }, []],
      [1000, hear(99), [], 4609.375],
    ],
  },
  {
    name: 'an active node that overslept steps back without a word and listens for an advert and the skew',
    lines: [
      started,
      took,
      [6609, tick, ['send 100'], 7609],
      [9608.9, tick, ['send 100', 'announce repeat']],
      [12_608.9, tick, ['leave', 'active -> backup: overslept', 'report overslept'], 14_218.275],
      [12_609, hear(101), [], 16_218.375],
    ],
  },
  {
    name: 'it is the first thing that it does, whatever woke it',
    lines: [
      started,
      took,
      [6609.375, hear(99), ['leave', 'active -> backup: overslept', 'report overslept'], 8218.75],
      [8218.75, tick, takeOver('preempted')],
    ],
  },
  {
    name: 'a shutdown that was overslept is one of a backup',
    lines: [
      started,
      took,
      [
        9000,
        shutdown,
        ['leave', 'active -> backup: overslept', 'report overslept', 'backup -> initialize: shutdown'],
      ],
    ],
  },
  {
    name: 'a backup that notices its timer more than an interval late listens once, then takes over',
    lines: [
      started,
      [4609.5, tick, ['report overslept'], 6218.875],
      [9000, tick, takeOver('overslept'), 10_000],
    ],
  },
  {
    name: 'a backup that notices its timer within an interval takes over',
    lines: [started, [4609.375, tick, takeOver('silence')]],
  },
  {
    name: 'while the group is not ready a timer that has fired waits, however long, and an advert ends that',
    lines: [
      started,
      [3609.375, { kind: 'tick', mayTake: false }, [], 'never'],
      [60_000, { kind: 'tick', mayTake: false }, [], 'never'],
      [60_001, hear(100), [], 63_610.375],
      [63_610.375, { kind: 'tick', mayTake: false }, [], 'never'],
      [90_000, { kind: 'join' }, takeOver('silence')],
    ],
  },
  {
    name: 'who joins its group takes over at once',
    lines: [started, [10, { kind: 'join' }, takeOver('group'), 30], [20, { kind: 'join' }, [], 30]],
  },
  {
    name: 'changed parameters are told at once by who is active, addresses taken and announced',
    lines: [
      started,
      [10, { kind: 'changed', addresses: true }, [], 3609.375],
      took,
      [4000, { kind: 'changed', addresses: false }, ['send 100'], 5000],
      [4100, { kind: 'changed', addresses: true }, ['send 100', 'take', 'announce took'], 5100],
    ],
  },
  {
    name: 'a back-off puts preemption off, and silence never',
    backOffUntil: 10_000,
    lines: [
      started,
      [3000, hear(99), [], 6609.375],
      [6000, hear(99), [], 9609.375],
      [9609.375, tick, takeOver('silence')],
      [9700, hear(101), ['leave', 'active -> backup: higher'], 13_309.375],
      [9999, hear(99), [], 13_608.375],
      [10_000, hear(99), [], 13_608.375],
      [13_608.375, tick, takeOver('preempted')],
    ],
  },
  {
    name: 'a finding about one sender is told once a minute, with the number left out',
    lines: [
      [
        0,
        { kind: 'finding', finding: { name: 'password' }, from: parseIp('192.0.2.6') },
        ['report password'],
      ],
      [1, { kind: 'finding', finding: { name: 'password' }, from: parseIp('192.0.2.6') }, []],
      [
        2,
        { kind: 'finding', finding: { name: 'password' }, from: parseIp('192.0.2.7') },
        ['report password'],
      ],
      [
        3,
        { kind: 'finding', finding: { name: 'stranger' }, from: parseIp('192.0.2.6') },
        ['report stranger'],
      ],
      [59_999, { kind: 'finding', finding: { name: 'password' }, from: parseIp('192.0.2.6') }, []],
      [
        60_000,
        { kind: 'finding', finding: { name: 'password' }, from: parseIp('192.0.2.6') },
        ['report password (2 left out)'],
      ],
    ],
  },
]

/** tell plays a story; throws at the first line that goes otherwise. */
export function tell({ name, router: changes, deferUntil = 0, backOffUntil = 0, lines }: Story): void {
  const router = { ...US, ...changes }
  let state: State = { ...initial, deferUntil, backOffUntil }
  for (const [at, event, expected, next] of lines) {
    const [after, effects] = step(router, state, event, at)
    deepStrictEqual(effects.map(words), expected, `${name}, at ${at}: ${event.kind}`)
    state = after
    if (next === undefined) continue
    deepStrictEqual(nextAt(state) ?? 'never', next, `${name}, at ${at}: the next step`)
  }
}
