// A plain interpreter of the instruction set over bytes: the oracle that the kernel's verdict and the builder's
// programs are compared with. Registers are 64-bit and know whether they were set; memory is regions.ts. What the
// verifier would refuse while it runs (unset registers, stray accesses) is a fault; what it proves in advance is not.
// Reference: Documentation/bpf/standardization/instruction-set.rst; struct xdp_md of linux/bpf.h.

import { TenbinError } from '../base/errors.ts'
import { compute, holds, swapped } from './arithmetic.ts'
import type { Assembled } from './assemble.ts'
import { decode, targetOf } from './decode.ts'
import {
  ALU,
  CALL,
  CLASS,
  EXIT,
  effects,
  FP,
  type Insn,
  isFetch,
  isGoto,
  MODE,
  SIZE,
  SRC,
  slots,
  type Width,
} from './isa.ts'
import { Fault, Memory, type Region } from './regions.ts'

/** Helper: a kernel helper of the test's making. `arg(n)` is r1..r5 and faults where it was not set; returns r0. */
export type Helper = (arg: (n: 1 | 2 | 3 | 4 | 5) => bigint, memory: Memory) => bigint

/** World: what the program meets. `memories` are written in place, the packet is copied. */
export interface World {
  readonly packet?: Uint8Array
  /** xdp_md's last three fields; 0 where left out. */
  readonly context?: {
    readonly ingressIfindex?: number
    readonly rxQueueIndex?: number
    readonly egressIfindex?: number
  }
  /** Values of the maps that the program addresses directly, by map name. */
  readonly memories?: Readonly<Record<string, Uint8Array>>
  /** Helpers by id. */
  readonly helpers?: Readonly<Record<number, Helper>>
  /** Instructions that may run: 1,000,000 where left out. */
  readonly maxSteps?: number
}

/** Outcome: r0 at the end as an unsigned 64-bit number, instructions run, and the packet as it is now. */
export interface Outcome {
  readonly r0: bigint
  readonly steps: number
  readonly packet: Uint8Array
}

const STACK_BYTES = 512
const MAX_FRAMES = 8
const WIDTHS = new Map(Object.entries(SIZE).map(([width, bits]) => [bits, Number(width) as Width]))

interface Frame {
  readonly back: number
  readonly saved: readonly bigint[]
  readonly set: number
  readonly stack: Region
}

/**
 * interpret runs a program whose relocations are open. What it must not do throws TenbinError BPF_FAULT, with the
 * slot; bytes that are no program throw BPF_CODE_INVALID.
 */
export function interpret(program: Pick<Assembled, 'code' | 'relocations'>, world: World = {}): Outcome {
  const bySlot = new Map(decode(program.code).map(({ slot, insn }) => [slot, insn]))
  const machine = new Machine(program, world)
  const maxSteps = world.maxSteps ?? 1_000_000
  let steps = 0
  let pc: number | undefined = 0
  let slot = 0
  try {
    while (pc !== undefined) {
      slot = pc
      const insn = bySlot.get(pc)
      if (!insn) throw new Fault('is behind the last instruction')
      if (++steps > maxSteps) throw new Fault(`is reached after ${maxSteps} instructions`)
      pc = machine.step(insn, pc)
    }
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause
    throw new TenbinError('BPF_FAULT', 'interpret', { detail: `slot ${slot} ${cause.message}` })
  }
  return { r0: machine.result(), steps, packet: machine.packetBytes() }
}

class Machine {
  readonly #registers = new BigUint64Array(FP + 1)
  /** Bit n: rn is set. */
  #set = (1 << 1) | (1 << FP)
  readonly #frames: Frame[] = []
  readonly #memory: Memory
  readonly #context: Region
  readonly #world: World
  readonly #addresses = new Map<number, bigint>()

  constructor({ relocations }: Pick<Assembled, 'relocations'>, world: World) {
    this.#world = world
    this.#memory = new Memory(world.packet ?? new Uint8Array())
    this.#context = this.#memory.add('context', new Uint8Array(24))
    this.#registers[1] = this.#context.base
    this.#enter(-1)
    const bases = new Map<string, bigint>()
    for (const { insn, kind, map, offset } of relocations) {
      const key = `${kind} ${map}`
      const bytes = kind === 'map-fd' ? new Uint8Array() : world.memories?.[map]
      if (!bytes) throw new TenbinError('BPF_FAULT', 'interpret', { detail: `no memory is named ${map}` })
      const base = bases.get(key) ?? this.#memory.add(map, bytes).base
      bases.set(key, base)
      this.#addresses.set(insn, base + BigInt(offset))
    }
  }

  result(): bigint {
    return this.#registers[0]!
  }

  packetBytes(): Uint8Array {
    const { base, start, end } = this.#memory.packet
    return this.#memory.read(base + BigInt(start), end - start)
  }

  /** step runs one instruction and returns the next slot; undefined after the last exit. */
  step(insn: Insn, slot: number): number | undefined {
    for (const register of effects(insn).reads) this.#get(register)
    switch (insn.code & 7) {
      case CLASS.ld:
        this.#put(insn.dst, this.#addresses.get(slot) ?? BigInt(insn.imm))
        break
      case CLASS.ldx:
        this.#put(insn.dst, this.#load(this.#address(insn.src, insn.off), widthOf(insn)))
        break
      case CLASS.st:
        this.#store(insn, BigInt(insn.imm))
        break
      case CLASS.stx:
        this.#store(insn, this.#get(insn.src))
        break
      case CLASS.alu:
      case CLASS.alu64:
        this.#put(insn.dst, this.#alu(insn))
        break
      default:
        return this.#flow(insn, slot)
    }
    return slot + slots(insn)
  }

  #get(register: number): bigint {
    if (!(this.#set & (1 << register))) throw new Fault(`reads r${register}, which is not set`)
    return this.#registers[register]!
  }

  #put(register: number, value: bigint): void {
    if (register === FP) throw new Fault('writes r10')
    this.#registers[register] = value
    this.#set |= 1 << register
  }

  #address(register: number, offset: number): bigint {
    return BigInt.asUintN(64, this.#get(register) + BigInt(offset))
  }

  #operand(insn: Insn): bigint {
    return insn.code & SRC ? this.#get(insn.src) : BigInt(insn.imm)
  }

  #alu(insn: Insn): bigint {
    const op = insn.code & 0xf0
    if (op === ALU.end) return swapped(this.#get(insn.dst), Number(insn.imm), Boolean(insn.code & SRC))
    const bits = (insn.code & 7) === CLASS.alu64 ? 64 : 32
    const a = op === ALU.mov ? 0n : BigInt.asUintN(bits, this.#get(insn.dst))
    return compute(op, a, op === ALU.neg ? 0n : BigInt.asUintN(bits, this.#operand(insn)), bits)
  }

  #find(address: bigint, width: Width, does: 'reads' | 'writes'): { region: Region; offset: number } {
    const found = this.#memory.find(address, width, does)
    if (found.region.written && found.offset % width)
      throw new Fault(`accesses the stack unaligned, at r10${found.offset - STACK_BYTES}`)
    return found
  }

  #load(address: bigint, width: Width): bigint {
    const { region, offset } = this.#find(address, width, 'reads')
    if (region === this.#context) return this.#contextField(offset, width)
    let value = 0n
    for (let at = width - 1; at >= 0; at--) value = (value << 8n) | BigInt(region.view.getUint8(offset + at))
    return value
  }

  #store(insn: Insn, value: bigint): void {
    const width = widthOf(insn)
    const address = this.#address(insn.dst, insn.off)
    const isAtomic = (insn.code & 0xe0) === MODE.atomic
    const old = isAtomic ? this.#load(address, width) : 0n
    const sum = old + value
    const { region, offset } = this.#find(address, width, 'writes')
    if (region === this.#context) throw new Fault('writes the context')
    if (isAtomic && offset % width) throw new Fault('adds to an unaligned address')
    let rest = BigInt.asUintN(64, sum)
    for (let at = 0; at < width; at++, rest >>= 8n) region.view.setUint8(offset + at, Number(rest & 0xffn))
    if (isFetch(insn)) this.#put(insn.src, old)
  }

  /** struct xdp_md: packet pointers look like 32-bit fields and are 64-bit pointers. */
  #contextField(offset: number, width: Width): bigint {
    const { context = {} } = this.#world
    const { base, start, end } = this.#memory.packet
    const fields = [
      base + BigInt(start),
      base + BigInt(end),
      base + BigInt(start),
      BigInt(context.ingressIfindex ?? 0),
      BigInt(context.rxQueueIndex ?? 0),
      BigInt(context.egressIfindex ?? 0),
    ]
    if (width !== 4 || offset % 4) throw new Fault(`reads ${width} bytes at context+${offset}`)
    return fields[offset / 4]!
  }

  #flow(insn: Insn, slot: number): number | undefined {
    if (insn.code === EXIT) return this.#leave()
    if (insn.code === CALL) {
      if (insn.src === 1) {
        this.#enter(slot + 1)
        return targetOf(insn, slot)
      }
      const helper = this.#world.helpers?.[Number(insn.imm)]
      if (!helper) throw new Fault(`calls helper ${insn.imm}, which is not there`)
      const result = helper((n) => this.#get(n), this.#memory)
      this.#set &= ~0b111110
      this.#put(0, BigInt.asUintN(64, result))
      return slot + 1
    }
    const bits = (insn.code & 7) === CLASS.jmp ? 64 : 32
    const taken = isGoto(insn) || holds(insn.code & 0xf0, this.#get(insn.dst), this.#operand(insn), bits)
    return taken ? targetOf(insn, slot) : slot + 1
  }

  #enter(back: number): void {
    if (this.#frames.length === MAX_FRAMES) throw new Fault(`calls deeper than ${MAX_FRAMES} functions`)
    const stack = this.#memory.add('stack', new Uint8Array(STACK_BYTES), true)
    this.#frames.push({ back, saved: [...this.#registers.subarray(6, FP + 1)], set: this.#set, stack })
    this.#registers[FP] = stack.base + BigInt(STACK_BYTES)
    this.#set &= 0b111110 | (1 << FP)
  }

  #leave(): number | undefined {
    const { back, saved, set, stack } = this.#frames.pop()!
    this.#memory.remove(stack)
    if (!this.#frames.length) return undefined
    this.#registers.set(saved, 6)
    this.#set = (set & ~0b111111) | 1
    return back
  }
}

const widthOf = (insn: Insn): Width => WIDTHS.get(insn.code & 0x18)!
