// Moves that the builder asks for and nobody needs. Every operation of the builder gives a new value, and what protects
// values from later ones is a copy: here, where the whole function is known, those go that protect from nothing. Three
// steps, each over code whose registers are virtual and whose jumps go forward:
//
//   narrow     w2 = w1, and only the lower half of 2 is ever read          becomes  r2 = r1
//   propagate  r2 = r1, and 1 does not change while 2 is read              2 is 1
//   coalesce   r2 = ..., r3 = r2, and 2 is not read again                  r3 = ...
//
// Left out: anything that needs to know which values are equal on several paths.

import { isCall, isInstruction, touched, VIRTUAL, type VirtualItem } from './code.ts'
import { ALU, alu, CLASS, classOf, EXIT, type Insn, isJump, isMove, isMove32, SIZE } from './isa.ts'

/** simplified: the same function with fewer moves. */
export const simplified = (items: readonly VirtualItem[]): VirtualItem[] =>
  coalesced(propagated(narrowed(items)))

/** Uses: where a virtual register is read and written, in order. */
interface Uses {
  reads: number[]
  writes: number[]
}

function usesOf(items: readonly VirtualItem[]): Map<number, Uses> {
  const found = new Map<number, Uses>()
  const of = (reg: number): Uses => {
    const uses = found.get(reg) ?? { reads: [], writes: [] }
    found.set(reg, uses)
    return uses
  }
  for (const [at, item] of items.entries()) {
    const { reads, writes } = touched(item)
    for (const reg of new Set(reads)) of(reg).reads.push(at)
    for (const reg of writes) of(reg).writes.push(at)
  }
  return found
}

/** isCopy of a virtual register, all of it, to another. */
const isCopy = (item: VirtualItem): item is Insn =>
  isInstruction(item) && isMove(item) && item.src >= VIRTUAL && item.dst >= VIRTUAL

/** renamed: an item with one register in place of another. */
function renamed(item: VirtualItem, from: number, to: number): VirtualItem {
  const of = (reg: number) => (reg === from ? to : reg)
  if (isInstruction(item)) return { ...item, src: of(item.src), dst: of(item.dst) }
  if (!isCall(item)) return item
  const args = item.args.map((arg) => ('reg' in arg ? { reg: of(arg.reg) } : arg))
  return { ...item, args, ...(item.result !== undefined && { result: of(item.result) }) }
}

/** readsLow: whether an item looks at no more than the lower half of a register that it reads. */
function readsLow(items: readonly VirtualItem[], at: number, reg: number): boolean {
  const item = items[at]!
  if (!isInstruction(item)) return false
  switch (classOf(item)) {
    case CLASS.alu:
      return (item.code & 0xf0) !== ALU.end || item.imm !== 64
    case CLASS.jmp32:
      return true
    case CLASS.stx:
      return item.dst !== reg && (item.code & SIZE[8]) !== SIZE[8]
    default: {
      // a copy that the next instruction computes on in 32 bits
      const next = items[at + 1]
      if (!isMove(item) || !next || !isInstruction(next) || next.dst !== item.dst) return false
      return (
        classOf(next) === CLASS.alu && (next.code & 0xf0) !== ALU.mov && readsLow(items, at + 1, item.dst)
      )
    }
  }
}

/** narrowed: moves of the lower half that may as well be of all. */
function narrowed(items: readonly VirtualItem[]): VirtualItem[] {
  const uses = usesOf(items)
  return items.map((item) => {
    if (!isInstruction(item) || !isMove32(item) || item.dst < VIRTUAL) return item
    const { reads, writes } = uses.get(item.dst)!
    const isLow = writes.length === 1 && reads.every((at) => readsLow(items, at, item.dst))
    return isLow ? { ...item, code: alu('mov', 0, { reg: 0 }, 64).code } : item
  })
}

/** propagated: copies of what stays as it is while they are read. */
function propagated(items: readonly VirtualItem[]): VirtualItem[] {
  const out: (VirtualItem | undefined)[] = [...items]
  const uses = usesOf(items)
  for (const at of items.keys()) {
    const item = out[at]!
    if (!isCopy(item)) continue
    const [copy, source] = [uses.get(item.dst)!, uses.get(item.src)!]
    const last = copy.reads.at(-1) ?? at
    const isChanged = source.writes.some((write) => write > at && write < last)
    const isLooped = items.slice(at, last).some((between) => 'loop' in between)
    if (copy.writes.length > 1 || isChanged || isLooped) continue
    for (const read of copy.reads) out[read] = renamed(out[read]!, item.dst, item.src)
    source.reads.push(...copy.reads)
    source.reads.sort((a, b) => a - b)
    out[at] = undefined
  }
  return out.filter((item) => item !== undefined)
}

/** coalesced: what is computed only to be moved is computed where it is moved to. */
function coalesced(items: readonly VirtualItem[]): VirtualItem[] {
  const out: (VirtualItem | undefined)[] = [...items]
  const uses = usesOf(items)
  const isStraight = (item: VirtualItem | undefined) =>
    !item || isCall(item) || (isInstruction(item) && !isJump(item) && item.code !== EXIT)
  for (const at of items.keys()) {
    const move = out[at]
    if (!move || !isCopy(move)) continue
    const { dst: to, src: from } = move
    const [target, source] = [uses.get(to)!, uses.get(from)!]
    const first = source.writes[0]!
    const isAlone = first < at && source.reads.at(-1) === at && source.writes.at(-1)! < at
    const isTouched = [...target.reads, ...target.writes].some((use) => use > first && use < at)
    if (!isAlone || isTouched || target.writes.includes(first) || !out.slice(first, at).every(isStraight))
      continue
    for (let i = first; i < at; i++) if (out[i]) out[i] = renamed(out[i]!, from, to)
    out[at] = undefined
    for (const kind of ['reads', 'writes'] as const)
      target[kind] = [...target[kind], ...source[kind]].filter((use) => use !== at).sort((a, b) => a - b)
  }
  return out.filter((item) => item !== undefined)
}
