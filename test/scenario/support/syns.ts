// Very many SYNs from clients that are not there: each its own flow, which nobody will ever go on with. What answers come
// go to the node that sends them, and are thrown away there.

import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import type { Lab } from '../../../src/lab/held-lab.ts'
import { batch } from '../../../src/lab/run.ts'
import { findNode, type LabNode, nodesOf } from '../../../src/lab/topology.ts'
import { KernelNetwork } from '../../../src/netlink/kernel-network.ts'
import { openNamed } from '../../../src/sys/named-namespace.ts'
import { SOCK_RAW, Socket } from '../../../src/sys/socket.ts'
import { AF_PACKET, packetAddress } from '../../../src/sys/socket-address.ts'
import { isErrno } from '../../../src/sys/syscall.ts'
import { updateChecksum } from '../../../src/wire/checksum.ts'
import { etherType } from '../../../src/wire/ethernet.ts'
import { ether, ipv4, packet, tcp } from '../../../src/wire/packet.ts'
import { tcpFlag } from '../../../src/wire/tcp.ts'

/** SYN_NETWORK: whom the SYNs are from: 10.76.0.0 to 10.79.255.255. */
const SYN_NETWORK = '10.76.0.0/14'
/** Frames sent before others get a turn. */
const BURST = 256
/** Where fields are in a frame: Ethernet, IPv4 without options, TCP. */
const [IP_CHECKSUM, IP_SOURCE_LOW, TCP_SOURCE, TCP_CHECKSUM] = [24, 28, 34, 50]

/** Syns: `count` of them to a service, of which no two have the same source, nor any of another `group` (0..3). */
export interface Syns {
  readonly address: string
  readonly port: number
  readonly count: number
  readonly group: number
}

/** answerSyns: servers of a lab with dsr know the way back to those clients; with nat it is their default route. */
export async function answerSyns(lab: Lab): Promise<void> {
  const client = findNode(lab.topology, 'client') as LabNode
  for (const { namespace } of nodesOf(lab.topology, 'server'))
    await batch(namespace, [`route add ${SYN_NETWORK} via ${client.address}`])
}

/** sendSyns resolves when all are sent, as fast as one CPU can. */
export async function sendSyns(lab: Lab, { address, port, count, group }: Syns): Promise<void> {
  const [client, lb1] = ['client', 'lb1'].map((name) => findNode(lab.topology, name) as LabNode)
  const frame = packet(
    ether({ destination: lb1!.mac, source: client!.mac }),
    ipv4({ source: `10.${76 + group}.0.0`, destination: address }),
    tcp({ source: 0, destination: port, flags: tcpFlag.SYN }),
  )
  const view = new DataView(frame.buffer, frame.byteOffset)
  const [ipSum, tcpSum] = [view.getUint16(IP_CHECKSUM), view.getUint16(TCP_CHECKSUM)]
  using place = openNamed(client!.namespace)
  using socket = place.run(() => Socket.open(AF_PACKET, SOCK_RAW, 0, { blocking: true }))
  const ifindex = place.run(() => {
    using network = new KernelNetwork()
    return network.getLink('eth0')!.index
  })
  const to = packetAddress({ ifindex, etherType: etherType.IP })
  for (let at = 0; at < count; at++) {
    const [host, source] = [at & 0xffff, 1024 + (at >>> 16)]
    view.setUint16(IP_SOURCE_LOW, host)
    view.setUint16(TCP_SOURCE, source)
    view.setUint16(IP_CHECKSUM, updateChecksum(ipSum, 0, host))
    view.setUint16(TCP_CHECKSUM, updateChecksum(updateChecksum(tcpSum, 0, host), 0, source))
    while (!accepted(socket, frame, to)) await delay(1)
    if (at % BURST === BURST - 1) await turn()
  }
}

/** accepted: false where a queue of the kernel is full. */
function accepted(socket: Socket, frame: Uint8Array, to: Uint8Array): boolean {
  try {
    return socket.send(frame, to)
  } catch (error) {
    if (isErrno(error, 'ENOBUFS')) return false
    throw error
  }
}
