// What operators said of servers, in a status: since when it holds, and how far each drain is. Pure.

import type { Status } from '../daemon/api-schema.ts'
import { byServer, type InPool } from './by-server.ts'
import type { Column } from './columns.ts'
import { TROUBLE } from './condition.ts'
import type { Listed } from './status-servers.ts'
import { agoText, countText } from './table.ts'

/** handColumns: of the rows that listedByHand() makes. */
export const handColumns: readonly Column[] = [
  { head: 'BY HAND', align: 'left', min: 12, cut: 'middle' },
  { head: 'SAID', align: 'left' },
  { head: 'IN', align: 'left', min: 10, cut: 'middle' },
  { head: 'SINCE', align: 'right' },
  { head: 'NOW', align: 'left', min: 12, cut: 'end' },
]

/** listedByHand: what operators said, since when, and how far each drain is. */
export function listedByHand(status: Status, now: number): Listed[] {
  const places = byServer(status)
  return status.overrides.map((override) => {
    const { server, service, order, weight, since } = override
    const meant = (places.get(server) ?? []).filter(
      ({ services }) => service === undefined || services.includes(service),
    )
    const words = [
      ...(order === undefined ? [] : [order]),
      ...(weight === undefined ? [] : [`weight ${weight}`]),
    ]
    const isOut = (order ?? 'ready') !== 'ready' || meant.some(({ server }) => server.state === 'draining')
    const clock = isOut ? clockText(order, meant, override.deadline, now) : ''
    const row = [server, words.join(', '), service ?? 'all pools', agoText(now - Date.parse(since)), clock]
    return { trouble: TROUBLE.byHand, rows: [row] }
  })
}

/** clockText: flows left, since when they are silent, and when it is over. */
function clockText(
  order: Status['overrides'][number]['order'],
  meant: readonly InPool[],
  deadline: string | undefined,
  now: number,
): string {
  const flows = meant.reduce((sum, { server }) => sum + server.flows, 0)
  // A flow is known from its first packet after the change: none seen is not yet none there.
  const isDone = meant.every(({ server }) => server.state !== 'draining')
  const none = isDone ? 'no flow left' : 'no flow seen'
  const left = flows === 0 ? none : `${countText(flows)} ${flows === 1 ? 'flow' : 'flows'} left`
  if (order === 'disabled') return flows === 0 ? '' : `${left}, as on_failure says`
  const silences = meant.flatMap(({ server }) => server.drain?.silentS ?? [])
  const silent =
    silences.length === 0 || flows === 0 ? [] : [`silent ${agoText(1000 * Math.min(...silences))}`]
  const over =
    deadline === undefined
      ? []
      : Date.parse(deadline) <= now
        ? ['past its deadline: disabled']
        : [`out in ${agoText(Date.parse(deadline) - now)}`]
  return [left, ...silent, ...over].join(', ')
}
