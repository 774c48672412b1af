// How soon what a checker found is in the packet path: from its word's arrival in main to the last slot's word in the
// kernel's memory, among 1,000 services with a pool each: a server of one of them fails, and comes back; and one that all
// of them have, which moves the slots of 1,000 pools. All of main
// that is between is real: standings, pools with their guards, views, slots, marks; the kernel's maps, on a veth pair of a
// namespace of its own. Events are made and kept in memory. Proof that the right thing was measured: every pool has lost
// the server's slots, and no slot of another server has moved.

import { execFileSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { parseMac } from '../../src/base/addresses.ts'
import { toEngineSpec } from '../../src/config/engine-spec.ts'
import { load } from '../../src/config/load.ts'
import type { DesiredState } from '../../src/config/state.ts'
import { FakeChecker } from '../../src/daemon/fake-checker.ts'
import { FakeOverrideStore } from '../../src/daemon/fake-world.ts'
import { openLog } from '../../src/daemon/log.ts'
import { ServerHealth } from '../../src/daemon/server-health.ts'
import { ServerOrders } from '../../src/daemon/server-orders.ts'
import { HASH_KEYS } from '../../src/dataplane/shape.ts'
import type { PoolStatus } from '../../src/engine/engine.ts'
import { downXdp } from '../../src/engine/hook.ts'
import { openXdpEngine, type XdpEngine } from '../../src/engine/xdp.ts'
import { EventLog, memoryStore } from '../../src/events/event-log.ts'
import { ensureBpffs } from '../../src/kernel/pin.ts'
import { KernelNetwork } from '../../src/netlink/kernel-network.ts'
import { NetworkNamespace } from '../../src/sys/namespace.ts'
import { summary } from '../path/cost.ts'
import type { Row } from '../runner/row.ts'

/** Servers that all pools have, and that only the first has; the others are of 200, so that no two of 1,000 pools are alike. */
const COMMON = 'web000'
const ONLY = 'web201'
/** Without a common divisor with 200. */
const STRIDES = [1, 3, 7, 9, 11]
const nameOf = (server: number): string => `web${String(server).padStart(3, '0')}`

function stateOf(services: number, servers: number): DesiredState {
  const membersOf = (service: number) => [
    COMMON,
    ...(service === 0 ? [ONLY] : []),
    ...Array.from({ length: servers - 1 }, (_, i) =>
      nameOf(1 + ((service + i * STRIDES[Math.floor(service / 200) % 5]!) % 200)),
    ),
  ]
  const file = {
    interfaces: { lan: 'eth0' },
    addresses: { front: { on: 'lan', ips: ['10.0.0.100/16'] } },
    servers: Object.fromEntries(Array.from({ length: 202 }, (_, i) => [nameOf(i), `10.0.1.${i + 1}`])),
    services: Object.fromEntries(
      Array.from({ length: services }, (_, service) => [
        `service${service}`,
        {
          listen: [`10.0.0.100:${1000 + service}`],
          servers: membersOf(service),
          check: { http: '/', port: 80 },
        },
      ]),
    ),
  }
  return load('/bench.yaml', { read: () => Buffer.from(JSON.stringify(file)), list: () => [] })
}

/** minutes: the engine's time: changes are far enough apart to be remembered each by itself. */
let minutes = 0

/** change: `checks.change.<services>.worst` and `.return.worst`, and with `.all` before these, at so many servers a pool. Needs root. */
export async function change(services: number, servers: number, runs: number): Promise<Row[]> {
  const instance = `bench-change-${process.pid}`
  using home = NetworkNamespace.current()
  using namespace = NetworkNamespace.create()
  namespace.enter()
  try {
    execFileSync('ip', 'link add eth0 type veth peer name peer0'.split(' '))
    ensureBpffs()
    const keys = randomFillSync(new BigUint64Array(HASH_KEYS))
    using engine = openXdpEngine({ instance, keys, now: () => minutes * 60_000 })
    return await measured(engine, stateOf(services, servers), servers, runs)
  } finally {
    downXdp(instance)
    home.enter()
  }
}

async function measured(
  engine: XdpEngine,
  desired: DesiredState,
  servers: number,
  runs: number,
): Promise<Row[]> {
  const checker = new FakeChecker()
  const log = openLog({ level: 'info', pretty: false, colour: false, write: () => undefined })
  const events = new EventLog({ store: memoryStore(), log, now: () => new Date() })
  const now = () => new Date()
  using health: ServerHealth = new ServerHealth({
    ...{ open: checker.open, events, now, found: [], patienceMs: 1_000 },
    monotonic: () => performance.now(),
    onViews: (changed) => orders.tellHealth(changed),
    onQuorum: () => orders.tellLost(),
    leftOf: (services, server) => orders.leftOf(services, server),
  })
  let last = 0
  const packetPath: Pick<XdpEngine, 'setServer' | 'setLost' | 'sorry' | 'status'> = {
    status: () => engine.status(),
    setLost: (...asked) => engine.setLost(...asked),
    sorry: () => engine.sorry(),
    setServer: (...asked) => {
      const changed = engine.setServer(...asked)
      last = performance.now()
      return changed
    },
  }
  const orders = new ServerOrders({
    ...{ store: new FakeOverrideStore(), packetPath, log, events, now, health },
    self: () => '',
  })
  const { name, index, mac, mtu } = eth0()
  const spec = toEngineSpec(desired, [{ name, index, mac: mac!, mtu }])
  for (const each of desired.servers) checker.known.set(addressOf(each.name), 'up')
  await health.prepare(desired, 'lb1')
  const at = { mac: parseMac('02:00:00:00:01:01'), on: 'eth0' }
  engine.apply(spec, new Map(desired.servers.map((each) => [each.name, at])), ...orders.viewsFor(desired))
  health.commit()
  orders.adopt(desired)
  const before = engine.status().pools
  const slots = before.reduce((sum, pool) => sum + pool.slots, 0)
  const checks = { pools: before.length, servers: servers, slots }
  const rows: Row[] = []
  for (const [row, server] of [
    [`checks.change.${before.length}`, ONLY],
    [`checks.change.${before.length}.all`, COMMON],
  ] as const) {
    const [down, up]: [number[], number[]] = [[], []]
    let moved = 0
    // the first ones are compiled while they run
    for (let run = -5; run < runs; run++) {
      for (const to of ['down', 'up'] as const) {
        const start = performance.now()
        checker.see(addressOf(server), to)
        const took = last - start
        if (run >= 0) (to === 'down' ? down : up).push(took)
        const after = engine.status().pools
        if (to === 'down') moved = movedFrom(server, before, after)
        else if (movedFrom(server, before, after) !== 0) throw new Error('bench checks: it did not come back')
        engine.tick()
        minutes++
      }
    }
    if (moved === 0) throw new Error('bench checks: no slot moved')
    rows.push(worst(`${row}.worst`, down, { ...checks, moved }))
    rows.push(worst(`${row}.return.worst`, up, { ...checks, moved }))
  }
  return rows
}

const worst = (name: string, times: readonly number[], checks: Readonly<Record<string, number>>): Row => ({
  ...summary(name, 'ms', times, checks),
  value: Math.max(...times),
})

/** movedFrom: how many slots a server has lost, of those that it had; others have not lost any. */
function movedFrom(name: string, before: readonly PoolStatus[], after: readonly PoolStatus[]): number {
  let moved = 0
  for (const [at, pool] of after.entries())
    for (const [i, server] of pool.servers.entries()) {
      const lost = Math.round((before[at]!.servers[i]!.share - server.share) * pool.slots)
      if (server.name === name) moved += lost
      else if (lost > 0) throw new Error(`bench checks: ${lost} slots of ${server.name} moved`)
    }
  return moved
}

function eth0() {
  using network = new KernelNetwork()
  return network.getLink('eth0')!
}

const addressOf = (server: string): string => `10.0.1.${Number(server.slice(3)) + 1}`
