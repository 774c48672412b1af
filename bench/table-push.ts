// The part of the `table` bench that tells how soon a failure acts: what it takes from the call to the last word
// written, history of the change and all, in memory as the daemon writes it.

import { parseIp4, parseMac } from '../src/base/addresses.ts'
import { clockOf } from '../src/dataplane/flow-clock.ts'
import { currentOf, TIMEOUTS } from '../src/dataplane/shape.ts'
import { Assignment } from '../src/engine/assignment.ts'
import { type EngineSpec, LIMITS } from '../src/engine/engine.ts'
import { Known } from '../src/engine/known.ts'
import { planOf } from '../src/engine/plan.ts'
import type { Row } from './runner/row.ts'
import { must, row } from './table-row.ts'

const mac = parseMac('02:00:00:00:00:01')
/** nameOf a server of specOf. */
export const nameOf = (server: number): string => `web${String(server + 1).padStart(3, '0')}`

/** specOf so many services that track changes, each with a pool of its own of so many servers of 200. */
export function specOf(services: number, servers: number): EngineSpec {
  const name = (service: number) => `service${service}`
  return {
    interfaces: [{ name: 'eth0', index: 2, mac, mtu: 1_500 }],
    services: Array.from({ length: services }, (_, service) => ({
      name: name(service),
      pool: name(service),
      track: 'changes',
      onFailure: 'keep',
      hash: 'flow',
      timeouts: TIMEOUTS,
      listeners: [{ address: parseIp4('10.0.0.100'), port: 1_000 + service, protocol: 'tcp' }],
    })),
    pools: Array.from({ length: services }, (_, service) => ({
      name: name(service),
      members: Array.from({ length: servers }, (_, i) => ({
        server: nameOf((service + i) % 200),
        weight: 1,
      })),
    })),
    servers: Array.from({ length: 200 }, (_, i) => ({
      name: nameOf(i),
      address: parseIp4(`10.0.1.${i + 1}`),
    })),
    limits: LIMITS,
  }
}

/** A server of the first pool fails and returns, again and again: times of the failures, and of the returns. */
function failures(name: string, services: number, servers: number, runs: number): Row[] {
  const plan = planOf(specOf(services, servers), { cpus: 2, clock: clockOf(250) })
  const known = new Known()
  for (const server of plan.idOf.keys()) known.setNeighbour(server, { mac, on: 'eth0' })
  const assignment = new Assignment(plan, known, 0)
  const [pool] = plan.pools
  const [down, up]: [number[], number[]] = [[], []]
  let written = 0
  // the first ones are compiled while they run
  for (let run = -20; run < runs; run++) {
    const server = nameOf((run + 20) % servers)
    const now = run * 1_000
    for (const isUp of [false, true]) {
      const before = assignment.wordsOf(0).slice()
      const start = performance.now()
      known.setView(pool!.name, server, { up: isUp }, now)
      written = assignment.change(server, known, now, !isUp, 0)
      const took = performance.now() - start
      if (run >= 0) (isUp ? up : down).push(took)
      const id = plan.idOf.get(server)!
      const words = assignment.wordsOf(0)
      const moved = before.filter((word, slot) => currentOf(word) !== currentOf(words[slot]!))
      must(written > 0 && moved.length === written, `${written} words for ${moved.length} slots`)
      must(isUp || moved.every((word) => currentOf(word) === id), 'a slot of another server moved')
    }
  }
  const checks = { slots: pool!.table.slots, servers, services, written }
  return [row(`table.push.${name}`, 'ms', down, checks), row(`table.push.${name}.return`, 'ms', up, checks)]
}

/** push: one server of 100 fails and returns; and the same among 1,000 services. */
export const push = (quick: boolean): Row[] => [
  ...failures('one-down', 1, 100, quick ? 21 : 101),
  ...failures('one-down.1000-services', 1_000, 10, quick ? 21 : 101),
]
