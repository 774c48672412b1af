// A process beside main, found by its socket or started, and started again with back-off when it is gone. Its idea: it is
// not main's child in spirit: it has its own session and log, and outlives main's death. Who talks with it says when it was
// reached and when not; what is known of a process that main did not start is its pid alone.

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, statSync, truncateSync } from 'node:fs'
import { dirname } from 'node:path'
import { childEnvironment } from '../health/child-environment.ts'
import type { ProcessEnd } from './deaths.ts'
import { lastWordsIn } from './last-words.ts'

/** ProcessPlan: how it is started. `socket` stands in its command line, and in no other process's. */
export interface ProcessPlan {
  readonly command: readonly [string, ...string[]]
  readonly socket: string
  readonly log: string
  /** onEnded: one ended by itself, or hung and was ended. */
  readonly onEnded: (end: ProcessEnd) => void
}

/** BACK_OFF: from one start to the next; each that follows is later, until one has stayed a while. */
const BACK_OFF = { firstMs: 500, mostMs: 30_000, stayedMs: 60_000 } as const

const HUNG = 'it hung, and was ended'
/** ARRIVAL_MS: one that does not listen so long after its start never will. */
const ARRIVAL_MS = 15_000
/** LOG_LIMIT: bytes of its log that are kept when one is started. */
const LOG_LIMIT = 2 ** 20

/** SupervisedProcess: disposed, the process goes on without us. */
export class SupervisedProcess implements Disposable {
  readonly #plan: ProcessPlan
  #child: ChildProcess | undefined
  /** The child has been talked with. */
  #hasCome = false
  /** The one that is talked with, whoever started it. */
  #pid: number | undefined
  /** Where in its log the child began. */
  #logStart = 0
  #startedAt = Number.NEGATIVE_INFINITY
  #waitMs: number = BACK_OFF.firstMs

  constructor(plan: ProcessPlan) {
    this.#plan = plan
  }

  /** reached: the process of this pid answers. */
  reached(pid: number): void {
    this.#hasCome ||= pid === this.#child?.pid
    this.#pid = pid
  }

  /** missed: nobody answers, or, `isSilent`, somebody who says nothing. It is started, if that was not just now. */
  missed(why: string, isSilent: boolean): void {
    this.#lose(why, isSilent)
    this.#start(isSilent)
  }

  /** end: it is told to end by whoever talks with it; one that is on its way hears nothing yet. */
  end(): void {
    this.#pid = undefined
    this.#child?.kill()
    this.#child = undefined
  }

  [Symbol.dispose](): void {
    this.#child = undefined
  }

  /** #lose: one that an earlier daemon had started is missed by its connection alone. */
  #lose(why: string, isSilent: boolean): void {
    const pid = this.#pid
    this.#pid = undefined
    if (pid === undefined || pid === this.#child?.pid) return
    if (isSilent) killProcess(pid, this.#plan.socket)
    this.#plan.onEnded({ how: isSilent ? HUNG : why })
  }

  /** #endHanging: our own that says nothing, or never came. */
  #endHanging(): void {
    const child = this.#child
    if (!child) return
    this.#child = undefined
    child.kill('SIGKILL')
    this.#plan.onEnded(this.#endOf(this.#hasCome ? HUNG : 'it did not come'))
  }

  #endOf(how: string): ProcessEnd {
    const words = lastWordsIn(this.#plan.log, this.#logStart)
    return { how, ...(words !== undefined && { words }) }
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
      this.#plan.onEnded({ how: (error as Error).message })
    }
  }

  #spawn(): void {
    const { command, socket, log: path, onEnded } = this.#plan
    mkdirSync(dirname(socket), { recursive: true, mode: 0o700 })
    const [file, ...args] = command
    const log = openLogFile(path)
    this.#logStart = fstatSync(log).size
    // Its log is its own: it outlives us, and whoever reads our output would wait for its end.
    let child: ChildProcess
    try {
      child = spawn(file, args, {
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
      onEnded({ how: message })
    })
    child.once('exit', (status, signal) => {
      // Otherwise it was told to.
      if (this.#child !== child) return
      this.#child = undefined
      if (this.#pid === child.pid) this.#pid = undefined
      onEnded(this.#endOf(`${signal ?? `status ${status}`}`))
    })
    child.unref()
    this.#child = child
    this.#hasCome = false
  }
}

/** killProcess: where a process is one of this socket: numbers of processes come again. Whether there was one. */
export function killProcess(pid: number, socket: string): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return words.includes(socket) && process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended.
    return false
  }
}

/** openLogFile for appending: what went before is kept, unless it is too long. */
function openLogFile(path: string): number {
  const { size = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {}
  if (size > LOG_LIMIT) truncateSync(path)
  return openSync(path, 'a', 0o600)
}
