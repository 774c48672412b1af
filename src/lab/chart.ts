// The bar chart of how requests spread over servers: a row per server, several rows side by side where there are many,
// and the sum below. A bar's full length is twice a fair share, so that bars keep their scale while servers come
// and go. Pure: numbers in, lines out.

import { type ByteCounts, bytesBetween, bytesText } from './byte-counts.ts'
import type { Paint } from './terminal.ts'
import type { TrafficCounts } from './traffic.ts'

/** Sample: what the client counted and, at about the same time, the switch. */
export interface Sample extends TrafficCounts {
  readonly bytes: ByteCounts
}

/** ChartData: rates are per second over the time since `since`. `servers`: rows, also of those with none. */
export interface ChartData {
  readonly servers: readonly string[]
  readonly since: Sample
  readonly now: Sample
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']
/** ROW: a server's row apart from its bar: name, rate, share, total and the spaces between. */
const ROW = 38
const MANY = 12

/** chart: the chart's lines, narrower than `columns` (80 at least); where there is no room, without bars. */
export function chart({ servers, since, now }: ChartData, columns: number, paint: Paint): string[] {
  const seconds = Math.max(0.001, (now.elapsedMs - since.elapsedMs) / 1000)
  const rateOf = (server: string) => ((now.perServer[server] ?? 0) - (since.perServer[server] ?? 0)) / seconds
  const total = (now.answered - since.answered) / seconds
  const full = Math.max(1, (2 * total) / servers.length)
  const beside = servers.length > MANY ? Math.max(1, Math.floor((columns - 2) / 38)) : 1
  const wide = Math.max(0, Math.min(40, columns - ROW - 4))
  const row = (server: string) => {
    const rate = rateOf(server)
    const share = total > 0 ? rate / total : 0
    const name = server.padEnd(6)
    if (beside > 1) return `${name} ${bar(rate / full, 16, paint)} ${rateText(rate)}/s  `
    const count = countText(now.perServer[server] ?? 0).padStart(8)
    return `${name} ${bar(rate / full, wide, paint)} ${rateText(rate)}/s ${shareText(share)} ${paint.faint(count)}`
  }
  const rows = Math.ceil(servers.length / beside)
  const lines = Array.from({ length: rows }, (_, index) =>
    Array.from({ length: beside }, (_, column) => servers[column * rows + index])
      .flatMap((server) => (server === undefined ? [] : [row(server)]))
      .join('')
      .trimEnd(),
  )
  return [...lines, sum(total, now, paint), bytesLine(bytesBetween(since.bytes, now.bytes), seconds, paint)]
}

/** bytesLine: which way the bytes took, per second. */
function bytesLine(bytes: ByteCounts, seconds: number, paint: Paint): string {
  const rate = (count: number) => `${bytesText(count / seconds)}/s`
  const { intoBalancer, outOfBalancer, fromServers } = bytes
  return paint.faint(
    `balancers: ${rate(intoBalancer)} in, ${rate(outOfBalancer)} out; servers send ${rate(fromServers)}`,
  )
}

/** sum: the line below the bars, which is also the plain line of progress. */
export function sum(perSecond: number, now: TrafficCounts, paint: Paint): string {
  const failed = `${countText(now.failed)} failed`
  const latency = now.latencyMs ? `, median ${now.latencyMs.p50.toFixed(1)} ms` : ''
  const sentence = `${rateText(perSecond).trim()} requests/s: ${countText(now.answered)} answered, `
  return `${sentence}${now.failed > 0 ? paint.bad(failed) : failed}${latency}`
}

/** bar: `share` (0..1) of `width` cells in eighths of a cell, padded to the width. */
export function bar(share: number, width: number, paint: Paint): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8)
  const cells = '█'.repeat(eighths >> 3) + EIGHTHS[eighths & 7]
  return paint.accent(cells) + paint.faint('·'.repeat(width - cells.length))
}

/** countText writes a count with thousands apart: 12,345. */
export const countText = (count: number): string => count.toLocaleString('en-US')

const rateText = (rate: number): string => rate.toFixed(0).padStart(5)
const shareText = (share: number): string => `${(share * 100).toFixed(1).padStart(5)} %`
