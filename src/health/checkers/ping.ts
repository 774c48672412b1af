// ping: an ICMP echo request is answered, IPv4 or IPv6. By a raw socket, since ping sockets depend on a sysctl; the
// kernel shows raw sockets every echo reply from that address, so ours is known by id, number and payload.
// References: RFC 792, RFC 4443 4.1 and 4.2, raw(7).

import { randomBytes } from 'node:crypto'
import { isIp4 } from '../../base/addresses.ts'
import { SOCK_RAW } from '../../sys/socket.ts'
import { checksum } from '../../wire/checksum.ts'
import { type Checker, good, type Target } from '../checker.ts'
import { Datagrams } from '../datagrams.ts'

const IPPROTO_ICMP = 1
const IPPROTO_ICMPV6 = 58
/** Of IPv4 and IPv6: echo request and echo reply. */
const types = { 4: [8, 0], 6: [128, 129] } as const
const HEADER = 8

/** ping: a checker of one target, whose port does not matter. */
export function ping(target: Target): Checker {
  const family = isIp4(target.address) ? 4 : 6
  const [request, reply] = types[family]
  return async (look) => {
    look.doing = 'send'
    const protocol = family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6
    const datagrams = new Datagrams(look, { ...target, port: 0 }, SOCK_RAW, protocol)
    const echo = Buffer.concat([Buffer.from([request, 0, 0, 0]), randomBytes(20)])
    // Of ICMPv6 the kernel makes it, which knows the source address.
    if (family === 4) echo.writeUInt16BE(checksum(echo), 2)
    datagrams.send(echo)
    look.doing = 'echo reply'
    for (;;) {
      const message = icmpOf(family, await datagrams.receive())
      // What id, number and payload are is random; what comes back must be the same.
      if (message[0] === reply && message.subarray(HEADER - 4).equals(echo.subarray(HEADER - 4)))
        return good('answers')
    }
  }
}

/** icmpOf: IPv4's raw sockets show the IP header, IPv6's do not (raw(7), RFC 3542 3). */
const icmpOf = (family: 4 | 6, bytes: Buffer): Buffer =>
  family === 6 ? bytes : bytes.subarray(((bytes[0] ?? 0) & 0xf) * 4)
