// Is this packet a listener's? A few listeners are compared by instructions, a balanced tree of them; many are
// found in open-addressed tables of direct memory whose longest probe was fixed when they were filled. Both leave
// the same answer: service, first slot and number of slots of its pool, as constants where all listeners agree.
// A listener's port stands together with its protocol where the file has both; IPv6 addresses are told apart word
// by word, the last one first.

import type { Ip, Protocol } from '../base/addresses.ts'
import type { Builder } from '../bpf/builder.ts'
import { maxOf } from '../bpf/emitter.ts'
import { Label } from '../bpf/isa.ts'
import type { Bytes } from '../bpf/types.ts'
import {
  be16,
  be32,
  eq,
  fields,
  ge,
  immediate,
  ne,
  type Place,
  part,
  type Val,
  whole,
} from '../bpf/values.ts'
import { type Cell, cell, type Home, type Lender, lend, type Path, put } from './cell.ts'
import { IPPROTO_TCP, IPPROTO_UDP } from './headers.ts'
import type { RangeFunctions } from './match-ranges.ts'
import {
  familyOf,
  flowsOf,
  has,
  isInline,
  KIND_ADDRESS,
  KIND_TCP,
  KIND_UDP,
  type Memory,
  PROBES,
  poolBases,
  uniformSlots,
} from './memory.ts'
import type { OutcomeName } from './outcomes.ts'
import { isRange, portRanges } from './port-ranges.ts'
import { hostPort, rangeTree } from './range-tree.ts'
import { KEY_ADDRESS, KEY_ADDRESS6, KEY_PORT, type ListenerShape, type Shape } from './shape.ts'

/** Miss: a counted outcome, or a label ahead. */
type Miss = OutcomeName | Label

/** Destination: the address that a packet is for, where it lies in the packet. */
export type Destination =
  | { readonly family: 4; readonly place: Place<'be32'> }
  | { readonly family: 6; readonly place: Place<Bytes<16>> }

/** Match: constants where every listener has the same, else what matchListener sets. The service is needed last. */
export interface Match {
  readonly service: Cell
  readonly base: Cell
  readonly slots: Cell
  /** Its index; 0 where nobody asks. */
  readonly pool: Cell
}

interface Leaf {
  readonly word: number
  readonly emit: () => void
}

/** tree: a balanced search of `value` among constants; `none` where it is not among them. Leaves end by leaving. */
function tree(p: Path, value: Val<'u32'>, leaves: readonly Leaf[], none: Miss): void {
  if (leaves.length === 1) {
    p.exitIf(ne(value, leaves[0]!.word), none)
    leaves[0]!.emit()
    return
  }
  const half = leaves.length >> 1
  const upper = p.label(`from-${leaves[half]!.word.toString(16)}`)
  p.jumpIf(ge(value, leaves[half]!.word), upper)
  tree(p, value, leaves.slice(0, half), none)
  p.bind(upper)
  tree(p, value, leaves.slice(half), none)
}

function grouped<T, K>(items: readonly T[], key: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item])
  return groups
}

const sorted = (leaves: Leaf[]): Leaf[] => leaves.sort((a, b) => a.word - b.word)
const word32 = (value: number): number => immediate(be32(value)) >>> 0
/** wordOf: the 32-bit word `index` of an IPv6 address, as the machine reads it. */
const wordOf = (address: Ip, index: number): number =>
  word32(Number((BigInt(address) >> BigInt(96 - 32 * index)) & 0xffffffffn))

/** isMixed: the file has TCP and UDP listeners. */
export const isMixed = (shape: Shape): boolean => has(shape, 'tcp') && has(shape, 'udp')
const number = { tcp: IPPROTO_TCP, udp: IPPROTO_UDP } as const satisfies Record<Protocol, number>
const kind = { tcp: KIND_TCP, udp: KIND_UDP } as const satisfies Record<Protocol, number>

/** portWord: what a listener's port is compared as: the port, with the protocol above it where both are in use. */
const portWord = (shape: Shape, { port, protocol }: ListenerShape): number =>
  immediate(be16(port)) | (isMixed(shape) ? number[protocol] << 16 : 0)

/** portOf: the same of a packet. */
export const portOf = (
  p: Path,
  shape: Shape,
  port: () => Val<'u32'>,
  protocol: () => Val<'u8' | 'u32'>,
): Val<'u32'> => (isMixed(shape) ? p.alu('or', p.alu('lsh', protocol(), 16), port()) : port())

/** addressTree: a leaf for each distinct address of the listeners given, which it gets. Leaves end by leaving. */
export function addressTree<T extends { readonly address: Ip }>(
  p: Path,
  { family, place }: Destination,
  listeners: readonly T[],
  none: Miss,
  leaf: (listeners: readonly T[]) => void,
): void {
  if (family === 4) {
    const groups = grouped(listeners, ({ address }) => word32(Number(address)))
    tree(
      p,
      p.bits(p.load(place)),
      sorted([...groups].map(([word, group]) => ({ word, emit: () => leaf(group) }))),
      none,
    )
    return
  }
  const level = (index: number, some: readonly T[]): void => {
    if (index < 0) {
      leaf(some)
      return
    }
    const groups = grouped(some, ({ address }) => wordOf(address, index))
    const leaves = [...groups].map(([word, group]) => ({ word, emit: () => level(index - 1, group) }))
    tree(p, p.load(part(place, 4 * index, 'u32')), sorted(leaves), none)
  }
  level(3, listeners)
}

/** Answer: what a listener's packets are given. */
type Answer = Readonly<Record<keyof Match, number>>

const answersOf = (shape: Shape): Answer[] => {
  const bases = poolBases(shape)
  const isAsked = flowsOf(shape) !== undefined
  return shape.listeners.map(({ service, pool }) => ({
    service,
    pool: isAsked ? pool : 0,
    base: bases[pool]!,
    slots: shape.pools[pool]!,
  }))
}

/**
 * matchOf: cells for matchListener's answer. Those of service and pool are on the stack in any case, and `other`'s where there
 * is one.
 */
export function matchOf(p: Path, shape: Shape, memory: Memory, home: Home, other?: Match): Match {
  const answers = answersOf(shape)
  const known = (key: keyof Match, varies: (most: number) => Cell): Cell => {
    const all = answers.map((answer) => answer[key])
    return all.every((value) => value === all[0]) ? (all[0] ?? 0) : varies(Math.max(...all))
  }
  const here = (most: number) => cell(p, home, 'u32', most)
  const service = () => other?.service ?? p.vagueSlot(memory.serviceCapacity)
  const pool = () => other?.pool ?? p.vagueSlot(shape.pools.length)
  if (isInline(shape))
    return {
      service: known('service', service),
      base: known('base', here),
      slots: known('slots', here),
      pool: known('pool', pool),
    }
  return {
    service: service(),
    base: cell(p, home, 'u32', maxOf('u32')),
    slots: uniformSlots(shape) ?? cell(p, home, 'u32', maxOf('u32')),
    // a pool that no listener has counts too
    pool: known('pool', pool),
  }
}

/** lendMatch: the same cells where they are on the caller's stack. */
export const lendMatch = ({ service, base, slots, pool }: Match, lender: Lender): Match => ({
  service: lend(service, lender),
  base: lend(base, lender),
  slots: lend(slots, lender),
  pool: lend(pool, lender),
})

/** Wanted: an address that is looked for: what is a function emits it when it is needed. IPv6's words are in order. */
export type Wanted =
  | { readonly family: 4; readonly address: () => Val<'u32'> }
  | {
      readonly family: 6
      readonly word: (index: number) => Val<'u32'>
      readonly high: () => Val<'u64'>
      readonly low: () => Val<'u64'>
    }

/** wantedOf a packet. */
function wantedOf(p: Path, { family, place }: Destination): Wanted {
  if (family === 4) return { family, address: () => p.bits(p.load(place)) }
  const half = (offset: number) => () => p.load(part(place, offset, 'u64'))
  return {
    family,
    word: (index) => p.load(part(place, 4 * index, 'u32')),
    high: half(0),
    low: half(8),
  }
}

/**
 * find an entry of a family's table by its key; falls out with the entry's value. `missed`, where there is no such
 * entry, has to find a value or to leave by `none`; it is given what the entries were compared with: of IPv4 the
 * whole key, of IPv6 port and kind.
 */
export function find<C extends string>(
  p: Builder<C>,
  memory: Memory,
  wanted: Wanted,
  port: Val<'u32'> | undefined,
  portAndKind: Val<'u64'>,
  none: C | Label,
  missed?: (compared: Val<'u64'>) => Val<'u64'>,
): Val<'u64'> {
  const { family } = wanted
  const tables = p.memory(memory.tables)
  const key = (index: number) => p.load(p.element(tables.keys, index))
  const first = family === 4 ? KEY_ADDRESS : KEY_ADDRESS6
  const words = family === 4 ? [wanted.address] : [0, 1, 2, 3].map((index) => () => wanted.word(index))
  let hash = key(KEY_ADDRESS - 1)
  for (const [i, word] of words.entries())
    hash = p.alu('add', hash, p.alu('mul', key(first + i), p.widen(word())))
  if (port) hash = p.alu('add', hash, p.alu('mul', key(KEY_PORT), p.widen(port)))
  const bucket = p.alu('rsh', hash, 64 - memory.bits[family])
  // a call for what is missed leaves no register for the value
  const kept = missed && p.slot('u64')
  const value = kept ? undefined : p.variable('u64')
  const give = (found: Val<'u64'>): void => (value ? p.set(value, found) : p.setSlot(kept!, found))
  const found = p.label('found')
  const miss = missed ? p.label('no-exact-port') : none
  let compared = portAndKind
  /** One probe: the entry's words that must be equal, and its value. */
  const probe = (pairs: readonly (readonly [Val<'u64'>, () => Val<'u64'>])[], entry: Place<'u64'>): void => {
    const next = p.label('next-probe')
    const [[held]] = pairs as [readonly [Val<'u64'>, () => Val<'u64'>]]
    for (const [has, wanted] of pairs) p.jumpIf(ne(has, wanted()), next)
    give(p.load(entry))
    p.goto(found)
    p.bind(next)
    p.exitIf(eq(held, 0), miss)
  }
  if (family === 4) {
    compared = p.alu('or', p.alu('lsh', portAndKind, 32), p.widen(words[0]!()))
    for (const at of p.window(tables.listeners, bucket, PROBES)) {
      const entry = fields(at)
      probe([[p.load(whole(entry.key, 'u64')), () => compared]], whole(entry.value, 'u64'))
    }
  } else {
    for (const at of p.window(tables.listeners6, bucket, PROBES)) {
      const entry = fields(at)
      const held = p.load(whole(entry.key, 'u64'))
      const address = (name: 'high' | 'low') => p.load({ ...entry[name], type: 'u64' as const })
      probe(
        [
          [held, () => portAndKind],
          [address('low'), wanted.low],
          [address('high'), wanted.high],
        ],
        whole(entry.value, 'u64'),
      )
    }
  }
  if (missed && miss instanceof Label) {
    p.bind(miss)
    give(missed(compared))
  } else p.leave(none)
  p.bind(found)
  return value ?? p.unstash(kept!)
}

/** Matching: what matchListener needs of a route. */
interface Matching {
  readonly shape: Shape
  readonly memory: Memory
  readonly match: Match
  readonly ranges: RangeFunctions
}

/**
 * matchListener: the listener of a destination, by its portOf; `none` where there is none. Sets the route's match.
 * The shape has listeners of that family.
 */
export function matchListener(
  p: Path,
  { shape, memory, match, ranges }: Matching,
  destination: Destination,
  port: Val<'u32'>,
  protocol: () => Val<'u8' | 'u32'>,
  none: Miss,
): void {
  const mine = shape.listeners.filter(({ address }) => familyOf(address) === destination.family)
  if (isInline(shape)) {
    const answers = answersOf(shape)
    const matched = p.label('matched')
    const give = (answer: Answer) => {
      for (const key of ['service', 'base', 'slots', 'pool'] as const) put(p, match[key], answer[key])
      p.goto(matched)
    }
    // what several listeners answer is given in one place, behind all comparisons
    const shared = [
      ...grouped(mine, (listener) => JSON.stringify(answers[shape.listeners.indexOf(listener)])),
    ]
      .filter(([, listeners]) => listeners.length > 1)
      .map(([, listeners]) => ({ listeners, label: p.label('answer') }))
    const isListener = (listener: ListenerShape) => () => {
      const place = shared.find(({ listeners }) => listeners.includes(listener))
      if (place) p.goto(place.label)
      else give(answers[shape.listeners.indexOf(listener)]!)
    }
    const leaf = (listener: ListenerShape): Leaf => ({
      word: portWord(shape, listener),
      emit: isListener(listener),
    })
    addressTree(p, destination, mine, none, (group) => {
      const exact = sorted(group.filter((listener) => !isRange(listener)).map(leaf))
      const wider = portRanges(group)
      if (wider.length === 0) {
        tree(p, port, exact, none)
        return
      }
      if (exact.length > 0) {
        const others = p.label('ranges')
        tree(p, port, exact, others)
        p.bind(others)
      }
      const leaves = wider.map(({ protocol, first, last, listener }) => {
        const upper = isMixed(shape) ? number[protocol] << 16 : 0
        return { first: upper + first, last: upper + last, emit: isListener(listener) }
      })
      rangeTree(p, hostPort(p, port, isMixed(shape)), leaves, none)
    })
    for (const { listeners, label } of shared) {
      p.bind(label)
      give(answers[shape.listeners.indexOf(listeners[0]!)]!)
    }
    p.bind(matched)
    return
  }
  // kinds are protocols by another number: TCP 6 -> 1, UDP 17 -> 2
  const single = has(shape, 'tcp') ? kind.tcp : kind.udp
  const plain = isMixed(shape) ? p.alu('and', port, 0xffff) : port
  const kinds = isMixed(shape) ? p.alu('lsh', p.alu('add', p.alu('rsh', protocol(), 4), 1), 16) : single << 16
  const wanted = wantedOf(p, destination)
  const among = ranges[destination.family]
  const inRanges = (compared: Val<'u64'>): Val<'u64'> => {
    const list = p.memory(memory.tables).ranges
    const args = wanted.family === 4 ? [] : [wanted.high(), wanted.low()]
    const answer = p.callSub(among!, ...args, compared)
    p.exitIf(eq(answer, 0), none)
    const at = p.alu('and', p.alu('sub', answer, 1), list.type.count - 1)
    return p.load(whole(fields(p.element(list, at)).value, 'u64'))
  }
  const portAndKind = p.widen(p.alu('or', plain, kinds))
  const value = find(p, memory, wanted, plain, portAndKind, none, among && inRanges)
  put(p, match.base, p.narrow(value))
  put(p, match.service, p.alu('and', p.narrow(p.alu('rsh', value, 32)), memory.serviceCapacity - 1))
  if (typeof match.slots === 'number' && typeof match.pool === 'number') return
  const pool = p.below(p.narrow(p.alu('rsh', value, 48)), shape.pools.length, none)
  put(p, match.pool, pool)
  if (typeof match.slots === 'number') return
  put(p, match.slots, p.load(p.element(p.memory(memory.tables).poolSizes, pool)))
}

/** matchAddress: falls through when the address is that of any listener; else `none`. */
export function matchAddress(
  p: Path,
  shape: Shape,
  memory: Memory,
  destination: Destination,
  none: Miss,
): void {
  if (!isInline(shape)) {
    find(p, memory, wantedOf(p, destination), undefined, p.const64(BigInt(KIND_ADDRESS << 16)), none)
    return
  }
  const mine = shape.listeners.filter(({ address }) => familyOf(address) === destination.family)
  const ours = p.label('service-address')
  addressTree(p, destination, mine, none, () => p.goto(ours))
  p.bind(ours)
}
