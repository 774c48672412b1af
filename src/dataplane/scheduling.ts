// What schedulers that count need of the packet path's memory: rr, wrr, lc, wlc, sed and nq pick a new flow's server by
// turns or by connections, not by its slot. Laid out for one shape, filled, and changed while the program runs.
//
//   services  by service: who picks, and where
//   members   lc, wlc, sed, nq: a word for each server of the service, in order: bits 0..14 id | 32..63 weight
//   turns     rr, wrr: server ids in turn (schedule/rotation.ts); two halves a service: one is in use, one is free
//   loads     connections by server id, a row for each pool that a service of lc, wlc, sed or nq has
//
// A service's word is bits 0..31 where its members or turns begin | 32..63 how many there are: new turns are written into
// the free half, and one store of the word makes them the ones in use. A member's weight changes by a store of its word.

import { invariant } from '../base/errors.ts'
import { array, direct, struct } from '../bpf/types.ts'
import type { LeastKind } from '../schedule/least.ts'
import type { CountingScheduler, Shape } from './shape.ts'

/** Schedule: of a service. `cursor` counts turns that were taken; `row` is where its pool's loads begin. */
export const Schedule = struct('schedule', { word: 'u64', cursor: 'u64', kind: 'u32', row: 'u32' })
/** ServerLoad: connections of a server. Both may be less than 0 for a while, where CPUs raced. */
export const ServerLoad = struct('server_load', { active: 'u32', inactive: 'u32' })

/** KIND: who picks; 0: the table. */
export const KIND = { rr: 1, wrr: 1, lc: 2, wlc: 3, sed: 4, nq: 5 } as const satisfies Record<
  CountingScheduler,
  number
>
/** LEAST: the kinds that look at loads. */
export const LEAST = ['lc', 'wlc', 'sed', 'nq'] as const satisfies readonly LeastKind[]
/** MOST_MEMBERS: how many servers a service of lc, wlc, sed or nq has at most: a SYN looks at all of them. */
export const MOST_MEMBERS = 1_024

/** isLeast: whether it looks at connections; else it takes turns. */
export const isLeast = (kind: CountingScheduler): kind is LeastKind => KIND[kind] > KIND.rr

/** Placed: where a service's part of the memory is. */
export interface Placed {
  readonly kind: CountingScheduler
  readonly room: number
  /** Of its members, or of the first half of its turns. */
  readonly first: number
  /** Of its pool's loads; 0 for rr and wrr. */
  readonly row: number
}

/** Scheduling: the memory of a shape's schedulers. */
export type Scheduling = NonNullable<ReturnType<typeof schedulingOf>>

/** schedulingOf a shape; undefined where no service has a scheduler that counts. */
export function schedulingOf(shape: Shape, serviceCapacity: number, serverCapacity: number) {
  const services = new Map<number, Placed>()
  const rows = new Map<number, number>()
  let [members, turns] = [0, 0]
  for (const { service, pool } of shape.listeners) {
    const picker = shape.services[service]?.picker
    if (!picker || services.has(service)) continue
    const { kind, room } = picker
    if (isLeast(kind)) {
      invariant(room <= MOST_MEMBERS, `${room} servers for ${kind}`)
      const row = rows.get(pool) ?? rows.size * serverCapacity
      rows.set(pool, row)
      services.set(service, { kind, room, first: members, row })
      members += room
    } else {
      services.set(service, { kind, room, first: turns, row: 0 })
      turns += 2 * room
    }
  }
  if (services.size === 0) return undefined
  const placed = [...services.values()]
  const kinds = new Set(placed.map(({ kind }) => kind))
  const least = LEAST.filter((kind) => kinds.has(kind)).map((kind) => ({
    kind,
    most: Math.max(...placed.filter((each) => each.kind === kind).map(({ room }) => room)),
  }))
  const most = Math.max(0, ...least.map((each) => each.most))
  const map = direct('schedule', {
    services: array(Schedule, serviceCapacity),
    // behind the last service's members are so many that each may have the most
    members: array('u64', members + most + 1),
    loads: array(ServerLoad, Math.max(1, rows.size) * serverCapacity),
    turns: array('u16', 4 * Math.ceil((turns + 1) / 4)),
  })
  return {
    map,
    services,
    /** Which kinds there are that look at loads, the most servers that each has, and whether there is one that takes turns. */
    least,
    takesTurns: turns > 0,
    /** By pool. */
    rows,
    members,
    turns,
    serverCapacity,
  }
}

/** memberWord: lc looks at no weight but 0. */
export const memberWord = (kind: LeastKind, id: number, weight: number): bigint =>
  (BigInt(kind === 'lc' ? Math.min(1, weight) : weight) << 32n) | BigInt(id)

const kindWord = (kind: CountingScheduler, row: number): bigint => (BigInt(row) << 32n) | BigInt(KIND[kind])
const serviceWord = (first: number, count: number): bigint => (BigInt(count) << 32n) | BigInt(first)

/** Member: a server as a scheduler that looks at loads sees it; weight 0 takes nothing new. */
export interface Member {
  readonly id: number
  readonly weight: number
}

/** ScheduleTable: what a service's scheduler goes by: server ids in turn, or members in LVS's order of them. */
export type ScheduleTable =
  | { readonly turns: readonly number[]; readonly cursor?: bigint }
  | { readonly members: readonly Member[] }

/** ScheduleImage: the memory, seen so that each part is written by single stores. */
export class ScheduleImage {
  readonly #scheduling: Scheduling
  readonly #words: BigUint64Array
  readonly #turns: Uint16Array
  /** loads: pairs of connections, active and inactive, by row and server id. */
  readonly loads: Int32Array
  /** bytes of all of it. */
  readonly bytes: Uint8Array

  constructor(scheduling: Scheduling, image: Uint8Array) {
    const { offsets, size, fields } = scheduling.map.type
    invariant(image.byteLength >= size, `${image.byteLength} bytes for ${size}`)
    const at = (offset: number) => [image.buffer, image.byteOffset + offset] as const
    this.#scheduling = scheduling
    this.bytes = image.subarray(0, size)
    this.#words = new BigUint64Array(...at(0), offsets.loads / 8)
    this.#turns = new Uint16Array(...at(offsets.turns), fields.turns.count)
    this.loads = new Int32Array(...at(offsets.loads), 2 * fields.loads.count)
  }

  /** fill a service's part of memory that nobody reads yet. */
  fill(service: number, table: ScheduleTable): void {
    const { kind, row } = this.#placed(service)
    this.#words[this.#at(service) + WORD.kind] = kindWord(kind, row)
    if ('turns' in table) this.setTurns(service, table.turns, table.cursor ?? 0n)
    else this.setMembers(service, table.members)
  }

  /** holds: whether a service's part is as fill() would have it, whatever turn it is. */
  holds(service: number, table: ScheduleTable): boolean {
    const { kind, first, room, row } = this.#placed(service)
    const at = this.#at(service)
    const begin = Number(this.#words[at + WORD.word]! & 0xffff_ffffn)
    if (this.#words[at + WORD.kind] !== kindWord(kind, row)) return false
    if ('turns' in table) {
      const { ids } = this.turns(service)
      const isPlace = begin === first || begin === first + room
      return isPlace && ids.length === table.turns.length && table.turns.every((id, i) => id === ids[i])
    }
    const words = table.members.map(({ id, weight }) => memberWord(kind as LeastKind, id, weight))
    const start = this.#scheduling.map.type.offsets.members / 8 + first
    return (
      this.#words[at + WORD.word] === serviceWord(first, words.length) &&
      words.every((word, i) => word === this.#words[start + i])
    )
  }

  /** setTurns: from one store on these are taken, from `cursor` on. A flow that is picked for meanwhile may skip a turn. */
  setTurns(service: number, ids: readonly number[], cursor: bigint): void {
    const { first, room } = this.#placed(service)
    invariant(ids.length <= room, `${ids.length} turns, there is room for ${room}`)
    const at = this.#at(service)
    const isFirst = Number(this.#words[at + WORD.word]! & 0xffff_ffffn) === first
    const free = isFirst ? first + room : first
    this.#turns.set(ids, free)
    Atomics.store(this.#words, at + WORD.cursor, cursor)
    Atomics.store(this.#words, at + WORD.word, serviceWord(free, ids.length))
  }

  /** take the next turn: a server's id, or 0 where there is none. As the packet path does. */
  take(service: number): number {
    const { ids, cursor } = this.turns(service)
    if (ids.length === 0) return 0
    this.#words[this.#at(service) + WORD.cursor] = cursor + 1n
    return ids[Number(cursor % BigInt(ids.length))]!
  }

  /** turns of a service in use: server ids, and how many were taken, counted from where the cursor was set. */
  turns(service: number): { readonly ids: Uint16Array; readonly cursor: bigint } {
    const at = this.#at(service)
    const word = this.#words[at + WORD.word]!
    const first = Number(word & 0xffff_ffffn)
    return {
      ids: this.#turns.slice(first, first + Number(word >> 32n)),
      cursor: this.#words[at + WORD.cursor]!,
    }
  }

  /** setMembers: all of a service's, in order. One whose weight alone is another one changes by one store. */
  setMembers(service: number, members: readonly Member[]): void {
    const { kind, first, room } = this.#placed(service)
    invariant(members.length <= room, `${members.length} servers, there is room for ${room}`)
    const start = this.#scheduling.map.type.offsets.members / 8 + first
    for (const [i, { id, weight }] of members.entries())
      Atomics.store(this.#words, start + i, memberWord(kind as LeastKind, id, weight))
    Atomics.store(this.#words, this.#at(service) + WORD.word, serviceWord(first, members.length))
  }

  /** members of a service, as they are now. */
  members(service: number): readonly Member[] {
    const word = this.#words[this.#at(service) + WORD.word]!
    const start = this.#scheduling.map.type.offsets.members / 8 + Number(word & 0xffff_ffffn)
    return Array.from(this.#words.subarray(start, start + Number(word >> 32n)), (member) => ({
      id: Number(member & 0x7fffn),
      weight: Number(member >> 32n),
    }))
  }

  /** loadAt: where in `loads` a server's connections for a service are. */
  loadAt(service: number, id: number): number {
    return 2 * (this.#placed(service).row + id)
  }

  #placed(service: number): Placed {
    const placed = this.#scheduling.services.get(service)
    invariant(placed, `service ${service} has no scheduler that counts`)
    return placed
  }

  #at = (service: number): number => (Schedule.size / 8) * service
}

/** WORD: a schedule as 64-bit words. */
const WORD = { word: 0, cursor: 1, kind: 2 } as const
