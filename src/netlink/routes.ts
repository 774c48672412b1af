// Routes: where the kernel would send a packet to one destination (RTM_GETROUTE, linux/rtnetlink.h struct rtmsg),
// which decides whether a server is on the link; and what a change of a route says, just enough to know which
// destinations to ask for again. Static routes of our own: static-routes.ts.

import { formatIp, type Ip, isIp4 } from '../base/addresses.ts'
import { AF_INET, AF_INET6 } from '../sys/socket-address.ts'
import { isErrno } from '../sys/syscall.ts'
import {
  type Attributes,
  decodeAttributes,
  ipAttribute,
  ipFromBytes,
  malformed,
  readIp,
  readU32,
} from './attributes.ts'
import type { Netlink, NetlinkError } from './netlink.ts'

/** Message types of routes. */
export const RTM_NEWROUTE = 24
export const RTM_DELROUTE = 25
export const RTM_GETROUTE = 26

/** RTMSG: bytes of struct rtmsg; RTA_: its attributes. */
export const RTMSG = 12
export const RTA_DST = 1
export const RTA_OIF = 4
export const RTA_GATEWAY = 5
export const RTA_PREFSRC = 7
const RTA_VIA = 18

/** RTN_UNICAST: a route to another machine. */
export const RTN_UNICAST = 1
const RTN_LOCAL = 2

/** Route: the kernel's answer for one destination. */
export type Route =
  /** To another machine, through `gateway` or, without one, on the link itself. */
  | { readonly kind: 'unicast'; readonly ifindex: number; readonly gateway?: Ip; readonly source?: Ip }
  /** This machine has the address itself. */
  | { readonly kind: 'local' }
  /** Nowhere, or to many (broadcast, multicast); `why` is the kernel's errno or type of route. */
  | { readonly kind: 'none'; readonly why: string }

/** RouteChange: a route that came or went. */
export interface RouteChange {
  readonly destination: Ip
  readonly prefix: number
}

/** isOnLink: packets reach the destination on this interface with no router between. */
export const isOnLink = (route: Route, ifindex: number): boolean =>
  route.kind === 'unicast' && route.ifindex === ifindex && route.gateway === undefined

/** covers: whether a change of this route can change the answer for an address. */
export function covers({ destination, prefix }: RouteChange, address: Ip): boolean {
  if (isIp4(address)) {
    return isIp4(destination) && (prefix === 0 || (destination ^ address) >>> (32 - prefix) === 0)
  }
  return !isIp4(destination) && (destination ^ address) >> BigInt(128 - prefix) === 0n
}

// What a lookup fails with: no route, an unreachable route, a prohibit route, a blackhole.
const nowhere = ['ENETUNREACH', 'EHOSTUNREACH', 'EACCES', 'EINVAL']

/** getRoute asks where a packet to `destination` would go. Throws NetlinkError. */
export function getRoute(netlink: Netlink, destination: Ip): Route {
  const header = Buffer.alloc(RTMSG)
  header.writeUInt8(isIp4(destination) ? AF_INET : AF_INET6, 0)
  header.writeUInt8(isIp4(destination) ? 32 : 128, 1)
  const payload = Buffer.concat([header, ipAttribute(RTA_DST, destination)])
  try {
    const answers = netlink.request(`look up route to ${formatIp(destination)}`, RTM_GETROUTE, 0, payload)
    const answer = answers.find(({ type }) => type === RTM_NEWROUTE)
    return answer ? decodeRoute(answer.payload) : { kind: 'none', why: 'no answer' }
  } catch (error) {
    // A request that the kernel cannot read is EINVAL as well, but then it says in words what is wrong.
    if (isErrno(error, ...nowhere) && (error as NetlinkError).kernelMessage === undefined)
      return { kind: 'none', why: (error as NetlinkError).errno }
    throw error
  }
}

function read(payload: Buffer): Attributes {
  if (payload.length < RTMSG) throw malformed(`a route message of ${payload.length} bytes`)
  return decodeAttributes(payload.subarray(RTMSG))
}

/** decodeRoute reads the RTM_NEWROUTE that answers a lookup. Throws NETLINK_MALFORMED. */
export function decodeRoute(payload: Buffer): Route {
  const attributes = read(payload)
  const type = payload.readUInt8(7)
  if (type === RTN_LOCAL) return { kind: 'local' }
  if (type !== RTN_UNICAST) return { kind: 'none', why: `route of type ${typeNames[type] ?? type}` }
  const ifindex = readU32(attributes, RTA_OIF)
  if (ifindex === undefined) throw malformed('a route without an interface')
  const gateway = readIp(attributes, RTA_GATEWAY) ?? via(attributes)
  const source = readIp(attributes, RTA_PREFSRC)
  return {
    kind: 'unicast',
    ifindex,
    ...(gateway !== undefined && { gateway }),
    ...(source !== undefined && { source }),
  }
}

// RTN_ in their order.
const typeNames = [
  'unspec',
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
]

/** via: a gateway of the other address family (struct rtvia: family, address). */
function via(attributes: Attributes): Ip | undefined {
  const bytes = attributes.get(RTA_VIA)
  if (!bytes) return undefined
  if (bytes.length < 2) throw malformed(`a gateway of ${bytes.length} bytes`)
  return ipFromBytes(bytes.subarray(2))
}

/** decodeRouteChange reads RTM_NEWROUTE or RTM_DELROUTE; undefined for other families. Throws NETLINK_MALFORMED. */
export function decodeRouteChange(payload: Buffer): RouteChange | undefined {
  const attributes = read(payload)
  const family = payload.readUInt8(0)
  if (family !== AF_INET && family !== AF_INET6) return undefined
  const bits = family === AF_INET ? 32 : 128
  const prefix = payload.readUInt8(1)
  const destination = readIp(attributes, RTA_DST) ?? ((family === AF_INET ? 0 : 0n) as Ip)
  if (prefix > bits || isIp4(destination) !== (family === AF_INET))
    throw malformed(`a route to ${formatIp(destination)}/${prefix}`)
  return { destination, prefix }
}
