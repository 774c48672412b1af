// Statuses for tests: of as many services and servers as asked for, with names as long as the file allows.

import type { Status } from '../daemon/api-schema.ts'

type PoolServer = Status['pools'][number]['servers'][number]

export const NOW = Date.UTC(2024, 0, 2, 12, 0, 0)
export const ago = (s: number): string => new Date(NOW - 1000 * s).toISOString()

/** Extent: how much a status holds; `isLong`: names of 63 characters, IPv6 addresses. */
export interface Extent {
  readonly services: number
  readonly servers: number
  readonly isLong: boolean
}

const nameOf = (kind: string, at: number, isLong: boolean): string => {
  const number = String(at + 1).padStart(2, '0')
  return isLong ? `${kind}-${'x'.repeat(63 - kind.length - 3)}${number}` : `${kind}${number}`
}

/** statusOf: every service with a pool of its own of all servers; `change` says what is wrong with one, by service and server. */
export function statusOf(
  { services, servers, isLong }: Extent,
  change: (service: number, server: number) => Partial<PoolServer> = () => ({}),
  more: Partial<Status> = {},
): Status {
  const listen = (at: number) =>
    isLong ? `[2001:db8:1234:5678:9abc:def0:1111:${at + 1}]:80` : `10.0.0.${100 + at}:80`
  const addressOf = (at: number) =>
    isLong ? `2001:db8:1234:5678:9abc:def0:2222:${at + 1}` : `10.0.0.${11 + at}`
  const serverNames = Array.from({ length: servers }, (_, at) => nameOf('web', at, isLong))
  const serviceNames = Array.from({ length: services }, (_, at) => nameOf('svc', at, isLong))
  return {
    version: '0.1.0',
    instance: 'tenbin',
    pid: 4711,
    startedAt: ago(11_530),
    state: 'forwarding',
    node: isLong ? nameOf('lb', 0, true) : 'lb1',
    file: { path: '/etc/tenbin/tenbin.yaml', appliedAt: ago(60) },
    problems: [],
    interfaces: [],
    program: { engine: 'xdp', generation: 7, memoryBytes: 4096, maps: [{ name: 'tables', bytes: 4096 }] },
    addresses: [
      { address: '10.0.0.100', prefix: 24, interface: 'eth0', present: true, owned: true, set: 'front' },
    ],
    sets: [
      {
        ...{ name: 'front', addresses: ['10.0.0.100/24'], services: serviceNames },
        ...{ role: 'active', since: ago(11_530), active: 'lb1' },
      },
    ],
    services: serviceNames.map((name, at) => ({
      ...{ name, pool: name, track: 'all' as const, flows: 1_234_567, packets: '9876543210', bytes: '999' },
      listeners: [listen(at), listen(at + 1)],
      servers: serverNames.map((name) => ({ name, weight: 1 })),
      rate: { packets: 123_456, bits: 98_765_432 },
    })),
    servers: serverNames.map((name, at) => ({
      ...{ name, address: addressOf(at), mac: '02:00:0a:00:00:0b', share: 1 / servers },
      ...{
        flows: 1_234_567,
        packets: '9876543210',
        bytes: '999',
        rate: { packets: 12_345, bits: 9_876_543 },
      },
    })),
    pools: serviceNames.map((name, service) => ({
      ...{ name, services: [name], slots: 8191, young: 0 },
      servers: serverNames.map((name, server) => ({
        ...{ name, state: 'up' as const, weight: 1, configured: 1, share: 1 / servers, flows: 1_234_567 },
        check: { state: 'up' as const, since: ago(90) },
        ...change(service, server),
      })),
    })),
    overrides: [],
    outcomes: { forwarded: '10', 'no-server': '3' },
    ...more,
  }
}

/** failed: a server that its check found down. */
export const failed = (why: string): Partial<PoolServer> => ({
  ...{ state: 'failed', share: 0 },
  check: { state: 'down', since: ago(42), why },
})

/** movingSet: an address set that moves, for which this node is active; `failover` and the rest may be others. */
export const movingSet = (
  change: Partial<Status['sets'][number]> = {},
  failover: Partial<NonNullable<Status['sets'][number]['failover']>> = {},
): Status['sets'][number] => ({
  ...{ name: 'front', addresses: ['10.0.0.100/24'], services: ['svc01'] },
  ...{ role: 'active', since: ago(90), active: 'lb1' },
  failover: {
    ...{ vrid: 51, version: 3, advertMs: 100, configured: 200, priority: 200, faults: [], tracks: [] },
    ...{ routes: [], unrouted: [] },
    routers: [{ name: 'lan/4', nic: 'eth0', vrid: 51, role: 'active', primary: '10.0.0.2' }],
    counters: { sent: 900, received: 5, takeovers: 2, announced: 4, unsent: 1 },
    ...{ refused: { checksum: 3, ttl: 4 }, remarked: {} },
    lateness: { counts: [1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 1], sumMs: 900, worstMs: 800 },
    ...failover,
  },
  nodes: [{ node: 'lb2', role: 'backup', since: ago(90), priority: 100, faults: [] }],
  ...change,
})
/** vrrpThere: of the process that has roles. */
export const vrrpThere: NonNullable<Status['vrrp']> = {
  ...{ state: 'present', pid: 4712, since: ago(90), problems: [], ends: 1, isCrashLoop: false },
}
