// PoolShare: what one node tells others of a pool's slots, so that they can go on where it ends. Who has a slot now is a
// function of the table and of what counts of each member, so only that is said, with a digest of what came of it; what is
// not a function of anything, the settled servers of slots whose flows are looked up, and how old changes are, is said slot
// by slot. Servers are numbered within a share: numbers of generations differ from node to node.
//
//   number 0: nobody | 1..: servers[number - 1] | ASK_BEFORE: the word of the table before

import { ASK_BEFORE, SLOT_LEARN, SLOT_RECORDS, settledOf } from '../dataplane/shape.ts'
import { NOBODY } from '../schedule/ranks.ts'
import { addressesIn, type Plan } from './plan.ts'
import type { SlotsLeft } from './pool-slots.ts'

/** ShareServer: a server by its name and address; `weight`: the file's, for members. */
export interface ShareServer {
  readonly name: string
  readonly address: string
}

/** SharedChange: slots, ascending, that changed hands, and the number of who had each. Milliseconds before the share was made. */
export interface SharedChange {
  readonly openedAgoMs: number
  readonly agoMs: number
  readonly slots: Uint32Array
  readonly from: Uint16Array
}

/** SharedLearning: slots whose UDP flows are learned for so long still. */
export interface SharedLearning {
  readonly leftMs: number
  readonly slots: Uint32Array
}

/** PoolShare: plain data; lists by slot are in ascending order of slots. */
export interface PoolShare {
  readonly pool: string
  readonly slots: number
  /** Members in the table's order, sorry servers behind them in theirs, then those that are none (any more). */
  readonly servers: readonly ShareServer[]
  /** How many of these are members, and how many sorry servers. */
  readonly members: number
  readonly sorry: number
  /** Of members and sorry servers: the file's weights, and what counts of each, 0..1. */
  readonly weights: Uint16Array
  readonly parts: Float64Array
  /** Slots go by the table of the sorry servers. */
  readonly isSorry: boolean
  /** Of who has each slot: {@link digestOf}. */
  readonly digest: number
  /** Slots whose flows are looked up, the number that each is settled with, and 1 where UDP is learned. */
  readonly marked: Uint32Array
  readonly settled: Uint16Array
  readonly learns: Uint8Array
  /** The oldest first. */
  readonly young: readonly SharedChange[]
  readonly learning: readonly SharedLearning[]
  /** By slot of the table before, the number that each is settled with; absent: no slot asks it. */
  readonly before?: Uint16Array
}

/** digestOf the members that have slots, by their places among all: FNV-1a over 16-bit words. */
export function digestOf(current: Uint16Array, first: number): number {
  let digest = 0x811c9dc5
  for (let slot = 0; slot < current.length; slot++) {
    const member = current[slot]!
    digest = Math.imul(digest ^ (member === NOBODY ? NOBODY : first + member), 0x01000193)
  }
  return digest >>> 0
}

/**
 * shareOf a pool of a plan. `before`: the words of its table before, if it has one. undefined: its flows are not tracked,
 * and there is nothing to go on with.
 */
export function shareOf(
  plan: Plan,
  pool: number,
  left: SlotsLeft,
  now: number,
  before?: Uint32Array,
): PoolShare | undefined {
  if (!left.lives) return undefined
  const { name, table, sorry, members, ids } = plan.pools[pool]!
  const numbers = new Numbers(plan, ids)
  const { words } = left
  const marked: number[] = []
  for (let slot = 0; slot < words.length; slot++) if ((words[slot]! & SLOT_RECORDS) !== 0) marked.push(slot)
  const settled = Uint16Array.from(marked, (slot) => numbers.of(settledOf(words[slot]!)))
  const young = left.young.map(({ opened, at, slots, from }) => ({
    openedAgoMs: now - opened,
    agoMs: now - at,
    slots,
    from: from.map((id) => numbers.of(id)),
  }))
  const asks = before !== undefined && before.length > 0 && settled.includes(ASK_BEFORE)
  const shared = asks ? Uint16Array.from(before, (word) => numbers.of(settledOf(word))) : undefined
  return {
    pool: name,
    slots: words.length,
    servers: numbers.servers,
    members: table.members.length,
    sorry: sorry?.members.length ?? 0,
    weights: Uint16Array.from(members, ({ weight }) => weight),
    parts: left.parts,
    isSorry: left.first > 0,
    digest: digestOf(left.current, left.first),
    marked: Uint32Array.from(marked),
    settled,
    learns: Uint8Array.from(marked, (slot) => ((words[slot]! & SLOT_LEARN) === 0 ? 0 : 1)),
    young,
    learning: left.learning.map(({ until, slots }) => ({ leftMs: Math.max(0, until - now), slots })),
    ...(shared && { before: shared }),
  }
}

/** Numbers of servers within a share: members first, whoever else is named as he comes. */
class Numbers {
  readonly servers: ShareServer[] = []
  readonly #plan: Plan
  readonly #numbers = new Map<number, number>([
    [0, 0],
    [ASK_BEFORE, ASK_BEFORE],
  ])
  readonly #addresses: ReadonlyMap<string, string>

  constructor(plan: Plan, ids: readonly number[]) {
    this.#plan = plan
    this.#addresses = addressesIn(plan)
    for (const id of ids) this.of(id)
  }

  of(id: number): number {
    const known = this.#numbers.get(id)
    if (known !== undefined) return known
    const name = this.#plan.servers[id]
    const address = name === undefined ? undefined : this.#addresses.get(name)
    const number = name === undefined || address === undefined ? 0 : this.servers.length + 1
    if (number > 0) this.servers.push({ name: name!, address: address! })
    this.#numbers.set(id, number)
    return number
  }
}
