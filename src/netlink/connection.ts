// Connection: requests and dumps over a netlink socket, one at a time, each to its end (RFC 3549 2.3,
// Documentation/userspace-api/netlink/intro.rst). Its idea: everything that can go wrong between two datagrams is
// settled here: late answers to an older request are skipped, a dump during which the table changed is read again,
// and an error carries the kernel's own words. The socket is an interface, so that tests can script the kernel.

import { TenbinError } from '../base/errors.ts'
import { malformed } from './attributes.ts'
import {
  decodeAcknowledgement,
  decodeMessages,
  encodeMessage,
  type NetlinkMessage,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_MIN_TYPE,
  NLMSG_OVERRUN,
} from './message.ts'
import { type Netlink, refusal } from './netlink.ts'

/** Transport: a netlink socket that waits for a while. */
export interface Transport extends Disposable {
  send(datagram: Buffer): void
  /** receive: the next datagram of the kernel, the caller's to keep; undefined when none came in time. */
  receive(): Buffer | undefined
  /** drain throws away all that has arrived, the rest of an unfinished dump included. */
  drain(): void
}

/** How often a dump is read again because the table changed meanwhile. */
const DUMP_ATTEMPTS = 10

/** Connection: owns its transport. */
export class Connection implements Netlink, Disposable {
  readonly #transport: Transport
  #sequence = 0
  /** An exchange broke off: what is left of it is still to come. */
  #broken = false

  constructor(transport: Transport) {
    this.#transport = transport
  }

  request(op: string, type: number, flags: number, payload: Buffer): NetlinkMessage[] {
    return this.#exchange(op, type, NLM_F_REQUEST | NLM_F_ACK | flags, payload).messages
  }

  dump(op: string, type: number, payload: Buffer): NetlinkMessage[] {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const { messages, interrupted } = this.#exchange(op, type, NLM_F_REQUEST | NLM_F_DUMP, payload)
      if (!interrupted) return messages
    }
    throw new TenbinError('NETLINK_DUMP_CHANGED', op, {
      detail: `it changed during each of ${DUMP_ATTEMPTS} attempts to read it`,
    })
  }

  [Symbol.dispose](): void {
    this.#transport[Symbol.dispose]()
  }

  /** #exchange sends and reads up to the acknowledgement or the end of the dump, whichever the kernel sends. */
  #exchange(op: string, type: number, flags: number, payload: Buffer) {
    if (this.#broken) this.#transport.drain()
    this.#broken = true
    this.#sequence = (this.#sequence + 1) >>> 0
    const sequence = this.#sequence
    this.#transport.send(encodeMessage({ type, flags, sequence, port: 0, payload }))
    const messages: NetlinkMessage[] = []
    let interrupted = false
    for (;;) {
      const datagram = this.#transport.receive()
      if (!datagram) throw new TenbinError('NETLINK_TIMEOUT', op)
      for (const message of decodeMessages(datagram)) {
        if (message.sequence !== sequence) continue
        if (message.flags & NLM_F_DUMP_INTR) interrupted = true
        if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
          const acknowledgement = decodeAcknowledgement(message)
          this.#broken = false
          if (acknowledgement.errno !== 0) throw refusal(op, acknowledgement)
          return { messages, interrupted }
        }
        if (message.type === NLMSG_OVERRUN) throw malformed('data was lost')
        if (message.type >= NLMSG_MIN_TYPE) messages.push(message)
      }
    }
  }
}
