// Links: the network interfaces of a namespace, as rtnetlink tells of them (linux/rtnetlink.h struct ifinfomsg,
// linux/if_link.h, linux/if.h). Reads only: what an interface is, whether frames can leave by it, and which XDP
// program sits on it. Left out: creating and changing interfaces, statistics, virtual functions.

import type { Mac } from '../base/addresses.ts'
import { isErrno } from '../sys/syscall.ts'
import {
  type Attributes,
  decodeAttributes,
  malformed,
  readMac,
  readNested,
  readText,
  readU8,
  readU32,
  textAttribute,
  u32Attribute,
} from './attributes.ts'
import type { Netlink } from './netlink.ts'

/** Message types of links. */
export const RTM_NEWLINK = 16
export const RTM_DELLINK = 17
const RTM_GETLINK = 18

const IFINFOMSG = 16
const IFF_UP = 1
const IFF_LOOPBACK = 8
const IFF_PROMISC = 0x100
const IFF_LOWER_UP = 0x10000

const IFLA_ADDRESS = 1
const IFLA_IFNAME = 3
const IFLA_MTU = 4
const IFLA_MASTER = 10
const IFLA_LINKINFO = 18
const IFLA_INFO_KIND = 1
const IFLA_EXT_MASK = 29
const RTEXT_FILTER_SKIP_STATS = 8
const IFLA_XDP = 43
const IFLA_XDP_ATTACHED = 2
const IFLA_XDP_PROG_ID = 4
const IFLA_XDP_DRV_PROG_ID = 5
const IFLA_XDP_SKB_PROG_ID = 6
const IFLA_XDP_HW_PROG_ID = 7

/** IFNAMSIZ with its terminating zero: an interface name has at most 15 bytes. */
const IFNAMSIZ = 16

/** XdpMode: native = in the driver, generic = behind it, offload = in the NIC. */
export type XdpMode = 'native' | 'generic' | 'offload'

/** XdpAttachment: a program on an interface; one interface can carry one of each mode. */
export interface XdpAttachment {
  readonly mode: XdpMode
  /** The program's id, as bpftool prints it. */
  readonly programId: number
}

/** Link: a network interface. */
export interface Link {
  readonly index: number
  readonly name: string
  /** Absent where the interface has no Ethernet address. */
  readonly mac?: Mac
  readonly mtu: number
  /** IFF_UP: switched on by the administrator. */
  readonly isUp: boolean
  /** IFF_LOWER_UP: there is a carrier. */
  readonly isLowerUp: boolean
  readonly isLoopback: boolean
  readonly isPromiscuous: boolean
  /** The bridge or bond it belongs to, by index. */
  readonly master?: number
  /** Its driver's name for software devices: veth, bridge, vlan; absent for hardware. */
  readonly kind?: string
  readonly xdp: readonly XdpAttachment[]
}

/** isUsable: frames can leave by it. */
export const isUsable = (link: Link): boolean => link.isUp && link.isLowerUp

/** listLinks: all interfaces of the namespace, by rising index. */
export const listLinks = (netlink: Netlink): Link[] =>
  netlink
    .dump('list interfaces', RTM_GETLINK, request(0, u32Attribute(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)))
    .map(({ payload }) => decodeLink(payload))
    .filter((link) => link !== undefined)

/** getLink: one interface by name or index; undefined where there is none. Throws NetlinkError. */
export function getLink(netlink: Netlink, which: string | number): Link | undefined {
  if (typeof which === 'string' && (which === '' || Buffer.byteLength(which) >= IFNAMSIZ)) return undefined
  const mask = u32Attribute(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)
  const payload =
    typeof which === 'number' ? request(which, mask) : request(0, mask, textAttribute(IFLA_IFNAME, which))
  try {
    const answers = netlink.request(`look up interface ${which}`, RTM_GETLINK, 0, payload)
    return answers.map((answer) => decodeLink(answer.payload)).find((link) => link !== undefined)
  } catch (error) {
    if (isErrno(error, 'ENODEV')) return undefined
    throw error
  }
}

function request(index: number, ...attributes: Buffer[]): Buffer {
  const header = Buffer.alloc(IFINFOMSG)
  header.writeInt32LE(index, 4)
  return Buffer.concat([header, ...attributes])
}

/**
 * decodeLink reads the payload of RTM_NEWLINK or RTM_DELLINK. Undefined for what a family says about its part
 * of an interface: a port that leaves a bridge is an RTM_DELLINK of AF_BRIDGE. Throws NETLINK_MALFORMED.
 */
export function decodeLink(payload: Buffer): Link | undefined {
  if (payload.length < IFINFOMSG) throw malformed(`a link message of ${payload.length} bytes`)
  if (payload.readUInt8(0) !== 0) return undefined
  const flags = payload.readUInt32LE(8)
  const attributes = decodeAttributes(payload.subarray(IFINFOMSG))
  const name = readText(attributes, IFLA_IFNAME)
  if (name === undefined) throw malformed('a link without a name')
  const mac = readMac(attributes, IFLA_ADDRESS)
  const master = readU32(attributes, IFLA_MASTER)
  const info = readNested(attributes, IFLA_LINKINFO)
  const kind = info && readText(info, IFLA_INFO_KIND)
  const xdp = readNested(attributes, IFLA_XDP)
  return {
    index: payload.readInt32LE(4),
    name,
    ...(mac !== undefined && { mac }),
    mtu: readU32(attributes, IFLA_MTU) ?? 0,
    isUp: (flags & IFF_UP) !== 0,
    isLowerUp: (flags & IFF_LOWER_UP) !== 0,
    isLoopback: (flags & IFF_LOOPBACK) !== 0,
    isPromiscuous: (flags & IFF_PROMISC) !== 0,
    ...(master !== undefined && master !== 0 && { master }),
    ...(kind !== undefined && { kind }),
    xdp: xdp ? attachments(xdp) : [],
  }
}

// With one program IFLA_XDP_PROG_ID names it and IFLA_XDP_ATTACHED its mode; with several (XDP_ATTACHED_MULTI)
// only the attributes by mode do. Kernels write those in both cases, the mode's own byte is the fallback.
function attachments(xdp: Attributes): XdpAttachment[] {
  const found: XdpAttachment[] = []
  const byMode = [
    ['native', IFLA_XDP_DRV_PROG_ID],
    ['generic', IFLA_XDP_SKB_PROG_ID],
    ['offload', IFLA_XDP_HW_PROG_ID],
  ] as const
  for (const [mode, type] of byMode) {
    const programId = readU32(xdp, type)
    if (programId) found.push({ mode, programId })
  }
  const alone = readU32(xdp, IFLA_XDP_PROG_ID)
  const mode = byMode[(readU8(xdp, IFLA_XDP_ATTACHED) ?? 0) - 1]?.[0]
  if (found.length === 0 && alone && mode) found.push({ mode, programId: alone })
  return found
}
