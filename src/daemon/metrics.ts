// The daemon's metrics, from what its status tells and nothing else, so that the two cannot differ. Pure.

import { outcomes } from '../dataplane/outcomes.ts'
import type { EventKind } from '../events/event.ts'
import { LATENCY_BOUNDS } from '../health/history.ts'
import type { Status } from './api-schema.ts'
import { type MetricName, type MetricText, metricCatalogue } from './metric-catalogue.ts'
import type { Family, Histogram, Sample } from './open-metrics.ts'

/** ProcessFacts: of the daemon's own process, and how often each kind of event was told of by it. */
export interface ProcessFacts {
  readonly residentBytes: number
  readonly cpuSeconds: number
  readonly events: ReadonlyMap<EventKind, number>
}

type Samples = Partial<Readonly<Record<MetricName, readonly Sample[] | readonly Histogram[]>>>

/** metricsOf a status: families in the order of the catalogue. */
export function metricsOf(status: Status, process: ProcessFacts): Family[] {
  const samples: Samples = {
    ...daemonSamples(status),
    ...packetSamples(status),
    ...serverSamples(status),
    ...(status.checker && checkerSamples(status.checker)),
    tenbin_events: [...process.events].map(([kind, value]) => ({ labels: { kind }, value })),
    process_resident_memory_bytes: one(process.residentBytes),
    process_cpu_seconds: one(process.cpuSeconds),
  }
  return Object.entries<MetricText>(metricCatalogue).map(([name, { labels: _, ...text }]) => ({
    ...{ name, samples: samples[name as MetricName] ?? [] },
    ...(text as Pick<Family, 'type' | 'help' | 'unit'>),
  })) as Family[]
}

const one = (value: number | string): Sample[] => [{ labels: {}, value }]
const secondsOf = (iso: string): number => Date.parse(iso) / 1000
const bit = (is: boolean): number => (is ? 1 : 0)

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

function serverSamples({ services, servers, pools }: Status): Samples {
  type Service = Status['services'][number]
  type Server = Status['servers'][number]
  type PoolServer = Status['pools'][number]['servers'][number]
  const ofService = (value: (service: Service) => number | string): Sample[] =>
    services.map((each) => ({ labels: { service: each.name }, value: value(each) }))
  const ofServer = (value: (server: Server) => number | string): Sample[] =>
    servers.map((each) => ({ labels: { server: each.name }, value: value(each) }))
  const ofMember = (value: (server: PoolServer) => number): Sample[] =>
    pools.flatMap((pool) =>
      pool.servers.map((each) => ({ labels: { pool: pool.name, server: each.name }, value: value(each) })),
    )
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
    tenbin_pool_server_up: ofMember(({ state }) => bit(state === 'up')),
    tenbin_pool_server_state: pools.flatMap((pool) =>
      pool.servers.map(({ name, state }) => ({ labels: { pool: pool.name, server: name, state }, value: 1 })),
    ),
    tenbin_pool_server_weight: ofMember(({ weight }) => weight),
    tenbin_pool_server_share_ratio: ofMember(({ share }) => share),
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
