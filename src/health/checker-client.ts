// Main's end of the talk with the checker: connects, and connects again when the connection is lost, says each time what
// is to be looked at, and hands on what it is told. Left out: starting the process (who has this asks `isThere`).

import { connect } from 'node:net'
import { Line } from './line.ts'
import {
  type Alive,
  type Change,
  type Detail,
  type Order,
  type State,
  type ToChecker,
  type ToMain,
  toMainSchema,
  type WithoutVersion,
} from './protocol.ts'

/**
 * CheckerClientOptions: `onAbsent` comes after every attempt that failed, and when a connection is lost; `isSilent`: it is
 * there, and says nothing.
 */
export interface CheckerClientOptions {
  readonly socket: string
  readonly onStates: (states: readonly State[]) => void
  readonly onChanges: (changes: readonly Change[]) => void
  readonly onAlive: (alive: Alive) => void
  readonly onPresent: (pid: number) => void
  readonly onAbsent: (why: string, isSilent: boolean) => void
}

const AGAIN_MS = 100
/**
 * A checker that says nothing for so long is taken for one that hangs: the connection is made anew. The last part of it is
 * counted apart: a main that was not run itself comes to read what was said meanwhile before that is over.
 */
const SILENT_MS = 5000
const LAST_MS = 1000

export class CheckerClient implements Disposable {
  readonly #options: CheckerClientOptions
  #line: Line<ToMain, WithoutVersion<ToChecker>> | undefined
  #orders: readonly Order[] | undefined
  #asking: ((details: readonly Detail[]) => void)[] = []
  #again: NodeJS.Timeout | undefined
  #silence: NodeJS.Timeout | undefined
  #isOver = false

  constructor(options: CheckerClientOptions) {
    this.#options = options
    this.#connect()
  }

  /** order says what is to be looked at from now on. */
  order(orders: readonly Order[]): void {
    this.#orders = orders
    this.#line?.send({ orders: [...orders] })
  }

  /** details: of these checks, with their histories; none where the checker is not there. */
  details(keys: readonly string[]): Promise<readonly Detail[]> {
    const line = this.#line
    if (!line) return Promise.resolve([])
    return new Promise((resolve) => {
      this.#asking.push(resolve)
      line.send({ ask: [...keys] })
    })
  }

  /** stop ends the checker, and the talk with it. */
  stop(): void {
    this.#isOver = true
    clearTimeout(this.#again)
    clearTimeout(this.#silence)
    this.#answer([])
    if (this.#line) stopBy(this.#line)
    else stopChecker(this.#options.socket)
    this.#line = undefined
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    clearTimeout(this.#again)
    clearTimeout(this.#silence)
    this.#line?.[Symbol.dispose]()
    this.#answer([])
  }

  #connect(): void {
    const socket = connect(this.#options.socket)
    const failed = (error: NodeJS.ErrnoException) => this.#lost(error.code ?? error.message)
    socket.once('error', failed)
    socket.once('connect', () => {
      socket.off('error', failed)
      if (this.#isOver) {
        socket.destroy()
        return
      }
      this.#line = new Line(socket, {
        schema: toMainSchema,
        onMessage: (message) => this.#take(message),
        onEnd: (why) => this.#lost(why ?? 'it ended'),
      })
      this.#watchSilence()
      if (this.#orders) this.#line.send({ orders: [...this.#orders] })
    })
  }

  #take(message: ToMain): void {
    this.#watchSilence()
    const { onStates, onChanges, onAlive, onPresent } = this.#options
    if ('hello' in message) onPresent(message.hello.pid)
    else if ('states' in message) onStates(message.states)
    else if ('changes' in message) onChanges(message.changes)
    else if ('alive' in message) onAlive(message.alive)
    else this.#asking.shift()?.(message.details)
  }

  #watchSilence(): void {
    clearTimeout(this.#silence)
    const end = () => {
      this.#line?.[Symbol.dispose]()
      this.#lost(`it said nothing for ${SILENT_MS / 1000} s`, true)
    }
    this.#silence = setTimeout(() => {
      this.#silence = setTimeout(end, LAST_MS)
    }, SILENT_MS - LAST_MS)
  }

  #lost(why: string, isSilent = false): void {
    clearTimeout(this.#silence)
    this.#line = undefined
    this.#answer([])
    if (this.#isOver) return
    this.#options.onAbsent(why, isSilent)
    this.#again = setTimeout(() => this.#connect(), AGAIN_MS)
  }

  #answer(details: readonly Detail[]): void {
    for (const resolve of this.#asking.splice(0)) resolve(details)
  }
}

/** stopChecker: who listens there, if anybody does, is wanted no more; for a main that has not talked with it. */
export function stopChecker(path: string): void {
  const socket = connect(path)
  // Nobody is there.
  socket.on('error', () => {})
  socket.once('connect', () =>
    stopBy(new Line(socket, { schema: toMainSchema, onMessage: () => {}, onEnd: () => {} })),
  )
}

function stopBy(line: Line<ToMain, WithoutVersion<ToChecker>>): void {
  line.send({ stop: true })
  line.finish()
}
