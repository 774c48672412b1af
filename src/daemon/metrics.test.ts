import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atOnce } from '../base/steps.ts'
import { failed, movingSet, statusOf, vrrpThere } from '../cli/status.fixture.ts'
import { LATENCY_BOUNDS } from '../health/history.ts'
import type { Status } from './api-schema.ts'
import { metricCatalogue } from './metric-catalogue.ts'
import { metricsSteps } from './metrics.ts'
import { exposition } from './open-metrics.ts'

const counts = LATENCY_BOUNDS.map(() => 1).concat(2)
const more: Partial<Status> = {
  problems: [
    { code: 'CHECKER_CRASHES', message: 'x', remedy: 'y' },
    { code: 'CHECKER_CRASHES', message: 'z', remedy: 'y' },
  ],
  interfaces: [
    {
      ...{ name: 'eth0', index: 2, mac: '02:00:0a:00:00:02', mtu: 1500, up: false, mode: 'native' },
      ...{ programId: 1, instructions: 2, loadMs: 3 },
    },
  ],
  flows: { capacity: 1024, live: 6, networks: 0, closed: 1, syn: 2, established: 3 },
  events: { 'flow-hit': '18446744073709551615' },
  sets: [movingSet({}, { faults: [{ name: 'packet-path', text: 'gone' }] })],
  vrrp: vrrpThere,
  peers: [
    { name: 'lb2', state: 'connected', since: '2024-01-02T03:04:05Z', clockAheadMs: -250, reachesUs: true },
    { name: 'lb3', state: 'refused', since: '2024-01-02T03:04:05Z', why: 'no', reachesUs: false },
  ],
  sharing: [
    { name: 'lb2', state: 'current', waiting: 0, records: 7, bytes: 99, isHeard: true, taken: 5, lost: 1 },
    { name: 'lb3', state: 'away', waiting: 0, records: 0, bytes: 0, isHeard: false, taken: 0, lost: 0 },
  ],
  flood: {
    incidents: [
      {
        service: 'www',
        verdict: 'syn-flood',
        since: '2024-01-02T03:04:05Z',
        text: 'www: SYN flood',
        perS: 98_400,
      },
    ],
    underProof: ['www'],
    rules: [{ name: 'night', opening: '18446744073709551615', others: '3' }],
  },
  checker: {
    ...{ state: 'present', ends: 3, isCrashLoop: false, checks: 6, overdue: 1 },
    totals: [{ kind: 'http', good: 16, bad: 2, none: 1, latencies: counts, sumMs: 2500 }],
    lateness: { counts, sumMs: 100 },
  },
}
const process = { residentBytes: 1, cpuSeconds: 2.5, events: new Map([['node.applied' as const, 2]]) }
const status = statusOf(
  { services: 2, servers: 3, isLong: false },
  (service, server) =>
    service === 0 && server === 0
      ? failed('refused')
      : service === 1 && server === 1
        ? { check: { state: 'held' } }
        : {},
  more,
)
const [first, ...rest] = status.pools
const quorum = { state: 'lost', present: 1, up: 3, down: 2 } as const
const text = exposition(
  atOnce(metricsSteps({ ...status, pools: [{ ...first!, quorum, sorry: true }, ...rest] }, process)),
  'openmetrics',
)
const has = (line: string) => assert.ok(text.split('\n').includes(line), `${line} is not in:\n${text}`)

test('every metric of the catalogue has samples, and no label that it does not name', () => {
  const [pool] = status.pools
  const asked = { ...status, pools: [{ ...pool!, quorum }] }
  for (const family of atOnce(metricsSteps(asked, process))) {
    assert.ok(family.samples.length > 0, family.name)
    const named = Object.keys(
      (metricCatalogue as Readonly<Record<string, { labels?: object }>>)[family.name]!.labels ?? {},
    )
    for (const { labels } of family.samples)
      assert.deepEqual(Object.keys(labels).toSorted(), named.toSorted(), family.name)
  }
})

test('what the status tells is what the metrics say, counters above 2^53 too', () => {
  has('tenbin_build_info{version="0.1.0",instance="tenbin",node="lb1"} 1')
  has('tenbin_problems{code="CHECKER_CRASHES"} 2')
  has('tenbin_events_total{kind="node.applied"} 2')
  has('tenbin_node_connected{node="lb2"} 1')
  has('tenbin_node_connected{node="lb3"} 0')
  has('tenbin_node_clock_ahead_seconds{node="lb2"} -0.25')
  has('tenbin_node_told{node="lb2"} 1')
  has('tenbin_node_told{node="lb3"} 0')
  has('tenbin_node_told_records_total{node="lb2"} 7')
  has('tenbin_node_heard_records_total{node="lb2",what="lost"} 1')
  has('tenbin_interface_up{interface="eth0"} 0')
  has('tenbin_packets_total{outcome="no-server",verdict="drop"} 3')
  has('tenbin_flow_events_total{event="flow-hit"} 18446744073709551615')
  has('tenbin_flows{state="established"} 3')
  has('tenbin_service_packets_total{service="svc01"} 9876543210')
  has('tenbin_service_servers{service="svc01"} 3')
  has('tenbin_service_servers_up{service="svc01"} 2')
  has('tenbin_pool_server_up{pool="svc01",server="web01"} 0')
  has('tenbin_pool_server_state{pool="svc01",server="web01",state="failed"} 1')
  has('tenbin_pool_quorum{pool="svc01"} 0')
  has('tenbin_pool_sorry{pool="svc01"} 1')
  has('tenbin_pool_guard_held{pool="svc02"} 1')
  has('tenbin_checker_ends_total 3')
  has('tenbin_check_looks_total{kind="http",outcome="bad"} 2')
  has('tenbin_check_duration_seconds_bucket{kind="http",le="+Inf"} 16')
  has('tenbin_check_duration_seconds_sum{kind="http"} 2.5')
  has('tenbin_check_lateness_seconds_count 16')
  has('tenbin_flood{service="www",verdict="syn-flood"} 1')
  has('tenbin_flood_proof{service="www"} 1')
  has('tenbin_flood_rule_packets_total{rule="night",what="opening"} 18446744073709551615')
})

test('a daemon that waits, or has nothing to look at, has the metrics that there are', () => {
  const { node: _1, program: _2, checker: _3, flows: _4, events: _5, ...others } = status
  const waiting: Status = { ...others, state: 'waiting', services: [], servers: [], pools: [], outcomes: {} }
  const text = exposition(atOnce(metricsSteps(waiting, process)), 'openmetrics')
  assert.match(text, /\ntenbin_forwarding 0\n/)
  assert.doesNotMatch(text, /tenbin_checker|tenbin_service/)
})

test('roles are told by address set, and what vrrp counted', () => {
  has('tenbin_role{set="front",role="active"} 1')
  has('tenbin_role_active{set="front"} 1')
  has('tenbin_role_priority{set="front"} 200')
  has('tenbin_role_faults{set="front"} 1')
  has('tenbin_role_takeovers_total{set="front"} 2')
  has('tenbin_vrrp_adverts_total{set="front",what="refused"} 7')
  has('tenbin_vrrp_lateness_seconds_bucket{set="front",le="0.001"} 6')
  has('tenbin_vrrp_lateness_seconds_count{set="front"} 7')
  has('tenbin_vrrp_up 1')
  has('tenbin_vrrp_ends_total 1')
  has('tenbin_maintenance 0')
})
