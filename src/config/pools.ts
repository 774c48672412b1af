// Pools: who answers, with which weight. A pool stands under `pools`, or a service has one of its own by naming
// servers; services that name the same servers with the same weights share one table, and so one pool, which is
// named after the first of them. Sorry servers and quorum are the pool's as well.

import { didYouMean } from '../base/nearest.ts'
import { namesOf, parseNames } from '../base/ranges.ts'
import type { Defaults } from './behaviour.ts'
import { describe } from './check-shape.ts'
import type { Findings } from './findings.ts'
import { type Inventory, rangeOr } from './inventory.ts'
import type { Merged } from './merge.ts'
import { named } from './named.ts'
import { type Quorum, resolveQuorum } from './quorum.ts'
import type { MembersShape, OwnedShape, PoolShape } from './schema-services.ts'
import { checkSorry, fitting, resolveSorry, type Sorry, type SorryShape } from './sorry.ts'
import { formatPlace, inside, keyOf, type Place } from './source.ts'
import type { PoolState } from './state.ts'

type Member = PoolState['members'][number]

/** PoolRef: one item of a pool's list and what it stands for, so that findings name the item. */
export interface PoolRef {
  readonly place: Place
  readonly members: readonly Member[]
}

/** Pool: a resolved pool with its places. */
export interface Pool extends PoolState {
  readonly refs: readonly PoolRef[]
  readonly sorryRefs: readonly PoolRef[]
  /** Where the file says how sorry servers are checked, if not as members are. */
  readonly sorryCheckAt?: Place
  /** Where it says a quorum of its own. */
  readonly quorumAt?: Place
}

/** Owner: a pool of the file, or the service that has one by naming servers: what it says beside them, and where. */
interface Owner extends OwnedShape {
  readonly name: string
  readonly place: Place
}

/** PoolsOptions: `roles` of interfaces, for checks of sorry servers; undefined: not known. */
export interface PoolsOptions {
  readonly inventory: Inventory
  readonly defaults: Defaults
  readonly roles: ReadonlySet<string> | undefined
  readonly findings: Findings
}

/** Of so many unknown servers the nearest known name is looked for; it takes a while with thousands of names. */
const SUGGESTIONS = 20
/** MEMBERS_LIMIT: the most members that all pools may have together, each different list of servers counted once. */
const MEMBERS_LIMIT = 1_000_000

/** Pools: the pools of the file and those of services that name their servers. */
export class Pools {
  readonly #inventory: Inventory
  readonly #findings: Findings
  readonly #defaults: Defaults
  readonly #roles: ReadonlySet<string> | undefined
  /** Those of `defaults`. */
  readonly #defaultSorry: Sorry | undefined
  readonly #named = new Map<string, { pool: Pool | undefined; place: Place }>()
  readonly #complete: boolean
  readonly #inline: Pool[] = []
  /** Those of them that begin, end and count alike. */
  readonly #alike = new Map<string, Pool[]>()
  /** By the servers as the file writes them: most services that share servers write them alike. */
  readonly #written = new Map<string, Pool>()
  #suggested = 0
  #membersLeft = MEMBERS_LIMIT

  constructor(merged: Merged, { inventory, defaults, roles, findings }: PoolsOptions) {
    this.#inventory = inventory
    this.#findings = findings
    this.#defaults = defaults
    this.#roles = roles
    this.#defaultSorry = defaults.sorry && this.#resolveSorry(defaults.sorry.value, defaults.sorry.place)
    this.#complete = !merged.incomplete.has('pools')
    for (const entry of merged.pools) {
      if (!named(entry, findings)) continue
      const { name, value, mended, place } = entry
      this.#named.set(name, { pool: this.#ofFile(name, value, place), place })
      const look = () => void this.#ofFile(name, mended!.value as PoolShape, place)
      if (mended) findings.sift(mended.isSaid, look)
    }
  }

  #ofFile(name: string, value: PoolShape | undefined, place: Place): Pool | undefined {
    const { servers, ...owned } = isLong(value) ? value : { servers: value }
    const at = isLong(value) ? inside(place, 'servers') : place
    return servers === undefined ? undefined : this.#resolve({ name, place, ...owned }, servers, at)
  }

  /** all: every pool that is right; those of the file first. */
  get all(): Pool[] {
    return [...[...this.#named.values()].flatMap(({ pool }) => pool ?? []), ...this.#inline]
  }

  /** find: the pool of that name; undefined, and a finding where it is not there at all. */
  find(name: string, place: Place): Pool | undefined {
    const known = this.#named.get(name)
    if (!known && this.#complete) {
      const remedy =
        didYouMean(name, this.#named.keys()) || ': add it there, or write servers: and who they are'
      this.#findings.add(place, `${describe(name)} is not in pools${remedy}`)
    }
    return known?.pool
  }

  /** inline: the pool of a service at `at` that names its servers; one pool for all that say the same of theirs. */
  inline(service: string, members: MembersShape, said: OwnedShape, at: Place): Pool | undefined {
    const place = inside(at, 'servers')
    const { sorry, quorum } = said
    const other = this.#named.get(service)
    if (other) {
      const where = formatPlace(keyOf(other.place))
      const message = `the servers of ${service} make a pool of that name, and another is at ${where}`
      this.#findings.add(keyOf(place), `${message}: write pool: ${service}, or rename one of them`)
      return undefined
    }
    const text = JSON.stringify([members, sorry, quorum])
    const written = this.#written.get(text)
    if (written) return written
    const pool = this.#resolve({ name: service, place: at, sorry, quorum }, members, place)
    if (!pool) return undefined
    const known = this.#sameAs(pool)
    if (known === pool) this.#inline.push(pool)
    this.#written.set(text, known)
    return known
  }

  /** #sameAs a pool: the one of a service before that says the same, or itself. */
  #sameAs(pool: Pool): Pool {
    const { members, sorry, quorum } = pool
    const [first, last] = [members[0], members.at(-1)]
    const key = JSON.stringify([members.length, first, last, sorry, quorum])
    const alike = this.#alike.get(key) ?? []
    const same = alike.find((each) => areSame(each.members, members))
    if (same) return same
    this.#alike.set(key, [...alike, pool])
    return pool
  }

  #resolve(owner: Owner, shape: MembersShape, place: Place): Pool | undefined {
    const refs = this.#refs(shape, place)
    if (!refs) return undefined
    const { name } = owner
    const members = refs.flatMap((ref) => ref.members)
    const before = this.#findings.count
    const sorry = this.#sorry(owner, { name, members })
    const quorum = this.#quorum(
      owner,
      members.reduce((sum, { weight }) => sum + weight, 0),
    )
    if (this.#findings.count > before) return undefined
    const { check, checkAt } = sorry ?? {}
    return {
      name,
      members,
      refs,
      sorryRefs: sorry?.refs ?? [],
      ...(sorry && {
        sorry: { members: sorry.refs.flatMap((ref) => ref.members), ...(check !== undefined && { check }) },
      }),
      ...(checkAt && { sorryCheckAt: checkAt }),
      ...(quorum && { quorum }),
      ...(owner.quorum !== undefined && { quorumAt: inside(owner.place, 'quorum') }),
    }
  }

  #sorry({ sorry: value, place }: Owner, pool: PoolState): Sorry | undefined {
    if (value === undefined) return this.#defaultSorry && fitting(this.#defaultSorry, pool, this.#inventory)
    const sorry = this.#resolveSorry(value, inside(place, 'sorry'))
    if (sorry) checkSorry(sorry, pool, this.#inventory, this.#findings)
    return sorry
  }

  #resolveSorry(value: SorryShape, at: Place): Sorry | undefined {
    const refsOf = (shape: MembersShape, place: Place) => this.#refs(shape, place)
    return resolveSorry(value, at, { refsOf, roles: this.#roles, findings: this.#findings })
  }

  #quorum({ quorum: value, place }: Owner, total: number): Quorum | undefined {
    const at = inside(place, 'quorum')
    if (value !== undefined) return resolveQuorum(value, total, at, this.#findings)
    const { quorum } = this.#defaults
    return quorum && resolveQuorum(quorum.value, total, quorum.place, this.#findings)
  }

  /** #refs of a list of servers; undefined, and findings, where it is not right. */
  #refs(shape: MembersShape, place: Place): readonly PoolRef[] | undefined {
    const items = typeof shape === 'string' ? [shape] : shape
    if (items.length === 0) {
      this.#findings.add(place, 'a pool has at least one server: write web01..10')
      return undefined
    }
    const before = this.#findings.count
    const seen = new Map<string, Place>()
    const refs = items.map((item, index): PoolRef => {
      const at = typeof shape === 'string' ? place : inside(place, index)
      const [text, weight] =
        typeof item === 'string'
          ? [item, this.#defaults.weight]
          : [item.name, item.weight ?? this.#defaults.weight]
      const nameAt = typeof item === 'string' ? at : inside(at, 'name')
      const range = rangeOr(() => parseNames(text), nameAt, this.#findings)
      const names = range && this.#isAffordable(range.count, place) ? namesOf(range) : []
      this.#checkKnown(names, nameAt)
      this.#checkOnce(names, nameAt, seen)
      return { place: nameAt, members: names.map((server) => ({ server, weight })) }
    })
    if (this.#findings.count > before) return undefined
    if (refs.every(({ members }) => members.every(({ weight }) => weight === 0))) {
      this.#findings.add(
        place,
        'every server here has weight 0, so none would get traffic: give one of them more',
      )
      return undefined
    }
    return refs
  }

  #isAffordable(count: number, place: Place): boolean {
    if (this.#membersLeft < count) {
      const message = `with these, pools have more than ${MEMBERS_LIMIT} servers together: share pools between services`
      this.#findings.add(place, message)
      return false
    }
    this.#membersLeft -= count
    return true
  }

  #checkKnown(names: readonly string[], place: Place): void {
    const { known, complete } = this.#inventory
    const unknown = complete ? names.filter((name) => !known.has(name)) : []
    const first = unknown[0]
    if (first === undefined) return
    const more = unknown.length > 1 ? ` (and ${unknown.length - 1} more)` : ''
    const meant = names.length === 1 && this.#suggested++ < SUGGESTIONS ? didYouMean(first, known) : ''
    this.#findings.add(place, `${first}${more} is not in servers${meant || ': add it there'}`)
  }

  #checkOnce(names: readonly string[], place: Place, seen: Map<string, Place>): void {
    let twice: string | undefined
    for (const name of names)
      if (!seen.has(name)) seen.set(name, place)
      else if (seen.get(name) !== place) twice ??= name
    if (twice !== undefined)
      this.#findings.add(place, `${twice} is in this pool twice: also at ${formatPlace(seen.get(twice)!)}`)
  }
}

const areSame = (one: readonly Member[], other: readonly Member[]): boolean =>
  one.every(({ server, weight }, at) => server === other[at]!.server && weight === other[at]!.weight)

/** isLong: a map with the servers under a key. */
const isLong = (value: PoolShape | undefined): value is Exclude<PoolShape, MembersShape> =>
  typeof value === 'object' && !Array.isArray(value)
