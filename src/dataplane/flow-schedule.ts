// Who takes a new flow where the scheduler counts, in plain TypeScript, for the model: the pure schedulers over the same
// memory as the program's (scheduling.ts), so that both can be compared byte for byte. Left out: other CPUs.

import { leastLoaded } from '../schedule/least.ts'
import { FLOW, type FlowRecord } from './flow-record.ts'
import { isLeast, ScheduleImage, type Scheduling } from './scheduling.ts'
import type { Shape, Tables } from './shape.ts'

/** FlowSchedules: turns and connections, kept from packet to packet. */
export class FlowSchedules {
  readonly image: ScheduleImage
  readonly #shape: Shape
  readonly #serverCapacity: number

  constructor(shape: Shape, scheduling: Scheduling) {
    this.#shape = shape
    this.#serverCapacity = scheduling.serverCapacity
    this.image = new ScheduleImage(scheduling, new Uint8Array(scheduling.map.type.size))
  }

  /** fill by service, as nothing had been picked yet. */
  fill({ schedules }: Pick<Tables, 'schedules'>): void {
    for (const [service, table] of schedules ?? []) this.image.fill(service, table)
  }

  /** picks: whether a service has a scheduler that counts; else its slots pick. */
  picks = (service: number): boolean => this.#kindOf(service) !== undefined

  /** pick the server of a new flow; 0: nobody. */
  pick(service: number): number {
    const kind = this.#kindOf(service)!
    if (!isLeast(kind)) return this.image.take(service)
    const members = this.image.members(service)
    const loads = members.map(({ id, weight }) => {
      const at = this.image.loadAt(service, id)
      const [active, inactive] = [this.image.loads[at]!, this.image.loads[at + 1]!]
      return { weight, active: Math.max(0, active), inactive: Math.max(0, inactive) }
    })
    return members[leastLoaded(kind, loads)]?.id ?? 0
  }

  /** tally: a record came (1), or goes (-1). */
  tally({ service, server, state }: Pick<FlowRecord, 'service' | 'server' | 'state'>, by: 1 | -1): void {
    const kind = this.#kindOf(service)
    if (!kind || !isLeast(kind) || server >= this.#serverCapacity) return
    this.image.loads[this.image.loadAt(service, server) + (state === FLOW.closed ? 1 : 0)]! += by
  }

  #kindOf = (service: number) => this.#shape.services[service]?.picker?.kind
}
