// The builder of one function. Only its methods emit, in program order; values, places, conditions and ways out
// are plain data. This part is about packets: pointers, headers behind one bounds check, frames that grow and shrink.
// Guards do not nest, and what happens on failure is required: a missing null or bounds check cannot be written.

import { invariant } from '../base/errors.ts'
import type { Outcomes, Way } from './exit-builder.ts'
import { HelperBuilder } from './helper-builder.ts'
import { FP, load, store } from './isa.ts'
import { hotPathLeaves } from './layout.ts'
import { callerLine, type Line } from './line.ts'
import type { Fields, Struct } from './types.ts'
import { type Context, fields, type HostKind, isVal, type Pointer, type Val, type View } from './values.ts'

/** MAX_PACKET_OFF: how far a packet pointer may be from the packet's start (kernel/bpf/verifier.c). */
const MAX_PACKET_OFF = 0xffff

/**
 * Exits: every way out of a function by name, and how one is counted: `count` emits, for the outcome's index, and its code,
 * whose low byte is the verdict. Without
 * it the function answers its caller, which counts.
 */
export interface Exits<C extends string> {
  readonly outcomes: Outcomes<C>
  readonly count?: (p: Builder<C>, index: Val<'u32'>, code: Val<'u32'>) => void
}

/** StashedContext: where on the stack the context is. */
export interface StashedContext {
  readonly contextAt: number
}

/** StashedContext: where on the stack the context is. */
export interface StashedContext {
  readonly contextAt: number
}

/** Builder: one function. */
export class Builder<C extends string = never> extends HelperBuilder<C> {
  readonly #exits: Exits<C> | undefined

  constructor(name: string, exits?: Exits<C>) {
    super(name, exits?.outcomes)
    this.#exits = exits
  }

  /** packet: first byte and end of the frame's linear part. */
  packet(ctx: Context = this.ctx): { readonly data: Pointer; readonly end: Pointer } {
    const line = callerLine()
    const [data, end] = [this.#pointer(line), this.#pointer(line)]
    this.push(load(4, data.reg, ctx.reg, 0), line)
    this.push(load(4, end.reg, ctx.reg, 4), line)
    return { data, end }
  }

  /** ingressIfindex: the index of the interface that the frame came in by. */
  ingressIfindex(ctx: Context = this.ctx): Val<'u32'> {
    const out = this.value('u32')
    this.push(load(4, out.reg, ctx.reg, 12), callerLine())
    return out
  }

  /** stashContext keeps the context on the stack, so that it holds no register until contextOf() brings it back. */
  stashContext(): StashedContext {
    const offset = this.stackSlot(8)
    this.push(store(8, FP, offset, { reg: this.ctx.reg }), callerLine())
    return { contextAt: offset }
  }

  contextOf({ contextAt }: StashedContext): Context {
    const reg = this.register()
    this.push(load(8, reg, FP, contextAt), callerLine())
    return { context: true, reg }
  }

  /** restoreContext to the register that it had before it was stashed, so that it need not survive what came between. */
  restoreContext({ contextAt }: StashedContext): void {
    this.push(load(8, this.ctx.reg, FP, contextAt), callerLine())
  }

  /** length: bytes from `from` to `end`, modulo 2^64: `from` must not be behind it. */
  length(from: Pointer, end: Pointer): Val<'u64'> {
    const line = callerLine()
    this.fresh(from)
    this.fresh(end)
    const out = this.value('u64')
    this.aluInto('mov', out.reg, { reg: end.reg }, 64, line)
    this.aluInto('sub', out.reg, { reg: from.reg }, 64, line)
    return out
  }

  /** advance a pointer by a constant or a bounded value. */
  advance(pointer: Pointer, by: Val<HostKind> | number): Pointer {
    const line = callerLine()
    this.fresh(pointer)
    const most = isVal(by) ? by.max : Math.abs(by)
    invariant(most <= MAX_PACKET_OFF, `${this.name}: a packet pointer is moved by at most ${MAX_PACKET_OFF}`)
    const out = this.#pointer(line)
    this.aluInto('mov', out.reg, { reg: pointer.reg }, 64, line)
    this.aluInto('add', out.reg, this.operand(by, 64, line), 64, line)
    return out
  }

  /** pointerVariable: a pointer that is set on several paths, by setPointer. */
  pointerVariable(): Pointer {
    return this.#pointer(callerLine())
  }

  /** setPointer: from here on the variable points elsewhere; places made by it before are void. */
  setPointer(variable: Pointer, to: Pointer): void {
    const line = callerLine()
    this.fresh(variable)
    this.fresh(to)
    this.aluInto('mov', variable.reg, { reg: to.reg }, 64, line)
    const count = (this.pointerSets.get(variable.reg)?.count ?? 0) + 1
    this.pointerSets.set(variable.reg, { count, line })
  }

  /** headers laid end to end from `from`: one bounds check covers them all; too short takes `short`. */
  headers<const L extends Readonly<Record<string, Struct>>>(
    from: Pointer,
    end: Pointer,
    layout: L,
    short: Way<C>,
  ): { readonly [K in keyof L]: L[K] extends Struct<infer F> ? View<F> : never } {
    this.fresh(end)
    const total = Object.values(layout).reduce((sum, header) => sum + header.size, 0)
    const last = this.advance(from, total)
    this.exitIf({ op: 'jgt', reg: last.reg, operand: { reg: end.reg }, bits: 64 }, short)
    return this.checked(from, layout)
  }

  /** checked: headers from a pointer whose every way here has made sure of them; the verifier holds it to that. */
  checked<const L extends Readonly<Record<string, Struct>>>(
    from: Pointer,
    layout: L,
  ): { readonly [K in keyof L]: L[K] extends Struct<infer F> ? View<F> : never } {
    this.fresh(from)
    const { reg, epoch, line } = from
    const base = { is: 'packet', reg, epoch, line, sets: this.pointerSets.get(reg)?.count ?? 0 } as const
    let offset = 0
    const views: Record<string, View<Fields>> = {}
    for (const [name, header] of Object.entries(layout)) {
      views[name] = fields({ base, offset, type: header })
      offset += header.size
    }
    return views as { readonly [K in keyof L]: L[K] extends Struct<infer F> ? View<F> : never }
  }

  /** adjustHead moves the frame's start (negative: grows); every older place and pointer is void from here. */
  adjustHead(delta: number | Val<'u64'>, failed: Way<C>): void {
    this.#adjust('xdp_adjust_head', delta, failed)
  }

  /** adjustTail moves the frame's end (negative: cuts); every older place and pointer is void from here. */
  adjustTail(delta: number | Val<'u64'>, failed: Way<C>, ctx: Context = this.ctx): void {
    this.#adjust('xdp_adjust_tail', delta, failed, ctx)
  }

  /** adjustsPacket: whether the function, as far as it is written, moves the frame's start or end. */
  get adjustsPacket(): boolean {
    return this.epoch > 0
  }

  /** finish emits the counted ways out. Called once, by the program. */
  finish(): void {
    const { left } = this
    if (left === undefined) return
    invariant(hotPathLeaves(this.code), `${this.name}: the hot path runs off the end, into ${left}`)
    const { count } = this.#exits!
    if (count) this.exits((index, code) => count(this, index, code))
    else this.answers()
  }

  /** resume: answer the caller that it is to go on, with the packet as it was. */
  resume(): void {
    invariant(this.#exits && !this.#exits.count, `${this.name} is no function that answers`)
    invariant(!this.adjustsPacket, `${this.name}: who adjusts the packet has dealt with it`)
    this.exit(0)
  }

  /** answersOutcome: a called function that leaves by outcomes, which its caller counts. */
  get answersOutcome(): boolean {
    return this.#exits !== undefined && !this.#exits.count
  }

  #pointer(line: Line): Pointer {
    return { pointer: true, reg: this.register(), epoch: this.epoch, line }
  }

  #adjust(
    helper: 'xdp_adjust_head' | 'xdp_adjust_tail',
    delta: number | Val<'u64'>,
    failed: Way<C>,
    ctx: Context = this.ctx,
  ): void {
    const line = callerLine()
    const by = isVal(delta) ? { reg: delta.reg } : { imm: delta }
    const result = this.helper(helper, [{ reg: ctx.reg }, by], line)
    this.adjusted(line)
    this.exitIf({ op: 'jne', reg: result.reg, operand: 0, bits: 32 }, failed)
  }
}
