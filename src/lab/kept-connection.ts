// One TCP connection that is opened once and never again: it asks an HTTP server for its name now and then, and tells how
// long it waited, or what broke it. Nothing is retried, so that whatever a balancer does to a connection is seen.

import { connect, type Socket } from 'node:net'

/** KeptOptions: where to. Asks `everyMs` after each answer. */
export interface KeptOptions {
  readonly address: string
  readonly port: number
  readonly everyMs: number
}

/** Kept: how it is. `broken`: what ended it. */
export interface Kept {
  readonly server: string
  readonly answers: number
  /** The longest that an answer was waited for, or is now, since the state before this one. */
  readonly waitMs: number
  readonly openMs: number
  readonly broken?: string
}

/** SILENT_MS: no answer for so long is an end, too. */
const SILENT_MS = 30_000

export class KeptConnection {
  readonly #options: KeptOptions
  readonly #socket: Socket
  readonly #startedAt = performance.now()
  #askedAt: number | undefined
  #text = ''
  #server = ''
  #answers = 0
  #longestMs = 0
  #broken: { readonly why: string; readonly at: number } | undefined

  constructor(options: KeptOptions) {
    this.#options = options
    const { address: host, port } = options
    this.#socket = connect({ host, port, noDelay: true })
      .setEncoding('latin1')
      .setTimeout(SILENT_MS)
      .on('connect', () => this.#ask())
      .on('data', (text: string) => this.#take(text))
      .on('timeout', () => this.#break('no answer'))
      .on('error', (error: NodeJS.ErrnoException) => this.#break(error.code ?? error.message))
      .on('close', () => this.#break('closed by the server'))
  }

  /** state: as it is now; `waitMs` begins anew. */
  state(): Kept {
    const now = this.#broken?.at ?? performance.now()
    const waitMs = Math.max(this.#longestMs, this.#askedAt === undefined ? 0 : now - this.#askedAt)
    this.#longestMs = 0
    return {
      server: this.#server,
      answers: this.#answers,
      waitMs,
      openMs: now - this.#startedAt,
      ...(this.#broken && { broken: this.#broken.why }),
    }
  }

  #ask(): void {
    if (this.#broken) return
    this.#askedAt = performance.now()
    this.#text = ''
    const { address } = this.#options
    this.#socket.write(`GET / HTTP/1.1\r\nHost: ${address.includes(':') ? `[${address}]` : address}\r\n\r\n`)
  }

  #take(text: string): void {
    this.#text += text
    const [head = '', body] = this.#text.split('\r\n\r\n')
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1])
    if (body === undefined || body.length < length || this.#askedAt === undefined) return
    const server = body.trim()
    if (this.#server !== '' && server !== this.#server) {
      this.#break(`answered by ${server}`)
      return
    }
    this.#server = server
    this.#answers++
    this.#longestMs = Math.max(this.#longestMs, performance.now() - this.#askedAt)
    this.#askedAt = undefined
    setTimeout(() => this.#ask(), this.#options.everyMs)
  }

  #break(why: string): void {
    this.#broken ??= { why, at: performance.now() }
    this.#socket.destroy()
  }
}
