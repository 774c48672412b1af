// The part of the builder for memory: loads and stores through typed places, in packets, on the stack, in direct
// memory with indexes that are bounded at build time. Packet places carry an epoch: after the packet was adjusted an
// older one is refused here, before any verifier sees it; so is one whose pointer was set to another place.

import { invariant } from '../base/errors.ts'
import type { Stashed } from './emitter.ts'
import { atomicAdd, atomicFetchAdd, FP, load, store, type Width } from './isa.ts'
import { callerLine, formatLine, type Line } from './line.ts'
import {
  type AnyMap,
  type ArrayOf,
  type Bytes,
  type DirectMemory,
  type Fields,
  KIND_BYTES,
  type Kind,
  type Struct,
  sizeOf,
  type Type,
} from './types.ts'
import { ValueBuilder } from './value-builder.ts'
import {
  type Arg,
  fields,
  type HostKind,
  type PacketBase,
  type Place,
  type Val,
  type View,
} from './values.ts'

const INT16 = 32767

/** Contents: what a struct's fields are to hold: values for scalars, places to copy byte strings from, or zeros. */
export type Contents<F extends Fields> = {
  readonly [N in keyof F]: F[N] extends Kind
    ? Arg<F[N]>
    : F[N] extends Bytes<infer L>
      ? Place<Bytes<L>> | 'zero'
      : never
}

const atomicWidth = ({ type }: Place<'u64' | 'u32'>): 4 | 8 => (type === 'u64' ? 8 : 4)
/** StashedPlace: where on the stack a place's address is, and how far from it the place. */
export interface StashedPlace<T extends Type> {
  readonly at: number
  readonly offset: number
  readonly type: T
}

/** MemoryBuilder: emits loads and stores. */
export class MemoryBuilder extends ValueBuilder {
  readonly maps = new Map<string, AnyMap>()
  readonly #placeVariables = new Set<number>()
  protected epoch = 0
  protected epochLine: Line | undefined
  /** By register: how often a pointer variable was set, and where last. */
  protected readonly pointerSets = new Map<number, { readonly count: number; readonly line: Line }>()

  /** load a scalar from memory or the packet. */
  load<K extends Kind>(place: Place<K>): Val<K> {
    const line = callerLine()
    const { reg, offset } = this.reach(place, line)
    const out = this.value(place.type)
    this.push(load(KIND_BYTES[place.type] as Width, out.reg, reg, offset), line)
    return out
  }

  /** store a scalar; the value's kind must be the place's, a constant must fit. */
  store<K extends Kind>(place: Place<K>, value: Arg<NoInfer<K>>): void {
    this.#put(place, value, callerLine())
  }

  /** storeLow: the low bytes of a wider value. */
  storeLow(place: Place<'u8' | 'u16' | 'u32'>, value: Val<HostKind>): void {
    const line = callerLine()
    const { reg, offset } = this.reach(place, line)
    this.push(store(KIND_BYTES[place.type] as Width, reg, offset, { reg: value.reg }), line)
  }

  /** increment memory that only this CPU writes, by a value. */
  increment(place: Place<'u64'>, by: Val<HostKind> | number): void {
    const line = callerLine()
    const { reg, offset } = this.reach(place, line)
    const sum = this.register()
    this.push(load(8, sum, reg, offset), line)
    this.aluInto('add', sum, this.operand(by, 64, line), 64, line)
    this.push(store(8, reg, offset, { reg: sum }), line)
  }

  /** atomicAdd to memory that several CPUs write. */
  atomicAdd(place: Place<'u64' | 'u32'>, by: Val<HostKind> | number): void {
    const line = callerLine()
    const { reg, offset } = this.reach(place, line)
    this.push(atomicAdd(atomicWidth(place), reg, offset, this.#source(by, line)), line)
  }

  /** fetchAdd to memory that several CPUs write: what was there before. */
  fetchAdd<K extends 'u64' | 'u32'>(place: Place<K>, by: Val<HostKind> | number): Val<K> {
    const line = callerLine()
    const { reg, offset } = this.reach(place, line)
    const out = this.value<K>(place.type)
    this.moveInto(out.reg, by, line)
    this.push(atomicFetchAdd(atomicWidth(place), reg, offset, out.reg), line)
    return out
  }

  /** A register that holds the operand. */
  #source(by: Val<HostKind> | number, line: Line): number {
    if (typeof by !== 'number') return by.reg
    const reg = this.register()
    this.moveInto(reg, by, line)
    return reg
  }

  /** copy a byte string by the widest moves that go: the stack wants them aligned. The lengths must be equal. */
  copy<N extends number>(to: Place<Bytes<N>>, from: Place<Bytes<NoInfer<N>>>): void {
    const line = callerLine()
    const { count } = to.type
    const [a, b] = [this.reach(to, line, count), this.reach(from, line, count)]
    const isAligned = (done: number, width: number) => (side: typeof a) =>
      side.reg !== FP || (side.offset + done) % width === 0
    for (let done = 0; done < count; ) {
      const width = ([8, 4, 2, 1] as const).find(
        (w) => w <= count - done && [a, b].every(isAligned(done, w)),
      )!
      const piece = this.register()
      this.push(load(width, piece, b.reg, b.offset + done), line)
      this.push(store(width, a.reg, a.offset + done, { reg: piece }), line)
      done += width
    }
  }

  /** onStack: a struct on the stack, every field written: what helpers take by address. */
  onStack<F extends Fields>(type: Struct<F>, contents: Contents<F>): Place<Struct<F>> {
    const line = callerLine()
    const slot = this.stackSlot(type.size)
    const place = { base: { is: 'register', reg: FP }, offset: slot, type } as const
    for (const [name, field] of Object.entries<Place>(fields(place))) {
      const content = contents[name] as Arg<Kind> | Place<Bytes> | 'zero'
      if (typeof field.type === 'string') this.#put(field as Place<Kind>, content as Arg<Kind>, line)
      else if (content !== 'zero') this.copy(field as Place<Bytes>, content as Place<Bytes>)
      else for (let at = 0; at < sizeOf(field.type); at++) this.push(store(1, FP, field.offset + at, 0), line)
    }
    return place
  }

  /** slotPlace: where a slot is, for a function that is given its address. */
  slotPlace<K extends Kind>({ offset, kind }: Stashed<K>): Place<K> {
    return { base: { is: 'register', reg: FP }, offset, type: kind }
  }

  /** memory: the places of a direct memory's fields. */
  memory<F extends Fields>(memory: DirectMemory<F>): View<F> {
    this.use(memory)
    return fields({ base: { is: 'direct', map: memory.name }, offset: 0, type: memory.type })
  }

  /** pin: the same place with its address in a register, where several accesses follow. */
  pin<T extends Type>(place: Place<T>): Place<T> {
    const { reg, offset } = this.reach(place, callerLine())
    return { base: { is: 'register', reg }, offset, type: place.type }
  }

  /** placeVariable: a place whose address is set on several paths, by setPlace. What is inside it moves with it. */
  placeVariable<T extends Type>(type: T): Place<T> {
    const reg = this.register()
    this.#placeVariables.add(reg)
    return { base: { is: 'register', reg }, offset: 0, type }
  }

  /** setPlace: from here on the variable is where the other place is. */
  setPlace<T extends Type>(variable: Place<T>, to: Place<NoInfer<T>>): void {
    const line = callerLine()
    const { base } = variable
    invariant(
      base.is === 'register' && this.#placeVariables.has(base.reg) && variable.offset === 0,
      `${formatLine(line)}: only what placeVariable() made can be set`,
    )
    invariant(to.base.is !== 'packet', `${formatLine(line)}: pointers lead into the packet, not places`)
    const { reg, offset } = this.reach(to, line)
    this.aluInto('mov', base.reg, { reg }, 64, line)
    if (offset !== 0) this.aluInto('add', base.reg, offset, 64, line)
  }

  /** stashPlace keeps a place's address on the stack, to be brought back by unstashPlace. Not in the packet. */
  stashPlace<T extends Type>(place: Place<T>): StashedPlace<T> {
    const line = callerLine()
    invariant(place.base.is !== 'packet', `${formatLine(line)}: places in the packet are not stashed`)
    const at = this.stackSlot(8)
    const { reg, offset } = this.reach(place, line)
    this.push(store(8, FP, at, { reg }), line)
    return { at, offset, type: place.type }
  }

  unstashPlace<T extends Type>({ at, offset, type }: StashedPlace<T>): Place<T> {
    const reg = this.register()
    this.push(load(8, reg, FP, at), callerLine())
    return { base: { is: 'register', reg }, offset, type }
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

  /** element of an array: constant index, which emits nothing, or a value whose known maximum is inside. */
  element<E extends Type>(place: Place<ArrayOf<E>>, index: Val<HostKind> | number): Place<E> {
    const { element, count } = place.type
    const size = sizeOf(element)
    const line = callerLine()
    if (typeof index === 'number') {
      const isInside = Number.isInteger(index) && index >= 0 && index < count
      invariant(isInside, `${formatLine(line)}: index ${index} is outside 0..${count - 1}`)
      return { base: place.base, offset: place.offset + index * size, type: element }
    }
    invariant(
      index.max < count,
      `${formatLine(line)}: index may reach ${index.max}, the array has ${count}: mask, scale or check it`,
    )
    const { reg: base, offset } = this.reach(place, line)
    const reg = this.register()
    this.aluInto('mov', reg, { reg: index.reg }, 64, line)
    const shift = Math.log2(size)
    if (!Number.isInteger(shift)) this.aluInto('mul', reg, size, 64, line)
    else if (shift > 0) this.aluInto('lsh', reg, shift, 64, line)
    this.aluInto('add', reg, { reg: base }, 64, line)
    return { base: { is: 'register', reg }, offset, type: element }
  }

  /** fresh: throws when what was made at `epoch` is void by now, or its pointer points elsewhere. */
  protected fresh(made: Pick<PacketBase, 'epoch' | 'line'> & Partial<PacketBase>): void {
    const { epoch, line, reg, sets } = made
    const voided = (why: string): string =>
      `${formatLine(callerLine())}: this place of ${formatLine(line)} is void since ${why}`
    if (epoch !== this.epoch)
      throw new Error(voided(`the packet was adjusted at ${formatLine(this.epochLine)}`))
    const last = sets === undefined || reg === undefined ? undefined : this.pointerSets.get(reg)
    if (last && last.count !== sets)
      throw new Error(voided(`its pointer was set at ${formatLine(last.line)}`))
  }

  /** use a map: it becomes one of the program's. */
  protected use(map: AnyMap): void {
    const known = this.maps.get(map.name)
    invariant(!known || known === map, `two maps are called ${map.name}`)
    this.maps.set(map.name, map)
  }

  /** reach: the register and remaining offset that lead to a place of `span` bytes, whatever its distance. */
  protected reach({ base, offset }: Place, line: Line, span = 0): { reg: number; offset: number } {
    if (base.is === 'packet') this.fresh(base)
    if (base.is === 'direct')
      return { reg: this.ref({ kind: 'map-value', map: base.map, offset }, line), offset: 0 }
    if (Math.abs(offset) + span <= INT16) return { reg: base.reg, offset }
    const reg = this.register()
    this.aluInto('mov', reg, { reg: base.reg }, 64, line)
    this.aluInto('add', reg, offset, 64, line)
    return { reg, offset: 0 }
  }

  #put(place: Place<Kind>, value: Arg<Kind>, line: Line): void {
    const { reg, offset } = this.reach(place, line)
    this.push(
      store(KIND_BYTES[place.type] as Width, reg, offset, this.fitting(value, place.type, line)),
      line,
    )
  }
}
