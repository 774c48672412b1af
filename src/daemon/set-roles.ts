// Roles (roles.ts), kept from what vrrp tells. Its idea: what vrrp said last goes on to count while it is not heard, since
// its process and its addresses may well go on; a file takes a set away, and a role is lost with its addresses. Pure but for the listeners.

import { type Ip, tryIp4, tryIp6 } from '../base/addresses.ts'
import type { DesiredState } from '../config/state.ts'
import type { SetStatus } from '../vrrp/protocol.ts'
import type { Roles, SetRole } from './roles.ts'

/** SetRoles: of the file that was adopted last. */
export class SetRoles implements Roles {
  /** In the file's order. */
  #roles: ReadonlyMap<string, SetRole | undefined> = new Map()
  #nodes: ReadonlyMap<Ip, string> = new Map()
  #node = ''
  readonly #listeners = new Set<(set: string) => void>()
  readonly #whoSpeaksFrom: (set: string, address: string) => string | undefined

  /** `whoSpeaksFrom`: what other nodes say of the sources of their adverts. */
  constructor(whoSpeaksFrom: (set: string, address: string) => string | undefined = () => undefined) {
    this.#whoSpeaksFrom = whoSpeaksFrom
  }

  of(set: string): SetRole | undefined {
    return this.#roles.get(set)
  }

  sets(): readonly string[] {
    return [...this.#roles.keys()]
  }

  isActive(): boolean {
    return [...this.#roles.values()].some((each) => each?.role === 'active')
  }

  onChange(listener: (set: string) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  /** adopt a file for this node at `now` (ms): sets without failover have their roles by it; of others what is known stays. */
  adopt(desired: DesiredState, node: string, now: number): void {
    const before = this.#roles
    this.#node = node
    this.#nodes = nodesByAddress(desired)
    const first = desired.nodes[0]?.name ?? node
    this.#roles = new Map(
      desired.addressSets.map(({ name, failover }) => {
        const known = before.get(name)
        if (failover) return [name, known]
        const role = first === node ? 'active' : 'backup'
        return [name, { role, active: first, since: known?.role === role ? known.since : now }]
      }),
    )
    this.#tell(before)
  }

  /** heard: what vrrp says of sets that move. */
  heard(sets: readonly Pick<SetStatus, 'name' | 'role' | 'since' | 'active'>[]): void {
    const before = this.#roles
    const after = new Map(before)
    for (const { name, role, since, active } of sets) {
      if (!before.has(name)) continue
      const who = role === 'active' ? this.#node : active && this.nameOf(name, active.from)
      after.set(name, { role, since, ...(who !== undefined && { active: who }) })
    }
    this.#roles = after
    this.#tell(before)
  }

  /** lost: this node has no role for a set any more, at `now` (ms): its addresses went without vrrp saying so. */
  lost(set: string, now: number): void {
    const before = this.#roles
    this.#roles = new Map(before).set(set, { role: 'initialize', since: now })
    this.#tell(before)
  }

  /** nameOf: the node that has an address, by the file or as it says itself of its adverts for a set; or the address. */
  nameOf(set: string, address: string): string {
    const ip = tryIp4(address) ?? tryIp6(address)
    return (ip !== undefined && this.#nodes.get(ip)) || this.#whoSpeaksFrom(set, address) || address
  }

  #tell(before: ReadonlyMap<string, SetRole | undefined>): void {
    for (const [name, now] of this.#roles) {
      const was = before.get(name)
      if (was?.role === now?.role && was?.active === now?.active) continue
      for (const listener of this.#listeners) listener(name)
    }
  }
}

/** nodesByAddress: those under `nodes`, and those that adverts come from by unicast. */
function nodesByAddress({ nodes, addressSets }: DesiredState): ReadonlyMap<Ip, string> {
  const unicast = addressSets.flatMap(({ failover }) => failover?.unicast ?? [])
  return new Map([
    ...nodes.map(({ name, address }) => [address, name] as const),
    ...unicast.flatMap((role) =>
      Object.entries(role.nodes).flatMap(([name, some]) => some.map((address) => [address, name] as const)),
    ),
  ])
}
