// A dozen shapes whose programs are kept as listings (golden/*.txt) and loaded on every kernel that tests run on:
// one for each way in which a shape changes the program. Fixed keys, so that listener tables are the same too.

import { type Ip, type Ip4, type Ip6, type Protocol, parseIp, parseIp4, parseMac } from '../base/addresses.ts'
import { tryPrefix } from '../base/prefix.ts'
import type { DefenceShape, RuleShape } from './defence-shape.ts'
import { clockOf } from './flow-clock.ts'
import {
  type CountingScheduler,
  type FlowsShape,
  HASH_KEYS,
  type ListenerShape,
  type OtherInterface,
  type ServiceShape,
  type Shape,
  STATELESS,
  TIMEOUTS,
} from './shape.ts'
import { virtualMacOf } from './virtual-mac.ts'

const first = parseIp4('192.0.2.100')
const first6 = parseIp('2001:db8::100') as Ip6

/** Kinds: which address families and protocols listeners take turns at. */
export interface Kinds {
  readonly families?: readonly (4 | 6)[]
  readonly protocols?: readonly Protocol[]
}

/** listenersOf: `count` listeners, 16 ports an address; listener i belongs to service i mod services, pool i mod pools. */
export const listenersOf = (
  count: number,
  services: number,
  pools: number,
  { families = [4], protocols = ['tcp'] }: Kinds = {},
): ListenerShape[] =>
  Array.from({ length: count }, (_, i): ListenerShape => {
    const family = families[i % families.length]!
    const address: Ip =
      family === 4 ? ((first + (i >> 4)) as Ip4) : ((first6 + BigInt(i >> 4) * 0x1_0000_0001n) as Ip6)
    return {
      address,
      protocol: protocols[(i >> (families.length - 1)) % protocols.length]!,
      port: 80 + (i & 15),
      service: i % services,
      pool: i % pools,
    }
  })

/** ranged: of each 16 listeners four have a thousand ports each, and one has all. */
export const ranged = ({ listeners, ...rest }: Shape): Shape => ({
  ...rest,
  listeners: listeners.map((listener) => {
    const at = listener.port - 80
    if (at === 12) return { ...listener, port: 1, lastPort: 65_535 }
    return at >= 4 && at < 8 ? { ...listener, port: 1_000 * at, lastPort: 1_000 * at + 999 } : listener
  }),
})

/** fixedKeys: odd, spread, and always the same. */
export const fixedKeys = (): BigUint64Array =>
  BigUint64Array.from(
    { length: HASH_KEYS },
    (_, i) => BigInt.asUintN(64, 0x9e3779b97f4a7c15n * BigInt(i * 7_919 + 3)) | 1n,
  )

/** others: so many interfaces beside the one that a program is for. */
const others = (count: number): OtherInterface[] =>
  Array.from({ length: count }, (_, i) => ({
    number: i + 1,
    ifindex: i + 3,
    mac: parseMac(`02:00:00:00:01:0${i + 1}`),
  }))

type Options = Partial<Omit<Shape, 'services'>> & Kinds & { readonly service?: ServiceShape }

const shape = (
  count: number,
  services: number,
  pools: readonly number[],
  { families = [4], protocols = ['tcp'], service = STATELESS, ...rest }: Options = {},
): Shape => ({
  mac: parseMac('02:00:00:00:00:01'),
  own: 0,
  others: [],
  jumbo: false,
  services: Array<ServiceShape>(services).fill(service),
  servers: 4,
  pools,
  cpus: 2,
  listeners: listenersOf(count, services, pools.length, { families, protocols }),
  ...rest,
})

/** flowsShape: room for so many records, with the clock of this machine's kind. */
export const flowsShape = (entries: number): FlowsShape => ({
  entries,
  newFlows: 20_000,
  clock: clockOf(250),
  idle: TIMEOUTS,
})
const changes: ServiceShape = { track: 'changes', onFailure: 'keep', hash: 'flow' }
const persistence = { timeout: 600, network: 24, network6: 64 }
const resets: ServiceShape = { ...changes, onFailure: 'reset' }
const tracked = (service: ServiceShape, options: Options = {}): Options => ({
  service,
  flows: flowsShape(65_536),
  ...options,
})
/** Services that differ in all that they may differ in. */
const various: readonly ServiceShape[] = [
  changes,
  resets,
  { ...changes, track: 'all' },
  STATELESS,
  { ...resets, hash: 'source' },
]
const picking = (kind: CountingScheduler, room: number): ServiceShape => ({
  ...resets,
  track: 'all',
  picker: { kind, room },
})
const everyKind: Kinds = { families: [4, 6], protocols: ['tcp', 'udp'] }

/** A node's addresses, and the index of the veth that answers to checks go into. */
const turn = { ifindex: 9, addresses: [parseIp('192.0.2.2'), parseIp('2001:db8::2')] }

const virtual = ([4, 6] as const).map((family) => virtualMacOf({ ifindex: 2, family, vrid: 51 }))

const recorder = { records: 262_144 }

const nat: ServiceShape = { ...changes, track: 'all', nat: { port: 0 } }
const natPort: ServiceShape = { ...resets, track: 'all', nat: { port: 8_080 } }

/** The flood of the night, observed, and rules of every kind. */
const rules: readonly RuleShape[] = [
  {
    match: {
      protocol: 'tcp',
      flags: { set: 0x02, clear: 0x10 },
      window: { first: 0, last: 0 },
      options: 'none',
      length: { first: 40, last: 40 },
    },
    action: 'count',
    record: true,
  },
  {
    match: { protocol: 'tcp', flags: { set: 0x29, clear: 0 } },
    action: 'drop',
    record: false,
    services: [0],
  },
  {
    match: {
      source: [tryPrefix('198.51.100.0/25')!, tryPrefix('2001:db8:5::/49')!],
      ttl: { first: 30, last: 40 },
    },
    action: 'limit',
    perSecond: 100,
    record: false,
  },
  {
    match: {
      ports: [{ first: 53, last: 53 }],
      sourcePorts: [{ first: 1_900, last: 1_910 }],
      payload: [{ at: 2, bytes: [1, 2, 3, 4, 5] }],
    },
    action: 'drop',
    record: true,
  },
]
/** As many rules as there may be, each of a payload. */
const payloads: readonly RuleShape[] = Array.from({ length: 64 }, (_, at) => ({
  match: { protocol: 'tcp' as const, payload: [{ at, bytes: [0xab, 0xcd, 0xef] }] },
  action: 'drop' as const,
  record: false,
}))
/** What a file has that says nothing of it. */
const usual: DefenceShape = {
  rules: rules.slice(0, 1),
  lists: { entries: 4_096 },
  proof: { sources: 65_536 },
  ceilings: false,
}
const everything: DefenceShape = {
  ...usual,
  rules,
  sources: { prefix: 28, prefix6: 56, new: true, udp: true, ban: true, entries: 65_536 },
  ceilings: true,
  known: { flows: 65_536 },
}

/** everywhere: everything at once on three interfaces. */
const everywhere: Shape = {
  ...ranged(
    shape(16, 8, [1_021, 4_093], tracked(nat, { ...everyKind, jumbo: true, own: 3, others: others(2) })),
  ),
  services: [
    { ...natPort, persistence },
    { ...nat, ...picking('wlc', 4), persistence },
    { ...natPort, ...picking('wrr', 64) },
    ...various,
  ],
  before: [0, 2_039],
}

/** defended: a shape with what a file has that says nothing of defence. */
const defended = (of: Shape): Shape => ({ ...of, defence: usual, recorder: { records: 65_536 } })

/** goldenShapes: by file name. */
export const goldenShapes: Readonly<Record<string, Shape>> = {
  'one-listener': shape(1, 1, [1_021]),
  'one-listener-jumbo': shape(1, 1, [1_021], { jumbo: true }),
  'one-listener-one-cpu': shape(1, 1, [1_021], { cpus: 1 }),
  'one-listener-many-servers': shape(1, 1, [655_373], { servers: 1_000 }),
  'two-listeners-one-service': shape(2, 1, [1_021]),
  'three-listeners-two-services': shape(3, 2, [1_021]),
  'two-pools-of-one-size': shape(2, 2, [1_021, 1_021]),
  'two-pools-of-two-sizes': shape(2, 2, [1_021, 4_093]),
  'sixty-four-listeners': shape(64, 64, [1_021]),
  'sixty-five-listeners': shape(65, 65, [1_021]),
  'one-udp-listener': shape(1, 1, [1_021], { protocols: ['udp'] }),
  'tcp-and-udp': shape(2, 2, [1_021], { protocols: ['tcp', 'udp'] }),
  'one-ipv6-listener': shape(1, 1, [1_021], { families: [6] }),
  'ipv4-and-ipv6': shape(32, 2, [1_021], { families: [4, 6] }),
  'everything-once': shape(4, 2, [1_021], { families: [4, 6], protocols: ['tcp', 'udp'] }),
  'everything-inline': shape(64, 3, [1_021, 4_093], { families: [4, 6], protocols: ['tcp', 'udp'] }),
  'everything-in-tables-jumbo': shape(1_000, 500, [1_021, 4_093, 1_021], {
    families: [4, 6],
    protocols: ['tcp', 'udp'],
    jumbo: true,
  }),
  'one-listener-two-interfaces': shape(1, 1, [1_021], { others: others(1) }),
  'everything-once-four-interfaces': shape(4, 2, [1_021], { ...everyKind, own: 7, others: others(3) }),
  'everything-in-tables-jumbo-two-interfaces': shape(1_000, 500, [1_021, 4_093, 1_021], {
    ...everyKind,
    jumbo: true,
    others: others(1),
  }),
  'tracked-everything-two-interfaces': shape(
    4,
    2,
    [1_021],
    tracked(resets, { ...everyKind, others: others(1) }),
  ),
  'tracked-one-listener': shape(1, 1, [1_021], tracked(changes)),
  'tracked-one-listener-resets-jumbo': shape(1, 1, [1_021], tracked(resets, { jumbo: true })),
  'tracked-all-one-listener': shape(1, 1, [1_021], tracked({ ...changes, track: 'all' })),
  'tracked-one-udp-listener': shape(1, 1, [1_021], tracked(changes, { protocols: ['udp'] })),
  'tracked-one-ipv6-listener': shape(1, 1, [1_021], tracked(resets, { families: [6] })),
  'tracked-by-source': shape(1, 1, [1_021], tracked({ ...changes, hash: 'source' })),
  'tracked-sixty-four-listeners': shape(64, 64, [1_021], tracked(changes)),
  'tracked-everything-once': shape(4, 2, [1_021], tracked(resets, everyKind)),
  'tracked-everything-various': {
    ...shape(10, 5, [1_021, 4_093], tracked(changes, everyKind)),
    services: various,
    before: [0, 2_039],
  },
  'tracked-everything-in-tables-jumbo': {
    ...shape(1_000, 500, [1_021, 4_093, 1_021], tracked(changes, { ...everyKind, jumbo: true })),
    services: Array.from({ length: 500 }, (_, i) => various[i % various.length]!),
    before: [509, 0, 2_039],
  },
  'all-ports': {
    ...shape(1, 1, [1_021]),
    listeners: [{ address: first, protocol: 'tcp', port: 1, lastPort: 65_535, service: 0, pool: 0 }],
  },
  'ranges-inline': ranged(shape(16, 16, [1_021])),
  'ranges-everything-inline': ranged(shape(64, 3, [1_021, 4_093], tracked(changes, everyKind))),
  'ranges-in-tables': ranged(shape(80, 80, [1_021])),
  'ranges-everything-in-tables-jumbo': {
    ...ranged(shape(1_000, 500, [1_021, 4_093, 1_021], tracked(changes, { ...everyKind, jumbo: true }))),
    services: Array.from({ length: 500 }, (_, i) => various[i % various.length]!),
  },
  'persistent-one-listener': shape(1, 1, [1_021], tracked({ ...changes, track: 'all', persistence })),
  'persistent-everything-various': {
    ...shape(10, 5, [1_021, 4_093], tracked(changes, everyKind)),
    services: [...various.slice(0, 2), { ...resets, track: 'all', persistence }, ...various.slice(3)],
    before: [0, 2_039],
  },
  'persistent-counting': {
    ...shape(16, 8, [1_021, 4_093], tracked(changes, everyKind)),
    services: [
      ...([picking('wrr', 64), picking('wlc', 4), picking('sed', 4)] as const).map((each) => ({
        ...each,
        persistence,
      })),
      ...([
        { ...changes, track: 'all', persistence },
        picking('nq', 4),
        changes,
        STATELESS,
        STATELESS,
      ] as const),
    ],
  },
  'persistent-nat-everything-once-jumbo': {
    ...shape(4, 2, [1_021, 4_093], tracked(nat, { ...everyKind, jumbo: true })),
    services: [
      { ...natPort, persistence },
      { ...nat, ...picking('wlc', 4), persistence },
    ],
  },
  'counting-rr': shape(1, 1, [1_021], tracked(picking('rr', 4))),
  'counting-udp-nq': shape(1, 1, [1_021], tracked(picking('nq', 4), { protocols: ['udp'] })),
  'counting-thousand-servers': shape(1, 1, [655_373], tracked(picking('wlc', 1_000), { servers: 1_000 })),
  'counting-everything': {
    ...shape(16, 8, [1_021, 4_093], tracked(changes, everyKind)),
    services: [
      ...([picking('rr', 4), picking('wrr', 65_536), picking('lc', 1_024), picking('wlc', 4)] as const),
      ...([picking('sed', 4), picking('nq', 4), changes, STATELESS] as const),
    ],
  },
  'nat-one-listener': shape(1, 1, [1_021], tracked(nat)),
  'nat-told-to-others': shape(1, 1, [1_021], tracked(nat, { flows: { ...flowsShape(65_536), fresh: 256 } })),
  'counting-told-to-others': shape(
    1,
    1,
    [1_021],
    tracked(picking('rr', 4), { flows: { ...flowsShape(65_536), fresh: 256 } }),
  ),
  'told-to-others-various': {
    ...shape(8, 4, [1_021], tracked(changes, { ...everyKind, flows: { ...flowsShape(65_536), fresh: 256 } })),
    services: [
      { ...nat, ...picking('wlc', 4) },
      { ...changes, track: 'all', persistence },
      changes,
      { ...natPort, persistence },
    ],
  },
  'nat-one-udp-listener': shape(1, 1, [1_021], tracked(natPort, { protocols: ['udp'] })),
  'nat-one-ipv6-listener': shape(1, 1, [1_021], tracked(nat, { families: [6] })),
  'nat-and-dsr-everything-once-jumbo': {
    ...shape(4, 2, [1_021, 4_093], tracked(nat, { ...everyKind, jumbo: true })),
    services: [natPort, changes],
  },
  'nat-everything-two-interfaces': shape(
    4,
    2,
    [1_021, 4_093],
    tracked(nat, { ...everyKind, own: 3, others: others(1) }),
  ),
  'everything-three-interfaces-jumbo': everywhere,
  'turn-one-listener': shape(1, 1, [1_021], { turn: { ...turn, addresses: turn.addresses.slice(0, 1) } }),
  'turn-everything-inline-jumbo': shape(64, 3, [1_021, 4_093], { ...everyKind, jumbo: true, turn }),
  'turn-everything-in-tables': ranged(
    shape(1_000, 500, [1_021, 4_093, 1_021], tracked(changes, { ...everyKind, turn })),
  ),
  'turn-nat-and-dsr-everything-two-interfaces': {
    ...shape(4, 2, [1_021, 4_093], tracked(nat, { ...everyKind, own: 3, others: others(1), turn })),
    services: [natPort, changes],
  },
  'virtual-one-listener': shape(1, 1, [1_021], { virtual: virtual.slice(0, 1) }),
  'virtual-everything-once': shape(4, 2, [1_021], { ...everyKind, virtual }),
  'unaccepted-one-listener': shape(1, 1, [1_021], { unaccepted: [first, parseIp('192.0.2.1')] }),
  'unaccepted-everything-two-interfaces': {
    ...shape(4, 2, [1_021], tracked(nat, { ...everyKind, jumbo: true, own: 3, others: others(1), turn })),
    services: [natPort, changes],
    unaccepted: [first, first6, parseIp('2001:db8::1')],
  },
  'recorded-one-listener': shape(1, 1, [1_021], { recorder }),
  'recorded-everything-once-jumbo-two-interfaces': {
    ...shape(4, 2, [1_021], tracked(nat, { ...everyKind, jumbo: true, own: 3, others: others(1), turn })),
    services: [natPort, changes],
    recorder,
  },
  'recorded-everything-in-tables': {
    ...ranged(shape(1_000, 500, [1_021, 4_093, 1_021], tracked(changes, everyKind))),
    recorder,
  },
  'defence-one-listener': shape(1, 1, [1_021], { defence: usual }),
  'defence-one-ipv6-listener': shape(1, 1, [1_021], {
    families: [6],
    defence: { ...usual, rules: rules.slice(2) },
  }),
  'defence-one-udp-listener': shape(1, 1, [1_021], { protocols: ['udp'], defence: everything }),
  'defence-everything-once-two-interfaces': shape(4, 2, [1_021], {
    ...everyKind,
    others: others(1),
    defence: everything,
  }),
  'defence-nat-and-dsr-everything-once-jumbo': {
    ...shape(4, 2, [1_021, 4_093], tracked(nat, { ...everyKind, jumbo: true, turn, defence: everything })),
    services: [natPort, changes],
    recorder: { records: 4_096 },
  },
  'defence-everything-in-tables': {
    ...ranged(shape(1_000, 500, [1_021, 4_093, 1_021], tracked(changes, everyKind))),
    defence: everything,
    recorder: { records: 4_096 },
  },
  'usual-tracked-one-listener': defended(shape(1, 1, [1_021], tracked(changes))),
  'usual-everything-three-interfaces-jumbo': defended(everywhere),
  'defence-payloads': {
    ...defended(shape(2, 2, [1_021], { families: [4, 6] })),
    defence: { ...usual, rules: payloads },
  },
  'ten-thousand-listeners': shape(10_000, 10_000, [1_021]),
  'ten-thousand-listeners-own-pools': shape(10_000, 10_000, Array<number>(10_000).fill(1_021)),
  'thousand-listeners-mixed-pools-jumbo': shape(1_000, 500, [1_021, 4_093, 1_021], { jumbo: true }),
}
