// What runs, told: counters, memory, flows, and what each server is to each pool. Reads memory that packets write to at
// the same time; a sum may be a packet older than its neighbour.

import { FLOW } from '../dataplane/flow-record.ts'
import { mapSizes } from '../dataplane/memory.ts'
import type { Assignment } from './assignment.ts'
import { readTotals } from './counters.ts'
import type { Drain, EngineStatus, FlowsStatus, PoolServer, PoolStatus } from './engine.ts'
import type { FlowKeeper } from './flow-keeper.ts'
import type { Generation, Prepared } from './generation.ts'
import type { Known } from './known.ts'
import type { Schedules } from './schedules.ts'

/** Live: what is applied and attached. */
export interface Live {
  readonly prepared: Prepared
  readonly generation: Generation
  readonly assignment: Assignment
  readonly known: Known
  readonly keeper: FlowKeeper | undefined
  readonly schedules: Schedules | undefined
}

const NONE = { packets: 0n, bytes: 0n }

/** statusOf what is live. `modeOf`: how a program runs on an interface, by index; `now` by the engine's clock. */
export function statusOf(
  live: Live,
  modeOf: (ifindex: number) => 'native' | 'generic',
  now: number,
): EngineStatus {
  const { prepared, generation, known, keeper } = live
  const { plan, layout } = prepared
  const meta = generation.meta!
  const totals = readTotals(generation.maps.counters, meta)
  const pools = plan.pools.map((_, pool) => poolStatus(live, pool, now))
  const sums = sumsOf(pools)
  const maps = mapSizes(layout.memory)
  const flows = keeper && flowsStatus(keeper, maps.find(({ name }) => name === 'flows')?.bytes ?? 0)
  const indexOf = new Map(plan.services.flatMap((each, index) => (each ? [[each.name, index] as const] : [])))
  return {
    engine: 'xdp',
    generation: meta.generation,
    interfaces: plan.interfaces.map(({ number, name, index }) => {
      const { id, instructions } = generation.programs.get(number)!.info
      const { loadMs } = meta.interfaces[number]!
      return { name, mode: modeOf(index), programId: id, instructions, loadMs }
    }),
    memoryBytes: maps.reduce((sum, { bytes }) => sum + bytes, 0),
    maps,
    ...(flows && { flows }),
    outcomes: Object.fromEntries(totals.outcomes),
    ...(flows && { events: Object.fromEntries(totals.events) }),
    services: plan.spec.services.map(({ name }) => ({
      name,
      flows: keeper?.swept?.services[indexOf.get(name)!] ?? 0,
      networks: keeper?.swept?.networks[indexOf.get(name)!] ?? 0,
      ...(totals.services.get(name) ?? NONE),
    })),
    pools,
    servers: plan.spec.servers
      .filter(({ name }) => plan.idOf.has(name))
      .map(({ name }) => ({
        name,
        neighbour: known.neighbourOf(name),
        ...(sums.get(name) ?? { share: 0, flows: 0 }),
        ...(totals.servers.get(name) ?? NONE),
      })),
  }
}

/** sums: each server's share and flows over the pools that it is in. */
function sumsOf(pools: readonly PoolStatus[]): ReadonlyMap<string, { share: number; flows: number }> {
  const sums = new Map<string, { held: number; of: number; flows: number }>()
  for (const { slots, servers } of pools) {
    for (const { name, share, flows } of servers) {
      const sum = sums.get(name) ?? { held: 0, of: 0, flows: 0 }
      sums.set(name, { held: sum.held + share * slots, of: sum.of + slots, flows: sum.flows + flows })
    }
  }
  return new Map([...sums].map(([name, { held, of, flows }]) => [name, { share: held / of, flows }]))
}

function flowsStatus({ records, swept }: FlowKeeper, bytes: number): FlowsStatus {
  const { live = 0, states = [0, 0, 0, 0], networks = new Uint32Array() } = swept ?? {}
  return {
    capacity: records.entries,
    bytes,
    live,
    networks: networks.reduce((sum, each) => sum + each, 0),
    closed: states[FLOW.closed]!,
    syn: states[FLOW.syn]!,
    established: states[FLOW.established]!,
  }
}

function poolStatus(live: Live, pool: number, now: number): PoolStatus {
  const { prepared, assignment, known, keeper, schedules } = live
  const { name, table, members, ids } = prepared.plan.pools[pool]!
  const slots = assignment.poolAt(pool)
  const { held } = slots
  return {
    name,
    slots: table.slots,
    young: slots.young,
    isSorry: slots.isSorry,
    servers: members.map(({ name: server, weight: configured }, member): PoolServer => {
      const state = known.stateOf(name, server, configured)
      return {
        name: server,
        state,
        ...(member >= table.members.length && { isSorry: true as const }),
        weight: known.weightOf(name, server, configured),
        configured,
        share: held[member]! / table.slots,
        flows: keeper?.flowsOf(pool, ids[member]!).flows ?? 0,
        ...schedules?.loadOf(pool, ids[member]!),
        ...(state === 'draining' && { drain: drainOf(live, pool, server, now) }),
      }
    }),
  }
}

/**
 * drainOf a server: done when no flow of it is known and none can be unknown any more, because each that has sent
 * within its time-out was recorded since; or at its deadline.
 */
function drainOf(
  { prepared, assignment, known, keeper }: Live,
  pool: number,
  server: string,
  now: number,
): Drain {
  const { name } = prepared.plan.pools[pool]!
  const since = known.drainingSince(name, server) ?? now
  const { drainS } = known.viewOf(name, server)
  const { flows, silentS } = keeper?.flowsOf(pool, prepared.plan.idOf.get(server)!) ?? {
    flows: 0,
    silentS: undefined,
  }
  const unknownUntil = since + (assignment.livesOf(pool)?.young ?? 0)
  const isCounted = !keeper || (keeper.swept !== undefined && keeper.swept.since >= unknownUntil)
  const leftS = drainS === undefined ? undefined : Math.max(0, drainS - (now - since) / 1_000)
  return {
    sinceS: (now - since) / 1_000,
    flows,
    ...(silentS !== undefined && { silentS }),
    ...(leftS !== undefined && { leftS }),
    done: leftS === 0 || (isCounted && flows === 0 && now >= unknownUntil),
  }
}
