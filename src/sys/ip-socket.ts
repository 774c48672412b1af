// Raw IP sockets of one protocol on one NIC: packets in with what their IP header said (source, destination, TTL or hop
// limit), packets out to one address with a TTL of the caller's, no others in than a filter lets. Its idea: IPv4 hands over the header itself, IPv6 tells
// the same by control messages (recvmsg(2)), and both come out alike. References: raw(7), ipv6(7), RFC 3542 4 and 6,
// linux/in.h struct ip_mreqn, linux/in6.h struct ipv6_mreq.

import { type Ip, type Ip4, type Ip6, isIp4 } from '../base/addresses.ts'
import { errnoNumber } from './errno.ts'
import type { Fd } from './fd.ts'
import { addressOf } from './memory.ts'
import { SOCK_RAW, Socket } from './socket.ts'
import { AF_INET, AF_INET6, ip6Address, ipAddress, readIpAddress } from './socket-address.ts'
import { attachFilter, type Rule } from './socket-filter.ts'
import { nativeCall, SyscallError } from './syscall.ts'

const recvmsg = nativeCall('recvmsg', 'long', ['int', 'buffer', 'int'])

const SOL_SOCKET = 1
const SO_BINDTODEVICE = 25
const IPPROTO_IP = 0
const IP_TTL = 2
const IP_ADD_MEMBERSHIP = 35
const IPPROTO_IPV6 = 41
const IPV6_UNICAST_HOPS = 16
const IPV6_JOIN_GROUP = 20
const IPV6_RECVPKTINFO = 49
const IPV6_PKTINFO = 50
const IPV6_RECVHOPLIMIT = 51
const IPV6_HOPLIMIT = 52
const MSG_DONTWAIT = 0x40
const MSG_TRUNC = 0x20
const EAGAIN = errnoNumber('EAGAIN')
const EINTR = errnoNumber('EINTR')

/** IpPacket: what an IP header said, and what it carried, the caller's to keep. */
export interface IpPacket {
  readonly source: Ip
  readonly destination: Ip
  readonly ttl: number
  readonly bytes: Uint8Array
}

/**
 * IpSocketOptions: `group`: a multicast group to join. `nic`: the only interface it hears and speaks on. `room`: bytes for what
 * waits to be read, before the kernel doubles them; absent: as this machine has it.
 */
export interface IpSocketOptions {
  readonly family: 4 | 6
  readonly protocol: number
  readonly nic: { readonly name: string; readonly index: number }
  readonly group?: Ip
  readonly room?: number
}

/** More than an advert of 255 IPv6 addresses with a trailer; what is longer is cut. */
const ROOM = 8192
const CONTROL_ROOM = 256

// One thread, and no call returns before it is done with them.
const data = Buffer.alloc(ROOM)
const control = Buffer.alloc(CONTROL_ROOM)
const name = Buffer.alloc(28)
const iovec = Buffer.alloc(16)
const msghdr = Buffer.alloc(56)

/** IpSocket: owns its descriptor. Everything may throw SyscallError. */
export class IpSocket implements Disposable {
  readonly #socket: Socket
  readonly #family: 4 | 6

  /** Throws SyscallError (EPERM, ENODEV, EAFNOSUPPORT). */
  constructor({ family, protocol, nic, group, room }: IpSocketOptions) {
    this.#family = family
    this.#socket = Socket.open(family === 4 ? AF_INET : AF_INET6, SOCK_RAW, protocol)
    try {
      this.#socket.setOption(SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(`${nic.name}\0`))
      if (family === 6) {
        this.#socket.setOption(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
        this.#socket.setOption(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1)
      }
      if (room !== undefined) this.#socket.setBufferSize('receive', room)
      if (group !== undefined) this.#join(group, nic.index)
    } catch (error) {
      this.#socket[Symbol.dispose]()
      throw error
    }
  }

  get fd(): Fd {
    return this.#socket.fd
  }

  /** filter: what comes up from now on; IPv4 packets begin with their header, IPv6 ones behind theirs. Throws SyscallError (ENOMEM). */
  filter(rules: readonly Rule[]): void {
    attachFilter(this.#socket, rules)
  }

  /** speakFrom: packets leave with this source address and TTL from now on; only such a socket may send. */
  speakFrom(source: Ip, ttl: number): void {
    if (isIp4(source)) this.#socket.setOption(IPPROTO_IP, IP_TTL, ttl)
    else this.#socket.setOption(IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl)
    this.#socket.bind(ipAddress(source))
  }

  /** send what an IP packet carries; false: no room now. Throws SyscallError (ENETUNREACH, EPERM). */
  send(bytes: Uint8Array, destination: Ip): boolean {
    return this.#socket.send(bytes, isIp4(destination) ? ipAddress(destination) : ip6Address(destination))
  }

  /** receive: the next packet; undefined: none now. */
  receive(): IpPacket | undefined {
    for (;;) {
      const packet = this.#family === 4 ? this.#receive4() : this.#receive6()
      // One that was cut is none that we could read.
      if (packet !== 'cut') return packet
    }
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]()
  }

  #join(group: Ip, ifindex: number): void {
    if (isIp4(group)) {
      const request = Buffer.alloc(12)
      request.writeUInt32BE(group, 0)
      request.writeInt32LE(ifindex, 8)
      this.#socket.setOption(IPPROTO_IP, IP_ADD_MEMBERSHIP, request)
      return
    }
    const request = Buffer.alloc(20)
    ip6Address(group).copy(request, 0, 8, 24)
    request.writeInt32LE(ifindex, 16)
    this.#socket.setOption(IPPROTO_IPV6, IPV6_JOIN_GROUP, request)
  }

  #receive4(): IpPacket | 'cut' | undefined {
    const received = this.#socket.receive(data)
    if (!received) return undefined
    const headerBytes = (data[0]! & 0xf) * 4
    if (received.length > ROOM || received.length < headerBytes) return 'cut'
    return {
      source: data.readUInt32BE(12) as Ip4,
      destination: data.readUInt32BE(16) as Ip4,
      ttl: data[8]!,
      bytes: Uint8Array.from(data.subarray(headerBytes, received.length)),
    }
  }

  #receive6(): IpPacket | 'cut' | undefined {
    // struct msghdr: name, its length, iovec, how many, control, its length, flags
    iovec.writeBigUInt64LE(addressOf(data), 0)
    iovec.writeBigUInt64LE(BigInt(ROOM), 8)
    msghdr.writeBigUInt64LE(addressOf(name), 0)
    msghdr.writeUInt32LE(name.length, 8)
    msghdr.writeBigUInt64LE(addressOf(iovec), 16)
    msghdr.writeBigUInt64LE(1n, 24)
    msghdr.writeBigUInt64LE(addressOf(control), 32)
    msghdr.writeBigUInt64LE(BigInt(CONTROL_ROOM), 40)
    msghdr.writeInt32LE(0, 48)
    const length = recvmsg.attempt(this.#socket.fd.number, msghdr, MSG_DONTWAIT)
    if (length < 0) {
      if (-length === EAGAIN) return undefined
      if (-length === EINTR) return 'cut'
      throw new SyscallError('recvmsg', -length)
    }
    const told = controlOf(Number(msghdr.readBigUInt64LE(40)))
    if (!told || msghdr.readInt32LE(48) & MSG_TRUNC) return 'cut'
    return { source: readIpAddress(name), ...told, bytes: Uint8Array.from(data.subarray(0, length)) }
  }
}

/** controlOf: what control messages told (struct cmsghdr: length, level, type); undefined: not all. */
function controlOf(length: number): { readonly destination: Ip; readonly ttl: number } | undefined {
  let destination: Ip6 | undefined
  let ttl: number | undefined
  for (let at = 0; at + 16 <= length; ) {
    const size = Number(control.readBigUInt64LE(at))
    if (size < 16) return undefined
    const [level, type] = [control.readInt32LE(at + 8), control.readInt32LE(at + 12)]
    if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO)
      destination = ((control.readBigUInt64BE(at + 16) << 64n) | control.readBigUInt64BE(at + 24)) as Ip6
    if (level === IPPROTO_IPV6 && type === IPV6_HOPLIMIT) ttl = control.readInt32LE(at + 16)
    at += Math.ceil(size / 8) * 8
  }
  return destination === undefined || ttl === undefined ? undefined : { destination, ttl }
}
