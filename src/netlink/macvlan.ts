// A macvlan: a second MAC on a NIC, as an interface of its own (linux/if_link.h IFLA_MACVLAN_MODE, drivers/net/macvlan.c).
// Frames to its MAC that come in by the NIC are its own while it is up.

import type { Mac } from '../base/addresses.ts'
import { macAttribute, nested, textAttribute, u32Attribute } from './attributes.ts'
import { RTM_NEWLINK } from './links.ts'
import { NLM_F_CREATE, NLM_F_EXCL } from './message.ts'
import type { Netlink } from './netlink.ts'

const IFINFOMSG = 16
const IFLA_ADDRESS = 1
const IFLA_IFNAME = 3
const IFLA_LINK = 5
const IFLA_LINKINFO = 18
const IFLA_INFO_KIND = 1
const IFLA_INFO_DATA = 2
const IFLA_MACVLAN_MODE = 1
/**
 * All that it sends leaves by the NIC. With a private one multicast frames from its own MAC, such as those of another node
 * that believes to have it, would not reach the NIC's own sockets.
 */
const MACVLAN_MODE_VEPA = 2
const IFF_UP = 0x1

/** NewMacvlan: `parent` is the NIC's index. */
export interface NewMacvlan {
  readonly name: string
  readonly parent: number
  readonly mac: Mac
}

/** addMacvlan makes one that is down. Throws NetlinkError (EEXIST; EADDRINUSE: the NIC has one with this MAC; EOPNOTSUPP). */
export function addMacvlan(netlink: Netlink, { name, parent, mac }: NewMacvlan): void {
  const payload = Buffer.concat([
    header(0, 0),
    textAttribute(IFLA_IFNAME, name),
    macAttribute(IFLA_ADDRESS, mac),
    u32Attribute(IFLA_LINK, parent),
    nested(
      IFLA_LINKINFO,
      textAttribute(IFLA_INFO_KIND, 'macvlan'),
      nested(IFLA_INFO_DATA, u32Attribute(IFLA_MACVLAN_MODE, MACVLAN_MODE_VEPA)),
    ),
  ])
  netlink.request(`add macvlan ${name}`, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, payload)
}

/** switchLink on or off. Throws NetlinkError (ENODEV). */
export function switchLink(netlink: Netlink, ifindex: number, isOn: boolean): void {
  netlink.request(
    `switch interface ${ifindex} ${isOn ? 'on' : 'off'}`,
    RTM_NEWLINK,
    0,
    header(ifindex, isOn ? IFF_UP : 0),
  )
}

/** header: struct ifinfomsg; of all flags IFF_UP alone is set or cleared. */
function header(index: number, flags: number): Buffer {
  const bytes = Buffer.alloc(IFINFOMSG)
  bytes.writeInt32LE(index, 4)
  bytes.writeUInt32LE(flags, 8)
  bytes.writeUInt32LE(IFF_UP, 12)
  return bytes
}
