// Vrrp's end of the talk with its rtnl process: starts it, and another one when it has ended or hangs, says what is wanted and
// hands on what it is told. Its idea: nothing here waits. An order whose answer is lost with the process is not repeated: who
// gave it hears that another one has begun, which has taken away what was held, and says what it wants now.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Line, NOT_UNDERSTOOD } from '../health/line.ts'
import type { WithoutVersion } from '../health/protocol.ts'
import { bootMs } from '../sys/alarm.ts'
import type { MemberSpec } from './members.ts'
import type { NicView } from './nic-view.ts'
import {
  type FromRtnl,
  fromRtnlSchema,
  fromView,
  RTNL_PROTOCOL,
  type ToRtnl,
  toMember,
  type Watched,
} from './rtnl-protocol.ts'
import type { HoldAnswer } from './rtnl-work.ts'
import type { SetRoute } from './spec.ts'
import { V8_OPTIONS } from './v8-options.ts'

/** HoldOrder: a set's addresses and routes for `validS` seconds; `take`: these and no others; `at` is bootMs. */
export interface HoldOrder {
  readonly set: string
  readonly how: 'take' | 'renew'
  readonly members: readonly MemberSpec[]
  readonly routes: readonly SetRoute[]
  readonly validS: number
  readonly takenMs: number
  readonly at: number
}

/**
 * Held: how an order ended. `unrouted`: routes that could not be made, and why. `late`: it was not tried: whoever still wants it
 * says so anew.
 */
export type Held =
  | { readonly kind: 'held'; readonly unrouted: readonly string[] }
  | { readonly kind: 'late' }
  | { readonly kind: 'failed'; readonly why: string }

/** Rtnl: what address sets ask for. Orders are carried out in their order, none within the call. */
export interface Rtnl {
  /** hold: `done` comes unless the process ends before. */
  hold(order: HoldOrder, done: (how: Held) => void): void
  release(set: string): void
  /** clear: nothing that these made beside addresses stays: of this process, or of one before. */
  clear(members: readonly MemberSpec[]): void
}

/** RtnlClientOptions: `record`: of macvlans. */
export interface RtnlClientOptions {
  readonly record: string
  /** onBegan: nothing is held; `texts`: what was taken away. */
  readonly onBegan: (texts: readonly string[]) => void
  /** onViews: of all NICs that are watched and there. */
  readonly onViews: (views: readonly NicView[], watched: readonly string[]) => void
  /** onBlind: NICs cannot be read, and are as before. */
  readonly onBlind: (why: string) => void
  readonly onGone: (set: string) => void
  readonly onSeen: (seen: Extract<FromRtnl, { kind: 'looked' }>['seen']) => void
  /** onOther: what can be started now is of another version than this process, and no other one is: this one is to be replaced. */
  readonly onOther: (why: string) => void
  readonly log: (text: string) => void
}

/** AGAIN: when another one is started: later each time, and soon again after one that lived for `livedMs`. */
const AGAIN = { firstMs: 100, mostMs: 5000, livedMs: 10_000 } as const
/** MISSED_MOST: so often an answer may be missed. Counted, not timed, since this process may have been stopped itself. */
const MISSED_MOST = 25
/** REHEARSAL: no set's name, with a member that has no address. */
const REHEARSAL = ''
const NOBODY: MemberSpec = {
  ...{ name: '', nic: 'lo', vrid: 0, family: 4, addresses: [] },
  ...{ virtualMac: undefined, unicast: undefined },
}
/** END_MS: so long it may take for what it was told last. */
const END_MS = 2000

export class RtnlClient implements Rtnl, Disposable {
  readonly #options: RtnlClientOptions
  readonly #holds = new Map<number, (how: Held) => void>()
  #line: Line<FromRtnl, WithoutVersion<ToRtnl>> | undefined
  #child: ChildProcess | undefined
  #startedAt = 0
  #again: NodeJS.Timeout | undefined
  #waitMs: number = AGAIN.firstMs
  #watched: Watched
  #lastId = 0
  #hasBegun = false
  #isAsked = false
  #missed = 0
  #problem: string | undefined
  /** It said what is not understood. */
  #isStrange = false
  #isOver = false

  constructor(options: RtnlClientOptions, watched: Watched) {
    this.#options = options
    this.#watched = watched
    this.#start()
  }

  /** problem: why there is none. */
  get problem(): string | undefined {
    return this.#problem
  }

  watch(watched: Watched): void {
    this.#watched = watched
    this.#line?.send({ kind: 'watch', ...watched })
  }

  /** look at the packet path of these NICs; false: the question before is not answered yet. */
  look(nics: readonly string[]): boolean {
    if (this.#isAsked) return false
    this.#line?.send({ kind: 'look', nics: [...nics] })
    this.#isAsked = true
    return true
  }

  /** miss an answer: one that owes it for so often is ended. */
  miss(): void {
    // Before it has begun it may wait for the kernel, in which it cannot be ended.
    if (!this.#hasBegun || ++this.#missed < MISSED_MOST) return
    this.#missed = 0
    this.#options.log('the rtnl process does not answer: it is ended')
    this.#child?.kill('SIGKILL')
  }

  hold({ members, routes, ...order }: HoldOrder, done: (how: Held) => void): void {
    if (!this.#line) return
    const id = ++this.#lastId
    this.#holds.set(id, done)
    this.#line.send({ kind: 'hold', id, ...order, members: members.map(toMember), routes: [...routes] })
  }

  release(set: string): void {
    this.#line?.send({ kind: 'release', set })
  }

  clear(members: readonly MemberSpec[]): void {
    if (members.some(({ virtualMac }) => virtualMac !== undefined))
      this.#line?.send({ kind: 'clear', members: members.map(toMember) })
  }

  /** end: resolves when it has done what it was told; one that takes too long is killed. */
  async end(): Promise<void> {
    const child = this.#child
    this[Symbol.dispose]()
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const timer = setTimeout(() => child.kill('SIGKILL'), END_MS)
    // One that the kernel keeps waiting ends later.
    await once(child, 'exit', { signal: AbortSignal.timeout(2 * END_MS) }).catch(() => undefined)
    clearTimeout(timer)
  }

  /** Dispose: it does what it was told, and ends. */
  [Symbol.dispose](): void {
    this.#isOver = true
    clearTimeout(this.#again)
    this.#line?.finish()
    this.#line = undefined
  }

  #start(): void {
    try {
      this.#spawn()
    } catch (error) {
      // No memory for a process: who sends adverts does not end of that.
      this.#ended(this.#child, (error as Error).message)
    }
  }

  #spawn(): void {
    const [program, ...words] = rtnlCommand(this.#options.record)
    this.#startedAt = performance.now()
    this.#hasBegun = false
    this.#isAsked = false
    this.#isStrange = false
    // Its standard error is this process's.
    const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] })
    this.#child = child
    child.once('error', (error) => this.#ended(child, error.message))
    child.once('exit', (code, signal) => this.#ended(child, signal ?? `exit status ${code}`))
    // No descriptors, or no room for one more: why comes as its error.
    if (child.pid === undefined) return
    this.#line = new Line<FromRtnl, WithoutVersion<ToRtnl>>(child.stdio[3] as Socket, {
      ...{ schema: fromRtnlSchema, version: RTNL_PROTOCOL, onMessage: (message) => this.#take(message) },
      onEnd: (why) => {
        if (why !== undefined) this.#options.log(`the talk with the rtnl process has ended: ${why}`)
        this.#isStrange = why?.startsWith(NOT_UNDERSTOOD) === true
        this.#line = undefined
        child.kill('SIGKILL')
      },
    })
    this.#line.send({ kind: 'begin', ...this.#watched })
  }

  #take(message: FromRtnl): void {
    const { onBegan, onViews, onBlind, onGone, onSeen } = this.#options
    switch (message.kind) {
      case 'hello':
        return
      case 'began':
        this.#hasBegun = true
        this.#problem = undefined
        this.#rehearse()
        onBegan(message.texts)
        return
      case 'nics':
        onViews(message.views.map(fromView), message.watched)
        return
      case 'blind':
        onBlind(message.why)
        return
      case 'gone':
        onGone(message.set)
        return
      case 'held': {
        const done = this.#holds.get(message.id)
        this.#holds.delete(message.id)
        done?.(howOf(message))
        return
      }
      case 'looked':
        this.#isAsked = false
        this.#missed = 0
        onSeen(message.seen)
        return
      default:
        message satisfies never
    }
  }

  /** #rehearse what is done when a role is taken: code is compiled when it runs for the first time, which takes milliseconds. */
  #rehearse(): void {
    for (const how of ['take', 'renew'] as const)
      this.hold(
        { set: REHEARSAL, how, members: [NOBODY], routes: [], validS: 1, takenMs: 0, at: bootMs() },
        () => undefined,
      )
    this.release(REHEARSAL)
  }

  #ended(child: ChildProcess | undefined, how: string): void {
    if (this.#isOver || child !== this.#child) return
    this.#child = undefined
    this.#line?.[Symbol.dispose]()
    this.#line = undefined
    this.#holds.clear()
    if (this.#isStrange) {
      this.#problem = 'the rtnl process that is installed now is of another version than this vrrp process'
      this.#options.onOther(this.#problem)
      return
    }
    this.#problem = `the rtnl process ended: ${how}`
    this.#options.log(`${this.#problem}; another one is started`)
    const hasLived = performance.now() - this.#startedAt >= AGAIN.livedMs
    const waitMs = hasLived ? AGAIN.firstMs : this.#waitMs
    this.#waitMs = Math.min(2 * waitMs, AGAIN.mostMs)
    this.#again = setTimeout(() => this.#start(), waitMs)
  }
}

/** howOf an answer: what it means for who gave the order. */
export function howOf({ failed, isLate, unrouted = [] }: HoldAnswer): Held {
  if (failed !== undefined) return { kind: 'failed', why: failed }
  return isLate ? { kind: 'late' } : { kind: 'held', unrouted }
}

/** rtnlCommand: from its source, or from what was built, whichever this is. */
function rtnlCommand(record: string): readonly [string, ...string[]] {
  const isSource = extname(fileURLToPath(import.meta.url)) === '.ts'
  const entry = fileURLToPath(new URL(`./rtnl-process.${isSource ? 'ts' : 'js'}`, import.meta.url))
  const loader = isSource ? ['--import', import.meta.resolve('tsx')] : ['--enable-source-maps']
  return [process.execPath, ...V8_OPTIONS, ...loader, entry, record]
}
