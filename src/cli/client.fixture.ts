// What the daemon of the client's tests answers to `status`.

import type { Status } from '../daemon/api-schema.ts'

export const status: Status = {
  version: '0.1.0',
  instance: 'tenbin',
  pid: 4711,
  startedAt: '2024-01-02T03:04:05.000Z',
  state: 'forwarding',
  node: 'lb1',
  file: { path: '/etc/tenbin/tenbin.yaml', appliedAt: '2024-01-02T03:04:06.000Z' },
  problems: [],
  interfaces: [
    {
      name: 'eth0',
      index: 2,
      mac: '02:00:0a:00:00:02',
      mtu: 1500,
      up: true,
      mode: 'native',
      programId: 42,
      instructions: 383,
      loadMs: 12.34,
    },
    {
      name: 'eth1',
      index: 3,
      mac: '02:00:0a:00:01:02',
      mtu: 9000,
      up: false,
      mode: 'generic',
      programId: 43,
      instructions: 390,
      loadMs: 11,
    },
  ],
  program: {
    engine: 'xdp',
    generation: 3,
    memoryBytes: 1_234_567,
    maps: [
      { name: 'tables', bytes: 234_567 },
      { name: 'flows', bytes: 1_000_000 },
    ],
  },
  addresses: [
    { address: '10.0.0.100', prefix: 24, interface: 'eth0', present: true, owned: true, set: 'front' },
    { address: '10.0.0.101', prefix: 24, interface: 'eth0', present: false, owned: false, set: 'front' },
  ],
  sets: [{ name: 'front', addresses: ['10.0.0.100/24'], services: ['www'], role: 'active', active: 'lb1' }],
  services: [
    {
      name: 'www',
      listeners: ['10.0.0.100:80', '10.0.0.100:443'],
      pool: 'www',
      servers: [
        { name: 'web01', weight: 1 },
        { name: 'web02', weight: 1 },
      ],
      track: 'changes',
      flows: 1234,
      packets: '1234567890',
      bytes: '123456789',
    },
  ],
  servers: [
    {
      name: 'web01',
      address: '10.0.0.11',
      mac: '02:00:0a:00:00:0b',
      share: 1,
      flows: 1200,
      packets: '12345',
      bytes: '1',
    },
    {
      name: 'web02',
      address: '10.0.0.12',
      why: 'neighbour FAILED: no answer to ARP',
      share: 0,
      flows: 0,
      packets: '0',
      bytes: '0',
    },
  ],
  pools: [
    {
      name: 'www',
      services: ['www'],
      slots: 1024,
      young: 3,
      servers: [
        { name: 'web01', state: 'up', weight: 1, configured: 1, share: 1, flows: 1200 },
        { name: 'web02', state: 'unreachable', weight: 1, configured: 1, share: 0, flows: 0 },
      ],
    },
  ],
  overrides: [],
  flows: { capacity: 262_144, live: 1234, networks: 0, closed: 4, syn: 30, established: 1200 },
  events: { 'flow-hit': '12', 'flow-capped': '0' },
  outcomes: {
    forwarded: '10',
    challenged: '5',
    reset: '2',
    'other-protocol': '7',
    'no-server': '3',
    ttl: '0',
  },
}
