// The service addresses that this instance puts on its NICs, and only those: an address that was there before is
// used and left alone, now and by `down`. Its idea: what is recorded (record.ts) and still carries our mark
// (IFA_PROTO) is ours; if somebody removed it and added it himself, the mark is gone and it is his.
// IPv4 addresses of one prefix hang together: the kernel removes the secondary ones with the primary one unless
// promote_secondaries is on (ip-sysctl), so it is switched on around such a removal. IPv6 addresses stand alone, but
// the kernel removes them all when the interface is switched off.

import { readFileSync, writeFileSync } from 'node:fs'
import { formatIp, type Ip, isIp4 } from '../base/addresses.ts'
import { FOREVER, type InterfaceAddress } from '../netlink/addresses.ts'
import type { Link } from '../netlink/links.ts'
import { TENBIN_PROTOCOL } from '../netlink/mark.ts'
import type { Network } from '../netlink/network.ts'
import { permitted } from '../sys/permitted.ts'
import type { Problem } from './api-schema.ts'
import type { Placement } from './placement.ts'
import { problemsOf } from './problem.ts'
import type { Owned, RecordStore } from './record.ts'

/** Wanted: an address, its prefix length, and where it belongs. */
export interface Wanted {
  readonly address: Ip
  readonly prefix: number
  readonly link: Pick<Link, 'name' | 'index'>
}

/** PromoteSecondaries runs `body` with an interface's sysctl promote_secondaries on. */
export type PromoteSecondaries = (interfaceName: string, body: () => void) => void

export class ServiceAddresses {
  readonly #network: Network
  readonly #store: RecordStore
  readonly #promote: PromoteSecondaries

  constructor(network: Network, store: RecordStore, promote: PromoteSecondaries = promoteSecondaries) {
    this.#network = network
    this.#store = store
    this.#promote = promote
  }

  /** own: what this instance added and what is still so. */
  own(): readonly Owned[] {
    return this.#ownOf(this.#network.listAddresses())
  }

  /** missing: which of these their NICs do not have. */
  missing(wanted: readonly Wanted[]): Wanted[] {
    const present = this.#network.listAddresses()
    const own = new Set(this.#ownOf(present).map(keyOf))
    const isOwn = (each: InterfaceAddress) => each.protocol === TENBIN_PROTOCOL && own.has(keyOf(each))
    const found = new Set(present.map(keyOf))
    // Ours with another prefix length has to make way; somebody else's is as good as our own would be.
    const others = new Set(present.filter((each) => !isOwn(each)).map(placeOf))
    return wanted.filter(({ address, prefix, link: { index: ifindex } }) => {
      const at = { ifindex, address, prefix }
      return !found.has(keyOf(at)) && !others.has(placeOf(at))
    })
  }

  /** add puts those that are missing on their NICs and returns them; on failure none stays. Throws as Network does. */
  add(wanted: readonly Wanted[]): Owned[] {
    const added: Owned[] = []
    try {
      for (const { address, prefix, link } of this.missing(wanted)) {
        const owned: Owned = { ifindex: link.index, interface: link.name, address, prefix }
        this.#remember(owned)
        added.push(owned)
        this.#network.addAddress({
          ifindex: link.index,
          address,
          prefix,
          protocol: TENBIN_PROTOCOL,
          ...(isIp4(address) ? {} : serviceIp6),
        })
      }
    } catch (error) {
      this.remove(added)
      throw error
    }
    return added
  }

  /** strays: what is ours and not wanted where it is. */
  strays(wanted: readonly Wanted[]): Owned[] {
    const keys = new Set(
      wanted.map(({ address, prefix, link }) => keyOf({ ifindex: link.index, address, prefix })),
    )
    return this.own().filter((owned) => !keys.has(keyOf(owned)))
  }

  /** remove takes ours off again and returns what was there to take. Throws as Network does. */
  remove(some: readonly Owned[]): Owned[] {
    const removed: Owned[] = []
    for (const owned of some) {
      const present = this.#network.listAddresses(owned.ifindex)
      const found = present.find((each) => isOurs(each, owned))
      if (found) {
        const take = () => this.#network.removeAddress(owned)
        // By the name that the NIC has now.
        const name = this.#network.getLink(owned.ifindex)?.name ?? owned.interface
        if (carriesOthers(found, present)) permitted('remove address', () => this.#promote(name, take))
        else take()
        removed.push(owned)
      }
      this.#forget(owned)
    }
    return removed
  }

  /** prune forgets what is recorded and no longer so: the NIC is gone, or somebody removed the address. */
  prune(): void {
    const record = this.#store.read()
    const addresses = this.own()
    if (addresses.length < record.addresses.length) this.#store.write({ ...record, addresses })
  }

  #ownOf(present: readonly InterfaceAddress[]): readonly Owned[] {
    const ours = new Set(present.filter(({ protocol }) => protocol === TENBIN_PROTOCOL).map(keyOf))
    return this.#store.read().addresses.filter((owned) => ours.has(keyOf(owned)))
  }

  #remember(owned: Owned): void {
    const record = this.#store.read()
    const others = record.addresses.filter((each) => !isSame(each, owned))
    this.#store.write({ ...record, addresses: [...others, owned] })
  }

  #forget(owned: Owned): void {
    const record = this.#store.read()
    this.#store.write({ ...record, addresses: record.addresses.filter((each) => !isSame(each, owned)) })
  }
}

// Usable at once, and never the source of what this machine asks of others: it may be another machine's soon.
const serviceIp6 = { nodad: true, lifetime: { validS: FOREVER, preferredS: 0 } }

type At = Pick<Owned, 'ifindex' | 'address' | 'prefix'>
const isSame = (a: At, b: At): boolean =>
  a.ifindex === b.ifindex && a.address === b.address && a.prefix === b.prefix

/** placeOf, keyOf: of hundreds of addresses each is looked for among all. */
const placeOf = ({ ifindex, address }: Omit<At, 'prefix'>): string =>
  `${ifindex} ${isIp4(address) ? 'ip4' : 'ip6'} ${address}`
const keyOf = (at: At): string => `${placeOf(at)}/${at.prefix}`

const isOurs = (found: InterfaceAddress, owned: Owned): boolean =>
  isSame(found, owned) && found.protocol === TENBIN_PROTOCOL

/** carriesOthers: removing this one would take others of its prefix with it. */
function carriesOthers({ address, prefix, isSecondary }: InterfaceAddress, all: readonly InterfaceAddress[]) {
  if (!isIp4(address) || isSecondary) return false
  const network = (ip: number) => (prefix === 0 ? 0 : ip >>> (32 - prefix))
  return all.some(
    (each) =>
      isIp4(each.address) &&
      each.isSecondary &&
      each.prefix === prefix &&
      network(each.address) === network(address),
  )
}

/**
 * settleAddresses puts on the NICs what is missing and takes off what is ours and not wanted; `tell` hears of each.
 * What fails does not hold up the rest and is returned.
 */
export function settleAddresses(
  addresses: ServiceAddresses,
  wanted: readonly Wanted[],
  tell: (done: 'added' | 'removed', owned: Owned) => void,
): Problem[] {
  const problems: Problem[] = []
  const steps = [
    () => addresses.prune(),
    () => {
      for (const owned of addresses.add(wanted)) tell('added', owned)
    },
    () => {
      for (const owned of addresses.remove(addresses.strays(wanted))) tell('removed', owned)
    },
  ]
  for (const step of steps) {
    try {
      step()
    } catch (error) {
      problems.push(...problemsOf(error))
    }
  }
  return problems
}

/** ownedText: 192.0.2.1/24 on eth0. */
export const ownedText = (owned: Owned): string =>
  `${formatIp(owned.address)}/${owned.prefix} on ${owned.interface}`

function promoteSecondaries(interfaceName: string, body: () => void): void {
  const path = `/proc/sys/net/ipv4/conf/${interfaceName}/promote_secondaries`
  const before = readFileSync(path, 'utf8')
  writeFileSync(path, '1')
  try {
    body()
  } finally {
    writeFileSync(path, before)
  }
}

/**
 * wantedOf a placement: the service addresses that main puts on NICs, each with the one that it belongs on, if that is
 * there. Those that a role has are vrrp's to add and to remove.
 */
export const wantedOf = ({ held, links }: Placement): Wanted[] =>
  held.flatMap(({ address, prefix, nic, byRole }) => {
    if (byRole) return []
    const link = links.find(({ name }) => name === nic)
    return link ? [{ address, prefix, link }] : []
  })
