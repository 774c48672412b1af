// What random programs of the builder work on: a direct memory with arrays of several strides, ways out, and
// hand-written functions to call whose result depends on the order of all their arguments.

import type { Builder } from './builder.ts'
import { alu, exit, Label } from './isa.ts'
import { array, direct, struct } from './types.ts'
import type { BuiltFunction } from './xdp.ts'

/** BLOB_BYTES: the packet, as one byte string. */
export const BLOB_BYTES = 64
/** Odd: an element whose size is no power of two. */
export const Odd = struct('odd', { a: 'u32', b: 'u32', c: 'u32' })
/** randomMemory: what the programs read and write. */
export const randomMemory = direct('random', {
  counters: array('u64', 4),
  words: array('u64', 16),
  small: array('u32', 16),
  odd: array(Odd, 8),
  result: 'u64',
})
/** outcomes: every way out. */
export const outcomes = { done: 'pass', left: 'drop', cold: 'tx', short: 'aborted' } as const
export type Outcome = keyof typeof outcomes
export type Path = Builder<Outcome>
/** verdicts: the same in numbers (enum xdp_action). */
export const verdicts: Readonly<Record<Outcome, number>> = { done: 2, left: 1, cold: 3, short: 0 }

/** mixers: hand-written functions of 1 to 5 arguments whose result depends on the order of all of them. */
export const mixers: readonly BuiltFunction[] = [1, 2, 3, 4, 5].map((count) => {
  const name = `mix${count}`
  const entry = new Label(name)
  const items = [alu('mov', 0, count, 64)]
  for (let i = 1; i <= count; i++) items.push(alu('mul', 0, 31, 32), alu('add', 0, { reg: i }, 32))
  for (let i = 1; i <= 5; i++) items.push(alu('mov', i, -i, 64))
  return {
    name,
    entry,
    code: { name, entry, items: [...items, exit()] },
    maps: [],
    adjustsPacket: false,
    calls: [],
  }
})
/** mix: what a mixer of as many arguments returns. */
export const mix = (args: readonly bigint[]): bigint =>
  BigInt.asUintN(
    32,
    args.reduce((sum, arg) => sum * 31n + arg, BigInt(args.length)),
  )
