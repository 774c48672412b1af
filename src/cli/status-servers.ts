// Servers in a status, for who has to see at a glance what is not as usual: a line a server with its state over all its
// pools, a line a pool where they differ, and what was said by hand with the clock of each drain. Pure.

import type { Status } from '../daemon/api-schema.ts'
import type { Paint } from './context.ts'
import { type Align, agoText, countText, section, shareText } from './table.ts'

type PoolServer = Status['pools'][number]['servers'][number]
type Service = Status['services'][number]

/** flowsText: remembered flows; ~ where not all are, - where none is. */
export function flowsText(flows: number, tracks: readonly Service['track'][]): string {
  if (tracks.every((track) => track === 'none')) return '-'
  return tracks.every((track) => track === 'all') ? countText(flows) : `~${countText(flows)}`
}

interface InPool {
  readonly pool: string
  readonly services: readonly string[]
  readonly server: PoolServer
}

function byServer({ pools }: Status): ReadonlyMap<string, InPool[]> {
  const found = new Map<string, InPool[]>()
  for (const { name, services, servers } of pools) {
    for (const server of servers) {
      const list = found.get(server.name) ?? []
      list.push({ pool: name, services, server })
      found.set(server.name, list)
    }
  }
  return found
}

/** stateText: `up`, `up 1/3` with a lowered weight, or what keeps it from getting its share. */
const stateText = ({ state, weight, configured }: PoolServer): string =>
  state === 'up' && weight < configured ? `up ${weight}/${configured}` : state

function painted(text: string, paint: Paint): string {
  if (text === 'up') return text
  if (text === 'off') return paint.faint(text)
  return /^(disabled|failed|unreachable)/.test(text) ? paint.bad(text) : paint.strong(text)
}

const align: readonly Align[] = ['left', 'left', 'left', 'right', 'right', 'right', 'left']

/** serverLines: a section of all servers. */
export function serverLines(status: Status, paint: Paint): string[] {
  const places = byServer(status)
  const tracks = new Map(status.services.map(({ name, track }) => [name, track]))
  const tracksOf = (pools: readonly InPool[]) =>
    pools.flatMap(({ services }) => services.map((name) => tracks.get(name)!))
  const rows = status.servers.flatMap(({ name, address, mac, why, share, flows, packets }) => {
    const pools = places.get(name) ?? []
    const states = [...new Set(pools.map(({ server }) => stateText(server)))]
    const state = why === undefined ? (states.length === 1 ? states[0]! : 'differs') : 'unreachable'
    const line = [
      name,
      address,
      painted(state, paint),
      shareText(share),
      flowsText(flows, tracksOf(pools)),
      countText(packets),
      mac ?? paint.bad(why ?? 'not resolved'),
    ]
    if (state !== 'differs') return [line]
    const more = pools.map((each) => {
      const { share, flows } = each.server
      const text = painted(stateText(each.server), paint)
      return ['', `in ${each.pool}`, text, shareText(share), flowsText(flows, tracksOf([each]))]
    })
    return [line, ...more]
  })
  return section(['SERVER', 'ADDRESS', 'STATE', 'SHARE', 'FLOWS', 'PACKETS', 'MAC'], rows, align, paint)
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
    return count === undefined ? [] : [painted(state, paint).replace(state, `${countText(count)} ${state}`)]
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

/** handLines: what operators said, since when, and how far each drain is; nothing where nothing was said. */
export function handLines(status: Status, paint: Paint, now: number): string[] {
  if (status.overrides.length === 0) return []
  const places = byServer(status)
  const rows = status.overrides.map((override) => {
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
    return [server, words.join(', '), service ?? 'all pools', agoText(now - Date.parse(since)), clock]
  })
  const heads = ['BY HAND', 'SAID', 'IN', 'SINCE', 'NOW']
  return section(heads, rows, ['left', 'left', 'left', 'right', 'left'], paint)
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
