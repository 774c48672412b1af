// A program as text, in the notation of the kernel's own disassembler (kernel/bpf/disasm.c), with names instead of
// numbers: labels, functions, maps, helpers. Each run of instructions of one source line stands below that line, so
// that a listing reads as annotated TypeScript and a changed instruction shows up in a golden file.

import type { Assembled } from './assemble.ts'
import {
  ALU,
  type AluOp,
  CALL,
  CLASS,
  EXIT,
  helpers,
  type Insn,
  isFetch,
  isGoto,
  JMP,
  type JmpOp,
  MODE,
  SIZE,
  SRC,
} from './isa.ts'
import { signed } from './regions.ts'

const aluSigns: Readonly<Record<Exclude<AluOp, 'end' | 'neg'>, string>> = {
  add: '+=',
  sub: '-=',
  mul: '*=',
  div: '/=',
  or: '|=',
  and: '&=',
  lsh: '<<=',
  rsh: '>>=',
  mod: '%=',
  xor: '^=',
  mov: '=',
  arsh: 's>>=',
}
const jumpSigns: Readonly<Record<Exclude<JmpOp, 'ja'>, string>> = {
  jeq: '==',
  jgt: '>',
  jge: '>=',
  jset: '&',
  jne: '!=',
  jsgt: 's>',
  jsge: 's>=',
  jlt: '<',
  jle: '<=',
  jslt: 's<',
  jsle: 's<=',
}
const byCode = <K extends string>(codes: Readonly<Record<K, number>>, signs: Partial<Record<K, string>>) =>
  new Map(Object.entries<number>(codes).map(([name, code]) => [code, signs[name as K]]))
const aluByCode = byCode(ALU, aluSigns)
const jumpByCode = byCode(JMP, jumpSigns)
const helperNames = new Map(Object.entries(helpers).map(([name, id]) => [id as number, name]))
const sizeNames = new Map([
  [SIZE[1], 'u8'],
  [SIZE[2], 'u16'],
  [SIZE[4], 'u32'],
  [SIZE[8], 'u64'],
])

/**
 * listing prints a program. With `lines: false` source lines are left out, and only changes of the file are
 * shown: for golden files, which a moved line must not change.
 */
export function listing(assembled: Assembled, { lines = true }: { readonly lines?: boolean } = {}): string {
  const functions = new Map(assembled.functions.map(({ name, slot }) => [slot, name]))
  const labels = displayNames(assembled)
  const target = (insn: Insn, slot: number): string => {
    const to = slot + 1 + distance(assembled.code, slot, insn)
    if (insn.code === CALL) return functions.get(to) ?? `slot ${to}`
    const names = labels.get(to)
    return names?.get(insn.to?.name ?? '') ?? names?.values().next().value ?? `slot ${to}`
  }
  const out: string[] = []
  let shown: string | undefined
  for (const { slot, insn, line } of assembled.insns) {
    const heading = functions.get(slot)
    if (heading !== undefined) {
      out.push(...(out.length ? [''] : []), `${heading}:`)
      shown = undefined
    }
    for (const name of labels.get(slot)?.values() ?? []) if (name !== heading) out.push(`  ${name}:`)
    const source = line && (lines ? `${line.file}:${line.line}  ${line.text}`.trimEnd() : line.file)
    if (source !== undefined && source !== shown) out.push(`      ; ${source}`)
    shown = source ?? shown
    out.push(`${String(slot).padStart(5)} ${formatInsn(insn, () => target(insn, slot))}`)
  }
  return `${out.join('\n')}\n`
}

/** formatInsn: one instruction; `target` names where a jump or a call of a function leads. */
export function formatInsn(insn: Insn, target: () => string): string {
  const { code, dst, src, off, imm } = insn
  const kind = code & 7
  const op = code & 0xf0
  const memory = (base: number) => `*(${sizeNames.get(code & 0x18)} *)(r${base} ${signed(off)})`
  switch (kind) {
    case CLASS.ld:
      return `r${dst} = ${formatImm64(insn)}`
    case CLASS.ldx:
      return `r${dst} = ${memory(src)}`
    case CLASS.st:
      return `${memory(dst)} = ${imm}`
    case CLASS.stx:
      if ((code & 0xe0) !== MODE.atomic) return `${memory(dst)} = r${src}`
      if (!isFetch(insn)) return `lock ${memory(dst)} += r${src}`
      return `r${src} = atomic${(code & 0x18) === SIZE[8] ? '64' : ''}_fetch_add(${memory(dst).slice(1)}, r${src})`
    case CLASS.alu:
    case CLASS.alu64: {
      const r = kind === CLASS.alu ? 'w' : 'r'
      if (op === ALU.neg) return `${r}${dst} = -${r}${dst}`
      if (op === ALU.end) return `r${dst} = ${code & SRC ? 'be' : 'le'}${imm} r${dst}`
      return `${r}${dst} ${aluByCode.get(op)} ${code & SRC ? `${r}${src}` : imm}`
    }
    default: {
      if (code === EXIT) return 'exit'
      if (code === CALL)
        return `call ${src === 1 ? target() : (helperNames.get(Number(imm)) ?? `helper ${imm}`)}`
      if (isGoto(insn)) return `goto ${target()}`
      const r = kind === CLASS.jmp32 ? 'w' : 'r'
      const operand = code & SRC ? `${r}${src}` : `0x${(Number(imm) >>> 0).toString(16)}`
      return `if ${r}${dst} ${jumpByCode.get(op)} ${operand} goto ${target()}`
    }
  }
}

function formatImm64({ imm, ref }: Insn): string {
  if (!ref) return `0x${imm.toString(16)}`
  return ref.kind === 'map-fd' ? `map(${ref.map})` : `map_value(${ref.map}, ${ref.offset})`
}

/** displayNames: label names by slot; where several places share a name, all but the first get a number. */
function displayNames({ labels, functions }: Assembled): ReadonlyMap<number, ReadonlyMap<string, string>> {
  const entries = new Set(functions.map(({ slot }) => slot))
  const uses = new Map<string, number>()
  return new Map(
    [...labels].map(([slot, names]) => {
      const here = new Map<string, string>()
      for (const name of entries.has(slot) ? names.slice(1) : names) {
        if (here.has(name)) continue
        const count = (uses.get(name) ?? 0) + 1
        uses.set(name, count)
        here.set(name, count === 1 ? name : `${name}.${count}`)
      }
      return [slot, here]
    }),
  )
}

/** distance: how far a jump or a call leads, from the assembled bytes. */
function distance(code: Uint8Array, slot: number, insn: Insn): number {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength)
  return insn.code === CALL ? view.getInt32(slot * 8 + 4, true) : view.getInt16(slot * 8 + 2, true)
}
