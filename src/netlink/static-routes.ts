// Static routes of the main table: add, remove, and list those with our mark (linux/rtnetlink.h struct rtmsg). Each goes through
// a gateway on the link, with a source that is an address of this machine. Such a route can end by the kernel's hand: in IPv4
// with the address that is its source (fib_sync_down_addr, net/ipv4/fib_semantics.c), in IPv6 when its lifetime is over
// (RTA_EXPIRES). Left out: other tables, several gateways.

import { formatIp, type Ip, isIp4 } from '../base/addresses.ts'
import { formatPrefix, type Prefix } from '../base/prefix.ts'
import { AF_INET, AF_INET6 } from '../sys/socket-address.ts'
import { isErrno } from '../sys/syscall.ts'
import { decodeAttributes, ipAttribute, malformed, readIp, readU32, u32Attribute } from './attributes.ts'
import { TENBIN_PROTOCOL } from './mark.ts'
import { NLM_F_CREATE, NLM_F_EXCL } from './message.ts'
import type { Netlink } from './netlink.ts'
import {
  RTA_DST,
  RTA_GATEWAY,
  RTA_OIF,
  RTA_PREFSRC,
  RTM_DELROUTE,
  RTM_GETROUTE,
  RTM_NEWROUTE,
  RTMSG,
  RTN_UNICAST,
} from './routes.ts'

const RTA_PRIORITY = 6
const RTA_EXPIRES = 23
const RT_TABLE_MAIN = 254
const RT_SCOPE_UNIVERSE = 0

/** StaticRoute: `source`: of what this machine itself sends by it. `metric`: 1 to 2^32-1; absent: the kernel's own (metricOf). */
export interface StaticRoute {
  readonly ifindex: number
  readonly to: Prefix
  readonly gateway: Ip
  readonly source?: Ip
  readonly metric?: number
}

/** metricOf a route, as the kernel has it where none is said (fib_create_info; IP6_RT_PRIO_USER, linux/ipv6_route.h). */
export const metricOf = ({ to, metric }: Pick<StaticRoute, 'to' | 'metric'>): number =>
  metric ?? (isIp4(to.address) ? 0 : 1024)

/** formatRoute writes 10.20.0.0/16 via 192.168.8.1 metric 5, as ip(8) does; the metric where one is said. */
export function formatRoute({ to, gateway, metric }: Pick<StaticRoute, 'to' | 'gateway' | 'metric'>): string {
  const network = to.length === 0 ? 'default' : formatPrefix(to)
  return `${network} via ${formatIp(gateway)}${metric === undefined ? '' : ` metric ${metric}`}`
}

/** NewRoute: `validS`: its lifetime; counts for IPv6 alone. */
export interface NewRoute extends StaticRoute {
  readonly validS?: number
}

/**
 * addStaticRoute, marked as ours. Throws NetlinkError: EEXIST: there is one to the same network with the same metric already,
 * whoever made it; ENETUNREACH, EHOSTUNREACH: the gateway is not on the link; EINVAL: the source is no address of this machine;
 * ENODEV, ENETDOWN.
 */
export function addStaticRoute(netlink: Netlink, route: NewRoute): void {
  netlink.request(
    `add route ${formatRoute(route)}`,
    RTM_NEWROUTE,
    NLM_F_CREATE | NLM_F_EXCL,
    encodeRoute(route),
  )
}

/**
 * renewStaticRoute: the lifetime of one that listStaticRoutes has begins anew; of IPv4 there is nothing to do. Whoever asks has
 * looked just now: beside somebody else's with the same metric this would be a second gateway. Throws NetlinkError.
 */
export function renewStaticRoute(netlink: Netlink, route: NewRoute): void {
  if (isIp4(route.to.address)) return
  try {
    netlink.request(`renew route ${formatRoute(route)}`, RTM_NEWROUTE, NLM_F_CREATE, encodeRoute(route))
  } catch (error) {
    // Of one that is the same IPv6 takes the new lifetime, and says so all the same (fib6_add_rt2node, net/ipv6/ip6_fib.c).
    if (!isErrno(error, 'EEXIST')) throw error
  }
}

/**
 * removeStaticRoute of ours, as listStaticRoutes has it: what is absent the kernel takes for any. False where there is none.
 * Throws NetlinkError.
 */
export function removeStaticRoute(netlink: Netlink, route: StaticRoute): boolean {
  try {
    netlink.request(`remove route ${formatRoute(route)}`, RTM_DELROUTE, 0, encodeRoute(route))
    return true
  } catch (error) {
    if (isErrno(error, 'ESRCH', 'ENODEV')) return false
    throw error
  }
}

/** listStaticRoutes of ours that leave by one interface, IPv4 first. Throws NetlinkError. */
export function listStaticRoutes(netlink: Netlink, ifindex: number): StaticRoute[] {
  return [AF_INET, AF_INET6].flatMap((family) => {
    const filter = Buffer.concat([header(family, 0), u32Attribute(RTA_OIF, ifindex)])
    try {
      return netlink
        .dump('list routes', RTM_GETROUTE, filter)
        .map(({ payload }) => decodeStaticRoute(payload))
        .filter((route) => route !== undefined && route.ifindex === ifindex)
    } catch (error) {
      if (isErrno(error, 'ENODEV', 'ENOENT')) return []
      throw error
    }
  }) as StaticRoute[]
}

function header(
  family: number,
  length: number,
  more: { readonly isNew: boolean } = { isNew: false },
): Buffer {
  const bytes = Buffer.alloc(RTMSG)
  bytes.writeUInt8(family, 0)
  bytes.writeUInt8(length, 1)
  bytes.writeUInt8(TENBIN_PROTOCOL, 5)
  if (!more.isNew) return bytes
  bytes.writeUInt8(RT_TABLE_MAIN, 4)
  bytes.writeUInt8(RT_SCOPE_UNIVERSE, 6)
  bytes.writeUInt8(RTN_UNICAST, 7)
  return bytes
}

/** encodeRoute: the payload of RTM_NEWROUTE and RTM_DELROUTE. */
export function encodeRoute({ ifindex, to, gateway, source, metric, validS }: NewRoute): Buffer {
  const family = isIp4(to.address) ? AF_INET : AF_INET6
  return Buffer.concat([
    header(family, to.length, { isNew: true }),
    ipAttribute(RTA_DST, to.address),
    u32Attribute(RTA_OIF, ifindex),
    ipAttribute(RTA_GATEWAY, gateway),
    ...(source === undefined ? [] : [ipAttribute(RTA_PREFSRC, source)]),
    ...(metric === undefined ? [] : [u32Attribute(RTA_PRIORITY, metric)]),
    ...(validS === undefined || family === AF_INET ? [] : [u32Attribute(RTA_EXPIRES, validS)]),
  ])
}

/** decodeStaticRoute reads an RTM_NEWROUTE; undefined: not ours, or of another kind. Throws NETLINK_MALFORMED. */
export function decodeStaticRoute(payload: Buffer): StaticRoute | undefined {
  if (payload.length < RTMSG) throw malformed(`a route message of ${payload.length} bytes`)
  const [family, length] = [payload.readUInt8(0), payload.readUInt8(1)]
  if (payload.readUInt8(5) !== TENBIN_PROTOCOL || (family !== AF_INET && family !== AF_INET6))
    return undefined
  const attributes = decodeAttributes(payload.subarray(RTMSG))
  const ifindex = readU32(attributes, RTA_OIF)
  const gateway = readIp(attributes, RTA_GATEWAY)
  if (ifindex === undefined || gateway === undefined) return undefined
  const address = readIp(attributes, RTA_DST) ?? ((family === AF_INET ? 0 : 0n) as Ip)
  const isSound = isIp4(address) === (family === AF_INET) && length <= (family === AF_INET ? 32 : 128)
  if (!isSound) throw malformed(`a route to ${formatIp(address)}/${length}`)
  const [source, metric] = [readIp(attributes, RTA_PREFSRC), readU32(attributes, RTA_PRIORITY)]
  return {
    ...{ ifindex, to: { address, length }, gateway },
    ...(source !== undefined && { source }),
    // The kernel's own of IPv4 is 0, and not said.
    ...(metric !== undefined && { metric }),
  }
}
