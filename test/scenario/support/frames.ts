// Frames of a scenario: put on the wire as they are from any node, and read back layer by layer.

import { formatIp } from '../../../src/base/addresses.ts'
import type { Lab } from '../../../src/lab/held-lab.ts'
import { findNode } from '../../../src/lab/topology.ts'
import { KernelNetwork } from '../../../src/netlink/kernel-network.ts'
import { openNamed } from '../../../src/sys/named-namespace.ts'
import { SOCK_RAW, Socket } from '../../../src/sys/socket.ts'
import { AF_PACKET, packetAddress } from '../../../src/sys/socket-address.ts'
import { type Arp, decodeArp } from '../../../src/wire/arp.ts'
import { decodeEthernet, type Ethernet, etherType } from '../../../src/wire/ethernet.ts'
import { decodeIpv4, type Ipv4, ipProtocol } from '../../../src/wire/ipv4.ts'
import { decodeTcp, type Tcp } from '../../../src/wire/tcp.ts'

/** send puts frames on the wire, in order, out of a node's interface. */
export function send(lab: Lab, node: string, frames: readonly Uint8Array[], device = 'eth0'): void {
  using place = openNamed(findNode(lab.topology, node).namespace)
  place.run(() => {
    using network = new KernelNetwork()
    using socket = Socket.open(AF_PACKET, SOCK_RAW, 0, { blocking: true })
    const ifindex = network.getLink(device)!.index
    for (const frame of frames) {
      const type = new DataView(frame.buffer, frame.byteOffset).getUint16(12)
      socket.send(frame, packetAddress({ ifindex, etherType: type }))
    }
  })
}

/** Read: a frame's headers, as far as there are any. */
export interface Read {
  readonly bytes: Uint8Array
  readonly ether: Ethernet
  readonly arp?: Arp
  readonly ip?: Ipv4
  readonly tcp?: Tcp
}

/** read decodes a frame. Throws PACKET_INVALID. */
export function read(bytes: Uint8Array): Read {
  const { header: ether, payload } = decodeEthernet(bytes)
  if (ether.type === etherType.ARP) return { bytes, ether, arp: decodeArp(payload).header }
  if (ether.type !== etherType.IP) return { bytes, ether }
  const { header: ip, payload: segment } = decodeIpv4(payload)
  if (ip.protocol !== ipProtocol.TCP || ip.fragmentOffset > 0) return { bytes, ether, ip }
  return { bytes, ether, ip, tcp: decodeTcp(segment).header }
}

/** from and to: a TCP frame's ends, as text. */
export const from = ({ ip, tcp }: Read): string => `${formatIp(ip!.source)}:${tcp!.source}`
export const to = ({ ip, tcp }: Read): string => `${formatIp(ip!.destination)}:${tcp!.destination}`
