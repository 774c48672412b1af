// Tells a story to a packet path, the model or the kernel's, and says what happened in the words of story.ts.

import { ANSWER_WORDS } from '../answer-record.ts'
import {
  BUCKET_ENTRIES,
  bucketsOfFlow,
  FLOW,
  type FlowRecord,
  type FlowState,
  flowRecordAt,
  storeFlowRecord,
  WORDS,
} from '../flow-record.ts'
import type { FlowId } from '../flow-table.ts'
import { bucketsOf, failedBit, type Memory } from '../memory.ts'
import type { Outcome } from '../model.ts'
import type { EventName } from '../outcomes.ts'
import type { ScheduleImage } from '../scheduling.ts'
import type { Fixture } from './fixture.ts'
import { flowIdOf, networkIdOf } from './flow-id.ts'
import { type Change, eventText, type Held, START, type Step, type Story, type Told } from './story.ts'
import { SHIFT } from './story-flows.ts'
import { frameOf } from './vector.ts'

/** FlowPath: a packet path whose memory can be seen and set. */
export interface FlowPath {
  readonly fixture: Fixture
  readonly memory: Memory
  run(frame: Uint8Array): Outcome
  /** The flow table as words, the bits of failed and of shut servers, and the slots of each pool, now and before. */
  readonly flows: Uint32Array
  /** The table of answers as words, where some service has nat. */
  readonly answers?: Uint32Array | undefined
  readonly failed: Uint32Array
  readonly shut: Uint32Array | undefined
  readonly slots: readonly Uint32Array[]
  readonly before: readonly Uint32Array[]
  /** What schedulers that count go by, where there are any. */
  readonly schedules: ScheduleImage | undefined
  setJiffies(jiffies: bigint): void
  setUsable(server: number, usable: boolean): void
  setAwaiting(isAwaiting: boolean): void
  /** Events since the last time it was asked. */
  events(): Readonly<Record<EventName, number>>
  /** No new record was made in this second. */
  forgetNewFlows(): void
  /** No fragment has come. */
  forgetFragments(): void
}

const states: Readonly<Record<string, FlowState>> = FLOW
const nameOf = (state: FlowState): string => Object.keys(FLOW).find((name) => states[name] === state)!

/** What a text says of a record; `id` is its flow's. */
function recordOf(text: string, { hash, other }: FlowId): FlowRecord {
  const [, state = '', server, service = '0', time = START] =
    /^(\w+) (\d+)(?: of (\d+))?(?: @(\d+))?$/.exec(text) ?? []
  return {
    hash,
    other,
    state: states[state]!,
    server: Number(server),
    service: Number(service),
    time: Number(time),
  }
}

/** Whose a record is that is there from the start; strangers are flows that no packet of a story has. */
function holderOf({ place, own, network, shares }: Held, id: FlowId, networkId: FlowId): FlowId {
  if (own) return id
  if (network) return networkId
  const stranger = { hash: 0x5151_0000 + place, other: 0x7070_0000 + place }
  return shares ? { ...stranger, [shares]: id[shares] } : stranger
}

/** entriesOf: the places that a flow's record may have: 0..3 of the first bucket, 4..7 of the second. */
function entriesOf({ fixture }: FlowPath, { hash, other }: FlowId): number[] {
  const buckets = bucketsOfFlow(hash, other, bucketsOf(fixture.shape.flows!))
  return buckets.flatMap((bucket) =>
    Array.from({ length: BUCKET_ENTRIES }, (_, i) => bucket * BUCKET_ENTRIES + i),
  )
}

/** apply a change. */
export function apply(path: FlowPath, change: Change): void {
  const { at, word, before, slots, slotsBefore, failed, shut, lost } = change
  const { sweep, sweepAnswers, sweepFlows, tearAnswers } = change
  if (at !== undefined) path.setJiffies(BigInt(at) << BigInt(SHIFT))
  if (word !== undefined)
    for (const [pool, words] of path.slots.entries())
      words.fill(typeof word === 'number' ? word : word[pool]!)
  for (const [pool, words] of path.before.entries()) if (before) words.fill(before[pool]!)
  for (const [slot, value] of Object.entries(slots ?? {})) path.slots[0]![Number(slot)] = value
  for (const [slot, value] of Object.entries(slotsBefore ?? {})) path.before[0]![Number(slot)] = value
  const mark = (words: Uint32Array, servers: NonNullable<Change['failed']>): void => {
    words.fill(0)
    for (const each of servers) {
      const bit = typeof each === 'number' ? each : failedBit(path.memory, ...each)
      words[bit >>> 5]! |= 1 << (bit & 31)
    }
  }
  if (failed) mark(path.failed, failed)
  if (shut && path.shut) mark(path.shut, shut)
  if (lost) for (const server of [1, 2]) path.setUsable(server, !lost.includes(server))
  if (change.awaits !== undefined) path.setAwaiting(change.awaits)
  if (sweep) path.flows.fill(0)
  if (sweep || sweepAnswers) path.answers?.fill(0)
  if (sweepFlows) path.flows.fill(0)
  const { answers } = path
  if (tearAnswers && answers)
    for (let at = 0; at < answers.length; at += ANSWER_WORDS.count)
      answers[at + ANSWER_WORDS.address]! ^= 0x100
  for (const [service, table] of Object.entries(change.schedules ?? {}))
    path.schedules!.fill(Number(service), table)
  for (const [, server, active, inactive] of (change.loads ?? '').matchAll(/(\d+):(-?\d+)\/(-?\d+)/g))
    path.schedules!.loads.set([Number(active), Number(inactive)], path.schedules!.loadAt(0, Number(server)))
}

/** countsOf: connections of servers as service 0 sees them, as text. */
function countsOf({ schedules, fixture }: FlowPath): string {
  const texts = Array.from({ length: fixture.shape.servers + 1 }, (_, id) => {
    const [active = 0, inactive = 0] = schedules!.loads.subarray(schedules!.loadAt(0, id))
    return active === 0 && inactive === 0 ? [] : [`${id}:${active}/${inactive}`]
  })
  return texts.flat().join(' ')
}

/** tell a story from its beginning: nothing is left of what was told before. */
export function tell(path: FlowPath, { held = [], steps }: Story): Told[] {
  path.flows.fill(0)
  path.schedules?.loads.fill(0)
  for (const [service, table] of path.fixture.tables.schedules ?? []) path.schedules!.fill(service, table)
  path.answers?.fill(0)
  apply(path, { at: START, failed: [], shut: [], lost: [], word: 0, before: path.before.map(() => 0) })
  path.forgetNewFlows()
  path.forgetFragments()
  path.events()
  const first = steps[0]!
  const id = flowIdOf(path.fixture, first.of ?? first.send, first.service)
  const entries = entriesOf(path, id)
  const networkId = networkIdOf(path.fixture, first.send, first.service)
  for (const each of held) {
    const { place, record, keyOf, network } = each
    const whose = holderOf(each, id, networkId)
    const entry = network ? entriesOf(path, networkId)[place]! : entries[place]!
    storeFlowRecord(path.flows, entry, {
      ...recordOf(record, whose),
      ...(network && { template: true }),
    })
    if (keyOf === undefined) continue
    const [low, high] = path.flows.subarray(WORDS.count * entry).slice(WORDS.stable)
    storeFlowRecord(path.flows, entry, recordOf(keyOf, whose))
    path.flows.set([low!, high!], WORDS.count * entry + WORDS.stable)
  }
  return steps.map((step) => {
    apply(path, step)
    const outcome = path.run(frameOf(step.send))
    const events = eventText(path.events())
    const record = find(
      path,
      flowIdOf(path.fixture, step.of ?? step.send, step.service),
      step.record?.includes(' in ') ?? false,
    )
    const others = held.filter(({ own, network }) => !own && !network)
    const left = others.filter((each) => holds(path, entries[each.place]!, holderOf(each, id, networkId)))
    const { network } = step
    const kept = network && networkText(path, step, network)
    return {
      ...{ outcome, events, record },
      ...(kept && { network: kept }),
      ...(step.left && { left: left.map(({ place }) => place) }),
      ...(step.counts !== undefined && { counts: countsOf(path) }),
    }
  })
}

/** networkText: the record of the client's network; `none` means that there is no network's at all. */
function networkText(path: FlowPath, { send, service }: Step, expected: string): string {
  const all = Array.from({ length: path.flows.length / WORDS.count }, (_, entry) =>
    flowRecordAt(path.flows, entry),
  )
  if (expected === 'none') return all.some((record) => record?.template) ? 'some' : 'none'
  return find(path, networkIdOf(path.fixture, send, service), expected.includes(' in '))
}

const holds = ({ flows }: FlowPath, entry: number, { hash, other }: FlowId): boolean => {
  const record = flowRecordAt(flows, entry)
  return record?.hash === hash && record.other === other
}

/** find: all records of a flow, wherever they are, as text. */
function find(path: FlowPath, id: FlowId, withPlace: boolean): string {
  const entries = entriesOf(path, id)
  const found: string[] = []
  for (let entry = 0; entry < path.flows.length / WORDS.count; entry++) {
    if (!holds(path, entry, id)) continue
    const { state, server, service, time, template } = flowRecordAt(path.flows, entry)!
    const isNetwork = template ? 'network ' : ''
    const of = service === 0 ? '' : ` of ${service}`
    found.push(
      `${isNetwork}${nameOf(state)} ${server}${of} @${time}${withPlace ? ` in ${entries.indexOf(entry)}` : ''}`,
    )
  }
  return found.join(' and ') || 'none'
}
