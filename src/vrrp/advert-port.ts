// Where adverts of one NIC and family go out and come in: by multicast, or from one address of this node to its peers. Its
// idea: multicast adverts leave as whole frames (AF_PACKET), so that neither routes nor filters of this node hold them back
// and their source MAC is ours to choose; unicast ones leave by a raw socket, since the kernel knows the way to a peer.
// What a port hears is filtered by the kernel (advert-filter.ts), and read at a bounded pace (advert-intake.ts).
// References: RFC 9568 5.1, 7.2, 7.3; packet(7).

import { formatIp, type Ip, isIp4, type Mac } from '../base/addresses.ts'
import type { IpPacket } from '../sys/ip-socket.ts'
import type { Reactor } from '../sys/reactor.ts'
import { SOCK_RAW, Socket } from '../sys/socket.ts'
import { AF_PACKET, packetAddress } from '../sys/socket-address.ts'
import { isErrno } from '../sys/syscall.ts'
import { etherType } from '../wire/ethernet.ts'
import { ipProtocol } from '../wire/ipv4.ts'
import { ether, ipv4, ipv6, packet } from '../wire/packet.ts'
import { VRRP_TTL } from '../wire/vrrp.ts'
import { filtersOf, type Hearing } from './advert-filter.ts'
import { AdvertIntake, COUNTS, ODD } from './advert-intake.ts'

/** Of 224.0.0.18 (RFC 1112 6.4) and ff02::12 (RFC 2464 7). */
const GROUP_MAC = { 4: '01:00:5e:00:00:12', 6: '33:33:00:00:00:12' } as const
/** CS6, network control (RFC 4594 3.1). */
const DSCP = 48

/** FrameSocket sends frames as they are, out of any NIC of its namespace; it hears nothing. */
export class FrameSocket implements Disposable {
  readonly #socket = Socket.open(AF_PACKET, SOCK_RAW, 0)

  /** send: false: no room now, in the socket or the NIC's queue. Throws SyscallError (ENETDOWN, ENXIO, ENODEV). */
  send(frame: Uint8Array, ifindex: number): boolean {
    const type = new DataView(frame.buffer, frame.byteOffset).getUint16(12)
    try {
      return this.#socket.send(frame, packetAddress({ ifindex, etherType: type }))
    } catch (error) {
      if (isErrno(error, 'ENOBUFS')) return false
      throw error
    }
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]()
  }
}

/** PortOptions: `self`: of unicast, the address of this node. `onReady`: there is something to read. */
export interface PortOptions {
  readonly reactor: Reactor
  readonly frames: FrameSocket
  readonly nic: { readonly name: string; readonly index: number }
  readonly family: 4 | 6
  readonly self: Ip | undefined
  readonly hearing: Hearing
  readonly onReady: () => void
}

/** Outgoing: an advert to be sent. `mac`: the source MAC of frames. */
export interface Outgoing {
  readonly bytes: Uint8Array
  readonly source: Ip
  readonly destination: Ip
  readonly mac: Mac
  /** The NIC that multicast frames leave by, where it is not the port's own (a macvlan). */
  readonly ifindex?: number
}

/** AdvertPort: owns its sockets. */
export class AdvertPort implements Disposable {
  readonly #options: PortOptions
  readonly #counts: AdvertIntake
  readonly #odd: AdvertIntake

  /** Throws SyscallError (ENODEV; EADDRNOTAVAIL: this node does not have `self`). */
  constructor(options: PortOptions) {
    this.#options = options
    this.#counts = new AdvertIntake(options, COUNTS)
    try {
      this.#odd = new AdvertIntake(options, ODD)
    } catch (error) {
      this.#counts[Symbol.dispose]()
      throw error
    }
    this.hear(options.hearing)
  }

  /** hear: for whom, from now on. Throws SyscallError (ENOMEM), and is closed then. */
  hear(hearing: Hearing): void {
    const { family, self } = this.#options
    const { counts, odd } = filtersOf(family, self !== undefined, hearing)
    try {
      this.#counts.filter(counts)
      this.#odd.filter(odd)
    } catch (error) {
      this[Symbol.dispose]()
      throw error
    }
  }

  /** read what has come in, oldest first, up to a bound; of what is odd, a few a second. */
  read(): IpPacket[] {
    return [...this.#counts.read(), ...(this.#odd.isResting ? [] : this.#odd.read())]
  }

  /** send: false: no room now. Throws SyscallError (ENETDOWN, ENETUNREACH). */
  send(outgoing: Outgoing): boolean {
    const { self, frames, nic } = this.#options
    if (self !== undefined) return this.#counts.send(outgoing.bytes, outgoing.destination)
    return frames.send(advertFrame(outgoing), outgoing.ifindex ?? nic.index)
  }

  [Symbol.dispose](): void {
    this.#counts[Symbol.dispose]()
    this.#odd[Symbol.dispose]()
  }
}

/** advertFrame: an advert to the group of its family, from Ethernet on. */
export function advertFrame({ bytes, source, destination, mac }: Outgoing): Uint8Array {
  const ends = { source: formatIp(source), destination: formatIp(destination) }
  if (isIp4(source))
    return packet(
      ether({ source: mac, destination: GROUP_MAC[4], type: etherType.IP }),
      ipv4({ ...ends, ttl: VRRP_TTL, protocol: ipProtocol.VRRP, dscp: DSCP }),
      bytes,
    )
  return packet(
    ether({ source: mac, destination: GROUP_MAC[6], type: etherType.IPV6 }),
    ipv6({ ...ends, hopLimit: VRRP_TTL, nextHeader: ipProtocol.VRRP, trafficClass: DSCP << 2 }),
    bytes,
  )
}
