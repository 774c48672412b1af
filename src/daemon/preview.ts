// What the engine would make of a spec, computed without the kernel: how long the program is, what memory its maps
// take, and its listing. The same functions that build what runs; only the hash key is another one.

import { listing } from '../bpf/listing.ts'
import { layoutOf } from '../dataplane/fill.ts'
import { clockOf } from '../dataplane/flow-clock.ts'
import { memoryBytes } from '../dataplane/memory.ts'
import { packetProgram } from '../dataplane/packet-path.ts'
import { HASH_KEYS } from '../dataplane/shape.ts'
import type { EngineSpec } from '../engine/engine.ts'
import { planOf } from '../engine/plan.ts'

/** Preview: what would run. */
export interface Preview {
  readonly instructions: number
  /** Of all maps of one generation; while a new one replaces it, both are there. */
  readonly memoryBytes: number
  /** listing: instructions and source lines, one each. */
  readonly listing: () => readonly string[]
}

/** preview builds the program for a spec. `cpus`: possible CPUs of the machine it is for. */
export function preview(spec: EngineSpec, cpus: number): Preview {
  const { shape } = planOf(spec, { cpus, clock: anyClock })
  const { memory } = layoutOf(shape, fixedKeys)
  const built = packetProgram(shape, memory)
  return {
    instructions: built.spec.code.length / 8,
    memoryBytes: memoryBytes(memory),
    listing: () => listing(built.assembled).trimEnd().split('\n'),
  }
}

// How fast the clock of the machine ticks makes no instruction more or less.
const anyClock = clockOf(250)

// Any odd numbers with well mixed bits: they only decide how densely the table of listeners can be packed.
const fixedKeys = BigUint64Array.from({ length: HASH_KEYS }, (_, i) =>
  BigInt.asUintN(64, 0x9e3779b97f4a7c15n * BigInt(2 * i + 1)),
)
