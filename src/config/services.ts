// Services: where clients connect and which pool answers. How flows are treated is behaviour.ts's.

import { formatIp, formatListener, type Ip, isIp4 } from '../base/addresses.ts'
import { isLeast, MOST_MEMBERS } from '../dataplane/scheduling.ts'
import { checkNat, checkTrack, type Defaults, resolveBehaviour, settled } from './behaviour.ts'
import { checkFits, type Fit, VIA_WITH_NAT } from './check-fits.ts'
import { TCP_CHECK } from './check-spec.ts'
import { type Check, resolveCheck } from './checks.ts'
import type { Findings } from './findings.ts'
import type { Inventory } from './inventory.ts'
import { parseListener } from './listener.ts'
import { ListenerOwners, type Owner } from './listener-owners.ts'
import type { Entry } from './merge.ts'
import { named } from './named.ts'
import type { Network } from './network.ts'
import { checkOnLink } from './on-link.ts'
import { resolvePersistence } from './persistence.ts'
import type { Pool, Pools } from './pools.ts'
import type { ServiceShape } from './schema-services.ts'
import { checkOwned } from './sorry.ts'
import { formatPlace, inside, keyOf, type Place } from './source.ts'
import {
  type AddressSet,
  countingOf,
  type Forward,
  type ListenerState,
  type Scheduler,
  type ServerState,
  type ServiceState,
} from './state.ts'

/** Services resolves them one by one and keeps what must not come twice. */
export class Services {
  readonly #network: Network
  readonly #pools: Pools
  readonly #defaults: Defaults
  readonly #findings: Findings
  readonly #onLink = new Map<Pool, Set<AddressSet>>()
  /** Servers that are on the network of a set. */
  readonly #near = new Map<AddressSet, Set<string>>()
  readonly #listeners = new ListenerOwners()

  constructor(network: Network, pools: Pools, defaults: Defaults, findings: Findings) {
    this.#network = network
    this.#pools = pools
    this.#defaults = defaults
    this.#findings = findings
  }

  /** resolve: the service as far as it is right; findings say what is not. */
  resolve(entry: Entry<ServiceShape>, inventory: Inventory): ServiceState | undefined {
    const { name, value, mended, place } = entry
    if (!named(entry, this.#findings)) return undefined
    if (value === undefined) {
      const look = () => void this.resolve({ name, value: mended!.value as ServiceShape, place }, inventory)
      if (mended) this.#findings.sift(mended.isSaid, look)
      return undefined
    }
    const behaviour = resolveBehaviour(value, place, this.#findings)
    const persistence = resolvePersistence(value, place, this.#findings)
    const { listeners, sets } = this.#listen(name, value.listen, inside(place, 'listen'))
    const pool = this.#pool(name, value, place)
    const does = settled(behaviour, this.#defaults)
    checkTrack(behaviour, this.#defaults, inside(place, 'track'), this.#findings)
    checkNat(value, behaviour, this.#defaults, place, this.#findings)
    if (!pool) {
      this.#ownCheck(value, listeners, does.forward, place)
      return undefined
    }
    this.#checkFamilies(name, pool, listeners, inventory, place)
    if (does.forward === 'dsr') for (const set of sets) this.#checkOnLink(pool, set, inventory)
    this.#checkMembers(does.scheduler, pool, place)
    const check = this.#check(value, pool, listeners, does.forward, inventory, place)
    const kept = persistence && { persistence, track: 'all' as const }
    return { name, listeners, pool: pool.name, check, ...does, ...kept }
  }

  #check(
    value: ServiceShape,
    pool: Pool,
    listeners: readonly ListenerState[],
    forward: Forward,
    inventory: Inventory,
    place: Place,
  ): Check {
    const at = inside(place, 'check')
    const check = this.#ownCheck(value, listeners, forward, place) ?? TCP_CHECK
    const isOwn = value.check !== undefined
    const said = (...path: readonly string[]) => (isOwn ? inside(at, ...path) : keyOf(place))
    this.#checkFits(check, said, listeners, forward, pool.members, inventory)
    const { sorryCheckAt } = pool
    if (pool.sorry?.check !== undefined && sorryCheckAt) {
      const saidOfSorry = (...path: readonly string[]) => inside(sorryCheckAt, ...path)
      this.#checkFits(pool.sorry.check, saidOfSorry, listeners, forward, pool.sorry.members, inventory)
    }
    return check
  }

  /** #ownCheck: what the service says of its check; undefined: nothing, or nothing that could be used. */
  #ownCheck(
    { check }: ServiceShape,
    listeners: readonly ListenerState[],
    forward: Forward,
    place: Place,
  ): Check | undefined {
    const at = inside(place, 'check')
    if (check !== undefined) {
      const own = resolveCheck(check, at, this.#network.roles, this.#findings)
      const isVia = typeof check === 'object' && check.via === 'service'
      if (own === undefined && isVia && forward === 'nat') this.#findings.add(inside(at, 'via'), VIA_WITH_NAT)
      return own
    }
    if (this.#defaults.check === undefined && isUdpOnly(listeners))
      this.#findings.add(
        keyOf(place),
        'a TCP connect says nothing of a service of UDP: write check: { udp: … } or { dns: … }, ping, or none',
      )
    return this.#defaults.check
  }

  #checkFits(
    check: Check,
    at: Fit['at'],
    listeners: readonly ListenerState[],
    forward: Forward,
    looksAt: Pool['members'],
    { servers }: Inventory,
  ): void {
    const server = firstOf(looksAt, servers, () => true)
    checkFits(check, { at, listeners, forward, server }, this.#findings)
  }

  /** checkQuorums, when all services are known: a quorum counts servers that checks find up. */
  checkQuorums(services: readonly ServiceState[]): void {
    for (const { name, quorumAt } of this.#pools.all) {
      if (!quorumAt) continue
      const users = services.filter(({ pool }) => pool === name)
      if (users.length > 0 && users.every(({ check }) => check === 'none'))
        this.#findings.add(
          keyOf(quorumAt),
          'a quorum counts servers that checks find up, and check: none looks at nobody: write a check, or remove it',
        )
    }
  }

  #pool(name: string, value: ServiceShape, place: Place) {
    checkOwned(value, place, this.#findings)
    if (value.servers !== undefined && value.pool !== undefined) {
      this.#findings.add(keyOf(inside(place, 'pool')), 'servers and pool at once: remove one of them')
      return undefined
    }
    if (value.pool !== undefined) return this.#pools.find(value.pool, inside(place, 'pool'))
    if (value.servers !== undefined) return this.#pools.inline(name, value.servers, value, place)
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
      const other = this.#listeners.claim(listener, service, at)
      if (other) {
        this.#claimed(listener, other, service, at)
        continue
      }
      const owner = this.#network.serviceAddresses.get(listener.address)
      if (owner) sets.add(owner.set)
      else if (this.#network.addressesComplete) this.#nobodys(listener, at)
      listeners.push(listener)
    }
    return { listeners, sets }
  }

  #claimed(listener: ListenerState, other: Owner, service: string, place: Place): void {
    const whose = other.service === service ? 'this service' : `service ${other.service}`
    const where = formatPlace(other.place)
    const [text, theirs] = [formatListener(listener), formatListener(other.listener)]
    const message =
      text === theirs
        ? `${text} is a listener of ${whose} already, at ${where}: remove one of them`
        : `${text} and ${theirs} of ${whose}, at ${where}, have ports in common: remove them from one`
    this.#findings.add(place, message)
  }

  /** One pool answers for listeners of one address family: its servers' own. */
  #checkFamilies(
    name: string,
    { members }: Pool,
    listeners: readonly ListenerState[],
    inventory: Inventory,
    place: Place,
  ): void {
    for (const family of ['IPv4', 'IPv6'] as const) {
      const isOf = ({ address }: { readonly address: Ip }) => isIp4(address) === (family === 'IPv4')
      const listener = listeners.find(isOf)
      const stranger = listener && firstOf(members, inventory.servers, (server) => !isOf(server))
      if (!listener || !stranger) continue
      const [one, other] = [formatListener(listener), `${stranger.name} (${formatIp(stranger.address)})`]
      this.#findings.add(
        inside(place, 'listen'),
        `${name} listens on ${family} (${one}) but has ${other}: families do not mix, make a service and a pool for each`,
      )
      return
    }
  }

  /** A scheduler that looks at connections looks at every server's, at each new one. */
  #checkMembers(scheduler: Scheduler, { members, sorry }: Pool, place: Place): void {
    const counting = countingOf(scheduler)
    const count = members.length + (sorry?.members.length ?? 0)
    if (!counting || !isLeast(counting) || count <= MOST_MEMBERS) return
    this.#findings.add(
      keyOf(place),
      `${count} servers are too many for scheduler ${scheduler}, which looks at all of them at each new connection: at most ${MOST_MEMBERS}, or write scheduler: mh`,
    )
  }

  #checkOnLink(pool: Pool, set: AddressSet, inventory: Inventory): void {
    const done = this.#onLink.get(pool) ?? new Set()
    const { addressesComplete, interfaces } = this.#network
    if (!done.has(set) && addressesComplete) {
      const fine = this.#near.get(set) ?? new Set()
      this.#near.set(set, fine)
      const options = { inventory, isOnlyInterface: interfaces.length === 1, fine }
      checkOnLink([...pool.refs, ...pool.sorryRefs], set, options, this.#findings)
    }
    this.#onLink.set(pool, done.add(set))
  }

  #nobodys({ address }: ListenerState, place: Place): void {
    const ip = formatIp(address)
    const set = this.#network.addressSets[0]?.name
    const remedy = set === undefined ? 'an address set under addresses' : `an address set, such as ${set}`
    this.#findings.add(place, `${ip} is in no address set, so no node would have it: add it to ${remedy}`)
  }
}

/** firstOf members that is a server of the file, and such a one. */
function firstOf(
  members: Pool['members'],
  servers: Inventory['servers'],
  isIt: (server: ServerState) => boolean,
): ServerState | undefined {
  for (const { server } of members) {
    const state = servers.get(server)
    if (state && isIt(state)) return state
  }
  return undefined
}

const isUdpOnly = (listeners: readonly ListenerState[]): boolean =>
  listeners.length > 0 && listeners.every(({ protocol }) => protocol === 'udp')
