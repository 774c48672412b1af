// BTF, the kernel's type information: structs of maps so that `bpftool map dump` prints field names, functions and
// source lines so that the verifier's log and `bpftool prog dump xlated linum` show TypeScript. A type is a list of
// 32-bit words; equal lists are one type and equal texts one string, so ids depend on the order of asking only.
// Left out: unions, enums, bit fields, variables, .BTF.ext (the records go to the kernel as they are).
// References: Documentation/bpf/btf.rst, linux/btf.h, check_btf_func and check_btf_line in kernel/bpf/verifier.c.

import { invariant } from '../base/errors.ts'
import type { Assembled } from './assemble.ts'
import type { Line } from './line.ts'
import { type AnyType, type DirectMemory, type KernelMap, KIND_BYTES, type Kind, type Type } from './types.ts'

const MAGIC = 0xeb9f
const HEADER_BYTES = 24
/** BTF_KIND_* that this encoder writes. */
const KIND = { int: 1, ptr: 2, array: 3, struct: 4, fwd: 7, typedef: 8, func: 12, funcProto: 13 } as const
const LINKAGE = { static: 0, global: 1 } as const
const INT_SIGNED = 1
const MAX_LINE = 2 ** 22 - 1

const identifier = /^[A-Za-z_]\w*$/
const info = (kind: number, vlen: number): number => ((kind << 24) | vlen) >>> 0

/** BtfBuilder collects types and strings; ids and offsets are valid in the blob that it writes at the end. */
export class BtfBuilder {
  readonly #types: (readonly number[])[] = []
  readonly #typeIds = new Map<string, number>()
  readonly #strings: Uint8Array[] = [new Uint8Array(1)]
  readonly #stringOffsets = new Map([['', 0]])
  #stringBytes = 1

  /** string: the offset of a text in the string section. */
  string(text: string): number {
    const known = this.#stringOffsets.get(text)
    if (known !== undefined) return known
    invariant(!text.includes('\0'), 'a BTF string holds no NUL')
    const encoded = new TextEncoder().encode(`${text}\0`)
    const offset = this.#stringBytes
    this.#strings.push(encoded)
    this.#stringOffsets.set(text, offset)
    this.#stringBytes += encoded.length
    return offset
  }

  /** typeId: the id of a memory type. */
  typeId(type: Type): number {
    const any = type as AnyType
    if (typeof any === 'string') return this.#scalar(any)
    switch (any.is) {
      case 'bytes':
        return this.#array('u8', any.count)
      case 'array':
        return this.#array(any.element, any.count)
      case 'struct': {
        const members = Object.entries(any.fields).flatMap(([field, type]) => [
          this.#name(field),
          this.typeId(type),
          any.offsets[field]! * 8,
        ])
        return this.#add([this.#name(any.name), info(KIND.struct, members.length / 3), any.size, ...members])
      }
    }
  }

  /**
   * func: the id of a function that returns an int and takes `params` arguments, the first of them the program's
   * context unless it takes `numbers`. `global` is for the one that the kernel enters, and for those that the verifier
   * is to look at on their own.
   */
  func(
    name: string,
    params: number,
    linkage: keyof typeof LINKAGE = 'static',
    takes: 'context' | 'numbers' = 'context',
  ): number {
    invariant(params >= 0 && params <= 5, `function ${name} has ${params} arguments: 0 to 5 can be passed`)
    const all: number[][] = []
    if (takes === 'context') {
      const context = this.#add([this.string('xdp_md'), info(KIND.fwd, 0), 0])
      all.push([this.string('ctx'), this.#add([0, info(KIND.ptr, 0), context])])
    }
    for (let i = all.length + 1; i <= params; i++) all.push([this.string(`arg${i}`), this.#scalar('u64')])
    const returns = this.#int('int', 4, INT_SIGNED)
    const proto = this.#add([0, info(KIND.funcProto, params), returns, ...all.slice(0, params).flat()])
    return this.#add([this.#name(name), info(KIND.func, LINKAGE[linkage]), proto])
  }

  /** blob: header, types and strings as BPF_BTF_LOAD takes them. */
  blob(): Uint8Array {
    const words = this.#types.flat()
    const typeBytes = words.length * 4
    const blob = new Uint8Array(HEADER_BYTES + typeBytes + this.#stringBytes)
    const view = new DataView(blob.buffer)
    view.setUint16(0, MAGIC, true)
    view.setUint8(2, 1)
    for (const [i, word] of [HEADER_BYTES, 0, typeBytes, typeBytes, this.#stringBytes].entries())
      view.setUint32(4 + i * 4, word, true)
    for (const [i, word] of words.entries()) view.setUint32(HEADER_BYTES + i * 4, word, true)
    let at = HEADER_BYTES + typeBytes
    for (const text of this.#strings) {
      blob.set(text, at)
      at += text.length
    }
    return blob
  }

  #add(words: readonly number[]): number {
    const key = words.join()
    const known = this.#typeIds.get(key)
    if (known !== undefined) return known
    const id = this.#types.push(words)
    this.#typeIds.set(key, id)
    return id
  }

  #name(name: string): number {
    invariant(identifier.test(name) && name.length < 128, `${name} is no C identifier, which BTF asks for`)
    return this.string(name)
  }

  #int(name: string, byteCount: number, encoding: number): number {
    return this.#add([this.#name(name), info(KIND.int, 0), byteCount, (encoding << 24) | (byteCount * 8)])
  }

  #scalar(kind: Kind): number {
    const host = this.#int(`u${KIND_BYTES[kind] * 8}`, KIND_BYTES[kind], 0)
    return kind.startsWith('be') ? this.#add([this.#name(`__${kind}`), info(KIND.typedef, 0), host]) : host
  }

  #array(element: Type, count: number): number {
    return this.#add([0, info(KIND.array, 0), 0, this.typeId(element), this.#scalar('u32'), count])
  }
}

/**
 * debugInfo: func_info records (slot, type) and line_info records (slot, file, text, line << 10) of a program whose
 * first function is its entry. Without any known line there are no line records; with one, every function starts
 * with a record, as the kernel asks.
 */
export function debugInfo(
  assembled: Assembled,
  btf: BtfBuilder,
): { readonly funcInfo: Uint8Array; readonly lineInfo: Uint8Array } {
  const { functions, insns } = assembled
  const funcs = functions.flatMap(({ name, slot, takes }, i) => {
    if (!takes) return [slot, btf.func(name, 1, i === 0 ? 'global' : 'static')]
    // A kernel without BTF of its own does not know the context of a global function.
    return [
      slot,
      takes.context
        ? btf.func(name, 1 + takes.numbers, 'static')
        : btf.func(name, takes.numbers, 'global', 'numbers'),
    ]
  })
  return { funcInfo: words(funcs), lineInfo: words(insns.some(({ line }) => line) ? lineRecords() : []) }

  function lineRecords(): number[] {
    const starts = new Map(functions.map(({ slot }, i) => [slot, functions[i + 1]?.slot ?? Infinity]))
    const records: number[] = []
    let last: Line | undefined
    for (const { slot, line } of insns) {
      const end = starts.get(slot)
      let next = line
      if (end !== undefined) {
        next ??= insns.find((other) => other.slot >= slot && other.slot < end && other.line)?.line
        next ??= { file: '', line: 0, text: '' }
      } else if (!next || (next.file === last?.file && next.line === last.line)) continue
      records.push(
        slot,
        btf.string(next.file),
        btf.string(next.text),
        (Math.min(next.line, MAX_LINE) << 10) >>> 0,
      )
      last = next
    }
    return records
  }
}

/**
 * mapBtf: key and value types of a map. An array's key is a plain 32-bit int, which array_map_check_btf insists
 * on; direct memory is an array of one value.
 */
export function mapBtf(
  btf: BtfBuilder,
  map: DirectMemory | KernelMap,
): { readonly keyTypeId: number; readonly valueTypeId: number } {
  if (map.is === 'direct') return { keyTypeId: btf.typeId('u32'), valueTypeId: btf.typeId(map.type) }
  const keyTypeId = btf.typeId(map.kind === 'array' ? 'u32' : map.key)
  return { keyTypeId, valueTypeId: btf.typeId(map.value) }
}

function words(values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 4))
  for (const [i, value] of values.entries()) view.setUint32(i * 4, value, true)
  return new Uint8Array(view.buffer)
}
