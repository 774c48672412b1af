// What can be wrong with one function, found before the kernel sees it, with our line: registers and stack bytes
// read before they are set, code that cannot be reached or does not end, jumps that close a cycle (but a loop's own),
// writes to the frame pointer. One forward pass over the paths keeps what every path has set and what any path has; it repeats
// until nothing changes, since cold code may jump back.
// Left out: types, bounds and helper signatures, which the verifier proves.

import { type FunctionCode, isInsn } from './assemble.ts'
import {
  ALU,
  CALL,
  CLASS,
  EXIT,
  effects,
  FP,
  type Insn,
  isGoto,
  isJump,
  type Label,
  SIZE,
  SRC,
} from './isa.ts'
import { formatLine } from './line.ts'
import { signed } from './regions.ts'

const STACK_BYTES = 512
const CALLER_SAVED = [1, 2, 3, 4, 5]
const WIDTHS = new Map(Object.entries(SIZE).map(([width, bits]) => [bits, Number(width)]))

/** State: what is known before an instruction. Register and stack sets are bit masks; bit n of `stack`: r10-512+n. */
interface State {
  /** Set on every path. */
  must: number
  /** Set on some path. */
  may: number
  stack: bigint
  /** Registers that hold r10 + n for sure. */
  frame: ReadonlyMap<number, number>
}

interface Node {
  readonly insn: Insn
  readonly next: readonly number[]
}

/** lint lists what is wrong with a function in final order, one message a finding; empty when nothing is. */
export function lint(fn: FunctionCode): string[] {
  const nodes = graph(fn)
  const findings = new Set<string>()
  const report = (at: number, what: string) => {
    const line = nodes[at]?.insn.line
    findings.add(`${line ? formatLine(line) : `${fn.name}, instruction ${at}`}: ${what}`)
  }
  const states = solve(nodes, parametersOf(fn))
  for (const [at, { insn, next }] of nodes.entries()) {
    const state = states[at]
    if (!state) {
      if (at === 0 || states[at - 1]) report(at, 'cannot be reached')
      continue
    }
    for (const register of effects(insn).reads) {
      const bit = 1 << register
      if (!(state.must & bit)) {
        const how = state.may & bit ? 'some path has not set' : 'no path has set'
        report(at, `${insn.code === EXIT ? 'returns' : 'reads'} r${register} that ${how}`)
      }
    }
    if (effects(insn).writes.includes(FP)) report(at, 'writes r10')
    const stack = stackFinding(insn, state)
    if (stack) report(at, stack)
    if (next.includes(nodes.length)) report(at, 'runs off the end')
  }
  for (const at of cycles(nodes)) report(at, 'jumps back and closes a cycle')
  if (nodes.length === 0) report(0, 'has no instruction')
  return [...findings]
}

/** graph: instructions with the indexes that follow; the index behind the last is the end. */
function graph({ entry, items }: FunctionCode): Node[] {
  const insns = items.filter(isInsn)
  const places = new Map<Label, number>([[entry, 0]])
  let count = 0
  for (const item of items) {
    if (isInsn(item)) count++
    else places.set(item.bind, count)
  }
  return insns.map((insn, at) => {
    const next: number[] = []
    if (insn.code !== EXIT && !isGoto(insn)) next.push(at + 1)
    if (isJump(insn) && insn.to) next.push(places.get(insn.to) ?? insns.length)
    return { insn, next }
  })
}

/** parametersOf: how many registers from r1 on are set when a function is entered. */
const parametersOf = ({ takes = { context: true, numbers: 0 } }: FunctionCode): number =>
  takes.numbers + (takes.context ? 1 : 0)

/** solve: the state before each instruction; undefined where no path leads. */
function solve(nodes: readonly Node[], parameters: number): (State | undefined)[] {
  const entry = (2 ** (parameters + 1) - 2) | (1 << FP)
  const states: (State | undefined)[] = nodes.map(() => undefined)
  if (nodes.length) states[0] = { must: entry, may: entry, stack: 0n, frame: new Map([[FP, 0]]) }
  const dirty = new Uint8Array(nodes.length).fill(1, 0, 1)
  for (let again = nodes.length > 0; again; ) {
    again = false
    for (const [at, { insn, next }] of nodes.entries()) {
      const state = states[at]
      if (!dirty[at] || !state) continue
      dirty[at] = 0
      const after = apply(insn, state)
      for (const to of next) {
        if (to === nodes.length) continue
        const known = states[to]
        const merged = known ? merge(known, after) : after
        if (known && same(known, merged)) continue
        states[to] = merged
        dirty[to] = 1
        if (to <= at) again = true
      }
    }
  }
  return states
}

function merge(a: State, b: State): State {
  const frame = new Map([...a.frame].filter(([register, offset]) => b.frame.get(register) === offset))
  return { must: a.must & b.must, may: a.may | b.may, stack: a.stack & b.stack, frame }
}

const same = (a: State, b: State): boolean =>
  a.must === b.must && a.may === b.may && a.stack === b.stack && a.frame.size === b.frame.size

function apply(insn: Insn, before: State): State {
  let { must, may, stack } = before
  const frame = new Map(before.frame)
  const access = stackAccess(insn, before)
  if (access?.writes) stack |= mask(access.from, access.width)
  if (insn.code === CALL) {
    // The callee may write whatever it got a pointer to: from there to the end of the frame all counts as written.
    for (const register of CALLER_SAVED) {
      const offset = frame.get(register)
      if (offset !== undefined) stack |= mask(offset, -offset)
      must &= ~(1 << register)
      may &= ~(1 << register)
      frame.delete(register)
    }
    frame.delete(0)
    return { must: must | 1, may: may | 1, stack, frame }
  }
  for (const register of effects(insn).writes) {
    must |= 1 << register
    may |= 1 << register
    const offset = frameOffset(insn, before)
    if (offset === 'somewhere') stack = mask(-STACK_BYTES, STACK_BYTES)
    if (typeof offset === 'number') frame.set(register, offset)
    else if (register !== FP) frame.delete(register)
  }
  return { must, may, stack, frame }
}

/** frameOffset: n when the instruction makes its dst r10 + n, "somewhere" when in the frame at an unknown place. */
function frameOffset(insn: Insn, { frame }: State): number | 'somewhere' | undefined {
  const kind = insn.code & 7
  if (kind !== CLASS.alu64) return undefined
  const op = insn.code & 0xf0
  const isImmediate = !(insn.code & SRC)
  if (op === ALU.mov) return isImmediate ? undefined : frame.get(insn.src)
  const start = frame.get(insn.dst)
  if (op !== ALU.add && op !== ALU.sub) return undefined
  const other = isImmediate ? undefined : frame.get(insn.src)
  if (op === ALU.sub && other !== undefined) return undefined
  if (start === undefined && other === undefined) return undefined
  if (start === undefined || !isImmediate) return 'somewhere'
  return op === ALU.add ? start + Number(insn.imm) : start - Number(insn.imm)
}

/** stackAccess: which bytes, from r10 + `from`, a load or store of the frame touches. */
function stackAccess(
  insn: Insn,
  { frame }: State,
): { from: number; width: number; reads: boolean; writes: boolean } | undefined {
  const kind = insn.code & 7
  if (kind !== CLASS.ldx && kind !== CLASS.st && kind !== CLASS.stx) return undefined
  const start = frame.get(kind === CLASS.ldx ? insn.src : insn.dst)
  if (start === undefined) return undefined
  const isAtomic = kind === CLASS.stx && (insn.code & 0xe0) === 0xc0
  const width = WIDTHS.get(insn.code & 0x18)!
  return { from: start + insn.off, width, reads: kind === CLASS.ldx || isAtomic, writes: kind !== CLASS.ldx }
}

/** stackFinding: what is wrong with an access of the stack, or undefined. */
function stackFinding(insn: Insn, state: State): string | undefined {
  const access = stackAccess(insn, state)
  if (!access) return undefined
  const { from, width, reads } = access
  const place = `${width} bytes at r10${signed(from)}`
  if (from < -STACK_BYTES || from + width > 0) return `accesses ${place}, outside the stack`
  if (from % width) return `accesses ${place}, which is not aligned`
  const bits = mask(from, width)
  return reads && (state.stack & bits) !== bits ? `reads ${place} that some path has not written` : undefined
}

/** mask of the stack bytes [from, from + width), as far as they are inside. */
function mask(from: number, width: number): bigint {
  const start = Math.max(0, STACK_BYTES + from)
  const end = Math.min(STACK_BYTES, STACK_BYTES + from + width)
  return end <= start ? 0n : ((1n << BigInt(end - start)) - 1n) << BigInt(start)
}

/** cycles: jumps to an instruction from which the jump itself is being reached. */
function cycles(nodes: readonly Node[]): number[] {
  const found: number[] = []
  const colour = new Uint8Array(nodes.length)
  const path: { at: number; edge: number }[] = nodes.length ? [{ at: 0, edge: 0 }] : []
  if (nodes.length) colour[0] = 1
  for (let top = path.at(-1); top; top = path.at(-1)) {
    const to = nodes[top.at]!.next[top.edge++]
    if (to === undefined) {
      colour[top.at] = 2
      path.pop()
    } else if (to < nodes.length) {
      if (colour[to] === 1 && !nodes[top.at]!.insn.back) found.push(top.at)
      else if (colour[to] === 0) {
        colour[to] = 1
        path.push({ at: to, edge: 0 })
      }
    }
  }
  return found
}
