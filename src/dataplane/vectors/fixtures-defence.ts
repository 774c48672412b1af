// Shapes that defend their services: lists, signature rules, limits of sources, ceilings.

import { tryPrefix } from '../../base/prefix.ts'
import type { DefenceShape, DefenceTables, RuleShape } from '../defence-shape.ts'
import { TIMEOUTS } from '../shape.ts'
import { clock, type Fixture, type FixtureParts, fixture, listener, vip, vip6 } from './fixture.ts'

const prefixes = (...texts: readonly string[]) => texts.map((text) => tryPrefix(text)!)
const bans = (...texts: readonly (readonly [string, number])[]) =>
  texts.map(([text, until]) => ({ prefix: tryPrefix(text)!, until }))

/** BANNED_UNTIL: the tick from which on bans of these fixtures have ended; some ticks come round before it. */
export const BANNED_UNTIL = 2 ** 30

const bare: DefenceShape = { rules: [], lists: { entries: 64 }, ceilings: false }
const both = [
  listener(vip, 80),
  listener(vip6, 80, 1),
  listener(vip, 53, 2, 0, 'udp'),
  listener(vip6, 53, 3, 0, 'udp'),
]

const listed: Partial<DefenceTables> = {
  allow: prefixes('203.0.113.0/24', '198.18.0.7', '2001:db8:a::/48', '2001:db8:e::/48'),
  deny: prefixes(
    '198.18.0.0/15',
    '203.0.113.64/26',
    '192.0.2.128/25',
    '2001:db8:b::/48',
    '2001:db8:a:8000::/49',
    '2001:db8:c::5',
  ),
  bans: bans(
    ['203.0.113.9', BANNED_UNTIL],
    ['203.0.113.65', BANNED_UNTIL],
    ['198.51.100.32/28', BANNED_UNTIL],
    ['198.51.100.35', 5],
    ['2001:db8:d::/64', BANNED_UNTIL],
    ['2001:db8:a::1', BANNED_UNTIL],
  ),
}

const SYN = { set: 0x02, clear: 0x10 }
/** The flood of the night: a SYN, window 0, no options. */
const night: RuleShape = {
  match: {
    protocol: 'tcp',
    flags: SYN,
    window: { first: 0, last: 0 },
    options: 'none',
    length: { first: 40, last: 40 },
  },
  action: 'drop',
  record: false,
}
const drops = (match: RuleShape['match'], rest: Partial<RuleShape> = {}): RuleShape => ({
  match,
  action: 'drop',
  record: false,
  ...rest,
})

/** Rules of which each needs what it says and nothing else. */
const various: readonly RuleShape[] = [
  night,
  { match: {}, action: 'count', record: true },
  drops({ ttl: { first: 100, last: 110 } }),
  drops({ length: { first: 1_000, last: 1_001 } }),
  drops({
    sourcePorts: [
      { first: 7, last: 7 },
      { first: 1_900, last: 1_902 },
    ],
  }),
  drops({ source: prefixes('192.0.2.64/26', '2001:db8:5:4000::/50') }),
  drops({ source: prefixes('198.51.100.8'), destination: prefixes('192.0.2.0/24') }),
  drops({ protocol: 'udp', payload: [{ at: 2, bytes: [1, 2, 3, 4, 5, 6, 7] }] }),
  drops({ protocol: 'tcp', flags: { set: 0x29, clear: 0 } }, { services: [0] }),
  drops({ options: 'some', payload: [{ at: 0, bytes: [0x47, 0x45, 0x54] }] }),
  drops({ ports: [{ first: 53, last: 53 }], sourcePorts: [{ first: 65_000, last: 65_535 }] }),
]
const some = (
  defence: DefenceShape,
  defended: Partial<DefenceTables> = {},
  parts: FixtureParts = {},
): Fixture => fixture({ listeners: both, ...parts, defence, defended })

const flows = { entries: 256, newFlows: 1_000, clock, idle: TIMEOUTS }
const nat = { track: 'all', onFailure: 'keep', hash: 'flow', nat: { port: 0 } } as const
const limited: DefenceShape = {
  ...bare,
  sources: { prefix: 32, prefix6: 64, new: true, udp: true, ban: false, entries: 8 },
}

const none = { ceiling: 0, proof: 'off' } as const

/** fixturesDefence by name. */
export const fixturesDefence = {
  /** Nothing is listed, limited or ruled out. */
  'defence-bare': some(bare),
  'defence-lists': some(bare, listed),
  'defence-lists-four': fixture({ defence: bare, defended: listed }),
  'defence-lists-six': fixture({ listeners: [listener(vip6, 80)], defence: bare, defended: listed }),
  'defence-only': some(bare, { ...listed, only: true }),
  'defence-only-empty': some(bare, { only: true }),
  'defence-lists-nat': some(bare, listed, { services: [nat, nat, nat, nat], flows }),
  'defence-night': fixture({ defence: { ...bare, rules: [night] } }),
  'defence-rules': some({ ...bare, rules: various }),
  'defence-rules-jumbo': some({ ...bare, rules: various }, {}, { jumbo: true }),
  'defence-rules-udp': fixture({
    listeners: [listener(vip, 53, 0, 0, 'udp')],
    defence: { ...bare, rules: various },
  }),
  'defence-rule-limit': some({
    ...bare,
    rules: [
      drops({ protocol: 'tcp', window: { first: 0, last: 100 } }, { action: 'limit', perSecond: 10 }),
      drops({ protocol: 'tcp', window: { first: 50, last: 60 } }, { action: 'limit', perSecond: 5 }),
    ],
  }),
  'defence-sources': some(limited, {
    allow: prefixes('198.18.0.7'),
    sources: { newPerS: 10, udpPerS: 20, banS: 0 },
  }),
  /** One source is a /24, or a /48. */
  'defence-sources-wide': some(
    { ...limited, sources: { ...limited.sources!, prefix: 24, prefix6: 48, udp: false } },
    { sources: { newPerS: 10, udpPerS: 20, banS: 0 } },
  ),
  'defence-ceilings': some(
    { ...bare, ceilings: true },
    { ceiling: 30, services: [{ ceiling: 10, proof: 'off' }] },
  ),
  /** A source opens ten flows a second, one that is allowed any; the service takes thirty. */
  'defence-shapes': some(
    { ...limited, sources: { ...limited.sources!, entries: 64 }, ceilings: true },
    {
      allow: prefixes('203.0.113.0/24', '2001:db8:a::/48'),
      sources: { newPerS: 10, udpPerS: 0, banS: 0 },
      services: [{ ceiling: 30, proof: 'off' }],
    },
  ),
  /** The first service of UDP takes ten flows a second, the node thirty. */
  'defence-ceilings-udp': some(
    { ...bare, ceilings: true, known: { flows: 256 } },
    { ceiling: 30, services: [none, none, { ceiling: 10, proof: 'off' }] },
  ),
  'defence-ceilings-udp-service': some(
    { ...bare, ceilings: true, known: { flows: 8 } },
    { services: [none, none, { ceiling: 10, proof: 'off' }] },
  ),
} satisfies Record<string, Fixture>
