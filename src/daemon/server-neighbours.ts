// Which MAC each server has, kept up with and told on. It follows one NIC at a time; a change of the file is
// prepared beside what runs (its new servers are resolved, the old ones still followed) and then committed or
// abandoned. Which news are passed on is neighbour-view.ts's rule.

import type { Ip } from '../base/addresses.ts'
import type { Neighbour } from '../engine/engine.ts'
import { InterfaceFollower } from '../netlink/follow-interface.ts'
import type { Network } from '../netlink/network.ts'
import { asking, type Resolution, sameResolution } from '../netlink/resolution.ts'
import { isDoubtful, nextView } from './neighbour-view.ts'

/** Server: a name and the address to resolve. */
export interface Server {
  readonly name: string
  readonly address: Ip
}

/** Prepared: servers of a changed file, resolved as far as they answered. End it by commit or abandon. */
export interface Prepared {
  /** view: what to tell the packet path of each server; absent = not known. */
  readonly view: ReadonlyMap<string, Neighbour>
  /** commit: entries on the NIC followed before are left as they are (managed-links.ts). */
  commit(): void
  abandon(): void
}

export interface ServerNeighboursOptions {
  readonly network: Network
  /** settleMs: how long prepare waits for first answers. */
  readonly settleMs: number
  /** onChange: news of a committed server. */
  readonly onChange: (server: Server, neighbour: Neighbour) => void
}

export class ServerNeighbours implements Disposable {
  readonly #options: ServerNeighboursOptions
  #follower: InterfaceFollower | undefined
  #nic = ''
  #servers: readonly Server[] = []
  #view = new Map<string, Neighbour>()
  #wake: () => void = () => undefined

  constructor(options: ServerNeighboursOptions) {
    this.#options = options
  }

  /** prepare resolves `servers` on `nic`, next to those that are followed already. Throws as Network does. */
  async prepare(nic: string, servers: readonly Server[]): Promise<Prepared> {
    const present = this.#nic === nic ? this.#follower : undefined
    const follower = present ?? this.#follow(nic)
    const abandon = () => {
      if (present) return void follower.watch(addressesOf(this.#servers))
      // At a start the entries may be those of the packet path that runs on: they stay.
      if (this.#follower) follower.watch([])
      follower[Symbol.dispose]()
    }
    try {
      follower.watch(addressesOf(present ? [...this.#servers, ...servers] : servers))
      await this.#settle(follower, servers)
    } catch (error) {
      abandon()
      throw error
    }
    const view = this.#viewOf(follower, servers)
    const commit = () => {
      if (present) follower.watch(addressesOf(servers))
      else this.#follower?.[Symbol.dispose]()
      this.#follower = follower
      this.#nic = nic
      this.#servers = servers
      this.#view = view
    }
    return { view, commit, abandon }
  }

  /** view: what was told of the committed servers. */
  get view(): ReadonlyMap<string, Neighbour> {
    return this.#view
  }

  /** doubts: servers whose last MAC is used on, and what speaks against it. */
  doubts(): { readonly server: Server; readonly why: string }[] {
    const known = this.#follower?.neighbours
    return this.#servers.flatMap((server) => {
      const now = known?.get(server.address) ?? asking
      return isDoubtful(this.#view.get(server.name), now) && 'why' in now ? [{ server, why: now.why }] : []
    })
  }

  /** resync reads everything anew, for when an event may have been missed. Throws as Network does. */
  resync(): void {
    this.#follower?.resync()
  }

  /** Dispose: no more news; the kernel goes on keeping the servers resolved. */
  [Symbol.dispose](): void {
    this.#follower?.[Symbol.dispose]()
    this.#follower = undefined
  }

  #follow(nic: string): InterfaceFollower {
    const follower: InterfaceFollower = new InterfaceFollower(this.#options.network, nic, {
      onNeighbours: (changed) => {
        this.#wake()
        if (follower === this.#follower) this.#tell(changed)
      },
    })
    return follower
  }

  #tell(changed: ReadonlyMap<Ip, Resolution>): void {
    for (const server of this.#servers) {
      const resolution = changed.get(server.address)
      if (!resolution) continue
      const next = nextView(this.#view.get(server.name), resolution)
      if (!next) continue
      this.#view.set(server.name, next)
      this.#options.onChange(server, next)
    }
  }

  #viewOf(follower: InterfaceFollower, servers: readonly Server[]): Map<string, Neighbour> {
    const known = follower.neighbours
    const view = new Map<string, Neighbour>()
    for (const { name, address } of servers) {
      const isSame = this.#servers.some((each) => each.name === name && each.address === address)
      const before = isSame ? this.#view.get(name) : undefined
      const next = nextView(before, known.get(address) ?? asking) ?? before
      if (next) view.set(name, next)
    }
    return view
  }

  /** #settle waits until no server's first answer is outstanding, or long enough. */
  async #settle(follower: InterfaceFollower, servers: readonly Server[]): Promise<void> {
    const isAsking = () => {
      const known = follower.neighbours
      return servers.some(({ address }) => sameResolution(known.get(address) ?? asking, asking))
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

const addressesOf = (servers: readonly Server[]): Ip[] => servers.map(({ address }) => address)
