// Vrrp's end of the talk with main: listens on a Unix socket, hands on what main orders, tells what changes: roles and
// findings as they come, all of its status soon after and each second. Its idea: nothing here can hold up an advert: what
// main does not take is bounded, and ends the talk (health/line.ts).

import { createServer, type Server } from 'node:net'
import { Line } from '../health/line.ts'
import { listenAt } from '../health/listen-at.ts'
import type { WithoutVersion } from '../health/protocol.ts'
import {
  type FindingTold,
  type RoleChange,
  type SetStatus,
  type ToVrrp,
  toVrrpSchema,
  VRRP_PROTOCOL,
  type VrrpToMain,
} from './protocol.ts'

/** VrrpServerOptions: `socket` is a path. */
export interface VrrpServerOptions {
  readonly socket: string
  readonly status: () => { readonly sets: readonly SetStatus[]; readonly problems: readonly string[] }
  readonly onMessage: (message: ToVrrp) => void
  readonly log: (text: string) => void
}

const STATUS_MS = 1000
/** SOON_MS: changes wait so long for others. */
const SOON_MS = 20
/** LINE_LIMIT: 1,000 address sets are less. */
export const LINE_LIMIT = 4 * 2 ** 20

export class VrrpServer implements Disposable {
  readonly #options: VrrpServerOptions
  readonly #server: Server
  readonly #startedAt = Date.now()
  readonly #beat: NodeJS.Timeout
  #soon: NodeJS.Timeout | undefined
  #main: Line<ToVrrp, WithoutVersion<VrrpToMain>> | undefined

  constructor(options: VrrpServerOptions) {
    this.#options = options
    this.#server = createServer((socket) => {
      this.#main?.[Symbol.dispose]()
      this.#main = new Line(socket, {
        schema: toVrrpSchema,
        version: VRRP_PROTOCOL,
        limit: LINE_LIMIT,
        onMessage: (message: ToVrrp) => {
          options.onMessage(message)
          this.#tellSoon()
        },
        onEnd: (why) => options.log(`main is gone${why === undefined ? '' : `: ${why}`}; vrrp goes on`),
      })
      this.#main.send({ kind: 'hello', pid: process.pid, startedAt: this.#startedAt })
      this.#tell()
    })
    this.#beat = setInterval(() => this.#tell(), STATUS_MS)
  }

  /** listen resolves when main can connect. A socket that nobody listens on any more is replaced. */
  listen(): Promise<void> {
    return listenAt(this.#server, this.#options.socket)
  }

  tellRole(change: RoleChange): void {
    this.#main?.send({ kind: 'role', ...change })
    this.#tellSoon()
  }

  tellFinding(told: FindingTold): void {
    this.#main?.send({ kind: 'finding', ...told })
  }

  [Symbol.dispose](): void {
    clearInterval(this.#beat)
    clearTimeout(this.#soon)
    this.#server.close()
    this.#main?.finish()
  }

  #tellSoon(): void {
    this.#soon ??= setTimeout(() => this.#tell(), SOON_MS)
  }

  #tell(): void {
    clearTimeout(this.#soon)
    this.#soon = undefined
    const { sets, problems } = this.#options.status()
    this.#main?.send({ kind: 'status', at: Date.now(), sets: [...sets], problems: [...problems] })
  }
}
