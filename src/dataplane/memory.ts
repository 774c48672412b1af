// The packet path's memory, laid out for one shape: what the program loads from, what the engine fills, what is
// counted. All of it is direct memory; sizes follow from the file alone.
//
//   tables    keys | servers (8 bytes each) | listeners (16 bytes each, open addressing) | pool sizes
//             | what flows need: keys of their own, what services do | servers' addresses and networks (32 bytes each)
//             | what nat needs: ports, pools' first slots, whose fragments may be answers | ranges of ports
//             | networks that persist | where other nodes tell of flows: the ports that servers answer from
//   slots     one word a slot, pool after pool
//   fragments ports of first fragments, a word each (path-fragment.ts)
//   held      a ring: fragments on their way to the daemon
//   counters  a block per possible CPU, each on its own pages, and one that only the daemon writes (carry); where other
//             nodes are told of records, with the keys of the newest ones
//
// where a virtual router has a MAC of its own:
//
//   roles     whether this node is active for it (virtual-mac.ts); it survives generations
//
// where other nodes tell of flows:
//
//   awaiting  whether they may be about to (awaiting.ts); it survives generations
//
// where packets are recorded:
//
//   recorder  for each CPU how many it has recorded | rings of records, 128 bytes each (record.ts); it survives generations
//
// and where flows are tracked:
//
//   flows     records, 64 bytes a bucket of four (flow-record.ts); it survives generations
//   answers   what turns servers' answers back, 192 bytes a bucket of four (answer-record.ts); it survives generations
//   failed    a bit for each server of each pool
//   shut      where services persist: such bits of servers to whom no client network comes back
//   before    tables that pools had before their size changed: where each begins and how many slots it has | words
//   clock     jiffies, where tests set the time (not only there)
//   schedule  what schedulers go by that count turns or connections (scheduling.ts)
//
// and what services are defended by: defence-memory.ts

import { type Ip, isIp4, type Protocol } from '../base/addresses.ts'
import { invariant } from '../base/errors.ts'
import { array, bytes, type DirectMemory, direct, objectMap, struct } from '../bpf/types.ts'
import { AnswerBucket } from './answer-record.ts'
import { AWAITING } from './awaiting.ts'
import { defenceMemoryOf, LIST_BYTES } from './defence-memory.ts'
import { BUCKET_ENTRIES, FlowBucket } from './flow-record.ts'
import { eventNames, outcomeNames } from './outcomes.ts'
import { type PortRange, rangesByAddress } from './port-ranges.ts'
import { RecorderState, recorderOf } from './record.ts'
import { schedulingOf } from './scheduling.ts'
import {
  ASK_BEFORE,
  type Clock,
  type FlowsShape,
  HASH_KEYS,
  MAX_INTERFACES,
  type ServiceShape,
  type Shape,
  STATELESS,
} from './shape.ts'
import { ROLES } from './virtual-mac.ts'

const PAGE = 4096
/** CLOCK: of a shape that says nothing of it. */
const CLOCK: Clock = { source: 'jiffies', hz: 250, shift: 4 }
/** Room for outcome counters in a block, and for events beside them. */
const OUTCOMES = 64
const EVENTS = 8
/** Up to so many listeners are compared by instructions, more are found in the table. */
const INLINE_LISTENERS = 64
/** PROBES: how far from its bucket a listener may be; the table grows until all are nearer. */
export const PROBES = 8

/**
 * Server: where frames go. `state`: 0, or where the MAC is known bit 0 and in bits 8..15 the number of the interface
 * that the server is behind. Written by one 64-bit store.
 */
export const Server = struct('server', { mac: bytes(6), state: 'u16' })
/** stateOf a server that is reached by an interface. */
export const stateOf = (via: number): number => 1 | (via << STATE_VIA)
/** STATE_VIA: how far the interface's number is to the left in `state`. */
export const STATE_VIA = 8
/** Target: a server's own address, and which bits of it its network's addresses have in common; of IPv4 the first four bytes. */
export const Target = struct('target', { address: bytes(16), mask: bytes(16) })
/**
 * Listener: `kind` 0 empty, 1 TCP, 2 UDP, 0x100 the address itself, with port 0. `base` is the pool's first slot; an
 * address' entry has its first range there, and how many it has in the other half.
 */
const ListenerValue = struct('listener_value', { base: 'u32', service: 'u16', pool: 'u16' })
export const Listener = struct('listener', {
  key: struct('listener_key', { address: 'be32', port: 'be16', kind: 'u16' }),
  value: ListenerValue,
})
/** Listener6: the same for an IPv6 address. */
export const Listener6 = struct('listener6', {
  high: 'be64',
  low: 'be64',
  key: struct('listener6_key', { port: 'be16', kind: 'u16', fill: 'u32' }),
  value: ListenerValue,
})
/** Range: ports of an address, side by side with its others: kind << 16 | port of the first and the last. */
export const Range = struct('range', { first: 'u32', last: 'u32', value: ListenerValue })
export const KIND_TCP = 1
export const KIND_UDP = 2
export const KIND_ADDRESS = 0x100
/** BeforeTable: a pool's table before: its first word, and how many it has; 0: none. */
export const BeforeTable = struct('before_table', { base: 'u32', slots: 'u32' })
/** PerSecond: what a CPU does so many times in a second: in which second, and how often so far. */
export const PerSecond = struct('per_second', { second: 'u32', count: 'u32' })
/** FRAGMENT_BUCKETS, FRAGMENT_WAYS: first fragments are remembered in so many buckets of so many (path-fragment.ts). */
export const FRAGMENT_BUCKETS = 4_096
export const FRAGMENT_WAYS = 2
/** Of a fragment that is handed over so many bytes have room, in a ring of so many. */
const HELD = { usual: 2_040, jumbo: 10_232, ring: 1 << 18, jumboRing: 1 << 19 } as const
/** PORT_WORDS: a bit for each port. */
const PORT_WORDS = 65_536 / 32
/** SOURCE_BITS: so many for each server tell whose fragments may be answers (answer-sources.ts). */
export const SOURCE_BITS = 64
/**
 * freshOf: keys of the newest records that a CPU has made, a ring for each table: event `flow-insert`, `answer-insert` number
 * n left word at n modulo the ring's size, before it wrote the record (engine/fresh.ts reads them).
 */
const freshOf = (count: number) =>
  struct('fresh', { flows: array('u64', count), answers: array('u64', count) })
/** NewFlows: what bounds records that a CPU makes: in which second, and how many so far. */
export const NewFlows = struct('new_flows', { second: 'u32', count: 'u32' })
/** Persists: how a service persists: ticks of silence, 0: not at all; the bits of a network, of IPv4 and of IPv6. */
export const Persists = struct('persists', { ticks: 'u32', mask: 'u32', high: 'u64', low: 'u64' })
export const Traffic = struct('traffic', { packets: 'u64', bytes: 'u64' })

/**
 * isInline: whether listeners are compared by instructions. With nat, where what comes behind is long, only one is: the
 * verifier follows each from its comparison to the end.
 */
export const isInline = (shape: Shape): boolean =>
  shape.listeners.length <= (usesNat(shape) ? 1 : INLINE_LISTENERS)

const powerOfTwo = (n: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, n)))

/** addresses: the distinct service addresses, in the listeners' order. */
export const addresses = (shape: Shape): Ip[] => [...new Set(shape.listeners.map(({ address }) => address))]

/** Family: 4 or 6. */
export type Family = 4 | 6
export const familyOf = (address: Ip): Family => (isIp4(address) ? 4 : 6)
/** By shape: the families and protocols of its listeners. Asked hundreds of times while a program is built. */
const kindsOf = new WeakMap<Shape, ReadonlySet<Family | Protocol>>()

/** has: whether a shape has listeners of a family or a protocol. */
export function has(shape: Shape, what: Family | Protocol): boolean {
  let kinds = kindsOf.get(shape)
  if (!kinds) {
    kinds = new Set(shape.listeners.flatMap(({ address, protocol }) => [familyOf(address), protocol]))
    kindsOf.set(shape, kinds)
  }
  return kinds.has(what)
}

/** tabledRanges: the ranges that are looked up in memory: by address of a family, in the order of their list. */
export const tabledRanges = (shape: Shape, family: Family): ReadonlyMap<Ip, readonly PortRange[]> =>
  isInline(shape)
    ? new Map()
    : rangesByAddress(shape.listeners.filter(({ address }) => familyOf(address) === family))

/** rangesIn: how many there are. */
const rangesIn = (shape: Shape): number =>
  ([4, 6] as const)
    .flatMap((family) => [...tabledRanges(shape, family).values()])
    .reduce((sum, { length }) => sum + length, 0)

/** uniformSlots: the number of slots that all pools have, or undefined where they differ. */
export const uniformSlots = (shape: Shape): number | undefined =>
  shape.pools.every((slots) => slots === shape.pools[0]) ? shape.pools[0] : undefined

const uses = new WeakMap<Shape, readonly ServiceShape[]>()

/** serviceUses: what the services that listeners have do; each but once. Asked for again and again: worked out once. */
function serviceUses(shape: Shape): readonly ServiceShape[] {
  const known = uses.get(shape)
  if (known) return known
  const found = new Map<string, ServiceShape>()
  for (const { service } of shape.listeners) {
    const does = shape.services[service] ?? STATELESS
    const { track, onFailure, hash, nat, persistence } = does
    found.set(`${track} ${onFailure} ${hash} ${nat !== undefined} ${persistence !== undefined}`, does)
  }
  const all = [...found.values()]
  uses.set(shape, all)
  return all
}
/** uniformUse: what all services do, or undefined where they differ and it has to be looked up. */
export function uniformUse(shape: Shape): ServiceShape | undefined {
  const [use, ...others] = serviceUses(shape)
  return others.length === 0 ? use : undefined
}
/** someUse: whether some listener's service does it. */
export const someUse = (shape: Shape, does: (service: ServiceShape) => boolean): boolean =>
  serviceUses(shape).some(does)

/** answersReset: whether some service answers for a failed server with a RST. */
export const answersReset = (shape: Shape): boolean =>
  has(shape, 'tcp') && someUse(shape, ({ onFailure }) => onFailure === 'reset')

/** poolBases: the first slot of each pool. */
export function poolBases(shape: Shape): number[] {
  let base = 0
  return shape.pools.map((slots) => {
    base += slots
    return base - slots
  })
}

/** flowsOf: the flow table's shape, where some service has any use for it. */
export const flowsOf = ({ flows, listeners, services }: Shape): FlowsShape | undefined =>
  listeners.some(({ service }) => (services[service] ?? STATELESS).track !== 'none') ? flows : undefined

/** persists: whether the flow table has client networks too. */
export const persists = (shape: Shape): boolean =>
  flowsOf(shape) !== undefined && someUse(shape, ({ persistence }) => persistence !== undefined)

/** timeOf: the clock that the packet path reads. */
export const timeOf = (shape: Shape): Clock => flowsOf(shape)?.clock ?? shape.clock ?? CLOCK

/** usesNat: whether some listener's packets are translated. */
export const usesNat = (shape: Shape): boolean =>
  flowsOf(shape) !== undefined && someUse(shape, ({ nat }) => nat !== undefined)

/** awaitsAnswers: whether servers' answers may come before the records that other nodes have made (awaiting.ts). */
export const awaitsAnswers = (shape: Shape): boolean => usesNat(shape) && flowsOf(shape)?.fresh !== undefined
/** awaitsRequests: whether clients' segments may. */
export const awaitsRequests = (shape: Shape): boolean =>
  flowsOf(shape)?.fresh !== undefined && has(shape, 'tcp')

/** bucketsOf: how many buckets hold so many records. */
export const bucketsOf = ({ entries }: FlowsShape): number => Math.max(1, Math.ceil(entries / BUCKET_ENTRIES))

/** failedBit: the bit of a server of a pool in the words of `failed`, 32 in each. */
export const failedBit = (
  { serverCapacity }: Pick<Memory, 'serverCapacity'>,
  pool: number,
  id: number,
): number => pool * serverCapacity + id

/** Bits: a family's listener table has 2^bits buckets. */
export type Bits = Readonly<Record<Family, number>>

/** Memory: the maps of one shape. */
export type Memory = ReturnType<typeof memoryOf>

/** FLOW_KEYS: multipliers of a flow's second hash, made of the hash keys (flow-keys.ts). */
export const FLOW_KEYS = 12
/** ALL_FLOW_KEYS: with those of client networks. */
export const ALL_FLOW_KEYS = 24
/** SETTING: what a service does, as bits of a byte. */
export const SETTING = { changes: 1, all: 2, resets: 4, bySource: 8, nat: 16 } as const
/** settingsOf: the byte of a service. */
export const settingsOf = ({ track, onFailure, hash, nat }: ServiceShape): number =>
  (track === 'changes' ? SETTING.changes : 0) |
  (track === 'all' ? SETTING.all : 0) |
  (onFailure === 'reset' ? SETTING.resets : 0) |
  (hash === 'source' ? SETTING.bySource : 0) |
  (nat ? SETTING.nat : 0)

/** The maps that tracking needs. */
function flowMapsOf(shape: Shape, flows: FlowsShape, serverCapacity: number) {
  const { before = [] } = shape
  const words = before.reduce((sum, slots) => sum + slots, 0)
  const bits = array('u32', Math.ceil((shape.pools.length * serverCapacity) / 32))
  return {
    flows: direct('flows', { buckets: array(FlowBucket, bucketsOf(flows)) }),
    answers: usesNat(shape)
      ? direct('answers', { buckets: array(AnswerBucket, bucketsOf(flows)) })
      : undefined,
    failed: direct('failed', { words: bits }),
    shut: persists(shape) ? direct('shut', { words: bits }) : undefined,
    before:
      words === 0
        ? undefined
        : direct('before', { tables: array(BeforeTable, shape.pools.length), words: array('u32', words) }),
    clock: flows.clock.source === 'word' ? direct('clock', { jiffies: 'u64' }) : undefined,
  }
}

/** memoryOf lays the maps out. `bits` only matters where listeners are in tables. */
export function memoryOf(shape: Shape, bits: Bits = { 4: 0, 6: 0 }) {
  invariant(shape.listeners.length > 0, 'a shape without listeners')
  invariant(Number.isInteger(Math.log2(shape.cpus)), `${shape.cpus} counter blocks: a power of two is needed`)
  invariant(
    [shape.own, ...shape.others.map(({ number }) => number)].every((number) => number < MAX_INTERFACES),
    'an interface’s number has a byte',
  )
  invariant(shape.servers < ASK_BEFORE, `${shape.servers} servers: at most ${ASK_BEFORE - 1} have ids`)
  const flows = flowsOf(shape)
  const nat = usesNat(shape)
  const serverCapacity = powerOfTwo(shape.servers + 1)
  const serviceCapacity = powerOfTwo(shape.services.length)
  const totalSlots = Math.max(
    1,
    shape.pools.reduce((sum, slots) => sum + slots, 0),
  )
  const isTabled = (family: Family): boolean => !isInline(shape) && has(shape, family)
  const tables = direct('tables', {
    keys: array('u64', HASH_KEYS),
    servers: array(Server, serverCapacity),
    listeners: array(Listener, isTabled(4) ? 2 ** bits[4] + PROBES : 1),
    listeners6: array(Listener6, isTabled(6) ? 2 ** bits[6] + PROBES : 1),
    poolSizes: array('u32', Math.ceil(shape.pools.length / 2) * 2),
    flowKeys: array('u64', persists(shape) ? ALL_FLOW_KEYS : flows ? FLOW_KEYS : 1),
    settings: array('u8', uniformUse(shape) ? 8 : Math.max(8, serviceCapacity)),
    targets: array(Target, serverCapacity),
    serverPorts: array('be16', nat ? Math.max(4, serviceCapacity) : 4),
    poolBases: array('u32', nat ? Math.ceil(shape.pools.length / 2) * 2 : 2),
    sources: array('u32', nat ? (SOURCE_BITS / 32) * serverCapacity : 2),
    ranges: array(Range, powerOfTwo(rangesIn(shape))),
    persists: array(Persists, persists(shape) ? serviceCapacity : 1),
    answerPorts: array('u32', awaitsAnswers(shape) ? PORT_WORDS : 2),
  })
  const slots = direct('slots', { words: array('u32', totalSlots) })
  const outcomes = array('u64', OUTCOMES)
  const services = array(Traffic, serviceCapacity)
  const servers = array(Traffic, serverCapacity)
  const events = array('u64', EVENTS)
  const fresh = freshOf(flows?.fresh ?? 1)
  const used =
    8 * (OUTCOMES + EVENTS) +
    fresh.size +
    NewFlows.size +
    2 * PerSecond.size +
    RecorderState.size +
    Traffic.size * (serviceCapacity + serverCapacity)
  const fill = PAGE - (used % PAGE)
  const Block = struct('block', {
    outcomes,
    services,
    servers,
    events,
    newFlows: NewFlows,
    exceeded: PerSecond,
    held: PerSecond,
    recorder: RecorderState,
    fresh,
    fill: bytes(fill),
  })
  const counters = direct('counters', { blocks: array(Block, shape.cpus), carry: Block })
  const tracking = flows && flowMapsOf(shape, flows, serverCapacity)
  const isTold = timeOf(shape).source === 'word'
  return {
    tables,
    slots,
    counters,
    tracking,
    scheduling: flows && schedulingOf(shape, serviceCapacity, serverCapacity),
    roles: shape.virtual && ROLES,
    awaiting: awaitsAnswers(shape) || awaitsRequests(shape) ? AWAITING : undefined,
    recorder: shape.recorder && recorderOf(shape.recorder, shape.cpus),
    defence:
      shape.defence &&
      defenceMemoryOf(shape.defence, serviceCapacity, shape.cpus, (what) => has(shape, what)),
    fragments: direct('fragments', { records: array('u64', FRAGMENT_BUCKETS * FRAGMENT_WAYS) }),
    held: objectMap('held', 'ringbuf', shape.jumbo ? HELD.jumboRing : HELD.ring),
    heldBytes: shape.jumbo ? HELD.jumbo : HELD.usual,
    clock: tracking?.clock ?? (isTold ? direct('clock', { jiffies: 'u64' }) : undefined),
    Block,
    serviceCapacity,
    serverCapacity,
    totalSlots,
    bits,
  }
}

/** mapsOf: the maps of a shape, by role. */
export const mapsOf = (memory: Memory): readonly DirectMemory[] => {
  const { tables, slots, counters, fragments, roles, awaiting, tracking, clock, scheduling } = memory
  const { defence, recorder } = memory
  return [
    ...[tables, slots, counters, fragments, roles, awaiting],
    ...[tracking?.flows, tracking?.answers, tracking?.failed, tracking?.shut, tracking?.before, clock],
    ...[scheduling?.map, recorder],
    ...[
      defence?.settings,
      defence?.proven,
      defence?.sources,
      defence?.banned,
      defence?.known,
      defence?.rules,
      defence?.openings,
    ],
  ].filter((map) => map !== undefined)
}

/** mapSizes: what each of the maps takes, in bytes; pages are whole. */
export const mapSizes = (memory: Memory): { readonly name: string; readonly bytes: number }[] => [
  ...mapsOf(memory).map(({ name, type }) => ({ name, bytes: Math.ceil(type.size / PAGE) * PAGE })),
  { name: memory.held.name, bytes: memory.held.maxEntries },
  ...[memory.defence?.lists4, memory.defence?.lists6].flatMap((trie) =>
    trie ? [{ name: trie.name, bytes: LIST_BYTES * trie.maxEntries }] : [],
  ),
]

invariant(outcomeNames.length <= OUTCOMES, 'more outcomes than counters')
invariant(eventNames.length <= EVENTS, 'more events than counters')
