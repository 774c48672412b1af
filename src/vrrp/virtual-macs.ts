// Virtual router MACs (RFC 9568 7.3) on this node's NICs: one macvlan for each virtual router that asks for one, down unless
// the node is active, with the addresses on it. Its idea: whoever is active has the same MAC, so neighbours have nothing to
// learn, and switches learn its new port from the first advert. The NIC itself must not answer ARP for what is on the
// macvlan, nor ask in its name, nor the other way round: arp_ignore is 1 and arp_announce 2 on both meanwhile (ip-sysctl),
// and what the NIC's were before is restored with the last one (arp-settings.ts). The packet path takes what is for listeners
// before the macvlan sees it: it is told first, and last that it is over.
//
//   eth0 (its own MAC) ---- tb2-51-4 (00:00:5e:00:01:33): 192.0.2.100/24, up while active

import { existsSync, writeFileSync } from 'node:fs'
import type { Mac } from '../base/addresses.ts'
import type { VirtualRouterId } from '../dataplane/virtual-mac.ts'
import { Connection } from '../netlink/connection.ts'
import { getLink } from '../netlink/links.ts'
import { addMacvlan, switchLink } from '../netlink/macvlan.ts'
import type { Netlink } from '../netlink/netlink.ts'
import { openTransport } from '../netlink/route-socket.ts'
import { removeLink } from '../netlink/veth.ts'
import { ArpSettings } from './arp-settings.ts'
import type { NicView } from './nic-view.ts'

/** VirtualRouterKey: what has a MAC of its own. */
export interface VirtualRouterKey {
  readonly nic: Pick<NicView, 'name' | 'index'>
  readonly family: 4 | 6
  readonly mac: Mac
}

const vridOf = ({ mac }: VirtualRouterKey): number => Number.parseInt(mac.slice(-2), 16)

/** macvlanName: at most 15 bytes. */
const macvlanName = (key: VirtualRouterKey): string => `tb${key.nic.index}-${vridOf(key)}-${key.family}`

/** TellPath: the packet path takes frames to the virtual router's MAC from now on, or no longer. */
export type TellPath = (router: VirtualRouterId, isActive: boolean) => void

const idOf = (key: VirtualRouterKey): VirtualRouterId => ({
  ifindex: key.nic.index,
  family: key.family,
  vrid: vridOf(key),
})

/** macvlanRecord: where it is, beside what else vrrp keeps. */
export const macvlanRecord = (kept: string): string => `${kept}.macvlans`

/** clearMacvlans removes those of a record, and says which. Throws NetlinkError, and what fs throws. */
export function clearMacvlans(netlink: Netlink, record: string): string[] {
  const arp = new ArpSettings(record)
  return arp.macvlans.filter((name) => {
    const wasThere = removeLink(netlink, name)
    arp.release(name)
    return wasThere
  })
}

/** clearMacvlansOf what vrrp kept: of one that was killed, in this network namespace. Throws as clearMacvlans. */
export function clearMacvlansOf(kept: string): string[] {
  const record = macvlanRecord(kept)
  if (!existsSync(record)) return []
  using netlink = new Connection(openTransport())
  return clearMacvlans(netlink, record)
}

export class VirtualMacs {
  readonly #netlink: Netlink
  readonly #tellPath: TellPath
  readonly #arp: ArpSettings

  /** `record`: the path of what a killed process leaves; what one has left is gone from now on. Throws as clearMacvlans. */
  constructor(netlink: Netlink, tellPath: TellPath, record: string) {
    this.#netlink = netlink
    this.#tellPath = tellPath
    clearMacvlans(netlink, record)
    this.#arp = new ArpSettings(record)
  }

  /** up: its macvlan's index; it is there and up from now on. Throws NetlinkError, and what fs throws. */
  up(key: VirtualRouterKey): number {
    const name = macvlanName(key)
    this.renew(key)
    const index = getLink(this.#netlink, name)?.index ?? this.#make(key, name)
    switchLink(this.#netlink, index, true)
    return index
  }

  /** renew: a packet path that came meanwhile knows, too. Throws as the kernel refuses. */
  renew(key: VirtualRouterKey): void {
    this.#tellPath(idOf(key), true)
  }

  /** down: it takes no frames any more. Throws NetlinkError. */
  down(key: VirtualRouterKey): void {
    const link = getLink(this.#netlink, macvlanName(key))
    if (link) switchLink(this.#netlink, link.index, false)
    this.#tellPath(idOf(key), false)
  }

  /** remove it. Throws NetlinkError, and what fs throws. */
  remove(key: VirtualRouterKey): void {
    const name = macvlanName(key)
    removeLink(this.#netlink, name)
    this.#tellPath(idOf(key), false)
    this.#arp.release(name)
  }

  #make(key: VirtualRouterKey, name: string): number {
    const { nic } = key
    addMacvlan(this.#netlink, { name, parent: nic.index, mac: key.mac })
    this.#arp.hold(nic, name)
    // What comes in here may be answered by the NIC (rp_filter 2: by any interface).
    writeFileSync(`/proc/sys/net/ipv4/conf/${name}/rp_filter`, '2')
    withoutLinkLocal(name)
    return getLink(this.#netlink, name)!.index
  }
}

/** withoutLinkLocal: both nodes would make the same one of the MAC; a kernel without IPv6 makes none. */
function withoutLinkLocal(name: string): void {
  const path = `/proc/sys/net/ipv6/conf/${name}/addr_gen_mode`
  if (existsSync(path)) writeFileSync(path, '1')
}
