// A load generator: real HTTP, every request over a new TCP connection, because a new connection is what a balancer
// decides on. Requests start at a steady rate as long as no more than `concurrency` are open; one that starts ends in
// exactly one of two ways, answered or failed, and a failure keeps its reason. It never retries.

import { Agent, get } from 'node:http'
import { createHistogram } from 'node:perf_hooks'
import { invariant } from '../base/errors.ts'
import { type Kept, KeptConnection, type KeptOptions } from './kept-connection.ts'

/** TrafficOptions: where to (several addresses: in turn), and how much. Absent: 500 a second, at most 64 at once, 5 s. */
export interface TrafficOptions {
  readonly address: string | readonly string[]
  readonly port: number
  readonly path?: string
  readonly ratePerSecond?: number
  readonly concurrency?: number
  readonly timeoutMs?: number
  /** A connection that is kept open from the first resume on. */
  readonly kept?: KeptOptions
}

/** TrafficCounts: since the start. sent = answered + failed + open. */
export interface TrafficCounts {
  /** Milliseconds since the start. */
  readonly elapsedMs: number
  readonly sent: number
  readonly answered: number
  readonly failed: number
  readonly open: number
  /** How long the oldest that is open waits; none is: 0. */
  readonly oldestMs: number
  /** Answers by the first line of their body: a server of the lab answers with its name. */
  readonly perServer: Readonly<Record<string, number>>
  /** Failures by reason: an errno name, `timeout`, or `status 503`. */
  readonly reasons: Readonly<Record<string, number>>
  /** When the latest that failed began, in ms of the time of day, as they failed. */
  readonly failedBegan: readonly number[]
  /** Of answers, from before connect() to the last byte. Absent before the first. */
  readonly kept?: Kept
  /** The longest time without an answer that ended, or went on, since the counts before these. */
  readonly silenceMs: number
  readonly latencyMs?: { readonly p50: number; readonly p99: number; readonly max: number }
}

const PACE_MS = 5
/** FAILED_MOST: of so many failures, the latest, is known when they began. */
const FAILED_MOST = 200

export class Traffic {
  readonly #options: Required<Omit<TrafficOptions, 'kept'>> & Pick<TrafficOptions, 'kept'>
  readonly #agent = new Agent({ keepAlive: false, maxSockets: Infinity })
  readonly #perServer = new Map<string, number>()
  readonly #reasons = new Map<string, number>()
  readonly #latencyUs = createHistogram({ lowest: 1, highest: 60_000_000, figures: 3 })
  readonly #startedAt = performance.now()
  #sent = 0
  #answered = 0
  #failed = 0
  #failedBegan: readonly number[] = []
  /** When those that are open began, by their number: the oldest is the first. */
  readonly #began = new Map<number, number>()
  #pacer: NodeJS.Timeout | undefined
  #whenIdle: (() => void)[] = []
  #kept: KeptConnection | undefined
  /** When the last answer came, or requests began; while they do not come in: undefined. */
  #heardAt: number | undefined
  #silenceMs = 0

  constructor(options: TrafficOptions) {
    this.#options = { path: '/', ratePerSecond: 500, concurrency: 64, timeoutMs: 5000, ...options }
  }

  /** resume lets requests start, from now on at the rate; it makes up for no pause. */
  resume(): void {
    if (this.#pacer) return
    if (this.#options.kept) this.#kept ??= new KeptConnection(this.#options.kept)
    let paidUntil = performance.now()
    this.#heardAt = paidUntil
    const gapMs = 1000 / this.#options.ratePerSecond
    this.#pacer = setInterval(() => {
      for (const now = performance.now(); paidUntil + gapMs <= now; paidUntil += gapMs) {
        if (this.#open < this.#options.concurrency) this.#request()
      }
    }, PACE_MS)
  }

  /** pause starts no more requests; resolves when none is open. */
  pause(): Promise<void> {
    clearInterval(this.#pacer)
    this.#pacer = undefined
    this.#heardAt = undefined
    return this.#open === 0 ? Promise.resolve() : new Promise((resolve) => this.#whenIdle.push(resolve))
  }

  /** forget: counts begin anew. Not while a request is open. */
  forget(): void {
    invariant(this.#open === 0, 'traffic is forgotten while a request is open')
    this.#sent = 0
    this.#answered = 0
    this.#failed = 0
    this.#failedBegan = []
    this.#perServer.clear()
    this.#reasons.clear()
    this.#latencyUs.reset()
  }

  /** counts: so far; what is the longest of a time begins anew. */
  counts(): TrafficCounts {
    const now = performance.now()
    const silenceMs = Math.max(this.#silenceMs, this.#heardAt === undefined ? 0 : now - this.#heardAt)
    this.#silenceMs = 0
    const at = (percentile: number) => this.#latencyUs.percentile(percentile) / 1000
    return {
      elapsedMs: now - this.#startedAt,
      silenceMs,
      ...(this.#kept && { kept: this.#kept.state() }),
      sent: this.#sent,
      answered: this.#answered,
      failed: this.#failed,
      open: this.#open,
      oldestMs: this.#open === 0 ? 0 : now - this.#began.values().next().value!,
      perServer: Object.fromEntries(this.#perServer),
      reasons: Object.fromEntries(this.#reasons),
      failedBegan: this.#failedBegan,
      ...(this.#answered > 0
        ? { latencyMs: { p50: at(50), p99: at(99), max: this.#latencyUs.max / 1000 } }
        : {}),
    }
  }

  get #open(): number {
    return this.#began.size
  }

  #request(): void {
    const { address, port, path, timeoutMs } = this.#options
    const host = typeof address === 'string' ? address : address[this.#sent % address.length]!
    const number = this.#sent++
    const startedAt = performance.now()
    this.#began.set(number, startedAt)
    let settled = false
    const settle = (reason: string | undefined, server = '') => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      this.#began.delete(number)
      if (reason === undefined) {
        this.#answered++
        const now = performance.now()
        if (this.#heardAt !== undefined) {
          this.#silenceMs = Math.max(this.#silenceMs, now - this.#heardAt)
          this.#heardAt = now
        }
        this.#perServer.set(server, (this.#perServer.get(server) ?? 0) + 1)
        this.#latencyUs.record(Math.max(1, Math.round((now - startedAt) * 1000)))
      } else {
        this.#failed++
        this.#failedBegan = [...this.#failedBegan, performance.timeOrigin + startedAt].slice(-FAILED_MOST)
        this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1)
      }
      if (this.#open === 0) for (const resolve of this.#whenIdle.splice(0)) resolve()
    }
    const request = get({ host, port, path, agent: this.#agent }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => (body += text))
      response.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message))
      response.on('end', () =>
        response.statusCode === 200
          ? settle(undefined, body.split('\n')[0])
          : settle(`status ${response.statusCode}`),
      )
    })
    request.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message))
    const timer = setTimeout(() => {
      settle('timeout')
      request.destroy()
    }, timeoutMs)
  }
}
