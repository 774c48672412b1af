// The lowest part of the builder: it appends items in program order and hands out virtual registers. Each item
// knows the TypeScript line that asked for it; a method that emits several asks for its line once. What the values
// mean is the business of the parts above it, each a class of its own: memory-builder.ts, exit-builder.ts (ways
// out), helper-builder.ts (calls), builder.ts (packets).

import { invariant } from '../base/errors.ts'
import { type CallArgument, VIRTUAL, type VirtualItem } from './code.ts'
import {
  type AluOp,
  alu,
  FP,
  goto,
  type Insn,
  jump,
  Label,
  load,
  loadImm64,
  loadRef,
  type MapRef,
  type Operand,
  store,
} from './isa.ts'
import { callerLine, formatLine, type Line } from './line.ts'
import { KIND_BYTES, type Kind } from './types.ts'
import { type Arg, type Cond, immediate, isVal, type Val } from './values.ts'

const MAX: Readonly<Record<number, number>> = {
  1: 0xff,
  2: 0xffff,
  4: 0xffffffff,
  8: Number.POSITIVE_INFINITY,
}
/** maxOf: the largest value of a kind; infinite stands for 64 bits. */
export const maxOf = (kind: Kind): number => MAX[KIND_BYTES[kind]]!

const STACK_BYTES = 512

/** Stashed: where on the stack a value is. */
export interface Stashed<K extends Kind> {
  readonly offset: number
  readonly kind: K
  readonly max: number
  /** Of vagueSlot. */
  readonly isVague?: true
}

/** Emitter: one function's items. */
export class Emitter {
  readonly name: string
  readonly entry: Label
  protected readonly items: VirtualItem[] = []
  #next = VIRTUAL
  #stack = 0
  #bound = new Set<Label>()

  constructor(name: string) {
    this.name = name
    this.entry = new Label(name)
  }

  /** code: all items so far, in emission order. */
  get code(): readonly VirtualItem[] {
    return this.items
  }

  protected value<K extends Kind>(kind: K, max = maxOf(kind)): Val<K> {
    return { kind, reg: this.#next++, max } as Val<K>
  }

  /** again: a value as another kind, or with another bound. A variable is copied, so that a later set() leaves it. */
  protected again<K extends Kind>(value: Val, kind: K, max: number, line: Line): Val<K> {
    if (!value.mutable) return { kind, reg: value.reg, max } as Val<K>
    const out = this.value(kind, max)
    this.aluInto('mov', out.reg, { reg: value.reg }, 64, line)
    return out
  }

  protected register(): number {
    return this.#next++
  }

  protected push(insn: Insn, line: Line): void {
    this.items.push({ ...insn, line })
  }

  /** stackSlot: the offset from r10 of so many bytes on the stack, aligned to 8. */
  protected stackSlot(size: number): number {
    this.#stack += Math.ceil(size / 8) * 8
    invariant(
      this.#stack <= STACK_BYTES,
      `${this.name}: ${this.#stack} bytes of stack; there are ${STACK_BYTES}`,
    )
    return -this.#stack
  }

  /** operand: a register, or a constant as it is; one that an immediate of this width cannot hold is loaded. */
  protected operand(arg: Arg<Kind>, bits: 32 | 64, line: Line): Operand {
    if (isVal(arg)) return { reg: arg.reg }
    const imm = immediate(arg)
    if (imm < (bits === 64 ? 2 ** 31 : 2 ** 32)) return imm
    invariant(
      bits === 64 && Number.isSafeInteger(imm),
      `${formatLine(line)}: ${imm} does not fit in ${bits} bits`,
    )
    const out = this.register()
    this.push(loadImm64(out, BigInt(imm)), line)
    return { reg: out }
  }

  /** fitting: the operand for a place or field of this kind; a constant must fit. */
  protected fitting(arg: Arg<Kind>, kind: Kind, line: Line): Operand {
    if (!isVal(arg)) {
      const imm = immediate(arg)
      invariant(imm >= 0 && imm <= maxOf(kind), `${formatLine(line)}: ${imm} is no ${kind}`)
    }
    return this.operand(arg, KIND_BYTES[kind] === 8 ? 64 : 32, line)
  }

  /** moveInto: the register becomes the value; constants are zero-extended. */
  protected moveInto(reg: number, arg: Arg<Kind>, line: Line): void {
    const isUpperHalf = !isVal(arg) && immediate(arg) >= 2 ** 31 && immediate(arg) < 2 ** 32
    const bits = isUpperHalf ? 32 : 64
    this.aluInto('mov', reg, this.operand(arg, bits, line), bits, line)
  }

  protected aluInto(op: AluOp, reg: number, operand: Operand, bits: 32 | 64, line: Line): void {
    this.push(alu(op, reg, operand, bits), line)
  }

  /** label: a place to jump to, bound later with bind(). */
  label(name: string): Label {
    return new Label(name)
  }

  /** bind: the label is here. Only labels that are still ahead can be jumped to. */
  bind(label: Label): void {
    invariant(!this.#bound.has(label), `${this.name}: label ${label.name} is bound twice`)
    this.#bound.add(label)
    this.items.push({ bind: label })
  }

  /** goto a label that is bound later. */
  goto(label: Label): void {
    this.#ahead(label)
    this.push(goto(label), callerLine())
  }

  /** jumpIf the condition holds. */
  jumpIf({ op, reg, operand, bits }: Cond, label: Label): void {
    this.#ahead(label)
    this.push(jump(op, reg, operand, bits, label), callerLine())
  }

  #ahead(label: Label): void {
    invariant(!this.#bound.has(label), `${this.name}: jump backwards to ${label.name} in emission order`)
  }

  /** coldBlock: emits `body` behind `label`, out of the hot path. It must end by leaving. */
  protected coldBlock(label: Label, body: () => void): void {
    this.items.push({ cold: true })
    this.bind(label)
    body()
    this.items.push({ cold: false })
  }

  /** const64: a 64-bit constant in a register. */
  const64(value: bigint): Val<'u64'> {
    const out = this.value('u64')
    // what an immediate holds needs no load of two slots
    if (value < 2n ** 31n) this.moveInto(out.reg, Number(value), callerLine())
    else this.push(loadImm64(out.reg, value), callerLine())
    return out
  }

  protected ref(ref: MapRef, line: Line): number {
    const reg = this.register()
    this.push(loadRef(reg, ref), line)
    return reg
  }

  /** enter: a call; what lives across it keeps its value. */
  protected enter(insn: Insn, args: readonly CallArgument[], result: number | undefined, line: Line): void {
    invariant(args.length <= 5, `${this.name}: a call takes at most 5 arguments`)
    this.items.push({ enter: insn, args, line, ...(result !== undefined && { result }) })
  }

  /** slot: a variable on the stack, for what is set early, read late and would hold a register in between. */
  slot<K extends Kind>(kind: K, max = maxOf(kind)): Stashed<K> {
    return { offset: this.stackSlot(8), kind, max }
  }

  /**
   * vagueSlot: a slot of 32 bits of which the verifier forgets what is put in: it knows what is in whole words of 8 bytes
   * only. So what is behind a choice between constants is not gone through once for each of them. With `count` it is for an
   * index below that, and the verifier is told so again.
   */
  vagueSlot(count = 2 ** 32): Stashed<'u32'> {
    const max = 2 ** Math.ceil(Math.log2(count)) - 1
    return { offset: this.stackSlot(8) + 4, kind: 'u32', max, isVague: true }
  }

  /** setSlot: what unstash brings back from now on. */
  setSlot<K extends Kind>(slot: Stashed<K>, value: Val<K> | number): void {
    const line = callerLine()
    const most = typeof value === 'number' ? value : value.max
    invariant(most <= slot.max, `${formatLine(line)}: the slot takes values up to ${slot.max}`)
    const width = slot.isVague ? 4 : 8
    this.push(store(width, FP, slot.offset, typeof value === 'number' ? value : { reg: value.reg }), line)
  }

  /** stash keeps a value on the stack, to be brought back by unstash: the remedy when registers run out. */
  stash<K extends Kind>(value: Val<K>): Stashed<K> {
    const offset = this.stackSlot(8)
    this.push(store(8, FP, offset, { reg: value.reg }), callerLine())
    return { offset, kind: value.kind as K, max: value.max }
  }

  unstash<K extends Kind>({ offset, kind, max, isVague }: Stashed<K>): Val<K> {
    const line = callerLine()
    const out = this.value<K>(kind, max)
    this.push(load(isVague ? 4 : 8, out.reg, FP, offset), line)
    if (isVague && max < maxOf('u32')) this.aluInto('and', out.reg, max, 32, line)
    return out
  }
}
