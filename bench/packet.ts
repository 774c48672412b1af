// What the packet path costs: `src/engine/measure.ts` (wrapper programs, paired differences) over flows, kinds and
// numbers of listeners, pinned to one CPU. Each row proves itself: every packet sent, every packet counted, all
// servers met.

import { parseMac } from '../src/base/addresses.ts'
import { layoutOf } from '../src/dataplane/fill.ts'
import { fixedKeys, listenersOf } from '../src/dataplane/golden-shapes.ts'
import { packetProgram } from '../src/dataplane/packet-path.ts'
import { type Shape, STATELESS, type Tables } from '../src/dataplane/shape.ts'
import { GenerationMaps } from '../src/engine/generation-maps.ts'
import { CostMeter, median, type Subject } from '../src/engine/measure.ts'
import { loadProgram } from '../src/kernel/program.ts'
import { affinity, setAffinity } from '../src/sys/affinity.ts'
import type { Row } from './runner/row.ts'

const SERVERS = 100
const ACK = 0x10
const SYN = 0x02
const FLOWS = [1, 4_096, 65_536, 1_048_576] as const

interface Effort {
  readonly rounds: number
  readonly packets: number
}

/** fixture: `listeners` listeners over `pools` pools of 100 servers, all usable. */
export function fixture(listeners: number, pools: number): { shape: Shape; tables: Tables } {
  const size = pools === 1 ? 65_537 : 1_021
  const shape: Shape = {
    mac: parseMac('02:00:00:00:00:01'),
    own: 0,
    others: [],
    jumbo: false,
    listeners: listenersOf(listeners, listeners, pools),
    services: Array(listeners).fill(STATELESS),
    servers: SERVERS,
    pools: Array<number>(pools).fill(size),
    cpus: 2,
  }
  const servers = Array.from({ length: SERVERS + 1 }, (_, id) => ({
    mac: parseMac(`02:00:00:00:01:${id.toString(16).padStart(2, '0')}`),
    usable: id > 0,
    via: 0,
  }))
  const words = Uint32Array.from({ length: size }, (_, slot) => 1 + (slot % SERVERS))
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

/** cost: paired differences of the subject and the empty one. Throws when a packet was not sent or not counted. */
function cost(
  name: string,
  meter: CostMeter,
  subject: Subject,
  flows: number,
  { rounds, packets }: Effort,
  flags = ACK,
): Row {
  const before = meter.counted().forwarded
  meter.run(subject, packets, flows, flags)
  let tx = 0
  const values = Array.from({ length: rounds }, () => {
    const empty = meter.run('empty', packets, flows, flags).ns
    const run = meter.run(subject, packets, flows, flags)
    tx += run.tx
    return run.ns - empty
  })
  const { forwarded, servers } = meter.counted()
  const expected = rounds * packets
  if (tx !== expected) throw new Error(`${name}: ${tx} of ${expected} packets were sent`)
  const counted = forwarded - before
  if (subject === 'path' && counted !== expected + packets)
    throw new Error(`${name}: ${counted} packets were counted`)
  if (subject === 'path' && flows >= 4_096 && servers !== SERVERS)
    throw new Error(`${name}: ${servers} servers were met`)
  return summary(name, 'ns', values, {
    tx,
    ...(subject === 'path' && { counted: counted - packets, servers }),
  })
}

/** load: instructions, and milliseconds of load and verification of the attached form. */
function load(rounds: number): Row[] {
  const { shape, tables } = fixture(1, 1)
  const layout = layoutOf(shape, tables.keys)
  const { spec } = packetProgram(shape, layout.memory)
  using maps = GenerationMaps.create(spec.maps, layout, shape, tables)
  const times = Array.from({ length: rounds }, () => {
    const { program, loadMs } = loadProgram(spec, maps.all)
    program[Symbol.dispose]()
    return loadMs
  })
  return [
    summary('packet.program.insns', 'instructions', [spec.code.length / 8]),
    summary('packet.program.load', 'ms', times),
  ]
}

/** packet: the rows of bench.md that this packet path has. */
export async function packet({ quick }: { readonly quick: boolean }): Promise<Row[]> {
  const before = affinity()
  setAffinity([before.at(-1)!])
  try {
    const effort: Effort = quick ? { rounds: 7, packets: 300_000 } : { rounds: 21, packets: 2_000_000 }
    const rows: Row[] = []
    {
      const { shape, tables } = fixture(1, 1)
      using meter = new CostMeter(shape, tables)
      for (const [kind, flags] of [
        ['established', ACK],
        ['syn', SYN],
      ] as const) {
        for (const flows of FLOWS)
          rows.push(cost(`packet.dsr.${kind}.${flows}`, meter, 'path', flows, effort, flags))
      }
      const wrapper = Array.from(
        { length: effort.rounds },
        () => meter.run('empty', effort.packets, 65_536).ns,
      )
      rows.push(
        summary('packet.wrapper', 'ns', wrapper),
        cost('packet.reference', meter, 'reference', 65_536, effort),
      )
    }
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
    return [...rows, ...load(effort.rounds)]
  } finally {
    setAffinity(before)
  }
}
