// The tables of a plan's pools: made once for the same members, whichever pool has them, and taken over from the plan
// before. A file has hundreds of thousands of members, of which an edit changes one: what a pool was asked to be is
// compared before anything is sorted, hashed or made. Pure.

import type { Member } from '../schedule/members.ts'
import { sortMembers } from '../schedule/members.ts'
import { buildTable, type Table } from '../schedule/ranks.ts'
import { tableSize } from '../schedule/table-size.ts'
import type { EngineSpec } from './engine.ts'

type PoolSpec = EngineSpec['pools'][number]
type Asked = PoolSpec['members']

/** PoolTables: a pool's tables, and the members of both: the table's, and behind them the sorry ones. */
export interface PoolTables {
  readonly table: Table
  /** Of its sorry servers, with as many slots; absent where it has none. */
  readonly sorry?: Table
  readonly members: readonly Member[]
}

/** MadeBefore: what the pools of a plan before were asked to be, and what they became; in the same order. */
export interface MadeBefore {
  readonly asked: readonly PoolSpec[]
  readonly made: readonly PoolTables[]
}

/** TablesOf a pool of a spec. */
export type TablesOf = (pool: PoolSpec) => PoolTables

/** keyOf a table: what it is a function of. */
const keyOf = (members: readonly Member[], slots: number): string =>
  JSON.stringify([slots, members.map(({ name, weight }) => [name, weight])])

const keys = new WeakMap<Table, string>()

/** tablesFrom what was made before, where members are the same; `make` makes the others. */
export function tablesFrom(
  before: MadeBefore | undefined,
  make: (members: readonly Member[], slots: number) => Table = buildTable,
): TablesOf {
  const askedBefore = new Map(before?.asked.map((pool, at) => [pool.name, { pool, made: before.made[at]! }]))
  const tables = new Map<string, Table>()
  const keep = (table: Table) => {
    const key = keys.get(table) ?? keyOf(table.members, table.slots)
    keys.set(table, key)
    tables.set(key, table)
  }
  for (const { table, sorry } of before?.made ?? []) for (const each of [table, sorry]) if (each) keep(each)
  const tableOf = (asked: Asked, slots = tableSize(asked.length)): Table => {
    const members = sortMembers(asked.map(({ server, weight }) => ({ name: server, weight })))
    const key = keyOf(members, slots)
    const known = tables.get(key)
    if (known) return known
    const table = make(members, slots)
    keep(table)
    return table
  }
  return ({ name, members: asked, sorry: askedSorry = [] }) => {
    const was = askedBefore.get(name)
    if (was && areSame(asked, was.pool.members) && areSame(askedSorry, was.pool.sorry ?? [])) return was.made
    const table = tableOf(asked)
    if (askedSorry.length === 0) return { table, members: table.members }
    const sorry = tableOf(askedSorry, table.slots)
    return { table, sorry, members: [...table.members, ...sorry.members] }
  }
}

/** blankTables: of the right sizes and without members, for what depends on nothing else of them. */
export const blankTables: TablesOf = ({ members: asked }) => {
  const none = new Uint16Array()
  const table = {
    members: [],
    slots: tableSize(asked.length),
    owner: none,
    second: none,
    marks: new Int32Array(),
  }
  return { table, members: table.members }
}

function areSame(one: Asked, other: Asked): boolean {
  if (one === other) return true
  if (one.length !== other.length) return false
  for (const [at, { server, weight }] of one.entries())
    if (server !== other[at]!.server || weight !== other[at]!.weight) return false
  return true
}
