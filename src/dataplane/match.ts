// Is this packet a listener's? A few listeners are compared by instructions, a balanced tree of them; many are
// found in an open-addressed table of direct memory whose longest probe was fixed when it was filled. Both leave
// the same answer: service, first slot and number of slots of its pool, as constants where all listeners agree.

import type { Builder } from '../bpf/builder.ts'
import type { Label } from '../bpf/isa.ts'
import { be16, be32, eq, fields, ge, immediate, ne, type Val, whole } from '../bpf/values.ts'
import { isInline, KIND_ADDRESS, KIND_TCP, type Memory, PROBES, poolBases, uniformSlots } from './memory.ts'
import type { OutcomeName } from './outcomes.ts'
import { KEY_ADDRESS, KEY_PORT, type ListenerShape, type Shape } from './shape.ts'

type Path = Builder<OutcomeName>
type Known = Val<'u32'> | number
/** Miss: a counted outcome, or a label ahead. */
type Miss = OutcomeName | Label

/** Match: constants where every listener has the same. */
export interface Match {
  readonly service: Known
  readonly base: Known
  readonly slots: Known
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

const word32 = (address: number): number => immediate(be32(address)) >>> 0
const word16 = (port: number): number => immediate(be16(port))
const byWord = (a: Leaf, b: Leaf): number => a.word - b.word

function byAddress(shape: Shape): Map<number, ListenerShape[]> {
  const groups = new Map<number, ListenerShape[]>()
  for (const listener of shape.listeners) {
    groups.set(listener.address, [...(groups.get(listener.address) ?? []), listener])
  }
  return groups
}

function inline(p: Path, shape: Shape, address: Val<'u32'>, port: Val<'u32'>, none: Miss): Match {
  const bases = poolBases(shape)
  const answers = shape.listeners.map(({ service, pool }) => ({
    service,
    base: bases[pool]!,
    slots: shape.pools[pool]!,
  }))
  const known = (key: keyof Match): Known => {
    const all = answers.map((answer) => answer[key])
    return all.every((value) => value === all[0]) ? all[0]! : p.variable('u32', Math.max(...all))
  }
  const match: Match = { service: known('service'), base: known('base'), slots: known('slots') }
  const matched = p.label('matched')
  const leaf = (listener: ListenerShape): Leaf => ({
    word: word16(listener.port),
    emit: () => {
      const answer = answers[shape.listeners.indexOf(listener)]!
      for (const key of ['service', 'base', 'slots'] as const) {
        const target = match[key]
        if (typeof target !== 'number') p.set(target, answer[key])
      }
      p.goto(matched)
    },
  })
  const leaves = [...byAddress(shape)].map(([word, listeners]) => ({
    word: word32(word),
    emit: () => tree(p, port, listeners.map(leaf).sort(byWord), none),
  }))
  tree(p, address, leaves.sort(byWord), none)
  p.bind(matched)
  return match
}

/** find an entry of the table by its key; falls out with the entry's value. */
function find(
  p: Path,
  memory: Memory,
  address: Val<'u32'>,
  port: Val<'u32'> | number,
  kind: number,
  none: Miss,
): Val<'u64'> {
  const tables = p.memory(memory.tables)
  const keys = p.pin(tables.keys)
  const key = (index: number) => p.load(p.element(keys, index))
  let hash = p.alu('add', p.alu('mul', key(KEY_ADDRESS), p.widen(address)), key(KEY_ADDRESS - 1))
  if (typeof port !== 'number') hash = p.alu('add', hash, p.alu('mul', key(KEY_PORT), p.widen(port)))
  const bucket = p.alu('rsh', hash, 64 - memory.listenerBits)
  const upper =
    typeof port === 'number' ? p.const64(BigInt(kind << 16)) : p.widen(p.alu('or', port, kind << 16))
  const wanted = p.alu('or', p.alu('lsh', upper, 32), p.widen(address))
  const value = p.variable('u64')
  const found = p.label('found')
  for (const place of p.window(tables.listeners, bucket, PROBES)) {
    const entry = fields(place)
    const next = p.label('next-probe')
    const held = p.load(whole(entry.key, 'u64'))
    p.jumpIf(ne(held, wanted), next)
    p.set(value, p.load(whole(entry.value, 'u64')))
    p.goto(found)
    p.bind(next)
    p.exitIf(eq(held, 0), none)
  }
  p.leave(none)
  p.bind(found)
  return value
}

function looked(
  p: Path,
  shape: Shape,
  memory: Memory,
  address: Val<'u32'>,
  port: Val<'u32'>,
  none: Miss,
): Match {
  const value = find(p, memory, address, port, KIND_TCP, none)
  const base = p.narrow(value)
  const service = p.alu('and', p.narrow(p.alu('rsh', value, 32)), memory.serviceCapacity - 1)
  const uniform = uniformSlots(shape)
  if (uniform !== undefined) return { base, service, slots: uniform }
  const pool = p.below(p.narrow(p.alu('rsh', value, 48)), shape.pools.length, none)
  return { base, service, slots: p.load(p.element(p.memory(memory.tables).poolSizes, pool)) }
}

/** matchListener: the listener of an address and port, both as the packet has them; `none` where there is none. */
export function matchListener(
  p: Path,
  shape: Shape,
  memory: Memory,
  address: Val<'be32'>,
  port: Val<'be16'>,
  none: Miss,
): Match {
  return isInline(shape)
    ? inline(p, shape, p.bits(address), p.bits(port), none)
    : looked(p, shape, memory, p.bits(address), p.bits(port), none)
}

/** matchAddress: falls through when the address is that of any listener; else `none`. */
export function matchAddress(p: Path, shape: Shape, memory: Memory, address: Val<'be32'>, none: Miss): void {
  if (!isInline(shape)) {
    find(p, memory, p.bits(address), 0, KIND_ADDRESS, none)
    return
  }
  const ours = p.label('service-address')
  const leaves = [...byAddress(shape).keys()].map((word) => ({
    word: word32(word),
    emit: () => p.goto(ours),
  }))
  tree(p, p.bits(address), leaves.sort(byWord), none)
  p.bind(ours)
}
