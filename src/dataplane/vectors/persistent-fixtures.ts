// Services that persist, for stories: networks of all kinds of length, one service over several listeners, services
// that persist beside such that do not.

import type { Persistence, ServiceShape } from '../shape.ts'
import { type Fixture, fixture, listener, vip, vip6 } from './fixture.ts'
import { flowsOf } from './story-flows.ts'

/** LONG: ten minutes, in ticks; SHORT: ten seconds. */
export const LONG = 9_375
export const SHORT = 157

const all: ServiceShape = { track: 'all', onFailure: 'keep', hash: 'flow' }
const persistent = (
  network: number,
  network6 = 64,
  timeout = 600,
): ServiceShape & { persistence: Persistence } => ({
  ...all,
  persistence: { timeout, network, network6 },
})
/** Lengths of networks, in the order of the listeners' ports from 81 on. */
export const lengths4 = [1, 7, 8, 20, 31, 32] as const
export const lengths6 = [1, 31, 32, 33, 63, 64, 65, 96, 97, 127, 128] as const

/** persistentFixtures by name. */
export const persistentFixtures = {
  /** Two listeners of one service; a network has 24 bits. */
  persists: fixture({
    listeners: [listener(vip, 80), listener(vip, 443)],
    services: [persistent(24)],
    flows: flowsOf(256),
  }),
  'persists-resets': fixture({
    services: [{ ...persistent(24), onFailure: 'reset' }],
    flows: flowsOf(256),
  }),
  /** One bucket, which is both of any flow and network. */
  'persists-tiny': fixture({ services: [persistent(24)], flows: flowsOf(4) }),
  /** One new record a second. */
  'persists-capped': fixture({ services: [persistent(24)], flows: flowsOf(256, 1) }),
  'persists-udp': fixture({
    listeners: [listener(vip, 53, 0, 0, 'udp')],
    services: [persistent(24)],
    flows: flowsOf(256),
  }),
  /** By service: persists; persists for seconds, in the other pool; does not; of both protocols, in the other pool. */
  'persists-mixed': fixture({
    listeners: [
      listener(vip, 80),
      listener(vip, 81, 1, 1),
      listener(vip, 82, 2),
      listener(vip6, 80, 3, 1),
      listener(vip6, 53, 3, 1, 'udp'),
    ],
    services: [persistent(24), persistent(16, 64, 10), all, persistent(24)],
    pools: [1, 1],
    flows: flowsOf(256),
  }),
  /** Servers are picked: in turn, and by connections. */
  'persists-rr': fixture({
    services: [{ ...persistent(24), picker: { kind: 'rr', room: 4 } }],
    schedules: new Map([[0, { turns: [1, 2, 2] }]]),
    flows: flowsOf(256),
  }),
  'persists-wlc': fixture({
    services: [{ ...persistent(24), picker: { kind: 'wlc', room: 4 } }],
    schedules: new Map([
      [
        0,
        {
          members: [
            { id: 1, weight: 1 },
            { id: 2, weight: 1 },
          ],
        },
      ],
    ]),
    flows: flowsOf(256),
  }),
  'persists-lengths': fixture({
    listeners: lengths4.map((_, i) => listener(vip, 81 + i, i)),
    services: lengths4.map((length) => persistent(length)),
    flows: flowsOf(256),
  }),
  'persists-lengths-six': fixture({
    listeners: lengths6.map((_, i) => listener(vip6, 81 + i, i)),
    services: lengths6.map((length) => persistent(24, length)),
    flows: flowsOf(256),
  }),
} satisfies Record<string, Fixture>
