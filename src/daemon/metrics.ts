// The daemon's metrics, from what its status tells and nothing else, so that the two cannot differ. Pure.

import type { Steps } from '../base/steps.ts'
import { outcomes } from '../dataplane/outcomes.ts'
import type { EventKind } from '../events/event.ts'
import { LATENCY_BOUNDS } from '../health/history.ts'
import type { Status } from './api-schema.ts'
import { type MetricName, type MetricText, metricCatalogue } from './metric-catalogue.ts'
import { bit, one, type Samples } from './metric-samples.ts'
import { floodSamples } from './metrics-flood.ts'
import { roleSamples } from './metrics-roles.ts'
import type { Family, Sample } from './open-metrics.ts'

/** ProcessFacts: of the daemon's own process, and how often each kind of event was told of by it. */
export interface ProcessFacts {
  readonly residentBytes: number
  readonly cpuSeconds: number
  readonly events: ReadonlyMap<EventKind, number>
}

/** metricsSteps of a status, a few families each: families in the order of the catalogue. */
export function* metricsSteps(status: Status, process: ProcessFacts): Steps<Family[]> {
  const samples: Samples = {
    ...daemonSamples(status),
    ...packetSamples(status),
    ...serviceSamples(status),
    ...(yield* poolSamples(status)),
    ...(status.checker && checkerSamples(status.checker)),
    ...roleSamples(status),
    ...peerSamples(status),
    ...floodSamples(status),
    tenbin_events: [...process.events].map(([kind, value]) => ({ labels: { kind }, value })),
    process_resident_memory_bytes: one(process.residentBytes),
    process_cpu_seconds: one(process.cpuSeconds),
  }
  return Object.entries<MetricText>(metricCatalogue).map(([name, { labels: _, ...text }]) => ({
    ...{ name, samples: samples[name as MetricName] ?? [] },
    ...(text as Pick<Family, 'type' | 'help' | 'unit'>),
  })) as Family[]
}

const secondsOf = (iso: string): number => Date.parse(iso) / 1000

function daemonSamples(status: Status): Samples {
  const { version, instance, node, startedAt, state, file, program, problems } = status
  const codes = new Map<string, number>()
  for (const { code } of problems) codes.set(code, (codes.get(code) ?? 0) + 1)
  return {
    tenbin_build: [{ labels: { version, instance, ...(node !== undefined && { node }) }, value: 1 }],
    tenbin_start_time_seconds: one(secondsOf(startedAt)),
    tenbin_forwarding: one(bit(state === 'forwarding')),
    tenbin_problems: [...codes].map(([code, value]) => ({ labels: { code }, value })),
    ...(file.appliedAt !== undefined && { tenbin_last_apply_time_seconds: one(secondsOf(file.appliedAt)) }),
    ...(program && {
      tenbin_generation: one(program.generation),
      tenbin_engine_memory_bytes: program.maps.map(({ name, bytes }) => ({
        labels: { map: name },
        value: bytes,
      })),
    }),
    tenbin_interface_up: status.interfaces.map(({ name, up }) => ({
      labels: { interface: name },
      value: bit(up),
    })),
  }
}

function packetSamples({ outcomes: counts, events = {}, flows }: Status): Samples {
  const verdicts: Readonly<Record<string, { readonly verdict: string }>> = outcomes
  return {
    tenbin_packets: Object.entries(counts).map(([outcome, value]) => ({
      labels: { outcome, verdict: verdicts[outcome]?.verdict ?? 'unknown' },
      value,
    })),
    tenbin_flow_events: Object.entries(events).map(([event, value]) => ({ labels: { event }, value })),
    ...(flows && {
      tenbin_flow_table_capacity: one(flows.capacity),
      tenbin_flows: (['syn', 'established', 'closed'] as const).map((state) => ({
        labels: { state },
        value: flows[state],
      })),
    }),
  }
}

type PoolServer = Status['pools'][number]['servers'][number]

function serviceSamples({ services, servers, pools }: Status): Samples {
  type Service = Status['services'][number]
  type Server = Status['servers'][number]
  const ofService = (value: (service: Service) => number | string): Sample[] =>
    services.map((each) => ({ labels: { service: each.name }, value: value(each) }))
  const ofServer = (value: (server: Server) => number | string): Sample[] =>
    servers.map((each) => ({ labels: { server: each.name }, value: value(each) }))
  const members = new Map(pools.map((pool) => [pool.name, pool.servers]))
  const counted = ({ pool }: Service, is: (server: PoolServer) => boolean): number =>
    (members.get(pool) ?? []).filter((server) => !server.sorry && is(server)).length
  return {
    tenbin_service_packets: ofService(({ packets }) => packets),
    tenbin_service_bytes: ofService(({ bytes }) => bytes),
    tenbin_service_flows: ofService(({ flows }) => flows),
    tenbin_service_servers: ofService((each) => counted(each, ({ state }) => state !== 'off')),
    tenbin_service_servers_up: ofService((each) => counted(each, ({ state }) => state === 'up')),
    tenbin_server_packets: ofServer(({ packets }) => packets),
    tenbin_server_bytes: ofServer(({ bytes }) => bytes),
    tenbin_server_flows: ofServer(({ flows }) => flows),
  }
}

/** poolSamples: of what there is most: the servers of each pool. */
function* poolSamples({ pools }: Status): Steps<Samples> {
  const ofMember = function* (value: (server: PoolServer) => number): Steps<Sample[]> {
    const samples: Sample[] = []
    for (const pool of pools) {
      for (const each of pool.servers)
        samples.push({ labels: { pool: pool.name, server: each.name }, value: value(each) })
      yield
    }
    return samples
  }
  const states: Sample[] = []
  for (const pool of pools) {
    for (const { name, state } of pool.servers)
      states.push({ labels: { pool: pool.name, server: name, state }, value: 1 })
    yield
  }
  return {
    tenbin_pool_server_up: yield* ofMember(({ state }) => bit(state === 'up')),
    tenbin_pool_server_state: states,
    tenbin_pool_server_weight: yield* ofMember(({ weight }) => weight),
    tenbin_pool_server_share_ratio: yield* ofMember(({ share }) => share),
    tenbin_pool_quorum: pools.flatMap(({ name, quorum }) =>
      quorum ? [{ labels: { pool: name }, value: bit(quorum.state !== 'lost') }] : [],
    ),
    tenbin_pool_sorry: pools.map(({ name, sorry }) => ({
      labels: { pool: name },
      value: bit(sorry === true),
    })),
    tenbin_pool_guard_held: pools.map((pool) => ({
      labels: { pool: pool.name },
      value: pool.servers.filter(({ check }) => check?.state === 'held').length,
    })),
  }
}

function peerSamples({ peers = [], sharing = [] }: Status): Samples {
  return {
    tenbin_node_connected: peers.map(({ name, state }) => ({
      labels: { node: name },
      value: bit(state === 'connected'),
    })),
    tenbin_node_clock_ahead_seconds: peers.flatMap(({ name, clockAheadMs }) =>
      clockAheadMs === undefined ? [] : [{ labels: { node: name }, value: clockAheadMs / 1000 }],
    ),
    tenbin_node_told: sharing.map(({ name, state }) => ({
      labels: { node: name },
      value: bit(state === 'current'),
    })),
    tenbin_node_told_records: sharing.map(({ name, records }) => ({
      labels: { node: name },
      value: records,
    })),
    tenbin_node_heard_records: sharing.flatMap(({ name, taken, lost }) => [
      { labels: { node: name, what: 'taken' }, value: taken },
      { labels: { node: name, what: 'lost' }, value: lost },
    ]),
  }
}

const BOUNDS = LATENCY_BOUNDS.map((ms) => ms / 1000)

function checkerSamples(checker: NonNullable<Status['checker']>): Samples {
  const { state, ends, isCrashLoop, checks, overdue, totals = [], lateness } = checker
  return {
    tenbin_checker_up: one(bit(state === 'present')),
    tenbin_checker_ends: one(ends),
    tenbin_checker_crash_loop: one(bit(isCrashLoop)),
    ...(checks !== undefined && { tenbin_checks: one(checks) }),
    ...(overdue !== undefined && { tenbin_checks_overdue: one(overdue) }),
    tenbin_check_looks: totals.flatMap((each) =>
      (['good', 'bad', 'none'] as const).map((outcome) => ({
        labels: { kind: each.kind, outcome },
        value: each[outcome],
      })),
    ),
    tenbin_check_duration_seconds: totals.map(({ kind, latencies, sumMs }) => ({
      ...{ labels: { kind }, bounds: BOUNDS, counts: latencies, sum: sumMs / 1000 },
    })),
    ...(lateness && {
      tenbin_check_lateness_seconds: [
        { labels: {}, bounds: BOUNDS, counts: lateness.counts, sum: lateness.sumMs / 1000 },
      ],
    }),
  }
}
