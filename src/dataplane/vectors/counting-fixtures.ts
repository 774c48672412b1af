// What stories of services whose scheduler counts are told with: both servers, of which the second has twice the weight.

import type { ScheduleTable } from '../scheduling.ts'
import type { CountingScheduler, ServiceShape } from '../shape.ts'
import { type Fixture, type FixtureParts, fixture, listener, vip, vip6 } from './fixture.ts'
import { flowsOf } from './story-flows.ts'

const picking = (kind: CountingScheduler): ServiceShape => ({
  ...{ track: 'all', onFailure: 'keep', hash: 'flow' },
  picker: { kind, room: 4 },
})
const both: ScheduleTable = {
  members: [
    { id: 1, weight: 1 },
    { id: 2, weight: 2 },
  ],
}
/** Both the other way round, with one weight. */
const turned: ScheduleTable = {
  members: [
    { id: 2, weight: 1 },
    { id: 1, weight: 1 },
  ],
}
const inTurn: ScheduleTable = { turns: [1, 2, 2] }
const tableOf = ({ picker }: ServiceShape): ScheduleTable =>
  picker?.kind === 'rr' || picker?.kind === 'wrr' ? inTurn : both

/** counting: a fixture whose services go by these tables; room for 256 records unless it is said. */
const counting = (services: readonly ServiceShape[], parts: FixtureParts = {}): Fixture =>
  fixture({
    flows: flowsOf(256),
    services,
    schedules: new Map(
      services.flatMap((service, i) => (service.picker ? [[i, tableOf(service)] as const] : [])),
    ),
    ...parts,
  })

const udp = [listener(vip, 53, 0, 0, 'udp')]

/** countingFixtures by name. */
export const countingFixtures = {
  rr: counting([picking('rr')]),
  'rr-tiny': counting([picking('rr')], { flows: flowsOf(4) }),
  /** One new record a second. */
  'rr-capped': counting([picking('rr')], { listeners: [listener(vip, 80), ...udp], flows: flowsOf(256, 1) }),
  lc: counting([picking('lc')]),
  wlc: counting([{ ...picking('wlc'), onFailure: 'reset' }]),
  'wlc-tiny': counting([picking('wlc')], { flows: flowsOf(4) }),
  'wlc-udp': counting([picking('wlc')], { listeners: udp }),
  sed: counting([picking('sed')]),
  nq: counting([picking('nq')]),
  /** Services that count in every way, and one whose slots pick; two pools, both families and protocols. */
  'counting-mixed': counting(
    [
      ...[picking('wlc'), picking('rr'), picking('nq')],
      { track: 'changes', onFailure: 'keep', hash: 'flow' },
      ...[picking('sed'), picking('lc'), picking('wrr')],
    ],
    {
      schedules: new Map<number, ScheduleTable>([
        ...([0, 2, 4] as const).map((service) => [service, both] as const),
        ...([
          [1, inTurn],
          [5, turned],
          [6, { turns: [1, 2, 1] }],
        ] as const),
      ]),
      listeners: [
        ...[listener(vip, 80), listener(vip, 53, 1, 1, 'udp'), listener(vip6, 80, 2)],
        ...[listener(vip, 81, 3, 1), listener(vip, 82, 4), listener(vip, 83, 5, 1), listener(vip, 84, 6, 1)],
      ],
      pools: [1, 1],
    },
  ),
} satisfies Record<string, Fixture>
