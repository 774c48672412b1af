// What of a live generation is audited (audit.ts), and what its words are called: slots by their pool, the tables by what
// they are of, and once a round what is no plain memory: turns and members of schedulers, and the description by which
// the next daemon finds all of it.

import { poolBases } from '../dataplane/memory.ts'
import { Audit, type Region, type Rewritten } from './audit.ts'
import type { Live } from './status.ts'

/** TABLES: what the fields of `tables` are called. */
const TABLES: Readonly<Record<string, string>> = {
  keys: 'the hash key',
  servers: 'MACs of servers',
  listeners: 'the table of listeners',
  listeners6: 'the table of listeners',
  poolSizes: 'sizes of pools',
  flowKeys: 'the hash key',
  settings: 'settings of services',
  targets: 'addresses of servers',
  serverPorts: 'ports of servers',
  poolBases: 'places of pools',
  sources: 'addresses of servers',
  ranges: 'ranges of ports',
  persists: 'settings of services',
}

/** auditOf a generation that runs. */
export function auditOf(live: Live): Audit {
  const { generation, layout } = { ...live, ...live.prepared }
  const { maps } = generation
  const images = maps.images!
  const { memory } = layout
  const marks = ['failed', 'shut', 'before'] as const
  const regions = [
    ...slotRegions(live),
    region(maps.tables, images.tables, tableNames(memory.tables.type.offsets)),
    ...marks.flatMap((name) => {
      const [words, own] = [maps.words(name), images[name]]
      return words && own ? [region(words, own, () => MARKS[name])] : []
    }),
  ]
  return new Audit(regions, () => others(live))
}

const MARKS = {
  failed: 'marks of failed servers',
  shut: 'marks of servers that nobody returns to',
  before: 'tables that pools had before',
} as const

function others({ generation, prepared, schedules }: Live): Rewritten[] {
  const image = schedules && generation.maps.schedule(prepared.layout)
  const services = image ? schedules.mend(image) : []
  const found = services.map((service) => ({ what: `the scheduler of service ${service}`, words: 1 }))
  const isMeta = generation.description!.mend()
  return [...found, ...(isMeta ? [{ what: 'the description of what runs', words: 1 }] : [])].map((each) => ({
    ...each,
    isMended: true,
  }))
}

/** region of live words, of which there may be more than are written. */
const region = <Words extends Uint32Array | BigUint64Array>(
  live: Words,
  own: Words,
  what: Region['what'],
): Region => ({
  live: new Uint8Array(live.buffer, live.byteOffset, own.byteLength),
  own: new Uint8Array(own.buffer, own.byteOffset, own.byteLength),
  unit: own.BYTES_PER_ELEMENT as 4 | 8,
  what,
})

/** slotRegions: of each pool. */
function slotRegions({ prepared: { plan }, generation: { maps }, assignment }: Live): Region[] {
  const bases = poolBases(plan.shape)
  return plan.pools.map(({ name }, pool) =>
    region(maps.slots.subarray(bases[pool]!), assignment.wordsOf(pool), () => `slots of pool ${name}`),
  )
}

function tableNames(offsets: Readonly<Record<string, number>>): Region['what'] {
  const fields = Object.entries(offsets).sort(([, one], [, other]) => one - other)
  const starts = fields.map(([, start]) => start)
  return (at) => TABLES[fields[lastUpTo(starts, at)]![0]]!
}

/** lastUpTo: the last of ascending numbers that is not above `at`. */
function lastUpTo(numbers: readonly number[], at: number): number {
  let [low, high] = [0, numbers.length]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (numbers[middle]! <= at) low = middle
    else high = middle
  }
  return low
}
