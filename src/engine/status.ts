// What runs, told: counters, memory, flows, and what each server is to each pool. Reads memory that packets write to at
// the same time; a sum may be a packet older than its neighbour.

import { onOne, type Steps } from '../base/steps.ts'
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

/** StatusSource: what a status is of. `modeOf`: how a program runs on an interface, by index; `now` by the engine's clock. */
export interface StatusSource {
  readonly live: () => Live
  readonly modeOf: (ifindex: number) => 'native' | 'generic'
  readonly now: () => number
}

/** statusSteps of what is live; where something else is before they are over, they begin again with that. */
export const statusSteps = (source: StatusSource): Steps<EngineStatus> =>
  onOne(source.live, (live) => stepsOf(live, source))

function* stepsOf(live: Live, { modeOf, now }: StatusSource): Steps<EngineStatus> {
  const pools: PoolStatus[] = []
  const sums = new Map<string, Sum>()
  for (const pool of live.prepared.plan.pools.keys()) {
    const status = poolStatus(live, pool, now())
    pools.push(status)
    addTo(sums, status)
    yield
  }
  return statusOf(live, modeOf, pools, sums)
}

function statusOf(
  live: Live,
  modeOf: StatusSource['modeOf'],
  pools: readonly PoolStatus[],
  sums: ReadonlyMap<string, Sum>,
): EngineStatus {
  const { prepared, generation, known, keeper } = live
  const { plan, layout } = prepared
  const meta = generation.meta!
  const totals = readTotals(generation.maps.counters, meta)
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
        ...shareOf(sums.get(name)),
        ...(totals.servers.get(name) ?? NONE),
      })),
  }
}

/** Sum: what a server has of all pools that it is in: slots that it holds, and all of theirs. */
interface Sum {
  held: number
  of: number
  flows: number
}

function addTo(sums: Map<string, Sum>, { slots, servers }: PoolStatus): void {
  for (const { name, share, flows } of servers) {
    const sum = sums.get(name) ?? { held: 0, of: 0, flows: 0 }
    sums.set(name, sum)
    sum.held += share * slots
    sum.of += slots
    sum.flows += flows
  }
}

const shareOf = (sum: Sum | undefined) =>
  sum ? { share: sum.held / sum.of, flows: sum.flows } : { share: 0, flows: 0 }

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
