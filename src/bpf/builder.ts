// The builder of one function. Only its methods emit, in program order; values, places, conditions and ways out
// are plain data. Guards do not nest: what happens on failure is a required argument, the name of a counted
// outcome, a label ahead, or a block of cold code. A missing null or bounds check cannot be written.

import { invariant } from '../base/errors.ts'
import { Emitter, maxOf } from './emitter.ts'
import {
  type AluOp,
  alu,
  atomicAdd,
  callHelper,
  exit,
  FP,
  helpers,
  Label,
  load,
  store,
  swap,
  type Width,
} from './isa.ts'
import { callerLine, formatLine, type Line } from './line.ts'
import {
  type ArrayOf,
  type Bytes,
  type DirectMemory,
  type Fields,
  type KernelMap,
  KIND_BYTES,
  type Kind,
  type Struct,
  sizeOf,
  type Type,
} from './types.ts'
import {
  type Arg,
  at,
  type Base,
  type Cond,
  fields,
  ge,
  type HostKind,
  immediate,
  isVal,
  type Place,
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

type Wider<A extends HostKind> = A extends 'u64' ? 'u64' : 'u32'
const INT16 = 32767

export class Builder<C extends string = never> extends Emitter {
  /** ctx: struct xdp_md, alive where used. */
  readonly ctx: Val<'u64'>
  readonly maps = new Map<string, DirectMemory | KernelMap>()
  readonly callees = new Set<{ readonly entry: Label }>()
  readonly #exits: Exits<C> | undefined
  readonly #stubs = new Map<C, { label: Label; line: Line }>()
  #epoch = 0
  #epochLine: Line | undefined

  constructor(name: string, exits?: Exits<C>) {
    super(name)
    this.#exits = exits
    this.ctx = this.value('u64')
    this.aluInto('mov', this.ctx.reg, { reg: 1 }, 64)
  }

  // ---- values ----

  /** load a scalar from memory or the packet. */
  load<K extends Kind>(place: Place<K>): Val<K> {
    const { reg, offset } = this.#address(place)
    const out = this.value(place.type)
    this.push(load(KIND_BYTES[place.type] as Width, out.reg, reg, offset))
    return out
  }

  /** store a scalar; the value's kind must be the place's. */
  store<K extends Kind>(place: Place<K>, value: Arg<NoInfer<K>>): void {
    const { reg, offset } = this.#address(place)
    this.push(store(KIND_BYTES[place.type] as Width, reg, offset, this.operand(value)))
  }

  /** storeLow: the low bytes of a wider value. */
  storeLow(place: Place<'u8' | 'u16' | 'u32'>, value: Val<HostKind>): void {
    const { reg, offset } = this.#address(place)
    this.push(store(KIND_BYTES[place.type] as Width, reg, offset, { reg: value.reg }))
  }

  /** increment memory that only this CPU writes, by a value. */
  increment(place: Place<'u64'>, by: Val<HostKind> | number): void {
    const { reg, offset } = this.#address(place)
    const sum = this.register()
    this.push(load(8, sum, reg, offset))
    this.aluInto('add', sum, this.operand(by), 64)
    this.push(store(8, reg, offset, { reg: sum }))
  }

  /** atomicAdd to memory that several CPUs write. */
  atomicAdd(place: Place<'u64'>, by: Val<HostKind>): void {
    const { reg, offset } = this.#address(place)
    this.push(atomicAdd(8, reg, offset, by.reg))
  }

  /** copy a byte string, widest moves first. The lengths must be equal. */
  copy<N extends number>(to: Place<Bytes<N>>, from: Place<Bytes<NoInfer<N>>>): void {
    const [a, b] = [this.#address(to), this.#address(from)]
    for (let done = 0; done < to.type.count; ) {
      const width = ([8, 4, 2, 1] as const).find((w) => w <= to.type.count - done)!
      const piece = this.register()
      this.push(load(width, piece, b.reg, b.offset + done))
      this.push(store(width, a.reg, a.offset + done, { reg: piece }))
      done += width
    }
  }

  /** alu: a op b, in 64 bits when a is u64, else in 32. Shift counts are constants below the width. */
  alu<A extends HostKind>(op: AluOp, a: Val<A>, b: Arg<HostKind>): Val<Wider<A>> {
    const kind = (a.kind === 'u64' ? 'u64' : 'u32') as Wider<A>
    const limit = maxOf(kind)
    const y = isVal(b) ? b.max : immediate(b)
    const range: Partial<Record<AluOp, number>> = {
      and: isVal(b) ? Math.min(a.max, y) : y < 0 ? a.max : Math.min(a.max, y),
      rsh: isVal(b)
        ? a.max
        : a.max > Number.MAX_SAFE_INTEGER
          ? 2 ** (64 - y) - 1
          : Math.floor(a.max / 2 ** y),
      lsh: isVal(b) ? limit : a.max * 2 ** y,
      add: y < 0 ? limit : a.max + y,
      mul: a.max * y,
    }
    const known = range[op]
    const out = this.value(
      kind,
      known === undefined || known > Math.min(limit, Number.MAX_SAFE_INTEGER) ? limit : known,
    )
    this.aluInto('mov', out.reg, { reg: a.reg }, 64)
    this.aluInto(op, out.reg, this.operand(b), kind === 'u64' ? 64 : 32)
    return out
  }

  /** widen: the same value as 64 bits (registers are zero-extended). Emits nothing. */
  widen = (value: Val<HostKind>): Val<'u64'> => ({ ...value, kind: 'u64' }) as Val as Val<'u64'>

  /** narrow: the low half of a 64-bit value. */
  narrow(value: Val<'u64'>): Val<'u32'> {
    const out = this.value('u32', Math.min(value.max, 0xffffffff))
    if (value.max <= 0xffffffff) return { ...out, reg: value.reg }
    this.aluInto('mov', out.reg, { reg: value.reg }, 32)
    return out
  }

  /** bits: a wire-order value as the machine's word, for hashing. Emits nothing. */
  bits = (value: Val<'be16' | 'be32'>): Val<'u32'> => ({ ...value, kind: 'u32' }) as Val as Val<'u32'>

  /** toHost: a wire-order value in host order. */
  toHost<K extends 'be16' | 'be32'>(value: Val<K>): Val<K extends 'be16' ? 'u16' : 'u32'> {
    const width = KIND_BYTES[value.kind]
    const out = this.value(width === 2 ? 'u16' : 'u32')
    this.aluInto('mov', out.reg, { reg: value.reg }, 64)
    this.push(swap(out.reg, width === 2 ? 16 : 32))
    return out as Val<K extends 'be16' ? 'u16' : 'u32'>
  }

  /** scale: hash * n >> 32: an index below n, n constant, for a uniform 32-bit hash. */
  scale(hash: Val<'u32' | 'u64'>, n: number): Val<'u64'> {
    invariant(hash.max <= 0xffffffff, `scale takes a hash of 32 bits`)
    invariant(Number.isInteger(n) && n > 0 && n < 2 ** 31, `scale to ${n}: 1 to 2^31 - 1`)
    return { ...this.alu('rsh', this.alu('mul', this.widen(hash), n), 32), max: n - 1 }
  }

  /** below: from here on value < n; else `way`. */
  below<K extends HostKind>(value: Val<K>, n: number, way: Way<C>): Val<K> {
    this.exitIf(ge(value as Val<'u32'>, n), way)
    return { ...value, max: n - 1 }
  }

  /** variable: a register that is set more than once. `max` bounds all that is ever put in. */
  variable<K extends Kind>(kind: K, max = maxOf(kind)): Val<K> {
    return this.value(kind, max)
  }

  set<K extends Kind>(variable: Val<K>, value: Arg<NoInfer<K>>): void {
    invariant(
      (isVal(value) ? value.max : immediate(value)) <= variable.max,
      `variable takes values up to ${variable.max}`,
    )
    this.aluInto('mov', variable.reg, this.operand(value), 64)
  }

  // ---- memory ----

  /** memory: the places of a direct memory's fields. */
  memory<F extends Fields>(memory: DirectMemory<F>): View<F> {
    this.#use(memory)
    return fields({ base: { is: 'direct', map: memory.name }, offset: 0, type: memory.type })
  }

  /** pin: the same place with its address in a register, where several accesses follow. */
  pin<T extends Type>(place: Place<T>): Place<T> {
    const { reg, offset } = this.#address(place)
    return { base: { is: 'register', reg }, offset, type: place.type }
  }

  /** window: `length` elements in a row from a bounded index on; one address, constant offsets. */
  window<E extends Type>(place: Place<ArrayOf<E>>, index: Val<HostKind>, length: number): Place<E>[] {
    const { element, count } = place.type
    invariant(
      index.max + length <= count,
      `${formatLine(callerLine())}: ${length} elements from ${index.max} on, the array has ${count}`,
    )
    const first = this.element(place, index)
    return Array.from({ length }, (_, i) => ({ ...first, offset: first.offset + i * sizeOf(element) }))
  }

  /** element of an array: constant index, or a value whose known maximum is inside. */
  element<E extends Type>(place: Place<ArrayOf<E>>, index: Val<HostKind> | number): Place<E> {
    const { element, count } = place.type
    const size = sizeOf(element)
    if (typeof index === 'number') return at(place, index, size)
    invariant(
      index.max < count,
      `${formatLine(callerLine())}: index may reach ${index.max}, the array has ${count}: mask, scale or check it`,
    )
    const { reg: base, offset } = this.#address(place)
    const reg = this.register()
    this.aluInto('mov', reg, { reg: index.reg }, 64)
    const shift = Math.log2(size)
    if (Number.isInteger(shift)) {
      if (shift > 0) this.aluInto('lsh', reg, shift, 64)
    } else {
      this.aluInto('mul', reg, size, 64)
    }
    this.aluInto('add', reg, { reg: base }, 64)
    return { base: { is: 'register', reg }, offset, type: element }
  }

  /** lookup a key in a kernel map by helper; a miss takes `miss`. What returns is never null. */
  lookup<K extends Fields, V extends Fields>(
    map: KernelMap<K, V>,
    key: { readonly [N in keyof K]: K[N] extends Kind ? Arg<K[N]> : never },
    miss: Way<C>,
  ): View<V> {
    this.#use(map)
    const slot = this.stackSlot(map.key.size)
    for (const [name, type] of Object.entries(map.key.fields)) {
      invariant(typeof type === 'string', `key field ${name} of ${map.name} is a scalar`)
      const field = key[name as keyof K] as Arg<Kind>
      this.push(store(KIND_BYTES[type] as Width, FP, slot + map.key.offsets[name]!, this.operand(field)))
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
    this.#fresh(from)
    const out = this.value('u64', 0xffff)
    this.aluInto('mov', out.reg, { reg: end.reg }, 64)
    this.aluInto('sub', out.reg, { reg: from.reg }, 64)
    return out
  }

  /** advance a pointer by a constant or a bounded value. */
  advance(pointer: Pointer, by: Val<HostKind> | number): Pointer {
    this.#fresh(pointer)
    invariant(
      (isVal(by) ? by.max : by) <= 0xffff,
      `${this.name}: a packet pointer is moved by at most 65,535`,
    )
    const out = this.#pointer()
    this.aluInto('mov', out.reg, { reg: pointer.reg }, 64)
    this.aluInto('add', out.reg, this.operand(by), 64)
    return out
  }

  /** pointerVariable: a pointer that is set on several paths, by setPointer. */
  pointerVariable = (): Pointer => this.#pointer()

  setPointer(variable: Pointer, to: Pointer): void {
    this.#fresh(to)
    this.aluInto('mov', variable.reg, { reg: to.reg }, 64)
  }

  /** headers laid end to end from `from`: one bounds check covers them all; too short takes `short`. */
  headers<const L extends Readonly<Record<string, Struct>>>(
    from: Pointer,
    end: Pointer,
    layout: L,
    short: Way<C>,
  ): { readonly [K in keyof L]: L[K] extends Struct<infer F> ? View<F> : never } {
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
    if (way instanceof Label) return this.jumpIf(cond, way)
    if (typeof way === 'string') return this.jumpIf(cond, this.#stub(way))
    const label = this.label('cold')
    this.jumpIf(cond, label)
    this.coldBlock(label, way)
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
    this.aluInto('mov', 0, this.operand(value), 64)
    this.push(exit())
  }

  /** finish emits the counted ways out. Called once, by the program. */
  finish(): void {
    if (this.#stubs.size === 0) return
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
    return { pointer: true, reg: this.register(), epoch: this.#epoch, line: callerLine() }
  }

  #fresh({ epoch, line }: { readonly epoch: number; readonly line: Line }): void {
    if (epoch === this.#epoch) return
    throw new Error(
      `${formatLine(callerLine())}: this place of ${formatLine(line)} is void since the packet was adjusted at ${formatLine(this.#epochLine)}`,
    )
  }

  #use(map: DirectMemory | KernelMap): void {
    const known = this.maps.get(map.name)
    invariant(!known || known === map, `two maps are called ${map.name}`)
    this.maps.set(map.name, map)
  }

  /** The register and remaining offset that reach a place, whatever its distance. */
  #address({ base, offset }: Place): { reg: number; offset: number } {
    if (base.is === 'packet') this.#fresh(base)
    if (base.is === 'direct')
      return { reg: this.ref({ kind: 'map-value', map: base.map, offset }), offset: 0 }
    if (Math.abs(offset) <= INT16) return { reg: base.reg, offset }
    const reg = this.register()
    this.aluInto('mov', reg, { reg: base.reg }, 64)
    this.aluInto('add', reg, offset, 64)
    return { reg, offset: 0 }
  }

  #adjust(helper: 'xdp_adjust_head' | 'xdp_adjust_tail', delta: number, failed: Way<C>): void {
    const result = this.value('u32')
    this.enter(callHelper(helpers[helper]), [{ reg: this.ctx.reg }, { imm: delta }], result.reg)
    this.#epoch++
    this.#epochLine = callerLine()
    this.exitIf({ op: 'jne', reg: result.reg, operand: 0, bits: 32 }, failed)
  }
}
