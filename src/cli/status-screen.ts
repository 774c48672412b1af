// A Status on one screen: what matters most, in as many lines as the terminal has, none of which wraps. Where a list does
// not fit, the most troubled come first, and its last line says how many more there are and how to see them. Pure.
//
//   tenbin 0.1.0: node lb1, forwarding, active, up 3h12m, generation 3
//   file     ...
//   servers  ...
//   traffic  ...
//   problem  ...            a few of them
//
//   SET ...                 |
//   SERVICE ...             |
//   SERVER ...              | share the lines that are left
//   BY HAND ...             |

import type { Status } from '../daemon/api-schema.ts'
import { type Cell, type Column, cutEnd, fitted } from './columns.ts'
import { TROUBLE } from './condition.ts'
import type { Paint } from './context.ts'
import { brokenLine, busyRows, factLines, headLine } from './status-facts.ts'
import { handColumns, listedByHand } from './status-hand.ts'
import { type Listed, listedServers, serverColumns } from './status-servers.ts'
import { listedServices, serviceColumns } from './status-services.ts'
import { listedSets, setColumns } from './status-sets.ts'
import { countText } from './table.ts'

/** Screen: characters and lines that a terminal has; one line of it is left to the prompt. */
export interface Screen {
  readonly columns: number
  readonly rows: number
}

/** A list's empty line and its heads. */
const HEADS = 2
/** A list has room for so much at least, whatever stands above it. */
const FEWEST = 2
/** Lines of problems; fewer where the lists need them. */
const PROBLEMS = { most: 4, least: 2 } as const

interface List {
  readonly columns: readonly Column[]
  readonly all: readonly Listed[]
  /** One of them, as `tenbin status` takes it. */
  readonly example: string
}

/** screenLines: the status at `now` (milliseconds of the epoch). */
export function screenLines(status: Status, paint: Paint, now: number, screen: Screen): string[] {
  const { columns, rows } = screen
  const facts = [
    ...brokenLine(headLine(status, paint, now), 2, columns),
    ...factLines(busyRows(status, paint, columns), columns),
  ]
  if (status.state !== 'forwarding') return [...facts, ...problems(status, paint, columns, PROBLEMS.most)]
  const lists: List[] = [
    { columns: setColumns, all: listedSets(status, paint, now), example: 'all' },
    { columns: serviceColumns, all: listedServices(status, paint, false), example: 'SERVICE' },
    { columns: serverColumns, all: listedServers(status, paint, now), example: 'SERVER' },
    { columns: handColumns, all: listedByHand(status, now), example: 'SERVER' },
  ].filter(({ all }) => all.length > 0)
  const left = rows - 1 - facts.length - HEADS * lists.length
  const most = Math.max(PROBLEMS.least, Math.min(PROBLEMS.most, left - FEWEST * lists.length))
  const head = [...facts, ...problems(status, paint, columns, most)]
  const room = Math.max(FEWEST * lists.length, left - (head.length - facts.length))
  const shares = shared(lists.map(lengthOf), room)
  return [...head, ...lists.flatMap((list, at) => listLines(list, shares[at]!, columns, paint))]
}

const lengthOf = ({ all }: List): number => all.reduce((sum, { rows }) => sum + rows.length, 0)

/** shared: room for each, no more than it needs; those that need much share evenly what the others leave. */
export function shared(needs: readonly number[], room: number): number[] {
  const shares = needs.map(() => 0)
  let left = room
  let open = needs.map((_, at) => at)
  while (left > 0 && open.length > 0) {
    const each = Math.max(1, Math.floor(left / open.length))
    for (const at of open) {
      const more = Math.min(each, needs[at]! - shares[at]!, left)
      shares[at]! += more
      left -= more
    }
    open = open.filter((at) => shares[at]! < needs[at]!)
  }
  return shares
}

function listLines({ columns, all, example }: List, room: number, width: number, paint: Paint): string[] {
  const isWhole = all.reduce((sum, { rows }) => sum + rows.length, 0) <= room
  const shown = isWhole ? all : mostTroubled(all, room - 1)
  const rows: (readonly Cell[])[] = shown.flatMap((each) => each.rows)
  const lines = fitted(columns, rows, width, paint)
  if (isWhole) return lines
  const more = all.filter((each) => !shown.includes(each))
  const troubled = more.filter(({ trouble }) => trouble >= TROUBLE.byHand).length
  const words = troubled > 0 ? paint.bad(`${countText(troubled)} of them troubled`) : 'none of them troubled'
  return [
    ...lines,
    `${countText(more.length)} more, ${words}: tenbin status --all, or tenbin status ${example}`,
  ]
}

/** mostTroubled: of those with the same trouble the first ones. */
function mostTroubled(all: readonly Listed[], room: number): Listed[] {
  const shown: Listed[] = []
  let left = room
  for (const each of all.toSorted((a, b) => b.trouble - a.trouble)) {
    if (each.rows.length > left) continue
    shown.push(each)
    left -= each.rows.length
  }
  return shown
}

/** problems in `most` lines at most. */
function problems({ problems: all }: Status, paint: Paint, columns: number, most: number): string[] {
  const shown = all.length > most ? all.slice(0, most - 1) : all
  const lines = shown.map(({ message }) => `${paint.bad('problem')}  ${cutEnd(message, columns - 9)}`)
  const more = all.length - shown.length
  return more > 0 ? [...lines, `${paint.bad('problem')}  ${more} more: tenbin status --all`] : lines
}
