// A veth pair whose other end is in another network namespace, and what its ends need to be used: up, without ARP, with a
// route for everything (linux/rtnetlink.h, linux/veth.h, linux/if_link.h). Both ends go when one is removed.

import type { Mac } from '../base/addresses.ts'
import type { NetworkNamespace } from '../sys/namespace.ts'
import { AF_INET, AF_INET6 } from '../sys/socket-address.ts'
import { isErrno } from '../sys/syscall.ts'
import { macAttribute, nested, textAttribute, u32Attribute } from './attributes.ts'
import { NLM_F_CREATE, NLM_F_EXCL } from './message.ts'
import type { Netlink } from './netlink.ts'
import { RTM_NEWROUTE } from './routes.ts'

const RTM_NEWLINK = 16
const RTM_DELLINK = 17
const IFINFOMSG = 16
const IFLA_ADDRESS = 1
const IFLA_IFNAME = 3
const IFLA_MTU = 4
const IFLA_LINKINFO = 18
const IFLA_NET_NS_FD = 28
const IFLA_INFO_KIND = 1
const IFLA_INFO_DATA = 2
const VETH_INFO_PEER = 1
const IFF_UP = 0x1
const IFF_NOARP = 0x80

const RTMSG = 12
const RT_TABLE_MAIN = 254
const RTPROT_STATIC = 4
const RT_SCOPE_LINK = 253
const RTN_UNICAST = 1
const RTA_OIF = 4

/** NewVeth: names of both ends; the second is `peer`, in `namespace`, with `mac`. */
export interface NewVeth {
  readonly name: string
  readonly peer: string
  readonly mac: Mac
  readonly namespace: NetworkNamespace
  readonly mtu: number
}

/** addVeth makes a pair. Throws NetlinkError (EEXIST; EOPNOTSUPP: a kernel without veth). */
export function addVeth(netlink: Netlink, { name, peer, mac, namespace, mtu }: NewVeth): void {
  const other = Buffer.concat([
    header(),
    textAttribute(IFLA_IFNAME, peer),
    macAttribute(IFLA_ADDRESS, mac),
    u32Attribute(IFLA_MTU, mtu),
    u32Attribute(IFLA_NET_NS_FD, namespace.fd.number),
  ])
  const info = nested(
    IFLA_LINKINFO,
    textAttribute(IFLA_INFO_KIND, 'veth'),
    nested(IFLA_INFO_DATA, nested(VETH_INFO_PEER, other)),
  )
  const payload = Buffer.concat([
    header(),
    textAttribute(IFLA_IFNAME, name),
    u32Attribute(IFLA_MTU, mtu),
    info,
  ])
  netlink.request(`add veth ${name}`, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, payload)
}

/** switchOn an interface. `arp`: whether it asks for MACs; without, frames go to its own, and a program sees to them. */
export function switchOn(netlink: Netlink, ifindex: number, { arp = true } = {}): void {
  const flags = arp ? IFF_UP : IFF_UP | IFF_NOARP
  netlink.request(`switch interface ${ifindex} on`, RTM_NEWLINK, 0, header(ifindex, flags))
}

/** removeLink: false where there is no such interface. Throws NetlinkError. */
export function removeLink(netlink: Netlink, name: string): boolean {
  try {
    const payload = Buffer.concat([header(), textAttribute(IFLA_IFNAME, name)])
    netlink.request(`remove interface ${name}`, RTM_DELLINK, 0, payload)
    return true
  } catch (error) {
    if (isErrno(error, 'ENODEV')) return false
    throw error
  }
}

/** addDefaultRoute: everything of a family goes out of an interface, with no router between. Throws NetlinkError. */
export function addDefaultRoute(netlink: Netlink, family: 4 | 6, ifindex: number): void {
  const route = Buffer.alloc(RTMSG)
  route.writeUInt8(family === 4 ? AF_INET : AF_INET6, 0)
  route.writeUInt8(RT_TABLE_MAIN, 4)
  route.writeUInt8(RTPROT_STATIC, 5)
  route.writeUInt8(RT_SCOPE_LINK, 6)
  route.writeUInt8(RTN_UNICAST, 7)
  const payload = Buffer.concat([route, u32Attribute(RTA_OIF, ifindex)])
  netlink.request('add default route', RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, payload)
}

/** header: struct ifinfomsg; `flags` are set, all others left. */
function header(index = 0, flags = 0): Buffer {
  const bytes = Buffer.alloc(IFINFOMSG)
  bytes.writeInt32LE(index, 4)
  bytes.writeUInt32LE(flags, 8)
  bytes.writeUInt32LE(flags, 12)
  return bytes
}
