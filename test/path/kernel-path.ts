// The generated program behind the model's interface: maps made and filled for a fixture, the program loaded, each
// frame put through a test run, and what was counted told by comparing the counters with those before. So one
// suite of vectors and one fuzzer run over both.

import { invariant } from '../../src/base/errors.ts'
import { layoutOf } from '../../src/dataplane/fill.ts'
import { Traffic } from '../../src/dataplane/memory.ts'
import type { Outcome } from '../../src/dataplane/model.ts'
import { outcomeNames, outcomes } from '../../src/dataplane/outcomes.ts'
import { packetProgram } from '../../src/dataplane/packet-path.ts'
import type { Fixture } from '../../src/dataplane/vectors/fixture.ts'
import { GenerationMaps } from '../../src/engine/generation-maps.ts'
import { heldFrame } from '../../src/engine/held-fragments.ts'
import { BPF_F_ANY_ALIGNMENT, type BpfProgram, loadProgram } from '../../src/kernel/program.ts'
import { Ring } from '../../src/kernel/ring.ts'
import { testRun } from '../../src/kernel/test-run.ts'

const VERDICT = { drop: 1, pass: 2, tx: 3 } as const

/** KernelPath: a fixture's packet path in the kernel. Owned: dispose it. */
export class KernelPath implements Disposable {
  readonly program: BpfProgram
  readonly maps: GenerationMaps
  readonly loadMs: number
  readonly #layout: ReturnType<typeof layoutOf>
  readonly #seen: BigUint64Array
  readonly #ring: Ring

  /** `anyAlignment`: for kernels without JIT, whose verifier is strict about alignment. */
  constructor({ shape, tables }: Fixture, { anyAlignment = false } = {}) {
    this.#layout = layoutOf(shape, tables.keys)
    const { spec } = packetProgram(shape, this.#layout.memory)
    this.maps = GenerationMaps.create(spec.maps, this.#layout, shape, tables)
    const flags = spec.flags | (anyAlignment ? BPF_F_ANY_ALIGNMENT : 0)
    const { program, loadMs } = loadProgram({ ...spec, flags }, this.maps.all)
    this.program = program
    this.loadMs = loadMs
    this.#seen = this.maps.counters.slice()
    this.#ring = new Ring(this.maps.all.get('held')!)
  }

  /** now: sets the time, in jiffies. */
  set now(jiffies: number) {
    new DataView(this.maps.all.get('clock')!.memory).setBigUint64(0, BigInt(jiffies), true)
  }

  /** forget: no fragment has come. */
  forget(): void {
    new Uint8Array(this.maps.all.get('fragments')!.memory).fill(0)
  }

  /** run one frame of at least 14 bytes. Throws when anything was counted twice, or by halves. */
  run(packet: Uint8Array): Outcome {
    const { verdict, packet: frame } = testRun(this.program, { packet })
    const handed = this.#ring.take()
    const counted = this.#counted()
    const outcome = outcomeNames[counted.outcome]!
    invariant(VERDICT[outcomes[outcome].verdict] === verdict, `counted ${outcome}, answered ${verdict}`)
    const isHeld = handed.length === 1 && Buffer.compare(heldFrame(handed[0]!), packet) === 0
    invariant(outcome === 'fragment-held' ? isHeld : handed.length === 0, 'another frame is held')
    // what a dropped frame holds is nobody's
    const after = verdict === VERDICT.drop ? new Uint8Array(packet) : new Uint8Array(frame)
    if (counted.service === undefined) return { outcome, frame: after }
    return { outcome, frame: after, service: counted.service, server: counted.server!, bytes: counted.bytes! }
  }

  /** What one packet added to the counters: one outcome, and for a forwarded one a service and a server. */
  #counted(): { outcome: number; service?: number; server?: number; bytes?: number } {
    const { Block, counters } = this.#layout.memory
    const words = this.maps.counters
    const added: { at: number; by: bigint }[] = []
    for (let at = 0; at < words.length; at++) {
      if (words[at] === this.#seen[at]) continue
      added.push({ at: at * 8, by: words[at]! - this.#seen[at]! })
      this.#seen[at] = words[at]!
    }
    const carry = counters.type.offsets.carry
    const inBlock = added.map(({ at, by }) => {
      invariant(at < carry, 'the packet path wrote to the carry block')
      return { at: at % Block.size, by }
    })
    // what is counted to bound something is none of the counters
    const bounds = [Block.offsets.exceeded, Block.offsets.held]
    const [outcome, ...rest] = inBlock.filter(({ at }) => !bounds.includes(at))
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
