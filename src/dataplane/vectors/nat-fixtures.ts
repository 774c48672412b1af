// What stories of nat are told with: servers with addresses of their own, behind listeners whose packets are translated.

import { type FlowsShape, type ServiceShape, TIMEOUTS } from '../shape.ts'
import { back, clock, type Fixture, fixture, listener, ports, vip, vip6, web4 } from './fixture.ts'

const flowsOf = (entries: number, newFlows = 1_000): FlowsShape => ({
  entries,
  newFlows,
  clock,
  idle: TIMEOUTS,
})
const told: FlowsShape = { ...flowsOf(256), fresh: 16 }
const others = [{ number: 1, ifindex: 3, mac: back }]
const nat = (port: number): ServiceShape => ({ track: 'all', onFailure: 'keep', hash: 'flow', nat: { port } })
const resets: ServiceShape = { ...nat(0), onFailure: 'reset' }
const dsr: ServiceShape = { track: 'changes', onFailure: 'keep', hash: 'flow' }

/** Addresses of servers 1, 2 and 4 of IPv4, and of IPv6. */
export const targets = ['10.1.2.31', '10.1.2.32', '10.1.2.33', '10.1.2.34'] as const
export const targets6 = ['fd00:1:2:3:4:5:6:71', 'fd00:1:2:3:4:5:6:72', 'fd00:1:2:3:4:5:6:73'] as const
/** The servers' port where it is not the listener's. */
export const PORT = 8_081

const mixed = [
  listener(vip, 80),
  listener(vip, 53, 1, 0, 'udp'),
  listener(vip6, 80, 2, 1),
  listener(vip6, 53, 3, 1, 'udp'),
  listener(vip, 81, 4, 0),
]

/** natFixtures by name. */
export const natFixtures = {
  /** The listener's port is the servers', too. */
  nat: fixture({ services: [nat(0)], flows: flowsOf(256), targets }),
  'nat-jumbo': fixture({ services: [nat(0)], flows: flowsOf(256), targets, jumbo: true }),
  /** Two interfaces: server 2 is behind the other. */
  'nat-far': fixture({ services: [nat(0)], flows: flowsOf(256), targets, others, via: { 2: 1 } }),
  'nat-six-far': fixture({
    listeners: [listener(vip6, 80)],
    services: [nat(PORT)],
    flows: flowsOf(256),
    targets: targets6,
    others,
    via: { 2: 1 },
  }),
  /** The program of the other interface, of three. */
  'nat-back': fixture({
    services: [nat(0)],
    flows: flowsOf(256),
    targets,
    number: 1,
    others: [
      { number: 7, ifindex: 9, mac: web4 },
      { number: 0, ifindex: 2, mac: back },
    ],
    via: { 2: 1 },
  }),
  'nat-six-back': fixture({
    listeners: [listener(vip6, 80)],
    services: [nat(PORT)],
    flows: flowsOf(256),
    targets: targets6,
    number: 1,
    others: [
      { number: 7, ifindex: 9, mac: web4 },
      { number: 0, ifindex: 2, mac: back },
    ],
    via: { 2: 1 },
  }),
  /** One interface, whose number is not 0. */
  'nat-alone': fixture({ services: [nat(0)], flows: flowsOf(256), targets, number: 5 }),
  /** Server 1 is on 10.1.0.0/22; of server 2 no network is known. */
  'nat-near': fixture({ services: [nat(0)], flows: flowsOf(256), targets, networks: { 1: 22 } }),
  'nat-udp-near': fixture({
    listeners: [listener(vip, 53, 0, 0, 'udp')],
    services: [nat(PORT)],
    flows: flowsOf(256),
    targets,
    networks: { 1: 22 },
  }),
  /** Server 1 is on fd00:1:2:3::/71. */
  'nat-six-near': fixture({
    listeners: [listener(vip6, 80)],
    services: [nat(PORT)],
    flows: flowsOf(256),
    targets: targets6,
    networks: { 1: 71 },
  }),
  'nat-mixed-near': fixture({
    listeners: mixed,
    services: [nat(PORT), nat(0), nat(0), nat(PORT), dsr],
    pools: [1, 2],
    flows: flowsOf(256),
    targets: [targets[0], targets6[1]],
    networks: { 1: 22, 2: 64 },
  }),
  /** Server 2 is on the clients' network. */
  'nat-port-near': fixture({
    listeners: [listener(vip, 80), listener(vip, 81)],
    services: [nat(PORT)],
    flows: flowsOf(256),
    targets: [targets[0], '198.51.100.32'],
    networks: { 2: 24 },
  }),
  /** In files of several nodes: records may come from others. */
  'nat-told': fixture({ services: [nat(0)], flows: told, targets }),
  'nat-told-mixed': fixture({
    listeners: [...mixed, ports('192.0.2.11', 7_000, 7_100, 1)],
    services: [nat(PORT), nat(0), nat(0), nat(PORT), dsr],
    pools: [1, 2],
    flows: told,
    targets: [targets[0], targets6[1]],
  }),
  /** The same: by port, turns of servers 1 and 2 with nat; client networks with dsr; the slots with dsr, and with nat. */
  'nat-told-counting': fixture({
    listeners: [80, 81, 82, 83].map((port, service) => listener(vip, port, service)),
    services: [
      { ...nat(PORT), picker: { kind: 'rr', room: 4 } },
      { ...dsr, track: 'all', persistence: { timeout: 600, network: 24, network6: 64 } },
      dsr,
      nat(0),
    ],
    pools: [2],
    schedules: new Map([[0, { turns: [1, 2] }]]),
    flows: told,
    targets,
  }),
  'nat-resets': fixture({ services: [resets], flows: flowsOf(256), targets }),
  /** Three listeners whose flows meet at one port of the servers. */
  'nat-port': fixture({
    listeners: [listener(vip, 80), listener(vip, 81), listener('192.0.2.11', 80)],
    services: [nat(PORT)],
    flows: flowsOf(256),
    targets,
  }),
  /** One bucket, which is both of any flow. */
  'nat-tiny': fixture({
    listeners: [listener(vip, 80), listener(vip, 81)],
    services: [nat(PORT)],
    flows: flowsOf(4),
    targets,
  }),
  'nat-capped': fixture({ services: [nat(0)], flows: flowsOf(256, 4), targets }),
  /** Servers 1 and 2 take turns at new flows; the slots are server 2's. */
  'nat-rr': fixture({
    listeners: [listener(vip, 80), listener(vip, 81)],
    services: [{ ...nat(PORT), picker: { kind: 'rr', room: 4 } }],
    pools: [2],
    schedules: new Map([[0, { turns: [1, 2] }]]),
    flows: flowsOf(256),
    targets,
  }),
  'nat-udp': fixture({
    listeners: [listener(vip, 53, 0, 0, 'udp'), listener(vip, 54, 0, 0, 'udp')],
    services: [nat(PORT)],
    flows: flowsOf(256),
    targets,
  }),
  'nat-six': fixture({
    listeners: [listener(vip6, 80)],
    services: [nat(PORT)],
    flows: flowsOf(256),
    targets: targets6,
  }),
  'nat-six-udp': fixture({
    listeners: [listener(vip6, 53, 0, 0, 'udp')],
    services: [nat(0)],
    flows: flowsOf(256),
    targets: targets6,
  }),
  /** Both families and protocols, translated to port 8081 or not; the last listener's service is dsr's. */
  'nat-mixed': fixture({
    listeners: mixed,
    services: [nat(PORT), nat(0), nat(0), nat(PORT), dsr],
    pools: [1, 2],
    flows: flowsOf(256),
    targets: [targets[0], targets6[1]],
  }),
  /** The same with more listeners than are compared by instructions. */
  'nat-tabled': fixture({
    listeners: [...mixed, ...Array.from({ length: 70 }, (_, i) => listener(`203.0.113.${1 + i}`, 80, 4, 0))],
    services: [nat(PORT), nat(0), nat(0), nat(PORT), dsr],
    pools: [1, 2],
    flows: flowsOf(256),
    targets: [targets[0], targets6[1]],
  }),
} satisfies Record<string, Fixture>

export type NatFixtureName = keyof typeof natFixtures
