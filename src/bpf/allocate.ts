// Virtual registers to r0..r9 by one linear scan. Because jumps only go forward in emission order, the interval
// from a value's first write to its last use is exact enough that no path can see another value in its register; what
// a loop touches and was there before lives to the loop's end.
// A value that lives across a call gets r6..r9; when none is left that is an error that names the values and
// lines (stash one on the stack): nothing is spilled silently. What a cold block that calls does not come back
// with does not live across that call, though its interval spans the block.

import { invariant } from '../base/errors.ts'
import type { Item } from './assemble.ts'
import {
  type Call,
  type CallArgument,
  isCall,
  isInstruction,
  loops,
  touched,
  VIRTUAL,
  type VirtualItem,
} from './code.ts'
import {
  alu,
  CLASS,
  classOf,
  EXIT,
  FP,
  type Insn,
  isGoto,
  isMove,
  isMove32,
  type Label,
  loadRef,
} from './isa.ts'
import { formatLine, type Line } from './line.ts'

/** AllocatedItem: an item with machine registers, or a cold mark that layout consumes. */
export type AllocatedItem = Item | { readonly cold: boolean }

const SAVED = [6, 7, 8, 9] as const
const SCRATCH = [1, 2, 3, 4, 5, 0] as const

interface Interval {
  readonly first: number
  last: number
  crosses: boolean
  /** A machine register that would save a move. */
  hint?: number
}

const isPure = (insn: Insn): boolean =>
  [CLASS.ld, CLASS.ldx, CLASS.alu, CLASS.alu64].some((kind) => kind === classOf(insn))

/** Drops instructions whose only effect is a value that nobody reads. */
function withoutDead(items: readonly VirtualItem[]): VirtualItem[] {
  const read = new Set<number>()
  const kept: VirtualItem[] = []
  const around = new Map(loops(items).map(([begin, end]) => [end, begin]))
  const born = new Map<number, number>()
  if (around.size > 0)
    for (const [at, item] of items.entries())
      for (const reg of touched(item).writes) if (!born.has(reg)) born.set(reg, at)
  for (let at = items.length - 1; at >= 0; at--) {
    const item = items[at]!
    const begin = around.get(at)
    // the next round reads, further up, what was there before the loop
    if (begin !== undefined)
      for (const inside of items.slice(begin, at))
        for (const reg of touched(inside).reads) if (born.get(reg)! < begin) read.add(reg)
    const { reads, writes } = touched(item)
    const dead =
      isInstruction(item) && isPure(item) && writes.length > 0 && writes.every((reg) => !read.has(reg))
    if (dead) continue
    for (const reg of reads) read.add(reg)
    kept.push(item)
  }
  return kept.reverse()
}

const bit = (reg: number): bigint => 1n << BigInt(reg - VIRTUAL)
const bits = (regs: readonly number[]): bigint => regs.reduce((set, reg) => set | bit(reg), 0n)

/** crossing: the values that some path reads behind a call and has from before it: one pass backwards is exact. */
function crossing(items: readonly VirtualItem[]): bigint {
  const wanted = new Map<Label, bigint>()
  const outside: bigint[] = []
  let live = 0n
  let found = 0n
  for (const item of [...items].reverse()) {
    if ('cold' in item) {
      if (!item.cold) outside.push(live)
      live = item.cold ? outside.pop()! : 0n
      continue
    }
    if ('bind' in item) {
      wanted.set(item.bind, live)
      continue
    }
    const { reads, writes } = touched(item)
    if (isInstruction(item) && item.to) live = (isGoto(item) ? 0n : live) | (wanted.get(item.to) ?? 0n)
    if (isInstruction(item) && item.code === EXIT) live = 0n
    live &= ~bits(writes)
    if (isCall(item)) found |= live
    live |= bits(reads)
  }
  return found
}

function intervals(items: readonly VirtualItem[]): Map<number, Interval> {
  const found = new Map<number, Interval>()
  const crosses = crossing(items)
  items.forEach((item, at) => {
    const { reads, writes } = touched(item)
    for (const reg of [...reads, ...writes]) {
      const interval = found.get(reg)
      if (interval) interval.last = at
      else found.set(reg, { first: at, last: at, crosses: (crosses & bit(reg)) !== 0n })
    }
    if (!isCall(item)) return
    item.args.forEach((arg, index) => {
      if ('reg' in arg) found.get(arg.reg)!.hint ??= index + 1
    })
    if (item.result !== undefined) found.get(item.result)!.hint ??= 0
  })
  const around = loops(items)
  if (around.length === 0) return found
  // one pass backwards does not see what the next round reads: in a function with a loop an interval's ends decide
  for (const [begin, end] of around)
    for (const interval of found.values())
      if (interval.first < begin && interval.last > begin && interval.last < end) interval.last = end
  const calls = [...items.keys()].filter((at) => isCall(items[at]!))
  for (const interval of found.values())
    interval.crosses = calls.some((at) => interval.first < at && at < interval.last)
  return found
}

/** moves: the arguments of a call into r1.., in an order that overwrites nothing still needed; r0 breaks cycles. */
function moves(args: readonly CallArgument[], reg: (virtual: number) => number): Insn[] {
  const out: Insn[] = []
  const pending = new Map<number, number>()
  args.forEach((arg, index) => {
    if ('reg' in arg && reg(arg.reg) !== index + 1) pending.set(index + 1, reg(arg.reg))
  })
  while (pending.size > 0) {
    const sources = new Set(pending.values())
    const free = [...pending.keys()].find((target) => !sources.has(target))
    if (free !== undefined) {
      out.push(alu('mov', free, { reg: pending.get(free)! }, 64))
      pending.delete(free)
      continue
    }
    const [target, source] = [...pending][0]!
    out.push(alu('mov', 0, { reg: source }, 64))
    pending.set(target, 0)
  }
  args.forEach((arg, index) => {
    if ('imm' in arg) out.push(alu('mov', index + 1, arg.imm, 64))
    if ('ref' in arg) out.push(loadRef(index + 1, arg.ref))
    if ('stack' in arg) out.push(alu('mov', index + 1, { reg: FP }, 64), alu('add', index + 1, arg.stack, 64))
  })
  return out
}

/** allocate gives every virtual register a machine register. Running out is an error of the program written. */
export function allocate(name: string, code: readonly VirtualItem[]): AllocatedItem[] {
  const items = withoutDead(code)
  const live = intervals(items)
  const home = new Map<number, number>()
  const born = new Map<number, Line | undefined>()
  const free = new Set<number>([...SCRATCH, ...SAVED])
  const out: AllocatedItem[] = []

  const reg = (r: number): number => {
    if (r < VIRTUAL) return r
    const at = home.get(r)
    invariant(at !== undefined, `${name}: a value is read before it is written`)
    return at
  }
  const release = (virtual: number) => {
    free.add(home.get(virtual)!)
    home.delete(virtual)
  }
  const take = (virtual: number, line: Line | undefined, wish: number | undefined) => {
    const { crosses, hint } = live.get(virtual)!
    const choice = [wish, hint, ...(crosses ? SAVED : [...SCRATCH, ...SAVED])]
    const at = choice.find((r) => r !== undefined && free.has(r) && (!crosses || r >= 6))
    if (at === undefined) {
      const holders = [...home]
        .filter(([, r]) => !crosses || r >= 6)
        .map(([v, r]) => `r${r} from ${formatLine(born.get(v))}`)
      throw new Error(
        `${name}: out of ${crosses ? 'registers that survive a call' : 'registers'} at ${formatLine(line)}: ` +
          `stash a value; taken: ${holders.join(', ')}`,
      )
    }
    free.delete(at)
    home.set(virtual, at)
    born.set(virtual, line)
  }
  const dying = (virtuals: readonly number[], at: number) =>
    [...new Set(virtuals)].filter((virtual) => live.get(virtual)!.last === at && home.has(virtual))

  const emitCall = (call: Call, at: number) => {
    const { line } = call
    for (const insn of moves(call.args, reg)) out.push({ ...insn, line })
    out.push({ ...call.enter, line })
    for (const virtual of dying(touched(call).reads, at)) release(virtual)
    if (call.result === undefined) return
    if (!home.has(call.result)) take(call.result, line, undefined)
    if (reg(call.result) !== 0) out.push({ ...alu('mov', reg(call.result), { reg: 0 }, 64), line })
    for (const virtual of dying([call.result], at)) release(virtual)
  }

  for (const [at, item] of items.entries()) {
    if (isCall(item)) {
      emitCall(item, at)
      continue
    }
    if ('loop' in item) {
      for (const virtual of [...home.keys()]) if (live.get(virtual)!.last === at) release(virtual)
      continue
    }
    if (!isInstruction(item)) {
      out.push(item)
      continue
    }
    const { reads, writes } = touched(item)
    const src = reads.includes(item.src) ? reg(item.src) : item.src
    const read = reads.includes(item.dst) ? reg(item.dst) : item.dst
    for (const virtual of dying(reads, at)) if (!writes.includes(virtual)) release(virtual)
    for (const virtual of writes)
      if (!home.has(virtual)) take(virtual, item.line, isMove(item) || isMove32(item) ? src : undefined)
    const dst = writes.includes(item.dst) ? reg(item.dst) : read
    invariant(src < VIRTUAL && dst < VIRTUAL, `${name}: a value is read before it is written`)
    if (!isMove(item) || src !== dst) out.push({ ...item, src, dst })
    for (const virtual of dying(writes, at)) release(virtual)
  }
  return out
}
