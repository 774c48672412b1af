// TCP connections as clients make them, by raw descriptors: net.connect comes a second too late when there are ten
// thousand a second. Its idea: nothing here waits; connect, read and write say "not now", and whoever wants to know
// when watches `fd` by a Reactor. Left out: listening, urgent data.
// References: tcp(7), connect(2) EINPROGRESS, socket(7) SO_ERROR and SO_LINGER.

import type { Endpoint } from '../base/addresses.ts'
import { errnoName, errnoNumber } from './errno.ts'
import { Fd } from './fd.ts'
import { ipAddress, ipFamily } from './socket-address.ts'
import { applyRoute, type SocketRoute } from './socket-route.ts'
import { nativeCall, SyscallError } from './syscall.ts'

const socket = nativeCall('socket', 'int', ['int', 'int', 'int'])
const connect = nativeCall('connect', 'int', ['int', 'buffer', 'int'])
const getsockopt = nativeCall('getsockopt', 'int', ['int', 'int', 'int', 'buffer', 'buffer'])
const setsockopt = nativeCall('setsockopt', 'int', ['int', 'int', 'int', 'buffer', 'int'])
const recv = nativeCall('recv', 'long', ['int', 'buffer', 'size_t', 'int'])
const send = nativeCall('send', 'long', ['int', 'buffer', 'size_t', 'int'])

const SOCK_STREAM_NONBLOCK_CLOEXEC = 1 | 0o4000 | 0o2000000
const MSG_NOSIGNAL = 0x4000
const SOL_SOCKET = 1
const SO_ERROR = 4
const SO_LINGER = 13
const EAGAIN = errnoNumber('EAGAIN')
const EINTR = errnoNumber('EINTR')
const EINPROGRESS = errnoNumber('EINPROGRESS')
/** struct linger { int l_onoff, l_linger }: on, no seconds. */
const LINGER_NOT = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])

// One thread, and no call returns before it is done with them.
const intCell = Buffer.alloc(4)
const lengthCell = Buffer.from([4, 0, 0, 0])

/** TcpSocket: a connection that is being made, or is made. Owns its descriptor. */
export class TcpSocket implements Disposable {
  readonly fd: Fd

  private constructor(fd: Fd) {
    this.fd = fd
  }

  /**
   * connect begins to connect; when `fd` is writable or failed, `fault` says how it went. Throws SyscallError for what
   * is known at once (ENETUNREACH, ECONNREFUSED), and EMFILE.
   */
  static connect({ address, port }: Endpoint, route: SocketRoute = {}): TcpSocket {
    const fd = Fd.own(socket(ipFamily(address), SOCK_STREAM_NONBLOCK_CLOEXEC, 0))
    try {
      applyRoute(fd.number, route)
      const peer = ipAddress(address, port)
      const result = connect.attempt(fd.number, peer, peer.length)
      // EINTR: it goes on all the same (connect(2)).
      if (result < 0 && -result !== EINPROGRESS && -result !== EINTR)
        throw new SyscallError('connect', -result)
      return new TcpSocket(fd)
    } catch (error) {
      fd[Symbol.dispose]()
      throw error
    }
  }

  /** fault: the name of the error that the connection has ('ECONNREFUSED'), told once; undefined = none. */
  fault(): string | undefined {
    lengthCell.writeInt32LE(4)
    getsockopt(this.fd.number, SOL_SOCKET, SO_ERROR, intCell, lengthCell)
    const errno = intCell.readInt32LE()
    return errno === 0 ? undefined : errnoName(errno)
  }

  /** read what is there: how many bytes, 0 at its end; undefined = nothing yet. Throws SyscallError (ECONNRESET). */
  read(into: Uint8Array): number | undefined {
    for (;;) {
      const count = recv.attempt(this.fd.number, into, into.length, 0)
      if (count >= 0) return count
      if (-count === EAGAIN) return undefined
      if (-count !== EINTR) throw new SyscallError('recv', -count)
    }
  }

  /** write as much as there is room for: how many bytes, 0 = none now. Throws SyscallError (EPIPE, ECONNRESET). */
  write(bytes: Uint8Array): number {
    for (;;) {
      const count = send.attempt(this.fd.number, bytes, bytes.length, MSG_NOSIGNAL)
      if (count >= 0) return count
      if (-count === EAGAIN) return 0
      if (-count !== EINTR) throw new SyscallError('send', -count)
    }
  }

  /** forget: closing will end the connection by a RST, which leaves nothing behind in TIME_WAIT. */
  forget(): void {
    setsockopt(this.fd.number, SOL_SOCKET, SO_LINGER, LINGER_NOT, LINGER_NOT.length)
  }

  /** Dispose: close. A watch on it must be disposed before. */
  [Symbol.dispose](): void {
    this.fd[Symbol.dispose]()
  }
}
