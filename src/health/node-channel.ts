// A channel over a socket of Node's own, for what is layered on TCP there: TLS, HTTP/2. It is connected as any other (by
// tcp-channel.ts, with source, mark and interface) and its descriptor handed over. Node reads ahead by one buffer
// (64 KiB) and no more until somebody reads. Errors become words of a verdict.

import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Channel } from './channel.ts'
import type { Target } from './checker.ts'
import { failed } from './failure.ts'
import type { Look } from './look.ts'
import { connectTo, type TcpChannel } from './tcp-channel.ts'

/** nodeSocket: a connected socket of Node's, which the look owns. Throws SyscallError. */
export async function nodeSocket(look: Look, target: Target): Promise<Socket> {
  return adopt(look, await connectTo(look, target))
}

/** adopt: a connection goes on as a socket of Node's; nothing of it may be read and not taken. */
export function adopt(look: Look, channel: TcpChannel): Socket {
  const socket = new Socket({ fd: channel.release(), readable: true, writable: true })
  own(look, socket)
  return socket
}

/** own: destroyed with the look. An error that nobody waits for is of no interest: whoever waits is told. */
export function own(look: Look, stream: Duplex): void {
  stream.on('error', () => {})
  look.own({ [Symbol.dispose]: () => void stream.destroy() })
}

/** NodeChannel: the stream stays its owner's. */
export class NodeChannel implements Channel {
  readonly #stream: Duplex
  readonly #look: Look

  constructor(look: Look, stream: Duplex) {
    this.#look = look
    this.#stream = stream
  }

  read(): Promise<Buffer | undefined> {
    const stream = this.#stream
    return new Promise((resolve, reject) => {
      const attempt = () => {
        const bytes = stream.read() as Buffer | null
        if (bytes !== null) done(() => resolve(bytes))
        else if (stream.readableEnded || stream.destroyed) done(() => resolve(undefined))
      }
      const fail = (error: Error) => done(() => reject(streamFailure(this.#look.doing, error)))
      const done = (tell: () => void) => {
        for (const event of ends) stream.off(event, attempt)
        stream.off('error', fail)
        tell()
      }
      for (const event of ends) stream.on(event, attempt)
      stream.on('error', fail)
      if (stream.errored) fail(stream.errored)
      else attempt()
    })
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.write(bytes, (error) =>
        error ? reject(streamFailure(this.#look.doing, error)) : resolve(),
      )
    })
  }

  [Symbol.dispose](): void {
    this.#stream.destroy()
  }
}

const ends = ['readable', 'end', 'close'] as const

const words: Readonly<Record<string, string>> = {
  ECONNRESET: 'the server closed or reset the connection',
  EPIPE: 'the server closed the connection',
  ERR_STREAM_DESTROYED: 'the server closed the connection',
  ERR_SSL_WRONG_VERSION_NUMBER: 'what the server said is not TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'what the server said is not TLS',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the server speaks no version of TLS that is still in use',
}

/** streamFailure: an error of a stream of Node's as the look's. */
export function streamFailure(doing: string, error: Error): Error {
  const { code = '' } = error as NodeJS.ErrnoException
  const why =
    words[code] ??
    (code.startsWith('ERR_SSL_') ? code.slice(8).toLowerCase().replaceAll('_', ' ') : undefined)
  return failed(`${doing}: ${why ?? (code || error.message)}`)
}
