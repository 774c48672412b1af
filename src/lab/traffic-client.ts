// The hand on a traffic process: starts it in a namespace, pauses, resumes and stops it, and hands on what it
// reports. The process reports by itself, so the latest counts are always at hand without asking.

import type { ChildProcessByStdio } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { TenbinError } from '../base/errors.ts'
import { entryCommand } from './entry.ts'
import { spawnIn } from './run.ts'
import type { TrafficCounts, TrafficOptions } from './traffic.ts'
import type { TrafficProcessOptions, TrafficReport } from './traffic-process.ts'

type Event = TrafficReport['event']

/** Waits: in ms: the longest without any answer, and the longest that the connection that is kept waited for one. */
export interface Waits {
  readonly silenceMs: number
  readonly keptMs: number
}
const NONE: Waits = { silenceMs: 0, keptMs: 0 }

export class TrafficClient implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #waiting: {
    readonly event: Event
    done(counts: TrafficCounts): void
    fail(error: Error): void
  }[] = []
  readonly #closed: Promise<void>
  #counts: TrafficCounts | undefined
  #waits = NONE
  #ended = false
  #stderr = ''
  /** Called with every report, as often as asked for. */
  onCounts: (counts: TrafficCounts) => void = () => undefined

  private constructor(namespace: string, options: TrafficProcessOptions) {
    const command = entryCommand('traffic-process', options)
    this.#child = spawnIn(namespace, command, {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    }) as ChildProcessByStdio<Writable, Readable, Readable>
    this.#child.stderr.setEncoding('utf8').on('data', (text) => (this.#stderr += text))
    this.#child.stdin.on('error', () => undefined)
    createInterface({ input: this.#child.stdout }).on('line', (line) =>
      this.#take(JSON.parse(line) as TrafficReport),
    )
    this.#closed = new Promise((resolve) => this.#child.once('close', resolve).once('error', resolve))
    void this.#closed.then(() => this.#fail())
  }

  /** start makes a process in `namespace`, paused. Throws LAB_PROCESS_FAILED. */
  static async start(namespace: string, options: TrafficOptions, reportMs = 200): Promise<TrafficClient> {
    const client = new TrafficClient(namespace, { ...options, reportMs })
    await client.#next('ready')
    return client
  }

  /** counts: the latest that were reported. */
  get counts(): TrafficCounts {
    return this.#counts!
  }

  /** fresh: counts of after this call. */
  async fresh(): Promise<TrafficCounts> {
    // The first report that comes may have been under way.
    await this.#next('tick')
    return this.#next('tick')
  }

  /** decided: counts once every request that began before this call was answered or has failed. */
  async decided(): Promise<TrafficCounts> {
    const { elapsedMs } = await this.fresh()
    for (;;) {
      const counts = await this.fresh()
      if (counts.elapsedMs - counts.oldestMs >= elapsedMs) return counts
    }
  }

  /** waits: the longest since the last call, as far as is reported. */
  waits(): Waits {
    const waits = this.#waits
    this.#waits = NONE
    return waits
  }

  resume(): void {
    this.#child.stdin.write('resume\n')
  }

  /** pause resolves when no request is open. */
  pause(): Promise<TrafficCounts> {
    return this.#ask('pause', 'idle')
  }

  /** forget: counts begin anew, with the next resume. While it is paused. */
  forget(): void {
    this.#child.stdin.write('forget\n')
  }

  /** stop lets open requests finish and ends the process; resolves with the final counts. */
  async stop(): Promise<TrafficCounts> {
    const counts = await this.#ask('stop', 'end')
    await this.#closed
    return counts
  }

  /** Dispose: the process is gone, whatever it was doing. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#closed
  }

  #ask(line: string, event: Event): Promise<TrafficCounts> {
    const answer = this.#next(event)
    this.#child.stdin.write(`${line}\n`)
    return answer
  }

  #next(event: Event): Promise<TrafficCounts> {
    return new Promise((done, fail) => {
      this.#waiting.push({ event, done, fail })
      if (this.#ended) this.#fail()
    })
  }

  #take({ event, counts }: TrafficReport): void {
    this.#counts = counts
    this.#waits = {
      silenceMs: Math.max(this.#waits.silenceMs, counts.silenceMs),
      keptMs: Math.max(this.#waits.keptMs, counts.kept?.waitMs ?? 0),
    }
    this.onCounts(counts)
    const index = this.#waiting.findIndex((one) => one.event === event)
    if (index >= 0) this.#waiting.splice(index, 1)[0]!.done(counts)
  }

  #fail(): void {
    this.#ended = true
    const detail = `the client's traffic process ended: ${this.#stderr.trim() || 'it said nothing'}`
    for (const one of this.#waiting.splice(0))
      one.fail(new TenbinError('LAB_PROCESS_FAILED', 'traffic', { detail }))
  }
}
