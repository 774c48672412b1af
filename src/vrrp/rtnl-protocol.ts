// What vrrp asks of its rtnl process, and what that answers: one JSON object a line (health/line.ts). Its idea: whoever sends
// adverts never waits for the kernel's lock of links and addresses (rtnl), which others may hold for long; so it says what it
// wants, goes on, and is told. Orders are carried out in their order. Both ends are of one build, until an upgrade puts another
// one in place of that from which vrrp runs, and the process has to be started again: then its greeting is of another version.

import { z } from 'zod'
import { formatIp, parseIp, parseMac } from '../base/addresses.ts'
import type { MemberSpec } from './members.ts'
import type { NicView } from './nic-view.ts'
import { routeSchema } from './spec.ts'

/** RTNL_PROTOCOL: the version of the messages. */
export const RTNL_PROTOCOL = 3

const v = { v: z.literal(RTNL_PROTOCOL) }
/** A number given by who asks, which comes back with the answer. */
const id = z.int()
const nicName = z.string()

const member = z.strictObject({
  nic: nicName,
  family: z.union([z.literal(4), z.literal(6)]),
  /** With prefix length. */
  addresses: z.array(z.string()),
  virtualMac: z.string().exactOptional(),
})
export type RtnlMember = z.infer<typeof member>

/** watched: NICs that are looked at, addresses that move, and whose pins the packet path has. */
const watched = {
  nics: z.array(nicName),
  moving: z.array(z.string()),
  packetPath: z.string().exactOptional(),
}
export type Watched = z.infer<z.ZodObject<typeof watched>>

/** toRtnlSchema: `at` is bootMs when it was said. */
export const toRtnlSchema = z.discriminatedUnion('kind', [
  /** begin: what an earlier process left is taken away. The first thing that is said. */
  z.strictObject({ ...v, kind: z.literal('begin'), ...watched }),
  z.strictObject({ ...v, kind: z.literal('watch'), ...watched }),
  /**
   * hold a set's addresses and routes for `validS` seconds: `take` these and no others, or `renew` those that were taken. After
   * `takenMs` without a word of this node another one has taken over. One
   * that was said too long ago is not carried out (STALE_MS): who said it may have been stopped since.
   */
  z.strictObject({
    ...{ ...v, kind: z.literal('hold'), id, at: z.number(), set: z.string() },
    ...{
      how: z.enum(['take', 'renew']),
      members: z.array(member),
      routes: z.array(routeSchema),
      validS: z.int(),
      takenMs: z.number(),
    },
  }),
  /** release all addresses and routes of a set. */
  z.strictObject({ ...v, kind: z.literal('release'), set: z.string() }),
  /** clear: nothing that these made beside addresses stays. */
  z.strictObject({ ...v, kind: z.literal('clear'), members: z.array(member) }),
  /** look at the packet path of these NICs. */
  z.strictObject({ ...v, kind: z.literal('look'), nics: z.array(nicName) }),
])
export type ToRtnl = z.infer<typeof toRtnlSchema>

const view = z.strictObject({
  name: nicName,
  index: z.int(),
  mac: z.string().exactOptional(),
  isUsable: z.boolean(),
  primary4: z.string().exactOptional(),
  primary6: z.string().exactOptional(),
})

/** fromRtnlSchema: what the process says. */
export const fromRtnlSchema = z.discriminatedUnion('kind', [
  /** hello: the first thing that is said, whatever is heard: its version. */
  z.strictObject({ ...v, kind: z.literal('hello') }),
  /** began: `texts`: what was taken away. */
  z.strictObject({ ...v, kind: z.literal('began'), texts: z.array(z.string()) }),
  /** nics: as they are now, of those `watched`, at each change; `blind`: why they cannot be read: they are as before. */
  z.strictObject({ ...v, kind: z.literal('nics'), views: z.array(view), watched: z.array(nicName) }),
  z.strictObject({ ...v, kind: z.literal('blind'), why: z.string() }),
  /** gone: somebody took an address away that this set is to have. */
  z.strictObject({ ...v, kind: z.literal('gone'), set: z.string() }),
  /** held: `failed`: why not; then none is. `isLate`: it was not tried. `unrouted`: routes that could not be made, and why. */
  z.strictObject({
    ...{ ...v, kind: z.literal('held'), id, set: z.string() },
    ...{ failed: z.string().exactOptional(), isLate: z.boolean().exactOptional() },
    unrouted: z.array(z.string()).exactOptional(),
  }),
  /** looked: by NIC. */
  z.strictObject({
    ...{ ...v, kind: z.literal('looked') },
    seen: z.array(z.strictObject({ nic: nicName, isUp: z.boolean(), text: z.string() })),
  }),
])
export type FromRtnl = z.infer<typeof fromRtnlSchema>

/** STALE_MS: an order to hold addresses that is older is not carried out. */
export const STALE_MS = 1000

export const toMember = ({ nic, family, addresses, virtualMac }: MemberSpec): RtnlMember => ({
  ...{ nic, family, addresses: addresses.map(({ ip, prefix }) => `${formatIp(ip)}/${prefix}`) },
  ...(virtualMac !== undefined && { virtualMac }),
})

export const toView = ({ mac, primary, ...rest }: NicView): z.infer<typeof view> => ({
  ...rest,
  ...(mac !== undefined && { mac }),
  ...(primary[4] !== undefined && { primary4: formatIp(primary[4]) }),
  ...(primary[6] !== undefined && { primary6: formatIp(primary[6]) }),
})

export const fromView = ({ mac, primary4, primary6, ...rest }: z.infer<typeof view>): NicView => ({
  ...rest,
  mac: mac === undefined ? undefined : parseMac(mac),
  primary: {
    4: primary4 === undefined ? undefined : parseIp(primary4),
    6: primary6 === undefined ? undefined : parseIp(primary6),
  },
})
