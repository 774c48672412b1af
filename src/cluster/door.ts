// The port on which nodes meet. Its idea: a TCP connection comes from where it says it comes from, so whoever is no node
// of the file is shown the door before a byte of TLS is spent on him, and cannot take a place from a node: each node has
// its own few connections, and its own few attempts a second. An address that cannot be had is told and tried again.

import { createServer, type Server, type Socket } from 'node:net'
import { type Endpoint, formatEndpoint, formatIp, type Ip, tryIp4, tryIp6 } from '../base/addresses.ts'

/** PLACES: connections of one node at once; ATTEMPTS: in a burst; AGAIN_MS: after which time one more. */
const PLACES = 16
const ATTEMPTS = 40
const AGAIN_MS = 50
/** RETRY_MS: how soon an address that could not be had is tried again. */
const RETRY_MS = 2_000

/** DoorOptions: `at` are this node's addresses; `isNode` says whether an address is one of another node. */
export interface DoorOptions {
  readonly at: readonly Endpoint[]
  readonly isNode: (address: Ip) => boolean
  /** admit takes a connection of a node over. */
  readonly admit: (socket: Socket) => void
}

/** Turned: connections that were refused, since the start. */
export interface Turned {
  readonly strangers: number
  readonly tooMany: number
}

interface Visitor {
  open: number
  attempts: number
  sinceMs: number
}

export class Door implements Disposable {
  readonly #options: DoorOptions
  readonly #servers = new Map<Endpoint, Server>()
  readonly #faults = new Map<Endpoint, string>()
  readonly #retries = new Set<NodeJS.Timeout>()
  readonly #visitors = new Map<Ip, Visitor>()
  #strangers = 0
  #tooMany = 0

  constructor(options: DoorOptions) {
    this.#options = options
    for (const at of options.at) this.#listen(at)
  }

  get at(): readonly Endpoint[] {
    return this.#options.at
  }

  /** faults: where nobody can come in, and why. */
  faults(): readonly string[] {
    return [...this.#faults].map(
      ([at, why]) => `other nodes cannot reach this one at ${formatEndpoint(at)}: ${why}`,
    )
  }

  get turned(): Turned {
    return { strangers: this.#strangers, tooMany: this.#tooMany }
  }

  [Symbol.dispose](): void {
    for (const timer of this.#retries) clearTimeout(timer)
    for (const server of this.#servers.values()) server.close()
    this.#servers.clear()
  }

  #listen(at: Endpoint): void {
    const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 }, (socket) =>
      this.#meet(socket),
    )
    server.on('listening', () => this.#faults.delete(at))
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#servers.get(at) !== server) return
      server.close()
      this.#faults.set(at, words[error.code ?? ''] ?? error.message)
      const timer = setTimeout(() => {
        this.#retries.delete(timer)
        this.#listen(at)
      }, RETRY_MS)
      this.#retries.add(timer)
    })
    this.#servers.set(at, server)
    server.listen({ host: formatIp(at.address), port: at.port, backlog: 511, exclusive: true })
  }

  #meet(socket: Socket): void {
    socket.on('error', () => undefined)
    const text = socket.remoteAddress ?? ''
    const address = tryIp4(text) ?? tryIp6(text)
    if (address === undefined || !this.#options.isNode(address)) {
      this.#strangers++
      socket.resetAndDestroy()
      return
    }
    const visitor = this.#visitor(address)
    if (visitor.open >= PLACES || visitor.attempts < 1) {
      this.#tooMany++
      socket.resetAndDestroy()
      return
    }
    visitor.attempts--
    visitor.open++
    socket.once('close', () => visitor.open--)
    this.#options.admit(socket)
  }

  /** As many as there are addresses of nodes. */
  #visitor(address: Ip): Visitor {
    const now = performance.now()
    let visitor = this.#visitors.get(address)
    if (!visitor) {
      visitor = { open: 0, attempts: ATTEMPTS, sinceMs: now }
      this.#visitors.set(address, visitor)
    }
    visitor.attempts = Math.min(ATTEMPTS, visitor.attempts + (now - visitor.sinceMs) / AGAIN_MS)
    visitor.sinceMs = now
    return visitor
  }
}

const words: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process has it',
  EADDRNOTAVAIL: 'the address is not on this machine',
  EACCES: 'this process may not have that port',
}
