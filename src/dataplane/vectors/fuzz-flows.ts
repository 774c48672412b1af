// What the differential fuzz of tracked flows is made of: a fuzz fixture whose services track flows in all ways, with a
// table that is too small; a small set of flows whose packets come again and again; and what happens between packets:
// slots move, servers fail, are lost and come back, time goes on or comes round, records go, turns and weights change, and
// records of other nodes are awaited.

import { ANSWER_WORDS, HOP_VIA } from '../answer-record.ts'
import { BUCKET_ENTRIES, WORDS } from '../flow-record.ts'
import { bucketsOf } from '../memory.ts'
import { isLeast, KIND, type ScheduleTable } from '../scheduling.ts'
import {
  ASK_BEFORE,
  type CountingScheduler,
  MAX_INTERFACES,
  type Persistence,
  type ServiceShape,
  SLOT_LEARN,
  SLOT_RECORDS,
  slotWord,
  TIMEOUTS,
  type Track,
} from '../shape.ts'
import type { Fixture } from './fixture.ts'
import { type FuzzShape, fuzzFixture } from './fuzz-fixtures.ts'
import { createFrames } from './mutate.ts'
import { createRandom, type Random } from './random.ts'
import type { FlowPath } from './tell.ts'

const SHIFT = 4
const FLOWS = 96
/** For how many turns or servers a service has room. */
const ROOM = 12
/** FRESH: new records that are told to other nodes, a power of two. */
const FRESH = 256
const kinds = Object.keys(KIND) as CountingScheduler[]

function randomServices(random: Random, count: number): ServiceShape[] {
  const persists = random.oneIn(2)
  /** Short networks, so that clients meet in them. */
  const persistence = (): Persistence => ({
    timeout: random.pick([1, 60, 600]),
    network: random.pick([1, 3, 8, 24, 32]),
    network6: random.pick([1, 3, 33, 64, 100, 128]),
  })
  const service = (): ServiceShape => ({
    track: random.pick<Track>(['changes', 'changes', 'all', 'none']),
    onFailure: random.pick(['keep', 'reset']),
    hash: random.pick(['flow', 'flow', 'source']),
    ...(random.oneIn(3) && { track: 'all', picker: { kind: random.pick(kinds), room: ROOM } }),
    ...(persists && random.oneIn(2) && { track: 'all', persistence: persistence() }),
  })
  const first = service()
  const needsAll = first.picker ?? first.persistence
  const one: ServiceShape = needsAll ? first : { ...first, track: random.pick<Track>(['changes', 'all']) }
  return Array.from({ length: count }, (_, i) => (i === 0 || count < 3 ? one : service()))
}

/** What a service of this kind goes by: some servers, of which some have no weight; or nobody. */
function randomSchedule(random: Random, kind: CountingScheduler, servers: number): ScheduleTable {
  const ids = Array.from({ length: random.below(ROOM + 1) }, () => 1 + random.below(servers))
  if (!isLeast(kind))
    return { turns: ids, cursor: random.oneIn(4) ? 2n ** 64n - 3n : BigInt(random.below(40)) }
  return { members: ids.map((id) => ({ id, weight: random.pick([0, 1, 1, 2, 3, 65_535]) })) }
}

/** A slot's word: 0, any server that there is, the table before. */
function randomWord(random: Random, servers: number, asks: boolean): number {
  const id = () => (random.oneIn(8) ? 0 : 1 + random.below(servers))
  const settled = asks && random.oneIn(3) ? ASK_BEFORE : id()
  const flags = (random.oneIn(3) ? SLOT_LEARN : 0) + (random.oneIn(4) ? 0 : SLOT_RECORDS)
  return slotWord(id(), settled, flags)
}

/** fuzzFlowFixture: a fuzz fixture that tracks flows. */
export function fuzzFlowFixture(shape: FuzzShape, seed: number): Fixture {
  const { shape: base, tables } = fuzzFixture(shape, seed)
  const random = createRandom(seed ^ 0x7ac4)
  const [asks, isTold] = [random.oneIn(2), random.oneIn(2)]
  const before = base.pools.map(() => random.pick([0, 509, 1_021, 2_039]))
  if (asks && !before.some((slots) => slots > 0)) before[0] = 509
  const words = (slots: number) => new Uint32Array(slots).map(() => randomWord(random, base.servers, false))
  const services = randomServices(random, base.services.length)
  const schedules = services.flatMap(({ picker }, i) =>
    picker ? [[i, randomSchedule(random, picker.kind, base.servers)] as const] : [],
  )
  return {
    shape: {
      ...base,
      services,
      flows: {
        entries: random.pick([4, 16, 60, 256]),
        newFlows: random.pick([3, 20, 10_000]),
        clock: { source: 'word', hz: 250, shift: SHIFT },
        idle: TIMEOUTS,
        ...(isTold && { fresh: FRESH }),
      },
      ...(asks && { before }),
    },
    tables: {
      ...tables,
      slots: base.pools.map((slots) =>
        new Uint32Array(slots).map(() => randomWord(random, base.servers, asks)),
      ),
      ...(asks && { before: before.map(words) }),
      schedules: new Map(schedules),
    },
  }
}

/** createFlowFrames: each call gives the next packet, as a rule of one of few flows; the same seed gives the same. */
export function createFlowFrames(fixture: Fixture, seed: number): () => Uint8Array {
  const random = createRandom(seed)
  const fresh = createFrames(fixture, seed)
  const flows = Array.from({ length: FLOWS }, fresh)
  return () => {
    if (random.oneIn(12)) flows[random.below(FLOWS)] = fresh()
    const frame = random.pick(flows).slice()
    const at = frame[12] === 0x86 ? 54 : 14 + 4 * (frame[14]! & 0xf)
    if (frame.length < at + 20) return frame
    frame[at + 13] = random.pick([0x02, 0x10, 0x10, 0x10, 0x18, 0x11, 0x04, 0x14, random.below(256)])
    if (random.oneIn(8)) frame[at + 12] = random.below(256)
    for (let i = 4; i < 12; i++)
      if (random.oneIn(4)) frame[at + i] = random.pick([0, 0xff, random.below(256)])
    return frame
  }
}

/** Between: what may happen before a packet, to both paths alike. */
export type Between = (path: FlowPath) => void

/** createBetween: each call gives what happens next; most often nothing. */
export function createBetween({ shape }: Fixture, seed: number): () => Between {
  const random = createRandom(seed)
  const nothing: Between = () => {}
  const asks = shape.before !== undefined
  let jiffies = BigInt(random.word())

  const time = (): Between => {
    jiffies = random.pick([
      () => jiffies + BigInt(random.below(64)),
      () => jiffies + BigInt(random.below(4_000)),
      () => jiffies + 250n * BigInt(random.pick([60, 61, 900, 905])) + BigInt(random.below(64)),
      () => (BigInt(1 + random.below(3)) << 34n) - BigInt(random.below(200)),
      () => (1n << 32n) - BigInt(random.below(200)),
      () => (jiffies > 1_000n ? jiffies - BigInt(random.below(1_000)) : jiffies),
    ])()
    const now = jiffies
    return (path) => path.setJiffies(now)
  }
  const slots = (): Between => {
    const pool = random.below(shape.pools.length)
    const size = shape.pools[pool]!
    const [from, word] = [random.oneIn(3) ? 0 : random.below(size), randomWord(random, shape.servers, asks)]
    return (path) => path.slots[pool]!.fill(word, from)
  }
  const before = (): Between => {
    const pool = random.below(shape.pools.length)
    const word = randomWord(random, shape.servers, random.oneIn(9))
    return (path) => path.before[pool]?.fill(word)
  }
  const failed = (): Between => {
    const [word, bits] = [random.word(), random.pick([0, random.word(), random.word() & random.word()])]
    return ({ failed: words }) => {
      words[word % words.length] = bits
    }
  }
  const shut = (): Between => {
    const [word, bits] = [random.word(), random.pick([0, random.word(), random.word() & random.word()])]
    return ({ shut: words }) => {
      if (words) words[word % words.length] = bits
    }
  }
  const lost = (): Between => {
    const id = 1 + random.below(shape.servers)
    const usable = !random.oneIn(4)
    return (path) => path.setUsable(id, usable)
  }
  const gone = (): Between => {
    const entry = random.below(bucketsOf(shape.flows!) * BUCKET_ENTRIES)
    return ({ flows }) => flows.fill(0, WORDS.count * entry, WORDS.count * (entry + 1))
  }
  const pickers = shape.services.flatMap(({ picker }, service) => (picker ? [{ service, ...picker }] : []))
  const scheduled = (): Between => {
    if (pickers.length === 0) return nothing
    const { service, kind } = random.pick(pickers)
    const table = randomSchedule(random, kind, shape.servers)
    return ({ schedules }) => {
      if ('members' in table) schedules!.setMembers(service, table.members)
      else schedules!.setTurns(service, table.turns, table.cursor!)
    }
  }
  const raced = (): Between => {
    const [at, count] = [random.word(), random.below(9) - 3]
    return ({ schedules }) => {
      if (schedules) schedules.loads[at % schedules.loads.length] = count
    }
  }
  // clients whose packets came in by other interfaces, as their programs would write it
  const hop = (): Between => {
    const entry = random.below(bucketsOf(shape.flows!) * BUCKET_ENTRIES)
    const at = ANSWER_WORDS.count * entry + ANSWER_WORDS.hop + 1
    const number = random.pick([
      shape.own,
      ...shape.others.map((other) => other.number),
      random.below(MAX_INTERFACES),
    ])
    return ({ answers }) => {
      if (answers) answers[at] = ((answers[at]! & 0xffff) | (number << (HOP_VIA - 32))) >>> 0
    }
  }
  const awaiting = (): Between => {
    const isAwaiting = random.oneIn(2)
    return (path) => path.setAwaiting(isAwaiting)
  }
  const all = [time, time, slots, before, failed, shut, lost, gone, scheduled, raced]
  if (shape.flows!.fresh !== undefined) all.push(awaiting)
  if (shape.others.length > 0) all.push(hop, hop, hop)
  return () => (random.oneIn(2) ? nothing : random.pick(all)())
}
