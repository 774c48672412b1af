// Servers that no check may fall for: each listens on a port of its own of a loopback address and does one thing. For
// tests of every kind of check over TCP: the verdict must come in time, memory stay small, descriptors come back.

import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'

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
}

/**
 * hostileServer starts one. `right`: what a right server would say at once (a greeting) or after the first bytes that it
 * gets (`waits`, an answer); slow, cut and reset say parts of it.
 */
export async function hostileServer(
  kind: Hostility,
  { right = Buffer.from('220 ready\r\n'), waits = false }: { right?: Uint8Array; waits?: boolean } = {},
): Promise<HostileServer> {
  const sockets = new Set<Socket>()
  let received = 0
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
    })
    const begin = () => behave(kind, socket, right)
    if (kind === 'closing') socket.destroy()
    else if (!waits) begin()
    let isFirst = true
    socket.on('data', (bytes) => {
      received += bytes.length
      if (waits && isFirst) begin()
      isFirst = false
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  if (kind === 'refused') await close()
  return { port, received: () => received, open: () => sockets.size, [Symbol.asyncDispose]: close }
}

function behave(kind: Hostility, socket: Socket, right: Uint8Array): void {
  const half = right.subarray(0, Math.floor(right.length / 2))
  switch (kind) {
    case 'slow': {
      let at = 0
      const timer = setInterval(() => socket.write(right.subarray(at, ++at)), 1000)
      socket.write(right.subarray(at, ++at))
      socket.on('close', () => clearInterval(timer))
      return
    }
    case 'gigabyte':
      pour(socket, Buffer.concat([right, Buffer.alloc(65_536, 'A\n')]))
      return
    case 'endless line':
      pour(socket, Buffer.alloc(65_536, 'A'))
      return
    case 'cut':
      socket.end(half)
      return
    case 'reset':
      socket.write(half)
      // Later than the client has seen the connection made.
      setTimeout(() => socket.resetAndDestroy(), 50)
      return
    case 'noise':
      socket.write(Buffer.from(Array.from({ length: 4096 }, (_, at) => (at * 151 + 7) & 0xff)))
      return
    case 'other protocol':
      socket.write('RFB 003.008\n')
      return
    default:
      return
  }
}

/** pour writes a gigabyte of it, as the other side takes it. */
function pour(socket: Socket, piece: Buffer): void {
  let left = 2 ** 30
  const more = () => {
    while (left > 0 && !socket.destroyed) {
      left -= piece.length
      if (!socket.write(piece)) return
    }
  }
  socket.on('drain', more)
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
    [Symbol.asyncDispose]: async () => {
      for (const filler of fillers) filler[Symbol.dispose]()
      fd[Symbol.dispose]()
    },
  }
}
