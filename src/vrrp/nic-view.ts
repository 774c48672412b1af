// A NIC as virtual routers see it: where frames leave, and the address that adverts come from. Its idea: the source must be
// an address of the machine itself, never one that moves: of IPv4 the first that is there to stay, of IPv6 the link-local
// one (RFC 9568 5.1.1.1, 5.1.2.1). An owner whose NIC has nothing but what moves speaks from that.

import { type Ip, isIp4, type Mac } from '../base/addresses.ts'
import type { InterfaceAddress } from '../netlink/addresses.ts'
import { isUsable } from '../netlink/links.ts'
import { TENBIN_PROTOCOL } from '../netlink/mark.ts'
import type { Network } from '../netlink/network.ts'

/** NicView: `primary`: by family, undefined where there is none yet. */
export interface NicView {
  readonly name: string
  readonly index: number
  readonly mac: Mac | undefined
  readonly isUsable: boolean
  readonly primary: Readonly<Record<4 | 6, Ip | undefined>>
}

/** NOWHERE: an index that no NIC has: the kernel counts from 1 on. */
export const NOWHERE = 2 ** 31 - 1

/** isLinkLocal: fe80::/10. */
export const isLinkLocal = (ip: Ip): boolean => !isIp4(ip) && ip >> 118n === 0x3fan

/** viewNic: as it is now; undefined: there is no such NIC. `moving`: addresses of address sets. Throws as Network does. */
export function viewNic(network: Network, name: string, moving: ReadonlySet<Ip>): NicView | undefined {
  const link = network.getLink(name)
  if (!link) return undefined
  const addresses = network.listAddresses(link.index)
  return {
    name,
    index: link.index,
    mac: link.mac,
    isUsable: isUsable(link),
    primary: { 4: primary4(addresses, moving), 6: primary6(addresses, moving) },
  }
}

function primary4(addresses: readonly InterfaceAddress[], moving: ReadonlySet<Ip>): Ip | undefined {
  const own = addresses.filter(({ address, protocol }) => isIp4(address) && protocol !== TENBIN_PROTOCOL)
  return (own.find(({ address }) => !moving.has(address)) ?? own[0])?.address
}

const primary6 = (addresses: readonly InterfaceAddress[], moving: ReadonlySet<Ip>): Ip | undefined =>
  addresses.find(
    ({ address, protocol, isTentative, isDuplicate }) =>
      isLinkLocal(address) &&
      protocol !== TENBIN_PROTOCOL &&
      !moving.has(address) &&
      !isTentative &&
      !isDuplicate,
  )?.address
