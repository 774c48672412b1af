// Sockets that Node does not offer: netlink, AF_PACKET, raw IP. Its idea: datagrams in and out of Buffers, where
// "not now" (EAGAIN, on a non-blocking socket or after a time-out) is a value and every other failure is thrown.
// To be told when a socket is ready, watch its `fd` by a Reactor. Streams are tcp-socket.ts's. Left out: control messages.
// References: socket(7), recv(2), send(2), asm-generic/socket.h.

import { errnoNumber } from './errno.ts'
import { Fd } from './fd.ts'
import { nativeCall, SyscallError } from './syscall.ts'

const socket = nativeCall('socket', 'int', ['int', 'int', 'int'])
const bind = nativeCall('bind', 'int', ['int', 'buffer', 'int'])
const connect = nativeCall('connect', 'int', ['int', 'buffer', 'int'])
const getsockname = nativeCall('getsockname', 'int', ['int', 'buffer', 'buffer'])
const setsockopt = nativeCall('setsockopt', 'int', ['int', 'int', 'int', 'buffer', 'int'])
const getsockopt = nativeCall('getsockopt', 'int', ['int', 'int', 'int', 'buffer', 'buffer'])
const sendto = nativeCall('sendto', 'long', ['int', 'buffer', 'size_t', 'int', 'buffer', 'int'])
const recvfrom = nativeCall('recvfrom', 'long', ['int', 'buffer', 'size_t', 'int', 'buffer', 'buffer'])

/** Types of socket (socket(2)). */
export const SOCK_DGRAM = 2
export const SOCK_RAW = 3
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000

const MSG_PEEK = 0x02
const MSG_TRUNC = 0x20
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000

const SOL_SOCKET = 1
const SO_SNDBUF = 7
const SO_RCVBUF = 8
const SO_RCVTIMEO = 20
const SO_SNDTIMEO = 21
const SO_SNDBUFFORCE = 32
const SO_RCVBUFFORCE = 33

const EAGAIN = errnoNumber('EAGAIN')
const EINTR = errnoNumber('EINTR')
/** sizeof(struct sockaddr_storage) */
const ADDRESS_SIZE = 128

/** Received: a datagram and its sender's socket address. */
export interface Received {
  /** Bytes that arrived: more than the buffer holds if they were cut. */
  readonly length: number
  readonly from: Buffer
}

/** Socket: owns its descriptor. Everything may throw SyscallError. */
export class Socket implements Disposable {
  readonly fd: Fd

  private constructor(fd: Fd) {
    this.fd = fd
  }

  /** open: socket(2), close-on-exec, non-blocking unless `blocking`. Throws SyscallError (EPERM, EAFNOSUPPORT). */
  static open(
    family: number,
    type: number,
    protocol: number,
    { blocking = false }: { readonly blocking?: boolean } = {},
  ): Socket {
    return new Socket(Fd.own(socket(family, type | SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK), protocol)))
  }

  /** bind to a socket address (socket-address.ts). */
  bind(address: Uint8Array): void {
    bind(this.fd.number, address, address.length)
  }

  /**
   * connect: datagrams go to and come from `address` only, and what ICMP says of them is thrown by the next send or
   * receive (ECONNREFUSED: nobody listens there). Throws SyscallError (ENETUNREACH).
   */
  connect(address: Uint8Array): void {
    connect(this.fd.number, address, address.length)
  }

  /** address: the socket address that it is bound to. */
  get address(): Buffer {
    const address = Buffer.alloc(ADDRESS_SIZE)
    const length = lengthCell(ADDRESS_SIZE)
    getsockname(this.fd.number, address, length)
    return address.subarray(0, length.readUInt32LE())
  }

  /** send one datagram, to `address` or the one that it is connected to; false = no room now. */
  send(bytes: Uint8Array, address?: Uint8Array): boolean {
    const flags = MSG_NOSIGNAL
    for (;;) {
      const { number } = this.fd
      const sent = sendto.attempt(number, bytes, bytes.length, flags, address ?? null, address?.length ?? 0)
      if (sent >= 0) return true
      if (-sent === EAGAIN) return false
      if (-sent !== EINTR) throw new SyscallError('sendto', -sent)
    }
  }

  /** receive one datagram into a buffer; undefined = there is none (yet, or in time). */
  receive(into: Uint8Array): Received | undefined {
    return this.#receive(into, 0)
  }

  /** receiveWhole: one datagram of whatever length in a buffer of its own; undefined = there is none. */
  receiveWhole({ wait = true } = {}): { readonly bytes: Buffer; readonly from: Buffer } | undefined {
    const flags = wait ? 0 : MSG_DONTWAIT
    const first = this.#receive(Buffer.alloc(0), MSG_PEEK | flags)
    if (!first) return undefined
    const bytes = Buffer.allocUnsafeSlow(first.length)
    const whole = this.#receive(bytes, flags)
    return whole && { bytes: bytes.subarray(0, Math.min(whole.length, first.length)), from: whole.from }
  }

  #receive(into: Uint8Array, flags: number): Received | undefined {
    const from = Buffer.alloc(ADDRESS_SIZE)
    const size = lengthCell(ADDRESS_SIZE)
    for (;;) {
      const length = recvfrom.attempt(this.fd.number, into, into.length, flags | MSG_TRUNC, from, size)
      if (length >= 0) return { length, from: from.subarray(0, size.readUInt32LE()) }
      if (-length === EAGAIN) return undefined
      if (-length !== EINTR) throw new SyscallError('recvfrom', -length)
    }
  }

  /** setOption: an int, or bytes of the option's own structure. */
  setOption(level: number, option: number, value: number | Uint8Array): void {
    const bytes = typeof value === 'number' ? lengthCell(value) : value
    setsockopt(this.fd.number, level, option, bytes, bytes.length)
  }

  /** getOption: an option that is an int. */
  getOption(level: number, option: number): number {
    const value = Buffer.alloc(4)
    getsockopt(this.fd.number, level, option, value, lengthCell(4))
    return value.readInt32LE()
  }

  /**
   * setBufferSize asks for room in bytes, above the system's limit where privileges allow (CAP_NET_ADMIN); returns
   * the room there is now, by the kernel's accounting, which counts its own overhead too and so doubles the number.
   */
  setBufferSize(direction: 'receive' | 'send', bytes: number): number {
    const [plain, force] = direction === 'receive' ? [SO_RCVBUF, SO_RCVBUFFORCE] : [SO_SNDBUF, SO_SNDBUFFORCE]
    const forced = setsockopt.attempt(this.fd.number, SOL_SOCKET, force, lengthCell(bytes), 4)
    if (forced < 0) this.setOption(SOL_SOCKET, plain, bytes)
    return this.getOption(SOL_SOCKET, plain)
  }

  /** setTimeouts: how long a blocking socket waits in receive and send before there is "none"; 0 = for ever. */
  setTimeouts(ms: number): void {
    const timeval = Buffer.alloc(16)
    timeval.writeBigInt64LE(BigInt(Math.floor(ms / 1000)), 0)
    timeval.writeBigInt64LE(BigInt(Math.round((ms % 1000) * 1000)), 8)
    for (const option of [SO_RCVTIMEO, SO_SNDTIMEO]) this.setOption(SOL_SOCKET, option, timeval)
  }

  /** Dispose: close. A watch on it must be disposed before. */
  [Symbol.dispose](): void {
    this.fd[Symbol.dispose]()
  }
}

/** lengthCell: an int or socklen_t in memory. */
function lengthCell(value: number): Buffer {
  const cell = Buffer.alloc(4)
  cell.writeInt32LE(value)
  return cell
}
