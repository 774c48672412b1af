// FakePacketPath: a packet path without a kernel, for tests of the daemon: it remembers what it was told, counts
// generations as the real one does, and refuses or drifts when a test says so.

import { type Endpoint, formatEndpoint, formatIp, formatListener, type Protocol } from '../base/addresses.ts'
import type { TenbinError } from '../base/errors.ts'
import type { Steps } from '../base/steps.ts'
import type { Rewritten } from '../engine/audit.ts'
import type { EngineDefence } from '../engine/defence-status.ts'
import type {
  Applied,
  Changed,
  EngineSpec,
  EngineStatus,
  Neighbour,
  PoolServer,
  ServerView,
  Totals,
  Trace,
  Traffic,
  Views,
  Weighed,
} from '../engine/engine.ts'
import type { RecorderReader } from '../engine/recorded.ts'
import type { Replica } from '../engine/replica.ts'
import { usesSorry } from '../engine/sorry.ts'
import type { Found } from './controller-options.ts'
import type { PacketPath } from './ports.ts'

const NONE: Traffic = { packets: 0n, bytes: 0n }

export class FakePacketPath implements PacketPath {
  keys: BigUint64Array
  /** replica: of an engine that nothing is applied to: nobody is told anything. */
  readonly replica: Replica = {
    isLive: false,
    pools: () => [],
    revisionOf: () => undefined,
    share: () => undefined,
    follow: () => 'unknown',
    lead: () => 0,
    renew: () => 0,
    awaitRecords: () => {},
    flows: () => undefined,
  }
  /** spec: what is forwarded now. */
  spec: EngineSpec | undefined
  neighbours = new Map<string, Neighbour>()
  /** views: by pool and server, as told by apply and setServer. */
  readonly views = new Map<string, Map<string, ServerView>>()
  /** lost: pools, as told by apply and setLost. */
  lost = new Set<string>()
  ticks = 0
  /** recorder: what a test puts there. */
  recorder: RecorderReader | undefined
  /** defence: what a test puts there. */
  defence: EngineDefence | undefined
  /** traffic: what has gone to a service or a server, by its name. */
  readonly traffic = new Map<string, Traffic>()
  generation = 0
  /** calls: everything that was asked of it, in order. */
  readonly calls: string[] = []
  /** refusal: the next apply throws this. */
  refusal: TenbinError | undefined
  /** deaf: what setServer throws, by server, and setLost, by pool. */
  readonly deaf = new Map<string, TenbinError>()
  /** drifted: what drift() says until the next apply. */
  drifted: string[] = []
  /** drifts: what drift() says whatever is applied. */
  drifts: string[] = []
  /** rewritten: what the next audit finds, and mends. */
  rewritten: Rewritten[] = []

  constructor(keys = BigUint64Array.from({ length: 8 }, (_, i) => BigInt(i + 1))) {
    this.keys = keys
  }

  apply(
    spec: EngineSpec,
    neighbours: ReadonlyMap<string, Neighbour>,
    views: Views = new Map(),
    lost: ReadonlySet<string> = new Set(),
  ): Applied {
    const { refusal } = this
    this.refusal = undefined
    if (refusal) throw refusal
    const change = this.spec ? 'replaced' : 'created'
    this.spec = spec
    this.lost = new Set(lost)
    this.neighbours = new Map(neighbours)
    for (const [pool, servers] of views)
      for (const [server, view] of servers) this.#viewsOf(pool).set(server, view)
    this.drifted = []
    this.generation++
    this.calls.push(
      `apply ${spec.services.map(({ name }) => name).join(' ')} on ${spec.interfaces.map(({ name }) => name).join(' ')}`,
    )
    return { change, generation: this.generation, loadMs: 1, instructions: 100, notes: [] }
  }

  setNeighbour(server: string, neighbour: Neighbour): void {
    this.neighbours.set(server, neighbour)
    this.calls.push(`${server} ${'mac' in neighbour ? neighbour.mac : neighbour.why}`)
  }

  setServer(pool: string, server: string, view: ServerView): Changed {
    const { members = [], sorry = [] } = this.spec?.pools.find(({ name }) => name === pool) ?? {}
    const member = [...members, ...sorry].find((each) => each.server === server)
    if (!member) return { slots: 0, of: 0, peers: 0, weight: 0, clamped: false }
    const deaf = this.deaf.get(server)
    if (deaf) throw deaf
    this.#viewsOf(pool).set(server, view)
    const weight = Math.min(view.weight ?? member.weight, member.weight)
    this.calls.push(`${pool}/${server} ${view.up ? 'up' : 'down'} ${weight}`)
    return { slots: 1, of: 10, peers: 2, weight, clamped: (view.weight ?? 0) > member.weight }
  }

  /** found: what a daemon that comes later finds of it: who is up, with weight and neighbour, holds slots. */
  found(): Found {
    const { spec } = this
    if (!spec) return { servers: [], pools: [] }
    const addresses = new Map(spec.servers.map(({ name, address }) => [name, formatIp(address)]))
    const pools = spec.pools.map(({ name, members, sorry = [] }) => {
      const inUse = this.#isSorry(name) ? sorry : members
      const those = (of: readonly Weighed[], ...states: PoolServer['state'][]) =>
        new Map(
          of
            .filter(({ server, weight }) => states.includes(this.#poolServer(name, server, weight, 1).state))
            .map(({ server }) => [server, addresses.get(server)!]),
        )
      const services = spec.services.filter((each) => each.pool === name).map((each) => each.name)
      const unfailed = those([...members, ...sorry], 'up', 'draining')
      return { name, services, holders: those(inUse, 'up'), unfailed }
    })
    return { servers: spec.servers.map(({ name }) => name), pools }
  }

  setLost(pool: string, isLost: boolean): number {
    const deaf = this.deaf.get(pool)
    if (deaf) throw deaf
    if (isLost) this.lost.add(pool)
    else this.lost.delete(pool)
    this.calls.push(`${pool} ${isLost ? 'lost' : 'back'}`)
    return 1
  }

  sorry(): ReadonlySet<string> {
    return new Set(this.spec!.pools.flatMap(({ name }) => (this.#isSorry(name) ? [name] : [])))
  }

  tick(): void {
    this.ticks++
  }

  status(): EngineStatus {
    return {
      engine: 'xdp',
      generation: this.generation,
      interfaces: this.spec!.interfaces.map(({ name }, i) => ({
        name,
        mode: 'native',
        programId: i + 1,
        instructions: 100,
        loadMs: 1,
      })),
      memoryBytes: 4096,
      maps: [{ name: 'tables', bytes: 4096 }],
      outcomes: { forwarded: 2n ** 60n, 'no-server': 0n },
      services: this.spec!.services.map(({ name }) => ({
        name,
        flows: 0,
        networks: 0,
        ...(this.traffic.get(name) ?? NONE),
      })),
      pools: this.spec!.pools.map(({ name, members, sorry = [] }) => ({
        name,
        slots: 1_024,
        young: 0,
        isSorry: this.#isSorry(name),
        servers: [
          ...members.map(({ server, weight }) => this.#poolServer(name, server, weight, members.length)),
          ...sorry.map(({ server, weight }) => ({
            ...this.#poolServer(name, server, weight, sorry.length),
            isSorry: true as const,
          })),
        ],
      })),
      servers: this.spec!.servers.map(({ name }) => ({
        name,
        neighbour: this.neighbours.get(name) ?? { why: 'not resolved yet' },
        share: 1 / this.spec!.servers.length,
        flows: 0,
        ...(this.traffic.get(name) ?? NONE),
      })),
    }
  }

  *statusSteps(): Steps<EngineStatus> {
    yield
    return this.status()
  }

  totals(): Totals {
    const named = (all: readonly { readonly name: string }[]) =>
      new Map(all.map(({ name }) => [name, this.traffic.get(name) ?? NONE]))
    const { outcomes } = this.status()
    return {
      outcomes: new Map(Object.entries(outcomes)),
      events: new Map(),
      services: named(this.spec!.services),
      servers: named(this.spec!.servers),
    }
  }

  trace(client: Endpoint, listener: Endpoint, protocol: Protocol = 'tcp'): Trace {
    const target = formatListener({ ...listener, protocol })
    return { outcome: 'no-listener', steps: [`${formatEndpoint(client)} to ${target}`] }
  }

  drift(): readonly string[] {
    return [...this.drifted, ...this.drifts]
  }

  rekey(keys: BigUint64Array): void {
    this.keys = keys
    this.calls.push('rekey')
  }

  audit(): readonly Rewritten[] {
    return this.rewritten.splice(0)
  }

  listing(): readonly string[] {
    return ['0: exit']
  }

  [Symbol.dispose](): void {}

  #isSorry(pool: string): boolean {
    const { members, sorry = [] } = this.spec!.pools.find(({ name }) => name === pool)!
    const counts = [...members, ...sorry].map(({ server, weight }) =>
      this.#poolServer(pool, server, weight, 1).state === 'up' ? weight : 0,
    )
    return usesSorry(counts, members.length, this.lost.has(pool))
  }

  #viewsOf(pool: string): Map<string, ServerView> {
    const known = this.views.get(pool) ?? new Map<string, ServerView>()
    this.views.set(pool, known)
    return known
  }

  #poolServer(pool: string, name: string, configured: number, of: number): PoolServer {
    const { up, weight = configured } = this.views.get(pool)?.get(name) ?? { up: true }
    const state = configured === 0 ? 'off' : !up ? 'failed' : weight === 0 ? 'draining' : 'up'
    const isDraining = state === 'draining'
    return {
      name,
      state,
      weight: Math.min(weight, configured),
      configured,
      share: state === 'up' ? 1 / of : 0,
      flows: 0,
      ...(isDraining && { drain: { sinceS: 0, flows: 0, done: true } }),
    }
  }
}
