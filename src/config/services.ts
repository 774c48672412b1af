// Services: where clients connect, which pool answers, and how. What a service does not say comes from `defaults`.
// Of the ways to forward, schedule and check, those that are not built yet are known by name.

import { formatEndpoint, formatIp, type Ip, isIp4 } from '../base/addresses.ts'
import { didYouMean } from '../base/nearest.ts'
import { STATELESS, TIMEOUTS } from '../dataplane/shape.ts'
import { describe } from './check-shape.ts'
import type { Findings } from './findings.ts'
import type { Inventory } from './inventory.ts'
import { parseListener } from './listener.ts'
import type { Entry, Merged } from './merge.ts'
import { type Network, named } from './network.ts'
import { checkOnLink } from './on-link.ts'
import type { Pool, Pools } from './pools.ts'
import type { ServiceShape } from './schema.ts'
import { formatPlace, inside, keyOf, type Place } from './source.ts'
import type { AddressSet, ListenerState, ServiceState } from './state.ts'

interface Choice {
  readonly what: string
  readonly built: string
  readonly later: readonly string[]
}

const forwards: Choice = {
  what: 'a way of forwarding',
  built: 'dsr',
  later: ['nat', 'fullnat', 'ipip', 'gue'],
}
const schedulers: Choice = {
  what: 'a scheduler',
  built: 'mh',
  later: ['rr', 'wrr', 'lc', 'wlc', 'sh', 'dh', 'sed', 'nq', 'fo', 'ovf', 'twos', 'lblc', 'lblcr'],
}

function choose(
  { what, built, later }: Choice,
  key: string,
  value: string,
  place: Place,
  findings: Findings,
): void {
  if (value === built) return
  const remedy = `write ${key}: ${built}`
  if (later.includes(value)) findings.add(place, `${key} ${value} is not built yet: ${remedy}`)
  else
    findings.add(
      place,
      `${describe(value)} is not ${what}${didYouMean(value, [built, ...later]) || `: ${remedy}`}`,
    )
}

const NO_CHECKS = 'health checks are not built yet: write check: none'

/** Defaults: what `defaults` says, where it says something. */
export interface Defaults {
  readonly weight: number
  readonly hasCheck: boolean
}

/** resolveDefaults checks the values once, at their own place. */
export function resolveDefaults({ defaults, incomplete }: Merged, findings: Findings): Defaults {
  const values = new Map(defaults.map((entry) => [entry.name, entry]))
  const [forward, scheduler, check] = ['forward', 'scheduler', 'check'].map((name) => values.get(name))
  if (typeof forward?.value === 'string') choose(forwards, 'forward', forward.value, forward.place, findings)
  if (typeof scheduler?.value === 'string')
    choose(schedulers, 'scheduler', scheduler.value, scheduler.place, findings)
  if (check && check.value !== 'none') findings.add(check.place, NO_CHECKS)
  const weight = values.get('weight')?.value
  return {
    weight: typeof weight === 'number' ? weight : 1,
    hasCheck: check !== undefined || incomplete.has('defaults'),
  }
}

/** Services resolves them one by one and keeps what must not come twice. */
export class Services {
  readonly #network: Network
  readonly #pools: Pools
  readonly #defaults: Defaults
  readonly #findings: Findings
  readonly #onLink = new Map<Pool, Set<AddressSet>>()
  readonly #listeners = new Map<string, { service: string; place: Place }>()

  constructor(network: Network, pools: Pools, defaults: Defaults, findings: Findings) {
    this.#network = network
    this.#pools = pools
    this.#defaults = defaults
    this.#findings = findings
  }

  /** resolve: the service as far as it is right; findings say what is not. */
  resolve(entry: Entry<ServiceShape>, inventory: Inventory): ServiceState | undefined {
    const { name, value, place } = entry
    if (!named(entry, this.#findings) || value === undefined) return undefined
    if (value.forward !== undefined)
      choose(forwards, 'forward', value.forward, inside(place, 'forward'), this.#findings)
    if (value.scheduler !== undefined)
      choose(schedulers, 'scheduler', value.scheduler, inside(place, 'scheduler'), this.#findings)
    this.#check(value, place)
    const { listeners, sets } = this.#listen(name, value.listen, inside(place, 'listen'))
    const pool = this.#pool(name, value, place)
    if (!pool) return undefined
    this.#checkFamilies(name, pool, listeners, inventory, place)
    for (const set of sets) this.#checkOnLink(pool, set, inventory)
    return {
      name,
      listeners,
      pool: pool.name,
      forward: 'dsr',
      scheduler: 'mh',
      check: 'none',
      ...STATELESS,
      timeouts: TIMEOUTS,
    }
  }

  #check(value: ServiceShape, place: Place): void {
    if ('check' in value) {
      if (value.check !== 'none') this.#findings.add(inside(place, 'check'), NO_CHECKS)
    } else if (!this.#defaults.hasCheck) {
      const why = 'here or under defaults (an absent check will mean a TCP connect)'
      this.#findings.add(keyOf(place), `${NO_CHECKS}, ${why}`)
    }
  }

  #pool(name: string, value: ServiceShape, place: Place) {
    if (value.servers !== undefined && value.pool !== undefined) {
      this.#findings.add(keyOf(inside(place, 'pool')), 'servers and pool at once: remove one of them')
      return undefined
    }
    if (value.pool !== undefined) return this.#pools.find(value.pool, inside(place, 'pool'))
    if (value.servers !== undefined) return this.#pools.inline(name, value.servers, inside(place, 'servers'))
    this.#findings.add(
      keyOf(place),
      `service ${name} has nobody to answer: write servers: web01..10, or pool: NAME`,
    )
    return undefined
  }

  #listen(service: string, listen: ServiceShape['listen'], place: Place) {
    const listeners: ListenerState[] = []
    const sets = new Set<AddressSet>()
    const texts = typeof listen === 'string' ? [listen] : listen
    if (texts.length === 0)
      this.#findings.add(place, 'a service has at least one listener: write [192.168.8.100:80]')
    for (const [index, text] of texts.entries()) {
      const at = typeof listen === 'string' ? place : inside(place, index)
      const listener = parseListener(text)
      if (typeof listener === 'string') {
        this.#findings.add(at, listener)
        continue
      }
      const key = `${formatEndpoint(listener)}${listener.protocol === 'udp' ? '/udp' : ''}`
      const other = this.#listeners.get(key)
      if (other) {
        const whose = other.service === service ? 'this service' : `service ${other.service}`
        const where = formatPlace(other.place)
        this.#findings.add(at, `${key} is a listener of ${whose} already, at ${where}: remove one of them`)
        continue
      }
      this.#listeners.set(key, { service, place: at })
      const owner = this.#network.serviceAddresses.get(listener.address)
      if (owner) sets.add(owner.set)
      else if (this.#network.addressesComplete) this.#nobodys(listener, at)
      listeners.push(listener)
    }
    return { listeners, sets }
  }

  /** One pool answers for listeners of one address family: its servers' own. */
  #checkFamilies(
    name: string,
    { members }: Pool,
    listeners: readonly ListenerState[],
    inventory: Inventory,
    place: Place,
  ): void {
    const all = members.flatMap(({ server }) => inventory.servers.get(server) ?? [])
    for (const family of ['IPv4', 'IPv6'] as const) {
      const isOf = ({ address }: { readonly address: Ip }) => isIp4(address) === (family === 'IPv4')
      const listener = listeners.find(isOf)
      const stranger = all.find((server) => !isOf(server))
      if (!listener || !stranger) continue
      const [one, other] = [formatEndpoint(listener), `${stranger.name} (${formatIp(stranger.address)})`]
      this.#findings.add(
        inside(place, 'listen'),
        `${name} listens on ${family} (${one}) but has ${other}: families do not mix, make a service and a pool for each`,
      )
      return
    }
  }

  #checkOnLink(pool: Pool, set: AddressSet, inventory: Inventory): void {
    const done = this.#onLink.get(pool) ?? new Set()
    if (!done.has(set) && this.#network.addressesComplete) checkOnLink(pool, set, inventory, this.#findings)
    this.#onLink.set(pool, done.add(set))
  }

  #nobodys({ address }: ListenerState, place: Place): void {
    const ip = formatIp(address)
    const set = this.#network.addressSets[0]?.name
    const remedy = set === undefined ? 'an address set under addresses' : `an address set, such as ${set}`
    this.#findings.add(place, `${ip} is in no address set, so no node would have it: add it to ${remedy}`)
  }
}
