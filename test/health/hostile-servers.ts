// Servers that no check may fall for: each listens on a port of its own of a loopback address and does one thing. For
// tests of every kind of check over TCP: the verdict must come in time, memory stay small, descriptors come back.

import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { Pair } from './certificates.ts'
import { type Dialogue, HANDSHAKE } from './dialogues.ts'

/** Hostility: what a server does. */
export type Hostility =
  /** Nobody listens. */
  | 'refused'
  /** Connections are accepted, and nothing is ever said. */
  | 'mute'
  /** One byte a second of what a right server would say. */
  | 'slow'
  /** A gigabyte, as fast as it goes. */
  | 'gigabyte'
  /** Half of what a right server would say, then the end. */
  | 'cut'
  /** Half of it, then a RST. */
  | 'reset'
  /** Closes at once. */
  | 'closing'
  /** What no protocol of ours has: binary noise. */
  | 'noise'
  /** A line that never ends. */
  | 'endless line'
  /** The greeting of another protocol. */
  | 'other protocol'

export const hostilities: readonly Hostility[] = [
  'refused',
  'mute',
  'slow',
  'gigabyte',
  'cut',
  'reset',
  'closing',
  'noise',
  'endless line',
  'other protocol',
]

/** HostileServer: closed by disposal, with all its connections. */
export interface HostileServer extends AsyncDisposable {
  readonly port: number
  /** received: bytes that clients sent. */
  readonly received: () => number
  /** open: connections that are open now. */
  readonly open: () => number
  /** taken: bytes that clients, or the kernel for them, took. */
  readonly taken: () => number
}

/** HostileOptions: a right server up to the turn at which it is what it is. `turn` beyond the last: a right one. */
export interface HostileOptions extends Pick<Dialogue, 'turns' | 'greets'> {
  readonly turn: number
  /** Of turns that are handshakes. */
  readonly pair?: Pair
}

/** asGreeting: what is hostile from its first word on, which it says unasked. */
export const asGreeting = (text: string): HostileOptions => ({ turns: [text], greets: true, turn: 0 })

/** asAnswer: what is hostile when it was spoken to. */
export const asAnswer = (text: string): HostileOptions => ({ turns: [text], greets: false, turn: 0 })

/** hostileServer starts one; slow, cut and reset say parts of what a right one would say at that turn. */
export async function hostileServer(
  kind: Hostility,
  options: HostileOptions = asGreeting('220 ready\r\n'),
): Promise<HostileServer> {
  const sockets = new Set<Socket>()
  let received = 0
  let taken = 0
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      received += socket.bytesRead
      taken += socket.bytesWritten - socket.writableLength
    })
    void talk(kind, socket, options)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  if (kind === 'refused') await close()
  return {
    port,
    received: () => [...sockets].reduce((sum, { bytesRead }) => sum + bytesRead, received),
    open: () => sockets.size,
    taken: () => taken,
    [Symbol.asyncDispose]: close,
  }
}

/** talk says turn after turn; it is forgotten where it stands when the connection ends. */
async function talk(
  kind: Hostility,
  socket: Socket,
  { turns, greets, turn: last, pair }: HostileOptions,
): Promise<void> {
  let stream: Duplex = socket
  for (const [at, turn] of turns.entries()) {
    if (at === last && kind === 'closing') {
      socket.destroy()
      return
    }
    const isHandshake = turn === HANDSHAKE
    const heard = (at > 0 || !greets) && !(isHandshake && at !== last) ? await hear(stream) : Buffer.alloc(0)
    if (at === last) {
      behave(kind, socket, stream, isHandshake ? SERVER_HELLO : textOf(turn, heard))
      break
    }
    if (isHandshake) stream = await shakeHands(socket, pair!)
    else stream.write(textOf(turn, heard))
  }
  stream.on('data', () => {})
  stream.resume()
}

/** The beginning of a record of TLS with a ServerHello (RFC 8446 5.1 and 4.1.3). */
const SERVER_HELLO = Buffer.concat([Buffer.from('160303007a020000760303', 'hex'), Buffer.alloc(64, 7)])

const textOf = (turn: string | ((heard: Buffer) => string), heard: Buffer): Buffer =>
  Buffer.from(typeof turn === 'string' ? turn : turn(heard), 'latin1')

async function hear(stream: Duplex): Promise<Buffer> {
  stream.resume()
  const [bytes] = (await new Promise<[Buffer]>((resolve) =>
    stream.once('data', (each: Buffer) => resolve([each])),
  )) as [Buffer]
  stream.pause()
  return bytes
}

async function shakeHands(socket: Socket, { key, cert }: Pair): Promise<TLSSocket> {
  const secure = new TLSSocket(socket, { isServer: true, key, cert, ALPNProtocols: ['h2', 'http/1.1'] })
  secure.on('error', () => {})
  // A client that ends the connection behind TLS ends it as a whole.
  secure.on('close', () => socket.destroy())
  await new Promise((resolve) => secure.once('secure', resolve))
  return secure
}

function behave(kind: Hostility, socket: Socket, stream: Duplex, right: Uint8Array): void {
  const half = right.subarray(0, Math.floor(right.length / 2))
  switch (kind) {
    case 'slow': {
      let at = 0
      const timer = setInterval(() => stream.write(right.subarray(at, ++at)), 1000)
      stream.write(right.subarray(at, ++at))
      socket.on('close', () => clearInterval(timer))
      return
    }
    case 'gigabyte':
      pour(stream, Buffer.concat([right, Buffer.alloc(65_536, 'A\n')]))
      return
    case 'endless line':
      pour(stream, Buffer.alloc(65_536, 'A'))
      return
    case 'cut':
      stream.end(half)
      return
    case 'reset':
      stream.write(half)
      // Later than the client has seen the connection made.
      setTimeout(() => socket.resetAndDestroy(), 50)
      return
    case 'noise':
      stream.write(Buffer.from(Array.from({ length: 4096 }, (_, at) => (at * 151 + 7) & 0xff)))
      return
    case 'other protocol':
      stream.write('RFB 003.008\n')
      return
    default:
      return
  }
}

/** pour writes a gigabyte of it, as the other side takes it. */
function pour(stream: Duplex, piece: Buffer): void {
  let left = 2 ** 30
  const more = () => {
    while (left > 0 && !stream.destroyed) {
      left -= piece.length
      if (!stream.write(piece)) return
    }
  }
  stream.on('drain', more)
  more()
}

/** silentHost: a port whose queue of connections is full, so that further SYNs are dropped, as by a dead host. */
export async function silentHost(): Promise<HostileServer> {
  const { Fd } = await import('../../src/sys/fd.ts')
  const { nativeCall } = await import('../../src/sys/syscall.ts')
  const { ip4Address } = await import('../../src/sys/socket-address.ts')
  const { TcpSocket } = await import('../../src/sys/tcp-socket.ts')
  const { parseIp4 } = await import('../../src/base/addresses.ts')
  const fd = Fd.own(nativeCall('socket', 'int', ['int', 'int', 'int'])(2, 1 | 0o2000000, 0))
  const address = ip4Address(parseIp4('127.0.0.1'))
  nativeCall('bind', 'int', ['int', 'buffer', 'int'])(fd.number, address, address.length)
  nativeCall('listen', 'int', ['int', 'int'])(fd.number, 0)
  const bound = Buffer.alloc(16)
  const length = Buffer.from([16, 0, 0, 0])
  nativeCall('getsockname', 'int', ['int', 'buffer', 'buffer'])(fd.number, bound, length)
  const port = bound.readUInt16BE(2)
  // With a backlog of 0 one connection fills the queue; those behind it stay in SYN_SENT.
  const fillers = [0, 1].map(() => TcpSocket.connect({ address: parseIp4('127.0.0.1'), port }))
  return {
    port,
    received: () => 0,
    open: () => fillers.length,
    taken: () => 0,
    [Symbol.asyncDispose]: async () => {
      for (const filler of fillers) filler[Symbol.dispose]()
      fd[Symbol.dispose]()
    },
  }
}
