// All services whose scheduler counts (service-schedule.ts), and the connections that some of them look at. The packet path
// counts those; where CPUs race it is off by some, so that the walk over the records corrects them.

import type { ScheduleImage, ScheduleTable } from '../dataplane/scheduling.ts'
import type { Known } from './known.ts'
import type { Plan } from './plan.ts'
import { type Last, type Next, ServiceSchedule } from './service-schedule.ts'

/** Counted: connections of a server of a pool, as a walk over the records found them. */
export type Counted = (pool: number, id: number) => { readonly active: number; readonly inactive: number }

/** Row: where a pool's loads begin, and the ids that are in it. */
interface Row {
  readonly row: number
  readonly pool: number
  readonly ids: readonly number[]
}

export class Schedules {
  readonly #schedules: readonly ServiceSchedule[]
  readonly #rows: readonly Row[]
  #image: ScheduleImage | undefined
  /** Loads when the walk that is under way began. */
  #then: Int32Array | undefined

  private constructor(schedules: readonly ServiceSchedule[], rows: readonly Row[]) {
    this.#schedules = schedules
    this.#rows = rows
  }

  /** of a plan; undefined where no service has a scheduler that counts. `before`: what ran until now. */
  static of(
    plan: Plan,
    rows: ReadonlyMap<number, number>,
    known: Known,
    before?: Schedules,
  ): Schedules | undefined {
    const schedules = plan.services.flatMap((planned, service) => {
      const kind = planned && plan.spec.services[planned.at]!.scheduler
      return kind ? [new ServiceSchedule(plan, service, kind)] : []
    })
    if (schedules.length === 0) return undefined
    for (const schedule of schedules) schedule.begin(known, before ? before.#lastOf(schedule) : undefined)
    return new Schedules(
      schedules,
      [...rows].map(([pool, row]) => ({ row, pool, ids: plan.pools[pool]!.ids })),
    )
  }

  /** tables: what a new generation is filled with, by service. */
  tables(): ReadonlyMap<number, ScheduleTable> {
    return new Map(this.#schedules.map((schedule) => [schedule.service, schedule.table()]))
  }

  /** bind to memory that was filled with these tables, and that nobody reads yet: with the connections that there are. */
  bind(image: ScheduleImage, counted: Counted): void {
    this.#image = image
    this.#each(counted, (at, count) => {
      image.loads[at] = count
    })
  }

  /** takeOver memory that another daemon filled. */
  takeOver(image: ScheduleImage): void {
    this.#image = image
    for (const schedule of this.#schedules) schedule.takeOver(image)
  }

  /** mend what somebody else has written there; the names of the services concerned. */
  mend(image: ScheduleImage): string[] {
    return this.#schedules.flatMap((schedule) => (schedule.mend(image) ? [schedule.name] : []))
  }

  /** change: what counts of some server is another; in one pool or in all. */
  change(known: Known, only?: number): void {
    for (const schedule of this.#schedules)
      if (only === undefined || schedule.pool === only) schedule.follow(known, this.#image!)
  }

  /** loadOf a server of a pool; undefined where nobody looks at it. */
  loadOf(pool: number, id: number): { readonly active: number; readonly inactive: number } | undefined {
    const row = this.#rows.find((each) => each.pool === pool)
    if (!row) return undefined
    const at = 2 * (row.row + id)
    const [active, inactive] = [this.#image!.loads[at]!, this.#image!.loads[at + 1]!]
    return { active: Math.max(0, active), inactive: Math.max(0, inactive) }
  }

  /** next: whom a service's scheduler picks for the next new flow; undefined where its slots pick. */
  next(service: number): Next | undefined {
    const schedule = this.#schedules.find((each) => each.service === service)
    return schedule?.next(this.#image!, (id) => this.loadOf(schedule.pool, id) ?? { active: 0, inactive: 0 })
  }

  /** watch: a walk over the records begins. */
  watch(): void {
    this.#then = this.#image!.loads.slice()
  }

  /**
   * correct the loads by what a walk counted. Flows came and went meanwhile: what a load was at any time of the walk is
   * believed, and only what the count is off beyond that is added.
   */
  correct(counted: Counted): void {
    const then = this.#then
    if (!then) return
    const { loads } = this.#image!
    this.#each(counted, (at, count) => {
      const [one, other] = [then[at]!, Atomics.load(loads, at)]
      const [least, most] = [Math.min(one, other), Math.max(one, other)]
      const off = count < least ? count - least : count > most ? count - most : 0
      if (off !== 0) Atomics.add(loads, at, off)
    })
    this.#then = undefined
  }

  #each(counted: Counted, visit: (at: number, count: number) => void): void {
    for (const { row, pool, ids } of this.#rows)
      for (const id of ids) {
        const { active, inactive } = counted(pool, id)
        visit(2 * (row + id), active)
        visit(2 * (row + id) + 1, inactive)
      }
  }

  #lastOf({ name, kind }: ServiceSchedule): Last | undefined {
    const before = this.#schedules.find((each) => each.name === name && each.kind === kind)
    return this.#image && before?.last(this.#image)
  }
}
