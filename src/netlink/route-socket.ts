// Sockets of the rtnetlink family (netlink(7), rtnetlink(7)): one that waits for answers, for requests, and one that
// hears notifications, for subscriptions. Only what comes from the kernel itself is believed: any process may send
// to a netlink port. A socket stays in the network namespace in which it was made.

import { SOCK_RAW, Socket } from '../sys/socket.ts'
import { AF_NETLINK, netlinkAddress, netlinkPort } from '../sys/socket-address.ts'
import { isErrno } from '../sys/syscall.ts'
import type { Transport } from './connection.ts'

const NETLINK_ROUTE = 0
const SOL_NETLINK = 270
const NETLINK_ADD_MEMBERSHIP = 1
const NETLINK_CAP_ACK = 10
const NETLINK_EXT_ACK = 11
const NETLINK_GET_STRICT_CHK = 12

/** Changing a link waits for its driver, which may take seconds to reset a NIC; nothing answers later than this. */
const TIMEOUT_MS = 15_000
const KERNEL = 0

/** RTNLGRP_: multicast groups (linux/rtnetlink.h). */
export const groups = {
  links: [1],
  neighbours: [3],
  addresses: [5, 9],
  routes: [7, 11],
} as const

/** openTransport: a socket for requests, with all that the kernel can say about a refusal. Throws SyscallError. */
export function openTransport(timeoutMs = TIMEOUT_MS): Transport {
  const socket = Socket.open(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, { blocking: true })
  try {
    socket.bind(netlinkAddress())
    socket.setTimeouts(timeoutMs)
    for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK])
      socket.setOption(SOL_NETLINK, option, 1)
  } catch (error) {
    socket[Symbol.dispose]()
    throw error
  }
  return {
    send: (datagram) => void socket.send(datagram, netlinkAddress(KERNEL)),
    receive: () => next(socket, true),
    drain: () => drain(socket),
    [Symbol.dispose]: () => socket[Symbol.dispose](),
  }
}

/** openListener: a non-blocking socket that hears these groups. Throws SyscallError. */
export function openListener(memberships: readonly number[], bufferBytes: number): Socket {
  const socket = Socket.open(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)
  try {
    socket.setBufferSize('receive', bufferBytes)
    socket.bind(netlinkAddress())
    for (const group of memberships) socket.setOption(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
  } catch (error) {
    socket[Symbol.dispose]()
    throw error
  }
  return socket
}

/** next: the kernel's next datagram; undefined = none now, or none in time. */
export function next(socket: Socket, wait: boolean): Buffer | undefined {
  for (;;) {
    const received = socket.receiveWhole({ wait })
    if (!received || netlinkPort(received.from) === KERNEL) return received?.bytes
  }
}

function drain(socket: Socket): void {
  for (;;) {
    try {
      if (!next(socket, false)) return
    } catch (error) {
      if (!isErrno(error, 'ENOBUFS')) throw error
    }
  }
}
