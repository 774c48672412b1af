// Neighbours: the kernel's table of MACs by address (linux/rtnetlink.h, linux/neighbour.h struct ndmsg). We do
// not speak ARP or neighbour discovery: manageNeighbour makes the kernel resolve an address and keep it resolved (NTF_EXT_MANAGED, Linux 5.16),
// probing it every few seconds for as long as the entry lives. An entry that the administrator made permanent is
// never touched: NTF_USE would take its permanence away. Left out: proxy entries and bridge forwarding tables.

import { formatIp, type Ip, isIp4, type Mac } from '../base/addresses.ts'
import { AF_INET, AF_INET6, AF_UNSPEC } from '../sys/socket-address.ts'
import { isErrno } from '../sys/syscall.ts'
import {
  decodeAttributes,
  ipAttribute,
  malformed,
  readIp,
  readMac,
  readU8,
  readU32,
  u8Attribute,
  u32Attribute,
} from './attributes.ts'
import { TENBIN_PROTOCOL } from './mark.ts'
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from './message.ts'
import type { Netlink } from './netlink.ts'

/** Message types of neighbours. */
export const RTM_NEWNEIGH = 28
export const RTM_DELNEIGH = 29
const RTM_GETNEIGH = 30

const NDMSG = 12
const NDA_DST = 1
const NDA_LLADDR = 2
const NDA_IFINDEX = 8
const NDA_PROTOCOL = 12
const NDA_FLAGS_EXT = 15

const NTF_USE = 0x01
const NTF_PROXY = 0x08
const NTF_EXT_LEARNED = 0x10
const NTF_EXT_MANAGED = 0x01

/** nudStates: the kernel's neighbour states (NUD_) by their bit; an entry has one of them, or none: NONE. */
const nudStates = {
  INCOMPLETE: 0x01,
  REACHABLE: 0x02,
  STALE: 0x04,
  DELAY: 0x08,
  PROBE: 0x10,
  FAILED: 0x20,
  NOARP: 0x40,
  PERMANENT: 0x80,
  NONE: 0,
} as const

/** NudState: the kernel's word for what it knows about a neighbour. */
export type NudState = keyof typeof nudStates

/** NeighbourEntry: an entry of the kernel's neighbour table. */
export interface NeighbourEntry {
  /** Interface index. */
  readonly ifindex: number
  readonly address: Ip
  /** Absent while it is not known; a FAILED entry may still carry its last one. */
  readonly mac?: Mac
  readonly state: NudState
  /** NTF_EXT_MANAGED: the kernel keeps it resolved. */
  readonly isManaged: boolean
  /** NDA_PROTOCOL: who put it there; 0 where nobody said, TENBIN_PROTOCOL is ours. */
  readonly protocol: number
  /** NTF_EXT_LEARNED: a routing daemon put it there. */
  readonly isExternallyLearned: boolean
}

/** listNeighbours: all entries, or those of one interface; IPv4 first. */
export function listNeighbours(netlink: Netlink, ifindex?: number): NeighbourEntry[] {
  const filter = ifindex === undefined ? Buffer.alloc(0) : u32Attribute(NDA_IFINDEX, ifindex)
  return netlink
    .dump('list neighbours', RTM_GETNEIGH, Buffer.concat([header(AF_UNSPEC), filter]))
    .map(({ payload }) => decodeNeighbour(payload))
    .filter((entry) => entry !== undefined)
    .filter((entry) => ifindex === undefined || entry.ifindex === ifindex)
}

/** getNeighbour: one entry; undefined where there is none. Throws NetlinkError. */
export function getNeighbour(netlink: Netlink, ifindex: number, address: Ip): NeighbourEntry | undefined {
  const payload = Buffer.concat([header(family(address), ifindex), ipAttribute(NDA_DST, address)])
  try {
    const answers = netlink.request(`look up neighbour ${formatIp(address)}`, RTM_GETNEIGH, 0, payload)
    return answers.map((answer) => decodeNeighbour(answer.payload)).find((entry) => entry !== undefined)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENODEV')) return undefined
    throw error
  }
}

/**
 * manageNeighbour makes the kernel resolve an address on a link and keep it resolved. PERMANENT and NOARP entries
 * stay as they are. Safe to repeat. Throws NetlinkError (ENODEV, EPERM, EINVAL before Linux 5.16).
 */
export function manageNeighbour(netlink: Netlink, ifindex: number, address: Ip): void {
  const op = `manage neighbour ${formatIp(address)}`
  const payload = encodeManaged(ifindex, address, 0)
  try {
    netlink.request(op, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, payload)
    return
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  }
  const entry = getNeighbour(netlink, ifindex, address)
  if (entry && (entry.isManaged || entry.state === 'PERMANENT' || entry.state === 'NOARP')) return
  const flags = entry?.isExternallyLearned ? NTF_EXT_LEARNED : 0
  const managed = encodeManaged(ifindex, address, flags)
  netlink.request(op, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, managed)
}

/** unmanageNeighbour removes an entry if manageNeighbour made it a managed one; false where it left things alone. */
export function unmanageNeighbour(netlink: Netlink, ifindex: number, address: Ip): boolean {
  const entry = getNeighbour(netlink, ifindex, address)
  if (!entry?.isManaged || entry.protocol !== TENBIN_PROTOCOL) return false
  const payload = Buffer.concat([header(family(address), ifindex), ipAttribute(NDA_DST, address)])
  try {
    netlink.request(`remove neighbour ${formatIp(address)}`, RTM_DELNEIGH, 0, payload)
    return true
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENODEV')) return false
    throw error
  }
}

const family = (address: Ip): number => (isIp4(address) ? AF_INET : AF_INET6)

function header(family: number, ifindex = 0, flags = 0): Buffer {
  const bytes = Buffer.alloc(NDMSG)
  bytes.writeUInt8(family, 0)
  bytes.writeInt32LE(ifindex, 4)
  bytes.writeUInt8(flags, 10)
  return bytes
}

/** encodeManaged: the payload of an RTM_NEWNEIGH that makes an entry managed and starts to resolve it. */
export const encodeManaged = (ifindex: number, address: Ip, flags: number): Buffer =>
  Buffer.concat([
    header(family(address), ifindex, NTF_USE | flags),
    ipAttribute(NDA_DST, address),
    u32Attribute(NDA_FLAGS_EXT, NTF_EXT_MANAGED),
    u8Attribute(NDA_PROTOCOL, TENBIN_PROTOCOL),
  ])

/**
 * decodeNeighbour reads RTM_NEWNEIGH or RTM_DELNEIGH; undefined for other families (bridges tell of their
 * forwarding table in the same group) and for proxy entries. Throws NETLINK_MALFORMED.
 */
export function decodeNeighbour(payload: Buffer): NeighbourEntry | undefined {
  if (payload.length < NDMSG) throw malformed(`a neighbour message of ${payload.length} bytes`)
  const family = payload.readUInt8(0)
  const flags = payload.readUInt8(10)
  if ((family !== AF_INET && family !== AF_INET6) || flags & NTF_PROXY) return undefined
  const attributes = decodeAttributes(payload.subarray(NDMSG))
  const address = readIp(attributes, NDA_DST)
  if (address === undefined) throw malformed('a neighbour message without an address')
  const mac = readMac(attributes, NDA_LLADDR)
  return {
    ifindex: payload.readInt32LE(4),
    address,
    ...(mac !== undefined && { mac }),
    state: stateName(payload.readUInt16LE(8)),
    isManaged: ((readU32(attributes, NDA_FLAGS_EXT) ?? 0) & NTF_EXT_MANAGED) !== 0,
    protocol: readU8(attributes, NDA_PROTOCOL) ?? 0,
    isExternallyLearned: (flags & NTF_EXT_LEARNED) !== 0,
  }
}

function stateName(bits: number): NudState {
  for (const [name, bit] of Object.entries(nudStates)) if (bits & bit) return name as NudState
  return 'NONE'
}
