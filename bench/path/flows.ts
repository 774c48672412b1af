// Rows of flows that are tracked: a full flow table, with 0 misses, and what a flow takes of it.

import { FlowBucket } from '../../src/dataplane/flow-record.ts'
import { flowsShape } from '../../src/dataplane/golden-shapes.ts'
import { bucketsOf } from '../../src/dataplane/memory.ts'
import type { FlowsShape, ServiceShape } from '../../src/dataplane/shape.ts'
import { CostMeter } from '../../src/engine/measure.ts'
import type { Row } from '../runner/row.ts'
import { ACK, cost, type Effort, fixture, SYN, summary } from './cost.ts'

/** changes: everything of `track: changes`, as a file has it that says nothing else but that clients are told. */
export const changes: ServiceShape = { track: 'changes', onFailure: 'reset', hash: 'flow' }
const all: ServiceShape = { ...changes, track: 'all' }

/** Of so many entries none of the flows measured is displaced: three for each. */
const ROOM = 3
const roomFor = (flows: number): FlowsShape => ({ ...flowsShape(flows * ROOM), newFlows: 2 ** 31 })

/** trackAllRows: established flows and repeated SYNs, each with a table of its own. */
export function trackAllRows(counts: readonly number[], effort: Effort): Row[] {
  return (
    [
      ['track-all', ACK],
      ['track-all-syn', SYN],
    ] as const
  ).flatMap(([kind, flags]) =>
    counts.map((flows) => {
      const { shape, tables } = fixture(1, 1, { service: all, flows: roomFor(Math.max(flows, 1_024)) })
      using meter = new CostMeter(shape, tables)
      return cost(`packet.dsr.${kind}.${flows}`, meter, 'path', flows, effort, { flags, looked: 'all' })
    }),
  )
}

/** FLOWS: held at once while their bytes are told. A power of two, as the wrapper's numbers of flows are. */
const FLOWS = 65_536
/** LEAST: what shall be displaced at most, of a thousand flows. */
const LEAST = 1

/** displacedOf: how many of FLOWS established flows push another out, in a table of so many bytes for each. */
function displacedOf(bytes: number): { displaced: number; held: number; tableBytes: number } {
  const flows = { ...flowsShape(Math.floor((FLOWS * bytes) / 16)), newFlows: 2 ** 31 }
  const { shape, tables } = fixture(1, 1, { service: all, flows })
  using meter = new CostMeter(shape, tables)
  meter.run('path', FLOWS, FLOWS, ACK)
  const { events } = meter.counted()
  return {
    displaced: events['flow-evicted'],
    held: events['flow-insert'] - events['flow-evicted'],
    tableBytes: bucketsOf(flows) * FlowBucket.size,
  }
}

/** flowBytesRow: bytes of the least table that holds all but one in a thousand of its flows, for each of them. */
export function flowBytesRow(): Row {
  for (let bytes = 18; ; bytes++) {
    const { displaced, held, tableBytes } = displacedOf(bytes)
    if (displaced * 1_000 >= FLOWS * LEAST) continue
    return summary('packet.flow.bytes', 'bytes', [tableBytes / FLOWS], { flows: FLOWS, held, displaced })
  }
}
