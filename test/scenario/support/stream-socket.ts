// TCP sockets by the calls themselves, for a process that holds 10,000 of them: Node's own take many times the memory
// and time. No call waits but poll, which asks many at once. Failures are errno names, because here they are results.
// References: connect(2), poll(2), socket(7).

import { isIp4, parseIp } from '../../../src/base/addresses.ts'
import { errnoName } from '../../../src/sys/errno.ts'
import { AF_INET, AF_INET6, ip4Address } from '../../../src/sys/socket-address.ts'
import { nativeCall } from '../../../src/sys/syscall.ts'

const call = {
  socket: nativeCall('socket', 'int', ['int', 'int', 'int']),
  connect: nativeCall('connect', 'int', ['int', 'buffer', 'int']),
  getsockname: nativeCall('getsockname', 'int', ['int', 'buffer', 'buffer']),
  getsockopt: nativeCall('getsockopt', 'int', ['int', 'int', 'int', 'buffer', 'buffer']),
  send: nativeCall('send', 'long', ['int', 'buffer', 'size_t', 'int']),
  recv: nativeCall('recv', 'long', ['int', 'buffer', 'size_t', 'int']),
  close: nativeCall('close', 'int', ['int']),
  poll: nativeCall('poll', 'int', ['buffer', 'size_t', 'int']),
}
const STREAM_NONBLOCKING = 1 | 0o4000 | 0o2000000
const MSG_NOSIGNAL = 0x4000
const [SOL_SOCKET, SO_ERROR] = [1, 4]
const [POLLIN, POLLOUT] = [1, 4]

/** endpoint: struct sockaddr_in or sockaddr_in6. */
export function endpoint(address: string, port: number): Buffer {
  const ip = parseIp(address)
  if (isIp4(ip)) return ip4Address(ip, port)
  const bytes = Buffer.alloc(28)
  bytes.writeUInt16LE(AF_INET6, 0)
  bytes.writeUInt16BE(port, 2)
  bytes.writeBigUInt64BE(ip >> 64n, 8)
  bytes.writeBigUInt64BE(ip & 0xffff_ffff_ffff_ffffn, 16)
  return bytes
}

/** connecting begins a connection: a descriptor, the caller's, or why there is none (EADDRNOTAVAIL: no port is left). */
export function connecting(to: Buffer): number | string {
  const fd = call.socket(to.length === 16 ? AF_INET : AF_INET6, STREAM_NONBLOCKING, 0)
  const why = failure(call.connect.attempt(fd, to, to.length))
  if (why === undefined || why === 'EINPROGRESS') return fd
  call.close(fd)
  return why
}

/** connected: why a connection that poll says is done has failed; undefined: it is open. */
export function connected(fd: number): string | undefined {
  const [value, size] = [Buffer.alloc(4), Buffer.from([4, 0, 0, 0])]
  call.getsockopt(fd, SOL_SOCKET, SO_ERROR, value, size)
  return failure(-value.readInt32LE())
}

/** localPort: of a socket that is connected, or begins to be. */
export function localPort(fd: number): number {
  const [address, size] = [Buffer.alloc(28), Buffer.from([28, 0, 0, 0])]
  call.getsockname(fd, address, size)
  return address.readUInt16BE(2)
}

/** sent: why not all of `bytes` were taken; undefined: they were. */
export function sent(fd: number, bytes: Uint8Array): string | undefined {
  const length = call.send.attempt(fd, bytes, bytes.length, MSG_NOSIGNAL)
  return failure(length) ?? (length < bytes.length ? 'no room' : undefined)
}

/** received: how many bytes were read into a buffer, 0 at the end of the stream, or why none (EAGAIN: none yet). */
export function received(fd: number, into: Uint8Array): number | string {
  const length = call.recv.attempt(fd, into, into.length, 0)
  return failure(length) ?? length
}

export const closed = (fd: number): void => void call.close(fd)

/** poll: which of the descriptors can be read, have ended, or (with `write`) can be written, within some time. */
export function poll(fds: readonly number[], timeoutMs: number, write = false): readonly number[] {
  const entries = Buffer.alloc(8 * fds.length)
  for (const [at, fd] of fds.entries()) {
    entries.writeInt32LE(fd, 8 * at)
    entries.writeInt16LE(write ? POLLOUT : POLLIN, 8 * at + 4)
  }
  if (call.poll(entries, fds.length, timeoutMs) === 0) return []
  return fds.filter((_, at) => entries.readInt16LE(8 * at + 6) !== 0)
}

const failure = (result: number): string | undefined => (result < 0 ? errnoName(-result) : undefined)
