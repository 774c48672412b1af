// A channel over a raw TCP socket and the reactor. A watch is there only while somebody waits, because what nobody
// reads would wake us again and again. The buffer that reads go to is one for all channels, since a read ends before
// anybody else runs; what is handed out is a copy.

import { formatIp } from '../base/addresses.ts'
import { errnoNumber } from '../sys/errno.ts'
import type { Reactor, Watch } from '../sys/reactor.ts'
import { SyscallError } from '../sys/syscall.ts'
import { TcpSocket } from '../sys/tcp-socket.ts'
import type { Channel } from './channel.ts'
import { routeOf, type Target } from './checker.ts'
import { type Look, silenceOf } from './look.ts'
import { Turn } from './turn.ts'

const incoming = Buffer.allocUnsafeSlow(8192)

/** TcpChannel: owns its socket. */
export class TcpChannel implements Channel {
  readonly #reactor: Reactor
  readonly #socket: TcpSocket
  #watch: Watch | undefined
  readonly #turn = new Turn()

  constructor(reactor: Reactor, socket: TcpSocket) {
    this.#reactor = reactor
    this.#socket = socket
  }

  async read(): Promise<Buffer | undefined> {
    if (this.#turn.isOver) await this.#turn.pass()
    for (;;) {
      const count = this.#socket.read(incoming)
      if (count !== undefined) {
        this.#turn.taken()
        return count === 0 ? undefined : Buffer.from(incoming.subarray(0, count))
      }
      await this.#ready({ readable: true })
      this.#turn.begin()
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; ; ) {
      at += this.#socket.write(bytes.subarray(at))
      if (at >= bytes.length) return
      await this.#ready({ writable: true })
    }
  }

  /** connected resolves when the connection is made. Throws SyscallError (ECONNREFUSED). */
  async connected(): Promise<void> {
    await this.#ready({ writable: true })
    const fault = this.#socket.fault()
    if (fault !== undefined) throw new SyscallError('connect', errnoNumber(fault) ?? 0)
  }

  /** release hands the descriptor to a new owner (net.Socket). */
  release(): number {
    return this.#socket.fd.release()
  }

  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]()
    this.#watch = undefined
    this.#turn[Symbol.dispose]()
    this.#socket[Symbol.dispose]()
  }

  #ready(interest: { readonly readable?: boolean; readonly writable?: boolean }): Promise<void> {
    return new Promise((resolve) => {
      this.#watch = this.#reactor.watch(this.#socket.fd, interest, () => {
        this.#watch?.[Symbol.dispose]()
        this.#watch = undefined
        resolve()
      })
    })
  }
}

/**
 * beginTcp begins a connection to the target: a socket that is the caller's. One that goes through a service address ends
 * by a RST: its port is another server's soon, so nothing of it may be left in TIME_WAIT. Throws SyscallError,
 * CHECK_WAY_MISSING.
 */
export function beginTcp(look: Look, target: Target): TcpSocket {
  const { server } = target
  if (server === undefined) {
    look.doing = 'connect'
    return TcpSocket.connect(target, routeOf(target))
  }
  look.doing = `connect to ${formatIp(target.address)}`
  look.silence = silenceOf(target)
  const socket = look.turns.open(look, server, (route) => TcpSocket.connect(target, route))
  socket.forget()
  return socket
}

/** connectTo makes a connection to the target, which the look owns. Throws SyscallError, CHECK_WAY_MISSING. */
export async function connectTo(look: Look, target: Target): Promise<TcpChannel> {
  const channel = look.own(new TcpChannel(look.reactor, beginTcp(look, target)))
  await channel.connected()
  look.silence = ''
  return channel
}
