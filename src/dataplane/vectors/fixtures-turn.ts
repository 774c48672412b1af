// Shapes of files with checks that go through service addresses: a node's own addresses, and where answers are taken.

import { parseIp } from '../../base/addresses.ts'
import { TIMEOUTS, type TurnShape } from '../shape.ts'
import { clock, type Fixture, fixture, listener, vip, vip6 } from './fixture.ts'

/** The node's addresses; of either family the second one is nearly the first. */
export const node = '192.0.2.2'
export const second = '192.1.2.2'
export const node6 = '2001:db8:1:2:3:4:5:6'
export const second6 = '2001:db8:1:2:3:4:5:7'
const turnOf = (...addresses: readonly string[]): TurnShape => ({
  ifindex: 9,
  addresses: addresses.map(parseIp),
})
const both = [
  listener(vip, 80),
  listener(vip6, 80, 1),
  listener(vip, 53, 2, 0, 'udp'),
  listener(vip6, 53, 3, 0, 'udp'),
]
const seventy = Array.from({ length: 70 }, (_, i) =>
  i % 2 ? listener(vip, 8001 + i, i) : listener(`2001:db8::${(i + 1).toString(16)}`, 80, i),
)
const flows = { entries: 256, newFlows: 1_000, clock, idle: TIMEOUTS }

/** fixturesTurn by name. */
export const fixturesTurn = {
  turn: fixture({ turn: turnOf(node, second) }),
  'turn-six': fixture({ listeners: [listener(vip6, 80)], turn: turnOf(node, second6, node6) }),
  'turn-both': fixture({ listeners: both, turn: turnOf(node, node6) }),
  'turn-both-jumbo': fixture({ listeners: both, turn: turnOf(node, node6), jumbo: true }),
  /** Listeners in tables. */
  'turn-seventy': fixture({ listeners: seventy, turn: turnOf(node, node6) }),
  /** Beside translated packets, whose answers are for no listener either. */
  'turn-nat': fixture({
    services: [{ track: 'all', onFailure: 'keep', hash: 'flow', nat: { port: 0 } }],
    flows,
    turn: turnOf(node),
  }),
  /** Beside flows that are tracked. */
  'turn-tracked': fixture({
    services: [{ track: 'all', onFailure: 'keep', hash: 'flow' }],
    flows,
    turn: turnOf(node),
  }),
  /** The node has no address of the listener's family. */
  'turn-nowhere': fixture({ turn: turnOf(node6) }),
} satisfies Record<string, Fixture>
