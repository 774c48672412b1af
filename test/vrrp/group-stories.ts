// What a group of two virtual routers, front and back, must do, told as machine-stories.ts tells of one.

import { deepStrictEqual } from 'node:assert'
import { parseIp } from '../../src/base/addresses.ts'
import { type Group, groupNextAt, groupOf, type Happened, isActive, stepGroup } from '../../src/vrrp/group.ts'
import type { VirtualRouter } from '../../src/vrrp/router.ts'
import { US, words } from './machine-stories.ts'

type Line = readonly [at: number, happened: Happened, effects: readonly string[]]
export interface GroupStory {
  readonly name: string
  /** Of both, and of front alone. */
  readonly router?: Partial<VirtualRouter>
  readonly front?: Partial<VirtualRouter>
  readonly lines: readonly Line[]
  /** At the end: whether all of it is active, and when it has to be stepped. */
  readonly isActive: boolean
  readonly next: number | undefined
}

const hear = (to: string, priority: number): Happened => ({
  to,
  event: { kind: 'advert', from: parseIp('192.0.2.6'), priority, adverMs: 1000 },
})
const tick: Happened = { to: undefined, event: { kind: 'tick' } }
const startup: Happened = { to: undefined, event: { kind: 'startup' } }
const yielded: Happened = { to: undefined, event: { kind: 'yield', why: 'operator', holdMs: 0 } }
const shutdown: Happened = { to: undefined, event: { kind: 'shutdown', why: 'eth1 is down' } }

const takes = (name: string, why: string): string[] =>
  ['send 100', 'take', 'announce took', `backup -> active: ${why}`].map((each) => `${name}: ${each}`)
const yields = (name: string): string[] =>
  ['send 0', 'leave', 'active -> backup: yield'].map((each) => `${name}: ${each}`)
const takesBoth = (why: string): string[] => [...takes('front', why), ...takes('back', why)]
const both = (...each: string[]): string[] =>
  ['front', 'back'].flatMap((name) => each.map((word) => `${name}: ${word}`))
const yieldsBoth = [...yields('front'), ...yields('back')]
const started: Line = [0, startup, both('initialize -> backup: startup')]
const took: Line = [3610, tick, [...takes('front', 'silence'), ...takes('back', 'silence')]]

export const groupStories: readonly GroupStory[] = [
  {
    name: 'silence on both takes both, in one step',
    lines: [started, [3000, tick, []], took],
    isActive: true,
    next: 4610,
  },
  {
    name: 'silence on one alone takes none, and is told once',
    lines: [
      started,
      [3000, hear('back', 150), []],
      [3610, tick, []],
      [5000, hear('back', 0), []],
      [5500, hear('back', 150), ['front: report unheard']],
      [7000, hear('back', 150), []],
      [9000, tick, []],
      [10_000, hear('back', 150), []],
      [70_000, hear('back', 150), []],
    ],
    isActive: false,
    next: 73_609.375,
  },
  {
    name: 'silence on one, then on the other, takes both, however long the first one waited',
    lines: [
      started,
      [3000, hear('back', 150), []],
      [3610, tick, []],
      [6000, hear('back', 150), ['front: report unheard']],
      [9609.375, tick, [...takes('front', 'silence'), ...takes('back', 'silence')]],
    ],
    isActive: true,
    next: 10_609.375,
  },
  {
    name: 'an advert in front ends what front wanted',
    lines: [
      started,
      [3000, hear('back', 150), []],
      [3610, tick, []],
      [4000, hear('front', 150), []],
      [6609.375, tick, []],
    ],
    isActive: false,
    next: 7609.375,
  },
  {
    name: 'that nobody is heard on one is told anew a minute later at the soonest, and when that is over',
    lines: [
      started,
      [3000, hear('back', 150), []],
      [3610, tick, []],
      [6000, hear('back', 150), ['front: report unheard']],
      [6100, hear('front', 150), ['front: report heard-again']],
      [6200, hear('back', 150), []],
      [9709.375, tick, []],
      [9800, hear('back', 150), []],
      [13_000, hear('back', 150), []],
      [66_000, hear('back', 150), ['front: report unheard']],
      [66_100, shutdown, both('backup -> initialize: shutdown')],
    ],
    isActive: false,
    next: undefined,
  },
  {
    name: 'an active node that leaves, or is being preempted, is heard',
    lines: [
      started,
      [3000, hear('back', 0), []],
      [3609.375, tick, [...takes('front', 'silence'), ...takes('back', 'other-left')]],
      [4000, yielded, both('send 0', 'leave', 'active -> backup: yield')],
      [4010, hear('front', 90), []],
      [4020, hear('back', 150), []],
      [7609.375, tick, []],
      [7615, hear('back', 90), []],
      [7629.375, tick, [...takes('front', 'preempted'), ...takes('back', 'preempted')]],
    ],
    isActive: true,
    next: 7649.375,
  },
  {
    name: 'many takeovers of a group raise one alarm, put off preemption, and are forgotten after a calm',
    router: { flaps: { takeovers: 2, withinMs: 20_000, backOffMs: 30_000 } },
    lines: [
      started,
      took,
      [4000, yielded, yieldsBoth],
      [7610, tick, [...takesBoth('silence'), 'front: report flapping']],
      [8000, yielded, yieldsBoth],
      // silence is never put off, and one alarm is on
      [11_610, tick, takesBoth('silence')],
      [12_000, yielded, yieldsBoth],
      [15_000, hear('front', 99), []],
      [15_000, hear('back', 99), []],
      [18_000, hear('front', 99), []],
      [18_000, hear('back', 99), []],
      [21_500, hear('front', 99), []],
      [21_500, hear('back', 99), []],
      [25_000, hear('front', 99), []],
      [25_000, hear('back', 99), []],
      [28_500, hear('front', 99), []],
      [28_500, hear('back', 99), []],
      [31_609, tick, []],
      [31_610, tick, ['front: report flapping-over']],
      [31_610, hear('front', 99), []],
      [31_610, hear('back', 99), []],
      // 30 s after the last takeover
      [35_000, hear('front', 99), []],
      [35_000, hear('back', 99), []],
      [38_400, hear('front', 99), []],
      [38_400, hear('back', 99), []],
      [41_609, hear('front', 99), []],
      [41_609, hear('back', 99), []],
      [41_610, hear('front', 99), []],
      [41_610, hear('back', 99), []],
      [45_218.375, tick, takesBoth('preempted')],
    ],
    isActive: true,
    next: 45_238.375,
  },
  {
    name: 'takeovers that are far apart are not too many',
    router: { flaps: { takeovers: 2, withinMs: 4000, backOffMs: 30_000 } },
    lines: [started, took, [4000, yielded, yieldsBoth], [7610, tick, takesBoth('silence')]],
    isActive: true,
    next: 8610,
  },
  {
    name: 'who loses one leaves the others with priority 0',
    lines: [
      started,
      took,
      [4000, hear('back', 150), ['back: leave', 'back: active -> backup: higher', ...yields('front')]],
      [4100, tick, []],
    ],
    isActive: false,
    next: 7609.375,
  },
  {
    name: 'a group that overslept steps back as a whole',
    lines: [
      started,
      took,
      [
        9000,
        tick,
        [
          ...['leave', 'active -> backup: overslept', 'report overslept'].map((each) => `front: ${each}`),
          ...['leave', 'active -> backup: overslept'].map((each) => `back: ${each}`),
        ],
      ],
      [10_609.375, tick, [...takes('front', 'overslept'), ...takes('back', 'overslept')]],
    ],
    isActive: true,
    next: 11_609.375,
  },
  {
    name: 'a yield is one of all, and so is the shutdown that a fault of one is',
    lines: [
      started,
      took,
      [4000, yielded, both('send 0', 'leave', 'active -> backup: yield')],
      [4001, shutdown, both('backup -> initialize: shutdown')],
      [9000, tick, []],
    ],
    isActive: false,
    next: undefined,
  },
  {
    name: 'an owner takes the others along',
    front: { priority: 255 },
    lines: [
      [
        0,
        startup,
        [
          ...['send 255', 'take, accept', 'announce took', 'initialize -> active: owner'].map(
            (each) => `front: ${each}`,
          ),
          'back: initialize -> backup: startup',
          ...takes('back', 'group'),
        ],
      ],
    ],
    isActive: true,
    next: 20,
  },
]

/** tellGroup plays a story; throws at the first line that goes otherwise. */
export function tellGroup({
  name,
  router: changes,
  front,
  lines,
  isActive: isActiveThen,
  next,
}: GroupStory): void {
  const router = { ...US, announce: { repeatMs: 0, refreshMs: 0 }, ...changes }
  let group: Group = groupOf(
    new Map([
      ['front', { ...router, ...front }],
      ['back', router],
    ]),
  )
  for (const [at, happened, expected] of lines) {
    const [after, effects] = stepGroup(group, happened, at)
    deepStrictEqual(
      effects.map(({ member, effect }) => `${member}: ${words(effect)}`),
      expected,
      `${name}, at ${at}`,
    )
    group = after
  }
  deepStrictEqual([isActive(group), groupNextAt(group)], [isActiveThen, next], `${name}, at the end`)
}
