// Which packets of IP protocol 112 a port hears, as filters of its two sockets. Its idea: what may count, and what says that
// somebody who may count is misconfigured, come in by different doors, so that whoever sends the second kind, which anybody
// can from anywhere, takes no room of the first. Others' virtual routers come in by neither. Pure. What counts in the end
// receive.ts says.
//
//                  may count                            is odd
//   multicast      to the group, our VRID, TTL 255      to the group, our VRID
//   unicast        of a peer, TTL as high as it must    of a peer, or our VRID
//
// References: RFC 9568 5.1, 7.1.

import { type Ip, isIp4 } from '../base/addresses.ts'
import {
  behindIp4,
  type Field,
  inData,
  inNetworkHeader,
  isAtLeast,
  isOneOf,
  type Rule,
  type Test,
} from '../sys/socket-filter.ts'
import { VRRP_TTL, vrrpGroup } from '../wire/vrrp.ts'
import type { MemberSpec } from './members.ts'

/** Hearing: for whom a port hears: VRIDs, and of unicast peers with the TTL that theirs have at least. */
export interface Hearing {
  readonly vrids: readonly number[]
  readonly peers: readonly { readonly ip: Ip; readonly minTtl: number }[]
}

/** hearingOf the members that share a port. */
export function hearingOf(members: readonly MemberSpec[]): Hearing {
  const peers = new Map<Ip, number>()
  for (const { unicast } of members)
    for (const ip of unicast?.peers ?? []) peers.set(ip, Math.min(unicast!.minTtl, peers.get(ip) ?? VRRP_TTL))
  return {
    vrids: [...new Set(members.map(({ vrid }) => vrid))],
    peers: [...peers].map(([ip, minTtl]) => ({ ip, minTtl })),
  }
}

/** Fields of IP headers (RFC 791 3.1, RFC 8200 3) and of adverts, by family. */
const FIELDS = {
  4: { ttl: inNetworkHeader(1, 8), source: 12, destination: 16, vrid: behindIp4(1) },
  6: { ttl: inNetworkHeader(1, 7), source: 8, destination: 24, vrid: inData(1, 1) },
} as const

/** Filters: of what may count, and of what is odd. */
export interface Filters {
  readonly counts: readonly Rule[]
  readonly odd: readonly Rule[]
}

/** filtersOf a port. */
export function filtersOf(family: 4 | 6, isUnicast: boolean, { vrids, peers }: Hearing): Filters {
  const { ttl, source, destination, vrid } = FIELDS[family]
  const isOurs = isOneOf(vrid, vrids)
  const toGroup = isAddress(destination, vrrpGroup[family])
  const counting = isUnicast
    ? peers.map(({ ip, minTtl }) => [...isAddress(source, ip), isAtLeast(ttl, minTtl)])
    : [[isOurs, isAtLeast(ttl, VRRP_TTL), ...toGroup]]
  const odd = isUnicast ? [...peers.map(({ ip }) => isAddress(source, ip)), [isOurs]] : [[isOurs, ...toGroup]]
  const rules = (passes: boolean, all: readonly (readonly Test[])[]): Rule[] =>
    all.map((when) => ({ passes, when }))
  return { counts: rules(true, counting), odd: [...rules(false, counting), ...rules(true, odd)] }
}

/** isAddress: an address of the network header, by words. */
const isAddress = (at: number, ip: Ip): Test[] =>
  wordsOf(ip).map((word, index) => isOneOf(wordAt(at + 4 * index), [word]))
const wordAt = (at: number): Field => inNetworkHeader(4, at)
const wordsOf = (ip: Ip): number[] =>
  isIp4(ip) ? [ip] : [96n, 64n, 32n, 0n].map((shift) => Number((ip >> shift) & 0xffff_ffffn))
