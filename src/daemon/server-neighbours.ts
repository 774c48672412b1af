// Which MAC each server has, on which NIC, kept up with and told on. Every server is followed on every NIC that it may be
// behind: each follower asks only for what its link has, so the route decides. A change of the file is prepared beside
// what runs (its new servers are resolved, the old ones still followed) and then committed or abandoned. Which news are
// passed on is neighbour-view.ts's rule.

import type { Ip } from '../base/addresses.ts'
import type { Neighbour } from '../engine/engine.ts'
import { InterfaceFollower } from '../netlink/follow-interface.ts'
import type { Network } from '../netlink/network.ts'
import { asking, sameResolution } from '../netlink/resolution.ts'
import { isDoubtful, nextView, seen } from './neighbour-view.ts'

/** Server: a name and the address to resolve. */
export interface Server {
  readonly name: string
  readonly address: Ip
}

/** Prepared: servers of a changed file, resolved as far as they answered. End it by commit or abandon. */
export interface Prepared {
  /** view: what to tell the packet path of each server; absent = not known. */
  readonly view: ReadonlyMap<string, Neighbour>
  /** commit: what has changed since is told at once; entries on the NIC followed before are left as they are (managed-links.ts). */
  commit(): void
  abandon(): void
}

export interface ServerNeighboursOptions {
  readonly network: Network
  /** settleMs: how long prepare waits for first answers. */
  readonly settleMs: number
  /** onChange: news of a committed server. */
  readonly onChange: (server: Server, neighbour: Neighbour) => void
  /** onDeleted: somebody deleted the kernel's entries of so many committed servers on a NIC; they were made again. */
  readonly onDeleted: (nic: string, count: number) => void
}

/** Followers: by the name of the NIC. */
type Followers = ReadonlyMap<string, InterfaceFollower>

export class ServerNeighbours implements Disposable {
  readonly #options: ServerNeighboursOptions
  #followers: Followers = new Map()
  #servers: readonly Server[] = []
  #view = new Map<string, Neighbour>()
  #wake: () => void = () => undefined

  constructor(options: ServerNeighboursOptions) {
    this.#options = options
  }

  /** prepare resolves `servers` on these NICs, next to those that are followed already. Throws as Network does. */
  async prepare(nics: readonly string[], servers: readonly Server[]): Promise<Prepared> {
    const before = this.#followers
    const followers = new Map<string, InterfaceFollower>()
    const abandon = () => {
      for (const [nic, follower] of followers) {
        if (before.has(nic)) {
          follower.watch(addressesOf(this.#servers))
          continue
        }
        // At a start the entries may be those of the packet path that runs on: they stay.
        if (before.size > 0) follower.watch([])
        follower[Symbol.dispose]()
      }
    }
    try {
      for (const nic of nics) {
        const follower = before.get(nic) ?? this.#follow(nic)
        followers.set(nic, follower)
        follower.watch(addressesOf(before.has(nic) ? [...this.#servers, ...servers] : servers))
      }
      await this.#settle(followers, servers)
    } catch (error) {
      abandon()
      throw error
    }
    const view = this.#viewOf(followers, servers)
    const commit = () => {
      for (const [nic, follower] of before) if (!followers.has(nic)) follower[Symbol.dispose]()
      for (const [nic, follower] of followers) if (before.has(nic)) follower.watch(addressesOf(servers))
      this.#followers = followers
      this.#servers = servers
      this.#view = view
      // What came since the view was made was nobody's news yet.
      this.#tell(new Set(addressesOf(servers)))
    }
    return { view, commit, abandon }
  }

  /** view: what was told of the committed servers. */
  get view(): ReadonlyMap<string, Neighbour> {
    return this.#view
  }

  /** doubts: servers whose last MAC is used on, on which NIC, and what speaks against it. */
  doubts(): { readonly server: Server; readonly on: string; readonly why: string }[] {
    const now = known(this.#followers)
    return this.#servers.flatMap((server) => {
      const [told, found] = [this.#view.get(server.name), now(server.address)]
      if (!told || 'why' in told || 'mac' in found || !isDoubtful(told, found)) return []
      return [{ server, on: told.on, why: found.why }]
    })
  }

  /** resync reads everything anew, for when an event may have been missed. Throws as Network does. */
  resync(): void {
    for (const follower of this.#followers.values()) follower.resync()
  }

  /** Dispose: no more news; the kernel goes on keeping the servers resolved. */
  [Symbol.dispose](): void {
    for (const follower of this.#followers.values()) follower[Symbol.dispose]()
    this.#followers = new Map()
  }

  #follow(nic: string): InterfaceFollower {
    const follower: InterfaceFollower = new InterfaceFollower(this.#options.network, nic, {
      onNeighbours: (changed) => {
        this.#wake()
        if (follower === this.#followers.get(nic)) this.#tell(changed)
      },
      onDeleted: (addresses) => {
        if (follower === this.#followers.get(nic)) this.#options.onDeleted(nic, addresses.length)
      },
    })
    return follower
  }

  #tell(changed: Pick<ReadonlySet<Ip>, 'has'>): void {
    const now = known(this.#followers)
    for (const server of this.#servers) {
      if (!changed.has(server.address)) continue
      const next = nextView(this.#view.get(server.name), now(server.address))
      if (!next) continue
      this.#view.set(server.name, next)
      this.#options.onChange(server, next)
    }
  }

  #viewOf(followers: Followers, servers: readonly Server[]): Map<string, Neighbour> {
    const now = known(followers)
    const view = new Map<string, Neighbour>()
    for (const { name, address } of servers) {
      const isSame = this.#servers.some((each) => each.name === name && each.address === address)
      const before = isSame ? this.#view.get(name) : undefined
      const next = nextView(before, now(address)) ?? before
      if (next) view.set(name, next)
    }
    return view
  }

  /** #settle waits until no server's first answer is outstanding, or long enough. */
  async #settle(followers: Followers, servers: readonly Server[]): Promise<void> {
    const isAsking = () => {
      const now = known(followers)
      return servers.some(({ address }) => sameResolution(now(address), asking))
    }
    let expired = false
    const timer = setTimeout(() => {
      expired = true
      this.#wake()
    }, this.#options.settleMs)
    try {
      while (isAsking() && !expired) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    } finally {
      clearTimeout(timer)
      this.#wake = () => undefined
    }
  }
}

/** known: what all NICs together say of an address, as of now. */
function known(followers: Followers): (address: Ip) => Neighbour {
  const all = [...followers].map(([nic, { neighbours }]) => [nic, neighbours] as const)
  return (address) => seen(new Map(all.map(([nic, neighbours]) => [nic, neighbours.get(address) ?? asking])))
}

const addressesOf = (servers: readonly Server[]): Ip[] => servers.map(({ address }) => address)
