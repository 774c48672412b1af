// What a row of the packet bench is made of: a shape of 100 servers with its tables, and the paired differences of the
// packet path and an empty program, with the proof that the right thing was measured.

import { type Ip4, type Ip6, parseMac } from '../../src/base/addresses.ts'
import { fixedKeys, type Kinds, listenersOf } from '../../src/dataplane/golden-shapes.ts'
import type { EventName } from '../../src/dataplane/outcomes.ts'
import {
  type FlowsShape,
  type ServiceShape,
  type Shape,
  STATELESS,
  slotWord,
  type Tables,
} from '../../src/dataplane/shape.ts'
import { type CostMeter, median, type Subject } from '../../src/engine/measure.ts'
import type { Row } from '../runner/row.ts'

export const SERVERS = 100
export const ACK = 0x10
export const SYN = 0x02

/** Effort: so many rounds, of so many packets each. */
export interface Effort {
  readonly rounds: number
  readonly packets: number
}

/** Subjects of a fixture: what listeners and services are. */
export interface FixtureOptions extends Kinds {
  readonly service?: ServiceShape
  readonly flows?: FlowsShape
}

/** fixture: `listeners` listeners over `pools` pools of 100 servers, all usable. Nothing has moved. */
export function fixture(
  listeners: number,
  pools: number,
  { service = STATELESS, flows, ...kinds }: FixtureOptions = {},
): { shape: Shape; tables: Tables } {
  const size = pools === 1 ? 65_536 : 1_024
  const shape: Shape = {
    mac: parseMac('02:00:00:00:00:01'),
    own: 0,
    others: [],
    jumbo: false,
    listeners: listenersOf(listeners, listeners, pools, kinds),
    services: Array<ServiceShape>(listeners).fill(service),
    servers: SERVERS,
    pools: Array<number>(pools).fill(size),
    cpus: 2,
    ...(flows && { flows }),
  }
  const servers = Array.from({ length: SERVERS + 1 }, (_, id) => ({
    mac: parseMac(`02:00:00:00:01:${id.toString(16).padStart(2, '0')}`),
    usable: id > 0,
    via: 0,
    address: kinds.families?.includes(6)
      ? (((0xfd00n << 112n) + BigInt(id)) as Ip6)
      : ((0x0a020000 + id) as Ip4),
  }))
  const words = Uint32Array.from({ length: size }, (_, slot) => {
    const id = 1 + (slot % SERVERS)
    return slotWord(id, id)
  })
  return { shape, tables: { keys: fixedKeys(), slots: shape.pools.map(() => words), servers } }
}

/** summary: a row of medians. */
export function summary(
  name: string,
  unit: string,
  values: readonly number[],
  checks?: Record<string, number>,
): Row {
  return {
    name,
    value: median(values),
    unit,
    min: Math.min(...values),
    max: Math.max(...values),
    runs: values.length,
    ...(checks && { checks }),
  } // prettier-ignore
}

/** Looked: how many of a row's packets are to have been looked up in the flow table, and found there. */
export type Looked = 'none' | 'all'

/**
 * cost: paired differences of the subject and the empty one. Throws when a packet was not sent, not counted, or was
 * looked up otherwise than said: with a flow table all packets are hits and none a miss.
 */
export function cost(
  name: string,
  meter: CostMeter,
  subject: Subject,
  flows: number,
  { rounds, packets }: Effort,
  { flags = ACK, looked = 'none' }: { readonly flags?: number; readonly looked?: Looked } = {},
): Row {
  // each flow is met at least once before it is measured
  meter.run(subject, Math.max(packets, flows), flows, flags)
  const before = meter.counted()
  let tx = 0
  const values = Array.from({ length: rounds }, () => {
    const empty = meter.run('empty', packets, flows, flags).ns
    const run = meter.run(subject, packets, flows, flags)
    tx += run.tx
    return run.ns - empty
  })
  const after = meter.counted()
  const expected = rounds * packets
  if (tx !== expected) throw new Error(`${name}: ${tx} of ${expected} packets were sent`)
  if (subject !== 'path') return summary(name, 'ns', values, { tx })
  const counted = after.forwarded - before.forwarded
  if (counted !== expected) throw new Error(`${name}: ${counted} packets were counted`)
  if (flows >= 4_096 && after.servers !== SERVERS)
    throw new Error(`${name}: ${after.servers} servers were met`)
  const event = (of: EventName) => after.events[of] - before.events[of]
  const events = {
    hits: event('flow-hit'),
    misses: event('flow-miss'),
    inserts: event('flow-insert'),
    evictions: event('flow-evicted'),
  }
  const { hits, ...others } = events
  if (hits !== (looked === 'all' ? expected : 0) || Object.values(others).some((times) => times !== 0))
    throw new Error(`${name}: ${JSON.stringify(events)}`)
  return summary(name, 'ns', values, { tx, counted, servers: after.servers, ...events })
}
