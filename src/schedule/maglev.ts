// The lookup table of Maglev (Eisenbud et al., NSDI 2016, section 3.4) with weights: each member prefers the
// slots in an order of its own, and members take turns at their best slot that is still free. Members take turns
// in iterations: the heaviest one in each, another as often as its weight says, all of them in the first; so each
// holds its share to within one slot and members/slots of it, and none with a weight goes empty-handed. The table
// is a pure function of names, weights and size: members are sorted by name, bytewise, whatever order they had.

import { invariant } from '../base/errors.ts'
import { hashName } from './mix.ts'

/** Member: a server of a pool. `weight` 0..65,535; with 0 it is known but owns no slot. */
export interface Member {
  readonly name: string
  readonly weight: number
}

/** tableSizes: the primes that a table's size is one of. */
export const tableSizes = [
  1_021, 2_039, 4_093, 8_191, 16_381, 32_749, 65_537, 131_071, 262_139, 524_287, 655_373,
] as const
/** How many slots there are at least for a member, up to 1,008 members. */
export const SLOTS_PER_MEMBER = 650
export const MAX_WEIGHT = 65_535
/** Member ids have 15 bits in a slot's word, 0 is nobody, and the last one is no server's either. */
export const MAX_MEMBERS = 32_766

/**
 * tableSize: the smallest size that gives each member 650 slots; the largest one for more than 1,008 members.
 * Members without weight count, so that taking one's weight away moves nobody else's slots by a new size.
 */
export const tableSize = (members: number): number =>
  tableSizes.find((size) => size >= members * SLOTS_PER_MEMBER) ?? tableSizes.at(-1)!

/** sortMembers: by the bytes of their names in UTF-8, which must differ. The order of a table's member indexes. */
export function sortMembers(members: readonly Member[]): readonly Member[] {
  const keyed = members.map((member) => ({ member, key: Buffer.from(member.name) }))
  keyed.sort((a, b) => Buffer.compare(a.key, b.key))
  for (const [i, { member, key }] of keyed.entries()) {
    const { name, weight } = member
    invariant(Number.isInteger(weight) && weight >= 0 && weight <= MAX_WEIGHT, `weight ${weight} of ${name}`)
    invariant(i === 0 || !key.equals(keyed[i - 1]!.key), `two members are named ${name}`)
  }
  invariant(members.length <= MAX_MEMBERS, `${members.length} members`)
  return keyed.map(({ member }) => member)
}

/** Turns: who takes a turn in which iteration, first come, first served within one. */
class Turns {
  readonly #first: Int32Array
  readonly #last: Int32Array
  readonly #next: Int32Array

  constructor(iterations: number, members: number) {
    this.#first = new Int32Array(iterations).fill(-1)
    this.#last = new Int32Array(iterations).fill(-1)
    this.#next = new Int32Array(members)
  }

  add(iteration: number, member: number): void {
    if (iteration >= this.#first.length) return
    const last = this.#last[iteration]!
    if (last < 0) this.#first[iteration] = member
    else this.#next[last] = member
    this.#last[iteration] = member
    this.#next[member] = -1
  }

  first(iteration: number): number {
    return this.#first[iteration]!
  }

  /** To be asked before the member is added again. */
  after(member: number): number {
    return this.#next[member]!
  }
}

/**
 * fillSlots: the owner of each slot, as an index into `members`, which sortMembers sorted and at least one of
 * which has a weight. `slots` is prime (tableSizes, or one of a test's own) and no less than the members.
 */
export function fillSlots(members: readonly Member[], slots: number): Uint16Array<ArrayBuffer> {
  const heaviest = members.reduce((max, { weight }) => Math.max(max, weight), 0)
  invariant(heaviest > 0 && slots >= members.length, `${members.length} members for ${slots} slots`)
  // a member's k-th best slot is offset + k*skip mod slots: all slots, since slots is prime
  const place = Uint32Array.from(members, ({ name }) => hashName(name, 1) % slots)
  const skip = Uint32Array.from(members, ({ name }) => (hashName(name, 2) % (slots - 1)) + 1)
  const taken = new Uint32Array(members.length)
  const owner = new Uint16Array(slots)
  const free = new Uint8Array(slots).fill(1)
  // the heaviest takes a slot in each iteration, so there are no more of them than slots
  const turns = new Turns(slots, members.length)
  for (const [i, { weight }] of members.entries()) if (weight > 0) turns.add(0, i)
  let left = slots
  for (let iteration = 0; left > 0; iteration++) {
    let member = turns.first(iteration)
    while (member >= 0 && left > 0) {
      const step = skip[member]!
      let at = place[member]!
      while (free[at] === 0) {
        at += step
        if (at >= slots) at -= slots
      }
      place[member] = at
      free[at] = 0
      owner[at] = member
      left--
      const next = turns.after(member)
      // turn k is due in iteration k*heaviest/weight: below 2^36 over 2^16, so the division errs below 1/weight
      turns.add(Math.ceil((++taken[member]! * heaviest) / members[member]!.weight), member)
      member = next
    }
  }
  return owner
}
