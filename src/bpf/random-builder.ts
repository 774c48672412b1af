// Random programs in the builder's own words, each with its meaning in plain TypeScript: a step can be emitted and
// can be run, and both must agree, whatever the allocator and the layout make of it. Values live for random spans
// over calls, branches and cold blocks; variables are set on some paths; what a value may at most be, as the builder
// claims, is checked on each run. Left out: packets that move, lookups, which have tests of their own.

import { callees } from './layout.ts'
import { BLOB_BYTES, mixers, outcomes, type Path, randomMemory, verdicts } from './random-memory.ts'
import { type Emitting, Generator, runAll } from './random-steps.ts'
import { Seeded } from './seeded.ts'
import { bytes, wire } from './types.ts'
import type { Val } from './values.ts'
import { type Built, program, xdpFunction } from './xdp.ts'

/** RandomBuilt: the program, its packet and memory, and what running it must yield. */
export interface RandomBuilt {
  readonly built: Built
  readonly packet: Uint8Array
  readonly memory: Uint8Array
  readonly verdict: number
  readonly memoryAfter: Uint8Array
}

/** randomBuilder: the program of a seed. Throws the builder's own error when it runs out of registers. */
export function randomBuilder(seed: number): RandomBuilt {
  const random = new Seeded(seed)
  const steps = new Generator(random).all()
  const values = new Map() as Emitting['values']
  const count = (p: Path, index: Val<'u32'>) =>
    p.increment(p.element(p.memory(randomMemory).counters, index), 1)
  const main = xdpFunction('main', { outcomes, count }, (p) => {
    const { data, end } = p.packet()
    const { blob } = p.headers(data, end, { blob: wire('blob', { all: bytes(BLOB_BYTES) }) }, 'short')
    for (const step of steps) step.emit({ p, values, blob: blob.all })
  })
  const called = new Set(callees(main.code.items))
  const built = program(
    'random',
    main,
    mixers.filter(({ entry }) => called.has(entry)),
  )
  const packet = random.bytes(BLOB_BYTES)
  const memory = random.bytes(randomMemory.type.size)
  const memoryAfter = memory.slice()
  const limits = new Map([...values].map(([id, { max }]) => [id, max]))
  const running = { values: new Map(), limits, packet: view(packet), memory: view(memoryAfter) }
  const outcome = runAll(steps, running) ?? 'short'
  const counter = Object.keys(outcomes).indexOf(outcome) * 8
  running.memory.setBigUint64(counter, running.memory.getBigUint64(counter, true) + 1n, true)
  return { built, packet, memory, verdict: verdicts[outcome], memoryAfter }
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
