// VrrpSpec: what a node is told of its address sets: all that the vrrp process needs to know, as plain JSON, so that it can
// be sent, kept and written by hand. Its idea: each set is one group of virtual routers (RFC 9568), one for each network and
// family that it has addresses of; what is this node's own (priority, NICs, who its peers are) is resolved already. Secrets
// are named by their files. Left out: other nodes' names, which are main's to know.

import { z } from 'zod'
import { tryIp4, tryIp6 } from '../base/addresses.ts'
import { tryPrefix } from '../base/prefix.ts'

const ip = z.string().refine((text) => (tryIp4(text) ?? tryIp6(text)) !== undefined, 'no IP address')
const address = z.string().refine((text) => {
  const [, host = '', bits] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? []
  const most = tryIp4(host) !== undefined ? 32 : tryIp6(host) !== undefined ? 128 : -1
  return bits !== undefined && Number(bits) <= most
}, 'no address with its prefix length')
/** IFNAMSIZ less its zero (linux/if.h). */
const nic = z.string().min(1).max(15)
const ms = z
  .number()
  .min(0)
  .max(2 ** 31)
const path = z.string().startsWith('/')

/** thingSchema: what is looked at. */
const thingSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('link'), nic }),
  /** Main says how it is (protocol.ts: `tracked`). */
  z.strictObject({ kind: z.literal('service') }),
  /** Run as `user` (a name, or uid:gid); exit status 0 is up. */
  z.strictObject({
    kind: z.literal('script'),
    command: z.array(z.string()).min(1),
    user: z.string(),
    everyMs: ms.min(100),
    timeoutMs: ms.min(10),
  }),
  /** A file that is there means down. */
  z.strictObject({ kind: z.literal('file'), path }),
  /** Up while one of them answers. */
  z.strictObject({ kind: z.literal('reach'), addresses: z.array(ip).min(1), everyMs: ms.min(100) }),
])
export type TrackedThing = z.infer<typeof thingSchema>

/** trackSchema: a rule of tracking.ts and what it looks at. Names are unique within a set. */
const trackSchema = z.strictObject({
  name: z.string().min(1).max(200),
  thing: thingSchema,
  weight: z.union([z.literal('fault'), z.int().min(-253).max(253)]),
  riseMs: ms,
  fallMs: ms,
})
export type TrackSpec = z.infer<typeof trackSchema>

/** networkSchema: one NIC of a set, and the set's addresses there, of one family or both. */
const networkSchema = z.strictObject({
  /** A role of the file's `interfaces`. */
  name: z.string().min(1),
  nic,
  /** Such as 192.0.2.1/24. */
  addresses: z.array(address).min(1).max(255),
  /**
   * Absent: multicast, from the NIC's first own address. `self`: this node's, at most one of each family. `minTtl`: less than
   * 255 only where peers are behind routers.
   */
  unicast: z
    .strictObject({
      self: z.array(ip).min(1),
      peers: z.array(ip),
      minTtl: z.int().min(1).max(255).default(255),
    })
    .exactOptional(),
})
export type NetworkSpec = z.infer<typeof networkSchema>

/** routeSchema: a static route that moves with the set's addresses, of which `source` is one. `to`: a network. */
export const routeSchema = z.strictObject({
  nic,
  to: z.string().refine((text) => tryPrefix(text)?.isExact === true, 'no network'),
  via: ip,
  source: ip,
  metric: z
    .int()
    .min(1)
    .max(2 ** 32 - 1)
    .exactOptional(),
})
export type SetRoute = z.infer<typeof routeSchema>

/** setSchema: one address set. Its members' parameters are those of router.ts. */
const setShape = z.strictObject({
  name: z.string().min(1),
  vrid: z.int().min(1).max(255),
  version: z.union([z.literal(2), z.literal(3)]),
  /** Of this node, before tracking: 1..255; 255 owns the addresses. */
  priority: z.int().min(1).max(255),
  advertMs: z.int().min(10).max(255_000),
  preempt: z.boolean(),
  preemptDelayMs: ms,
  accept: z.boolean(),
  /** The form that is sent; counts for version 3 over IPv4. */
  checksum: z.enum(['rfc5798', 'rfc9568']),
  /** virtual: addresses are on a macvlan with the virtual router's MAC. */
  mac: z.enum(['interface', 'virtual']),
  /** pass: version 2. hmac: the first signs, each is accepted. */
  auth: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('pass'), file: path }),
      z.strictObject({ kind: z.literal('hmac'), files: z.array(path).min(1).max(2) }),
    ])
    .exactOptional(),
  announce: z.strictObject({ repeatMs: ms, refreshMs: ms }),
  flaps: z.strictObject({ takeovers: z.int().min(1), withinMs: ms.min(1), backOffMs: ms }).exactOptional(),
  networks: z.array(networkSchema).min(1),
  routes: z.array(routeSchema).max(64).exactOptional(),
  /** The links of its networks, and the packet path, are faults without being named. */
  track: z.array(trackSchema),
})
const setSchema = setShape.refine(canBeSaid, 'an interval or a family that its version cannot say')
export type SetSpec = z.infer<typeof setSchema>

/** canBeSaid: RFC 9568 5.2.7 has hundredths of a second, RFC 3768 5.3.7 seconds and IPv4 alone. */
function canBeSaid({ version, advertMs, networks }: z.infer<typeof setShape>): boolean {
  if (version === 3) return advertMs % 10 === 0 && advertMs <= 40_950
  return (
    advertMs % 1000 === 0 && networks.every(({ addresses }) => !addresses.some((each) => each.includes(':')))
  )
}

/** isDistinct: names come once; so does a VRID on a NIC, or two sets would hear each other. */
function isDistinct(sets: readonly SetSpec[]): boolean {
  const isOnce = (keys: readonly string[]): boolean => new Set(keys).size === keys.length
  return (
    isOnce(sets.map(({ name }) => name)) &&
    isOnce(sets.flatMap(({ vrid, networks }) => networks.map(({ nic }) => `${vrid} ${nic}`))) &&
    sets.every(({ track }) => isOnce(track.map(({ name }) => name))) &&
    sets.every(({ networks }) => isOnce(networks.map(({ name }) => name)))
  )
}

/** vrrpSpecSchema: of one node. */
export const vrrpSpecSchema = z.strictObject({
  sets: z.array(setSchema).refine(isDistinct, 'a name, or a VRID on a NIC, that comes twice'),
  /**
   * The packet path that a node must have to be active: the programs that this instance has pinned on the NICs of the sets.
   * Absent: none is looked for.
   */
  packetPath: z.strictObject({ instance: z.string().min(1) }).exactOptional(),
})
export type VrrpSpec = z.infer<typeof vrrpSpecSchema>
