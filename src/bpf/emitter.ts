// The lower half of the builder: it appends items in program order and hands out virtual registers. Each item
// knows the TypeScript line that asked for it. What the values mean (types, packets, exits) is the upper half's.

import { invariant } from '../base/errors.ts'
import { type CallArgument, VIRTUAL, type VirtualItem } from './code.ts'
import {
  type AluOp,
  alu,
  callFunction,
  callHelper,
  FP,
  goto,
  type HelperName,
  helpers,
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
import { callerLine, type Line } from './line.ts'
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

/** Slot: a variable on the stack. All paths set it before it is read. */
export interface Slot<K extends Kind = Kind> {
  readonly slot: number
  readonly kind: K
  readonly max: number
}

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

  protected register(): number {
    return this.#next++
  }

  protected push(insn: Insn, line: Line = callerLine()): void {
    this.items.push({ ...insn, line })
  }

  protected stackSlot(size: number): number {
    this.#stack += Math.ceil(size / 8) * 8
    invariant(
      this.#stack <= STACK_BYTES,
      `${this.name}: ${this.#stack} bytes of stack; there are ${STACK_BYTES}`,
    )
    return -this.#stack
  }

  /** operand: a register, or a constant as it is; one that an immediate of this width cannot hold is loaded. */
  protected operand(arg: Arg<Kind>, bits: 32 | 64): Operand {
    if (isVal(arg)) return { reg: arg.reg }
    const imm = immediate(arg)
    return imm < (bits === 64 ? 2 ** 31 : 2 ** 32) ? imm : { reg: this.const64(BigInt(imm)).reg }
  }

  /** moveInto: the register becomes the value; constants are zero-extended. */
  protected moveInto(reg: number, arg: Arg<Kind>): void {
    const isUpperHalf = !isVal(arg) && immediate(arg) >= 2 ** 31 && immediate(arg) < 2 ** 32
    const bits = isUpperHalf ? 32 : 64
    this.aluInto('mov', reg, this.operand(arg, bits), bits)
  }

  protected aluInto(op: AluOp, reg: number, operand: Operand, bits: 32 | 64): void {
    this.push(alu(op, reg, operand, bits))
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
    this.push(goto(label))
  }

  /** jumpIf the condition holds. */
  jumpIf({ op, reg, operand, bits }: Cond, label: Label): void {
    this.#ahead(label)
    this.push(jump(op, reg, operand, bits, label))
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
    this.push(loadImm64(out.reg, value))
    return out
  }

  protected ref(ref: MapRef): number {
    const reg = this.register()
    this.push(loadRef(reg, ref))
    return reg
  }

  protected enter(insn: Insn, args: readonly CallArgument[], result: number | undefined): void {
    invariant(args.length <= 5, `${this.name}: a call takes at most 5 arguments`)
    this.items.push({ enter: insn, args, line: callerLine(), ...(result !== undefined && { result }) })
  }

  /** call a kernel helper (bpf-helpers(7)) with values and constants. */
  call(helper: HelperName, ...args: readonly Arg<Kind>[]): Val<'u64'> {
    const out = this.value('u64')
    this.enter(
      callHelper(helpers[helper]),
      args.map((arg) => {
        const operand = this.operand(arg, 64)
        return typeof operand === 'number' ? { imm: operand } : operand
      }),
      out.reg,
    )
    return out
  }

  /** callSub: BPF-to-BPF call of another function of the program. It clobbers nothing that is live. */
  callSub(target: { readonly entry: Label }, ...args: readonly { readonly reg: number }[]): Val<'u32'> {
    const out = this.value('u32')
    this.enter(
      callFunction(target.entry),
      args.map(({ reg }) => ({ reg })),
      out.reg,
    )
    return out
  }

  /** slot: a variable on the stack, for what is set early, read late and would hold a register in between. */
  slot<K extends Kind>(kind: K, max = maxOf(kind)): Slot<K> {
    return { slot: this.stackSlot(8), kind, max }
  }

  setSlot<K extends Kind>(slot: Slot<K>, value: Val<K>): void {
    invariant(value.max <= slot.max, `${this.name}: the slot takes values up to ${slot.max}`)
    this.push(store(8, FP, slot.slot, { reg: value.reg }))
  }

  /** stash keeps a value on the stack, to be brought back by unstash: the remedy when registers run out. */
  stash<K extends Kind>(value: Val<K>): Slot<K> {
    const slot = this.slot(value.kind as K, value.max)
    this.setSlot(slot, value)
    return slot
  }

  unstash<K extends Kind>(slot: Slot<K>): Val<K> {
    const out = this.value<K>(slot.kind, slot.max)
    this.push(load(8, out.reg, FP, slot.slot))
    return out
  }
}
