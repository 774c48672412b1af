// Looks at everything that it was given, each at its time, and steps each one's machine. Its idea: the rota says what is
// due, lookOnce() does it, the machine says what follows; here is only the loop between them, on the monotonic clock, so
// that a clock that is set back or forth moves nothing. Scripts, each of which is a process, have a rota and a bound of
// their own. Findings carry the time of day, for people.

import type { Rhythm } from '../config/check-spec.ts'
import type { Reactor } from '../sys/reactor.ts'
import type { Checker, Finding, Report } from './checker.ts'
import { emptyHistory, type History, remember } from './history.ts'
import { lookOnce } from './look.ts'
import { type Health, type Standing, step, type Transition, unlooked, untilNext } from './machine.ts'
import { type Overdue, Rota } from './rota.ts'
import { Totals } from './totals.ts'
import type { Turns } from './turns.ts'

/** Watched: one check of one server. `isHeavy`: a process each time. */
export interface Watched {
  readonly key: string
  readonly kind: string
  readonly checker: Checker
  readonly rhythm: Rhythm
  readonly isHeavy: boolean
}

/** Known: what is known of a check. */
export interface Known {
  readonly health: Health
  readonly history: History
  /** Of down: the finding that decided; of down that was handed in, the first that agreed. */
  readonly why?: string
  /** Looks in a row that found nothing, the last ones; and what the latest one said. */
  readonly fruitless?: { readonly count: number; readonly text: string }
  readonly report?: Report
  readonly warning?: string
}

/** RunnerOptions: `clock` is the time of day in ms. */
export interface RunnerOptions {
  readonly reactor: Reactor
  /** For checks that go through service addresses. */
  readonly turns?: Turns
  readonly clock: () => number
  /** onChange: the standing changed, or why it is down or not known, or what the server says of itself, or a warning. */
  readonly onChange: (key: string, known: Known, transition: Transition | undefined) => void
  /** onFault: a checker threw what nobody foresaw; told once for as long as the check goes on to do so. */
  readonly onFault: (key: string, error: unknown) => void
}

/** Pace: looks that began since it was last asked, and how late: all but one of a hundred, and the latest one. */
export interface Pace {
  readonly looks: number
  readonly lateP99Ms: number
  readonly latestMs: number
}

/** How many looks may be under way at once. */
export const LOOKS_AT_ONCE = 8192
export const SCRIPTS_AT_ONCE = 16
/** GRACE_MS: what is later than this by the rota stands still. */
export const GRACE_MS = 1000

interface Entry {
  watched: Watched
  known: Known
  /** Its latest look ended in what nobody foresaw. */
  isFaulty: boolean
}

export class Runner implements Disposable {
  readonly #options: RunnerOptions
  readonly #entries = new Map<string, Entry>()
  readonly #light = new Rota()
  readonly #heavy = new Rota()
  #timer: NodeJS.Timeout | undefined
  /** Of each look since pace() was asked last. */
  #late: number[] = []
  readonly totals = new Totals()
  #isOver = false

  constructor(options: RunnerOptions) {
    this.#options = options
  }

  /**
   * watch makes `list` what is looked at: what is gone is forgotten, what stays keeps what is known of it, what is new
   * begins with the standing that `seedOf` has for it, and if that is down with the reason of `whyOf`; and so does what was
   * not looked at yet.
   */
  watch(
    list: readonly Watched[],
    seedOf: (key: string) => Standing | undefined,
    whyOf: (key: string) => string | undefined = () => undefined,
  ): void {
    const wanted = new Set(list.map(({ key }) => key))
    for (const key of this.#entries.keys()) {
      if (wanted.has(key)) continue
      this.#entries.delete(key)
      this.#light.remove(key)
      this.#heavy.remove(key)
    }
    const now = performance.now()
    for (const watched of list) {
      const entry = this.#entries.get(watched.key)
      const seed = seedOf(watched.key)
      if (entry && (entry.known.history.looks > 0 || seed === undefined)) continue
      const health: Health = { ...unlooked(this.#options.clock()), standing: seed ?? 'unknown' }
      const why = seed === 'down' ? (entry?.known.why ?? whyOf(watched.key)) : undefined
      const known: Known = { health, history: emptyHistory, ...(why !== undefined && { why }) }
      if (entry) entry.known = known
      else {
        this.#entries.set(watched.key, { watched, known, isFaulty: false })
        this.#rotaOf(watched).add(watched.key, watched.rhythm, now)
      }
    }
    this.#plan()
  }

  known(key: string): Known | undefined {
    return this.#entries.get(key)?.known
  }

  *all(): IterableIterator<readonly [string, Known]> {
    for (const [key, { known }] of this.#entries) yield [key, known]
  }

  get size(): number {
    return this.#entries.size
  }

  /** pace tells it, and begins to count anew. */
  pace(): Pace {
    const late = Float64Array.from(this.#late).sort()
    this.#late = []
    return {
      looks: late.length,
      lateP99Ms: late[Math.floor(late.length * 0.99)] ?? 0,
      latestMs: late.at(-1) ?? 0,
    }
  }

  /** overdue: what stands still. */
  overdue(): readonly Overdue[] {
    const now = performance.now()
    return [...this.#light.overdue(now, GRACE_MS), ...this.#heavy.overdue(now, GRACE_MS)]
  }

  /** Dispose: nothing more is begun or told. Looks that run end by themselves, within their time. */
  [Symbol.dispose](): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }

  #rotaOf({ isHeavy }: Watched): Rota {
    return isHeavy ? this.#heavy : this.#light
  }

  #plan(): void {
    clearTimeout(this.#timer)
    if (this.#isOver) return
    // What is due and has no room is begun when a look ends.
    const due = Math.min(
      this.#light.running < LOOKS_AT_ONCE ? (this.#light.nextDue ?? Infinity) : Infinity,
      this.#heavy.running < SCRIPTS_AT_ONCE ? (this.#heavy.nextDue ?? Infinity) : Infinity,
    )
    if (due === Number.POSITIVE_INFINITY) return
    this.#timer = setTimeout(() => this.#begin(), Math.max(0, Math.ceil(due - performance.now())))
  }

  #begin(): void {
    for (const [rota, most] of [
      [this.#light, LOOKS_AT_ONCE],
      [this.#heavy, SCRIPTS_AT_ONCE],
    ] as const) {
      const limit = (key: string) => this.#entries.get(key)?.watched.rhythm.timeoutMs ?? 0
      for (const { key, lateMs } of rota.begin(performance.now(), most - rota.running, limit)) {
        this.#late.push(lateMs)
        this.totals.began(lateMs)
        const entry = this.#entries.get(key)
        if (entry) void this.#look(entry, rota)
      }
    }
    this.#plan()
  }

  async #look(entry: Entry, rota: Rota): Promise<void> {
    const { key, checker, rhythm } = entry.watched
    const { reactor, turns, onFault } = this.#options
    const wasFaulty = entry.isFaulty
    entry.isFaulty = false
    const finding = await lookOnce(checker, {
      reactor,
      timeoutMs: rhythm.timeoutMs,
      ...(turns && { turns }),
      onFault: (error) => {
        if (!wasFaulty && !entry.isFaulty) onFault(key, error)
        entry.isFaulty = true
      },
    })
    if (this.#isOver || this.#entries.get(key) !== entry) return
    this.totals.ended(entry.watched.kind, finding)
    const wasFull = rota.running >= (entry.watched.isHeavy ? SCRIPTS_AT_ONCE : LOOKS_AT_ONCE)
    const before = entry.known
    const at = this.#options.clock()
    const { health, transition } = step(before.health, finding, at, rhythm)
    const after = knownOf(before, finding, health, at, transition)
    entry.known = after
    const soonest = rota.nextDue ?? Number.POSITIVE_INFINITY
    rota.end(key, untilNext(health, rhythm), performance.now())
    if (wasFull || rota.nextDue! < soonest) this.#plan()
    if (transition || !saysTheSame(after, before)) this.#options.onChange(key, after, transition)
  }
}

function knownOf(
  before: Known,
  finding: Finding,
  health: Health,
  at: number,
  transition: Transition | undefined,
): Known {
  const history = remember(before.history, finding, at, transition)
  // A look that failed says nothing new of weight or certificate.
  const { report, warning } = finding.outcome === 'good' ? finding : { ...finding, ...kept(before) }
  const bad = finding.outcome === 'bad' ? finding.text : undefined
  const why = health.standing === 'down' ? (transition?.text ?? before.why ?? bad) : undefined
  return {
    health,
    history,
    ...(why !== undefined && { why }),
    ...(finding.outcome === 'none' && {
      fruitless: { count: (before.fruitless?.count ?? 0) + 1, text: finding.text },
    }),
    ...(report && { report }),
    ...(warning !== undefined && { warning }),
  }
}

const kept = ({ report, warning }: Known): Pick<Known, 'report' | 'warning'> => ({
  ...(report && { report }),
  ...(warning !== undefined && { warning }),
})

const saysTheSame = (a: Known, b: Known): boolean =>
  a.why === b.why &&
  a.fruitless?.text === b.fruitless?.text &&
  a.warning === b.warning &&
  sameReport(a.report, b.report)

const sameReport = (a: Report | undefined, b: Report | undefined): boolean =>
  a === b || (a?.share === b?.share && a?.weight === b?.weight && a?.isDraining === b?.isDraining)
