// The packet path's time, as the daemon reads it. Records hold ticks of jiffies, and no system call tells jiffies; so a
// program of four instructions does, in a test run of a few microseconds: the same helper, shifted and cut off as the
// packet path does it, so that both have the same tick at any time, also where it comes round. In a rehearsal the
// packet path reads its time from a word in memory (Clock's source), and so does this.

import { TIME_MASK, tickOf } from '../dataplane/flow-record.ts'
import type { Clock } from '../dataplane/shape.ts'
import { handCode } from '../kernel/hand-code.ts'
import { type BpfProgram, loadProgram } from '../kernel/program.ts'
import { testRun } from '../kernel/test-run.ts'

const BPF_FUNC_jiffies64 = 118
const FRAME = new Uint8Array(64)

/** Ticks: owned; dispose it. */
export class Ticks implements Disposable {
  readonly #program: BpfProgram | undefined
  readonly #word: BigUint64Array | undefined
  readonly #shift: number

  /** `word`: the map `clock`, where the packet path has one. Throws VerifierError, SyscallError. */
  constructor({ shift }: Clock, word?: Uint32Array) {
    this.#shift = shift
    this.#word = word && new BigUint64Array(word.buffer, word.byteOffset, 1)
    if (word) return
    const code = handCode(
      [0x85, 0, 0, BPF_FUNC_jiffies64],
      [0x77, 0, 0, shift],
      [0x57, 0, 0, TIME_MASK],
      [0x95, 0, 0, 0],
    )
    this.#program = loadProgram({ name: 'ticks', code, relocations: [], maps: [], flags: 0 }).program
  }

  /** now: the tick that a record gets at this moment. */
  now(): number {
    if (this.#word) return tickOf(this.#word[0]!, this.#shift)
    return testRun(this.#program!, { packet: FRAME }).verdict
  }

  [Symbol.dispose](): void {
    this.#program?.[Symbol.dispose]()
  }
}
