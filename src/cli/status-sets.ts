// Address sets in a status: this node's role for each, since when, who is active, and what stands in the way. Pure.

import type { Status } from '../daemon/api-schema.ts'
import type { Column } from './columns.ts'
import { TROUBLE } from './condition.ts'
import type { Paint } from './context.ts'
import type { Listed } from './status-servers.ts'
import { agoText } from './table.ts'

type AddressSet = Status['sets'][number]

/** setColumns: of the rows that listedSets() makes. */
export const setColumns: readonly Column[] = [
  { head: 'SET', align: 'left', min: 10, cut: 'middle' },
  { head: 'ROLE', align: 'left' },
  { head: 'SINCE', align: 'right' },
  { head: 'ACTIVE', align: 'left', min: 10, cut: 'middle' },
  { head: 'PRIORITY', align: 'right', isOptional: true },
  { head: 'OTHERS', align: 'left', min: 12, enough: 12, cut: 'end', isOptional: true },
  { head: 'NOTE', align: 'left', min: 12, cut: 'end' },
]

const ROLES = { active: 'active', backup: 'backup', initialize: 'none' } as const

/** listedSets: none where no set moves. */
export function listedSets({ sets, maintenance, vrrp }: Status, paint: Paint, now: number): Listed[] {
  if (!sets.some(({ failover }) => failover)) return []
  return sets.map((set) => {
    const { name, role, since, active, failover } = set
    const isLost = failover !== undefined && vrrp?.state === 'absent'
    const note = isLost ? 'as told last: vrrp is not there' : noteOf(set, maintenance !== undefined, now)
    const isTroubled =
      failover !== undefined &&
      maintenance === undefined &&
      (isLost || role === 'initialize' || active === undefined)
    const word = role === undefined ? 'unknown' : ROLES[role]
    const row = [
      name,
      role === 'active'
        ? { text: word, paint: paint.good }
        : isTroubled
          ? { text: word, paint: paint.bad }
          : word,
      since === undefined ? '' : agoText(Math.max(0, now - Date.parse(since))),
      active ?? (failover ? 'nobody heard' : ''),
      failover === undefined ? '' : priorityText(failover),
      othersText(set),
      isTroubled ? { text: note, paint: paint.bad } : note,
    ]
    return { trouble: isTroubled ? TROUBLE.down : TROUBLE.none, rows: [row] }
  })
}

const priorityText = ({ priority, configured }: NonNullable<AddressSet['failover']>): string =>
  priority === undefined || priority === configured ? `${configured}` : `${priority} of ${configured}`

/** othersText: lb2 backup, lb3 none (link:back). */
const othersText = ({ nodes = [] }: AddressSet): string =>
  nodes
    .map(({ node, role, faults }) => {
      const why = faults.length > 0 ? ` (${faults.join(', ')})` : ''
      return `${node} ${role === undefined ? 'unknown' : ROLES[role]}${why}`
    })
    .join(', ')

function noteOf({ failover, role }: AddressSet, isMaintained: boolean, now: number): string {
  if (!failover) return 'no vrid: it stays on the first node'
  if (isMaintained) return 'maintenance'
  const { faults, tracks, heldUntil } = failover
  if (faults.length > 0) return faults.map(({ text }) => text).join('; ')
  const down = tracks.filter(({ isUp }) => !isUp).map(({ name }) => `${name} down`)
  const left = heldUntil === undefined ? 0 : Date.parse(heldUntil) - now
  const held = left > 0 && role === 'backup' ? [`takes nothing back for ${agoText(left)}`] : []
  return [...down, ...held].join(', ')
}

/** roleText: of all sets, for one line: active, backup, active for 1 of 2 sets. */
export function roleText({ sets, maintenance }: Pick<Status, 'sets' | 'maintenance'>): string {
  if (maintenance) return 'in maintenance'
  const active = sets.filter(({ role }) => role === 'active').length
  if (active === sets.length && active > 0) return 'active'
  if (active > 0) return `active for ${active} of ${sets.length} sets`
  if (sets.some(({ role }) => role === 'backup'))
    return sets.some(({ failover }) => failover) ? 'backup' : 'holds no address'
  return 'no role'
}
