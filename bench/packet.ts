// What the packet path costs: `src/engine/measure.ts` (wrapper programs, paired differences) over flows, kinds and
// numbers of listeners, pinned to one CPU. Each row proves itself: every packet sent, every packet counted, all
// servers met, as many looked up in a flow table as should be. They are of a path that is `defence: off`; `packet.default.*` and
// `packet.recorder.*` say what a file has besides that does not say so.

import { layoutOf } from '../src/dataplane/fill.ts'
import { fixedKeys, flowsShape, goldenShapes } from '../src/dataplane/golden-shapes.ts'
import { packetProgram } from '../src/dataplane/packet-path.ts'
import type { Shape } from '../src/dataplane/shape.ts'
import { CostMeter } from '../src/engine/measure.ts'
import { BpfMap } from '../src/kernel/map.ts'
import { loadProgram } from '../src/kernel/program.ts'
import { affinity, setAffinity } from '../src/sys/affinity.ts'
import { addedRows } from './path/added.ts'
import { ACK, cost, type Effort, type FixtureOptions, fixture, SYN, summary } from './path/cost.ts'
import { changes, flowBytesRow, trackAllRows } from './path/flows.ts'
import { natRows } from './path/nat.ts'
import type { Row } from './runner/row.ts'

const FLOWS = [1, 4_096, 65_536, 1_048_576] as const

/** kinds of dsr's rows, with everything of `track: changes` on: no slot has moved, so that nothing is looked up. */
const kinds: readonly (readonly [name: string, flags: number, options: FixtureOptions])[] = [
  ['established', ACK, {}],
  ['syn', SYN, {}],
  ['udp', ACK, { protocols: ['udp'] }],
  ['ipv6', ACK, { families: [6] }],
]

/** load: instructions, and milliseconds of load and verification of the attached form. */
function load(prefix: string, shape: Shape, rounds: number): Row[] {
  const { spec } = packetProgram(shape, layoutOf(shape, fixedKeys()).memory)
  const maps = new Map(spec.maps.map((map) => [map.name, BpfMap.create(map)]))
  try {
    const times = Array.from({ length: rounds }, () => {
      const { program, loadMs } = loadProgram(spec, maps)
      program[Symbol.dispose]()
      return loadMs
    })
    return [
      summary(`${prefix}.insns`, 'instructions', [spec.code.length / 8]),
      summary(`${prefix}.load`, 'ms', times),
    ]
  } finally {
    for (const map of maps.values()) map[Symbol.dispose]()
  }
}

/** packet: the rows of bench.md that this packet path has. */
export async function packet({ quick }: { readonly quick: boolean }): Promise<Row[]> {
  const before = affinity()
  setAffinity([before.at(-1)!])
  try {
    const effort: Effort = quick ? { rounds: 7, packets: 200_000 } : { rounds: 21, packets: 2_000_000 }
    const rows: Row[] = []
    for (const [kind, flags, options] of kinds) {
      const { shape, tables } = fixture(1, 1, { service: changes, flows: flowsShape(65_536), ...options })
      using meter = new CostMeter(shape, tables)
      for (const flows of FLOWS)
        rows.push(cost(`packet.dsr.${kind}.${flows}`, meter, 'path', flows, effort, { flags }))
      if (kind !== 'syn') continue
      const wrapper = Array.from(
        { length: effort.rounds },
        () => meter.run('empty', effort.packets, 65_536).ns,
      )
      rows.push(
        summary('packet.wrapper', 'ns', wrapper),
        cost('packet.reference', meter, 'reference', 65_536, effort),
      )
    }
    rows.push(
      ...trackAllRows(FLOWS, effort),
      ...natRows(quick ? FLOWS.slice(0, 2) : FLOWS, effort),
      flowBytesRow(),
      ...addedRows(effort),
    )
    for (const [listeners, pools, name] of [
      [1, 1, '1'],
      [64, 1, '64'],
      [100, 1, '100'],
      [10_000, 1, '10000'],
      [10_000, 10_000, '10000.own'],
    ] as const) {
      const { shape, tables } = fixture(listeners, pools)
      using meter = new CostMeter(shape, tables)
      rows.push(cost(`packet.services.${name}`, meter, 'path', 65_536, effort))
    }
    return [
      ...rows,
      ...load('packet.program', goldenShapes['one-listener']!, effort.rounds),
      ...load('packet.program.full', goldenShapes['tracked-everything-once']!, effort.rounds),
    ]
  } finally {
    setAffinity(before)
  }
}
