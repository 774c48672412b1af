// Which server a flow has, where flows are tracked: the model's half of docs/packet-path.md, "Flows", to be read beside
// it, with "Persistence". It changes the flow table as the packet path does. The clock is handed in.

import { scaleHash } from '../schedule/hash.ts'
import { limitsOf, secondTicks, ticksOf } from './flow-clock.ts'
import { FLOW, type FlowRecord, flowRecordAt, isOlder, tickOf } from './flow-record.ts'
import type { FlowSchedules } from './flow-schedule.ts'
import { type FlowId, FlowTable, type Found, isEstablished } from './flow-table.ts'
import { awaitsRequests, bucketsOf, failedBit, type Memory } from './memory.ts'
import { Awaiting } from './model-awaiting.ts'
import { type EventName, eventNames } from './outcomes.ts'
import {
  ASK_BEFORE,
  currentOf,
  type FlowsShape,
  type Shape,
  SLOT_LEARN,
  STATELESS,
  settledOf,
  type Tables,
} from './shape.ts'

/**
 * FlowKind: what of a packet matters to its flow: `syn` is a SYN without ACK, FIN and RST; `end` has FIN or RST;
 * `segment` is any other of TCP.
 */
export type FlowKind = 'syn' | 'segment' | 'end' | 'udp'

/** Asked: a packet's flow. `peek`: nothing is to change. */
export interface Asked extends FlowId {
  readonly kind: FlowKind
  readonly service: number
  readonly pool: number
  /** Of its slot. */
  readonly word: number
  /** The client's network, where the service persists. */
  readonly network?: FlowId
  readonly peek?: boolean
  /** What is not recorded is refused: `no-room`. */
  readonly recorded?: boolean
  /** The flow goes to the word's current server, whatever its record says. */
  readonly moves?: boolean
}

/** FlowMemory: what is kept from packet to packet. */
export class FlowMemory {
  readonly table: FlowTable
  readonly events = Object.fromEntries(eventNames.map((name) => [name, 0])) as Record<EventName, number>
  /** jiffies: the time now. */
  jiffies = 0n
  /** In which second records were made last, and how many (one CPU's). */
  newFlows = { second: 0, count: 0 }
  /** awaiting: records that may be on their way from other nodes. */
  readonly awaiting: Awaiting
  /** schedules: of services whose scheduler counts. */
  readonly schedules: FlowSchedules | undefined

  constructor(flows: FlowsShape, schedules?: FlowSchedules) {
    this.table = new FlowTable(bucketsOf(flows))
    this.awaiting = new Awaiting(flows)
    this.schedules = schedules
  }
}

/**
 * Decide: the server's id, 0 for nobody; that the client is to be told; that there is no room for a record; that another node may be
 * about to tell of the flow.
 */
export type Decide = (asked: Asked) => number | 'reset' | 'no-room' | 'untold'

/** createDecide for a shape with flows. Tables that change afterwards are seen. */
export function createDecide(
  shape: Shape,
  tables: Tables,
  memory: FlowMemory,
  capacities: Pick<Memory, 'serverCapacity'>,
): Decide {
  const { table, events, schedules } = memory
  const limits = limitsOf(shape.flows!)
  const { shift } = shape.flows!.clock
  const isTold = awaitsRequests(shape)
  const isReachable = (id: number): boolean => id !== 0 && tables.servers[id]?.usable === true
  const isSet = (words: Uint32Array | undefined, pool: number, id: number): boolean => {
    const bit = failedBit(capacities, pool, id)
    return ((words?.[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0
  }
  const hasFailed = (pool: number, id: number): boolean => isSet(tables.failed, pool, id)
  const isOpen = (pool: number, id: number): boolean => isReachable(id) && !isSet(tables.shut, pool, id)
  const isHealthy = (pool: number, id: number): boolean => isReachable(id) && !hasFailed(pool, id)
  const resets = (service: number): boolean => (shape.services[service] ?? STATELESS).onFailure === 'reset'

  /** The settled server, by the table before where the word says so; an id that nobody can have is nobody. */
  function settled({ word, pool, hash }: Asked): number {
    const words = tables.before?.[pool] ?? new Uint32Array()
    const asks = settledOf(word) === ASK_BEFORE && words.length > 0
    const id = settledOf(asks ? words[scaleHash(hash, words.length)]! : word)
    return id < capacities.serverCapacity ? id : 0
  }

  return (asked) => {
    const { kind, service, pool, network, peek = false } = asked
    const now = tickOf(memory.jiffies, shift)
    const found = table.find(asked)
    const record = found && found.server < capacities.serverCapacity ? found : undefined
    events[record ? 'flow-hit' : 'flow-miss']++

    const unrecorded = (server: number) => (asked.recorded ? 'no-room' : server)
    const followed = record && !asked.moves ? follow(record) : undefined
    if (followed !== undefined) return followed
    const kept = network && !asked.moves ? whoKeeps(network) : 0
    return begin(kept || asked.word)

    /** What the record says; undefined where it does not hold any more. */
    function follow({ server, service: of, entry, state, time }: Found): number | 'reset' | undefined {
      const touch = (next: typeof state) => {
        if (peek) return server
        const isNews = next !== state || now !== time
        table.touch(entry, next, now)
        if (next === FLOW.closed && state !== FLOW.closed) {
          schedules?.tally({ service: of, server, state }, -1)
          schedules?.tally({ service: of, server, state: next }, 1)
        }
        if (isNews && next !== FLOW.closed && network) keep(network, server)
        return server
      }
      if (kind === 'udp') return isHealthy(pool, server) ? touch(FLOW.established) : undefined
      if (kind === 'syn') {
        const isRepeated = state === FLOW.syn && !isOlder(now, time, limits.syn)
        return isRepeated && isHealthy(pool, server) ? touch(FLOW.syn) : undefined
      }
      if (resets(service) && hasFailed(pool, server)) return 'reset'
      return touch(kind === 'end' || state === FLOW.closed ? FLOW.closed : FLOW.established)
    }

    /** A flow without a record that holds. */
    function begin(word: number): ReturnType<Decide> {
      const opens = kind === 'syn' || kind === 'udp'
      const current = currentOf(word)
      const before = settled({ ...asked, word })
      const healthy = isHealthy(pool, before) ? before : 0
      if (opens && !peek && !asked.moves && kept === 0 && schedules?.picks(service)) {
        const server = schedules.pick(service)
        const isKept = !isReachable(server) || begun(server, kind === 'syn' ? FLOW.syn : FLOW.established)
        return isKept ? server : unrecorded(healthy || current || server)
      }
      if (kind === 'syn') {
        if (!isReachable(current) || begun(current, FLOW.syn)) return current
        return unrecorded(healthy || current)
      }
      if (kind === 'udp') {
        const server = ((word & SLOT_LEARN) !== 0 && healthy) || current
        if (isReachable(server) && !peek && !begun(server, FLOW.established)) return unrecorded(server)
        return server
      }
      const isByRecord = network !== undefined || schedules?.picks(service) === true
      const isBySlot = !isByRecord && (before === 0 || before === current)
      if (isTold && kept === 0 && !isBySlot && memory.awaiting.awaits(memory.jiffies)) return 'untold'
      if (before !== 0 && resets(service) && hasFailed(pool, before)) return 'reset'
      const server = before || current
      if (kind !== 'end' && isReachable(server) && !peek && !begun(server, FLOW.established))
        return unrecorded(server)
      return server
    }

    /** Makes the flow's record; false where it cannot be. Its network is kept with its server then. */
    function begun(server: number, state: typeof FLOW.syn | typeof FLOW.established): boolean {
      const { hash, other } = asked
      const isRecorded = remember(found, { hash, other, server, service, time: now, state })
      if (isRecorded && network) keep(network, server)
      return isRecorded
    }

    /** A network's record, where it holds. */
    function holding(network: FlowId): Found | undefined {
      const template = table.find(network)
      if (!template || template.server >= capacities.serverCapacity) return undefined
      const { persistence } = shape.services[service]!
      const lapsed = isOlder(now, template.time, ticksOf(shape.flows!.clock, persistence!.timeout))
      return lapsed || !isOpen(pool, template.server) ? undefined : template
    }

    /** Who gets a network's new flows; 0: whoever is chosen. */
    function whoKeeps(network: FlowId): number {
      return holding(network)?.server ?? 0
    }

    /** A flow of the network is with the server: it comes back there from now on, unless it has another one already. */
    function keep(network: FlowId, server: number): void {
      const template = holding(network)
      const state = kind === 'syn' ? FLOW.syn : FLOW.established
      if (template) {
        const next = kind === 'syn' ? template.state : FLOW.established
        if (template.server === server) table.touch(template.entry, next, now)
      } else if (isOpen(pool, server)) {
        const { hash, other } = network
        const next = { hash, other, server, service, time: now, state, template: true } as const
        remember(table.find(network), next)
      }
    }

    /** Makes a record: in place of one that is there, or in a new place; false where it cannot be. */
    function remember(own: Found | undefined, next: FlowRecord): boolean {
      const write = (entry: number) => {
        const was = flowRecordAt(table.words, entry)
        if (was && !was.template) schedules?.tally(was, -1)
        table.write(entry, next)
        if (!next.template) schedules?.tally(next, 1)
      }
      if (own) {
        write(own.entry)
        return true
      }
      const second = now >>> secondTicks(shape.flows!.clock)
      const made = memory.newFlows.second === second ? memory.newFlows.count : 0
      if (made >= limits.newFlows) {
        events['flow-capped']++
        return false
      }
      const { entry, is } = table.candidate(next, now)
      if (isEstablished(is) && !isOlder(now, is.time, limits.established)) {
        if (next.state === FLOW.syn) {
          events['flow-full']++
          return false
        }
        events['flow-evicted']++
      }
      write(entry)
      events['flow-insert']++
      memory.newFlows = { second, count: made + 1 }
      return true
    }
  }
}
