// What a part of the packet path adds to a packet: the same packets by the same path with it and without, in turn. `recorder`:
// at this rate all but the first few packets of a window find no room, as in a flood; what keeping one costs is in the
// average. `default`: all that a file has which says nothing of defence, in peace, that is with fewer SYNs than proof of source
// is asked for from; the recorder is part of it.

import { toEngineSpec } from '../../src/config/engine-spec.ts'
import { load } from '../../src/config/load.ts'
import { textReader } from '../../src/config/reader.ts'
import { flowsShape } from '../../src/dataplane/golden-shapes.ts'
import { recordsFor, usualMemory } from '../../src/dataplane/record.ts'
import type { Shape, Tables } from '../../src/dataplane/shape.ts'
import { defenceShapeOf, defenceTablesOf } from '../../src/engine/defence-shape.ts'
import { CostMeter } from '../../src/engine/measure.ts'
import type { Row } from '../runner/row.ts'
import { ACK, type Effort, type FixtureOptions, fixture, SYN, summary } from './cost.ts'
import { changes } from './flows.ts'

const FLOWS = 4_096
const kinds: readonly (readonly [kind: string, flags: number, options: FixtureOptions])[] = [
  ['established', ACK, {}],
  ['syn', SYN, {}],
  ['udp', ACK, { protocols: ['udp'] }],
  ['ipv6', ACK, { families: [6] }],
]

/** FILE: one that says nothing of defence. */
const FILE = `
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [192.0.2.100/24] } }
servers: { web01: 192.0.2.1 }
services: { www: { listen: [192.0.2.100:80], servers: web01 } }
`
/** PEACE: so many SYNs a second are few. */
const PEACE = { above: 2 ** 31, below: 2 ** 30 } as const

interface Added {
  readonly shape: Partial<Shape>
  readonly tables: Partial<Tables>
}

/** addedBy each part to a shape for so many CPUs. */
function addedBy(cpus: number): Readonly<Record<'recorder' | 'default', Added>> {
  const spec = toEngineSpec(load('tenbin.yaml', textReader({ 'tenbin.yaml': FILE })), [])
  const services = [{ name: 'www', at: 0 }]
  const [defence, said] = [
    defenceShapeOf(spec, services)!,
    defenceTablesOf(spec, services, { bans: [], services: new Map() })!,
  ]
  const recorder = { records: recordsFor(usualMemory(cpus), cpus) }
  return {
    recorder: { shape: { recorder }, tables: {} },
    default: {
      shape: { recorder, defence },
      tables: { defence: { ...said, proof: { ...said.proof!, ...PEACE } } },
    },
  }
}

/** addedRows: a kind each of both parts: paired differences in ns. Throws where a packet was not forwarded. */
export const addedRows = ({ rounds, packets }: Effort): Row[] =>
  (['recorder', 'default'] as const).flatMap((part) =>
    kinds.map(([kind, flags, options]) => {
      const { shape, tables } = fixture(1, 1, { service: changes, flows: flowsShape(65_536), ...options })
      const added = addedBy(shape.cpus)[part]
      using without = new CostMeter(shape, tables)
      using beside = new CostMeter({ ...shape, ...added.shape }, { ...tables, ...added.tables })
      for (const meter of [without, beside]) meter.run('path', packets, FLOWS, flags)
      let tx = 0
      const values = Array.from({ length: rounds }, () => {
        const [plain, more] = [without, beside].map((meter) => meter.run('path', packets, FLOWS, flags))
        tx += plain!.tx + more!.tx
        return more!.ns - plain!.ns
      })
      if (tx !== 2 * rounds * packets) throw new Error(`${part} ${kind}: ${tx} packets were sent`)
      return summary(`packet.${part}.${kind}`, 'ns', values, { tx })
    }),
  )
