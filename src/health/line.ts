// A connection that carries JSON, one message a line, each held against a schema. What is too long or is no message of
// the schema ends it; so does an other side that takes nothing for long, since what waits for it is bounded.

import type { Socket } from 'node:net'
import type { z } from 'zod'
import { PROTOCOL_VERSION } from './protocol.ts'

/** LIMIT: 100,000 checks are less. */
const LIMIT = 64 * 2 ** 20

/**
 * LineOptions: `version` is that of the messages (the checker's). `limit`: characters that a message may have, and bytes that may
 * wait for the other side. `onEnd` comes once, with what was wrong if something was.
 */
export interface LineOptions<Incoming> {
  readonly schema: z.ZodType<Incoming>
  readonly version?: number
  readonly limit?: number
  readonly onMessage: (message: Incoming) => void
  readonly onEnd: (why: string | undefined) => void
}

/** NOT_UNDERSTOOD: how a connection ends whose other side is of another version. */
export const NOT_UNDERSTOOD = 'a message that is not understood'

/** Line: owns its socket. */
export class Line<Incoming, Outgoing extends object> implements Disposable {
  readonly #socket: Socket
  readonly #options: LineOptions<Incoming>
  readonly #version: number
  readonly #limit: number
  #pieces: string[] = []
  #length = 0
  #isOver = false

  constructor(socket: Socket, options: LineOptions<Incoming>) {
    this.#socket = socket
    this.#options = options
    this.#version = options.version ?? PROTOCOL_VERSION
    this.#limit = options.limit ?? LIMIT
    socket.setEncoding('utf8')
    socket.on('data', (text) => this.#take(text as unknown as string))
    socket.on('error', (error) => this.#end((error as NodeJS.ErrnoException).code ?? error.message))
    socket.on('close', () => this.#end(undefined))
  }

  send(message: Outgoing): void {
    if (this.#isOver) return
    this.#socket.write(`${JSON.stringify({ v: this.#version, ...message })}\n`)
    if (this.#socket.writableLength > this.#limit) this.#end('the other side takes nothing')
  }

  /** finish: what was sent arrives yet; nothing more is sent or taken, and this process does not stay for it. */
  finish(): void {
    this.#isOver = true
    this.#socket.end()
    this.#socket.resume()
    this.#socket.unref()
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.#socket.destroy()
  }

  #take(text: string): void {
    const lines = text.split('\n')
    const rest = lines.pop()!
    for (const line of lines) {
      if (this.#isOver) return
      this.#pieces.push(line)
      const whole = this.#pieces.join('')
      this.#pieces = []
      this.#length = 0
      this.#read(whole)
    }
    this.#pieces.push(rest)
    this.#length += rest.length
    if (this.#length > this.#limit) this.#end(`a message of more than ${this.#limit} characters`)
  }

  #read(line: string): void {
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch {
      this.#end('a message that is no JSON')
      return
    }
    const { success, data, error } = this.#options.schema.safeParse(value)
    if (success) this.#options.onMessage(data)
    else this.#end(`${NOT_UNDERSTOOD}: ${this.#otherVersion(value) ?? wordsOf(error)}`)
  }

  #otherVersion(value: unknown): string | undefined {
    const version = (value as { readonly v?: unknown } | null)?.v
    if (typeof version !== 'number' || version === this.#version) return undefined
    return `it is of version ${version}, and this is ${this.#version}`
  }

  #end(why: string | undefined): void {
    if (this.#isOver) return
    this[Symbol.dispose]()
    this.#options.onEnd(why)
  }
}

const wordsOf = ({ issues: [first] }: z.ZodError): string => `${first?.path.join('.')} ${first?.message}`
