// What the demo shows: numbered steps, the drawing, the file and its changes, the live chart, the summary. On a terminal
// the chart redraws in place; elsewhere each second gives a plain line. Words only: it decides nothing.

import type { Status } from '../daemon/api-schema.ts'
import { chart, countText, sum } from './chart.ts'
import { picture } from './picture.ts'
import { type LabOutput, LiveArea, type Paint, paintOf } from './terminal.ts'
import type { Topology } from './topology.ts'
import type { TrafficCounts } from './traffic.ts'

const WINDOW_MS = 1000

export class DemoScreen {
  readonly #out: LabOutput
  readonly #paint: Paint
  readonly #servers: readonly string[]
  readonly #live: LiveArea
  /** The reports of the last second of the step that is shown. */
  #recent: TrafficCounts[] = []
  #lastLineMs = 0
  #step = 0

  constructor(out: LabOutput, servers: readonly string[]) {
    this.#out = out
    this.#paint = paintOf(out)
    this.#servers = servers
    this.#live = new LiveArea(out)
  }

  opening(topology: Topology, seconds: number): void {
    const { strong, accent } = this.#paint
    const [service] = topology.serviceAddresses
    const namespaces = topology.nodes.length + 1
    this.#lines([
      strong('tenbin: a load balancer and its servers, on a network inside this machine'),
      '',
      ...picture(topology, this.#out.columns, this.#paint),
      '',
      `${namespaces} network namespaces, up in ${seconds.toFixed(1)} s; nothing leaves this machine.`,
      `Requests go from the client to ${accent(service!)}, which lb1 holds, and on to one of the servers.`,
      'The server answers the client directly: lb1 sees only one direction (dsr).',
    ])
  }

  step(title: string): void {
    this.#step++
    this.#lines(['', this.#paint.strong(`${this.#step}. ${title}`), ''])
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

  /** difference shows the lines that differ between two files of equally many lines. */
  difference(before: string, after: string): void {
    const old = before.split('\n')
    after.split('\n').forEach((line, index) => {
      const was = old[index] ?? ''
      if (was !== line) this.#lines([this.#paint.bad(`   - ${was}`), this.#paint.good(`   + ${line}`)])
    })
  }

  program({ program, interface: nic }: Status, nsPerPacket: number | undefined): void {
    if (!program || !nic) return
    const cost = nsPerPacket === undefined ? '' : `, ${nsPerPacket.toFixed(0)} ns of work per packet`
    this.say(
      `${program.instructions} instructions, loaded and verified in ${program.loadMs.toFixed(1)} ms${cost}`,
    )
    this.say(
      `on lb1's ${nic.name} in ${nic.mode} mode, with ${countText(Math.ceil(program.memoryBytes / 1024))} KiB of memory`,
    )
  }

  reloaded({ program }: Status, pausedMs: number): void {
    const generation = program ? `, generation ${program.generation} of the program runs` : ''
    this.say(`reloaded in ${pausedMs.toFixed(0)} ms${generation}`)
    this.say(
      this.#paint.faint('(the client waited meanwhile: without connection tracking, which is to come,'),
    )
    this.say(this.#paint.faint(' a connection that is open while its server changes would break)'))
    this.#lines([''])
  }

  /** progress takes a report and shows the traffic of the last second. */
  progress(now: TrafficCounts): void {
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
  result(since: TrafficCounts, now: TrafficCounts): void {
    this.#live.finish(this.#chart(since, now))
    this.#recent = []
  }

  summary(counts: TrafficCounts, problems: readonly string[]): void {
    const { good, bad } = this.#paint
    this.step('Summary')
    const latency = counts.latencyMs
    const times = latency
      ? `; median ${latency.p50.toFixed(1)} ms, 99 % within ${latency.p99.toFixed(1)} ms`
      : ''
    this.say(
      `${countText(counts.sent)} sent, ${countText(counts.answered)} answered, ${countText(counts.failed)} failed${times}`,
    )
    const words = this.#servers.map((name) => `${name} ${countText(counts.perServer[name] ?? 0)}`)
    for (let i = 0; i < words.length; i += 5) this.say(words.slice(i, i + 5).join('   '))
    this.#lines([''])
    if (problems.length === 0) this.say(good('Every request was answered, and every server had its share.'))
    for (const problem of problems) this.say(bad(problem))
  }

  kept({ lab }: Topology): void {
    const named = lab === 'lab' ? '' : ` --name ${lab}`
    this.#lines([
      '',
      `   The lab is up: tenbin lab shell${named} client, tenbin lab status, tenbin lab down${named}`,
      '',
    ])
  }

  #chart(since: TrafficCounts, now: TrafficCounts): string[] {
    const data = { servers: this.#servers, since, now }
    return chart(data, this.#out.columns, this.#paint).map((line) => `   ${line}`)
  }

  #lines(lines: readonly string[]): void {
    this.#out.write(lines.map((line) => `${line}\n`).join(''))
  }
}
