// Instructions and labels to bytes. A function is a list of items, instructions and bound labels, in their final
// order; functions are laid end to end and calls between them resolved. Jump offsets count slots, from the next
// instruction (instruction-set.rst); calls likewise.

import { invariant } from '../base/errors.ts'
import { CALL, type Insn, isJump, type Label, LD_IMM64, slots } from './isa.ts'
import type { Line } from './line.ts'
import type { Relocation } from './program.ts'

/** Item: an instruction, or the place where a label is bound. */
export type Item = Insn | { readonly bind: Label }

/** Takes: what a function is called with, in r1 and on: struct xdp_md or not, then numbers. */
export interface Takes {
  readonly context: boolean
  readonly numbers: number
}

/** FunctionCode: one function in final order; `entry` is what calls name. */
export interface FunctionCode {
  readonly name: string
  readonly entry: Label
  readonly items: readonly Item[]
  /** What it is called with; absent: struct xdp_md alone. */
  readonly takes?: Takes | undefined
}

/** Assembled: bytes, relocations, and for every function and instruction its first slot. */
export interface Assembled {
  readonly code: Uint8Array
  readonly relocations: readonly Relocation[]
  readonly functions: readonly {
    readonly name: string
    readonly slot: number
    readonly takes?: Takes | undefined
  }[]
  /** Where labels are, by slot, for listings. */
  readonly labels: ReadonlyMap<number, readonly string[]>
  readonly insns: readonly { readonly slot: number; readonly insn: Insn; readonly line: Line | undefined }[]
}

export const isInsn = (item: Item): item is Insn => 'code' in item

/** assemble resolves labels. Unbound, twice bound and too distant labels are bugs of the caller (invariant). */
export function assemble(functions: readonly FunctionCode[]): Assembled {
  const at = new Map<Label, number>()
  const labels = new Map<number, string[]>()
  const placed: { slot: number; insn: Insn; line: Line | undefined }[] = []
  const starts: { name: string; slot: number; takes?: Takes }[] = []
  let slot = 0
  const bind = (label: Label) => {
    invariant(!at.has(label), `label ${label.name} is bound twice`)
    at.set(label, slot)
    labels.set(slot, [...(labels.get(slot) ?? []), label.name])
  }
  for (const { name, entry, items, takes } of functions) {
    starts.push({ name, slot, ...(takes && { takes }) })
    bind(entry)
    for (const item of items) {
      if (!isInsn(item)) {
        bind(item.bind)
        continue
      }
      placed.push({ slot, insn: item, line: item.line })
      slot += slots(item)
    }
  }
  const view = new DataView(new ArrayBuffer(slot * 8))
  const relocations: Relocation[] = []
  for (const { slot: here, insn } of placed) {
    let { off, src } = insn
    let imm = typeof insn.imm === 'bigint' ? Number(BigInt.asIntN(32, insn.imm)) : insn.imm
    if (insn.to) {
      const target = at.get(insn.to)
      invariant(
        target !== undefined,
        `label ${insn.to.name} is not bound (${insn.line?.file}:${insn.line?.line})`,
      )
      const distance = target - here - 1
      invariant(Math.abs(distance) < 32768, `jump to ${insn.to.name} is too far: ${distance} slots`)
      if (isJump(insn)) off = distance
      else if (insn.code === CALL) imm = distance
    }
    if (insn.ref) {
      relocations.push({ insn: here, ...insn.ref })
      src = insn.ref.kind === 'map-fd' ? 1 : 2
    }
    invariant(
      off === (off << 16) >> 16,
      `offset ${off} at ${insn.line?.file}:${insn.line?.line} is out of reach`,
    )
    view.setUint8(here * 8, insn.code)
    view.setUint8(here * 8 + 1, (src << 4) | insn.dst)
    view.setInt16(here * 8 + 2, off, true)
    view.setInt32(here * 8 + 4, imm, true)
    if (insn.code === LD_IMM64)
      view.setInt32(here * 8 + 12, Number(BigInt.asIntN(32, BigInt(insn.imm) >> 32n)), true)
  }
  return { code: new Uint8Array(view.buffer), relocations, functions: starts, labels, insns: placed }
}
