// Addresses of interfaces: list, add, remove (linux/rtnetlink.h struct ifaddrmsg, linux/if_addr.h). An address
// may have a lifetime that the kernel counts down, and a mark of who added it (IFA_PROTO), which lets a daemon
// know its own after a restart. Left out: point-to-point peers, broadcast addresses, labels.

import { formatIp, type Ip, isIp4 } from '../base/addresses.ts'
import { AF_INET, AF_INET6, AF_UNSPEC } from '../sys/socket-address.ts'
import { isErrno } from '../sys/syscall.ts'
import {
  attribute,
  decodeAttributes,
  ipAttribute,
  malformed,
  readIp,
  readU8,
  readU32,
  u8Attribute,
  u32Attribute,
} from './attributes.ts'
import { TENBIN_PROTOCOL } from './mark.ts'
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from './message.ts'
import type { Netlink } from './netlink.ts'

/** Message types of addresses. */
export const RTM_NEWADDR = 20
export const RTM_DELADDR = 21
const RTM_GETADDR = 22

const IFADDRMSG = 8
const IFA_ADDRESS = 1
const IFA_LOCAL = 2
const IFA_CACHEINFO = 6
const IFA_FLAGS = 8
const IFA_PROTO = 11

const IFA_F_SECONDARY = 0x01
const IFA_F_NODAD = 0x02
const IFA_F_DADFAILED = 0x08
const IFA_F_DEPRECATED = 0x20
const IFA_F_TENTATIVE = 0x40
/** FOREVER: the `validS` of an address that stays; what the kernel lists with it has no lifetime. */
export const FOREVER = 0xffffffff

/** Lifetime: whole seconds left. Past `preferredS` the address is not chosen as a source, past `validS` it is gone. */
export interface Lifetime {
  readonly validS: number
  readonly preferredS: number
}

/** InterfaceAddress: an address that an interface holds. */
export interface InterfaceAddress {
  /** Interface index. */
  readonly ifindex: number
  readonly address: Ip
  readonly prefix: number
  /** Absent: for ever. */
  readonly lifetime?: Lifetime
  /** IFA_PROTO: who added it; 0 where nobody said, 1..3 are the kernel's own, TENBIN_PROTOCOL is ours. */
  readonly protocol: number
  /** IPv4: goes with the primary address of its prefix. IPv6: a temporary address. */
  readonly isSecondary: boolean
  /** IPv6: not yet known to be unique (RFC 4862), so not usable. */
  readonly isTentative: boolean
  /** IPv6: somebody else has it. */
  readonly isDuplicate: boolean
  readonly isDeprecated: boolean
}

/** NewAddress: what to add. */
export interface NewAddress {
  readonly ifindex: number
  readonly address: Ip
  readonly prefix: number
  /** Absent: for ever. `preferredS` is at most `validS`, and `validS` at least 1. */
  readonly lifetime?: Lifetime
  /** IPv6: usable at once, without duplicate address detection. */
  readonly nodad?: boolean
  /** IFA_PROTO; TENBIN_PROTOCOL where absent. */
  readonly protocol?: number
}

/** listAddresses: of all interfaces, or of the one with this index; IPv4 first. An interface that is gone has none. */
export function listAddresses(netlink: Netlink, ifindex?: number): InterfaceAddress[] {
  try {
    // All families at once: a kernel without IPv6 answers a question for that family alone with all of them.
    return netlink
      .dump('list addresses', RTM_GETADDR, header(AF_UNSPEC, 0, ifindex ?? 0))
      .map(({ payload }) => decodeAddress(payload))
      .filter((address) => address !== undefined)
      .filter((address) => ifindex === undefined || address.ifindex === ifindex)
  } catch (error) {
    if (isErrno(error, 'ENODEV')) return []
    throw error
  }
}

/**
 * addAddress gives an address to an interface. Throws NetlinkError, with errno EEXIST where the interface
 * has the address and prefix already (not with `replace`, which sets its lifetime anew).
 */
export function addAddress(netlink: Netlink, address: NewAddress, { replace = false } = {}): void {
  const flags = NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL)
  netlink.request(`add address ${written(address)}`, RTM_NEWADDR, flags, encodeAddress(address))
}

/**
 * removeAddress takes an address from an interface; false where it did not have it. Removing an IPv4 primary
 * address takes its secondary ones with it unless the sysctl promote_secondaries is on. Throws NetlinkError.
 */
export function removeAddress(
  netlink: Netlink,
  address: Pick<NewAddress, 'ifindex' | 'address' | 'prefix'>,
): boolean {
  const payload = encodeAddress(address)
  try {
    netlink.request(`remove address ${written(address)}`, RTM_DELADDR, 0, payload)
    return true
  } catch (error) {
    if (isErrno(error, 'EADDRNOTAVAIL', 'ENODEV')) return false
    throw error
  }
}

const written = ({ address, prefix }: Pick<NewAddress, 'address' | 'prefix'>): string =>
  `${formatIp(address)}/${prefix}`

function header(family: number, prefix: number, ifindex: number): Buffer {
  const bytes = Buffer.alloc(IFADDRMSG)
  bytes.writeUInt8(family, 0)
  bytes.writeUInt8(prefix, 1)
  bytes.writeUInt32LE(ifindex, 4)
  return bytes
}

/** encodeAddress: the payload of RTM_NEWADDR and RTM_DELADDR. */
export function encodeAddress({
  ifindex,
  address,
  prefix,
  lifetime,
  nodad,
  protocol = TENBIN_PROTOCOL,
}: NewAddress): Buffer {
  const parts = [header(isIp4(address) ? AF_INET : AF_INET6, prefix, ifindex)]
  parts.push(ipAttribute(IFA_LOCAL, address), ipAttribute(IFA_ADDRESS, address))
  if (nodad) parts.push(u32Attribute(IFA_FLAGS, IFA_F_NODAD))
  if (lifetime) {
    const cache = Buffer.alloc(16)
    cache.writeUInt32LE(lifetime.preferredS, 0)
    cache.writeUInt32LE(lifetime.validS, 4)
    parts.push(attribute(IFA_CACHEINFO, cache))
  }
  parts.push(u8Attribute(IFA_PROTO, protocol))
  return Buffer.concat(parts)
}

/** decodeAddress reads RTM_NEWADDR or RTM_DELADDR; undefined for other families. Throws NETLINK_MALFORMED. */
export function decodeAddress(payload: Buffer): InterfaceAddress | undefined {
  if (payload.length < IFADDRMSG) throw malformed(`an address message of ${payload.length} bytes`)
  const family = payload.readUInt8(0)
  if (family !== AF_INET && family !== AF_INET6) return undefined
  const attributes = decodeAttributes(payload.subarray(IFADDRMSG))
  // With a point-to-point peer IFA_ADDRESS is the peer; IPv6 without one has IFA_ADDRESS only.
  const address = readIp(attributes, IFA_LOCAL) ?? readIp(attributes, IFA_ADDRESS)
  if (address === undefined) throw malformed('an address message without an address')
  const flags = readU32(attributes, IFA_FLAGS) ?? payload.readUInt8(2)
  const cache = attributes.get(IFA_CACHEINFO)
  if (cache && cache.length < 8) throw malformed(`an address's cache information of ${cache.length} bytes`)
  const validS = cache?.readUInt32LE(4) ?? FOREVER
  return {
    ifindex: payload.readUInt32LE(4),
    address,
    prefix: payload.readUInt8(1),
    ...(cache && validS !== FOREVER && { lifetime: { validS, preferredS: cache.readUInt32LE(0) } }),
    protocol: readU8(attributes, IFA_PROTO) ?? 0,
    isSecondary: (flags & IFA_F_SECONDARY) !== 0,
    isTentative: (flags & IFA_F_TENTATIVE) !== 0,
    isDuplicate: (flags & IFA_F_DADFAILED) !== 0,
    isDeprecated: (flags & IFA_F_DEPRECATED) !== 0,
  }
}
