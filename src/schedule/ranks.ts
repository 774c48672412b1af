// Which member a slot goes to while some are down. Each slot ranks all members: its owner by its cell; then one
// other, dealt among the others by their weights in proportion, so that an owner's slots spread evenly when it
// fails; then the rest as a race whose times are drawn from a hash of (slot, member). A slot goes to its first
// rank that is up. So a failure moves the failed member's slots and no others, any order of the same events ends
// in the same place, and a return restores what was. Only owner and second are kept: the race is run on demand.
//
// How far members are from their fair part of the slots (equal weights; root mean square, worst of all; 40 pools of 10
// members, 20 of 100, 3 of 1,000, failed members picked at random):
//
//   members   none down    one down      10 % down     20 % down     50 % down
//        10   0.05 0.10 %  0.05 0.09 %   0.05 0.09 %   0.49 1.37 %   1.01 2.89 %
//       100   0.07 0.10 %  0.10 0.15 %   0.41 1.35 %   0.74 2.78 %   1.40 4.68 %
//     1,000   0.07 0.10 %  0.10 0.15 %   0.59 2.63 %   0.99 4.42 %   1.58 6.62 %
//
// With weights, slots are whole: who has a fair part of 120 slots or more is within 2 % of it with all up and after
// any one failure, smaller ones within two slots and 0.31 %.
//
// A weight that is lowered for a while is the configured one in part: the member keeps that part of its own slots (to
// within three slots), always the same for the same part, and passes the rest on to the ranks behind it.

import { type Member, sortMembers } from './members.ts'
import { hashName, mix32 } from './mix.ts'
import { ownersOf } from './owners.ts'
import { lotOf, raceTime, raceWinner } from './race.ts'
import { tableSize } from './table-size.ts'

/** Table: a pool's slots. Members are referred to by their index in `members`. Not to be written to. */
export interface Table {
  /** Sorted by name. */
  readonly members: readonly Member[]
  /** How many: one of tableSizes. */
  readonly slots: number
  /** By slot; nobody at all if no member has a weight: NO_MEMBER. */
  readonly owner: Uint16Array<ArrayBuffer>
  /** By slot; NO_MEMBER where no other member has a weight. Made when first asked for: while all are up nobody asks. */
  readonly second: Uint16Array<ArrayBuffer>
  /** By member: what its lots in races are drawn from. */
  readonly marks: Int32Array<ArrayBuffer>
}

/** NO_MEMBER in a table's owner and second. */
export const NO_MEMBER = 0xffff
/** NOBODY in an assignment: no member with a weight is up. */
export const NOBODY = 0xffff

/** dealSeconds: for an owner's i-th slot the member at i/n of the others' weights laid end to end. */
function dealSeconds(members: readonly Member[], owner: Uint16Array): Uint16Array<ArrayBuffer> {
  const total = members.reduce((sum, { weight }) => sum + weight, 0)
  const weights = Float64Array.from(members, ({ weight }) => weight)
  const { slots, begin } = byOwner(owner, members.length)
  const second = new Uint16Array(owner.length)
  for (const [o, { name, weight }] of members.entries()) {
    const step = total - weight
    const [first, end] = [begin[o]!, begin[o + 1]!]
    // each owner starts elsewhere within its first step: roundings of many owners then cancel out
    let place = hashName(name, 4) % Math.max(1, step)
    let [to, edge] = step > 0 ? [-1, 0] : [NO_MEMBER, Number.POSITIVE_INFINITY]
    // Tens of millions of slots in a large file: nothing here is called for each.
    for (let i = first; i < end; i++) {
      // places are in units of 1/owned of a weight, below 2^51: exact
      while (place >= edge) if (++to !== o) edge += weights[to]! * (end - first)
      second[slots[i]!] = to
      place += step
    }
  }
  return second
}

/** byOwner: slots in the order of who owns them, and where those of each begin. */
function byOwner(
  owner: Uint16Array,
  members: number,
): { readonly slots: Uint32Array; readonly begin: Uint32Array } {
  const begin = new Uint32Array(members + 1)
  for (let slot = 0; slot < owner.length; slot++) begin[owner[slot]! + 1]!++
  for (let member = 0; member < members; member++) begin[member + 1]! += begin[member]!
  const slots = new Uint32Array(owner.length)
  const next = begin.slice()
  for (let slot = 0; slot < owner.length; slot++) slots[next[owner[slot]!]!++] = slot
  return { slots, begin }
}

/** buildTable: the table of a pool; the same bytes for the same members in any order. */
export function buildTable(pool: readonly Member[], slots: number = tableSize(pool.length)): Table {
  const members = sortMembers(pool)
  const marks = Int32Array.from(members, ({ name }) => hashName(name, 3))
  if (!members.some(({ weight }) => weight > 0)) {
    const none = () => new Uint16Array(slots).fill(NO_MEMBER)
    return { members, slots, owner: none(), second: none(), marks }
  }
  const owner = ownersOf(members, slots)
  let second: Uint16Array<ArrayBuffer> | undefined
  return {
    members,
    slots,
    owner,
    get second() {
      second ??= dealSeconds(members, owner)
      return second
    },
    marks,
  }
}

/** raceOf: what tells a slot's race from others. */
const raceOf = (slot: number): number => mix32(slot + 0x9e3779b9)

/**
 * Part: how much of a member's weight counts now: 0 or false nothing, 1 or true all of it. In between (a whole number
 * of 1..65,535 divided by another) it keeps so large a part of the slots that it owns: always the same ones for the
 * same part, and all those of a smaller one.
 */
export type Part = (member: number) => number | boolean

/** Runners: who may take slots now, in ascending order, as the race wants them. */
interface Runners {
  readonly members: readonly number[]
  readonly marks: Int32Array
  readonly weights: Float64Array
  /** By member: takes none, some or all of what it owns or is second for. */
  readonly takes: Uint8Array
  /** By member: its weight times its part, and its part of 2^32. */
  readonly weightOf: Float64Array
  readonly limitOf: Float64Array
  /** Of members whose part is less than 1: what draws their slots. */
  readonly lots: Uint32Array | undefined
}

const [NONE, SOME, ALL] = [0, 1, 2]
/** 2^32 divided by the golden ratio: its multiples modulo 2^32 fill any interval evenly (H. Weyl). */
const GOLDEN = 0x9e3779b9

const ownLots = new WeakMap<Table, Uint32Array>()

/** lotsOf: by slot, what a part is compared with: the slots that a member owns draw evenly spread lots, from 0 on. */
function lotsOf(table: Table): Uint32Array {
  const known = ownLots.get(table)
  if (known) return known
  const next = new Uint32Array(NO_MEMBER + 1)
  const lots = new Uint32Array(table.slots)
  for (let slot = 0; slot < lots.length; slot++) {
    const owner = table.owner[slot]!
    lots[slot] = next[owner]!
    next[owner]! += GOLDEN
  }
  ownLots.set(table, lots)
  return lots
}

function runnersOf(table: Table, part: Part): Runners {
  const count = table.members.length
  const members: number[] = []
  const takes = new Uint8Array(count)
  const weightOf = new Float64Array(count)
  const limitOf = new Float64Array(count)
  let isPartial = false
  for (let member = 0; member < count; member++) {
    const counts = Number(part(member))
    const weight = table.members[member]!.weight * counts
    if (weight <= 0) continue
    members.push(member)
    takes[member] = counts < 1 ? SOME : ALL
    isPartial ||= counts < 1
    weightOf[member] = weight
    limitOf[member] = counts * 0x100000000
  }
  return {
    members,
    marks: Int32Array.from(members, (member) => table.marks[member]!),
    weights: Float64Array.from(members, (member) => weightOf[member]!),
    takes,
    weightOf,
    limitOf,
    lots: isPartial ? lotsOf(table) : undefined,
  }
}

/** takesOwn: whether a slot's owner takes it, which is `owner`. */
function takesOwn({ takes, limitOf, lots }: Runners, slot: number, owner: number): boolean {
  const how = takes[owner]
  return how === ALL || (how === SOME && lots![slot]! < limitOf[owner]!)
}

/** takesSecond: whether a slot's second takes it when its owner does not. */
function takesSecond({ marks }: Table, { takes, limitOf }: Runners, slot: number, second: number): boolean {
  const how = takes[second]
  if (how !== SOME) return how === ALL
  // another draw than that of the race, which it may lose afterwards
  return lotOf(mix32(raceOf(slot)), marks[second]!) < limitOf[second]!
}

/** firstUp: the slot's first rank that takes it. In the race owner and second run again, if any of them counts. */
function firstUp(table: Table, slot: number, runners: Runners): number {
  const owner = table.owner[slot]!
  if (takesOwn(runners, slot, owner)) return owner
  const second = table.second[slot]!
  if (takesSecond(table, runners, slot, second)) return second
  const winner = raceWinner(raceOf(slot), runners.marks, runners.weights)
  return winner < 0 ? NOBODY : runners.members[winner]!
}

/** beats: whether `member` comes before `other` in the slot's race. */
function beats(
  { marks }: Table,
  slot: number,
  { weightOf }: Runners,
  member: number,
  other: number,
): boolean {
  const race = raceOf(slot)
  const time = raceTime(lotOf(race, marks[member]!), weightOf[member]!)
  const otherTime = raceTime(lotOf(race, marks[other]!), weightOf[other]!)
  return time < otherTime || (time === otherTime && member < other)
}

/** assign: for each slot the member that is its first rank up, or NOBODY. */
export function assign(table: Table, part: Part): Uint16Array<ArrayBuffer> {
  const runners = runnersOf(table, part)
  // All are up: nobody's slot is another's.
  const isWhole = table.members.every(({ weight }, member) => weight === 0 || runners.takes[member] === ALL)
  if (isWhole) return table.owner.slice()
  if (runners.members.length === 0) return new Uint16Array(table.slots).fill(NOBODY)
  const current = new Uint16Array(table.slots)
  for (let slot = 0; slot < current.length; slot++) current[slot] = firstUp(table, slot, runners)
  return current
}

/**
 * reassign follows one member's change: `current` is the assignment of before and is updated, `part` says what of
 * everyone's weight counts now, `write` gets each slot that moved with its new member and the one before (or NOBODY),
 * in ascending order. Returns how many moved. The outcome is that of assign.
 */
export function reassign(
  table: Table,
  current: Uint16Array,
  member: number,
  part: Part,
  write: (slot: number, member: number, before: number) => void,
): number {
  if (table.members[member]!.weight === 0) return 0
  const { owner, second } = table
  const runners = runnersOf(table, part)
  const mayLose = runners.takes[member] !== ALL
  const mayTake = runners.takes[member] !== NONE

  /** Whether the member comes before who holds the slot, its first rank up without it. */
  const comesFirst = (slot: number, holder: number): boolean => {
    if (holder === NOBODY) return true
    const [first, next] = [owner[slot]!, second[slot]!]
    if ((first === member || first === holder) && takesOwn(runners, slot, first)) return first === member
    if ((next === member || next === holder) && takesSecond(table, runners, slot, next))
      return next === member
    return beats(table, slot, runners, member, holder)
  }

  let moved = 0
  const { takes } = runners
  for (let slot = 0; slot < current.length; slot++) {
    const holder = current[slot]!
    // nearly all: an owner that has its slot, and to whom nothing has happened
    if (holder === owner[slot] && holder !== member && takes[holder] === ALL) continue
    let to = holder
    if (holder === member) {
      if (mayLose) to = firstUp(table, slot, runners)
    } else if (mayTake && comesFirst(slot, holder)) to = member
    if (to === holder) continue
    current[slot] = to
    write(slot, to, holder)
    moved++
  }
  return moved
}
