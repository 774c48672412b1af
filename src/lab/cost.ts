// What a packet costs in the program of a lab's file: the same shape and tables as the daemon makes of it, measured by
// the engine's meter beside what runs, without a network. Takes about a second, in which this process does nothing
// else.

import { randomFillSync } from 'node:crypto'
import { parseMac } from '../base/addresses.ts'
import { toEngineSpec } from '../config/engine-spec.ts'
import { load } from '../config/load.ts'
import type { Status } from '../daemon/api-schema.ts'
import { clockOf } from '../dataplane/flow-clock.ts'
import { HASH_KEYS, type Tables } from '../dataplane/shape.ts'
import { Assignment } from '../engine/assignment.ts'
import { Known } from '../engine/known.ts'
import { nsPerPacket } from '../engine/measure.ts'
import { planOf } from '../engine/plan.ts'
import { possibleCpus } from '../kernel/cpus.ts'
import { jiffiesPerSecond } from '../sys/clock.ts'

/** Running: what a daemon's status tells of where it forwards; packets come in by the first interface. */
export interface Running {
  readonly interfaces: Status['interfaces']
}

/** costOf: nanoseconds a packet, of the program that `file` makes there. */
export function costOf(file: string, { interfaces }: Running): number {
  const spec = toEngineSpec(
    load(file),
    interfaces.map(({ name, index, mac, mtu }) => ({ name, index, mac: parseMac(mac), mtu })),
  )
  const plan = planOf(spec, { cpus: possibleCpus().ids, clock: clockOf(jiffiesPerSecond()) })
  const own = plan.interfaces[0]!
  const known = new Known()
  for (const name of plan.idOf.keys()) known.setNeighbour(name, { mac: own.mac, on: own.name })
  const assignment = new Assignment(plan, known, 0)
  const tables: Tables = {
    keys: randomFillSync(new BigUint64Array(HASH_KEYS)),
    slots: plan.pools.map((_, pool) => assignment.wordsOf(pool)),
    servers: plan.servers.map((name) => ({ mac: own.mac, usable: name !== undefined, via: own.number })),
  }
  return nsPerPacket(plan.shape, tables)
}
