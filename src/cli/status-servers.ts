// Servers in a status: a line a server with its state over all its pools and what is wrong with it, and a line a pool where
// they differ. Pure.

import type { Status } from '../daemon/api-schema.ts'
import { byServer, type InPool } from './by-server.ts'
import type { Cell, Column } from './columns.ts'
import { type Condition, type PoolServer, type Service, serverCondition, TROUBLE } from './condition.ts'
import type { Paint } from './context.ts'
import { agoText, countText, rateText, shareText } from './table.ts'

/** Listed: rows that stand or fall together, by what is wrong with what they are about. */
export interface Listed {
  readonly trouble: number
  readonly rows: readonly (readonly Cell[])[]
}

/** flowsText: remembered flows; ~ where not all are, - where none is. */
export function flowsText(flows: number, tracks: readonly Service['track'][]): string {
  if (tracks.every((track) => track === 'none')) return '-'
  return tracks.every((track) => track === 'all') ? countText(flows) : `~${countText(flows)}`
}

/** stateText: `up`, `up 1/3` with a lowered weight, or what keeps it from getting its share. */
const stateText = ({ state, weight, configured, sorry }: PoolServer): string =>
  state === 'up' && sorry
    ? 'sorry'
    : state === 'up' && weight < configured
      ? `up ${weight}/${configured}`
      : state

const painterOf = (text: string, paint: Paint): ((text: string) => string) => {
  if (text === 'up') return (same) => same
  if (text === 'off' || text === 'sorry') return paint.faint
  return /^(disabled|failed|unreachable)/.test(text) ? paint.bad : paint.strong
}

const stateCell = (text: string, paint: Paint): Cell => ({ text, paint: painterOf(text, paint) })

/** serverColumns: of the rows that listedServers() makes. */
export const serverColumns: readonly Column[] = [
  { head: 'SERVER', align: 'left', min: 12, enough: 20, cut: 'middle' },
  { head: 'ADDRESS', align: 'left', isOptional: true },
  { head: 'STATE', align: 'left' },
  { head: 'SHARE', align: 'right' },
  { head: 'FLOWS', align: 'right' },
  { head: 'PKT/S', align: 'right' },
  { head: 'BIT/S', align: 'right' },
  { head: 'PACKETS', align: 'right', isOptional: true },
  { head: 'MAC', align: 'left', isOptional: true },
  { head: 'CHECK', align: 'left', min: 10, enough: 16, cut: 'end' },
]

/** listedServers: all servers, in the file's order. */
export function listedServers(status: Status, paint: Paint, now: number): Listed[] {
  const places = byServer(status)
  const tracks = new Map(status.services.map(({ name, track }) => [name, track]))
  const tracksOf = (pools: readonly InPool[]) =>
    pools.flatMap(({ services }) => services.map((name) => tracks.get(name)!))
  return status.servers.map(({ name, address, mac, why, share, flows, packets, rate }) => {
    const pools = places.get(name) ?? []
    const states = [...new Set(pools.map(({ server }) => stateText(server)))]
    const state = why === undefined ? (states.length === 1 ? states[0]! : 'differs') : 'unreachable'
    const worst = worstOf(pools, why)
    const line: Cell[] = [
      name,
      address,
      stateCell(state, paint),
      shareText(share),
      flowsText(flows, tracksOf(pools)),
      rateText(rate?.packets),
      rateText(rate?.bits),
      countText(packets),
      mac ?? '',
      checkCell(worst, pools[0]?.server, paint, now),
    ]
    if (state !== 'differs') return { trouble: worst.trouble, rows: [line] }
    const more = pools.map((each): Cell[] => {
      const { share, flows } = each.server
      return [
        `  in ${each.pool}`,
        '',
        stateCell(stateText(each.server), paint),
        shareText(share),
        flowsText(flows, tracksOf([each])),
        ...['', '', '', ''],
        checkCell(serverCondition(each.server), each.server, paint, now),
      ]
    })
    return { trouble: worst.trouble, rows: [[...line.slice(0, -1), ''], ...more] }
  })
}

function worstOf(pools: readonly InPool[], why: string | undefined): Condition {
  if (why !== undefined) return { trouble: TROUBLE.down, why }
  return pools
    .map(({ server }) => serverCondition(server))
    .reduce((a, b) => (b.trouble > a.trouble ? b : a), { trouble: TROUBLE.none, why: '' })
}

/** checkCell: since when a check has it so, and what is wrong. */
function checkCell(
  { trouble, why }: Condition,
  server: PoolServer | undefined,
  paint: Paint,
  now: number,
): Cell {
  const { state, since } = server?.check ?? {}
  const age = since === undefined ? '' : ` ${agoText(Math.max(0, now - Date.parse(since)))}`
  const found = state === undefined ? '' : `${state}${age}`
  const text = [found, why].filter((part) => part !== '').join(': ')
  return { text, paint: trouble >= TROUBLE.doubt ? paint.bad : trouble > 0 ? paint.strong : paint.faint }
}

/** serverCounts: `12: 10 up, 1 draining, 1 unreachable`, each server by the worst of its states. */
export function serverCounts(status: Status, paint: Paint): string {
  const counts = new Map<string, number>()
  for (const [name, pools] of byServer(status)) {
    const isLost = status.servers.some((each) => each.name === name && each.why !== undefined)
    const states = pools.map(({ server }) => server.state)
    const worst = isLost
      ? 'unreachable'
      : states.reduce((a, b) => (badness.indexOf(a) > badness.indexOf(b) ? a : b))
    counts.set(worst, (counts.get(worst) ?? 0) + 1)
  }
  const parts = badness.flatMap((state) => {
    const count = counts.get(state)
    return count === undefined ? [] : [painterOf(state, paint)(`${countText(count)} ${state}`)]
  })
  return `${countText(status.servers.length)}: ${parts.join(', ') || 'none'}`
}

const badness: readonly PoolServer['state'][] = [
  'up',
  'off',
  'drained',
  'draining',
  'disabled',
  'failed',
  'unreachable',
]
