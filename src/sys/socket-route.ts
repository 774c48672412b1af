// Which way a socket's packets go, where the caller does not leave that to the kernel: from which address, out of which
// interface, and with which mark for rules of policy routing. Set before it connects. Mark and interface need
// CAP_NET_ADMIN and CAP_NET_RAW. Reference: socket(7), ip(7) IP_BIND_ADDRESS_NO_PORT.

import type { Ip } from '../base/addresses.ts'
import { ipAddress } from './socket-address.ts'
import { nativeCall } from './syscall.ts'

const bind = nativeCall('bind', 'int', ['int', 'buffer', 'int'])
const setsockopt = nativeCall('setsockopt', 'int', ['int', 'int', 'int', 'buffer', 'int'])

const SOL_SOCKET = 1
const SO_BINDTODEVICE = 25
const SO_MARK = 36
const IPPROTO_IP = 0
/** The port is chosen at connect(2), so that one port serves connections to several peers. */
const IP_BIND_ADDRESS_NO_PORT = 24

/** SocketRoute: what is absent the kernel chooses. */
export interface SocketRoute {
  readonly source?: Ip
  /** Of the source. */
  readonly port?: number
  readonly mark?: number
  /** A NIC's name. */
  readonly interface?: string
}

/** applyRoute sets it on a socket that is not connected. Throws SyscallError (EPERM, ENODEV, EADDRNOTAVAIL). */
export function applyRoute(fd: number, { source, port, mark, interface: nic }: SocketRoute): void {
  if (mark !== undefined) setsockopt(fd, SOL_SOCKET, SO_MARK, int(mark), 4)
  if (nic !== undefined) {
    const name = Buffer.from(`${nic}\0`)
    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length)
  }
  if (source === undefined) return
  // IPv6 sockets take it at the same level; raw ones have no ports and refuse it.
  if (port === undefined) setsockopt.attempt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, int(1), 4)
  const address = ipAddress(source, port)
  bind(fd, address, address.length)
}

function int(value: number): Buffer {
  const cell = Buffer.alloc(4)
  cell.writeUInt32LE(value)
  return cell
}
