// What the demo shows: numbered stages and their steps, the drawing, the file and its changes, the live chart, the summary. On a terminal
// the chart redraws in place; elsewhere each second gives a plain line. Words only: it decides nothing.

import type { Status } from '../daemon/api-schema.ts'
import { type ByteCounts, bytesText } from './byte-counts.ts'
import { chart, countText, type Sample, sum } from './chart.ts'
import type { Failure } from './demo-failures.ts'
import type { RoleChange } from './demo-pair.ts'
import { hints } from './hints.ts'
import { lineDifference } from './line-difference.ts'
import { picture } from './picture.ts'
import type { LabState } from './state.ts'
import { type LabOutput, LiveArea, type Paint, paintOf, wrapped } from './terminal.ts'
import { nodesOf, type Topology } from './topology.ts'
import type { TrafficCounts } from './traffic.ts'

type Program = NonNullable<Status['program']>
type Nic = Status['interfaces'][number]

const WINDOW_MS = 1000
const millis = (ms: number): string => `${ms < 100 ? ms.toFixed(1) : countText(Math.round(ms))} ms`

export class DemoScreen {
  readonly #out: LabOutput
  readonly #paint: Paint
  #servers: readonly string[] = []
  readonly #live: LiveArea
  /** The reports of the last second of the step that is shown. */
  #recent: Sample[] = []
  #lastLineMs = 0
  #stage = 0
  /** What was written last is an empty line. */
  #isSeparated = false

  constructor(out: LabOutput) {
    this.#out = out
    this.#paint = paintOf(out)
    this.#live = new LiveArea(out)
  }

  title(): void {
    this.#lines([
      this.#paint.strong('tenbin: load balancers and their servers, on a network inside this machine'),
      '',
    ])
  }

  network(topology: Topology, seconds: number): void {
    const services = [...topology.serviceAddresses, ...topology.serviceAddresses6]
      .map(this.#paint.accent)
      .join(' and ')
    this.#servers = nodesOf(topology, 'server').map(({ name }) => name)
    this.#lines([
      ...picture(topology, this.#out.columns, this.#paint),
      '',
      `${topology.nodes.length + 1} network namespaces, up in ${seconds.toFixed(1)} s; nothing leaves this machine.`,
      `Requests go to ${services} on lb1, and from there to a server.`,
    ])
  }

  /** stage: one of the four, with its number. */
  stage(title: string): void {
    this.#stage++
    this.#lines(['', this.#paint.strong(`${this.#stage}. ${title}`), ''])
  }

  step(title: string): void {
    this.#lines(['', `   ${this.#paint.accent(title)}`, ''])
  }

  say(sentence: string): void {
    this.#lines([`   ${sentence}`])
  }

  /** block shows a file. */
  block(text: string): void {
    this.#lines(
      text
        .trimEnd()
        .split('\n')
        .map((line) => (line === '' ? '' : `     ${line}`)),
    )
  }

  /** difference shows the lines that differ between two files. */
  difference(before: string, after: string): void {
    const lines = lineDifference(before.split('\n'), after.split('\n'))
    this.#lines(
      lines.map(({ isNew, line }) =>
        isNew ? this.#paint.good(`   + ${line}`) : this.#paint.bad(`   - ${line}`),
      ),
    )
  }

  program(program: Program, nic: Nic, nsPerPacket: number): void {
    const { instructions, loadMs } = nic
    const kib = countText(Math.ceil(program.memoryBytes / 1024))
    this.say(
      `${instructions} instructions, loaded and verified in ${loadMs.toFixed(1)} ms, on lb1's ${nic.name} (${nic.mode})`,
    )
    this.say(`${nsPerPacket.toFixed(1)} ns a packet (test run over 65,536 flows), ${kib} KiB of memory`)
  }

  applied(generation: number | undefined, ms: number, meanwhile: string): void {
    this.say(`Applied in ${ms.toFixed(0)} ms: generation ${generation} of the program runs.`)
    this.say(`Requests came in all the time: ${meanwhile}.`)
  }

  failuresBegin(): void {
    this.say(this.#paint.faint('server            out after  computed   back after   lost  lost later'))
  }

  /** failure tells of one: times in ms; requests that were lost before it was out, and afterwards. */
  failure({ server, how, outMs, computedMs, backMs, lost, lostLater }: Failure): void {
    const ms = (value: number, width: number) => `${countText(Math.round(value))} ms`.padStart(width)
    const later = countText(lostLater).padStart(12)
    this.say(
      `${`${server} ${how}`.padEnd(16)}${ms(outMs, 11)}${ms(computedMs, 10)}${ms(backMs, 13)}${countText(lost).padStart(7)}${lostLater > 0 ? this.#paint.bad(later) : later}`,
    )
  }

  /** roleChange: `to` has the addresses now; `meanwhile`: what became of requests. */
  roleChange(to: string, { tookMs, silenceMs, keptMs }: RoleChange, meanwhile: string): void {
    const ms = (value: number) => `${countText(Math.round(value))} ms`
    this.say(`${to} has the addresses after ${ms(tookMs)}.`)
    this.say(`The client had no answer for ${ms(silenceMs)} at most: ${meanwhile}.`)
    this.say(`The open connection waited ${ms(keptMs)} at most for an answer.`)
  }

  aboutFlows(leaving: string): void {
    const sentence = `(Nothing new goes to ${leaving}; what is open stays with it to its end.)`
    this.say(this.#paint.faint(sentence))
  }

  /** progress takes a report and shows the traffic of the last second. */
  progress(now: Sample): void {
    if (this.#recent.length === 0) this.#separate()
    this.#recent = [
      ...this.#recent.filter(({ elapsedMs }) => elapsedMs > now.elapsedMs - WINDOW_MS - 50),
      now,
    ]
    const since = this.#recent[0]!
    if (since === now) return
    this.#live.draw(this.#chart(since, now))
    if (this.#out.isTerminal || now.elapsedMs - this.#lastLineMs < WINDOW_MS) return
    this.#lastLineMs = now.elapsedMs
    const rate = ((now.answered - since.answered) * 1000) / (now.elapsedMs - since.elapsedMs)
    this.say(sum(rate, now, this.#paint))
  }

  /** result leaves the chart of the whole step. */
  result(since: Sample, now: Sample): void {
    this.#separate()
    this.#live.finish(this.#chart(since, now))
    this.#isSeparated = false
    this.#recent = []
  }

  summary(counts: TrafficCounts, problems: readonly string[]): void {
    const { good, bad } = this.#paint
    this.#lines(['', this.#paint.strong('Summary'), ''])
    this.say(
      `${countText(counts.sent)} sent, ${countText(counts.answered)} answered, ${countText(counts.failed)} failed`,
    )
    const latency = counts.latencyMs
    if (latency) this.say(`Median ${millis(latency.p50)}, 99 % within ${millis(latency.p99)}`)
    const words = this.#servers.map((name) => `${name} ${countText(counts.perServer[name] ?? 0)}`)
    for (let i = 0; i < words.length; i += 5) this.say(words.slice(i, i + 5).join('   '))
    this.#lines([''])
    if (counts.kept && counts.kept.broken === undefined) {
      const { server, answers, openMs } = counts.kept
      const seconds = (openMs / 1000).toFixed(0)
      this.say(
        `One connection was open all the time: ${seconds} s, ${countText(answers)} answers of ${server}.`,
      )
    }
    if (problems.length === 0) {
      const all =
        counts.failed === 0 ? 'Every request was answered' : 'No request failed but where it was said'
      this.say(good(`${all}.`))
    }
    for (const problem of problems) this.say(bad(problem))
  }

  /** underWay tells of requests that were under way when a node died. */
  underWay(count: number): void {
    if (count === 0) return
    this.say(`${countText(count)} failed whose answer was under way when lb1 died.`)
  }

  /** cutShort tells of requests that were under way when the way of answers changed. */
  cutShort(count: number): void {
    if (count === 0) return
    this.say(`${countText(count)} failed that were under way just then: an open connection has one way only.`)
  }

  /** ways: which way bytes take with dsr. */
  ways({ intoBalancer, outOfBalancer, fromServers }: ByteCounts): void {
    const rows = [
      ['client -> balancers', intoBalancer, 'requests'],
      ['balancers -> servers', outOfBalancer, 'the same frames, with the MAC of a server'],
      ['servers -> client', fromServers, 'answers: no balancer sees them'],
    ] as const
    const width = Math.max(...rows.map(([way]) => way.length))
    for (const [way, bytes, words] of rows)
      this.say(`${way.padEnd(width)}  ${bytesText(bytes).padStart(8)}   ${this.#paint.faint(words)}`)
  }

  kept(state: LabState): void {
    const lines = hints(state, this.#paint).map((line) => (line === '' ? '' : `     ${line}`))
    this.#lines(['', '   The lab is up. To go on:', ...lines, ''])
  }

  #chart(since: Sample, now: Sample): string[] {
    const data = { servers: this.#servers, since, now }
    return chart(data, this.#out.columns, this.#paint).map((line) => `   ${line}`)
  }

  /** #separate puts an empty line before what comes next, unless one is there or the chart is being redrawn. */
  #separate(): void {
    if (!this.#isSeparated && !this.#live.isDrawn) this.#lines([''])
  }

  #lines(lines: readonly string[]): void {
    this.#isSeparated = lines.at(-1) === ''
    // Elsewhere a line is for programs, or for a terminal whose width is not known.
    const { isTerminal, columns } = this.#out
    const shown = isTerminal ? lines.flatMap((line) => wrapped(line, columns)) : lines
    this.#out.write(shown.map((line) => `${line}\n`).join(''))
  }
}
