// The frames by which an active node tells its neighbours where an address is: a gratuitous ARP (the announcement of RFC
// 5227 3: a request for its own address), or an unsolicited neighbour advertisement with the Override flag (RFC 4861 7.2.6,
// RFC 9568 6.4.2). Pure. Left out: when (announcing.ts), VLAN tags.

import { type Ip, isIp4, type Mac, macBytes } from '../base/addresses.ts'
import { arpOperation } from '../wire/arp.ts'
import { icmp6Type } from '../wire/icmp.ts'
import { ip6Bytes } from '../wire/ipv6.ts'
import { arp, ether, icmp, ipv6, packet } from '../wire/packet.ts'

const BROADCAST = 'ff:ff:ff:ff:ff:ff'
/** ff02::1 and its MAC (RFC 4291 2.7.1, RFC 2464 7). */
const [ALL_NODES, ALL_NODES_MAC] = ['ff02::1', '33:33:00:00:00:01']
/** Flags of a neighbour advertisement, and an option's type and length in units of 8 bytes (RFC 4861 4.4, 4.6.1). */
const [ROUTER, OVERRIDE] = [0x80000000, 0x20000000]
const TARGET_LINK_LAYER_ADDRESS = [2, 1]
/** RFC 4861 7.1.2: any other has crossed a router. */
const HOP_LIMIT = 255

/** announcement: that `ip` is at `mac`. `isRouter`: the Router flag, which must be what the node's kernel says. */
export function announcement(ip: Ip, mac: Mac, isRouter: boolean): Uint8Array {
  if (isIp4(ip))
    return packet(
      ether({ destination: BROADCAST, source: mac }),
      arp({ operation: arpOperation.REQUEST, senderMac: mac, senderIp: ip, targetIp: ip }),
    )
  return packet(
    ether({ destination: ALL_NODES_MAC, source: mac }),
    ipv6({ source: ip, destination: ALL_NODES, hopLimit: HOP_LIMIT }),
    icmp({ type: icmp6Type.NEIGHBOUR_ADVERTISEMENT, rest: isRouter ? ROUTER + OVERRIDE : OVERRIDE }),
    Uint8Array.from([...ip6Bytes(ip), ...TARGET_LINK_LAYER_ADDRESS, ...macBytes(mac)]),
  )
}
