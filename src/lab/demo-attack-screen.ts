// What the demo of an attack shows: two columns, one of each network, that redraw in place on a terminal and are a line each
// second elsewhere; and the sum of it. Words only: it decides nothing.

import { bar, countText } from './chart.ts'
import type { AttackDemoResult, AttackSide } from './demo-attack.ts'
import { type LabOutput, LiveArea, type Paint, paintOf } from './terminal.ts'
import type { TrafficCounts } from './traffic.ts'

/** SideSample: one network at one time. `sent`: packets of the flood. `sentOn`: packets that its servers were sent. */
export interface SideSample {
  readonly atMs: number
  readonly users: TrafficCounts
  readonly sent: number
  readonly sentOn: number
}

type Both<Each> = Readonly<Record<'without' | 'defended', Each>>
const NAMES: Both<string> = { without: 'without a defence', defended: "with tenbin's defence" }
const WINDOW_MS = 1000
/** COLUMN: characters of one side, BAR of them for its bar. */
const [COLUMN, BAR] = [36, 16]

export class AttackScreen {
  readonly #out: LabOutput
  readonly #paint: Paint
  readonly #live: LiveArea
  #recent: Both<SideSample>[] = []
  #lastLineMs = 0
  #perSecond = 1

  constructor(out: LabOutput) {
    this.#out = out
    this.#paint = paintOf(out)
    this.#live = new LiveArea(out)
  }

  title(): void {
    this.#lines([
      this.#paint.strong('tenbin: one flood, two networks inside this machine, one of them defended'),
      '',
    ])
  }

  networks(defence: string, perSecond: number): void {
    this.#perSecond = perSecond
    this.#lines([
      'Two web servers each, without SYN cookies of their own (tcp_syncookies=0).',
      `Users send ${perSecond} requests a second, each over a new connection.`,
      'The second network has this in its file besides:',
      '',
      ...defence
        .trimEnd()
        .split('\n')
        .map((line) => `     ${line}`),
      '',
    ])
  }

  flood(perSecond: number): void {
    this.#lines([
      '',
      this.#paint.accent(`A flood comes in at both: ${countText(perSecond)} SYNs a second`),
      "window 0, no options, from 65,536 addresses that are nobody's",
      '',
    ])
  }

  /** draw shows the last second. */
  draw(now: Both<SideSample>): void {
    this.#recent = [
      ...this.#recent.filter(({ without }) => without.atMs > now.without.atMs - WINDOW_MS - 100),
      now,
    ]
    const since = this.#recent[0]!
    if (since === now) return
    this.#live.draw(this.#columns(since, now))
    if (this.#out.isTerminal || now.without.atMs - this.#lastLineMs < WINDOW_MS) return
    this.#lastLineMs = now.without.atMs
    this.#lines(this.#columns(since, now).slice(1, 2))
  }

  /** leave what was drawn last. */
  leave(): void {
    const [since, now] = [this.#recent[0], this.#recent.at(-1)]
    if (since && now && since !== now) this.#live.finish(this.#columns(since, now))
    this.#recent = []
  }

  summary(result: Pick<AttackDemoResult, 'without' | 'defended'>, problems: readonly string[]): void {
    const { strong, good, bad } = this.#paint
    const row = (side: keyof typeof NAMES) => {
      const { asked, answered, p99Ms, sent, sentOn } = result[side]
      const share = `${((100 * answered) / Math.max(1, asked)).toFixed(1)} % of ${countText(asked)} answered`
      const time = p99Ms === undefined ? '' : `, 99 % of these within ${p99Ms.toFixed(0)} ms`
      const words = isWell(result[side]) ? good(share) : bad(share)
      return [
        `   ${NAMES[side].padEnd(23)}${words}${time}`,
        `   ${''.padEnd(23)}${countText(sent)} SYNs of the flood, ${countText(sentOn)} packets sent on to servers`,
      ]
    }
    this.#lines(['', strong('What users saw'), '', ...row('without'), ...row('defended'), ''])
    this.#lines(problems.map((problem) => `   ${bad(problem)}`))
  }

  #columns(since: Both<SideSample>, now: Both<SideSample>): string[] {
    const sides = (['without', 'defended'] as const).map((side) =>
      this.#side(side, since[side], now[side]),
    ) as [string[], string[]]
    return sides[0].map((line, at) => `   ${line}   ${sides[1][at]}`.trimEnd())
  }

  /** #side: lines of COLUMN characters; colours do not count. */
  #side(side: keyof typeof NAMES, since: SideSample, now: SideSample): string[] {
    const { faint, strong } = this.#paint
    const seconds = Math.max(0.001, (now.atMs - since.atMs) / 1000)
    const answered = (now.users.answered - since.users.answered) / seconds
    const sentOn = (now.sentOn - since.sentOn) / seconds
    const fill = (text: string) => text.padEnd(COLUMN)
    const rate = `${Math.round(answered)}/s`
    return [
      strong(fill(NAMES[side])),
      `users    ${bar(answered / this.#perSecond, BAR, this.#paint)} ${rate.padEnd(COLUMN - BAR - 10)}`,
      faint(fill(`servers  ${countText(Math.round(sentOn))} packets/s`)),
    ]
  }

  #lines(lines: readonly string[]): void {
    this.#out.write(lines.map((line) => `${line}\n`).join(''))
  }
}

const isWell = ({ asked, answered }: AttackSide): boolean => asked > 0 && answered >= 0.99 * asked
