// Steps of random programs, each of which can be emitted through the builder and run as plain TypeScript. Steps know
// values by number; nested steps see those of outside and hide their own. A pool of few values, from which new ones
// push old ones out, gives them random spans without running out of registers too often.

import { compute, holds } from './arithmetic.ts'
import { ALU, type AluOp, JMP } from './isa.ts'
import { BLOB_BYTES, mix, mixers, Odd, type Outcome, type Path, randomMemory } from './random-memory.ts'
import type { Seeded } from './seeded.ts'
import { type bytes, KIND_BYTES } from './types.ts'
import {
  anyBits,
  type Cond,
  eq,
  ge,
  gt,
  type HostKind,
  le,
  lt,
  ne,
  type Place,
  part,
  type Val,
} from './values.ts'

/** Emitting: what steps are emitted with: values by id, and the packet while it is at hand. */
export interface Emitting {
  readonly p: Path
  readonly values: Map<number, Val<HostKind>>
  readonly blob: Place<ReturnType<typeof bytes>>
}

/** Running: the same in numbers. `limits`: the greatest value that the builder believes in, by id. */
export interface Running {
  readonly values: Map<number, bigint>
  readonly limits: ReadonlyMap<number, number>
  readonly packet: DataView
  readonly memory: DataView
}

/** Step: a part of a program. */
export interface Step {
  emit(e: Emitting): void
  /** The outcome, where the program leaves. */
  run(r: Running): Outcome | undefined
}

/** Known: a value that steps may use; `bits` as arithmetic on it works. */
interface Known {
  readonly id: number
  readonly bits: 32 | 64
  readonly isVariable: boolean
}

/** runAll runs steps in order until one leaves. */
export function runAll(steps: readonly Step[], r: Running): Outcome | undefined {
  for (const step of steps) {
    const outcome = step.run(r)
    if (outcome) return outcome
  }
  return undefined
}

type Comparison = 'jeq' | 'jne' | 'jgt' | 'jge' | 'jlt' | 'jle' | 'jset'
const comparisons: Readonly<Record<Comparison, typeof ge>> = {
  jeq: eq,
  jne: ne,
  jgt: gt,
  jge: ge,
  jlt: lt,
  jle: le,
  jset: anyBits,
}
const operations = ['add', 'sub', 'mul', 'div', 'mod', 'and', 'or', 'xor', 'lsh', 'rsh', 'arsh'] as const

/** Generator: the steps of one random program. */
export class Generator {
  readonly #random: Seeded
  #pool: Known[] = []
  /** How many values may live at a time. */
  readonly #room: number
  #next = 0

  constructor(random: Seeded) {
    this.#random = random
    this.#room = 2 + random.below(4)
  }

  /** all: the whole program; its last step leaves. */
  all(): Step[] {
    const random = this.#random
    const loads = Array.from({ length: 2 + random.below(4) }, () => this.#packetLoad())
    const steps = Array.from({ length: 5 + random.below(40) }, () => this.#step(2))
    return [...loads, ...steps, this.#result()]
  }

  #define(bits: 32 | 64, isVariable = false): Known {
    const known = { id: this.#next++, bits, isVariable }
    if (this.#pool.length >= this.#room) this.#pool.splice(this.#random.below(this.#pool.length), 1)
    this.#pool.push(known)
    return known
  }

  #pick = (): Known => this.#random.pick(this.#pool)

  #step(depth: number): Step {
    const kind = this.#random.below(100)
    if (kind < 40) return this.#arithmetic()
    if (kind < 50) return this.#memoryLoad()
    if (kind < 60) return this.#memoryStore()
    if (kind < 66) return this.#convert()
    if (kind < 72) return this.#variable()
    if (kind < 80) return this.#set()
    if (kind < 85) return this.#call()
    if (kind < 88) return this.#stash()
    if (kind < 90) return this.#fetch()
    if (depth === 0) return this.#arithmetic()
    if (kind < 93) return this.#loop(depth - 1)
    return kind < 96 ? this.#skipped(depth - 1) : this.#cold(depth - 1)
  }

  #packetLoad(): Step {
    const random = this.#random
    const kind = random.pick(['u8', 'u16', 'u32', 'u64', 'be16', 'be32'] as const)
    const width = KIND_BYTES[kind]
    const offset = random.below(BLOB_BYTES - width + 1)
    const swaps = random.chance(50)
    const { id } = this.#define(kind === 'u64' ? 64 : 32)
    return {
      emit: ({ p, values, blob }) => {
        if (kind === 'be16' || kind === 'be32') {
          const wired = p.load(part(blob, offset, kind))
          values.set(id, swaps ? p.toHost(wired) : p.bits(wired))
        } else values.set(id, p.load(part(blob, offset, kind)))
      },
      run: (r) => put(r, id, read(r.packet, offset, width, kind.startsWith('be') && swaps)),
    }
  }

  #arithmetic(): Step {
    const random = this.#random
    const op = random.pick(operations)
    const a = this.#pick()
    const b = random.chance(50) && !op.endsWith('sh') ? this.#pick() : undefined
    const immediate = this.#immediate(op, a.bits)
    const { id } = this.#define(a.bits)
    return {
      emit: ({ p, values }) =>
        void values.set(id, p.alu(op, values.get(a.id)!, b ? values.get(b.id)! : immediate)),
      run: (r) => {
        const y = BigInt.asUintN(a.bits, b ? r.values.get(b.id)! : BigInt(immediate))
        put(r, id, compute(ALU[op], BigInt.asUintN(a.bits, r.values.get(a.id)!), y, a.bits))
      },
    }
  }

  #immediate(op: AluOp, bits: 32 | 64): number {
    if (op.endsWith('sh')) return this.#random.below(bits)
    const any = this.#random.i32()
    return op === 'div' || op === 'mod' ? Math.abs(any) % 2 ** 31 || 1 : any
  }

  #convert(): Step {
    const a = this.#pick()
    const scale = a.bits === 32 && this.#random.chance(40) ? 1 + this.#random.below(1000) : 0
    const { id } = this.#define(a.bits === 32 ? 64 : 32)
    return {
      emit: ({ p, values }) => {
        const value = values.get(a.id)!
        if (scale) values.set(id, p.scale(value as Val<'u32'>, scale))
        else values.set(id, a.bits === 32 ? p.widen(value) : p.narrow(value as Val<'u64'>))
      },
      run: (r) => {
        const value = r.values.get(a.id)!
        put(r, id, scale ? (value * BigInt(scale)) >> 32n : BigInt.asUintN(a.bits === 32 ? 64 : 32, value))
      },
    }
  }

  #slot(): { place: (e: Emitting) => Place<'u32'> | Place<'u64'>; at: (r: Running) => number; width: 4 | 8 } {
    const random = this.#random
    const index = this.#pick()
    const field = random.pick(['words', 'small', 'odd'] as const)
    const { offsets, fields } = randomMemory.type
    const { count } = fields[field]
    const constant = random.chance(30) ? random.below(count) : undefined
    const step = { words: 8, small: 4, odd: Odd.size }[field]
    const inner = field === 'odd' ? random.pick([0, 4, 8]) : 0
    return {
      width: field === 'words' ? 8 : 4,
      place: ({ p, values }) => {
        const memory = p.memory(randomMemory)
        const at = constant ?? p.alu('and', values.get(index.id)!, count - 1)
        if (field === 'words') return p.element(memory.words, at)
        if (field === 'small') return p.element(memory.small, at)
        const odd = p.element(memory.odd, at)
        return { base: odd.base, offset: odd.offset + inner, type: 'u32' }
      },
      at: (r) =>
        offsets[field] + inner + step * (constant ?? Number(r.values.get(index.id)! & BigInt(count - 1))),
    }
  }

  #memoryLoad(): Step {
    const { place, at, width } = this.#slot()
    const { id } = this.#define(width === 8 ? 64 : 32)
    return {
      emit: (e) => void e.values.set(id, e.p.load(place(e) as Place<'u64'>)),
      run: (r) => put(r, id, read(r.memory, at(r), width)),
    }
  }

  #memoryStore(): Step {
    const { place, at, width } = this.#slot()
    const value = this.#pick()
    const how = width === 8 ? this.#random.pick(['increment', 'atomic', 'store'] as const) : 'low'
    return {
      emit: (e) => {
        const to = place(e)
        const from = e.values.get(value.id)!
        if (how === 'low') e.p.storeLow(to as Place<'u32'>, from)
        else if (how === 'increment') e.p.increment(to as Place<'u64'>, from)
        else if (how === 'atomic') e.p.atomicAdd(to as Place<'u64'>, from)
        else e.p.store(to as Place<'u64'>, e.p.widen(from))
      },
      run: (r) => {
        const to = at(r)
        const from = r.values.get(value.id)!
        if (how === 'low') r.memory.setUint32(to, Number(from & 0xffffffffn), true)
        else if (how === 'store') r.memory.setBigUint64(to, from, true)
        else r.memory.setBigUint64(to, read(r.memory, to, 8) + from, true)
        return undefined
      },
    }
  }

  #fetch(): Step {
    const { place, at, width } = this.#slot()
    const by = this.#pick()
    const bits = width === 8 ? 64 : 32
    const { id } = this.#define(bits)
    return {
      emit: (e) => void e.values.set(id, e.p.fetchAdd(place(e) as Place<'u64'>, e.values.get(by.id)!)),
      run: (r) => {
        const to = at(r)
        const old = read(r.memory, to, width)
        const sum = BigInt.asUintN(bits, old + r.values.get(by.id)!)
        if (width === 8) r.memory.setBigUint64(to, sum, true)
        else r.memory.setUint32(to, Number(sum), true)
        return put(r, id, old)
      },
    }
  }

  #variable(): Step {
    const from = this.#pick()
    const { id } = this.#define(from.bits, true)
    return {
      emit: ({ p, values }) => {
        const variable = p.variable(from.bits === 64 ? 'u64' : 'u32')
        p.set(variable, values.get(from.id) as Val<'u64'>)
        values.set(id, variable)
      },
      run: (r) => put(r, id, r.values.get(from.id)!),
    }
  }

  #set(): Step {
    const variables = this.#pool.filter(({ isVariable }) => isVariable)
    const to = variables.length ? this.#random.pick(variables) : undefined
    const sources = this.#pool.filter(({ bits }) => bits === to?.bits)
    if (!to || !sources.length) return this.#arithmetic()
    const from = this.#random.chance(70) ? this.#random.pick(sources) : undefined
    const constant = this.#random.u32() >>> (to.bits === 64 ? 1 : 0)
    return {
      emit: ({ p, values }) =>
        p.set(values.get(to.id) as Val<'u64'>, from ? (values.get(from.id) as Val<'u64'>) : constant),
      run: (r) => put(r, to.id, from ? r.values.get(from.id)! : BigInt(constant)),
    }
  }

  #call(): Step {
    const args = Array.from({ length: 1 + this.#random.below(5) }, () => this.#pick())
    const { id } = this.#define(32)
    return {
      emit: ({ p, values }) =>
        void values.set(id, p.callSub(mixers[args.length - 1]!, ...args.map((arg) => values.get(arg.id)!))),
      run: (r) => put(r, id, mix(args.map((arg) => r.values.get(arg.id)!))),
    }
  }

  #stash(): Step {
    const a = this.#pick()
    const helper = this.#random.chance(50)
    const { id } = this.#define(a.bits)
    return {
      emit: ({ p, values }) => {
        const stashed = p.stash(values.get(a.id)!)
        if (helper) p.call('get_smp_processor_id')
        values.set(id, p.unstash(stashed))
      },
      run: (r) => put(r, id, r.values.get(a.id)!),
    }
  }

  #condition(): { cond: (e: Emitting) => Cond; holds: (r: Running) => boolean } {
    const random = this.#random
    const op = random.pick(Object.keys(comparisons) as Comparison[])
    const a = this.#pick()
    const b = random.chance(50) ? this.#pick() : undefined
    const constant = random.chance(50) ? random.below(4) : random.u32() >>> 1
    const bits = a.bits === 64 || b?.bits === 64 ? 64 : 32
    return {
      cond: ({ p, values }) => {
        const [x, y] = [values.get(a.id)!, b && values.get(b.id)!]
        if (bits === 64) return comparisons[op](p.widen(x), y ? p.widen(y) : constant)
        return comparisons[op](x as Val<'u32'>, (y as Val<'u32'> | undefined) ?? constant % (x.max + 1))
      },
      holds: (r) => {
        const limit = r.limits.get(a.id)!
        const y = b ? r.values.get(b.id)! : BigInt(bits === 64 ? constant : constant % (limit + 1))
        return holds(JMP[op], r.values.get(a.id)!, y, bits)
      },
    }
  }

  /** inner: steps whose values nobody behind them knows. */
  #inner(depth: number): Step[] {
    const outer = this.#pool
    this.#pool = [...outer]
    const steps = Array.from({ length: 1 + this.#random.below(5) }, () => this.#step(depth))
    this.#pool = outer
    return steps
  }

  /** loop: steps that are gone through up to seven times; they know how often they were. */
  #loop(depth: number): Step {
    const outer = this.#pool
    const count = this.#pick()
    this.#pool = [...outer]
    const index = this.#define(32)
    const steps = this.#inner(depth)
    this.#pool = outer
    return {
      emit: (e) => {
        const value = e.values.get(count.id)!
        const times = e.p.alu('and', value.kind === 'u64' ? e.p.narrow(value as Val<'u64'>) : value, 7)
        e.p.loop(times as Val<'u32'>, (at) => {
          e.values.set(index.id, at)
          for (const step of steps) step.emit(e)
        })
      },
      run: (r) => {
        const times = r.values.get(count.id)! & 7n
        for (let at = 0n; at < times; at++) {
          put(r, index.id, at)
          const outcome = runAll(steps, r)
          if (outcome) return outcome
        }
        return undefined
      },
    }
  }

  /** skipped: steps that a jump leads past, all or the last of them. */
  #skipped(depth: number): Step {
    const { cond, holds } = this.#condition()
    const steps = this.#inner(depth)
    return {
      emit: (e) => {
        const behind = e.p.label('behind')
        e.p.exitIf(cond(e), behind)
        for (const step of steps) step.emit(e)
        e.p.bind(behind)
      },
      run: (r) => (holds(r) ? undefined : runAll(steps, r)),
    }
  }

  /** cold: a guard with a block out of the way, which leaves or comes back; or one that leaves at once. */
  #cold(depth: number): Step {
    const { cond, holds } = this.#condition()
    const steps = this.#inner(depth)
    const how = this.#random.pick(['back', 'back', 'leave', 'at once'] as const)
    return {
      emit: (e) => {
        const back = e.p.label('back')
        if (how === 'at once') return e.p.exitIf(cond(e), 'left')
        e.p.exitIf(cond(e), () => {
          for (const step of steps) step.emit(e)
          e.p.leave(how === 'back' ? back : 'cold')
        })
        e.p.bind(back)
      },
      run: (r) => {
        if (!holds(r)) return undefined
        if (how === 'at once') return 'left'
        return runAll(steps, r) ?? (how === 'back' ? undefined : 'cold')
      },
    }
  }

  #result(): Step {
    const pool = this.#pool
    return {
      emit: ({ p, values }) => {
        let sum = p.const64(1n)
        for (const { id } of pool) sum = p.alu('add', p.alu('mul', sum, 0x01000193), p.widen(values.get(id)!))
        p.store(p.memory(randomMemory).result, sum)
        p.leave('done')
      },
      run: (r) => {
        let sum = 1n
        for (const { id } of pool) sum = sum * 0x01000193n + r.values.get(id)!
        r.memory.setBigUint64(randomMemory.type.offsets.result, BigInt.asUintN(64, sum), true)
        return 'done'
      },
    }
  }
}

function read(from: DataView, at: number, width: number, isBig = false): bigint {
  let value = 0n
  for (let i = 0; i < width; i++)
    value = (value << 8n) | BigInt(from.getUint8(isBig ? at + i : at + width - 1 - i))
  return value
}

function put(r: Running, id: number, value: bigint): undefined {
  const limit = r.limits.get(id)!
  if (limit !== Number.POSITIVE_INFINITY && value > BigInt(limit))
    throw new Error(`value ${id} is ${value}; the builder holds that it is at most ${limit}`)
  r.values.set(id, value)
}
