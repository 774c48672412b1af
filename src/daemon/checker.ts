// The process that looks at servers, as main has it: found by its socket or started, told what to look at, started again
// with back-off when it is gone. Its idea: it is not main's child in spirit: it has its own session and outlives main's
// death; a main that stops in order ends it, because nobody would act on what it sees.

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
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
  /** onEnded: one that was started here ended by itself: how, and where its last words are. */
  readonly onEnded: (why: string) => void
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
  readonly name: string
  readonly checkerSocket: string
  readonly checks: string
}

/** BACK_OFF: from one start to the next; each that follows is later, until one has stayed a while. */
const BACK_OFF = { firstMs: 500, mostMs: 30_000, stayedMs: 60_000 } as const

/** ARRIVAL_MS: one that does not listen so long after its start never will. */
const ARRIVAL_MS = 15_000
/** LOG_LIMIT: bytes of its log that are kept when one is started. */
const LOG_LIMIT = 2 ** 20

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
  /** The child has been talked with. */
  #hasCome = false
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
      onPresent: (pid) => {
        this.#hasCome ||= pid === this.#child?.pid
        this.#events.onPresent(pid)
      },
      onAbsent: (why, isSilent) => {
        this.#start(isSilent)
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
    this.#child = undefined
  }

  [Symbol.dispose](): void {
    this.#child = undefined
    this.#client?.[Symbol.dispose]()
    this.#client = undefined
  }

  /** #start: unless one was started just now, or is there or on its way. One that hangs makes room. */
  #start(isSilent: boolean): void {
    const now = performance.now()
    const since = now - this.#startedAt
    if (since < this.#waitMs) return
    const hangs = isSilent || (!this.#hasCome && since > ARRIVAL_MS)
    if (this.#child && !hangs) return
    this.#child?.kill('SIGKILL')
    this.#waitMs = since > BACK_OFF.stayedMs ? BACK_OFF.firstMs : Math.min(2 * this.#waitMs, BACK_OFF.mostMs)
    this.#startedAt = now
    const { name, checkerSocket, checks } = this.#paths
    mkdirSync(dirname(checkerSocket), { recursive: true, mode: 0o700 })
    const [command, ...args] = checkerCommand(checkerSocket, checks, name)
    const path = join(dirname(checks), 'checker.log')
    const log = openLogFile(path)
    // Its log is its own: it outlives us, and whoever reads our output would wait for its end.
    const child = spawn(command, args, { detached: true, stdio: ['ignore', 'ignore', log], cwd: '/' })
    closeSync(log)
    // It cannot be started: it is absent, and tried again.
    child.on('error', ({ message }) => this.#events.onEnded(message))
    child.once('exit', (status, signal) => {
      // Otherwise it was told to.
      if (this.#child !== child) return
      this.#child = undefined
      this.#events.onEnded(`${signal ?? `status ${status}`}: see ${path}`)
    })
    child.unref()
    this.#child = child
    this.#hasCome = false
  }
}

/** openLogFile: what went before is kept, unless it is too long. */
function openLogFile(path: string): number {
  const { size = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {}
  return openSync(path, size > LOG_LIMIT ? 'w' : 'a', 0o600)
}
