// Bytes to instructions, the way back from assemble. Every field that an encoding does not use must be 0, as the
// verifier asks, so that what decodes has one meaning and assembles to the same bytes again. Offsets and calls stay
// numbers, and labels are gone. Left out, and refused: what isa.ts leaves out.
// Reference: Documentation/bpf/standardization/instruction-set.rst.

import { TenbinError } from '../base/errors.ts'
import {
  ALU,
  CALL,
  CLASS,
  EXIT,
  FETCH,
  FP,
  type Insn,
  isJump,
  JMP,
  LD_IMM64,
  MODE,
  SIZE,
  SRC,
  slots,
} from './isa.ts'

/** Decoded: an instruction and its first slot. */
export interface Decoded {
  readonly slot: number
  readonly insn: Insn
}

/** Which fields of an encoding may be other than 0; `imms` where only these immediates exist. */
interface Shape {
  readonly dst?: true
  readonly src?: true
  readonly off?: true
  readonly imm?: true
  readonly imms?: readonly number[]
}

const shapes = new Map<number, Shape>()
const sizes = Object.values(SIZE)
for (const size of sizes) {
  shapes.set(CLASS.ldx | MODE.mem | size, { dst: true, src: true, off: true })
  shapes.set(CLASS.stx | MODE.mem | size, { dst: true, src: true, off: true })
  shapes.set(CLASS.st | MODE.mem | size, { dst: true, off: true, imm: true })
}
for (const size of [SIZE[4], SIZE[8]])
  shapes.set(CLASS.stx | MODE.atomic | size, {
    dst: true,
    src: true,
    off: true,
    imms: [ALU.add, ALU.add | FETCH],
  })
for (const kind of [CLASS.alu, CLASS.alu64]) {
  for (const op of Object.values(ALU)) {
    if (op === ALU.end || op === ALU.neg) continue
    shapes.set(kind | op, { dst: true, imm: true })
    shapes.set(kind | op | SRC, { dst: true, src: true })
  }
  shapes.set(kind | ALU.neg, { dst: true })
}
for (const order of [0, SRC]) shapes.set(CLASS.alu | ALU.end | order, { dst: true, imms: [16, 32, 64] })
for (const kind of [CLASS.jmp, CLASS.jmp32]) {
  for (const op of Object.values(JMP)) {
    if (op === JMP.ja) continue
    shapes.set(kind | op, { dst: true, off: true, imm: true })
    shapes.set(kind | op | SRC, { dst: true, src: true, off: true })
  }
}
shapes.set(CLASS.jmp | JMP.ja, { off: true })
shapes.set(CALL, { src: true, imm: true })
shapes.set(EXIT, {})
shapes.set(LD_IMM64, { dst: true, src: true, imm: true })

/** Greatest src of a call (BPF_PSEUDO_CALL) and of a 64-bit load (BPF_PSEUDO_MAP_VALUE). */
const MAX_PSEUDO = new Map([
  [CALL, 1],
  [LD_IMM64, 2],
])

/**
 * decode reads the instructions of a whole program. Bytes that are cut short, encode nothing that isa.ts knows, or
 * jump to no instruction, throw TenbinError BPF_CODE_INVALID.
 */
export function decode(code: Uint8Array): readonly Decoded[] {
  if (code.length % 8) throw invalid(`${code.length} bytes are no whole number of slots`)
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength)
  const total = code.length / 8
  const decoded: Decoded[] = []
  for (let slot = 0; slot < total; ) {
    const insn = decodeOne(view, slot, total)
    decoded.push({ slot, insn })
    slot += slots(insn)
  }
  const starts = new Set(decoded.map(({ slot }) => slot))
  for (const { slot, insn } of decoded) {
    const target = targetOf(insn, slot)
    if (target !== undefined && !starts.has(target)) throw invalid(`slot ${slot} leads to slot ${target}`)
  }
  return decoded
}

/** targetOf: the slot that a decoded jump or call of a function leads to. */
export function targetOf(insn: Insn, slot: number): number | undefined {
  if (isJump(insn)) return slot + 1 + insn.off
  return insn.code === CALL && insn.src === 1 ? slot + 1 + Number(insn.imm) : undefined
}

function decodeOne(view: DataView, slot: number, total: number): Insn {
  const at = slot * 8
  const code = view.getUint8(at)
  const registers = view.getUint8(at + 1)
  const imm = view.getInt32(at + 4, true)
  const insn = { code, dst: registers & 15, src: registers >> 4, off: view.getInt16(at + 2, true), imm }
  const shape = shapes.get(code)
  const here = `slot ${slot} (${[...new Uint8Array(view.buffer, view.byteOffset + at, 8)].map(hex).join(' ')})`
  if (!shape) throw invalid(`${here}: unknown code`)
  if (insn.dst > (shape.dst ? FP : 0)) throw invalid(`${here}: destination r${insn.dst}`)
  if (insn.src > (shape.src ? (MAX_PSEUDO.get(code) ?? FP) : 0)) throw invalid(`${here}: source ${insn.src}`)
  if (insn.off !== 0 && !shape.off) throw invalid(`${here}: offset ${insn.off}`)
  if (shape.imms ? !shape.imms.includes(imm) : imm !== 0 && !shape.imm)
    throw invalid(`${here}: immediate ${imm}`)
  if (code !== LD_IMM64) return insn
  if (slot + 1 >= total) throw invalid(`${here}: the second half is missing`)
  if (view.getUint32(at + 8, true) !== 0) throw invalid(`${here}: the second half is no such half`)
  return { ...insn, imm: (view.getBigUint64(at + 8, true) & ~0xffffffffn) | BigInt(imm >>> 0) }
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0')
const invalid = (detail: string): TenbinError => new TenbinError('BPF_CODE_INVALID', 'decode', { detail })
