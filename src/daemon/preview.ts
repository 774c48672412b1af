// What the engine would make of a spec, computed without the kernel: how long its programs are, what memory their maps
// take, and their listing. The same functions that build what runs; only the hash key is another one, and the tables are
// not filled.

import { withoutLines } from '../bpf/line.ts'
import { listing } from '../bpf/listing.ts'
import { layoutOf } from '../dataplane/fill.ts'
import { clockOf } from '../dataplane/flow-clock.ts'
import { type Memory, mapSizes as mapSizesOf } from '../dataplane/memory.ts'
import { packetProgram } from '../dataplane/packet-path.ts'
import { HASH_KEYS } from '../dataplane/shape.ts'
import { building } from '../engine/building.ts'
import type { EngineSpec } from '../engine/engine.ts'
import { type PlannedInterface, shapesOf } from '../engine/plan.ts'

/** MapSize: a map by its role, in whole pages. */
export interface MapSize {
  readonly name: string
  readonly bytes: number
}

/** Preview: what would run. */
export interface Preview {
  readonly interfaces: readonly { readonly name: string; readonly instructions: number }[]
  /** Of one generation. */
  readonly maps: readonly MapSize[]
  /** listing: instructions and source lines, one each. */
  readonly listing: () => readonly string[]
}

/** preview builds the programs for a spec. `cpus`: possible CPUs of the machine it is for. Throws PROGRAM_UNBUILT. */
export function preview(spec: EngineSpec, cpus: number): Preview {
  const { planned, memory } = laidOut(spec, cpus)
  const built = () =>
    building(() => planned.map(({ name, shape }) => ({ name, ...packetProgram(shape, memory) })))
  return {
    interfaces: withoutLines(built).map(({ name, spec }) => ({ name, instructions: spec.code.length / 8 })),
    maps: mapSizesOf(memory),
    listing: () =>
      built().flatMap(({ name, assembled }) => [`on ${name}:`, ...listing(assembled).trimEnd().split('\n')]),
  }
}

/** mapSizes: the maps alone. Throws PROGRAM_UNBUILT. */
export const mapSizes = (spec: EngineSpec, cpus: number): readonly MapSize[] =>
  mapSizesOf(laidOut(spec, cpus).memory)

const laidOut = (
  spec: EngineSpec,
  cpus: number,
): { readonly planned: readonly PlannedInterface[]; readonly memory: Memory } =>
  building(() => {
    const planned = shapesOf(spec, { cpus, clock: anyClock })
    return { planned, memory: layoutOf(planned[0]!.shape, fixedKeys).memory }
  })

// How fast the clock of the machine ticks makes no instruction more or less.
const anyClock = clockOf(250)

// Any odd numbers with well mixed bits: they only decide how densely the table of listeners can be packed.
const fixedKeys = BigUint64Array.from({ length: HASH_KEYS }, (_, i) =>
  BigInt.asUintN(64, 0x9e3779b97f4a7c15n * BigInt(2 * i + 1)),
)
