// The part of the builder for calls: kernel helpers, tail calls, other functions of the program. Numbers pass in
// registers; what a helper takes by address is a typed place, so that its length is known. Helpers that can fail take
// a way out, as guards do. Left out: bpf_timer_*, bpf_tcp_raw_*_syncookie_*, and whatever nobody needs yet.
// Reference: bpf-helpers(7), include/uapi/linux/bpf.h.

import { invariant } from '../base/errors.ts'
import type { Takes } from './assemble.ts'
import type { CallArgument } from './code.ts'
import { ExitBuilder, VERDICT, type Way } from './exit-builder.ts'
import { callFunction, callHelper, FP, type HelperName, helpers, type Label } from './isa.ts'
import { callerLine, formatLine, type Line } from './line.ts'
import type { Contents } from './memory-builder.ts'
import {
  type AnyMap,
  type Bytes,
  bytes,
  type Fields,
  type KernelMap,
  type ObjectMap,
  type Struct,
  sizeOf,
  struct,
} from './types.ts'
import {
  type Arg,
  type Context,
  fields,
  type HostKind,
  isVal,
  ne,
  type Place,
  type Val,
  type View,
} from './values.ts'

/** ScalarHelpers: helpers that take and answer numbers, and what they take. */
export interface ScalarHelpers {
  readonly ktime_get_ns: readonly []
  readonly ktime_get_coarse_ns: readonly []
  readonly jiffies64: readonly []
  readonly get_prandom_u32: readonly []
  readonly get_smp_processor_id: readonly []
  readonly xdp_get_buff_len: readonly [Context]
  /** Answers XDP_REDIRECT; the flags must be 0. */
  readonly redirect: readonly [ifindex: Arg<HostKind>, flags: 0]
}

/** Callee: a function that can be called; after one that adjusts the packet its places are void. */
export interface Callee {
  readonly entry: Label
  readonly adjustsPacket?: boolean
  /** Absent: the context alone. */
  readonly takes?: Takes | undefined
}

/** Passed: what a function of the program is called with: values, the context, a place on the stack. */
export type Passed = Val<HostKind> | Context | Place

/** FibLookup: struct bpf_fib_lookup; an IPv4 address is the first four bytes of its field. */
export const FibLookup = struct('bpf_fib_lookup', {
  family: 'u8',
  l4_protocol: 'u8',
  sport: 'be16',
  dport: 'be16',
  tot_len: 'u16',
  ifindex: 'u32',
  tos: 'u32',
  src: bytes(16),
  dst: bytes(16),
  h_vlan_proto: 'be16',
  h_vlan_TCI: 'be16',
  smac: bytes(6),
  dmac: bytes(6),
})

/** FIB: what fibAnswer answers of packets that the kernel would forward (BPF_FIB_LKUP_RET_*): with a known neighbour, or not yet. */
export const FIB = { success: 0, noNeighbour: 7 } as const

/** AF_INET, AF_INET6: its `family`. */
export const [AF_INET, AF_INET6] = [2, 10]

/** MAX_CSUM_BYTES: what bpf_csum_diff takes, both parts together (MAX_BPF_STACK). */
const MAX_CSUM_BYTES = 512

/** Numbers: what a function of the program that takes numbers finds of them. */
export type Numbers<K extends readonly ('u32' | 'u64')[]> = { readonly [I in keyof K]: Val<K[I]> }

/** HelperBuilder: emits calls. */
export class HelperBuilder<C extends string = never> extends ExitBuilder<C> {
  /** called: the functions that this one calls, each once. */
  readonly called = new Set<Callee>()
  #takes: Takes | undefined

  /** call a helper that takes and answers numbers. */
  call<H extends keyof ScalarHelpers>(helper: H, ...args: ScalarHelpers[H]): Val<'u64'> {
    const line = callerLine()
    return this.helper(
      helper,
      args.map((arg) => this.#argument(arg, line)),
      line,
    )
  }

  /** takes: what the function is called with, where it is not the context alone. */
  get takes(): Takes | undefined {
    return this.#takes
  }

  /**
   * parameters: a function that is called with numbers, instead of the context or behind it, says so first. With
   * numbers alone the verifier looks at it once, on its own, and not at every call. Behind the context a number may be
   * an address on the caller's stack.
   */
  parameters<const K extends readonly ('u32' | 'u64')[]>(
    first: 'numbers' | 'context',
    ...kinds: K
  ): Numbers<K> {
    const line = callerLine()
    const before = first === 'context' ? 1 : 0
    invariant(this.code.length === 1, `${this.name}: parameters come first`)
    invariant(before + kinds.length <= 5, `${this.name}: at most 5 parameters are passed`)
    this.#takes = { context: first === 'context', numbers: kinds.length }
    const taken = kinds.map((kind, index) => {
      const out = this.value(kind)
      this.aluInto('mov', out.reg, { reg: index + before + 1 }, kind === 'u64' ? 64 : 32, line)
      return out
    })
    return taken as unknown as Numbers<K>
  }

  /** callSub: BPF-to-BPF call of another function of the program. It clobbers nothing that is live. */
  callSub(target: Callee, ...args: readonly Passed[]): Val<'u32'> {
    return this.#callFunction(target, args, 'u32', callerLine())
  }

  /** callWide: the same of a function that answers with 64 bits. */
  callWide(target: Callee, ...args: readonly Passed[]): Val<'u64'> {
    return this.#callFunction(target, args, 'u64', callerLine())
  }

  #callFunction<K extends 'u32' | 'u64'>(
    target: Callee,
    args: readonly Passed[],
    kind: K,
    line: Line,
  ): Val<K> {
    const out = this.value(kind)
    if (target.takes) {
      const { context, numbers } = target.takes
      const fits = args.every((arg, at) => 'context' in arg === (context && at === 0))
      const isLent = args.some((arg) => 'base' in arg)
      invariant(
        fits && args.length === numbers + (context ? 1 : 0) && (context || !isLent),
        `${formatLine(line)}: ${target.entry.name} takes ${context ? 'the context and ' : ''}${numbers} numbers`,
      )
    }
    const passed = args.map((arg) => ('reg' in arg ? { reg: arg.reg } : this.#address(arg, line)))
    this.called.add(target)
    this.enter(callFunction(target.entry), passed, out.reg, line)
    if (target.adjustsPacket) this.adjusted(line)
    return out
  }

  /** tailCall: goes on with a program of the map and does not come back; where there is none, `missing`. */
  tailCall(programs: ObjectMap<'prog_array'>, index: Arg<'u32'>, missing: Way<C>): void {
    const line = callerLine()
    const args = [{ reg: this.ctx.reg }, this.#map(programs), this.#argument(index, line)]
    this.enter(callHelper(helpers.tail_call), args, undefined, line)
    if (typeof missing === 'function') missing()
    else this.leave(missing)
  }

  /** lookup a key in a kernel map by helper; a miss takes `miss`. What returns is never null. */
  lookup<K extends Fields, V extends Fields>(map: KernelMap<K, V>, key: Contents<K>, miss: Way<C>): View<V> {
    const line = callerLine()
    const { offset } = this.onStack(map.key, key)
    const value = this.helper('map_lookup_elem', [this.#map(map), { stack: offset }], line)
    this.exitIf({ op: 'jeq', reg: value.reg, operand: 0, bits: 64 }, miss)
    return fields({ base: { is: 'register', reg: value.reg }, offset: 0, type: map.value })
  }

  /** fibLookup asks the kernel's routes and neighbours. The answer is in `params`; there is none: `failed`. */
  fibLookup(params: Place<typeof FibLookup>, failed: Way<C>): void {
    const line = callerLine()
    this.exitIf(ne(this.#fibLookup(params, this.ctx, line), 0), failed)
  }

  /** fibAnswer: the same, and what the kernel would do (FIB). */
  fibAnswer(params: Place<typeof FibLookup>, ctx: Context = this.ctx): Val<'u64'> {
    return this.#fibLookup(params, ctx, callerLine())
  }

  /** csumDiff: the sum `seed` without the 16-bit words of `from` and with those of `to`, not yet folded. */
  csumDiff(from: Place<Bytes> | 'nothing', to: Place<Bytes> | 'nothing', seed: Arg<HostKind>): Val<'u32'> {
    const line = callerLine()
    const parts = [from, to].map((place) =>
      place === 'nothing'
        ? { size: 0, args: [{ imm: 0 }, { imm: 0 }] }
        : { size: sizeOf(place.type), args: [this.#address(place, line), { imm: sizeOf(place.type) }] },
    )
    const total = parts.reduce((sum, { size }) => sum + size, 0)
    invariant(
      parts.every(({ size }) => size % 4 === 0) && total <= MAX_CSUM_BYTES,
      `${this.name}: csum_diff takes whole words of 4 bytes, ${MAX_CSUM_BYTES} in all`,
    )
    const args = [...parts.flatMap((part) => part.args), this.#argument(seed, line)]
    return this.narrow(this.helper('csum_diff', args, line))
  }

  /** ringbufOutput copies a record into the ring; no room: `lost`. A packet's bytes must be copied first. */
  ringbufOutput(ring: ObjectMap<'ringbuf'>, record: Place, lost: Way<C>): void {
    const line = callerLine()
    invariant(
      record.base.is !== 'packet',
      `${this.name}: a ring takes no bytes of a packet: copy them to the stack`,
    )
    const args = [this.#map(ring), this.#address(record, line), { imm: sizeOf(record.type) }, { imm: 0 }]
    this.exitIf(ne(this.helper('ringbuf_output', args, line), 0), lost)
  }

  /** ringbufReserve: room for a record in the ring, to be submitted or discarded on every way; none: `lost`. */
  ringbufReserve<F extends Fields>(
    ring: ObjectMap<'ringbuf'>,
    type: Struct<F>,
    lost: Way<C>,
  ): Place<Struct<F>> {
    const line = callerLine()
    const record = this.helper('ringbuf_reserve', [this.#map(ring), { imm: type.size }, { imm: 0 }], line)
    this.exitIf({ op: 'jeq', reg: record.reg, operand: 0, bits: 64 }, lost)
    return { base: { is: 'register', reg: record.reg }, offset: 0, type }
  }

  /** ringbufSubmit hands a reserved record over. */
  ringbufSubmit(record: Place<Struct>): void {
    const line = callerLine()
    this.enter(callHelper(helpers.ringbuf_submit), [this.#address(record, line), { imm: 0 }], undefined, line)
  }

  /** ringbufDiscard gives a reserved record up. */
  ringbufDiscard(record: Place<Struct>): void {
    const line = callerLine()
    this.enter(
      callHelper(helpers.ringbuf_discard),
      [this.#address(record, line), { imm: 0 }],
      undefined,
      line,
    )
  }

  /** loadBytes copies bytes of the packet, wherever its buffers are, to memory that is none of the packet's. */
  loadBytes(offset: Arg<HostKind>, to: Place<Bytes>, length: Val<'u64'>, failed: Way<C>): void {
    const line = callerLine()
    const args = [
      { reg: this.ctx.reg },
      this.#argument(offset, line),
      this.#address(to, line),
      { reg: length.reg },
    ]
    this.exitIf(ne(this.helper('xdp_load_bytes', args, line), 0), failed)
  }

  /** redirectMap chooses the device at an index; then leave by an outcome whose verdict is redirect. */
  redirectMap(devices: ObjectMap<'devmap'>, index: Arg<'u32'>, missing: Way<C>): void {
    const line = callerLine()
    const args = [this.#map(devices), this.#argument(index, line), { imm: VERDICT.aborted }]
    this.exitIf(ne(this.helper('redirect_map', args, line), VERDICT.redirect), missing)
  }

  /** adjusted: from here on older places and pointers of the packet are void. */
  protected adjusted(line: Line): void {
    this.epoch++
    this.epochLine = line
  }

  #fibLookup(params: Place<typeof FibLookup>, { reg }: Context, line: Line): Val<'u64'> {
    const args = [{ reg }, this.#address(params, line), { imm: FibLookup.size }, { imm: 0 }]
    return this.helper('fib_lookup', args, line)
  }

  protected helper(name: HelperName, args: readonly CallArgument[], line: Line): Val<'u64'> {
    const out = this.value('u64')
    this.enter(callHelper(helpers[name]), args, out.reg, line)
    return out
  }

  #argument(arg: Arg<HostKind> | Context, line: Line): CallArgument {
    if (typeof arg === 'object' && !('kind' in arg)) return { reg: arg.reg }
    const operand = isVal(arg) ? { reg: arg.reg } : this.operand(arg, 64, line)
    return typeof operand === 'number' ? { imm: operand } : operand
  }

  #map(map: AnyMap): CallArgument {
    this.use(map)
    return { ref: { kind: 'map-fd', map: map.name, offset: 0 } }
  }

  #address(place: Place, line: Line): CallArgument {
    const { reg, offset } = this.reach(place, line)
    if (reg === FP) return { stack: offset }
    if (offset === 0) return { reg }
    const out = this.register()
    this.aluInto('mov', out, { reg }, 64, line)
    this.aluInto('add', out, offset, 64, line)
    return { reg: out }
  }
}
