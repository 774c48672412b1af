// The facts of a status that are no list: which daemon, since when, what it was told, how busy it is, what is wrong. Pure.

import { stripVTControlCharacters } from 'node:util'
import type { Status } from '../daemon/api-schema.ts'
import { outcomes } from '../dataplane/outcomes.ts'
import { cutMiddle } from './columns.ts'
import type { Paint } from './context.ts'
import { serverCounts } from './status-servers.ts'
import { roleText } from './status-sets.ts'
import { agoText, countText, rateText, table } from './table.ts'
import { verdictWords } from './verdict-words.ts'

/** SHORTEST_PATH: characters that a file's path is cut to at the most. */
const SHORTEST_PATH = 20

/** headLine: version, node, state, role, up-time, generation. */
export function headLine(status: Status, paint: Paint, now: number): string {
  const { version, node, startedAt, program, state } = status
  const word = state === 'forwarding' ? paint.good('forwarding') : paint.bad('waiting')
  const parts = [
    ...(node === undefined ? [] : [`node ${paint.strong(node)}`]),
    word,
    ...(state === 'forwarding' ? [roleText(status)] : []),
    `up ${agoText(Math.max(0, now - Date.parse(startedAt)))}`,
    ...(program ? [`generation ${program.generation}`] : []),
  ]
  return `tenbin ${version}: ${parts.join(', ')}`
}

/** busyRows: rows for table(): the file, a refused reload, the servers, the traffic; the file's path cut for `width`. */
export function busyRows(status: Status, paint: Paint, width = Number.POSITIVE_INFINITY): string[][] {
  const { file, lastReload, revision, state } = status
  const number = revision ? `, revision ${revision.number}` : ''
  const applied = file.appliedAt ? `${number}, applied ${timeText(file.appliedAt)}` : ''
  const room = Math.max(SHORTEST_PATH, width - 'traffic  '.length - applied.length)
  const rows = [['file', `${cutMiddle(file.path, room)}${applied}`]]
  if (lastReload && !lastReload.done) {
    const count = lastReload.problems.length
    const text = `refused ${timeText(lastReload.at)}: ${count} ${count === 1 ? 'problem' : 'problems'}, nothing changed`
    rows.push(['reload', paint.bad(text)])
  }
  if (revision?.confirmUntil !== undefined) {
    const text = `revision ${revision.number} is taken back ${timeText(revision.confirmUntil)} unless confirmed`
    rows.push(['confirm', paint.bad(text)])
  }
  if (state !== 'forwarding') return rows
  return [
    ...rows,
    ['servers', serverCounts(status, paint)],
    ['traffic', trafficText(status)],
    ...floodRow(status, paint),
  ]
}

/** floodRow: who is flooded, and who has to prove that he is real; nothing where nobody is. */
function floodRow({ flood }: Pick<Status, 'flood'>, paint: Paint): string[][] {
  const { incidents = [], underProof = [] } = flood ?? {}
  const said = incidents
    .slice(0, 3)
    .map(
      ({ service, verdict, perS }) =>
        `${service}: ${verdictWords[verdict]}, ${rateText(perS)}${verdict === 'slow' ? '' : '/s'}`,
    )
  const more = incidents.length > said.length ? [`${incidents.length - said.length} more`] : []
  const proof =
    underProof.length === 0 ? [] : [`proof of source is asked for of ${underProof.slice(0, 3).join(', ')}`]
  if (said.length + proof.length === 0) return []
  const text = [...said, ...more, ...proof].join('; ')
  return [['flood', `${said.length > 0 ? paint.bad(text) : text} (tenbin flood)`]]
}

function trafficText(status: Status): string {
  const rates = status.services.flatMap(({ rate }) => rate ?? [])
  const sum = (of: (rate: (typeof rates)[number]) => number) =>
    rateText(rates.length === 0 ? undefined : rates.reduce((total, rate) => total + of(rate), 0))
  const { live, capacity, newPerS } = status.flows ?? {}
  const made = newPerS === undefined ? '' : `, ${rateText(newPerS)} new/s`
  const flows = live === undefined ? '' : `; ${countText(live)} of ${countText(capacity!)} flows${made}`
  return `${sum(({ packets }) => packets)} packets/s, ${sum(({ bits }) => bits)} bits/s${flows}; ${countText(droppedOf(status))} dropped`
}

/** droppedOf: packets that were dropped, for whatever reason. */
export const droppedOf = (status: Pick<Status, 'outcomes'>): bigint =>
  Object.entries(status.outcomes).reduce(
    (sum, [name, count]) =>
      (outcomes as Readonly<Record<string, { readonly verdict: string }>>)[name]?.verdict === 'drop'
        ? sum + BigInt(count)
        : sum,
    0n,
  )

/** factLines: rows as lines of at most `width`, broken between words under the second column. */
export function factLines(rows: readonly (readonly string[])[], width: number): string[] {
  const indent = Math.max(0, ...rows.map(([name = '']) => stripVTControlCharacters(name).length)) + 2
  return table(rows, ['left', 'left']).flatMap((line) => brokenLine(line, indent, width))
}

/** problemLines: what is wrong and what to do about it. */
export const problemLines = ({ problems }: Pick<Status, 'problems'>, paint: Paint, width: number): string[] =>
  problems.flatMap(({ message, remedy }) => [
    '',
    ...factLines(
      [
        [paint.bad('problem'), message],
        ['', remedy],
      ],
      width,
    ),
  ])

/** brokenLine: a line as lines of at most `width`, those after the first indented; a longer word is broken anywhere. */
export function brokenLine(line: string, indent: number, width: number): string[] {
  const length = (text: string) => stripVTControlCharacters(text).length
  if (length(line) <= width) return [line]
  const lines: string[] = []
  let last = ''
  for (const word of line.split(/(?<=[^ ])(?= )/)) {
    const next = last === '' && lines.length > 0 ? ' '.repeat(indent) + word.trimStart() : last + word
    if (length(next) <= width) last = next
    else {
      if (last.trim() !== '') lines.push(last)
      last = ' '.repeat(indent) + word.trimStart()
      while (length(last) > width && !last.includes('\x1b')) {
        lines.push(last.slice(0, width))
        last = ' '.repeat(indent) + last.slice(width)
      }
    }
  }
  return [...lines, last]
}

/** timeText: local date and time to the second. */
export function timeText(iso: string): string {
  const at = new Date(iso)
  const two = (n: number) => String(n).padStart(2, '0')
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${date} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}
