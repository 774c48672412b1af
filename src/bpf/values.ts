// What a packet program is written with: values in registers, immediates, typed places in memory, conditions.
// All of it is plain data; only methods of the builder emit. The type parameters carry width and byte order, so
// that comparing wire with host order, or storing 6 bytes into 2, does not compile.

import { invariant } from '../base/errors.ts'
import type { JmpOp } from './isa.ts'
import type { Line } from './line.ts'
import { type Bytes, type Fields, KIND_BYTES, type Kind, type Struct, type Type } from './types.ts'

declare const brand: unique symbol

export type HostKind = 'u8' | 'u16' | 'u32' | 'u64'
export type WireKind = 'be16' | 'be32' | 'be64'

/** Val: a value in a virtual register, zero-extended to 64 bits. `max` is what is known of its size. */
export interface Val<K extends Kind = Kind> {
  readonly [brand]?: K
  readonly kind: Kind
  readonly reg: number
  readonly max: number
  /** What variable() made: set() changes it, so no other value shares its register. */
  readonly mutable?: true
}

/** Imm: a constant with a byte order. Host-order constants are plain numbers. */
export interface Imm<K extends Kind = Kind> {
  readonly [brand]?: K
  readonly kind: Kind
  readonly imm: number
}

/** Arg: what an operation on kind K takes. A bare number never stands for a wire-order value. */
export type Arg<K extends Kind> = Val<K> | Imm<K> | (K extends WireKind ? never : number)

/** Context: struct xdp_md, for helpers and functions that take it. */
export interface Context {
  readonly context: true
  readonly reg: number
}

/** Pointer: an address in the packet; bounds of it are checked by headers(). */
export interface Pointer {
  readonly pointer: true
  readonly reg: number
  readonly epoch: number
  readonly line: Line
}

/** PacketBase: `sets` counts how often the pointer had been set when the place was made. */
export interface PacketBase extends Omit<Pointer, 'pointer'> {
  readonly is: 'packet'
  readonly sets: number
}

/** Base: what a place is relative to. */
export type Base =
  | PacketBase
  | { readonly is: 'register'; readonly reg: number }
  | { readonly is: 'direct'; readonly map: string }

/** Place: a typed address. Making one emits nothing. */
export interface Place<T extends Type = Type> {
  readonly base: Base
  readonly offset: number
  readonly type: T
}

/** View: the places of a struct's fields. */
export type View<F extends Fields> = { readonly [K in keyof F]: Place<F[K]> }

/** fields: the places inside a place of a struct. Emits nothing. */
export function fields<F extends Fields>(place: Place<Struct<F>>): View<F> {
  const { offsets, fields: types } = place.type
  return Object.fromEntries(
    Object.entries(types).map(([name, type]) => [
      name,
      { base: place.base, offset: place.offset + offsets[name]!, type },
    ]),
  ) as unknown as View<F>
}

/** part: a scalar out of a byte string, as for a MAC written in 4 + 2. Emits nothing. Throws when outside. */
export function part<K extends Kind>(place: Place<Bytes>, offset: number, kind: K): Place<K> {
  invariant(
    offset >= 0 && offset + KIND_BYTES[kind] <= place.type.count,
    `${kind} at ${offset} is outside ${place.type.count} bytes`,
  )
  return { base: place.base, offset: place.offset + offset, type: kind }
}

/** whole: a small struct read or written as one scalar of its size, so that no reader sees half of it. */
export function whole<K extends Kind>(place: Place<Struct>, kind: K): Place<K> {
  invariant(
    place.type.size === KIND_BYTES[kind],
    `struct ${place.type.name} has ${place.type.size} bytes, ${kind} ${KIND_BYTES[kind]}`,
  )
  return { base: place.base, offset: place.offset, type: kind }
}

/** Cond: a comparison, not yet emitted; a variable in it counts as it is where it is emitted. */
export interface Cond {
  readonly op: Exclude<JmpOp, 'ja'>
  readonly reg: number
  readonly operand: { readonly reg: number } | number
  readonly bits: 32 | 64
}

/** immediate: the number to encode, as the machine (little-endian) holds it. */
export const immediate = (arg: Imm | number): number => (typeof arg === 'number' ? arg : arg.imm)
export const isVal = (arg: Val | Imm | number): arg is Val => typeof arg === 'object' && 'reg' in arg

function reversed(value: number, width: number): number {
  let out = 0
  for (let i = 0; i < width; i++) out = out * 256 + (Math.floor(value / 256 ** i) % 256)
  return out
}

/** be16, be32: constants in wire order. Throws when they do not fit. */
export const be16 = (value: number): Imm<'be16'> => {
  invariant(Number.isInteger(value) && value >= 0 && value <= 0xffff, `be16(${value}) does not fit`)
  return { kind: 'be16', imm: reversed(value, 2) }
}
export const be32 = (value: number): Imm<'be32'> => {
  invariant(Number.isInteger(value) && value >= 0 && value <= 0xffffffff, `be32(${value}) does not fit`)
  return { kind: 'be32', imm: reversed(value, 4) }
}

const compare =
  <Kinds extends Kind>(op: Cond['op']) =>
  <K extends Kinds>(a: Val<K>, b: Arg<NoInfer<K>>): Cond => {
    const bits = KIND_BYTES[a.kind] === 8 ? 64 : 32
    if (isVal(b))
      return { op, reg: a.reg, operand: { reg: b.reg }, bits: KIND_BYTES[b.kind] === 8 ? 64 : bits }
    const imm = immediate(b)
    const limit = bits === 64 ? 0x7fffffff : 256 ** KIND_BYTES[a.kind] - 1
    invariant(Number.isInteger(imm) && imm >= 0 && imm <= limit, `${imm} cannot be compared with a ${a.kind}`)
    return { op, reg: a.reg, operand: imm | 0, bits }
  }

const compareLow =
  (op: Cond['op']) =>
  (a: Val<'u64'>, b: Val<'u64' | 'u32'>): Cond => ({ op, reg: a.reg, operand: { reg: b.reg }, bits: 32 })

/** eqLow, neLow: the low halves of two 64-bit values, or of such and a 32-bit one, are equal, or differ. */
export const eqLow = compareLow('jeq')
export const neLow = compareLow('jne')

/** Comparisons are unsigned; what is larger is a question for host order only. anyBits: some are set in both. */
export const eq = compare<Kind>('jeq')
export const ne = compare<Kind>('jne')
export const anyBits = compare<Kind>('jset')
export const gt = compare<HostKind>('jgt')
export const ge = compare<HostKind>('jge')
export const lt = compare<HostKind>('jlt')
export const le = compare<HostKind>('jle')
