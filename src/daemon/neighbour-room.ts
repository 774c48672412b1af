// Whether the kernel's table of neighbours has room for all servers beside this node. Above gc_thresh2 entries it throws out
// those that nobody used in the last five seconds, above gc_thresh3 it makes none any more (net/core/neighbour.c,
// neigh_alloc), and a server without an entry has no MAC. The table is one for the whole machine, and only its first network
// namespace has the settings.

import { readFileSync } from 'node:fs'
import { type Ip, isIp4 } from '../base/addresses.ts'
import type { SysctlState } from '../config/state.ts'
import type { InterfaceAddress } from '../netlink/addresses.ts'
import { covers } from '../netlink/routes.ts'
import type { Problem } from './api-schema.ts'
import { problem } from './problem.ts'

const FAMILIES = ['ipv4', 'ipv6'] as const
type Family = (typeof FAMILIES)[number]

/** NeighbourRoom: entries of a family that are kept (gc_thresh2), and that there may be at all (gc_thresh3). */
export type NeighbourRoom = Readonly<
  Partial<Record<Family, { readonly kept: number; readonly most: number }>>
>

/** neighbourRoom of this machine, with what a file sets; nothing of a family whose settings are not to be seen. */
export function neighbourRoom(sysctls: readonly SysctlState[] = [], root = '/proc/sys'): NeighbourRoom {
  const read = (family: Family, name: string): number | undefined => {
    try {
      const now = Number(readFileSync(`${root}/net/${family}/neigh/default/${name}`, 'utf8'))
      return sysctls.find((each) => each.name === `net.${family}.neigh.default.${name}`)?.value ?? now
    } catch {
      return undefined
    }
  }
  return Object.fromEntries(
    FAMILIES.flatMap((family) => {
      const [kept, most] = [read(family, 'gc_thresh2'), read(family, 'gc_thresh3')]
      return kept === undefined || most === undefined ? [] : [[family, { kept, most }]]
    }),
  )
}

/** crowdedNeighbours: a problem for each family of which there are more servers on the node's own networks than room. */
export function crowdedNeighbours(
  servers: readonly { readonly address: Ip }[],
  networks: () => readonly Pick<InterfaceAddress, 'address' | 'prefix'>[],
  room: NeighbourRoom,
): Problem[] {
  return FAMILIES.flatMap((family) => {
    const has = room[family]
    const isOf = (address: Ip) => isIp4(address) === (family === 'ipv4')
    const of = servers.filter(({ address }) => isOf(address))
    // nearly always: no need to look where they are
    if (!has || of.length <= Math.min(has.kept, has.most)) return []
    const own = networks().filter(({ address }) => isOf(address))
    const near = of.filter((server) =>
      own.some(({ address, prefix }) => covers({ destination: address, prefix }, server.address)),
    ).length
    if (near <= Math.min(has.kept, has.most)) return []
    const what = `${near} servers are beside this node, and its kernel keeps ${has.kept} neighbours of ${family} and has room for ${has.most}`
    return [problem('NEIGHBOURS_CROWDED', `${what}: net.${family}.neigh.default.gc_thresh2 and gc_thresh3`)]
  })
}
