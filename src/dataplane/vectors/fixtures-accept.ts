// Shapes of files with addresses that accept only what a listener has.

import { parseIp } from '../../base/addresses.ts'
import { TIMEOUTS } from '../shape.ts'
import { virtualMacOf } from '../virtual-mac.ts'
import { clock, type Fixture, fixture, listener, vip, vip6 } from './fixture.ts'
import { node, node6 } from './fixtures-turn.ts'

/** An address of the set that no listener has, and one that begins as the vip, which accepts. */
export const bare = '203.0.113.9'
export const bare6 = '2001:db8:a:b:c:d:e:10'
const both = [listener(vip, 80), listener(vip6, 80, 1)]
const unaccepted = [vip, bare, vip6, bare6]
const virtual = [virtualMacOf({ ifindex: 5, family: 4, vrid: 51 })]

/** fixturesAccept by name. */
export const fixturesAccept = {
  accept: fixture({ unaccepted: [vip, bare] }),
  'accept-both': fixture({ listeners: both, unaccepted }),
  'accept-jumbo': fixture({ listeners: both, unaccepted, jumbo: true }),
  /** IPv6 that no listener is of. */
  'accept-six-alone': fixture({ unaccepted: [vip, bare, bare6] }),
  /** IPv4 that no listener is of. */
  'accept-four-alone': fixture({ listeners: [listener(vip6, 80)], unaccepted: [bare, vip6, bare6] }),
  /** Answers to checks and to clients are for no listener either. */
  'accept-nat': fixture({
    listeners: both,
    services: [
      { track: 'all', onFailure: 'keep', hash: 'flow', nat: { port: 0 } },
      { track: 'none', onFailure: 'keep', hash: 'flow' },
    ],
    flows: { entries: 256, newFlows: 1_000, clock, idle: TIMEOUTS },
    turn: { ifindex: 9, addresses: [node, node6].map((text) => parseIp(text)) },
    unaccepted,
  }),
  /** On an interface with virtual routers' MACs, for none of which the node is active. */
  'accept-virtual': fixture({ virtual, unaccepted: [vip, bare, bare6] }),
} satisfies Record<string, Fixture>
