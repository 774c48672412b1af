// A Status as text for an 80-column terminal. Pure. Names that are longer than their column make the line longer;
// nothing is cut.

import type { Status } from '../daemon/api-schema.ts'
import { events, outcomes } from '../dataplane/outcomes.ts'
import type { Paint } from './context.ts'
import { memoryLines } from './memory-lines.ts'
import { checkLines } from './status-checks.ts'
import { flowsText, handLines, serverCounts, serverLines } from './status-servers.ts'
import { type Align, bytesText, countText, section, table, wrap } from './table.ts'

/** statusLines: the whole status, at `now` (milliseconds of the epoch). */
export function statusLines(status: Status, paint: Paint, now: number): string[] {
  const state = running(status) ? paint.good('forwarding') : paint.bad('waiting')
  const node = status.node === undefined ? '' : `node ${paint.strong(status.node)}, `
  const lines = [
    `tenbin ${status.version}: ${node}${state}`,
    '',
    ...table(facts(status, paint), ['left', 'left']),
    ...status.problems.flatMap(({ message, remedy }) => [
      '',
      `${paint.bad('problem')}  ${message}`,
      `         ${remedy}`,
    ]),
  ]
  if (!running(status)) return lines
  return [
    ...lines,
    ...services(status, paint),
    ...serverLines(status, paint),
    ...checkLines(status, paint, now),
    ...handLines(status, paint, now),
    ...packets(status, paint),
    ...recordLines(status, paint),
    ...memoryLines(status.program?.maps ?? [], paint),
  ]
}

const running = ({ state }: Status): boolean => state === 'forwarding'

function facts(status: Status, paint: Paint): string[][] {
  const { file, interfaces, program, instance, pid, startedAt, lastReload } = status
  const applied = file.appliedAt ? `, applied ${timeText(file.appliedAt)}` : ''
  const rows = [
    ['daemon', `instance ${instance}, pid ${pid}, since ${timeText(startedAt)}`],
    ['file', `${file.path}${applied}`],
  ]
  if (lastReload && !lastReload.done) {
    const count = lastReload.problems.length
    const text = `refused ${timeText(lastReload.at)}: ${count} ${count === 1 ? 'problem' : 'problems'}, nothing changed`
    rows.push(['reload', paint.bad(text)])
  }
  for (const nic of interfaces) {
    const up = nic.up ? 'up' : paint.bad('down')
    rows.push(['interface', `${nic.name}, ${nic.mac}, MTU ${nic.mtu}, ${up}, ${nic.mode} XDP`])
    const { programId, instructions, loadMs } = nic
    rows.push([
      'program',
      `id ${programId}, generation ${program?.generation}, ${instructions} instructions, loaded in ${loadMs.toFixed(1)} ms`,
    ])
  }
  if (running(status)) rows.push(['servers', serverCounts(status, paint)])
  if (status.flows) {
    const { capacity, live, established, syn, closed, networks } = status.flows
    const [all, room, ...states] = [live, capacity, established, syn, closed].map(countText)
    const kept = networks > 0 ? `, ${countText(networks)} of clients kept with a server` : ''
    const text = `${all} of ${room} records: ${states[0]} established, ${states[1]} SYN only, ${states[2]} closed${kept}`
    rows.push(['flows', live >= capacity ? paint.bad(text) : text])
  }
  for (const { address, prefix, present, owned } of status.addresses) {
    const words = present ? (owned ? 'here' : 'here, was there before tenbin') : paint.bad('missing')
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

const listAlign: readonly Align[] = ['left', 'left', 'right', 'right', 'right', 'left']

function services(status: Status, paint: Paint): string[] {
  const rows = status.services.flatMap((service) => {
    const { name, listeners, track, flows, packets, bytes, servers, persistence } = service
    const [first = '', ...more] = wrap(listeners, 30)
    const kept = persistence ? `, ${countText(persistence.networks)} clients kept` : ''
    const pool = `${servers.length} ${servers.length === 1 ? 'server' : 'servers'}${kept}`
    return [
      [name, first, flowsText(flows, [track]), countText(packets), bytesText(bytes), pool],
      ...more.map((listener) => ['', listener]),
    ]
  })
  return section(['SERVICE', 'LISTENERS', 'FLOWS', 'PACKETS', 'BYTES', 'POOL'], rows, listAlign, paint)
}

/** packets: forwarded, passed to the kernel, and every drop by name with what it means. */
function packets(status: Status, paint: Paint): string[] {
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
  const resets = counted.find(({ name }) => name === 'reset')?.count ?? 0n
  const answered = resets > 0n ? `, ${countText(resets)} answered by a RST` : ''
  const forwarded = sum('tx') - resets + sum('redirect')
  const totals = `packets  ${countText(forwarded)} forwarded${answered}, ${countText(sum('pass'))} left to the kernel, ${countText(sum('drop'))} dropped`
  const rows = drops.map(({ name, count, meaning }) => [name, countText(count), meaning])
  const heads = ['DROPPED', 'PACKETS', 'MEANING']
  return ['', totals, ...(rows.length > 0 ? section(heads, rows, ['left', 'right', 'left'], paint) : [])]
}

/** recordLines: what happened to remembered flows, by name with what it means. */
function recordLines({ events: counts = {} }: Status, paint: Paint): string[] {
  const meanings: Readonly<Record<string, string>> = events
  const rows = Object.entries(counts)
    .filter(([, count]) => count !== '0')
    .map(([name, count]) => [name, countText(count), meanings[name] ?? ''])
  return rows.length === 0
    ? []
    : section(['RECORDS', 'COUNT', 'MEANING'], rows, ['left', 'right', 'left'], paint)
}

/** timeText: local date and time to the second. */
function timeText(iso: string): string {
  const at = new Date(iso)
  const two = (n: number) => String(n).padStart(2, '0')
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${date} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}
