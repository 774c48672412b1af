// The RST that answers a segment, assembled from the segment's own parts (RFC 9293 3.10.7.1).

import { ether, ipv4, ipv6, packet, tcp } from '../../wire/packet.ts'
import { tcpFlag } from '../../wire/tcp.ts'
import { client, client6, own, router, vip, vip6 } from './fixture.ts'
import type { Parts } from './vector.ts'

const { SYN, FIN, RST, ACK } = tcpFlag

/** resetOf: the frame that the client gets. Absent parts are those of vector.ts. */
export function resetOf({ ether: outer, ip, ip6, tcp: segment = {}, payload = '' }: Parts): Uint8Array {
  const { source = 40_000, destination = 80, sequence = 0, acknowledgment = 0, flags = SYN } = segment
  const length = payload.length + (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0)
  const tells =
    flags & ACK
      ? { sequence: acknowledgment, flags: RST }
      : { acknowledgment: (sequence + length) >>> 0, flags: RST | ACK }
  return packet(
    ether({ destination: outer?.source ?? router, source: own }),
    ip6
      ? ipv6({ source: ip6.destination ?? vip6, destination: ip6.source ?? client6, hopLimit: 64 })
      : ipv4({
          source: ip?.destination ?? vip,
          destination: ip?.source ?? client,
          ttl: 64,
          dontFragment: true,
          identification: 0,
        }),
    tcp({ source: destination, destination: source, window: 0, ...tells }),
  )
}
