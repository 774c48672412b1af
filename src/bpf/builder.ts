// The builder of one function. Only its methods emit, in program order; values, places, conditions and ways out
// are plain data. Guards do not nest: what happens on failure is a required argument, the name of a counted
// outcome, a label ahead, or a block of cold code. A missing null or bounds check cannot be written.

import { invariant } from '../base/errors.ts'
import { alu, callHelper, exit, FP, helpers, Label, load, store, type Width } from './isa.ts'
import { hotPathLeaves } from './layout.ts'
import { callerLine, type Line } from './line.ts'
import { MemoryBuilder } from './memory-builder.ts'
import { type Fields, type KernelMap, KIND_BYTES, type Kind, type Struct } from './types.ts'
import {
  type Arg,
  type Base,
  type Cond,
  fields,
  ge,
  type HostKind,
  isVal,
  type Pointer,
  type Val,
  type View,
} from './values.ts'

export const VERDICT = { aborted: 0, drop: 1, pass: 2, tx: 3, redirect: 4 } as const
/** Verdict: what XDP does with the frame (enum xdp_action). */
export type Verdict = keyof typeof VERDICT

/** Way: where a failed guard goes: a counted outcome, a label ahead, or cold code that ends by leaving. */
export type Way<C extends string> = C | Label | (() => void)

/** Exits: every way out of a function by name, and how one is counted: `count` emits, for the outcome's index. */
export interface Exits<C extends string> {
  readonly outcomes: Readonly<Record<C, Verdict>>
  readonly count: (p: Builder<C>, index: Val<'u32'>) => void
}

/** Builder: one function, with the packet and the ways out on top of values and memory. */
export class Builder<C extends string = never> extends MemoryBuilder {
  /** ctx: struct xdp_md, alive where used. */
  readonly ctx: Val<'u64'>
  readonly #exits: Exits<C> | undefined
  readonly #stubs = new Map<C, { label: Label; line: Line }>()

  constructor(name: string, exits?: Exits<C>) {
    super(name)
    this.#exits = exits
    this.ctx = this.value('u64')
    this.aluInto('mov', this.ctx.reg, { reg: 1 }, 64)
  }

  // ---- packet ----

  /** packet: first byte and end of the frame's linear part. */
  packet(): { readonly data: Pointer; readonly end: Pointer } {
    const [data, end] = [this.#pointer(), this.#pointer()]
    this.push(load(4, data.reg, this.ctx.reg, 0))
    this.push(load(4, end.reg, this.ctx.reg, 4))
    return { data, end }
  }

  /** length: bytes from `from` to `end`. */
  length(from: Pointer, end: Pointer): Val<'u64'> {
    this.fresh(from)
    this.fresh(end)
    const out = this.value('u64', 0xffff)
    this.aluInto('mov', out.reg, { reg: end.reg }, 64)
    this.aluInto('sub', out.reg, { reg: from.reg }, 64)
    return out
  }

  /** advance a pointer by a constant or a bounded value. */
  advance(pointer: Pointer, by: Val<HostKind> | number): Pointer {
    this.fresh(pointer)
    invariant(
      (isVal(by) ? by.max : by) <= 0xffff,
      `${this.name}: a packet pointer is moved by at most 65,535`,
    )
    const out = this.#pointer()
    this.aluInto('mov', out.reg, { reg: pointer.reg }, 64)
    this.aluInto('add', out.reg, this.operand(by, 64), 64)
    return out
  }

  /** pointerVariable: a pointer that is set on several paths, by setPointer. */
  pointerVariable = (): Pointer => this.#pointer()

  setPointer(variable: Pointer, to: Pointer): void {
    this.fresh(to)
    this.aluInto('mov', variable.reg, { reg: to.reg }, 64)
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
    let offset = 0
    const views: Record<string, View<Fields>> = {}
    for (const [name, header] of Object.entries(layout)) {
      const base: Base = { is: 'packet', reg: from.reg, epoch: from.epoch, line: from.line }
      views[name] = fields({ base, offset, type: header })
      offset += header.size
    }
    return views as { readonly [K in keyof L]: L[K] extends Struct<infer F> ? View<F> : never }
  }

  /** adjustHead moves the frame's start (negative: grows); every older place and pointer is void from here. */
  adjustHead(delta: number, failed: Way<C>): void {
    this.#adjust('xdp_adjust_head', delta, failed)
  }

  /** adjustTail moves the frame's end; every older place and pointer is void from here. */
  adjustTail(delta: number, failed: Way<C>): void {
    this.#adjust('xdp_adjust_tail', delta, failed)
  }

  // ---- ways out ----

  /** exitIf the condition holds: a guard. */
  exitIf(cond: Cond, way: Way<C>): void {
    if (way instanceof Label) {
      this.jumpIf(cond, way)
      return
    }
    if (typeof way === 'string') {
      this.jumpIf(cond, this.#stub(way))
      return
    }
    const label = this.label('cold')
    this.jumpIf(cond, label)
    this.coldBlock(label, way)
  }

  /** below: from here on value < n; else `way`. */
  below<K extends HostKind>(value: Val<K>, n: number, way: Way<C>): Val<K> {
    this.exitIf(ge(value as Val<'u32'>, n), way)
    return { ...value, max: n - 1 }
  }

  /** lookup a key in a kernel map by helper; a miss takes `miss`. What returns is never null. */
  lookup<K extends Fields, V extends Fields>(
    map: KernelMap<K, V>,
    key: { readonly [N in keyof K]: K[N] extends Kind ? Arg<K[N]> : never },
    miss: Way<C>,
  ): View<V> {
    this.use(map)
    const slot = this.stackSlot(map.key.size)
    for (const [name, type] of Object.entries(map.key.fields)) {
      invariant(typeof type === 'string', `key field ${name} of ${map.name} is a scalar`)
      const field = key[name as keyof K] as Arg<Kind>
      const operand = this.operand(field, type === 'u64' ? 64 : 32)
      this.push(store(KIND_BYTES[type] as Width, FP, slot + map.key.offsets[name]!, operand))
    }
    const value = this.value('u64')
    this.enter(
      callHelper(helpers.map_lookup_elem),
      [{ ref: { kind: 'map-fd', map: map.name, offset: 0 } }, { stack: slot }],
      value.reg,
    )
    this.exitIf({ op: 'jeq', reg: value.reg, operand: 0, bits: 64 }, miss)
    return fields({ base: { is: 'register', reg: value.reg }, offset: 0, type: map.value })
  }

  /** leave by a counted outcome, or for a label ahead. */
  leave(way: C | Label): void {
    this.goto(way instanceof Label ? way : this.#stub(way))
  }

  /** cold: emits the code behind a label that others jump to, out of the hot path. */
  cold(label: Label, body: () => void): void {
    this.coldBlock(label, body)
  }

  /** exitCounted leaves by an outcome that the code before has counted itself. */
  exitCounted(outcome: C): void {
    invariant(this.#exits, `${this.name} has no outcomes`)
    this.exitValue(VERDICT[this.#exits.outcomes[outcome]])
  }

  /** exitValue: return a value, for functions without outcomes. */
  exitValue(value: Val<'u32'> | number): void {
    this.moveInto(0, value)
    this.push(exit())
  }

  /** finish emits the counted ways out. Called once, by the program. */
  finish(): void {
    if (this.#stubs.size === 0) return
    invariant(
      hotPathLeaves(this.code),
      `${this.name}: the hot path runs off the end, into ${[...this.#stubs.keys()][0]}`,
    )
    const { outcomes, count } = this.#exits!
    const names = Object.keys(outcomes)
    const counter = this.variable('u32', names.length - 1)
    const verdict = this.variable('u32')
    const tail = this.label('count')
    for (const [outcome, { label, line }] of this.#stubs) {
      this.bind(label)
      this.push(alu('mov', counter.reg, names.indexOf(outcome), 64), line)
      this.push(alu('mov', verdict.reg, VERDICT[outcomes[outcome]], 64), line)
      this.goto(tail)
    }
    this.bind(tail)
    count(this, counter)
    this.exitValue(verdict)
  }

  #stub(outcome: C): Label {
    invariant(this.#exits && outcome in this.#exits.outcomes, `${this.name} has no outcome ${outcome}`)
    const known = this.#stubs.get(outcome)
    if (known) return known.label
    const label = this.label(outcome)
    this.#stubs.set(outcome, { label, line: callerLine() })
    return label
  }

  #pointer(): Pointer {
    return { pointer: true, reg: this.register(), epoch: this.epoch, line: callerLine() }
  }

  #adjust(helper: 'xdp_adjust_head' | 'xdp_adjust_tail', delta: number, failed: Way<C>): void {
    const result = this.value('u32')
    this.enter(callHelper(helpers[helper]), [{ reg: this.ctx.reg }, { imm: delta }], result.reg)
    this.epoch++
    this.epochLine = callerLine()
    this.exitIf({ op: 'jne', reg: result.reg, operand: 0, bits: 32 }, failed)
  }
}
