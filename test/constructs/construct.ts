// Constructs of the builder, one at a time: a small program is built, loaded and run, and what it did is compared with
// what its words say. The same list runs in this machine's kernel and in that of Linux 6.1 (test/guest).

import assert from 'node:assert/strict'
import type { Builder } from '../../src/bpf/builder.ts'
import { array, type Bytes, bytes, direct, struct, wire } from '../../src/bpf/types.ts'
import type { HostKind, Place, Val } from '../../src/bpf/values.ts'
import { type BuiltFunction, plainFunction, program } from '../../src/bpf/xdp.ts'
import { BpfMap } from '../../src/kernel/map.ts'
import { BPF_F_ANY_ALIGNMENT, type BpfProgram, loadProgram } from '../../src/kernel/program.ts'
import { type TestOutput, testRun } from '../../src/kernel/test-run.ts'

/** Construct: `run` throws when the kernel does otherwise. */
export interface Construct {
  readonly name: string
  readonly run: (kernel: Kernel) => void
}

/** Triple: an element whose size is no power of two. */
export const Triple = struct('triple', { a: 'u32', b: 'u32', c: 'u32' })
/** memory: what constructs read and write. */
export const memory = direct('m', {
  in: array('u64', 8),
  out: array('u64', 16),
  narrow: array('u32', 8),
  triples: array(Triple, 8),
  text: bytes(32),
  far: bytes(40_000),
  behind: 'u64',
})
/** Blob: the packet that constructs run on, which holds 1 to 64. */
export const Blob = wire('blob', { all: bytes(64) })
export const blob = (): Uint8Array => Uint8Array.from({ length: 64 }, (_, i) => i + 1)

/** Loaded: a program in the kernel and its maps. */
export class Loaded implements Disposable {
  readonly program: BpfProgram
  readonly maps: ReadonlyMap<string, BpfMap>

  constructor(built: ReturnType<typeof program>, flags: number) {
    this.maps = new Map(built.spec.maps.map((map) => [map.name, BpfMap.create(map)]))
    try {
      const spec = { ...built.spec, flags: built.spec.flags | flags }
      this.program = loadProgram(spec, this.maps).program
    } catch (error) {
      this.#close()
      throw error
    }
  }

  /** The direct memory of that name. */
  memory(name = memory.name): DataView {
    return new DataView(this.maps.get(name)!.memory)
  }

  /** A word of `in`. */
  give(index: number, value: bigint): void {
    this.memory().setBigUint64(memory.type.offsets.in + 8 * index, value, true)
  }

  /** A word of `out`. */
  got(index: number): bigint {
    return this.memory().getBigUint64(memory.type.offsets.out + 8 * index, true)
  }

  run(packet: Uint8Array = blob()): TestOutput {
    return testRun(this.program, { packet })
  }

  [Symbol.dispose](): void {
    this.program[Symbol.dispose]()
    this.#close()
  }

  #close(): void {
    for (const map of this.maps.values()) map[Symbol.dispose]()
  }
}

/** Kernel: where constructs are loaded; what they loaded is closed with it. */
export class Kernel implements Disposable {
  readonly #flags: number
  readonly #loaded: Loaded[] = []

  /** `anyAlignment`: for kernels without JIT, whose verifier is strict about alignment. */
  constructor({ anyAlignment = false } = {}) {
    this.#flags = anyAlignment ? BPF_F_ANY_ALIGNMENT : 0
  }

  load(main: BuiltFunction, ...others: readonly BuiltFunction[]): Loaded {
    const loaded = new Loaded(program('construct', main, others), this.#flags)
    this.#loaded.push(loaded)
    return loaded
  }

  /** plain: a function that returns 2 (XDP_PASS) behind what `body` emits. */
  plain(body: (p: Builder) => void, ...others: readonly BuiltFunction[]): Loaded {
    const main = plainFunction('main', (p) => {
      body(p)
      p.exitValue(2)
    })
    return this.load(main, ...others)
  }

  [Symbol.dispose](): void {
    for (const loaded of this.#loaded) loaded[Symbol.dispose]()
  }
}

/** packetBytes: the places of the packet's 64 bytes; a shorter packet returns 0. */
export function packetBytes(p: Builder) {
  const { data, end } = p.packet()
  return p.headers(data, end, { blob: Blob }, () => p.exitValue(0)).blob.all
}

/** piece: some bytes out of a byte string. */
export const piece = <N extends number>(place: Place<Bytes>, offset: number, count: N): Place<Bytes<N>> => ({
  base: place.base,
  offset: place.offset + offset,
  type: bytes(count),
})

/** put a value into a word of `out`. */
export const put = (p: Builder, index: number, value: Val<HostKind>): void =>
  p.store(p.element(p.memory(memory).out, index), p.widen(value))

/** take a word of `in`. */
export const take = <C extends string>(p: Builder<C>, index: number) =>
  p.load(p.element(p.memory(memory).in, index))

/** same: numbers in hexadecimal, so that a difference can be read. */
export const same = (got: bigint, expected: bigint | number, what = ''): void =>
  assert.equal(`0x${got.toString(16)}`, `0x${BigInt(expected).toString(16)}`, what)
