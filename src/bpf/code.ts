// Code before registers are known. Items are ordinary instructions whose registers are virtual (VIRTUAL and up),
// bound labels, calls with their arguments still symbolic, and marks around cold code and loops. Emission order is
// program order and jumps only go forward in it, but for a loop's jump back: so a value lives from its first write to
// its last use, and one that a loop uses and that was there before lives through all of the loop.

import { effects, type Insn, type Label, type MapRef } from './isa.ts'
import type { Line } from './line.ts'

/** VIRTUAL: register numbers from here on are virtual; those below are the machine's. */
export const VIRTUAL = 16

/** CallArgument: a register, an immediate, a map, or an address on the stack (offset from r10). */
export type CallArgument =
  | { readonly reg: number }
  | { readonly imm: number }
  | { readonly ref: MapRef }
  | { readonly stack: number }

/** Call: `enter` is the call instruction, `result` the virtual register that takes r0. */
export interface Call {
  readonly enter: Insn
  readonly args: readonly CallArgument[]
  readonly result?: number
  readonly line: Line
}

/**
 * VirtualItem: what the builder emits. `cold: true` opens a region that layout moves to the end, `false` closes it;
 * `loop` stands before a loop and behind its jump back.
 */
export type VirtualItem =
  | Insn
  | { readonly bind: Label }
  | Call
  | { readonly cold: boolean }
  | { readonly loop: 'begin' | 'end' }

export const isCall = (item: VirtualItem): item is Call => 'enter' in item
export const isInstruction = (item: VirtualItem): item is Insn => 'code' in item

/** loops: where each loop begins and ends, inner ones before those around them. */
export function loops(items: readonly VirtualItem[]): readonly (readonly [begin: number, end: number])[] {
  const found: [number, number][] = []
  const open: number[] = []
  for (const [at, item] of items.entries()) {
    if (!('loop' in item)) continue
    if (item.loop === 'begin') open.push(at)
    else found.push([open.pop()!, at])
  }
  return found
}

/** touched: virtual registers that an item reads and writes. */
export function touched(item: VirtualItem): {
  readonly reads: readonly number[]
  readonly writes: readonly number[]
} {
  if (isCall(item)) {
    return {
      reads: item.args.flatMap((arg) => ('reg' in arg ? [arg.reg] : [])),
      writes: item.result === undefined ? [] : [item.result],
    }
  }
  if (!isInstruction(item)) return { reads: [], writes: [] }
  const { reads, writes } = effects(item)
  return { reads: reads.filter((reg) => reg >= VIRTUAL), writes: writes.filter((reg) => reg >= VIRTUAL) }
}
