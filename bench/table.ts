// The part of the `table` bench that needs no kernel: what it takes to build the table of 100 servers, and which
// share of the slots that an event does not concern it moves all the same. Failures must move none; changes of the
// file a few. Disruption is counted, not timed: each run is another victim.

import type { Member } from '../src/schedule/members.ts'
import { assign, buildTable, NOBODY, reassign, type Table } from '../src/schedule/ranks.ts'
import type { Row } from './runner/row.ts'
import { audit } from './table-audit.ts'
import { push } from './table-push.ts'
import { must, row } from './table-row.ts'

const pool = (count: number): readonly Member[] =>
  Array.from({ length: count }, (_, i) => ({ name: `web${String(i + 1).padStart(4, '0')}`, weight: 1 }))
const everyone = () => true

function build(runs: number): Row {
  const members = pool(100)
  const times: number[] = []
  let table = buildTable(members)
  // the first builds are compiled while they run
  for (let i = 0; i < 3; i++) table = buildTable(members)
  for (let i = 0; i < runs; i++) {
    const start = performance.now()
    table = buildTable(members)
    times.push(performance.now() - start)
  }
  const slots = table.owner.filter((member) => member < 100).length
  must(slots === 65_536 && table.slots === slots, `${slots} slots`)
  return row('table.build', 'ms', times, { slots, servers: table.members.length })
}

/** Distinct members, spread over the table in an order that does not follow their names. */
const victims = (count: number, of: number, first: number): ReadonlySet<number> =>
  new Set(Array.from({ length: count }, (_, i) => (first + i * 7) % of))

/** Share of the slots of members that neither fail nor return which change hands. */
function failure(name: string, table: Table, down: number, runs: number): Row {
  const before = assign(table, everyone)
  const shares: number[] = []
  let failed = 0
  for (let run = 0; run < runs; run++) {
    const gone = victims(down, table.members.length, run * 13)
    const isUp = (member: number) => !gone.has(member)
    const after = assign(table, isUp)
    must(!after.includes(NOBODY), 'slots are left to nobody')
    let moved = 0
    let unaffected = 0
    for (const [slot, member] of before.entries()) {
      if (gone.has(member)) continue
      unaffected++
      if (after[slot] !== member) moved++
    }
    failed = table.slots - unaffected
    must(failed > 0, 'no slot failed')
    shares.push(moved / unaffected)
  }
  return row(`table.disruption.${name}`, 'share', shares, { slots: table.slots, failed })
}

/** Share of all slots that differ after a member failed and returned, one event at a time. */
function comeback(table: Table, runs: number): Row {
  const shares: number[] = []
  let written = 0
  for (let run = 0; run < runs; run++) {
    const before = assign(table, everyone)
    const current = before.slice()
    const member = (run * 13) % table.members.length
    written = reassign(
      table,
      current,
      member,
      (other) => other !== member,
      () => {},
    )
    must(written > 0 && !current.includes(member), 'the member did not fail')
    reassign(table, current, member, everyone, () => {})
    shares.push(current.filter((holder, slot) => holder !== before[slot]).length / table.slots)
  }
  return row('table.disruption.return', 'share', shares, { slots: table.slots, written })
}

/** Share of the slots of members that the edit does not concern which went to another such member. */
function edit(name: string, before: readonly Member[], after: readonly (readonly Member[])[]): Row {
  const old = buildTable(before)
  let changed = 0
  const shares = after.map((members) => {
    const now = buildTable(members)
    must(now.slots === old.slots, 'the table changed its size')
    const weights = new Map(before.map(({ name, weight }) => [name, weight]))
    const same = new Set(
      members.filter(({ name, weight }) => weights.get(name) === weight).map((m) => m.name),
    )
    let moved = 0
    let unaffected = 0
    changed = 0
    for (let slot = 0; slot < old.slots; slot++) {
      const from = old.members[old.owner[slot]!]!.name
      const to = now.members[now.owner[slot]!]!.name
      if (from !== to) changed++
      if (!same.has(from)) continue
      unaffected++
      if (from !== to && same.has(to)) moved++
    }
    return moved / unaffected
  })
  return row(`table.disruption.${name}`, 'share', shares, { slots: old.slots, changed })
}

const without = (members: readonly Member[], gone: ReadonlySet<number>): readonly Member[] =>
  members.filter((_, i) => !gone.has(i))

/** table: build time and disruption; `quick` takes fewer runs and leaves the largest pool out. */
export async function table({ quick }: { readonly quick: boolean }): Promise<Row[]> {
  const hundred = pool(100)
  const thousand = pool(1_000)
  const runs = quick ? 3 : 9
  const starts = Array.from({ length: runs }, (_, run) => run * 11)
  const built = buildTable(hundred)
  const rows = [
    build(quick ? 11 : 51),
    failure('one-down', built, 1, runs),
    failure('tenth-down', built, 10, runs),
    failure('half-down', built, 50, runs),
    comeback(built, runs),
    ...push(quick),
    ...audit(quick),
    edit(
      'remove-1-of-100',
      hundred,
      starts.map((at) => without(hundred, victims(1, 100, at))),
    ),
    edit('add-1-to-99', pool(99), [hundred]),
    edit(
      'double-1-of-100',
      hundred,
      starts.map((at) => hundred.map((m, i) => (i === at ? { ...m, weight: 2 } : m))),
    ),
  ]
  if (!quick)
    rows.push(
      edit(
        'remove-20-of-1000',
        thousand,
        starts.slice(0, 3).map((at) => without(thousand, victims(20, 1_000, at))),
      ),
    )
  return rows
}
