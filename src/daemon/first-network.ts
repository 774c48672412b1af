// What a first file starts from: which NIC of this machine forwards, and addresses of its networks that seem to be
// free. A guess, for `tenbin init`, whose reader corrects it: the NIC that the default route leaves by, or the first
// that has an address; free is what this machine neither has nor has met. Asks for routes; sends nothing.

import { type Ip, type Ip4, type Ip6, isIp4, parseIp } from '../base/addresses.ts'
import type { InterfaceAddress } from '../netlink/addresses.ts'
import { isUsable, type Link } from '../netlink/links.ts'
import { TENBIN_PROTOCOL } from '../netlink/mark.ts'
import type { Network } from '../netlink/network.ts'

/** Nic: an interface that could forward. `gateways`: where its default routes lead, one per family at most. */
export interface Nic {
  readonly link: Link
  readonly addresses: readonly InterfaceAddress[]
  readonly gateways: readonly (Ip | 'link')[]
}

/** Proposal: addresses of one network. `own` is the node's; a network without room for others is told by `room`. */
export interface Proposal {
  readonly own: Ip
  readonly prefix: number
  readonly room: { readonly service: Ip; readonly firstServer: Ip; readonly servers: number } | undefined
}

/** FirstNetwork: the machine, as a first file needs it. Without `nic` it has no Ethernet interface at all. */
export interface FirstNetwork {
  readonly nic: Nic | undefined
  readonly others: readonly Nic[]
  readonly ip4: Proposal | undefined
  readonly ip6: Proposal | undefined
}

/** Any address of the world serves to find the default route; nothing is sent to it. */
const faraway = [parseIp('1.0.0.1'), parseIp('2000::1')]

/** firstNetwork looks at the machine. Throws as Network does. */
export function firstNetwork(network: Network): FirstNetwork {
  const all = network.listAddresses().filter(isLasting)
  const routes = faraway.map((address) => network.getRoute(address))
  const nics = network
    .listLinks()
    .filter((link) => !link.isLoopback && link.mac !== undefined && link.master === undefined)
    .map((link): Nic => {
      const gateways = routes.flatMap((route) =>
        route.kind === 'unicast' && route.ifindex === link.index ? [route.gateway ?? ('link' as const)] : [],
      )
      return { link, gateways, addresses: all.filter(({ ifindex }) => ifindex === link.index) }
    })
  const [nic, ...others] = nics.sort((a, b) => worth(b) - worth(a) || a.link.index - b.link.index)
  if (!nic) return { nic, others, ip4: undefined, ip6: undefined }
  const met = network.listNeighbours(nic.link.index).filter(({ mac }) => mac !== undefined)
  const taken = new Set([...all, ...met].map(({ address }) => address))
  for (const gateway of nic.gateways) if (gateway !== 'link') taken.add(gateway)
  const sources = routes.flatMap((route) => (route.kind === 'unicast' ? (route.source ?? []) : []))
  const [ip4, ip6] = [true, false].map((is4) => {
    const kin = nic.addresses.filter(({ address }) => isIp4(address) === is4)
    return propose(kin.find(({ address }) => sources.includes(address)) ?? kin[0], taken)
  })
  return { nic, others, ip4, ip6 }
}

/** Of an address that stays: neither link-local, nor about to end, nor a service address that tenbin put there. */
const isLasting = ({ address, protocol, isDeprecated }: InterfaceAddress): boolean =>
  protocol !== TENBIN_PROTOCOL &&
  !isDeprecated &&
  (isIp4(address) ? address >>> 16 !== 0xa9fe : address >> 118n !== 0x3fan)

/** The first of these that differs decides: IPv4 default route, IPv6 default route, an address, a carrier. */
const worth = ({ gateways, addresses, link }: Nic): number =>
  8 * gateways.length + 4 * Number(addresses.length > 0) + 2 * Number(isUsable(link)) + Number(link.isUp)

/** Where a first file would have its service address, and its servers, in a network with room. */
const [SERVICE, SERVER, SERVERS] = [100, 11, 3]
/** So many addresses are looked at for a free one. */
const PATIENCE = 1000

function propose(own: InterfaceAddress | undefined, taken: ReadonlySet<Ip>): Proposal | undefined {
  if (!own) return undefined
  const { address, prefix } = own
  const bits = isIp4(address) ? 32 : 128
  const size = 2 ** Math.min(16, bits - prefix)
  // Neither the network's own address nor the last one; in small networks these are all there is.
  const [first, last] = [1, size - 2]
  const at = (offset: number): Ip => hostAt(address, prefix, offset)
  const isFree = (offset: number, ...others: readonly number[]) =>
    offset >= first && offset <= last && !taken.has(at(offset)) && !others.includes(offset)
  const search = (from: number, isGood: (offset: number) => boolean): number | undefined => {
    const count = Math.min(size, PATIENCE)
    const offsets = Array.from({ length: count }, (_, i) => (from + i) % size)
    return offsets.find(isGood)
  }
  // Of IPv6 in hexadecimal, so that it reads ::100.
  const usual = isIp4(address) ? SERVICE : 0x100
  const service = search(Math.min(usual, last), (offset) => isFree(offset))
  if (service === undefined) return { own: address, prefix, room: undefined }
  const start = isIp4(address) ? SERVER : 0x11
  for (let servers = SERVERS; servers > 0; servers--) {
    const run = Array.from({ length: servers }, (_, i) => i)
    const server = search(start <= last ? start : first, (offset) =>
      run.every((i) => isFree(offset + i, service) && within256(at(offset), servers)),
    )
    if (server !== undefined)
      return { own: address, prefix, room: { service: at(service), firstServer: at(server), servers } }
  }
  return { own: address, prefix, room: undefined }
}

/** hostAt: address number `offset` of a network. */
function hostAt(address: Ip, prefix: number, offset: number): Ip {
  if (isIp4(address)) return ((address - (address % 2 ** (32 - prefix)) + offset) % 2 ** 32) as Ip4
  const host = BigInt(128 - prefix)
  return (((address >> host) << host) + BigInt(offset)) as Ip6
}

/** within256: whether the short end of a range of addresses can say where it ends. */
const within256 = (first: Ip, count: number): boolean =>
  isIp4(first) ? (first % 256) + count <= 256 : Number(first & 0xffffn) + count <= 0x10000
