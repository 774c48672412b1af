// Socket addresses (struct sockaddr_*) as bytes: what bind(2), sendto(2) and recvfrom(2) take. Families and ports
// of the kernel's structures are in host order, which is little-endian on every machine that we run on; IP addresses
// and IP ports are in network order. References: linux/netlink.h, linux/if_packet.h, linux/in.h, linux/un.h.

import { type Ip, type Ip4, type Ip6, isIp4, type Mac, macBytes, macFromBytes } from '../base/addresses.ts'

/** Address families (linux/socket.h); AF_UNSPEC is none or all. */
export const AF_UNSPEC = 0
export const AF_UNIX = 1
export const AF_INET = 2
export const AF_INET6 = 10
export const AF_NETLINK = 16
export const AF_PACKET = 17

/** unixAddress: struct sockaddr_un; a name that begins with @ is in the abstract namespace, without a file. */
export function unixAddress(name: string): Buffer {
  const bytes = Buffer.from(`\0\0${name}`)
  bytes.writeUInt16LE(AF_UNIX, 0)
  if (name.startsWith('@')) bytes[2] = 0
  return bytes
}

/** netlinkAddress: struct sockaddr_nl; port 0 is the kernel, or, in bind, "choose one". */
export function netlinkAddress(port = 0): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt16LE(AF_NETLINK, 0)
  bytes.writeUInt32LE(port, 4)
  return bytes
}

/** netlinkPort: whose message it is; 0 is the kernel. */
export const netlinkPort = (address: Buffer): number => address.readUInt32LE(4)

/** PacketAddress: an interface, and the machine on it that a frame goes to or comes from. */
export interface PacketAddress {
  readonly ifindex: number
  /** Ethernet type, host order (linux/if_ether.h); 3 is all of them. */
  readonly etherType: number
  readonly mac?: Mac
}

/** packetAddress: struct sockaddr_ll. */
export function packetAddress({ ifindex, etherType, mac }: PacketAddress): Buffer {
  const bytes = Buffer.alloc(20)
  bytes.writeUInt16LE(AF_PACKET, 0)
  bytes.writeUInt16BE(etherType, 2)
  bytes.writeInt32LE(ifindex, 4)
  if (mac !== undefined) {
    bytes.writeUInt8(6, 11)
    bytes.set(macBytes(mac), 12)
  }
  return bytes
}

/** readPacketAddress: where a received frame came from; without a MAC where the link has no Ethernet addresses. */
export function readPacketAddress(bytes: Buffer): PacketAddress {
  const etherType = bytes.readUInt16BE(2)
  const ifindex = bytes.readInt32LE(4)
  return bytes.readUInt8(11) === 6
    ? { ifindex, etherType, mac: macFromBytes(bytes, 12) }
    : { ifindex, etherType }
}

/** ip4Address: struct sockaddr_in; raw IP sockets take no port. */
export function ip4Address(address: Ip4, port = 0): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt16LE(AF_INET, 0)
  bytes.writeUInt16BE(port, 2)
  bytes.writeUInt32BE(address, 4)
  return bytes
}

/** ip6Address: struct sockaddr_in6, of an address that needs no zone. */
export function ip6Address(address: Ip6, port = 0): Buffer {
  const bytes = Buffer.alloc(28)
  bytes.writeUInt16LE(AF_INET6, 0)
  bytes.writeUInt16BE(port, 2)
  bytes.writeBigUInt64BE(address >> 64n, 8)
  bytes.writeBigUInt64BE(address & 0xffff_ffff_ffff_ffffn, 16)
  return bytes
}

/** ipAddress: struct sockaddr_in or sockaddr_in6, whichever the address is of. */
export const ipAddress = (address: Ip, port = 0): Buffer =>
  isIp4(address) ? ip4Address(address, port) : ip6Address(address, port)

/** readIpAddress: the address of a struct sockaddr_in or sockaddr_in6. */
export const readIpAddress = (bytes: Buffer): Ip =>
  bytes.readUInt16LE(0) === AF_INET
    ? (bytes.readUInt32BE(4) as Ip4)
    : (((bytes.readBigUInt64BE(8) << 64n) | bytes.readBigUInt64BE(16)) as Ip6)

/** ipFamily: AF_INET or AF_INET6. */
export const ipFamily = (address: Ip): number => (isIp4(address) ? AF_INET : AF_INET6)
