// The process that looks at servers, as main has it: found by its socket or started, told what to look at, started again
// with back-off when it is gone. Its idea: it is not main's child in spirit: it has its own session and outlives main's
// death; a main that stops in order ends it, because nobody would act on what it sees.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { CheckerClient, stopChecker } from '../health/checker-client.ts'
import { checkerCommand } from '../health/checker-command.ts'
import type { Alive, Change, Detail, Order, State } from '../health/protocol.ts'

/** CheckerEvents: what it tells. */
export interface CheckerEvents {
  readonly onStates: (states: readonly State[]) => void
  readonly onChanges: (changes: readonly Change[]) => void
  readonly onAlive: (alive: Alive) => void
  readonly onPresent: (pid: number) => void
  /** It is not there, or no longer; it is being started. */
  readonly onAbsent: (why: string) => void
}

/** Checker: what looks at servers. Disposed, it goes on without us. */
export interface Checker extends Disposable {
  /** order: all that is to be looked at from now on; nothing: it is not needed, and ends. */
  order(orders: readonly Order[]): void
  details(): Promise<readonly Detail[]>
  /** end: nobody wants to know any more: whoever looks ends, also one that an earlier daemon has left. */
  end(): void
}

export type OpenChecker = (events: CheckerEvents) => Checker

/** CheckerPaths: of an instance. */
export interface CheckerPaths {
  readonly checkerSocket: string
  readonly checks: string
}

/** BACK_OFF: from one start to the next; each that follows is later, until one has stayed a while. */
const BACK_OFF = { firstMs: 500, mostMs: 30_000, stayedMs: 60_000 } as const

/** openChecker: nothing is started before something is to be looked at. */
export const openChecker =
  (paths: CheckerPaths): OpenChecker =>
  (events) =>
    new SupervisedChecker(paths, events)

class SupervisedChecker implements Checker {
  readonly #paths: CheckerPaths
  readonly #events: CheckerEvents
  #client: CheckerClient | undefined
  #child: ChildProcess | undefined
  #startedAt = Number.NEGATIVE_INFINITY
  #waitMs: number = BACK_OFF.firstMs

  constructor(paths: CheckerPaths, events: CheckerEvents) {
    this.#paths = paths
    this.#events = events
  }

  order(orders: readonly Order[]): void {
    if (orders.length === 0) {
      this.end()
      return
    }
    this.#client ??= new CheckerClient({
      ...this.#events,
      socket: this.#paths.checkerSocket,
      onAbsent: (why) => {
        this.#start()
        this.#events.onAbsent(why)
      },
    })
    this.#client.order(orders)
  }

  details(): Promise<readonly Detail[]> {
    return this.#client?.details() ?? Promise.resolve([])
  }

  end(): void {
    if (this.#client) this.#client.stop()
    else stopChecker(this.#paths.checkerSocket)
    this.#client = undefined
    // One that is on its way hears nothing yet.
    this.#child?.kill()
  }

  [Symbol.dispose](): void {
    this.#client?.[Symbol.dispose]()
    this.#client = undefined
  }

  /** #start: unless one was started just now, and is on its way. */
  #start(): void {
    const now = performance.now()
    const since = now - this.#startedAt
    if (since < this.#waitMs) return
    this.#waitMs = since > BACK_OFF.stayedMs ? BACK_OFF.firstMs : Math.min(2 * this.#waitMs, BACK_OFF.mostMs)
    this.#startedAt = now
    const { checkerSocket, checks } = this.#paths
    mkdirSync(dirname(checkerSocket), { recursive: true, mode: 0o700 })
    const [command, ...args] = checkerCommand(checkerSocket, checks)
    const child = spawn(command, args, { detached: true, stdio: 'ignore', cwd: '/' })
    // It cannot be started: it is absent, and tried again.
    child.on('error', () => {})
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined
    })
    child.unref()
    this.#child = child
  }
}
