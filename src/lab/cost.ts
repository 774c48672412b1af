// What a packet costs in the program of a lab's file: the same shape and tables as the daemon makes of it, measured by
// the engine's meter beside what runs, without a network. Takes about a second, in which this process does nothing
// else.

import { randomFillSync } from 'node:crypto'
import { parseMac } from '../base/addresses.ts'
import { toEngineSpec } from '../config/engine-spec.ts'
import { load } from '../config/load.ts'
import type { Status } from '../daemon/api-schema.ts'
import { HASH_KEYS, type Tables } from '../dataplane/shape.ts'
import { Assignment } from '../engine/assignment.ts'
import { nsPerPacket } from '../engine/measure.ts'
import { planOf } from '../engine/plan.ts'
import { possibleCpus } from '../kernel/cpus.ts'

/** Running: what a daemon's status tells of where it forwards. */
export interface Running {
  readonly node: string
  readonly interface: NonNullable<Status['interface']>
}

/** costOf: nanoseconds a packet, of the program that `file` makes there. */
export function costOf(file: string, { node, interface: nic }: Running): number {
  const spec = toEngineSpec(load(file), node, { ...nic, mac: parseMac(nic.mac) })
  const plan = planOf(spec, possibleCpus().ids)
  const ends = plan.pools.map((_, pool) => sum(plan.pools.slice(0, pool + 1).map(({ table }) => table.slots)))
  const words = new Uint32Array(ends.at(-1) ?? 0)
  new Assignment(plan, words, () => true).write()
  const tables: Tables = {
    keys: randomFillSync(new BigUint64Array(HASH_KEYS)),
    slots: ends.map((end, pool) => words.subarray(ends[pool - 1] ?? 0, end)),
    servers: plan.servers.map((_, id) => ({ mac: spec.interface.mac, usable: id > 0 })),
  }
  return nsPerPacket(plan.shape, tables)
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
