// What a network device does for its senders. A veth promises checksums and big segments because its other end may do
// without; where frames leave the machine by a program, they have to be in the frames. Reference: ethtool(8) -K,
// linux/ethtool.h struct ethtool_value, netdevice(7).

import { addressOf } from './memory.ts'
import { SOCK_DGRAM, Socket } from './socket.ts'
import { AF_INET } from './socket-address.ts'
import { during, nativeCall } from './syscall.ts'

const ioctl = nativeCall('ioctl', 'int', ['int', 'size_t', 'buffer'])

const SIOCETHTOOL = 0x8946
const ETHTOOL_STXCSUM = 0x17
const IFNAMSIZ = 16

/**
 * ownChecksums: from now on the kernel puts checksums into what leaves by an interface of this thread's namespace, and cuts it
 * into segments. Throws SyscallError.
 */
export function ownChecksums(nic: string): void {
  const value = Buffer.alloc(8)
  value.writeUInt32LE(ETHTOOL_STXCSUM, 0)
  // struct ifreq: the name, then a pointer
  const request = Buffer.alloc(40)
  request.write(nic, 0, IFNAMSIZ - 1)
  request.writeBigUInt64LE(addressOf(value), IFNAMSIZ)
  using socket = Socket.open(AF_INET, SOCK_DGRAM, 0)
  during(`checksums of ${nic}`, () => ioctl(socket.fd.number, SIOCETHTOOL, request))
}
