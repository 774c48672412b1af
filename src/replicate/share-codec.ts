// What a node shares of a pool as bytes. Slots are written as runs (how far from the end of the one before, how long), and
// the numbers that belong to slots as runs of the same number: a server that failed is one number, a pool that turned to
// its sorry servers one run. So bytes are few, and what they may expand to has a bound of its own.

import { isIP } from 'node:net'
import { ASK_BEFORE } from '../dataplane/shape.ts'
import type { PoolShare, SharedChange } from '../engine/pool-share.ts'
import { MAX_MEMBERS, MAX_WEIGHT } from '../schedule/members.ts'
import { type ByteReader, type ByteWriter, malformed } from './bytes.ts'

/** SLOTS_MAX of a table of any version: which sizes there are is not for this file to say. */
const SLOTS_MAX = 2 ** 20
/** EXPANDED_MAX: slots of all lists of one share together. */
export const EXPANDED_MAX = 2 ** 23
const MS_MAX = 2 ** 42
const CHANGES_MAX = 1_024
const [SORRY, BEFORE] = [1, 2]

/** sizeOf a share: slots of all its lists: above EXPANDED_MAX it cannot be shared. */
export const sizeOf = ({ marked, young, learning, before }: PoolShare): number =>
  [...young, ...learning].reduce(
    (sum, { slots }) => sum + slots.length,
    marked.length + (before?.length ?? 0),
  )

/** encodeShare writes a share, whose sizeOf is not above EXPANDED_MAX. */
export function encodeShare(to: ByteWriter, share: PoolShare): void {
  const { pool, slots, servers, members, sorry, weights, parts, isSorry, digest, before } = share
  to.text(pool).whole(slots)
  to.whole(servers.length)
  for (const { name, address } of servers) to.text(name).text(address)
  to.whole(members).whole(sorry)
  for (const weight of weights) to.whole(weight)
  const partial = [...parts.entries()].filter(([, part]) => part !== 1)
  to.whole(partial.length)
  for (const [member, part] of partial) to.whole(member).f64(part)
  to.u8((isSorry ? SORRY : 0) | (before ? BEFORE : 0)).u32(digest)
  writeSlots(to, share.marked)
  writeNumbers(to, share.settled)
  writeNumbers(to, share.learns)
  to.whole(share.young.length)
  for (const { openedAgoMs, agoMs, slots, from } of share.young) {
    to.whole(Math.round(openedAgoMs)).whole(Math.round(agoMs))
    writeSlots(to, slots)
    writeNumbers(to, from)
  }
  to.whole(share.learning.length)
  for (const { leftMs, slots } of share.learning) {
    to.whole(Math.round(leftMs))
    writeSlots(to, slots)
  }
  if (before) writeNumbers(to.whole(before.length), before)
}

/** decodeShare reads a share in which every number has a meaning. Throws REPLICA_MALFORMED. */
export function decodeShare(from: ByteReader): PoolShare {
  const bound = new Bound()
  const pool = from.text()
  const slots = from.whole(SLOTS_MAX, 'slots')
  if (slots === 0) throw malformed('a table of no slots')
  const servers = Array.from({ length: from.whole(2 * MAX_MEMBERS, 'servers') }, () => serverIn(from))
  const members = from.whole(Math.min(slots, servers.length), 'members')
  const sorry = from.whole(Math.min(slots, servers.length - members), 'sorry servers')
  const weights = Uint16Array.from({ length: members + sorry }, () => from.whole(MAX_WEIGHT, 'weight'))
  refuseUnsorted(servers.slice(0, members).map(({ name }) => name))
  refuseUnsorted(servers.slice(members, members + sorry).map(({ name }) => name))
  const parts = new Float64Array(members + sorry).fill(1)
  for (let left = from.whole(parts.length, 'parts'); left > 0; left--) {
    const member = from.whole(parts.length - 1, 'member')
    const part = from.f64()
    if (!(part >= 0 && part <= 1)) throw malformed(`a part of ${part}`)
    parts[member] = part
  }
  const flags = from.u8()
  const isSorry = (flags & SORRY) !== 0
  if (isSorry && sorry === 0) throw malformed('a table of no sorry servers')
  const number = (value: number) => {
    if (value > servers.length && value !== ASK_BEFORE)
      throw malformed(`server ${value} of ${servers.length}`)
  }
  const digest = from.u32()
  const marked = readSlots(from, slots, bound)
  const settled = new Uint16Array(readNumbers(from, marked.length, number))
  const learns = new Uint8Array(
    readNumbers(from, marked.length, (value) => {
      if (value > 1) throw malformed(`a slot that learns ${value}`)
    }),
  )
  const young = Array.from({ length: from.whole(CHANGES_MAX, 'changes') }, (): SharedChange => {
    const openedAgoMs = from.whole(MS_MAX, 'age')
    const agoMs = from.whole(openedAgoMs, 'age')
    const changed = readSlots(from, slots, bound)
    return {
      openedAgoMs,
      agoMs,
      slots: changed,
      from: new Uint16Array(readNumbers(from, changed.length, number)),
    }
  })
  const learning = Array.from({ length: from.whole(CHANGES_MAX, 'learning') }, () => ({
    leftMs: from.whole(MS_MAX, 'rest'),
    slots: readSlots(from, slots, bound),
  }))
  const before = (flags & BEFORE) === 0 ? undefined : readBefore(from, bound, number)
  if (!before && settled.includes(ASK_BEFORE)) throw malformed('slots that ask a table that is not there')
  return {
    ...{ pool, slots, servers, members, sorry, weights, parts, isSorry, digest },
    ...{ marked, settled, learns, young, learning },
    ...(before && { before }),
  }
}

function serverIn(from: ByteReader): PoolShare['servers'][number] {
  const [name, address] = [from.text(), from.text()]
  if (isIP(address) === 0) throw malformed(`"${address}" for an address`)
  return { name, address }
}

/** refuseUnsorted: a table's members are sorted by the bytes of their names, which differ. */
function refuseUnsorted(names: readonly string[]): void {
  for (let i = 1; i < names.length; i++)
    if (Buffer.compare(Buffer.from(names[i - 1]!), Buffer.from(names[i]!)) >= 0)
      throw malformed(`${names[i]} behind ${names[i - 1]}`)
}

function readBefore(from: ByteReader, bound: Bound, number: (value: number) => void): Uint16Array {
  const length = from.whole(SLOTS_MAX, 'slots of before')
  bound.take(length)
  return new Uint16Array(readNumbers(from, length, number))
}

/** Bound of what a share expands to. */
class Bound {
  #left = EXPANDED_MAX

  take(slots: number): void {
    this.#left -= slots
    if (this.#left < 0) throw malformed(`more than ${EXPANDED_MAX} slots in one share`)
  }
}

function writeSlots(to: ByteWriter, slots: Uint32Array): void {
  const runs: number[] = []
  let end = 0
  for (let at = 0; at < slots.length; ) {
    const start = slots[at]!
    let length = 1
    while (at + length < slots.length && slots[at + length] === start + length) length++
    runs.push(start - end, length)
    end = start + length
    at += length
  }
  to.whole(runs.length / 2)
  for (const each of runs) to.whole(each)
}

function readSlots(from: ByteReader, slots: number, bound: Bound): Uint32Array {
  const runs: (readonly [start: number, length: number])[] = []
  let [end, count] = [0, 0]
  for (let left = from.whole(slots, 'runs'); left > 0; left--) {
    const start = end + from.whole(slots - end, 'gap')
    const length = from.whole(slots - start, 'run')
    end = start + length
    count += length
    runs.push([start, length])
  }
  bound.take(count)
  const all = new Uint32Array(count)
  let at = 0
  for (const [start, length] of runs) for (let i = 0; i < length; i++) all[at++] = start + i
  return all
}

function writeNumbers(to: ByteWriter, numbers: Uint16Array | Uint8Array): void {
  for (let at = 0; at < numbers.length; ) {
    let length = 1
    while (at + length < numbers.length && numbers[at + length] === numbers[at]) length++
    to.whole(numbers[at]!).whole(length)
    at += length
  }
}

function readNumbers(from: ByteReader, count: number, check: (value: number) => void): Uint32Array {
  const numbers = new Uint32Array(count)
  for (let at = 0; at < count; ) {
    const value = from.whole(ASK_BEFORE, 'number')
    check(value)
    const length = from.whole(count - at, 'run')
    if (length === 0) throw malformed('an empty run')
    numbers.fill(value, at, at + length)
    at += length
  }
  return numbers
}
