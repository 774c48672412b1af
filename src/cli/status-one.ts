// One service or one server, with what its checks have seen: `tenbin status NAME`. A status and the particulars
// of its checks in, lines out. Pure.

import { TenbinError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import type { Status } from '../daemon/api-schema.ts'
import type { CheckDetail, ChecksAnswer } from '../daemon/api-schema-checks.ts'
import { type Cell, type Column, fitted } from './columns.ts'
import type { Paint } from './context.ts'
import { brokenLine, headLine } from './status-facts.ts'
import { handColumns, listedByHand } from './status-hand.ts'
import { listedServers, serverColumns } from './status-servers.ts'
import { listedServices, serviceColumns } from './status-services.ts'
import { agoText, countText } from './table.ts'

/** The latest changes of standing that are shown. */
const CHANGES = 16

/** partOf a status: a service with its pool and servers, or a server with the services that have it. Throws NAME_UNKNOWN. */
export function partOf(status: Status, name: string): Status {
  const isServer = status.servers.some((each) => each.name === name)
  const named = status.services.filter((each) => each.name === name)
  if (!isServer && named.length === 0) {
    const names = [...status.services, ...status.servers].map((each) => each.name)
    throw new TenbinError('NAME_UNKNOWN', `status ${name}`, {
      detail: `no service and no server is called ${name}${didYouMean(name, names)}`,
    })
  }
  const pools = new Set(named.map(({ pool }) => pool))
  const parts = status.pools.flatMap((pool) => {
    const servers = pools.has(pool.name) ? pool.servers : pool.servers.filter((each) => each.name === name)
    return servers.length === 0 ? [] : [{ ...pool, servers }]
  })
  const has = (pool: string) => parts.some((each) => each.name === pool)
  const servers = new Set(parts.flatMap((pool) => pool.servers.map((each) => each.name)))
  return {
    ...status,
    services: isServer ? status.services.filter(({ pool }) => has(pool)) : named,
    servers: status.servers.filter((each) => servers.has(each.name) || each.name === name),
    pools: parts,
    overrides: status.overrides.filter(({ server }) => servers.has(server)),
  }
}

/** oneLines: `part` of a status and its checks, at `now`, no line longer than `width`. */
export function oneLines(
  status: Status,
  part: Status,
  { checks, more }: ChecksAnswer,
  paint: Paint,
  now: number,
  width: number,
): string[] {
  const rowsOf = (listed: readonly { readonly rows: readonly (readonly Cell[])[] }[]) =>
    listed.flatMap(({ rows }) => rows)
  const hand = rowsOf(listedByHand(part, now))
  const ago = (iso: string | undefined) =>
    iso === undefined ? '' : agoText(Math.max(0, now - Date.parse(iso)))
  const failures = checks.filter(({ history }) => history?.lastFailure)
  const changes = changesOf(checks)
  const list = (columns: readonly Column[], rows: readonly (readonly Cell[])[]) =>
    rows.length === 0 ? [] : fitted(columns, rows, width, paint)
  return [
    ...brokenLine(headLine(part, paint, now), 2, width),
    // How a service is follows from all of its servers.
    ...list(serviceColumns, rowsOf(listedServices({ ...status, services: part.services }, paint, false))),
    ...list(serverColumns, rowsOf(listedServers(part, paint, now))),
    ...list(handColumns, hand),
    ...list(
      checkColumns,
      checks.map((check) => checkRow(check, ago, paint)),
    ),
    ...(more > 0 ? [`${countText(more)} checks more: tenbin status SERVER`] : []),
    ...list(
      failureColumns,
      failures.map(({ server, service, history }) => {
        const { at, text } = history!.lastFailure!
        return [server, service, ago(at), text]
      }),
    ),
    ...list(
      changeColumns,
      changes.map(({ server, service, at, from, to, text, count }) => [
        server,
        service,
        ago(at),
        { text: `${from} to ${to}`, paint: to === 'up' ? paint.good : paint.bad },
        count > 1 ? `${text} (${count} of ${count})` : text,
      ]),
    ),
  ]
}

const checkColumns: readonly Column[] = [
  { head: 'CHECK OF', align: 'left', min: 10, enough: 20, cut: 'middle' },
  { head: 'IN', align: 'left', min: 8, enough: 20, cut: 'middle', isOptional: true },
  { head: 'ASKS', align: 'left', min: 8, enough: 14, cut: 'end' },
  { head: 'EVERY', align: 'right', isOptional: true },
  { head: 'FINDS', align: 'left' },
  { head: 'LAST', align: 'right' },
  { head: 'P50', align: 'right' },
  { head: 'P99', align: 'right' },
  { head: 'LOOKS', align: 'right' },
  { head: 'FOUND', align: 'left', min: 10, enough: 16, cut: 'end' },
]

function checkRow(check: CheckDetail, ago: (iso?: string) => string, paint: Paint): Cell[] {
  const { server, service, port, everyMs, standing, isOverdue, isObserved, history } = check
  const { lastLook, p50Ms, p99Ms, looks } = history ?? {}
  const found = isOverdue
    ? 'it stands still'
    : lastLook
      ? `${lastLook.text} (${msText(lastLook.latencyMs)})`
      : history
        ? 'not looked yet'
        : 'the checker is not there'
  const isWell = standing === 'up' && !isOverdue && (lastLook?.outcome ?? 'good') === 'good'
  return [
    server,
    service,
    `${check.check}${port > 0 ? ` :${port}` : ''}${isObserved ? ' (observed)' : ''}`,
    msText(everyMs),
    {
      text: standing,
      paint: standing === 'up' ? paint.good : standing === 'down' ? paint.bad : paint.strong,
    },
    ago(lastLook?.at),
    msText(p50Ms),
    msText(p99Ms),
    looks === undefined ? '-' : countText(looks),
    { text: found, paint: isWell ? paint.faint : paint.bad },
  ]
}

const failureColumns: readonly Column[] = [
  { head: 'FAILED LAST', align: 'left', min: 12, enough: 20, cut: 'middle' },
  { head: 'IN', align: 'left', min: 8, enough: 20, cut: 'middle', isOptional: true },
  { head: 'AGO', align: 'right' },
  { head: 'WHY', align: 'left', min: 20, enough: 30, cut: 'end' },
]
const changeColumns: readonly Column[] = [
  { head: 'CHANGED', align: 'left', min: 12, enough: 20, cut: 'middle' },
  { head: 'IN', align: 'left', min: 8, enough: 20, cut: 'middle', isOptional: true },
  { head: 'AGO', align: 'right' },
  { head: 'STANDING', align: 'left' },
  { head: 'WHY', align: 'left', min: 20, enough: 30, cut: 'end' },
]

/** changesOf: the latest first. */
function changesOf(checks: readonly CheckDetail[]) {
  return checks
    .flatMap(({ server, service, history }) =>
      (history?.transitions ?? []).map((each) => ({ ...each, server, service })),
    )
    .toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at))
    .slice(0, CHANGES)
}

/** msText: 0.3ms, 12ms, 2.5s; - where it is not known. */
function msText(ms: number | undefined): string {
  if (ms === undefined) return '-'
  if (ms >= 1000) return `${Number((ms / 1000).toFixed(1))}s`
  return `${ms >= 10 ? ms.toFixed(0) : Number(ms.toFixed(2))}ms`
}
