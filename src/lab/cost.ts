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

/** Running: what a daemon's status tells of where it forwards. */
export interface Running {
  readonly node: string
  readonly interface: NonNullable<Status['interface']>
}

/** costOf: nanoseconds a packet, of the program that `file` makes there. */
export function costOf(file: string, { node, interface: nic }: Running): number {
  const spec = toEngineSpec(load(file), node, { ...nic, mac: parseMac(nic.mac) })
  const plan = planOf(spec, { cpus: possibleCpus().ids, clock: clockOf(jiffiesPerSecond()) })
  const known = new Known()
  for (const name of plan.idOf.keys()) known.setNeighbour(name, { mac: spec.interface.mac })
  const assignment = new Assignment(plan, known, 0)
  const tables: Tables = {
    keys: randomFillSync(new BigUint64Array(HASH_KEYS)),
    slots: plan.pools.map((_, pool) => assignment.wordsOf(pool)),
    servers: plan.servers.map((name) => ({ mac: spec.interface.mac, usable: name !== undefined })),
  }
  return nsPerPacket(plan.shape, tables)
}
