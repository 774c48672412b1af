// Who of the clients would be answered by another server after a change, and whose connections would break. Its idea: who
// has a slot is a function of the file and of what counts of each server now, so both tables are made here, before and
// after, and compared hash by hash: exact, without touching what runs. Where one flow has two hashes that have nothing to
// do with each other, before and after, tables say about how many move, and all or none exactly. Flows that are tracked
// keep their server through a change, so a share that moves is one of new flows, unless nothing is tracked. A server that
// the file does not have yet counts as up: it is after its first good check. Pure.

import type { Ip } from '../base/addresses.ts'
import { countingOf, type DesiredState, type PoolState, type ServiceState } from '../config/state.ts'
import { scaleHash } from '../schedule/hash.ts'
import type { Member } from '../schedule/members.ts'
import { assign, buildTable, NOBODY } from '../schedule/ranks.ts'
import { tableSize } from '../schedule/table-size.ts'

/** PoolNow: what is known of a pool that runs. */
export interface PoolNow {
  readonly isSorry: boolean
  /** By server: what counts of its weight now (0..65535), 0 while it is down; and its remembered flows. */
  readonly servers: ReadonlyMap<
    string,
    { readonly weight: number; readonly configured: number; readonly flows: number }
  >
}

/** Now: what runs. Pools, and remembered flows by service. */
export interface Now {
  readonly pools: ReadonlyMap<string, PoolNow>
  readonly flows: ReadonlyMap<string, number>
}

/** Move: of one service. */
export interface Move {
  readonly service: string
  /** The part of all hashes, so of new flows, that another server gets; absent: its scheduler deals by turn or load. */
  readonly moved?: number
  /** `moved` is about so. */
  readonly isAbout?: true
  /**
   * Connections that break: how many of those that are remembered, exactly, where all are; otherwise about which part of
   * all, `~`. Absent: none.
   */
  readonly broken?: { readonly flows: number } | { readonly share: number }
  readonly why?: string
}

/** movesOf: services of both files, in the order of the new one, then those that go; without those that nothing happens to. */
export function movesOf(before: DesiredState, after: DesiredState, now: Now): Move[] {
  const sides = { before: new Side(before, now), after: new Side(after, now) }
  const old = new Map(before.services.map((each) => [each.name, each]))
  const moves = after.services.flatMap((service): Move[] => {
    const was = old.get(service.name)
    return was ? moveOf(was, service, sides, now) : []
  })
  const names = new Set(after.services.map(({ name }) => name))
  const gone = before.services
    .filter(({ name }) => !names.has(name))
    .map((service): Move => ({ service: service.name, ...allBroken(service, now, 'it goes') }))
  return [...moves, ...gone]
}

interface Sides {
  readonly before: Side
  readonly after: Side
}

function moveOf(was: ServiceState, is: ServiceState, { before, after }: Sides, now: Now): Move[] {
  const service = is.name
  if (was.forward !== is.forward)
    return [{ service, ...allBroken(was, now, `forward: ${was.forward} -> ${is.forward}`) }]
  const counts = countingOf(is.scheduler) !== undefined
  const isSame = () => before.asked(was.pool).key === after.asked(is.pool).key
  const hasTwoHashes = was.hash !== is.hash || countingOf(was.scheduler) !== undefined
  const share = () => {
    if (hasTwoHashes) return unlikeShare(before.slots(was.pool), after.slots(is.pool))
    return isSame() ? 0 : movedShare(before.slots(was.pool), after.slots(is.pool))
  }
  const moved = counts ? undefined : share()
  const lost = listenersLost(was, is)
  const broken = alsoLost(lost, brokenOf(was, is, moved ?? 0, { before, after }, now), was, now)
  if ((moved ?? 0) === 0 && !broken && lost === 0) return []
  const isAbout = hasTwoHashes && moved !== undefined && moved > 0 && moved < 1
  const why = lost > 0 ? `${lost} of ${was.listeners.length} listeners go, with their connections` : undefined
  return [
    {
      service,
      ...(moved !== undefined && { moved }),
      ...(isAbout && { isAbout }),
      ...(broken && { broken }),
      ...(why !== undefined && { why }),
    },
  ]
}

/** alsoLost: what breaks, and the connections of listeners that go: nobody counts those by listener. */
function alsoLost(lost: number, broken: Move['broken'], was: ServiceState, now: Now): Move['broken'] {
  if (lost === 0) return broken
  const part = lost / was.listeners.length
  const flows = was.track === 'all' ? (now.flows.get(was.name) ?? 0) : undefined
  if (flows === 0) return undefined
  if (flows !== undefined && part === 1) return { flows }
  const others = broken === undefined ? 0 : 'share' in broken ? broken.share : broken.flows / flows!
  return { share: 1 - (1 - part) * (1 - Math.min(1, others)) }
}

function brokenOf(
  was: ServiceState,
  is: ServiceState,
  moved: number,
  { before, after }: Sides,
  now: Now,
): Move['broken'] {
  // Nothing is remembered: every flow that moves comes to a server that does not know it.
  if (was.track === 'none' || is.track === 'none') return moved > 0 ? { share: moved } : undefined
  const gone = before.members(was.pool).filter((name) => !after.isServer(name, before.addressOf(name)))
  if (gone.length === 0) return undefined
  const pool = now.pools.get(was.pool)
  if (was.track === 'all' && before.isAlone(was)) {
    const flows = gone.reduce((sum, name) => sum + (pool?.servers.get(name)?.flows ?? 0), 0)
    return flows > 0 ? { flows } : undefined
  }
  const share = before.shareOf(was.pool, new Set(gone))
  return share > 0 ? { share } : undefined
}

function allBroken({ name, track }: ServiceState, now: Now, why: string): Pick<Move, 'broken' | 'why'> {
  const flows = now.flows.get(name) ?? 0
  if (track === 'all') return { ...(flows > 0 && { broken: { flows } }), why }
  return { broken: { share: 1 }, why }
}

function listenersLost(was: ServiceState, is: ServiceState): number {
  const key = ({ address, port, lastPort, protocol }: ServiceState['listeners'][number]) =>
    `${address} ${port} ${lastPort} ${protocol}`
  const kept = new Set(is.listeners.map(key))
  return was.listeners.filter((each) => !kept.has(key(each))).length
}

/** Asked: who is asked to answer for a pool, and with which part of its weight; `key` says all that slots depend on. */
interface Asked {
  readonly key: string
  readonly slots: number
  readonly members: readonly Member[]
  readonly parts: ReadonlyMap<string, number>
}

/** Slots: by slot, who has it: an index into `holders`, `name address`. */
interface Slots {
  readonly holders: readonly (string | undefined)[]
  readonly of: Uint16Array
}

/** Side: one of the two files, and the tables that it makes. */
class Side {
  readonly #pools: ReadonlyMap<string, PoolState>
  readonly #addresses: ReadonlyMap<string, Ip>
  readonly #users = new Map<string, number>()
  readonly #now: Now
  readonly #made = new Map<string, Slots>()

  constructor({ pools, servers, services }: DesiredState, now: Now) {
    this.#pools = new Map(pools.map((pool) => [pool.name, pool]))
    this.#addresses = new Map(servers.map(({ name, address }) => [name, address]))
    this.#now = now
    for (const { pool } of services) this.#users.set(pool, (this.#users.get(pool) ?? 0) + 1)
  }

  members(pool: string): string[] {
    return this.#pools.get(pool)?.members.map(({ server }) => server) ?? []
  }

  addressOf(server: string): Ip | undefined {
    return this.#addresses.get(server)
  }

  isServer(name: string, address: Ip | undefined): boolean {
    return this.#addresses.get(name) === address
  }

  /** isAlone: no other service has the pool of this one, so the pool's flows are its own. */
  isAlone({ pool }: ServiceState): boolean {
    return this.#users.get(pool) === 1
  }

  shareOf(pool: string, servers: ReadonlySet<string>): number {
    const { holders, of } = this.slots(pool)
    const held = holders.map(
      (holder) => holder !== undefined && servers.has(holder.slice(0, holder.lastIndexOf(' '))),
    )
    return of.reduce((sum, member) => sum + (member !== NOBODY && held[member] ? 1 : 0), 0) / of.length
  }

  /** asked of a pool: its members, or its sorry servers, with what counts of them now. */
  asked(name: string): Asked {
    const pool = this.#pools.get(name)!
    const now = this.#now.pools.get(name)
    const asked = now?.isSorry && pool.sorry ? pool.sorry.members : pool.members
    const parts = new Map(
      asked.map(({ server, weight }) => [server, partOf(now?.servers.get(server), weight)]),
    )
    const slots = tableSize(pool.members.length)
    const facts = asked.map(
      ({ server, weight }) => `${server} ${this.#addresses.get(server)} ${weight} ${parts.get(server)}`,
    )
    const members = asked.map(({ server, weight }) => ({ name: server, weight }))
    return { key: `${slots} ${facts.join(' ')}`, slots, members, parts }
  }

  /** slots of a pool, as its table gives them. Some milliseconds for each that was not asked for before. */
  slots(name: string): Slots {
    const { key, slots, members, parts } = this.asked(name)
    const made = this.#made.get(key)
    if (made) return made
    const table = buildTable(members, slots)
    const of = assign(table, (member) => parts.get(table.members[member]!.name)!)
    const holders = table.members.map((member) => `${member.name} ${this.#addresses.get(member.name)}`)
    this.#made.set(key, { holders, of })
    return { holders, of }
  }
}

/** partOf its configured weight that counts; a server that is new, or whose weight nobody lowered, counts whole. */
function partOf(
  known: { readonly weight: number; readonly configured: number } | undefined,
  configured: number,
): number {
  if (configured === 0) return 0
  if (!known || known.weight === known.configured) return 1
  return Math.min(known.weight, configured) / configured
}

/** movedShare: the part of all hashes whose server is another one. Tables of two sizes are compared piece by piece. */
function movedShare(before: Slots, after: Slots): number {
  const [a, b] = [before.of, after.of]
  const holder = ({ holders }: Slots, member: number) => (member === NOBODY ? undefined : holders[member])
  const places = new Map(after.holders.map((each, i) => [each, i]))
  // Of each member before, its place after; two different numbers are two different servers.
  const placeOf = before.holders.map((each) => places.get(each) ?? -1)
  if (a.length === b.length) {
    let moved = 0
    for (let slot = 0; slot < a.length; slot++) {
      const [from, to] = [a[slot]!, b[slot]!]
      if (from === NOBODY ? to !== NOBODY : placeOf[from] !== (to === NOBODY ? -2 : to)) moved++
    }
    return moved / a.length
  }
  let [moved, at] = [0, 0]
  for (let hash = 0; hash < HASHES; hash = at) {
    const [i, j] = [scaleHash(hash, a.length), scaleHash(hash, b.length)]
    at = Math.min(firstHash(i + 1, a.length), firstHash(j + 1, b.length))
    if (holder(before, a[i]!) !== holder(after, b[j]!)) moved += at - hash
  }
  return moved / HASHES
}

/** unlikeShare: the part of flows whose server is another one where the slot before says nothing of the one after. */
function unlikeShare(before: Slots, after: Slots): number {
  const parts = partsOf(after)
  return 1 - [...partsOf(before)].reduce((sum, [holder, part]) => sum + part * (parts.get(holder) ?? 0), 0)
}

/** partsOf all slots, by who has them. */
function partsOf({ holders, of }: Slots): ReadonlyMap<string | undefined, number> {
  const counts = new Map<string | undefined, number>()
  for (const member of of) {
    const holder = member === NOBODY ? undefined : holders[member]
    counts.set(holder, (counts.get(holder) ?? 0) + 1)
  }
  return new Map([...counts].map(([holder, count]) => [holder, count / of.length]))
}

const HASHES = 0x100000000

/** firstHash: the least hash that has this slot. Exact: a quotient by one of tableSizes is whole, or a fifth away from it. */
const firstHash = (slot: number, slots: number): number => Math.ceil((slot * HASHES) / slots)
