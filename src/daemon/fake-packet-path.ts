// FakePacketPath: a packet path without a kernel, for tests of the daemon: it remembers what it was told, counts
// generations as the real one does, and refuses or drifts when a test says so.

import { type Endpoint, formatEndpoint, formatListener, type Protocol } from '../base/addresses.ts'
import type { TenbinError } from '../base/errors.ts'
import type { Applied, EngineSpec, EngineStatus, Neighbour, Trace } from '../engine/engine.ts'
import type { PacketPath } from './ports.ts'

export class FakePacketPath implements PacketPath {
  readonly keys: BigUint64Array
  /** spec: what is forwarded now. */
  spec: EngineSpec | undefined
  neighbours = new Map<string, Neighbour>()
  generation = 0
  /** calls: everything that was asked of it, in order. */
  readonly calls: string[] = []
  /** refusal: the next apply throws this. */
  refusal: TenbinError | undefined
  /** drifted: what drift() says until the next apply. */
  drifted: string[] = []

  constructor(keys = BigUint64Array.from({ length: 8 }, (_, i) => BigInt(i + 1))) {
    this.keys = keys
  }

  apply(spec: EngineSpec, neighbours: ReadonlyMap<string, Neighbour>): Applied {
    const { refusal } = this
    this.refusal = undefined
    if (refusal) throw refusal
    const change = this.spec ? 'replaced' : 'created'
    this.spec = spec
    this.neighbours = new Map(neighbours)
    this.drifted = []
    this.generation++
    this.calls.push(`apply ${spec.services.map(({ name }) => name).join(' ')} on ${spec.interface.name}`)
    return { change, generation: this.generation, loadMs: 1, instructions: 100, notes: [] }
  }

  setNeighbour(server: string, neighbour: Neighbour): void {
    this.neighbours.set(server, neighbour)
    this.calls.push(`${server} ${'mac' in neighbour ? neighbour.mac : neighbour.why}`)
  }

  status(): EngineStatus {
    const none = { packets: 0n, bytes: 0n }
    return {
      engine: 'xdp',
      mode: 'native',
      program: { id: 1, instructions: 100, loadMs: 1, generation: this.generation },
      memoryBytes: 4096,
      outcomes: { forwarded: 2n ** 60n, 'no-server': 0n },
      services: this.spec!.services.map(({ name }) => ({ name, ...none })),
      servers: this.spec!.servers.map(({ name }) => ({
        name,
        neighbour: this.neighbours.get(name) ?? { why: 'not resolved yet' },
        share: 1 / this.spec!.servers.length,
        ...none,
      })),
    }
  }

  trace(client: Endpoint, listener: Endpoint, protocol: Protocol = 'tcp'): Trace {
    const target = formatListener({ ...listener, protocol })
    return { outcome: 'no-listener', steps: [`${formatEndpoint(client)} to ${target}`] }
  }

  drift(): readonly string[] {
    return this.drifted
  }

  listing(): readonly string[] {
    return ['0: exit']
  }

  [Symbol.dispose](): void {}
}
