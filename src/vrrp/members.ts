// The virtual routers of an address set: one for each network and family that it has addresses of (RFC 9568 1.2: IPv4 and
// IPv6 are virtual routers of their own). Pure.

import { type Ip, isIp4, type Mac, parseIp } from '../base/addresses.ts'
import { virtualRouterMac } from '../wire/vrrp.ts'
import { FLAPS, type VirtualRouter } from './router.ts'
import type { NetworkSpec, SetSpec } from './spec.ts'

/** MemberAddress: one of the addresses that move, and its prefix length. */
export interface MemberAddress {
  readonly ip: Ip
  readonly prefix: number
}

/** MemberSpec: one virtual router of a set. `self`, `peers`: of unicast. */
export interface MemberSpec {
  /** Network and family: lan/4. */
  readonly name: string
  readonly nic: string
  readonly vrid: number
  readonly family: 4 | 6
  readonly addresses: readonly MemberAddress[]
  /** The virtual router's MAC is that of its addresses and adverts; undefined: the NIC's own is. */
  readonly virtualMac: Mac | undefined
  readonly unicast: { readonly self: Ip; readonly peers: readonly Ip[]; readonly minTtl: number } | undefined
}

const familyOf = (ip: Ip): 4 | 6 => (isIp4(ip) ? 4 : 6)

/** parseMember: an address with its prefix length. */
export function parseMember(text: string): MemberAddress {
  const [host = '', bits] = text.split('/')
  return { ip: parseIp(host), prefix: Number(bits) }
}

/** membersOf a set, by network, IPv4 first. A network with unicast has none in a family in which it has no address. */
export const membersOf = ({
  networks,
  mac,
  vrid,
}: Pick<SetSpec, 'networks' | 'mac' | 'vrid'>): MemberSpec[] =>
  networks.flatMap((network) =>
    ([4, 6] as const).flatMap((family) => {
      const addresses = network.addresses.map(parseMember).filter(({ ip }) => familyOf(ip) === family)
      if (addresses.length === 0) return []
      const unicast = unicastOf(network, family)
      if (network.unicast && !unicast) return []
      const virtualMac = mac === 'virtual' ? virtualRouterMac(vrid, family) : undefined
      const name = `${network.name}/${family}`
      return [{ name, nic: network.nic, vrid, family, addresses, virtualMac, unicast }]
    }),
  )

function unicastOf({ unicast }: NetworkSpec, family: 4 | 6): MemberSpec['unicast'] {
  if (!unicast) return undefined
  const ofFamily = (texts: readonly string[]): Ip[] =>
    texts.map(parseIp).filter((ip) => familyOf(ip) === family)
  const [self] = ofFamily(unicast.self)
  return self === undefined ? undefined : { self, peers: ofFamily(unicast.peers), minTtl: unicast.minTtl }
}

/** routerOf a member, with the priority that it has now and the source of its adverts. */
export const routerOf = (
  { vrid, version, advertMs, preempt, preemptDelayMs, accept, announce, flaps }: SetSpec,
  { addresses }: MemberSpec,
  priority: number,
  primary: Ip,
): VirtualRouter => ({
  ...{ vrid, version, priority, adverMs: advertMs, preempt, preemptDelayMs, accept, primary, announce },
  addresses: addresses.map(({ ip }) => ip),
  flaps: flaps ?? FLAPS,
})
