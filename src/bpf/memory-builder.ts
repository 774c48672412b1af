// The middle of the builder: values and memory. Loads and stores through typed places, arithmetic that tracks
// the largest value it can yield, direct memory with indexes that are bounded at build time. Packet places carry
// an epoch: after the packet was adjusted an older one is refused here, before any verifier sees it.

import { invariant } from '../base/errors.ts'
import { Emitter, maxOf } from './emitter.ts'
import { type AluOp, atomicAdd, load, store, swap, type Width } from './isa.ts'
import { callerLine, formatLine, type Line } from './line.ts'
import {
  type ArrayOf,
  type Bytes,
  type DirectMemory,
  type Fields,
  type KernelMap,
  KIND_BYTES,
  type Kind,
  sizeOf,
  type Type,
} from './types.ts'
import {
  type Arg,
  at,
  fields,
  type HostKind,
  immediate,
  isVal,
  type Place,
  type Val,
  type View,
} from './values.ts'

/** BinaryOp: arithmetic on two operands. */
export type BinaryOp = Exclude<AluOp, 'neg' | 'end' | 'mov'>
type Wider<A extends HostKind> = A extends 'u64' ? 'u64' : 'u32'
const INT16 = 32767

/** MemoryBuilder: emits loads, stores and arithmetic. */
export class MemoryBuilder extends Emitter {
  readonly maps = new Map<string, DirectMemory | KernelMap>()
  protected epoch = 0
  protected epochLine: Line | undefined

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
    const width = KIND_BYTES[place.type]
    this.push(store(width as Width, reg, offset, this.operand(value, width === 8 ? 64 : 32)))
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
    this.aluInto('add', sum, this.operand(by, 64), 64)
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

  /** alu: a op b, in 64 bits when a is u64, else in 32. Constant shift counts are below the width. */
  alu<A extends HostKind>(op: BinaryOp, a: Val<A>, b: Arg<HostKind>): Val<Wider<A>> {
    const kind = (a.kind === 'u64' ? 'u64' : 'u32') as Wider<A>
    const limit = maxOf(kind)
    const y = isVal(b) ? b.max : immediate(b)
    const bits = kind === 'u64' ? 64 : 32
    const isShift = op === 'lsh' || op === 'rsh' || op === 'arsh'
    invariant(
      !isShift || isVal(b) || (y >= 0 && y < bits),
      `${formatLine(callerLine())}: ${op} by ${y} in ${bits} bits`,
    )
    const range: Partial<Record<BinaryOp, number>> = {
      and: isVal(b) ? Math.min(a.max, y) : y < 0 ? a.max : Math.min(a.max, y),
      rsh: isVal(b)
        ? a.max
        : a.max > Number.MAX_SAFE_INTEGER
          ? 2 ** (64 - y) - 1
          : Math.floor(a.max / 2 ** y),
      lsh: isVal(b) ? limit : a.max * 2 ** y,
      add: y < 0 ? limit : a.max + y,
      mul: y < 0 ? limit : a.max * y,
    }
    const known = range[op]
    const out = this.value(
      kind,
      known !== undefined && known <= Math.min(limit, Number.MAX_SAFE_INTEGER) ? known : limit,
    )
    this.aluInto('mov', out.reg, { reg: a.reg }, 64)
    this.aluInto(op, out.reg, this.operand(b, bits), bits)
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

  /** constant: a number in a register. */
  constant(value: number): Val<'u32'> {
    const out = this.variable('u32', value)
    this.set(out, value)
    return out
  }

  /** variable: a register that is set more than once. `max` bounds all that is ever put in. */
  variable<K extends Kind>(kind: K, max = maxOf(kind)): Val<K> {
    return this.value(kind, max)
  }

  set<K extends Kind>(variable: Val<K>, value: Arg<NoInfer<K>>): void {
    const known = isVal(value) ? value.max : immediate(value)
    invariant(
      known >= 0 && known <= variable.max,
      `variable takes values up to ${variable.max}, not ${known}`,
    )
    this.moveInto(variable.reg, value)
  }

  /** memory: the places of a direct memory's fields. */
  memory<F extends Fields>(memory: DirectMemory<F>): View<F> {
    this.use(memory)
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

  /** fresh: throws when what was made at `epoch` is void by now. */
  protected fresh({ epoch, line }: { readonly epoch: number; readonly line: Line }): void {
    if (epoch === this.epoch) return
    throw new Error(
      `${formatLine(callerLine())}: this place of ${formatLine(line)} is void since the packet was adjusted at ${formatLine(this.epochLine)}`,
    )
  }

  protected use(map: DirectMemory | KernelMap): void {
    const known = this.maps.get(map.name)
    invariant(!known || known === map, `two maps are called ${map.name}`)
    this.maps.set(map.name, map)
  }

  /** The register and remaining offset that reach a place, whatever its distance. */
  #address({ base, offset }: Place): { reg: number; offset: number } {
    if (base.is === 'packet') this.fresh(base)
    if (base.is === 'direct')
      return { reg: this.ref({ kind: 'map-value', map: base.map, offset }), offset: 0 }
    if (Math.abs(offset) <= INT16) return { reg: base.reg, offset }
    const reg = this.register()
    this.aluInto('mov', reg, { reg: base.reg }, 64)
    this.aluInto('add', reg, offset, 64)
    return { reg, offset: 0 }
  }
}
