// Rows of nat, on the way to servers: a flow table and a table of answers, both with a record of every flow, whose packets
// are translated. The servers' port is another than the listener's, so that all is translated that can be.

import { flowsShape } from '../../src/dataplane/golden-shapes.ts'
import type { ServiceShape } from '../../src/dataplane/shape.ts'
import { CostMeter } from '../../src/engine/measure.ts'
import type { Row } from '../runner/row.ts'
import { ACK, cost, type Effort, type FixtureOptions, fixture, SYN } from './cost.ts'

const nat: ServiceShape = { track: 'all', onFailure: 'reset', hash: 'flow', nat: { port: 8_080 } }
const kinds: readonly (readonly [kind: string, flags: number, options: FixtureOptions])[] = [
  ['established', ACK, {}],
  ['syn', SYN, {}],
  ['udp', ACK, { protocols: ['udp'] }],
  ['ipv6', ACK, { families: [6] }],
]

/** natRows: each with tables of its own; three places for each flow, so that none is displaced. */
export const natRows = (counts: readonly number[], effort: Effort): Row[] =>
  kinds.flatMap(([kind, flags, options]) =>
    counts.map((flows) => {
      const places = { ...flowsShape(3 * Math.max(flows, 1_024)), newFlows: 2 ** 31 }
      const { shape, tables } = fixture(1, 1, { service: nat, flows: places, ...options })
      using meter = new CostMeter(shape, tables)
      return cost(`packet.nat.${kind}.${flows}`, meter, 'path', flows, effort, { flags, looked: 'all' })
    }),
  )
