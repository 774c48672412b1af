// Checks in a status, for who has to see at a glance what is wrong: a line for each server of a pool that checks do not
// find up, or up with a warning, since when and why. Others that are up have none. Pure.

import type { Status } from '../daemon/api-schema.ts'
import type { Paint } from './context.ts'
import { type Align, agoText, section } from './table.ts'

const align: readonly Align[] = ['left', 'left', 'left', 'right', 'left']

const words: Readonly<Record<string, string>> = {
  unknown: 'not looked at yet: gets nothing before its first good look',
  held: 'the guard does not believe it: most of the pool failed at once',
}

/** checkLines: a section; nothing where all that are checked are up without a warning. The last column is cut at `width` of a line. */
export function checkLines(status: Status, paint: Paint, now: number, width = 80): string[] {
  const rows = status.pools.flatMap(({ name: pool, servers }) =>
    servers.flatMap(({ name, check }) => {
      if (!check || (check.state === 'up' && check.warning === undefined)) return []
      const since = check.since === undefined ? '' : agoText(Math.max(0, now - Date.parse(check.since)))
      const why = check.why ?? words[check.state] ?? check.warning ?? ''
      return [{ name, pool, state: check.state, since, why }]
    }),
  )
  if (rows.length === 0) return []
  const widest = (of: (row: (typeof rows)[number]) => string, head: string) =>
    Math.max(head.length, ...rows.map((row) => of(row).length))
  const taken =
    widest(({ name }) => name, 'CHECK') +
    widest(({ pool }) => pool, 'POOL') +
    widest(({ state }) => state, 'FINDS') +
    widest(({ since }) => since, 'SINCE') +
    8
  const cut = (text: string) => {
    const room = Math.max(20, width - taken)
    return text.length <= room ? text : `${text.slice(0, room - 1)}…`
  }
  return section(
    ['CHECK', 'POOL', 'FINDS', 'SINCE', 'WHY'],
    rows.map(({ name, pool, state, since, why }) => [
      name,
      pool,
      state === 'unknown' || state === 'up' ? paint.strong(state) : paint.bad(state),
      since,
      cut(why),
    ]),
    align,
    paint,
  )
}
