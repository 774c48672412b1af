// A connected datagram socket (UDP, raw ICMP) as checkers use it. What ICMP says of it is thrown by whoever waits.

import type { Reactor, Watch } from '../sys/reactor.ts'
import { Socket } from '../sys/socket.ts'
import { ipAddress, ipFamily } from '../sys/socket-address.ts'
import { applyRoute, type SocketRoute } from '../sys/socket-route.ts'
import { routeOf, type Target } from './checker.ts'
import { type Look, silenceOf } from './look.ts'
import { Turn } from './turn.ts'

/** DATAGRAM_LIMIT: longer ones are cut; more than any answer to a check. */
const DATAGRAM_LIMIT = 8192

const incoming = Buffer.allocUnsafeSlow(DATAGRAM_LIMIT)

/** Datagrams: owns its socket. */
export class Datagrams implements Disposable {
  readonly socket: Socket
  readonly #reactor: Reactor
  #watch: Watch | undefined
  readonly #turn = new Turn()

  /** To the target only. `type` and `protocol`: of socket(2). Throws SyscallError. */
  constructor(look: Look, target: Target, type: number, protocol: number) {
    this.#reactor = look.reactor
    const open = (route: SocketRoute): Socket => {
      const socket = Socket.open(ipFamily(target.address), type, protocol)
      try {
        applyRoute(socket.fd.number, route)
        socket.connect(ipAddress(target.address, target.port))
        return socket
      } catch (error) {
        socket[Symbol.dispose]()
        throw error
      }
    }
    const { server } = target
    if (server !== undefined) look.silence = silenceOf(target)
    this.socket = server === undefined ? open(routeOf(target)) : look.turns.open(look, server, open)
    look.own(this)
  }

  send(bytes: Uint8Array): void {
    this.socket.send(bytes)
  }

  /** receive the next one. Throws SyscallError (ECONNREFUSED: port unreachable). */
  async receive(): Promise<Buffer> {
    if (this.#turn.isOver) await this.#turn.pass()
    for (;;) {
      const received = this.socket.receive(incoming)
      if (received) {
        this.#turn.taken()
        return Buffer.from(incoming.subarray(0, Math.min(received.length, DATAGRAM_LIMIT)))
      }
      await this.#ready()
      this.#turn.begin()
    }
  }

  #ready(): Promise<void> {
    return new Promise((resolve) => {
      this.#watch = this.#reactor.watch(this.socket.fd, { readable: true }, () => {
        this.#watch?.[Symbol.dispose]()
        this.#watch = undefined
        resolve()
      })
    })
  }

  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]()
    this.#watch = undefined
    this.#turn[Symbol.dispose]()
    this.socket[Symbol.dispose]()
  }
}
