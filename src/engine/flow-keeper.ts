// The flows of what runs, over time: the flow table of one generation, the packet path's clock, and the walk over both
// that ends what has been silent and counts the rest. With the words of the slots it is what is left to do as time goes
// by: look-ups end where no record needs them any more.

import { ANSWER_WORDS } from '../dataplane/answer-record.ts'
import { ageOf, BUCKET_ENTRIES } from '../dataplane/flow-record.ts'
import { bucketsOf, failedBit, flowsOf, memoryOf, poolBases } from '../dataplane/memory.ts'
import type { FlowsShape } from '../dataplane/shape.ts'
import type { Assignment } from './assignment.ts'
import { Expiry } from './expiry.ts'
import type { GenerationMaps } from './generation-maps.ts'
import { Ticks } from './jiffies.ts'
import { idleTicks, keepsOf, networkTicks } from './lives.ts'
import type { Plan } from './plan.ts'
import { Records } from './records.ts'
import type { Schedules } from './schedules.ts'
import { NO_PLACE, Sweep, type Swept, WALK_MS } from './sweep.ts'

export class FlowKeeper implements Disposable {
  readonly records: Records
  /** What turns answers back, where some service has nat. */
  readonly answers: Records | undefined
  readonly ticks: Ticks
  readonly #plan: Plan
  readonly #shape: FlowsShape
  readonly #sweep: Sweep
  readonly #expiry: Expiry | undefined
  /** By pool: its least id, and by id less that where a server is counted. */
  readonly #leastId: Int32Array
  readonly #places: readonly Uint32Array[]
  #swept: Swept | undefined
  #endedAt = Number.NEGATIVE_INFINITY

  /** open the flows of a generation; undefined where it tracks none. `slots`: the words of each pool. */
  static open(plan: Plan, maps: GenerationMaps, slots: readonly Uint32Array[]): FlowKeeper | undefined {
    const shape = flowsOf(plan.shape)
    return shape && maps.all.has('flows') ? new FlowKeeper(plan, shape, maps, slots) : undefined
  }

  private constructor(plan: Plan, shape: FlowsShape, maps: GenerationMaps, slots: readonly Uint32Array[]) {
    this.#plan = plan
    this.#shape = shape
    this.records = new Records(maps.words('flows')!, bucketsOf(shape) * BUCKET_ENTRIES)
    const answers = maps.words('answers')
    this.answers = answers && new Records(answers, bucketsOf(shape) * BUCKET_ENTRIES, ANSWER_WORDS.count)
    this.ticks = new Ticks(shape.clock, maps.words('clock'))
    let places = 0
    this.#leastId = Int32Array.from(plan.pools, ({ ids }) => Math.min(...ids))
    this.#places = plan.pools.map(({ ids }, pool) => {
      const least = this.#leastId[pool]!
      const placeOf = new Uint32Array(Math.max(least - 1, ...ids) - least + 1).fill(NO_PLACE)
      for (const id of ids) placeOf[id - least] = places++
      return placeOf
    })
    const memory = memoryOf(plan.shape)
    const shut = maps.words('shut')
    this.#sweep = new Sweep(this.records, {
      poolOf: Int32Array.from(plan.services, (_, service) =>
        this.#remembers(service) ? plan.services[service]!.pool : -1,
      ),
      bases: poolBases(plan.shape),
      slots: plan.shape.pools,
      isServer: Uint8Array.from(plan.servers, (name) => (name === undefined ? 0 : 1)),
      words: slots,
      placeOf: this.#places,
      leastId: this.#leastId,
      places,
      bySlot: Uint8Array.from(plan.shape.services, ({ picker }) => (picker ? 0 : 1)),
      idle: idleTicks(plan, shape.clock),
      keeps: keepsOf(plan),
      networks: networkTicks(plan, shape.clock),
      isShut: (pool, server) => {
        const bit = failedBit(memory, pool, server)
        return ((shut?.[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0
      },
    })
    this.#expiry = this.answers && new Expiry(this.answers, idleTicks(plan, shape.clock))
  }

  /** swept: what the last whole walk found; undefined: none has ended yet. */
  get swept(): Swept | undefined {
    return this.#swept
  }

  /** flowsOf a server of a pool, and the seconds since the last of them sent something. */
  flowsOf(pool: number, id: number): { readonly flows: number; readonly silentS: number | undefined } {
    const place = this.#places[pool]![id - this.#leastId[pool]!] ?? NO_PLACE
    const flows = this.#swept?.flows[place] ?? 0
    if (flows === 0) return { flows, silentS: undefined }
    const age = this.secondsOf(this.#swept!.silent[place]!)
    return { flows, silentS: age + this.#sinceWalk }
  }

  /** loadOf a server of a pool: connections, by the last whole walk. */
  loadOf(pool: number, id: number): { readonly active: number; readonly inactive: number } {
    const place = this.#places[pool]![id - this.#leastId[pool]!] ?? NO_PLACE
    const { flows, closed } = this.#swept ?? {}
    const inactive = closed?.[place] ?? 0
    return { active: (flows?.[place] ?? 0) - inactive, inactive }
  }

  /** walk through all records at once, so that loads are known. */
  walk(now: number): void {
    this.#swept = this.#sweep.step(now, this.ticks.now(), this.records.entries)
  }

  /** secondsOf so many ticks. */
  secondsOf(ticks: number): number {
    const { hz, shift } = this.#shape.clock
    return (ticks * 2 ** shift) / hz
  }

  /** ageOf a record's time, in ticks. */
  ageOf(time: number): number {
    return ageOf(this.ticks.now(), time)
  }

  /** purge records of numbers that nobody has, or whose service remembers no flows; answers to interfaces that are gone. */
  purge(): number {
    const { interfaces, servers, services, spec } = this.#plan
    const numbers = new Set(interfaces.map(({ number }) => number))
    const isNobodys = (server: number, service: number) =>
      servers[server] === undefined || !this.#remembers(service)
    const isDsr = (service: number) => spec.services[services[service]!.at]!.nat === undefined
    this.answers?.clearWhere(
      (server, service, via) => isNobodys(server, service) || isDsr(service) || !numbers.has(via),
    )
    return this.records.clearWhere(isNobodys)
  }

  /** step a slice of the walk; when it is complete, look-ups end and loads are corrected. Returns the slots written. */
  step(now: number, assignment: Assignment, schedules?: Schedules): number {
    this.#now = now
    this.#expiry?.step(now, this.ticks.now())
    if (this.#sweep.isBetween && now - this.#endedAt < WALK_MS) return 0
    if (this.#sweep.isBetween) schedules?.watch()
    const swept = this.#sweep.step(now, this.ticks.now())
    if (!swept) return 0
    this.#swept = swept
    this.#endedAt = now
    schedules?.correct((pool, id) => this.loadOf(pool, id))
    let written = 0
    for (const [pool, base] of poolBases(this.#plan.shape).entries()) {
      const isForeign = (slot: number) =>
        (swept.foreign[(base + slot) >>> 3]! & (1 << ((base + slot) & 7))) !== 0
      written += assignment.poolAt(pool).forget(swept.since, isForeign)
    }
    return written
  }

  [Symbol.dispose](): void {
    this.ticks[Symbol.dispose]()
  }

  #now = 0
  get #sinceWalk(): number {
    return Math.max(0, (this.#now - this.#endedAt) / 1_000)
  }

  #remembers(service: number): boolean {
    const planned = this.#plan.services[service]
    return planned !== undefined && this.#plan.spec.services[planned.at]!.track !== 'none'
  }
}
