// Shapes whose services ask for proof of source: the first by itself, the second always, the third never.

import { tryPrefix } from '../../base/prefix.ts'
import type { DefenceShape, DefenceTables } from '../defence-shape.ts'
import { TIMEOUTS } from '../shape.ts'
import { clock, type Fixture, type FixtureParts, fixture, listener, vip, vip6 } from './fixture.ts'

const bare: DefenceShape = { rules: [], lists: { entries: 64 }, proof: { sources: 64 }, ceilings: false }
/** PROOF: of these fixtures, in SYNs a second; a window of theirs is 1.024 s. */
export const PROOF = { above: 20, below: 10, holdS: 3, rememberS: 60 } as const
const defended: Partial<DefenceTables> = {
  allow: [tryPrefix('203.0.113.0/24')!],
  deny: [tryPrefix('198.18.0.0/15')!],
  services: [
    { ceiling: 0, proof: 'auto' },
    { ceiling: 0, proof: 'on' },
    { ceiling: 0, proof: 'off' },
  ],
  proof: PROOF,
}
/** Ports 80, 81 and 82 are the three services, of both families. */
const ports = [80, 81, 82].flatMap((port, service) => [
  listener(vip, port, service),
  listener(vip6, port, service),
])
const some = (parts: FixtureParts = {}, defence: Partial<DefenceShape> = {}): Fixture =>
  fixture({ listeners: ports, defence: { ...bare, ...defence }, defended, ...parts })
const nat = { track: 'all', onFailure: 'keep', hash: 'flow', nat: { port: 0 } } as const
const changes = { track: 'changes', onFailure: 'keep', hash: 'flow' } as const
const flows = { entries: 256, newFlows: 1_000, clock, idle: TIMEOUTS }

/** LIMIT: new flows a second of a source; BAN: seconds that one is banned. */
export const [LIMIT, BAN] = [5, 2] as const
const limits = { newPerS: LIMIT, udpPerS: 0, banS: BAN }
const limited = { prefix: 32, prefix6: 64, new: true, udp: false, ban: false, entries: 64 }

/** fixturesProof by name. */
export const fixturesProof = {
  proof: some(),
  'proof-four': fixture({ listeners: [listener(vip, 81, 1)], defence: bare, defended }),
  'proof-six': fixture({ listeners: [listener(vip6, 81, 1)], defence: bare, defended }),
  'proof-jumbo': some({ jumbo: true }),
  'proof-flows': some({ services: [changes, changes, changes], flows }),
  'proof-nat': some({ services: [nat, nat, nat], flows }),
  'proof-limits': some({ defended: { ...defended, sources: limits } }, { sources: limited }),
  'proof-bans': some({ defended: { ...defended, sources: limits } }, { sources: { ...limited, ban: true } }),
  /** One source is a /16. */
  'proof-bans-wide': some(
    { defended: { ...defended, sources: limits } },
    { sources: { ...limited, prefix: 16, ban: true } },
  ),
  'proof-udp': some({
    listeners: [...ports, listener(vip, 53, 1, 0, 'udp'), listener(vip6, 53, 1, 0, 'udp')],
  }),
} satisfies Record<string, Fixture>
