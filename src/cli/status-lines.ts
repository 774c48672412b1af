// A Status as text, all of it, no line longer than `width`: names and reasons are cut where a table would not fit. Off a
// terminal nothing is. Pure.

import type { Status } from '../daemon/api-schema.ts'
import { events, type OutcomeName, outcomes } from '../dataplane/outcomes.ts'
import { fitted } from './columns.ts'
import type { Paint } from './context.ts'
import { memoryLines } from './memory-lines.ts'
import { brokenLine, busyRows, factLines, headLine, problemLines } from './status-facts.ts'
import { handColumns, listedByHand } from './status-hand.ts'
import { type Listed, listedServers, serverColumns } from './status-servers.ts'
import { listedServices, serviceColumns } from './status-services.ts'
import { listedSets, setColumns } from './status-sets.ts'
import { agoText, countText } from './table.ts'

/** statusLines: the whole status, at `now` (milliseconds of the epoch). */
export function statusLines(
  status: Status,
  paint: Paint,
  now: number,
  width = Number.POSITIVE_INFINITY,
): string[] {
  const lines = [
    ...brokenLine(headLine(status, paint, now), 2, width),
    '',
    ...factLines(
      [
        ...daemonRows(status),
        ...peerRows(status, paint, now),
        ...busyRows(status, paint),
        ...machineRows(status, paint),
      ],
      width,
    ),
    ...problemLines(status, paint, width),
  ]
  if (status.state !== 'forwarding') return lines
  const rowsOf = (listed: readonly Listed[]) => listed.flatMap(({ rows }) => rows)
  const sets = rowsOf(listedSets(status, paint, now))
  const hand = rowsOf(listedByHand(status, now))
  return [
    ...lines,
    ...(sets.length > 0 ? fitted(setColumns, sets, width, paint) : []),
    ...fitted(serviceColumns, rowsOf(listedServices(status, paint, true)), width, paint),
    ...fitted(serverColumns, rowsOf(listedServers(status, paint, now)), width, paint),
    ...(hand.length > 0 ? fitted(handColumns, hand, width, paint) : []),
    ...packets(status, paint, width),
    ...recordLines(status, paint, width),
    ...memoryLines(status.program?.maps ?? [], paint),
  ]
}

function daemonRows({ instance, pid, vrrp }: Status): string[][] {
  const rows = [['daemon', `instance ${instance}, pid ${pid}`]]
  if (!vrrp) return rows
  const where = vrrp.state === 'present' ? [`pid ${vrrp.pid}`] : [`absent: ${vrrp.why}`]
  return [...rows, ['vrrp', [...where, ...vrrp.problems].join('; ')]]
}

function peerRows({ peers = [] }: Status, paint: Paint, now: number): string[][] {
  return peers.map(({ name, state, since, version, why }) => {
    const words = `${state} for ${agoText(Math.max(0, now - Date.parse(since)))}`
    const more = [
      ...(version === undefined ? [] : [`tenbin ${version}`]),
      ...(why === undefined ? [] : [why]),
    ]
    return ['node', [name, state === 'connected' ? words : paint.bad(words), ...more].join(', ')]
  })
}

function machineRows(status: Status, paint: Paint): string[][] {
  const { interfaces, program } = status
  const rows: string[][] = []
  for (const nic of interfaces) {
    const up = nic.up ? 'up' : paint.bad('down')
    rows.push(['interface', `${nic.name}, ${nic.mac}, MTU ${nic.mtu}, ${up}, ${nic.mode} XDP`])
    const { programId, instructions, loadMs } = nic
    rows.push([
      'program',
      `id ${programId}, generation ${program?.generation}, ${instructions} instructions, loaded in ${loadMs.toFixed(1)} ms`,
    ])
  }
  if (status.flows) {
    const { capacity, live, established, syn, closed, networks } = status.flows
    const [all, room, ...states] = [live, capacity, established, syn, closed].map(countText)
    const kept = networks > 0 ? `, ${countText(networks)} of clients kept with a server` : ''
    const text = `${all} of ${room} records: ${states[0]} established, ${states[1]} SYN only, ${states[2]} closed${kept}`
    rows.push(['flows', live >= capacity ? paint.bad(text) : text])
  }
  for (const { address, prefix, present, owned, set } of status.addresses) {
    const found = status.sets.find(({ name }) => name === set)
    const words = found?.failover
      ? placeOf(present, found.role, paint)
      : present
        ? owned
          ? 'here'
          : 'here, was there before tenbin'
        : paint.bad('missing')
    rows.push(['address', `${address}/${prefix}, ${words}`])
  }
  for (const { name, wanted, value, before } of status.sysctls ?? []) {
    const was = before === undefined ? ', was so before tenbin' : `, was ${before}`
    const words = value === String(wanted) ? was : paint.bad(`, the file says ${wanted}`)
    rows.push([
      'setting',
      value === undefined ? paint.bad(`${name} does not exist`) : `${name} is ${value}${words}`,
    ])
  }
  return rows
}

/** placeOf an address that is where its set is active. */
function placeOf(present: boolean, role: Status['sets'][number]['role'], paint: Paint): string {
  if (role === 'active') return present ? 'here' : paint.bad('missing')
  return present ? paint.bad('here, though this node is not active') : 'not here'
}

/** REPLIES: packets that went no further: their sender was told something instead. */
const REPLIES: readonly (readonly [OutcomeName, string])[] = [
  ['challenged', 'asked for proof'],
  ['reset', 'answered by a RST'],
  ['time-exceeded', 'told that their TTL ran out'],
]

/** packets: forwarded, answered, passed to the kernel, and every drop by name with what it means. */
function packets(status: Status, paint: Paint, width: number): string[] {
  const meanings: Readonly<Record<string, { readonly verdict: string; readonly meaning: string }>> = outcomes
  const counted = Object.entries(status.outcomes).map(([name, count]) => ({
    name,
    count: BigInt(count),
    verdict: meanings[name]?.verdict,
    meaning: meanings[name]?.meaning ?? '',
  }))
  const sum = (verdict: string) =>
    counted.filter((each) => each.verdict === verdict).reduce((total, { count }) => total + count, 0n)
  const drops = counted.filter(({ verdict, count }) => verdict === 'drop' && count > 0n)
  const replies = REPLIES.map(([name, words]) => ({
    words,
    count: counted.find((each) => each.name === name)?.count ?? 0n,
  })).filter(({ count }) => count > 0n)
  const forwarded = replies.reduce((rest, { count }) => rest - count, sum('tx') + sum('redirect'))
  const totals = [
    `${countText(forwarded)} forwarded`,
    ...replies.map(({ words, count }) => `${countText(count)} ${words}`),
    `${countText(sum('pass'))} left to the kernel`,
    `${countText(sum('drop'))} dropped`,
  ].join(', ')
  const rows = drops.map(({ name, count, meaning }) => [name, countText(count), meaning])
  return [
    '',
    ...factLines([['packets', totals]], width),
    ...(rows.length > 0 ? fitted(countColumns('DROPPED', 'PACKETS'), rows, width, paint) : []),
  ]
}

const countColumns = (what: string, count: string) =>
  [
    { head: what, align: 'left' },
    { head: count, align: 'right' },
    { head: 'MEANING', align: 'left', min: 20, cut: 'end' },
  ] as const

/** recordLines: what happened to remembered flows, by name with what it means. */
function recordLines({ events: counts = {} }: Status, paint: Paint, width: number): string[] {
  const meanings: Readonly<Record<string, string>> = events
  const rows = Object.entries(counts)
    .filter(([, count]) => count !== '0')
    .map(([name, count]) => [name, countText(count), meanings[name] ?? ''])
  return rows.length === 0 ? [] : fitted(countColumns('RECORDS', 'COUNT'), rows, width, paint)
}
