// Which member a slot goes to while some are down. Each slot ranks all members: its owner by Maglev; then one
// other, dealt among the others by their weights in proportion, so that an owner's slots spread evenly when it
// fails; then the rest as a race whose times are drawn from a hash of (slot, member). A slot goes to its first
// rank that is up. So a failure moves the failed member's slots and no others, any order of the same events ends
// in the same place, and a return restores what was. Only owner and second are kept: the race is run on demand.
//
// How far members are from their fair part of the slots (equal weights; root mean square, worst of all; 60 pools,
// 6 of 1,000 members, failed members picked at random):
//
//   members   none down    one down      10 % down     20 % down     50 % down
//        10   0.04 0.11 %  0.03 0.10 %   0.03 0.10 %   0.44 1.38 %   1.10 3.65 %
//       100   0.07 0.10 %  0.10 0.15 %   0.42 1.76 %   0.74 3.39 %   1.40 4.90 %
//     1,000   0.07 0.10 %  0.10 0.16 %   0.90 2.99 %   1.09 3.81 %   1.62 7.04 %
//
// With weights, slots are whole: who has a fair part of 120 slots or more is within 2 % of it with all up and after
// any one failure, smaller ones within two slots and 0.31 %.

import { fillSlots, type Member, sortMembers, tableSize } from './maglev.ts'
import { hashName, mix32 } from './mix.ts'
import { lotOf, raceTime, raceWinner } from './race.ts'

/** Table: a pool's slots. Members are referred to by their index in `members`. Not to be written to. */
export interface Table {
  /** Sorted by name. */
  readonly members: readonly Member[]
  /** How many slots: a prime. */
  readonly slots: number
  /** By slot; nobody at all if no member has a weight: NO_MEMBER. */
  readonly owner: Uint16Array<ArrayBuffer>
  /** By slot; NO_MEMBER where no other member has a weight. */
  readonly second: Uint16Array<ArrayBuffer>
  /** By member: what its lots in races are drawn from. */
  readonly marks: Int32Array<ArrayBuffer>
}

/** NO_MEMBER in a table's owner and second. */
export const NO_MEMBER = 0xffff
/** NOBODY in an assignment: no member with a weight is up. */
export const NOBODY = 0xffffffff

/** dealSeconds: for an owner's i-th slot the member at i/n of the others' weights laid end to end. */
function dealSeconds(members: readonly Member[], owner: Uint16Array): Uint16Array<ArrayBuffer> {
  const total = members.reduce((sum, { weight }) => sum + weight, 0)
  const owned = new Uint32Array(members.length)
  for (const o of owner) owned[o]!++
  const others = Float64Array.from(members, ({ weight }) => total - weight)
  // each owner starts elsewhere within its first step: roundings of many owners then cancel out
  const at = Float64Array.from(members, ({ name }, o) => hashName(name, 4) % Math.max(1, others[o]!))
  const dealtTo = new Int32Array(members.length).fill(-1)
  const edge = new Float64Array(members.length)
  return owner.map((o) => {
    if (others[o] === 0) return NO_MEMBER
    // places are in units of 1/owned of a weight, below 2^51: exact
    while (at[o]! >= edge[o]! * owned[o]!) {
      const to = ++dealtTo[o]!
      if (to !== o) edge[o]! += members[to]!.weight
    }
    at[o]! += others[o]!
    return dealtTo[o]!
  })
}

/** buildTable: the table of a pool; the same bytes for the same members in any order. */
export function buildTable(pool: readonly Member[], slots: number = tableSize(pool.length)): Table {
  const members = sortMembers(pool)
  const marks = Int32Array.from(members, ({ name }) => hashName(name, 3))
  if (!members.some(({ weight }) => weight > 0)) {
    const none = () => new Uint16Array(slots).fill(NO_MEMBER)
    return { members, slots, owner: none(), second: none(), marks }
  }
  const owner = fillSlots(members, slots)
  return { members, slots, owner, second: dealSeconds(members, owner), marks }
}

/** raceOf: what tells a slot's race from others. */
const raceOf = (slot: number): number => mix32(slot + 0x9e3779b9)

/** Runners: who may take slots now, in ascending order, as the race wants them. */
interface Runners {
  readonly members: readonly number[]
  readonly marks: Int32Array
  readonly weights: Float64Array
  /** By member, and 0 for NO_MEMBER. */
  readonly up: Uint8Array
}

function runnersOf(table: Table, isUp: (member: number) => boolean): Runners {
  const members = [...table.members.keys()].filter((m) => table.members[m]!.weight > 0 && isUp(m))
  const up = new Uint8Array(NO_MEMBER + 1)
  for (const member of members) up[member] = 1
  return {
    members,
    marks: Int32Array.from(members, (member) => table.marks[member]!),
    weights: Float64Array.from(members, (member) => table.members[member]!.weight),
    up,
  }
}

/** firstUp: the slot's first rank that is up. */
function firstUp({ owner, second }: Table, slot: number, runners: Runners): number {
  if (runners.up[owner[slot]!] === 1) return owner[slot]!
  if (runners.up[second[slot]!] === 1) return second[slot]!
  const winner = raceWinner(raceOf(slot), runners.marks, runners.weights)
  return winner < 0 ? NOBODY : runners.members[winner]!
}

/** beats: whether `member` comes before `other` in the slot's race. */
function beats({ marks, members }: Table, slot: number, member: number, other: number): boolean {
  const race = raceOf(slot)
  const time = raceTime(lotOf(race, marks[member]!), members[member]!.weight)
  const otherTime = raceTime(lotOf(race, marks[other]!), members[other]!.weight)
  return time < otherTime || (time === otherTime && member < other)
}

/** assign: for each slot the member that is its first rank up, or NOBODY. */
export function assign(table: Table, isUp: (member: number) => boolean): Uint32Array<ArrayBuffer> {
  const runners = runnersOf(table, isUp)
  return new Uint32Array(table.slots).map((_, slot) => firstUp(table, slot, runners))
}

/**
 * reassign follows one member's change: `current` is the assignment of before and is updated, `isUp` says who is
 * up now, `write` gets each slot that moved with its new member (or NOBODY), in ascending order. Returns how many
 * moved. The outcome is that of assign.
 */
export function reassign(
  table: Table,
  current: Uint32Array,
  member: number,
  isUp: (member: number) => boolean,
  write: (slot: number, member: number) => void,
): number {
  if (table.members[member]!.weight === 0) return 0
  const { owner, second } = table
  const returned = isUp(member)
  const runners = returned ? undefined : runnersOf(table, isUp)

  /** Whether the member that returned comes before who holds the slot, its first rank up without it. */
  const takes = (slot: number, holder: number): boolean => {
    if (owner[slot] === member || holder === NOBODY) return true
    if (holder === owner[slot]) return false
    if (second[slot] === member) return true
    return holder !== second[slot] && beats(table, slot, member, holder)
  }

  let moved = 0
  for (let slot = 0; slot < current.length; slot++) {
    const holder = current[slot]!
    if (runners ? holder !== member : holder === member || !takes(slot, holder)) continue
    const to = runners ? firstUp(table, slot, runners) : member
    current[slot] = to
    write(slot, to)
    moved++
  }
  return moved
}
