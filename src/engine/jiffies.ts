// The packet path's time, as the daemon reads it. Records hold ticks of jiffies, and no system call tells jiffies; so a
// program of four instructions does, in a test run of a few microseconds: the same helper, shifted and cut off as the
// packet path does it, so that both have the same tick at any time, also where it comes round. In a rehearsal the
// packet path reads its time from a word in memory (Clock's source), and so does this.

import { ticksOf } from '../dataplane/flow-clock.ts'
import { TIME_MASK, tickOf } from '../dataplane/flow-record.ts'
import type { Clock } from '../dataplane/shape.ts'
import { handCode } from '../kernel/hand-code.ts'
import { type BpfProgram, loadProgram } from '../kernel/program.ts'
import { testRun } from '../kernel/test-run.ts'

const BPF_FUNC_jiffies64 = 118
const FRAME = new Uint8Array(64)

/** EXACT: ticks of 32 bits, as defence has them. */
export const EXACT = 0xffff_ffff

/** Ticks: owned; dispose it. */
export class Ticks implements Disposable {
  readonly #program: BpfProgram | undefined
  readonly #word: BigUint64Array | undefined
  readonly #clock: Clock
  readonly #mask: number

  /** `word`: the map `clock`, where the packet path has one; `mask`: the bits that a tick has. Throws VerifierError, SyscallError. */
  constructor(clock: Clock, word?: Uint32Array, mask = TIME_MASK) {
    this.#clock = clock
    this.#mask = mask
    this.#word = word && new BigUint64Array(word.buffer, word.byteOffset, 1)
    if (word) return
    const code = handCode(
      [0x85, 0, 0, BPF_FUNC_jiffies64],
      [0x77, 0, 0, clock.shift],
      [0x57, 0, 0, mask | 0],
      [0x95, 0, 0, 0],
    )
    this.#program = loadProgram({ name: 'ticks', code, relocations: [], maps: [], flags: 0 }).program
  }

  /** now: the tick that a record gets at this moment. */
  now(): number {
    if (this.#word) return tickOf(this.#word[0]!, this.#clock.shift, this.#mask)
    return testRun(this.#program!, { packet: FRAME }).verdict
  }

  /** ticksOf so many milliseconds: whole ones, rounded up. */
  ticksOf(ms: number): number {
    return ticksOf(this.#clock, ms / 1_000)
  }

  /** msOf so many ticks. */
  msOf(ticks: number): number {
    return (ticks * 2 ** this.#clock.shift * 1_000) / this.#clock.hz
  }

  [Symbol.dispose](): void {
    this.#program?.[Symbol.dispose]()
  }
}
