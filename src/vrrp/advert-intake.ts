// One socket that adverts come in by, read at a bounded pace: whoever floods a link has this process, which runs before
// others, use a part of a CPU; the kernel drops what does not fit its queue. Its idea: what may count is read until nothing waits,
// since an advert that waits unread is no silence, and then rests as long as it was much; of what is odd one packet is
// enough now and then, to tell of. References: raw(7), socket(7).

import type { Ip } from '../base/addresses.ts'
import { type IpPacket, IpSocket } from '../sys/ip-socket.ts'
import type { Reactor, Watch } from '../sys/reactor.ts'
import type { Rule } from '../sys/socket-filter.ts'
import { isErrno } from '../sys/syscall.ts'
import { ipProtocol } from '../wire/ipv4.ts'
import { VRRP_TTL, vrrpGroup } from '../wire/vrrp.ts'

/**
 * Pace: `most` packets are read at once; after each `share` of them it is not listened to for `restMs`. `room`: bytes for what
 * waits, which is less than `most` packets (the kernel counts 500 and more for one).
 */
export interface Pace {
  readonly most: number
  readonly share: number
  readonly restMs: number
  readonly room: number
}
export const COUNTS: Pace = { most: 512, share: 32, restMs: 5, room: 106_496 }
export const ODD: Pace = { most: 1, share: 1, restMs: 250, room: 4096 }

/** IntakeOptions: `self`: of unicast, the address of this node. `onReady`: there is something to read. */
export interface IntakeOptions {
  readonly reactor: Reactor
  readonly nic: { readonly name: string; readonly index: number }
  readonly family: 4 | 6
  readonly self: Ip | undefined
  readonly onReady: () => void
}

/** AdvertIntake: owns its socket. Everything may throw SyscallError. */
export class AdvertIntake implements Disposable {
  readonly #pace: Pace
  readonly #expected: Ip
  readonly #socket: IpSocket
  readonly #watch: Watch
  #rest: NodeJS.Timeout | undefined

  /** Throws SyscallError (ENODEV; EADDRNOTAVAIL: this node does not have `self`). */
  constructor({ reactor, nic, family, self, onReady }: IntakeOptions, pace: Pace) {
    this.#pace = pace
    this.#expected = self ?? vrrpGroup[family]
    const group = self === undefined ? { group: vrrpGroup[family] } : {}
    this.#socket = new IpSocket({ family, protocol: ipProtocol.VRRP, nic, room: pace.room, ...group })
    try {
      if (self !== undefined) this.#socket.speakFrom(self, VRRP_TTL)
      this.#watch = reactor.watch(this.#socket.fd, { readable: true }, onReady)
    } catch (error) {
      this.#socket[Symbol.dispose]()
      throw error
    }
  }

  /** isResting: it is not listened to now. */
  get isResting(): boolean {
    return this.#rest !== undefined
  }

  /** filter: what it hears from now on. */
  filter(rules: readonly Rule[]): void {
    this.#socket.filter(rules)
  }

  /** read what has come in, oldest first; what came before there was a filter is left out where it is for others. */
  read(): IpPacket[] {
    const packets: IpPacket[] = []
    let count = 0
    for (; count < this.#pace.most; count++) {
      const received = this.#receive()
      if (received === undefined) break
      if (received !== 'fault' && received.destination === this.#expected) packets.push(received)
    }
    const shares = Math.floor(count / this.#pace.share)
    if (shares > 0) this.#restFor(shares * this.#pace.restMs)
    return packets
  }

  /** send by this socket: only unicast is. False: no room now. Throws SyscallError (ENETUNREACH). */
  send(bytes: Uint8Array, destination: Ip): boolean {
    return this.#socket.send(bytes, destination)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#rest)
    this.#watch[Symbol.dispose]()
    this.#socket[Symbol.dispose]()
  }

  #restFor(ms: number): void {
    if (this.#rest !== undefined) return
    this.#watch.change({ readable: false })
    this.#rest = setTimeout(() => {
      this.#rest = undefined
      this.#watch.change({ readable: true })
    }, ms)
  }

  /** What the socket has to tell of packets sent before (ICMP, a NIC that went down) is told once and is no packet. */
  #receive(): IpPacket | 'fault' | undefined {
    try {
      return this.#socket.receive()
    } catch (error) {
      if (
        isErrno(
          error,
          'ENETDOWN',
          'ENETUNREACH',
          'EHOSTUNREACH',
          'ECONNREFUSED',
          'EPROTO',
          'ENODEV',
          'EMSGSIZE',
        )
      )
        return 'fault'
      throw error
    }
  }
}
