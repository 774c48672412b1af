// The part of the builder for ways out, guards and loops. Guards do not nest: what happens on failure is a required
// argument, the name of a counted outcome, a label ahead, or a block of cold code. A loop is bounded by a constant, so
// that the verifier, which goes round it as often as it can be gone round, comes to an end.

import { invariant } from '../base/errors.ts'
import { alu, exit, jump, Label } from './isa.ts'
import { callerLine, formatLine, type Line } from './line.ts'
import { MemoryBuilder } from './memory-builder.ts'
import { type Arg, type Cond, type Context, eq, ge, type HostKind, type Val } from './values.ts'

/** VERDICT: numbers of verdicts (enum xdp_action, linux/bpf.h). */
export const VERDICT = { aborted: 0, drop: 1, pass: 2, tx: 3, redirect: 4 } as const
/** Verdict: what XDP does with the frame. */
export type Verdict = keyof typeof VERDICT

/** Way: where a failed guard goes: a counted outcome, a label ahead, or cold code that ends by leaving. */
export type Way<C extends string> = C | Label | (() => void)

/** Outcomes: every counted way out of a function by name. */
export type Outcomes<C extends string> = Readonly<Record<C, Verdict>>

/**
 * Answers: what a function without counters of its own tells its caller: 0 to go on, or an outcome's code, by which the
 * caller leaves (leaveAs).
 */
const codeOf = (index: number, verdict: Verdict): number => (index << 8) | VERDICT[verdict]

/** ExitBuilder: emits guards and ways out. */
export class ExitBuilder<C extends string = never> extends MemoryBuilder {
  /** ctx: struct xdp_md, alive where used. */
  readonly ctx: Context
  readonly #outcomes: Outcomes<C> | undefined
  readonly #stubs = new Map<C, { readonly label: Label; readonly line: Line }>()
  /** Where code that a called function answered is left by. */
  #answered: { readonly label: Label; readonly code: Val<'u32'>; readonly outcome: C } | undefined

  constructor(name: string, outcomes: Outcomes<C> | undefined) {
    super(name)
    this.#outcomes = outcomes
    this.ctx = { context: true, reg: this.register() }
    this.aluInto('mov', this.ctx.reg, { reg: 1 }, 64, callerLine())
  }

  /** exitIf the condition holds: a guard. */
  exitIf(cond: Cond, way: Way<C>): void {
    if (typeof way === 'string' || way instanceof Label) {
      this.jumpIf(cond, this.target(way))
      return
    }
    const label = this.label('cold')
    this.jumpIf(cond, label)
    this.coldBlock(label, way)
  }

  /** below: the value, known to be less than n where the code goes on; else `way`. */
  below<K extends HostKind>(value: Val<K>, n: number, way: Way<C>): Val<K> {
    const bounded = this.again(value, value.kind as K, Math.min(value.max, n - 1), callerLine())
    this.exitIf(ge(bounded, n as never), way)
    return bounded
  }

  /**
   * loop: `body` for each index below `count`, in order. `count` has a known maximum: as often the verifier goes round,
   * so what the body finds should be loaded from memory and not be the index, which is another one each time.
   */
  loop(count: Val<'u32'>, body: (index: Val<'u32'>) => void): void {
    const line = callerLine()
    const most = count.max
    const times = this.again(count, 'u32', most, line)
    if (most === 0) return
    invariant(most < 2 ** 16, `${formatLine(line)}: a loop is gone round ${most} times at most`)
    const [head, done] = [this.label('loop'), this.label('done')]
    const index = this.variable('u32', most)
    this.set(index, 0)
    this.items.push({ loop: 'begin' })
    this.bind(head)
    this.jumpIf(ge(index, times), done)
    body({ ...index, max: most - 1 })
    this.aluInto('add', index.reg, 1, 32, line)
    this.push({ ...jump('jlt', index.reg, most, 32, head), back: true }, line)
    this.items.push({ loop: 'end' })
    this.bind(done)
  }

  /** leave by a counted outcome, or for a label ahead. */
  leave(way: C | Label): void {
    this.goto(this.target(way))
  }

  /** cold: emits the code behind a label that others jump to, out of the hot path. */
  cold(label: Label, body: () => void): void {
    this.coldBlock(label, body)
  }

  /** exitCounted leaves by an outcome that the code before has counted itself. */
  exitCounted(outcome: C): void {
    this.exit(VERDICT[this.#outcomesOf(outcome)[outcome]])
  }

  /** leaveAs: leave by the outcome that a called function answered, which is not 0. */
  leaveAs(code: Val<'u32'>): void {
    const [outcome] = Object.keys(this.#outcomes ?? {}) as C[]
    invariant(outcome !== undefined, `${this.name} has no outcomes to leave by`)
    this.#answered ??= { label: this.label('count'), code: this.variable('u32'), outcome }
    this.set(this.#answered.code, code)
    this.goto(this.#answered.label)
  }

  /** answered: whether a called function answered this outcome. */
  answered(code: Val<'u32'>, outcome: C): Cond {
    const outcomes = this.#outcomesOf(outcome)
    return eq(code, codeOf(Object.keys(outcomes).indexOf(outcome), outcomes[outcome]))
  }

  /** exitValue: return a value, for functions without outcomes. */
  exitValue(value: Val<'u32' | 'u64'> | number): void {
    invariant(!this.#outcomes, `${this.name}: every way out of a function with outcomes is counted by name`)
    this.exit(value)
  }

  protected exit(value: Arg<'u32' | 'u64'>): void {
    const line = callerLine()
    this.moveInto(0, value, line)
    this.push(exit(), line)
  }

  /** exits emits the code behind the outcomes that were left by, counted by what `count` emits for an index and the code. */
  protected exits(count: (index: Val<'u32'>, code: Val<'u32'>) => void): void {
    const first = this.left
    if (first === undefined) return
    const outcomes = this.#outcomesOf(first)
    const names = Object.keys(outcomes)
    const { label: tail, code } = this.#answered ?? { label: this.label('count'), code: this.variable('u32') }
    for (const [outcome, { label, line }] of this.#stubs) {
      this.bind(label)
      const known = codeOf(names.indexOf(outcome), outcomes[outcome])
      this.push(alu('mov', code.reg, known, 64), line)
      this.goto(tail)
    }
    this.bind(tail)
    // a called function's answer is masked, as the verifier does not know that it is one of the outcomes
    const index = this.alu('rsh', code, 8)
    const isKnown = this.#answered === undefined
    const most = isKnown ? names.length - 1 : 2 ** Math.ceil(Math.log2(names.length)) - 1
    count(isKnown ? { ...index, max: most } : this.alu('and', index, most), code)
    this.exit(this.alu('and', code, 0xff))
  }

  /** answers emits the code behind the outcomes that were left by: the caller is told which, and counts. */
  protected answers(): void {
    for (const [outcome, { label }] of this.#stubs) {
      const outcomes = this.#outcomesOf(outcome)
      this.bind(label)
      this.exit(codeOf(Object.keys(outcomes).indexOf(outcome), outcomes[outcome]))
    }
    if (!this.#answered) return
    this.bind(this.#answered.label)
    this.exit(this.#answered.code)
  }

  /** left: an outcome that the code leaves by, or undefined when there is none. */
  protected get left(): C | undefined {
    return this.#answered?.outcome ?? this.#stubs.keys().next().value
  }

  protected target(way: C | Label): Label {
    if (way instanceof Label) return way
    this.#outcomesOf(way)
    const known = this.#stubs.get(way)
    if (known) return known.label
    const label = this.label(way)
    this.#stubs.set(way, { label, line: callerLine() })
    return label
  }

  #outcomesOf(outcome: C): Outcomes<C> {
    invariant(
      this.#outcomes && Object.hasOwn(this.#outcomes, outcome),
      `${this.name} has no outcome ${outcome}`,
    )
    return this.#outcomes
  }
}
