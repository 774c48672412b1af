// Types of memory: scalars with width and byte order, byte strings, arrays, structs. One definition serves the
// program (typed places), the map (value size, BTF) and user space (codec). Wire order is part of the type:
// be16 never meets u16. Memory structs refuse holes; wire structs are packed and may be unaligned.

import { invariant, TenbinError } from '../base/errors.ts'

/** Kind: a scalar. u* are in host order, be* in wire order. */
export type Kind = 'u8' | 'u16' | 'u32' | 'u64' | 'be16' | 'be32' | 'be64'
export const KIND_BYTES = {
  u8: 1,
  u16: 2,
  u32: 4,
  u64: 8,
  be16: 2,
  be32: 4,
  be64: 8,
} as const satisfies Record<Kind, number>

/** Bytes: N octets without inner structure, such as a MAC address. */
export interface Bytes<N extends number = number> {
  readonly is: 'bytes'
  readonly count: N
}

/** ArrayOf: `count` elements end to end. */
export interface ArrayOf<E extends Type = AnyType, N extends number = number> {
  readonly is: 'array'
  readonly element: E
  readonly count: N
}

/** Struct: named fields at known offsets. */
export interface Struct<F extends Fields = Fields> {
  readonly is: 'struct'
  readonly name: string
  readonly fields: F
  readonly offsets: Readonly<Record<keyof F, number>>
  readonly size: number
}

export type AnyType = Kind | Bytes | ArrayOf | Struct
export type Type = Kind | Bytes | { readonly is: 'array' | 'struct' }
export type Fields = { readonly [name: string]: Type }

export const bytes = <N extends number>(count: N): Bytes<N> => ({ is: 'bytes', count })
export const array = <E extends Type, N extends number>(element: E, count: N): ArrayOf<E, N> => ({
  is: 'array',
  element,
  count,
})

/** sizeOf: bytes of a type. */
export function sizeOf(type: Type): number {
  const any = type as AnyType
  if (typeof any === 'string') return KIND_BYTES[any]
  switch (any.is) {
    case 'bytes':
      return any.count
    case 'array':
      return sizeOf(any.element) * any.count
    case 'struct':
      return any.size
  }
}

/** The natural alignment of a type in memory. */
function alignOf(type: Type): number {
  const any = type as AnyType
  if (typeof any === 'string') return KIND_BYTES[any]
  switch (any.is) {
    case 'bytes':
      return 1
    case 'array':
      return alignOf(any.element)
    case 'struct':
      return Math.max(1, ...Object.values(any.fields).map(alignOf))
  }
}

function lay<const F extends Fields>(name: string, fields: F): Struct<F> {
  let size = 0
  const offsets = {} as Record<keyof F, number>
  for (const [field, type] of Object.entries(fields)) {
    offsets[field as keyof F] = size
    size += sizeOf(type)
  }
  return { is: 'struct', name, fields, offsets, size }
}

/** struct: a struct in memory. A field that would need padding before it, or padding at the end, is refused. */
export function struct<const F extends Fields>(name: string, fields: F): Struct<F> {
  const made = lay(name, fields)
  for (const [field, type] of Object.entries(fields)) {
    invariant(
      made.offsets[field as keyof F] % alignOf(type) === 0,
      `struct ${name}: hole before ${field}: fill it with a named field`,
    )
  }
  invariant(made.size % alignOf(made) === 0, `struct ${name}: hole at the end: fill it with a named field`)
  return made
}

/** wire: headers as they are on the wire, packed. */
export const wire = <const F extends Fields>(name: string, fields: F): Struct<F> => lay(name, fields)

/** DirectMemory: an array map with one large value, loaded and stored without helper calls, mapped by the daemon. */
export interface DirectMemory<F extends Fields = Fields> {
  readonly is: 'direct'
  /** Map name, at most 15 characters. */
  readonly name: string
  readonly type: Struct<F>
}

/** REACH: direct memory is smaller: a variable offset reaches no further (BPF_MAX_VAR_OFF, kernel/bpf/verifier.c). */
const REACH = 2 ** 29

/** direct: names a direct memory of this struct. Throws MEMORY_UNREACHABLE for 512 MiB and more. */
export function direct<const F extends Fields>(name: string, fields: F): DirectMemory<F> {
  const type = struct(name, fields)
  checkMapName(name)
  invariant(type.size > 0, `direct memory ${name} has no bytes`)
  if (type.size >= REACH) {
    const size = `${Math.ceil(type.size / 2 ** 20).toLocaleString('en-US')} MiB`
    throw new TenbinError('MEMORY_UNREACHABLE', `make the table ${name}`, {
      detail: `it would have ${size}, and a program reaches less than 512 MiB`,
    })
  }
  return { is: 'direct', name, type }
}

/** KernelMap: a hash, LRU hash, array or trie of prefixes whose values are found by helper. */
export interface KernelMap<K extends Fields = Fields, V extends Fields = Fields> {
  readonly is: 'map'
  readonly name: string
  readonly kind: 'hash' | 'lru_hash' | 'array' | 'lpm_trie'
  readonly key: Struct<K>
  readonly value: Struct<V>
  readonly maxEntries: number
}

/** kernelMap names a map of at most `maxEntries` elements. An array's key is a struct of one u32, a trie's begins with the prefix's length. */
export function kernelMap<const K extends Fields, const V extends Fields>(
  name: string,
  kind: KernelMap['kind'],
  key: Struct<K>,
  value: Struct<V>,
  maxEntries: number,
): KernelMap<K, V> {
  checkMapName(name)
  invariant(kind !== 'array' || key.size === 4, `array map ${name}: its key is one u32`)
  return { is: 'map', name, kind, key, value, maxEntries }
}

/** ObjectMap: a map of kernel objects by index, devices or programs, or a ring of records for user space. */
export interface ObjectMap<
  O extends 'devmap' | 'prog_array' | 'ringbuf' = 'devmap' | 'prog_array' | 'ringbuf',
> {
  readonly is: 'objects'
  readonly name: string
  readonly kind: O
  /** Of a ring its bytes: a power of two, whole pages. */
  readonly maxEntries: number
}

/** objectMap names a map of kernel objects. */
export function objectMap<const O extends ObjectMap['kind']>(
  name: string,
  kind: O,
  maxEntries: number,
): ObjectMap<O> {
  checkMapName(name)
  return { is: 'objects', name, kind, maxEntries }
}

/** AnyMap: all that a program can name. */
export type AnyMap = DirectMemory | KernelMap | ObjectMap

function checkMapName(name: string): void {
  invariant(/^\w{1,15}$/.test(name), `map name ${name}: 1 to 15 letters, digits or _`)
}
