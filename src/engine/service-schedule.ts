// The scheduler of one service that counts turns or connections: what the packet path goes by, from what counts of each
// server's weight, and how it follows changes. Turns go on where they were, through changes of weights and of the file.
// A pool's servers are in the file's order, which is LVS's order of them turned round: it puts a new one before the others.
// Its sorry servers are behind them; either these have weights or those.

import { isLeast, type Member, type ScheduleImage, type ScheduleTable } from '../dataplane/scheduling.ts'
import type { CountingScheduler } from '../dataplane/shape.ts'
import { type Load, leastLoaded } from '../schedule/least.ts'
import { goOn, type Place, placeAfter, type Rotation, rotation, START } from '../schedule/rotation.ts'
import type { Known } from './known.ts'
import type { Plan } from './plan.ts'
import { usesSorry } from './sorry.ts'

/** Configured: a server of a pool, and its weight in the file. */
interface Configured {
  readonly name: string
  readonly id: number
  readonly weight: number
}

/** Last: who had the last turn of a service: what a generation after goes on from. */
export interface Last {
  readonly members: readonly string[]
  readonly place: Place
}

/** Next: whom a scheduler picks. */
export interface Next {
  readonly kind: CountingScheduler
  readonly id: number
  readonly why: string
}

export class ServiceSchedule {
  readonly service: number
  readonly name: string
  readonly pool: number
  readonly kind: CountingScheduler
  readonly #poolName: string
  /** Sorry servers are behind the first `#ownCount`. */
  readonly #members: readonly Configured[]
  readonly #ownCount: number
  #weights: readonly number[] = []
  #rotation: Rotation | undefined
  #place: Place = START
  /** Where the cursor was set. */
  #start = 0n

  constructor(plan: Plan, service: number, kind: CountingScheduler) {
    const { name, pool } = plan.services[service]!
    this.service = service
    this.name = name
    this.pool = pool
    this.kind = kind
    this.#poolName = plan.pools[pool]!.name
    const { members, sorry = [] } = plan.spec.pools.find((each) => each.name === this.#poolName)!
    this.#members = [...members, ...sorry].map(({ server, weight }) => ({
      name: server,
      id: plan.idOf.get(server)!,
      weight,
    }))
    this.#ownCount = members.length
  }

  /** begin by what is known; `last` is of the generation before. */
  begin(known: Known, last: Last | undefined): void {
    this.#weights = this.#weightsOf(known)
    if (this.kind !== 'rr' && this.kind !== 'wrr') return
    this.#rotation = rotation(this.kind, this.#weights)
    this.#goOn(last ? this.#inherited(last) : START)
  }

  table(): ScheduleTable {
    if (!this.#rotation) return { members: this.#loads() }
    return { turns: this.#ids(this.#rotation), cursor: this.#start }
  }

  /** follow what is known now. */
  follow(known: Known, image: ScheduleImage): void {
    const weights = this.#weightsOf(known)
    if (weights.every((weight, i) => weight === this.#weights[i])) return
    const place = this.#rotation && this.#placeNow(image)
    this.#weights = weights
    if (place) {
      this.#rotation = rotation(this.#rotation!.kind, weights)
      this.#goOn(place)
    }
    this.write(image)
  }

  write(image: ScheduleImage): void {
    if (this.#rotation) image.setTurns(this.service, this.#ids(this.#rotation), this.#start)
    else image.setMembers(this.service, this.#loads())
  }

  /** mend: whether the memory was not what was written there; turns go on where they are. */
  mend(image: ScheduleImage): boolean {
    const { cursor } = image.turns(this.service)
    const table = this.#rotation ? { turns: this.#ids(this.#rotation), cursor } : { members: this.#loads() }
    if (image.holds(this.service, table)) return false
    image.fill(this.service, table)
    return true
  }

  /** takeOver memory that runs: turns that are as they should be go on undisturbed. */
  takeOver(image: ScheduleImage): void {
    if (!this.#rotation) {
      this.write(image)
      return
    }
    const { ids, cursor } = image.turns(this.service)
    const own = this.#ids(this.#rotation)
    const count = BigInt(ids.length)
    const last = ids.length === 0 ? undefined : Number((cursor + count - 1n) % count)
    if (ids.length === own.length && own.every((id, i) => id === ids[i])) {
      this.#start = cursor
      if (last !== undefined) this.#place = placeAfter(this.#rotation, last)
      return
    }
    const server = last === undefined ? -1 : this.#members.findIndex(({ id }) => id === ids[last])
    this.#goOn({ ...START, server })
    this.write(image)
  }

  /** next: who gets the next new flow as things are, and why; an id, or 0. */
  next(image: ScheduleImage, loadOf: (id: number) => Omit<Load, 'weight'>): Next {
    if (!isLeast(this.kind)) {
      const { ids, cursor } = image.turns(this.service)
      if (ids.length === 0) return { kind: this.kind, id: 0, why: 'nobody has a turn' }
      return { kind: this.kind, id: ids[Number(cursor % BigInt(ids.length))]!, why: 'it is its turn' }
    }
    const loads = this.#members.map(({ id }, i) => ({ ...loadOf(id), weight: this.#weights[i]! }))
    const at = leastLoaded(this.kind, loads)
    if (at < 0) return { kind: this.kind, id: 0, why: 'nobody has a weight' }
    const { active, inactive, weight } = loads[at]!
    const why = `${active} active and ${inactive} inactive connections, weight ${weight}, are the least to do`
    return { kind: this.kind, id: this.#members[at]!.id, why }
  }

  /** last: for the generation after. */
  last(image: ScheduleImage): Last {
    return { members: this.#members.map(({ name }) => name), place: this.#placeNow(image) }
  }

  #placeNow(image: ScheduleImage): Place {
    const of = this.#rotation
    if (!of || of.turns.length === 0) return this.#place
    const { cursor } = image.turns(this.service)
    if (cursor === this.#start) return this.#place
    return placeAfter(of, Number((cursor - 1n) % BigInt(of.turns.length)))
  }

  #goOn(from: Place): void {
    const { turn, place } = goOn(from, this.#rotation!)
    this.#place = place
    this.#start = BigInt(turn)
  }

  /** The last one's place here; where it is gone, that of the nearest one before it, as LVS does it. */
  #inherited({ members, place }: Last): Place {
    const index = new Map(this.#members.map(({ name }, i) => [name, i]))
    for (let at = place.server; at >= 0; at--) {
      const server = index.get(members[at]!)
      if (server !== undefined) return { ...place, server }
    }
    return { ...place, server: -1 }
  }

  #weightsOf(known: Known): readonly number[] {
    const weights = this.#members.map(({ name, weight }) =>
      known.partOf(this.#poolName, name, weight) === 0 ? 0 : known.weightOf(this.#poolName, name, weight),
    )
    const isSorry = usesSorry(weights, this.#ownCount, known.isLost(this.#poolName))
    return weights.map((weight, member) => (member >= this.#ownCount === isSorry ? weight : 0))
  }

  #ids = (of: Rotation): number[] => Array.from(of.turns, (member) => this.#members[member]!.id)
  #loads = (): Member[] => this.#members.map(({ id }, i) => ({ id, weight: this.#weights[i]! }))
}
