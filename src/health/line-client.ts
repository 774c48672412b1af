// Main's end of the talk with a process beside it: connects, and connects again when the connection is lost, and hands on what
// it is told. Its idea: a process that says nothing for a while hangs, whatever its socket says. What is said while it is not
// there is lost: who has this says all of it when it is there again. Left out: starting the process, what is said.

import { connect } from 'node:net'
import type { z } from 'zod'
import { Line, NOT_UNDERSTOOD } from './line.ts'

/** Lost: `silent`: it is there, and says nothing; `strange`: what it says is not understood, as of another version. */
export type Lost = 'gone' | 'silent' | 'strange'

/**
 * LineClientOptions: `socket` is a path, `version` that of the messages. `onConnected` comes before anything is read, `onLost` after
 * every attempt that failed, and when a connection is lost.
 */
export interface LineClientOptions<Incoming> {
  readonly socket: string
  readonly schema: z.ZodType<Incoming>
  readonly version?: number
  readonly onConnected?: () => void
  readonly onMessage: (message: Incoming) => void
  readonly onLost: (why: string, how: Lost) => void
}

const AGAIN_MS = 100
/**
 * SILENT_MS: it says something each second; the last part of this is counted apart, because a main that was not run itself
 * comes to read what was said meanwhile before that is over.
 */
const SILENT_MS = 5000
const LAST_MS = 1000

export class LineClient<Incoming, Outgoing extends object> implements Disposable {
  readonly #options: LineClientOptions<Incoming>
  #line: Line<Incoming, Outgoing> | undefined
  #again: NodeJS.Timeout | undefined
  #silence: NodeJS.Timeout | undefined
  #isOver = false

  constructor(options: LineClientOptions<Incoming>) {
    this.#options = options
    this.#connect()
  }

  get isConnected(): boolean {
    return this.#line !== undefined
  }

  /** say: lost, if it is not there. */
  say(message: Outgoing): void {
    this.#line?.send(message)
  }

  /** finish the talk with these words, which arrive yet; false: it is not there. */
  finish(message: Outgoing): boolean {
    const line = this.#leave()
    line?.send(message)
    line?.finish()
    return line !== undefined
  }

  [Symbol.dispose](): void {
    this.#leave()?.[Symbol.dispose]()
  }

  #leave(): Line<Incoming, Outgoing> | undefined {
    const line = this.#line
    this.#isOver = true
    clearTimeout(this.#again)
    clearTimeout(this.#silence)
    this.#line = undefined
    return line
  }

  #connect(): void {
    const { schema, version, onConnected, onMessage } = this.#options
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
        schema,
        ...(version !== undefined && { version }),
        onMessage: (message) => {
          this.#watchSilence()
          onMessage(message)
        },
        onEnd: (why) => this.#lost(why ?? 'it ended', why?.startsWith(NOT_UNDERSTOOD) ? 'strange' : 'gone'),
      })
      this.#watchSilence()
      onConnected?.()
    })
  }

  #watchSilence(): void {
    clearTimeout(this.#silence)
    const end = () => {
      this.#line?.[Symbol.dispose]()
      this.#lost(`it said nothing for ${SILENT_MS / 1000} s`, 'silent')
    }
    this.#silence = setTimeout(() => {
      this.#silence = setTimeout(end, LAST_MS)
    }, SILENT_MS - LAST_MS)
  }

  #lost(why: string, how: Lost = 'gone'): void {
    clearTimeout(this.#silence)
    this.#line = undefined
    if (this.#isOver) return
    this.#options.onLost(why, how)
    this.#again = setTimeout(() => this.#connect(), AGAIN_MS)
  }
}

/** LastWords: what whoever listens at a socket is told once. */
export interface LastWords<Outgoing extends object> {
  readonly message: Outgoing
  readonly version?: number
}

/** tellOnce whoever listens there, if anybody does. Resolves when it has closed the talk, or was not there. */
export function tellOnce<Incoming, Outgoing extends object>(
  path: string,
  schema: z.ZodType<Incoming>,
  { message, version }: LastWords<Outgoing>,
): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.on('error', () => resolve())
    socket.once('close', () => resolve())
    socket.once('connect', () => {
      const line = new Line<Incoming, Outgoing>(socket, {
        schema,
        ...(version !== undefined && { version }),
        onMessage: () => undefined,
        onEnd: () => undefined,
      })
      line.send(message)
      line.finish()
    })
  })
}
