// The addresses that an active node has on its NICs. Its idea: each has a lifetime of a few seconds that is renewed while
// this process runs; should it be killed or stopped, the kernel takes them away by itself, and nobody goes on answering for
// what another node has taken over (linux/if_addr.h struct ifa_cacheinfo). What carries our mark (IFA_PROTO) is ours;
// an address that somebody else put there is used and left alone.

import { type Ip, isIp4 } from '../base/addresses.ts'
import type { InterfaceAddress, Lifetime } from '../netlink/addresses.ts'
import { TENBIN_PROTOCOL } from '../netlink/mark.ts'
import type { Network } from '../netlink/network.ts'

/** Held: an address on a NIC. */
export interface Held {
  readonly ifindex: number
  readonly address: Ip
  readonly prefix: number
}

/** Lease: the lifetime of what is held; ms after it began: when it is renewed, when another node has taken over at the latest. */
export interface Lease {
  readonly validS: number
  readonly renewMs: number
  readonly takenMs: number
}

/** LEAST_S: the kernel takes an address away up to 1.25 s late (net/ipv4/devinet.c), so less says little. */
const LEAST_S = 2

/**
 * leaseOf a set whose adverts come each `adverMs`: whoever was killed or stopped keeps its addresses until another node has
 * had to take over (RFC 9568 6.1 Active_Down_Interval: less than four intervals), so that clients find one of the two at any
 * moment, even if the kernel takes an interval for the renewal; and what the kernel's seconds make of it.
 */
export function leaseOf(adverMs: number): Lease {
  const takenMs = 4 * adverMs
  const validS = Math.max(LEAST_S, Math.ceil((takenMs + 2 * adverMs) / 1000))
  return { validS, renewMs: Math.min(validS * 500, validS * 1000 - takenMs - adverMs), takenMs }
}

const keyOf = ({ ifindex, address, prefix }: Held): string =>
  `${ifindex} ${typeof address} ${address}/${prefix}`
const isOurs = ({ protocol }: InterfaceAddress): boolean => protocol === TENBIN_PROTOCOL

export class HeldAddresses {
  readonly #network: Network
  /** In the order in which they were added. */
  #held: readonly Held[] = []
  /** Those, and what somebody else put there before. */
  #wanted: readonly Held[] = []

  constructor(network: Network) {
    this.#network = network
  }

  /** has: whether it is held. */
  has(one: Held): boolean {
    return this.#held.some((each) => keyOf(each) === keyOf(one))
  }

  /** wants: whether its NIC is to have this address, by us or by somebody else, with whatever prefix. */
  wants({ ifindex, address }: Held): boolean {
    return this.#wanted.some((each) => each.ifindex === ifindex && each.address === address)
  }

  /**
   * take: these from now on, and no others, for `validS` seconds unless renewed. On failure none is held. Throws as Network
   * does.
   */
  take(wanted: readonly Held[], validS: number): void {
    const keys = new Set(wanted.map(keyOf))
    this.#remove(this.#held.filter((each) => !keys.has(keyOf(each))))
    const present = new Map<number, readonly InterfaceAddress[]>()
    for (const { ifindex } of wanted) present.set(ifindex, this.#network.listAddresses(ifindex))
    const isOthers = ({ ifindex, address }: Held): boolean =>
      present.get(ifindex)!.some((each) => each.address === address && !isOurs(each))
    this.#held = []
    this.#wanted = wanted
    try {
      for (const each of wanted.filter((one) => !isOthers(one))) {
        this.#held = [...this.#held, each]
        this.#put(each, validS)
      }
    } catch (error) {
      this.leave()
      throw error
    }
  }

  /** renew: all that are held stay for `validS` seconds from now; one that somebody removed is there again. Throws as Network. */
  renew(validS: number): void {
    for (const each of this.#held) this.#put(each, validS)
  }

  /** leave: none is held any more. Throws as Network does, when all were tried. */
  leave(): void {
    const held = this.#held
    this.#held = []
    this.#wanted = []
    this.#remove(held)
  }

  #put({ ifindex, address, prefix }: Held, validS: number): void {
    this.#network.addAddress(
      { ifindex, address, prefix, lifetime: lifetimeOf(address, validS), nodad: !isIp4(address) },
      { replace: true },
    )
  }

  /** #remove, the last one first: the kernel removes what is secondary together with the first of its prefix. */
  #remove(some: readonly Held[]): void {
    const errors: unknown[] = []
    for (const each of some.toReversed()) {
      try {
        this.#network.removeAddress(each)
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }
}

/** lifetimeOf: an IPv6 address that moves is never the source of what this machine asks of others. */
const lifetimeOf = (address: Ip, validS: number): Lifetime => ({
  validS,
  preferredS: isIp4(address) ? validS : 0,
})

/**
 * removeStrays takes away what an earlier process left on a NIC: addresses of ours that have a lifetime, or are among `moving`.
 * Throws as Network does.
 */
export function removeStrays(network: Network, nic: string, moving: ReadonlySet<Ip>): InterfaceAddress[] {
  const link = network.getLink(nic)
  if (!link) return []
  const strays = network
    .listAddresses(link.index)
    .filter((each) => isOurs(each) && (moving.has(each.address) || willVanish(each)))
  for (const each of strays.toReversed()) network.removeAddress(each)
  return strays
}

/** willVanish: the kernel will take it away. */
const willVanish = ({ lifetime }: InterfaceAddress): boolean => lifetime !== undefined
