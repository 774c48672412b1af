// The generated program behind the model's interface: maps made and filled for a fixture, the program loaded, each
// frame put through a test run, and what was counted told by comparing the counters with those before. So one
// suite of vectors and one fuzzer run over both.

import { invariant } from '../../src/base/errors.ts'
import { AWAIT } from '../../src/dataplane/awaiting.ts'
import { type Layout, layoutOf, serverWord } from '../../src/dataplane/fill.ts'
import { type Memory, poolBases, Traffic } from '../../src/dataplane/memory.ts'
import type { Outcome } from '../../src/dataplane/model.ts'
import { type EventName, eventNames, outcomeNames, outcomes } from '../../src/dataplane/outcomes.ts'
import { packetProgram } from '../../src/dataplane/packet-path.ts'
import type { ScheduleImage } from '../../src/dataplane/scheduling.ts'
import type { Fixture } from '../../src/dataplane/vectors/fixture.ts'
import type { FlowPath } from '../../src/dataplane/vectors/tell.ts'
import { GenerationMaps } from '../../src/engine/generation-maps.ts'
import { heldFrame } from '../../src/engine/held-fragments.ts'
import { BPF_F_ANY_ALIGNMENT, type BpfProgram, loadProgram } from '../../src/kernel/program.ts'
import { Ring } from '../../src/kernel/ring.ts'
import { testRun } from '../../src/kernel/test-run.ts'

const VERDICT = { drop: 1, pass: 2, tx: 3, redirect: 4 } as const

/** KernelPath: a fixture's packet path in the kernel. Owned: dispose it. */
export class KernelPath implements FlowPath, Disposable {
  readonly program: BpfProgram
  readonly maps: GenerationMaps
  readonly loadMs: number
  readonly fixture: Fixture
  readonly memory: Memory
  readonly #seen: BigUint64Array
  readonly #layout: Layout
  readonly #ring: Ring
  #events = new BigUint64Array(eventNames.length)

  /** `anyAlignment`: for kernels without JIT, whose verifier is strict about alignment. */
  constructor(fixture: Fixture, { anyAlignment = false } = {}) {
    const { shape, tables } = fixture
    const layout = layoutOf(shape, tables.keys)
    this.fixture = fixture
    this.memory = layout.memory
    this.#layout = layout
    const { spec } = packetProgram(shape, layout.memory)
    this.maps = GenerationMaps.create(spec.maps, layout, shape, tables)
    const flags = spec.flags | (anyAlignment ? BPF_F_ANY_ALIGNMENT : 0)
    const { program, loadMs } = loadProgram({ ...spec, flags }, this.maps.all)
    this.program = program
    this.loadMs = loadMs
    this.#seen = this.maps.counters.slice()
    this.#ring = new Ring(this.maps.all.get('held')!)
  }

  /** run one frame of at least 14 bytes. Throws when anything was counted twice, or by halves. */
  run(packet: Uint8Array): Outcome {
    const { verdict, packet: frame } = testRun(this.program, { packet })
    const handed = this.#ring.take()
    const counted = this.#counted()
    const outcome = outcomeNames[counted.outcome]!
    invariant(VERDICT[outcomes[outcome].verdict] === verdict, `counted ${outcome}, answered ${verdict}`)
    const isHeld = handed.length === 1 && Buffer.compare(heldFrame(handed[0]!), packet) === 0
    const hands = outcome === 'fragment-held' || outcome === 'fragment-copied'
    invariant(hands ? isHeld : handed.length === 0, 'another frame is held')
    // what a dropped frame holds is nobody's
    const after = verdict === VERDICT.drop ? new Uint8Array(packet) : new Uint8Array(frame)
    if (counted.service === undefined) return { outcome, frame: after }
    return { outcome, frame: after, service: counted.service, server: counted.server!, bytes: counted.bytes! }
  }

  /** flows: the flow table, the bits of failed and of shut servers, all slots now and before, as words. */
  get flows(): Uint32Array {
    return this.#words('flows', this.memory.tracking!.flows.type.size)
  }

  get answers(): Uint32Array | undefined {
    const { answers } = this.memory.tracking!
    return answers && this.#words('answers', answers.type.size)
  }

  get failed(): Uint32Array {
    return this.#words('failed', this.memory.tracking!.failed.type.size)
  }

  get shut(): Uint32Array | undefined {
    const shut = this.memory.tracking?.shut
    return shut && this.#words('shut', shut.type.size)
  }

  get slots(): readonly Uint32Array[] {
    const words = this.maps.slots
    const { pools } = this.fixture.shape
    return poolBases(this.fixture.shape).map((base, pool) => words.subarray(base, base + pools[pool]!))
  }

  get before(): readonly Uint32Array[] {
    const before = this.memory.tracking?.before
    if (!before) return []
    const words = this.#words('before', before.type.size).subarray(before.type.offsets.words / 4)
    let base = 0
    return this.fixture.shape.before!.map((slots) => {
      base += slots
      return words.subarray(base - slots, base)
    })
  }

  /** schedules: what schedulers that count go by. */
  get schedules(): ScheduleImage | undefined {
    return this.maps.schedule(this.#layout)
  }

  setJiffies(jiffies: bigint): void {
    this.#words('clock', 8).set([Number(jiffies & 0xffffffffn), Number(jiffies >> 32n)])
  }

  /** forgetFragments: no fragment has come. */
  forgetFragments(): void {
    new Uint8Array(this.maps.all.get('fragments')!.memory).fill(0)
  }

  setUsable(server: number, usable: boolean): void {
    const entry = { ...this.fixture.tables.servers[server]!, usable }
    this.maps.tables[this.memory.tables.type.offsets.servers / 8 + server] = serverWord(entry)
  }

  setAwaiting(isAwaiting: boolean): void {
    this.maps.words('awaiting')?.fill(isAwaiting ? AWAIT.records : AWAIT.nothing)
  }

  /** events counted since it was asked last. */
  events(): Readonly<Record<EventName, number>> {
    const counted = this.#events
    this.#events = new BigUint64Array(eventNames.length)
    return Object.fromEntries(eventNames.map((name, i) => [name, Number(counted[i]!)])) as Record<
      EventName,
      number
    >
  }

  forgetNewFlows(): void {
    const { Block, counters } = this.memory
    for (let block = 0; block < counters.type.fields.blocks.count; block++)
      this.maps.counters[(block * Block.size + Block.offsets.newFlows) / 8] = 0n
  }

  #words(name: 'flows' | 'answers' | 'failed' | 'shut' | 'before' | 'clock', bytes: number): Uint32Array {
    return this.maps.words(name)!.subarray(0, bytes / 4)
  }

  /** What one packet added to the counters: one outcome, and for a forwarded one a service and a server; events. */
  #counted(): { outcome: number; service?: number; server?: number; bytes?: number } {
    const { Block, counters } = this.memory
    const words = this.maps.counters
    const added: { at: number; by: bigint }[] = []
    for (let at = 0; at < words.length; at++) {
      if (words[at] === this.#seen[at]) continue
      added.push({ at: at * 8, by: words[at]! - this.#seen[at]! })
      this.#seen[at] = words[at]!
    }
    const carry = counters.type.offsets.carry
    const { newFlows, exceeded, held, recorder, fill } = Block.offsets
    const bounds = [newFlows, exceeded, held]
    const inBlock = added.flatMap(({ at, by }) => {
      invariant(at < carry, 'the packet path wrote to the carry block')
      const place = at % Block.size
      // what is counted to bound something is none of the counters
      if (bounds.includes(place) || (place >= recorder && place < fill)) return []
      const event = (place - Block.offsets.events) / 8
      if (event < 0 || event >= eventNames.length) return [{ at: place, by }]
      this.#events[event]! += by
      return []
    })
    const [outcome, ...rest] = inBlock
    invariant(
      outcome && outcome.at < Block.offsets.services && outcome.by === 1n,
      'not exactly one outcome was counted',
    )
    if (rest.length === 0) return { outcome: outcome.at / 8 }
    invariant(rest.length === 4, `${rest.length} counters beside the outcome`)
    const [packets, bytes, serverPackets, serverBytes] = rest as [
      (typeof rest)[0],
      (typeof rest)[0],
      (typeof rest)[0],
      (typeof rest)[0],
    ]
    invariant(
      packets.by === 1n && serverPackets.by === 1n && bytes.by === serverBytes.by,
      'service and server differ',
    )
    return {
      outcome: outcome.at / 8,
      service: (packets.at - Block.offsets.services) / Traffic.size,
      server: (serverPackets.at - Block.offsets.servers) / Traffic.size,
      bytes: Number(bytes.by),
    }
  }

  [Symbol.dispose](): void {
    this.#ring[Symbol.dispose]()
    this.program[Symbol.dispose]()
    this.maps[Symbol.dispose]()
  }
}
