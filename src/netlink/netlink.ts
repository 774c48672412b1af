// Netlink: how the kinds of objects (links.ts, addresses.ts, neighbours.ts, routes.ts) talk to the kernel, and the
// one error of a refusal. They need no more than a request that is answered and acknowledged and a dump of a
// table; connection.ts is the one that does it. Left out: notifications, which are subscription.ts.

import { SyscallError } from '../sys/syscall.ts'
import type { Acknowledgement, NetlinkMessage } from './message.ts'

/** Netlink: requests to the kernel. `op` says in words what is done, for errors. */
export interface Netlink {
  /**
   * request sends one message and returns what the kernel answered before its acknowledgement. NLM_F_REQUEST and
   * NLM_F_ACK are set besides `flags`. Throws SYSCALL_FAILED (a NetlinkError), NOT_PERMITTED, NETLINK_TIMEOUT, NETLINK_MALFORMED.
   */
  request(op: string, type: number, flags: number, payload: Buffer): NetlinkMessage[]
  /** dump returns a whole table as it was at one moment. Throws as request does, and NETLINK_DUMP_CHANGED. */
  dump(op: string, type: number, payload: Buffer): NetlinkMessage[]
}

/**
 * NetlinkError: the kernel refused a request. A SyscallError: branch on `errno` ('EEXIST'). `kernelMessage` is the
 * kernel's own words where it has some (extended acknowledgement); they are in the message too.
 */
export class NetlinkError extends SyscallError {
  readonly kernelMessage: string | undefined

  constructor(op: string, errno: number, kernelMessage?: string) {
    super(op, errno, kernelMessage === undefined ? {} : { detail: kernelMessage })
    this.kernelMessage = kernelMessage
  }
}

/** refusal makes the error of an acknowledgement that is none. */
export function refusal(op: string, { errno, message, missing, offset }: Acknowledgement): NetlinkError {
  const hints = [
    ...(message === undefined ? [] : [message.trim()]),
    ...(missing === undefined ? [] : [`attribute ${missing} is missing`]),
    ...(offset === undefined ? [] : [`at byte ${offset} of the request`]),
  ]
  return new NetlinkError(op, errno, hints.length > 0 ? hints.join(', ') : undefined)
}
