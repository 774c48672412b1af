// Random programs that the verifier accepts, to run in the kernel and in the interpreter. A program loads its
// registers from the packet (so that the verifier knows nothing of them) or from constants, runs random arithmetic,
// forward jumps and stack accesses of all widths, perhaps calls a second function of the same kind, and folds all
// registers and the stack into r0. Left out: helpers and maps, whose results are not a program's own.

import { type Assembled, assemble, type FunctionCode, type Item } from './assemble.ts'
import {
  ALU,
  type AluOp,
  alu,
  atomicAdd,
  callFunction,
  exit,
  FP,
  goto,
  JMP,
  type JmpOp,
  jump,
  Label,
  load,
  loadImm64,
  type Operand,
  store,
  swap,
  type Width,
} from './isa.ts'
import { Seeded } from './seeded.ts'

const PACKET_BYTES = 96
const STACK_WORDS = 6
const ALL = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
const WIDTHS: readonly Width[] = [1, 2, 4, 8]
const BITS = [32, 64] as const
const SHIFTS = ['lsh', 'rsh', 'arsh'] as const
const binary = (Object.keys(ALU) as AluOp[]).filter((op) => op !== 'end' && op !== 'neg')
const comparisons = (Object.keys(JMP) as JmpOp[]).filter((op): op is Exclude<JmpOp, 'ja'> => op !== 'ja')

/** RandomProgram: what a seed gives; the packet is what it is to be run on. */
export interface RandomProgram {
  readonly assembled: Assembled
  readonly packet: Uint8Array
}

/** randomProgram: the program of a seed; r0 at its end depends on all that it computed. */
export function randomProgram(seed: number): RandomProgram {
  const random = new Seeded(seed)
  const other = random.chance(30) ? new Label('other') : undefined
  const functions = [new Body(random, other).main(new Label('main'))]
  if (other) functions.push(new Body(random).other(other))
  return { assembled: assemble(functions), packet: random.bytes(PACKET_BYTES) }
}

class Body {
  readonly #random: Seeded
  readonly #callee: Label | undefined
  readonly #items: Item[] = []
  /** Labels that jumps before name, to be bound within so many instructions. */
  #pending: { label: Label; rest: number }[] = []

  constructor(random: Seeded, callee?: Label) {
    this.#random = random
    this.#callee = callee
  }

  main(entry: Label): FunctionCode {
    const short = new Label('short')
    const [data, end, last] = [2, 3, 4]
    this.#items.push(
      load(4, data, 1, 0),
      load(4, end, 1, 4),
      alu('mov', last, { reg: data }, 64),
      alu('add', last, PACKET_BYTES, 64),
      jump('jgt', last, { reg: end }, 64, short),
    )
    for (const reg of [...ALL.filter((reg) => reg !== data), data]) this.#initialise(reg, data)
    this.#body()
    this.#items.push({ bind: short }, alu('mov', 0, 0, 32), exit())
    return { name: 'main', entry, items: this.#items }
  }

  other(entry: Label): FunctionCode {
    for (const reg of [0, 6, 7, 8, 9]) this.#items.push(alu('mov', reg, { reg: 1 + (reg % 5) }, 64))
    this.#body()
    return { name: 'other', entry, items: this.#items }
  }

  #initialise(reg: number, data: number): void {
    const random = this.#random
    const width = random.pick(WIDTHS)
    if (random.chance(70)) this.#items.push(load(width, reg, data, random.below(PACKET_BYTES - width + 1)))
    else
      this.#items.push(random.chance(50) ? loadImm64(reg, random.u64()) : alu('mov', reg, random.i32(), 64))
  }

  #body(): void {
    for (let word = 1; word <= STACK_WORDS; word++) this.#items.push(store(8, FP, -8 * word, this.#operand()))
    if (this.#callee) this.#call(this.#callee)
    for (let count = 5 + this.#random.below(60); count > 0; count--) {
      this.#one()
      for (const pending of this.#pending) if (pending.rest-- === 0) this.#items.push({ bind: pending.label })
      this.#pending = this.#pending.filter(({ rest }) => rest >= 0)
    }
    for (const { label } of this.#pending) this.#items.push({ bind: label })
    this.#pending = []
    this.#fold()
  }

  #one(): void {
    const random = this.#random
    const kind = random.below(100)
    if (kind < 50) this.#arithmetic()
    else if (kind < 60) this.#items.push(swap(this.#register(), random.pick([16, 32, 64])))
    else if (kind < 63) this.#items.push({ ...swap(this.#register(), random.pick([16, 32, 64])), code: 0xd4 })
    else if (kind < 70)
      this.#items.push(this.#onStack((width, off) => load(width, this.#register(), FP, off)))
    else if (kind < 78)
      this.#items.push(this.#onStack((width, off) => store(width, FP, off, this.#operand())))
    else if (kind < 81) this.#atomic()
    else if (kind < 96) this.#jump()
    else if (kind < 98 && this.#callee) this.#call(this.#callee)
    else this.#skip()
  }

  #register = (): number => this.#random.pick(ALL)

  #operand = (): Operand => (this.#random.chance(60) ? { reg: this.#register() } : this.#random.i32())

  #arithmetic(): void {
    const random = this.#random
    const bits = random.pick(BITS)
    const dst = this.#register()
    if (random.chance(5)) return void this.#items.push(alu('neg', dst, 0, bits))
    const op = random.pick(binary)
    let operand = this.#operand()
    // The verifier refuses constants that shift too far or divide by 0; registers may hold any.
    if (typeof operand === 'number') {
      if (SHIFTS.includes(op as 'lsh')) operand = random.below(bits)
      if (op === 'div' || op === 'mod') operand ||= 1
    }
    this.#items.push(alu(op, dst, operand, bits))
  }

  #onStack<T>(access: (width: Width, off: number) => T, widths: readonly Width[] = WIDTHS): T {
    const width = this.#random.pick(widths)
    return access(width, -width * (1 + this.#random.below((8 * STACK_WORDS) / width)))
  }

  #atomic(): void {
    this.#items.push(
      this.#onStack((width, off) => atomicAdd(width as 4 | 8, FP, off, this.#register()), [4, 8]),
    )
  }

  #jump(): void {
    const label = new Label(`l${this.#items.length}`)
    const random = this.#random
    const [op, bits] = [random.pick(comparisons), random.pick(BITS)]
    this.#items.push(jump(op, this.#register(), this.#operand(), bits, label))
    this.#pending.push({ label, rest: random.below(12) })
  }

  /** skip: an unconditional jump, where an earlier one leads behind it: nothing may be unreachable. */
  #skip(): void {
    const landing = this.#pending.shift()
    if (!landing) return
    const label = new Label(`g${this.#items.length}`)
    this.#items.push(goto(label), { bind: landing.label })
    this.#pending.push({ label, rest: this.#random.below(6) })
  }

  #call(callee: Label): void {
    this.#items.push(callFunction(callee))
    for (const reg of [1, 2, 3, 4, 5])
      this.#items.push(load(8, reg, FP, -8 * (1 + this.#random.below(STACK_WORDS))))
  }

  #fold(): void {
    const mix = (reg: number) => {
      this.#items.push(alu('mul', 0, 0x0100_0193, 64), alu('xor', 0, { reg }, 64))
    }
    for (const reg of ALL.slice(1)) mix(reg)
    for (let word = 1; word <= STACK_WORDS; word++) {
      this.#items.push(load(8, 1, FP, -8 * word))
      mix(1)
    }
    this.#items.push(
      alu('mov', 1, { reg: 0 }, 64),
      alu('rsh', 1, 32, 64),
      alu('xor', 0, { reg: 1 }, 64),
      exit(),
    )
  }
}
