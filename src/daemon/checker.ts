// The process that looks at servers, as main has it: found by its socket or started, told what to look at, started again
// with back-off when it is gone. Its idea: it is not main's child in spirit: it has its own session and outlives main's
// death; a main that stops in order ends it, because nobody would act on what it sees.

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CheckerClient, stopChecker } from '../health/checker-client.ts'
import { checkerCommand } from '../health/checker-command.ts'
import { childEnvironment } from '../health/child-environment.ts'
import type { Alive, Change, Detail, Order, State } from '../health/protocol.ts'
import type { CheckerEnd } from './deaths.ts'
import { lastWordsIn } from './last-words.ts'

/** CheckerEvents: what it tells. */
export interface CheckerEvents {
  readonly onStates: (states: readonly State[]) => void
  readonly onChanges: (changes: readonly Change[]) => void
  readonly onAlive: (alive: Alive) => void
  readonly onPresent: (pid: number) => void
  /** It is not there, or no longer; it is being started. */
  readonly onAbsent: (why: string) => void
  /** onEnded: one ended by itself, or hung and was ended. */
  readonly onEnded: (end: CheckerEnd) => void
}

/** Checker: what looks at servers. Disposed, it goes on without us. */
export interface Checker extends Disposable {
  /** order: all that is to be looked at from now on; nothing: it is not needed, and ends. */
  order(orders: readonly Order[]): void
  /** details: of checks, by their keys; of those only that it knows, if it is there. */
  details(keys: readonly string[]): Promise<readonly Detail[]>
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

const HUNG = 'it hung, and was ended'
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
  /** The one that is talked with, whoever started it. */
  #pid: number | undefined
  /** Where in its log the child began. */
  #logStart = 0
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
        this.#pid = pid
        this.#events.onPresent(pid)
      },
      onAbsent: (why, isSilent) => {
        this.#lose(why, isSilent)
        this.#start(isSilent)
        this.#events.onAbsent(why)
      },
    })
    this.#client.order(orders)
  }

  details(keys: readonly string[]): Promise<readonly Detail[]> {
    return this.#client?.details(keys) ?? Promise.resolve([])
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

  /** #lose: one that an earlier daemon had started is missed by its connection alone. */
  #lose(why: string, isSilent: boolean): void {
    const pid = this.#pid
    this.#pid = undefined
    if (pid === undefined || pid === this.#child?.pid) return
    const { checkerSocket } = this.#paths
    if (isSilent) killChecker(pid, checkerSocket)
    this.#events.onEnded({ how: isSilent ? HUNG : why })
  }

  /** #endHanging: our own that says nothing, or never came. */
  #endHanging(): void {
    const child = this.#child
    if (!child) return
    this.#child = undefined
    child.kill('SIGKILL')
    this.#events.onEnded(this.#endOf(this.#hasCome ? HUNG : 'it did not come'))
  }

  #endOf(how: string): CheckerEnd {
    const words = lastWordsIn(this.#log, this.#logStart)
    return { how, ...(words !== undefined && { words }) }
  }

  get #log(): string {
    return join(dirname(this.#paths.checks), 'checker.log')
  }

  /** #start: unless one was started just now, or is there or on its way. One that hangs makes room. */
  #start(isSilent: boolean): void {
    const now = performance.now()
    const since = now - this.#startedAt
    if (since < this.#waitMs) return
    const hangs = isSilent || (!this.#hasCome && since > ARRIVAL_MS)
    if (this.#child && !hangs) return
    this.#endHanging()
    this.#waitMs = since > BACK_OFF.stayedMs ? BACK_OFF.firstMs : Math.min(2 * this.#waitMs, BACK_OFF.mostMs)
    this.#startedAt = now
    try {
      this.#spawn()
    } catch (error) {
      // Without memory, descriptors or room for its log: that is tried again as well.
      this.#events.onEnded({ how: (error as Error).message })
    }
  }

  #spawn(): void {
    const { name, checkerSocket, checks } = this.#paths
    mkdirSync(dirname(checkerSocket), { recursive: true, mode: 0o700 })
    const [command, ...args] = checkerCommand(checkerSocket, checks, name)
    const log = openLogFile(this.#log)
    this.#logStart = fstatSync(log).size
    // Its log is its own: it outlives us, and whoever reads our output would wait for its end.
    let child: ChildProcess
    try {
      child = spawn(command, args, {
        detached: true,
        stdio: ['ignore', 'ignore', log],
        cwd: '/',
        env: childEnvironment(),
      })
    } finally {
      closeSync(log)
    }
    // It cannot be started: it is absent, and tried again.
    child.on('error', ({ message }) => {
      if (this.#child === child) this.#child = undefined
      this.#events.onEnded({ how: message })
    })
    child.once('exit', (status, signal) => {
      // Otherwise it was told to.
      if (this.#child !== child) return
      this.#child = undefined
      if (this.#pid === child.pid) this.#pid = undefined
      this.#events.onEnded(this.#endOf(`${signal ?? `status ${status}`}`))
    })
    child.unref()
    this.#child = child
    this.#hasCome = false
  }
}

/** killChecker: where a process is one of this socket: numbers of processes come again. */
function killChecker(pid: number, socket: string): void {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    if (words.includes(socket)) process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

/** openLogFile: what went before is kept, unless it is too long. */
function openLogFile(path: string): number {
  const { size = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {}
  return openSync(path, size > LOG_LIMIT ? 'w' : 'a', 0o600)
}
