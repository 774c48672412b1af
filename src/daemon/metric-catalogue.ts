// Every metric that the daemon gives, by name: what it is, its labels and what bounds them. docs/metrics.md is made from
// this list. A metric is never renamed, and no label has values that traffic makes: memory here and in whoever reads is
// bounded by the file.

import type { Family } from './open-metrics.ts'

/** MetricText: a metric without its samples; `labels` with what their values are. */
export interface MetricText {
  readonly type: Family['type']
  readonly unit?: NonNullable<Family['unit']>
  readonly help: string
  readonly labels?: Readonly<Record<string, string>>
}

const service = { service: "the file's name" }
const server = { server: "the file's name" }
const node = { node: 'name under nodes' }
const set = { set: "the file's name of an address set" }
const poolServer = { pool: "the file's name, or its service's", ...server }
const kind = { kind: 'the kind of check: tcp, http, ...' }

/** metricCatalogue: name, without the endings of samples -> what it is. */
export const metricCatalogue = {
  tenbin_build: {
    type: 'info',
    help: 'Which tenbin this is, and on which node.',
    labels: { version: 'of tenbin', instance: 'its name on this machine', node: "the file's name" },
  },
  tenbin_start_time_seconds: {
    type: 'gauge',
    unit: 'seconds',
    help: 'When the daemon started, in seconds since 1970.',
  },
  tenbin_forwarding: { type: 'gauge', help: '1: a file is applied; 0: the daemon waits for what it needs.' },
  tenbin_problems: {
    type: 'gauge',
    help: 'What is not as the file has it, by code of docs/errors.md.',
    labels: { code: 'of docs/errors.md' },
  },
  tenbin_events: {
    type: 'counter',
    help: 'What has happened since the daemon started: node.applied, node.refused, server.down and others.',
    labels: { kind: 'a kind of docs/events.md' },
  },
  tenbin_last_apply_time_seconds: {
    type: 'gauge',
    unit: 'seconds',
    help: 'When the file that runs was applied, in seconds since 1970.',
  },
  tenbin_generation: { type: 'gauge', help: 'The number of the program that runs; it outlives the daemon.' },
  tenbin_engine_memory_bytes: {
    type: 'gauge',
    unit: 'bytes',
    help: 'Memory of the packet path.',
    labels: { map: 'by name' },
  },
  tenbin_interface_up: {
    type: 'gauge',
    help: '1: an interface that forwards is up and has a carrier.',
    labels: { interface: 'its name' },
  },
  tenbin_packets: {
    type: 'counter',
    help: 'Packets by what became of them. Counted in the kernel: goes on when the daemon does not run.',
    labels: { outcome: 'a counter of docs/counters.md', verdict: 'pass, drop, tx, redirect' },
  },
  tenbin_flow_events: {
    type: 'counter',
    help: 'What happened to remembered flows. Counted in the kernel.',
    labels: { event: 'an event of docs/counters.md' },
  },
  tenbin_flow_table_capacity: { type: 'gauge', help: 'How many flows have room.' },
  tenbin_flows: {
    type: 'gauge',
    help: 'Remembered flows.',
    labels: { state: 'syn, established (UDP among them), closed' },
  },
  tenbin_service_packets: {
    type: 'counter',
    help: 'Packets sent to servers of a service. Counted in the kernel.',
    labels: service,
  },
  tenbin_service_bytes: {
    type: 'counter',
    unit: 'bytes',
    help: 'Their IP bytes.',
    labels: service,
  },
  tenbin_service_flows: {
    type: 'gauge',
    help: 'Remembered flows of a service: all with track all, else those whose server changed.',
    labels: service,
  },
  tenbin_service_servers: {
    type: 'gauge',
    help: 'Servers of a service whose weight in the file is above 0.',
    labels: service,
  },
  tenbin_service_servers_up: {
    type: 'gauge',
    help: 'Those of them that get new flows. At 0 clients fail.',
    labels: service,
  },
  tenbin_server_packets: {
    type: 'counter',
    help: 'Packets sent to a server. Counted in the kernel.',
    labels: server,
  },
  tenbin_server_bytes: { type: 'counter', unit: 'bytes', help: 'Their IP bytes.', labels: server },
  tenbin_server_flows: { type: 'gauge', help: 'Remembered flows that are with a server.', labels: server },
  tenbin_pool_server_up: {
    type: 'gauge',
    help: '1: a server of a pool gets new flows.',
    labels: poolServer,
  },
  tenbin_pool_server_state: {
    type: 'gauge',
    help: 'Always 1, of the state that a server of a pool is in.',
    labels: { ...poolServer, state: 'up, draining, drained, disabled, failed, unreachable, off' },
  },
  tenbin_pool_server_weight: {
    type: 'gauge',
    help: 'The weight that counts now, of a server of a pool.',
    labels: poolServer,
  },
  tenbin_pool_server_share_ratio: {
    type: 'gauge',
    unit: 'ratio',
    help: "The part of a pool's slots that a server holds.",
    labels: poolServer,
  },
  tenbin_pool_quorum: {
    type: 'gauge',
    help: '0: a pool whose servers are checked has lost its quorum.',
    labels: { pool: poolServer.pool },
  },
  tenbin_pool_sorry: {
    type: 'gauge',
    help: '1: the sorry servers of a pool take what is new.',
    labels: { pool: poolServer.pool },
  },
  tenbin_pool_guard_held: {
    type: 'gauge',
    help: 'Servers of a pool that checks found down and the guard does not believe.',
    labels: { pool: poolServer.pool },
  },
  tenbin_checker_up: { type: 'gauge', help: '1: the process that looks at servers is there.' },
  tenbin_checker_ends: {
    type: 'counter',
    help: 'How often it ended by itself, or hung and was ended, since the daemon started.',
  },
  tenbin_checker_crash_loop: { type: 'gauge', help: '1: it ends again and again.' },
  tenbin_checks: {
    type: 'gauge',
    help: 'How many checks it makes; identical ones of several services are one.',
  },
  tenbin_checks_overdue: {
    type: 'gauge',
    help: 'Those that stand still: were not begun in time, or do not end.',
  },
  tenbin_check_looks: {
    type: 'counter',
    help: 'Looks at servers since the checker started.',
    labels: { ...kind, outcome: 'good, bad, none (nothing found, for a reason of this machine)' },
  },
  tenbin_check_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'How long good looks took, since the checker started.',
    labels: kind,
  },
  tenbin_check_lateness_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'How late looks began, since the checker started.',
  },
  tenbin_role: {
    type: 'gauge',
    help: 'Always 1, of the role that this node has for an address set.',
    labels: { ...set, role: 'initialize (none), backup, active' },
  },
  tenbin_role_active: { type: 'gauge', help: '1: this node is active for an address set.', labels: set },
  tenbin_role_priority: {
    type: 'gauge',
    help: 'The priority that counts now for an address set, tracking included.',
    labels: set,
  },
  tenbin_role_faults: {
    type: 'gauge',
    help: 'How many things keep this node from being active for an address set.',
    labels: set,
  },
  tenbin_role_takeovers: {
    type: 'counter',
    help: 'How often this node took an address set over, since vrrp has it.',
    labels: set,
  },
  tenbin_vrrp_adverts: {
    type: 'counter',
    help: 'Adverts of an address set, since vrrp has it.',
    labels: { ...set, what: 'sent, received (counted), refused, unsent' },
  },
  tenbin_vrrp_lateness_seconds: {
    type: 'histogram',
    unit: 'seconds',
    help: 'How late adverts left, since vrrp has the set.',
    labels: set,
  },
  tenbin_vrrp_up: { type: 'gauge', help: '1: the process that has roles is there.' },
  tenbin_vrrp_ends: {
    type: 'counter',
    help: 'How often it ended by itself, or hung and was ended, since the daemon started.',
  },
  tenbin_maintenance: { type: 'gauge', help: '1: this node takes no role, because an operator said so.' },
  tenbin_node_connected: {
    type: 'gauge',
    help: '1: another node of the cluster is connected.',
    labels: node,
  },
  tenbin_node_clock_ahead_seconds: {
    type: 'gauge',
    unit: 'seconds',
    help: 'How far the clock of another node is ahead of this one; below 0: behind.',
    labels: node,
  },
  tenbin_node_told: {
    type: 'gauge',
    help: '1: another node knows of all flows of this one, and is told of changes; 0: not, or not yet.',
    labels: node,
  },
  tenbin_node_told_records: {
    type: 'counter',
    help: 'Records of flows that another node was told of.',
    labels: node,
  },
  tenbin_node_heard_records: {
    type: 'counter',
    help: 'Records of flows that came from another node: those that count, and those that mean nothing here or found no room.',
    labels: { ...node, what: 'taken, lost' },
  },
  tenbin_flood: {
    type: 'gauge',
    help: '1: a service is flooded or overloaded, now.',
    labels: { ...service, verdict: 'overload, syn-flood, udp-flood, packet-flood, slow, carpet' },
  },
  tenbin_flood_proof: {
    type: 'gauge',
    help: '1: sources of SYNs to a service have to prove that they are real, now.',
    labels: service,
  },
  tenbin_flood_rule_packets: {
    type: 'counter',
    help: 'Packets that a rule has matched. Counted in the kernel.',
    labels: { rule: "the file's name, or one given by hand: 64 at most", what: 'opening (SYNs), others' },
  },
  process_resident_memory_bytes: { type: 'gauge', unit: 'bytes', help: 'Resident memory of the daemon.' },
  process_cpu_seconds: { type: 'counter', unit: 'seconds', help: 'Processor time of the daemon.' },
} as const satisfies Readonly<Record<string, MetricText>>

export type MetricName = keyof typeof metricCatalogue
