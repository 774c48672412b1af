// The eBPF instruction set as values. An instruction is plain data that may name a label or a map; registers are
// numbers 0..10. Encodings: Documentation/bpf/standardization/instruction-set.rst and linux/bpf.h of the kernel.
// Left out: atomics other than add and fetch-and-add, sign-extending loads, legacy packet access.

import { invariant } from '../base/errors.ts'
import type { Line } from './line.ts'

/** Label: a place in a function, bound once. Jumps name it; layout decides where it lands. */
export class Label {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/** Width of a memory access in bytes. */
export type Width = 1 | 2 | 4 | 8

export const ALU = {
  add: 0x00,
  sub: 0x10,
  mul: 0x20,
  div: 0x30,
  or: 0x40,
  and: 0x50,
  lsh: 0x60,
  rsh: 0x70,
  neg: 0x80,
  mod: 0x90,
  xor: 0xa0,
  mov: 0xb0,
  arsh: 0xc0,
  end: 0xd0,
} as const // prettier-ignore
export type AluOp = keyof typeof ALU

export const JMP = {
  ja: 0x00,
  jeq: 0x10,
  jgt: 0x20,
  jge: 0x30,
  jset: 0x40,
  jne: 0x50,
  jsgt: 0x60,
  jsge: 0x70,
  jlt: 0xa0,
  jle: 0xb0,
  jslt: 0xc0,
  jsle: 0xd0,
} as const // prettier-ignore
export type JmpOp = keyof typeof JMP

/** Instruction classes: the low three bits of the opcode. */
export const CLASS = { ld: 0, ldx: 1, st: 2, stx: 3, alu: 4, jmp: 5, jmp32: 6, alu64: 7 } as const
export const SIZE: Readonly<Record<Width, number>> = { 1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18 }
export const MODE = { imm: 0x00, mem: 0x60, atomic: 0xc0 } as const
/** SRC: the operand is a register, not the immediate. */
export const SRC = 0x08
export const LD_IMM64 = 0x18
export const CALL = 0x85
export const EXIT = 0x95
/** Frame pointer, read only. */
export const FP = 10

/** helpers: ids of kernel helper functions (enum bpf_func_id, linux/bpf.h). */
export const helpers = {
  map_lookup_elem: 1,
  ktime_get_ns: 5,
  get_prandom_u32: 7,
  get_smp_processor_id: 8,
  tail_call: 12,
  redirect: 23,
  csum_diff: 28,
  xdp_adjust_head: 44,
  redirect_map: 51,
  xdp_adjust_tail: 65,
  fib_lookup: 69,
  jiffies64: 118,
  ringbuf_output: 130,
  ringbuf_reserve: 131,
  ringbuf_submit: 132,
  ringbuf_discard: 133,
  ktime_get_coarse_ns: 160,
  xdp_get_buff_len: 188,
  xdp_load_bytes: 189,
} as const
export type HelperName = keyof typeof helpers

/** MapRef: the operand of a 64-bit load that the loader fills in. */
export interface MapRef {
  readonly kind: 'map-fd' | 'map-value'
  readonly map: string
  /** Byte offset into the value, for map-value. */
  readonly offset: number
}

/**
 * Insn: one instruction. `imm` is a signed 32-bit number, or for ld_imm64 a bigint below 2^64. `to` is the
 * target of a jump, or the function that a call enters.
 */
export interface Insn {
  readonly code: number
  readonly dst: number
  readonly src: number
  readonly off: number
  readonly imm: number | bigint
  readonly to?: Label
  /** The jump back of a bounded loop: the one that may close a cycle. */
  readonly back?: true
  readonly ref?: MapRef
  readonly line?: Line
}

const insn = (code: number, dst: number, src: number, off: number, imm: number | bigint): Insn => ({
  code,
  dst,
  src,
  off,
  imm,
})
const isReg = (operand: Operand): operand is { readonly reg: number } => typeof operand === 'object'

/** Operand: a register or an immediate. */
export type Operand = { readonly reg: number } | number

/** fit: an immediate as it is encoded: 32 bits, which 64-bit operations sign-extend. Others are bugs (invariant). */
function fit(value: number, bits: 32 | 64): number {
  const limit = bits === 64 ? 2 ** 31 : 2 ** 32
  invariant(
    Number.isInteger(value) && value >= -(2 ** 31) && value < limit,
    `${value} is no immediate of ${bits} bits`,
  )
  return value | 0
}

/** alu: dst = dst op operand, in 64 or 32 bits (which clears the upper half). */
export const alu = (op: AluOp, dst: number, operand: Operand, bits: 32 | 64): Insn => {
  const kind = (bits === 64 ? CLASS.alu64 : CLASS.alu) | ALU[op]
  return isReg(operand) ? insn(kind | SRC, dst, operand.reg, 0, 0) : insn(kind, dst, 0, 0, fit(operand, bits))
}

/** swap: dst in the other byte order, for 16, 32 or 64 bits; upper bits become 0 (BPF_TO_BE on little-endian). */
export const swap = (dst: number, bits: 16 | 32 | 64): Insn =>
  insn(CLASS.alu | ALU.end | SRC, dst, 0, 0, bits)

export const load = (width: Width, dst: number, base: number, off: number): Insn =>
  insn(CLASS.ldx | MODE.mem | SIZE[width], dst, base, off, 0)

export const store = (width: Width, base: number, off: number, operand: Operand): Insn =>
  isReg(operand)
    ? insn(CLASS.stx | MODE.mem | SIZE[width], base, operand.reg, off, 0)
    : insn(CLASS.st | MODE.mem | SIZE[width], base, 0, off, fit(operand, width === 8 ? 64 : 32))

/** atomicAdd: memory += src in one step, without fetching the old value. */
export const atomicAdd = (width: 4 | 8, base: number, off: number, src: number): Insn =>
  insn(CLASS.stx | MODE.atomic | SIZE[width], base, src, off, ALU.add)

/** FETCH: an atomic operation gives the old value, in its source register (BPF_FETCH). */
export const FETCH = 0x01

/** atomicFetchAdd: memory += src in one step; src becomes what was there before. */
export const atomicFetchAdd = (width: 4 | 8, base: number, off: number, src: number): Insn =>
  insn(CLASS.stx | MODE.atomic | SIZE[width], base, src, off, ALU.add | FETCH)

export const jump = (
  op: Exclude<JmpOp, 'ja'>,
  dst: number,
  operand: Operand,
  bits: 32 | 64,
  to: Label,
): Insn => {
  const kind = (bits === 64 ? CLASS.jmp : CLASS.jmp32) | JMP[op]
  return {
    ...(isReg(operand)
      ? insn(kind | SRC, dst, operand.reg, 0, 0)
      : insn(kind, dst, 0, 0, fit(operand, bits))),
    to,
  }
}

export const goto = (to: Label): Insn => ({ ...insn(CLASS.jmp | JMP.ja, 0, 0, 0, 0), to })
export const loadImm64 = (dst: number, imm: bigint): Insn =>
  insn(LD_IMM64, dst, 0, 0, BigInt.asUintN(64, imm))
export const loadRef = (dst: number, ref: MapRef): Insn => ({ ...insn(LD_IMM64, dst, 0, 0, 0n), ref })
export const callHelper = (id: number): Insn => insn(CALL, 0, 0, 0, id)
/** callFunction: BPF-to-BPF call (src_reg BPF_PSEUDO_CALL). */
export const callFunction = (to: Label): Insn => ({ ...insn(CALL, 0, 1, 0, -1), to })
export const exit = (): Insn => insn(EXIT, 0, 0, 0, 0)

/** slots: how many 8-byte slots an instruction takes. */
export const slots = (i: Insn): 1 | 2 => (i.code === LD_IMM64 ? 2 : 1)
export const classOf = (i: Insn): number => i.code & 7
export const isJump = (i: Insn): boolean =>
  (classOf(i) === CLASS.jmp || classOf(i) === CLASS.jmp32) && i.code !== CALL && i.code !== EXIT
export const isGoto = (i: Insn): boolean => i.code === (CLASS.jmp | JMP.ja)

/** isMove of a whole register to another. */
export const isMove = (i: Insn): boolean => i.code === (CLASS.alu64 | ALU.mov | SRC)
/** isMove32: of its lower half; the upper half becomes 0. */
export const isMove32 = (i: Insn): boolean => i.code === (CLASS.alu | ALU.mov | SRC)

/** isFetch: an atomic operation that gives the old value. */
export const isFetch = (i: Insn): boolean =>
  classOf(i) === CLASS.stx && (i.code & 0xe0) === MODE.atomic && (Number(i.imm) & FETCH) !== 0

/** Effects: registers that an instruction reads and writes. A call reads the arguments that it is given. */
export interface Effects {
  readonly reads: readonly number[]
  readonly writes: readonly number[]
}

/** effects tells what an instruction does to registers; calls are the caller's business (their arity is not here). */
export function effects(i: Insn): Effects {
  const kind = classOf(i)
  const operand = i.code & SRC ? [i.src] : []
  switch (kind) {
    case CLASS.ld:
      return { reads: [], writes: [i.dst] }
    case CLASS.ldx:
      return { reads: [i.src], writes: [i.dst] }
    case CLASS.st:
      return { reads: [i.dst], writes: [] }
    case CLASS.stx:
      return { reads: [i.dst, i.src], writes: isFetch(i) ? [i.src] : [] }
    case CLASS.alu:
    case CLASS.alu64: {
      const op = i.code & 0xf0
      if (op === ALU.mov) return { reads: operand, writes: [i.dst] }
      if (op === ALU.end || op === ALU.neg) return { reads: [i.dst], writes: [i.dst] }
      return { reads: [i.dst, ...operand], writes: [i.dst] }
    }
    default:
      if (i.code === CALL || isGoto(i)) return { reads: [], writes: [] }
      if (i.code === EXIT) return { reads: [0], writes: [] }
      return { reads: [i.dst, ...operand], writes: [] }
  }
}
