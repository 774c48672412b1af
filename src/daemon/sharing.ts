// This node's flows and those of its peers, as the daemon has them: it says which pools this node leads, has the replicator
// tell and hear (replicate/), takes no role back before it knows what is to be known, and spreads flows by the keys of the
// cluster as soon as that moves nobody's. What operators say of servers is shared here too (shared-orders.ts).

import type { Peers } from '../cluster/peers.ts'
import { addressesOf, type DesiredState, nicOf } from '../config/state.ts'
import { AWAIT_MS } from '../dataplane/awaiting.ts'
import { Replicator } from '../replicate/replicator.ts'
import type { Problem, Status } from './api-schema.ts'
import { AwaitingRecords } from './awaiting-records.ts'
import { handleExpect, haveExpected } from './expect-change.ts'
import type { PacketPath } from './ports.ts'
import { problem } from './problem.ts'
import type { Roles } from './roles.ts'

/** SharingOptions: what it works with. */
export interface SharingOptions {
  readonly peers: Peers
  readonly packetPath: Pick<PacketPath, 'replica' | 'keys' | 'rekey'>
  readonly roles: Roles
  /** hold: an address set preempts nobody for `ms`, as `who` wants it; 0: he wants it no more. */
  readonly hold: (set: string, who: string, ms: number) => void
  /** clusterKeys: the hash keys of the cluster; undefined: this node is in none. */
  readonly clusterKeys: () => BigUint64Array | undefined
  /** monotonic: ms of a clock that nobody sets. */
  readonly monotonic: () => number
}

/** WHO holds a set while flows are not told yet. */
const WHO = 'flows'
/** HOLD_MS: how long one word holds; it is said anew each HOLD_EVERY_MS. */
const [HOLD_MS, HOLD_EVERY_MS] = [5_000, 1_000]
/** PEERS_MS: so long after the start peers are waited for that are not connected yet. */
const PEERS_MS = 5_000
/** HOLD_MAX_MS: after that a set is held no longer: a node that cannot be told must not be alone for ever. */
const HOLD_MAX_MS = 60_000
/** FLUSH_MS: a role that is given up waits so long at most for flows to be told. */
const FLUSH_MS = 500
/**
 * FRESH_MS: between two looks for records that packets have just made; after more than FRESH_MANY of them FRESH_BUSY_MS, so
 * that many are one message; IDLE_MS where nobody is to be told.
 */
const [FRESH_MS, FRESH_BUSY_MS, IDLE_MS] = [4, 20, 200] as const
const FRESH_MANY = 64
/** STUCK_MS: not telling a peer anything for so long is a problem. */
const STUCK_MS = 10_000

export class Sharing implements Disposable {
  readonly #options: SharingOptions
  readonly #replicator: Replicator
  readonly #awaiting: AwaitingRecords
  readonly #expecting: Disposable
  readonly #startedAt: number
  /** By pool: the sets that its services listen on. */
  #setsOf: ReadonlyMap<string, readonly string[]> = new Map()
  #moving: readonly string[] = []
  #labels: ReadonlyMap<string, string> = new Map()
  #nics: ReadonlyMap<string, string> = new Map()
  /** Since when somebody has been waited for; undefined: nobody is. */
  #heldSince: number | undefined
  #heldAt = Number.NEGATIVE_INFINITY
  readonly #awaySince = new Map<string, number>()

  constructor(options: SharingOptions) {
    this.#options = options
    this.#startedAt = options.monotonic()
    const { peers, packetPath, roles, monotonic } = options
    this.#awaiting = new AwaitingRecords({ roles, replica: packetPath.replica, monotonic })
    this.#expecting = handleExpect(peers, (ms) => this.#awaiting.expect(ms))
    this.#replicator = new Replicator({
      peers,
      replica: packetPath.replica,
      keys: () => packetPath.keys,
      leads: (pool) => this.#leads(pool),
      labelOf: (nic) => this.#labels.get(nic),
      nicOf: (label) => this.#nics.get(label),
      now: monotonic,
    })
  }

  /** adopt a file that is about to be applied here, or is: before packets of its sets may come. */
  adopt(desired: DesiredState, node: string): void {
    this.#setsOf = setsOfPools(desired)
    this.#moving = desired.addressSets.filter(({ failover }) => failover).map(({ name }) => name)
    this.#nics = new Map(desired.interfaces.map(({ role }) => [role, nicOf(desired, role, node)]))
    // of two roles that one NIC plays the first
    this.#labels = new Map([...this.#nics].map(([role, nic]) => [nic, role] as const).reverse())
    this.#heldAt = Number.NEGATIVE_INFINITY
    this.#hold()
  }

  /** sweep: a few milliseconds, ten times a second. */
  sweep(): void {
    this.#rekey()
    this.#awaiting.step()
    this.#replicator.step()
    this.#hold()
    const now = this.#options.monotonic()
    for (const { name, state } of this.#replicator.status())
      if (state !== 'away') this.#awaySince.delete(name)
      else if (!this.#awaySince.has(name)) this.#awaySince.set(name, now)
  }

  /** tellFresh: what packets have just left behind is told; in how many ms it is to be called again. */
  tellFresh(): number {
    const records = this.#replicator.tellFresh()
    if (records === undefined) return IDLE_MS
    return records > FRESH_MANY ? FRESH_BUSY_MS : FRESH_MS
  }

  /**
   * prepareChange: a role of a set with adverts every `advertMs` is about to be given up, or has just gone: what others do not know
   * yet is told, as by flush, and they and this node await records until whoever takes it has, and knows that.
   */
  async prepareChange(advertMs: number): Promise<void> {
    // Who takes it waits for Skew_Time (RFC 9568, 6.1), which is less than an advert.
    const ms = FLUSH_MS + advertMs + AWAIT_MS
    this.#awaiting.expect(ms)
    await Promise.all([haveExpected(this.#options.peers, ms, FLUSH_MS), this.flush()])
  }

  /** flush: what is not told yet is told before a role is given up. Never longer than half a second. */
  flush(): Promise<void> {
    return this.#replicator.flush(FLUSH_MS)
  }

  /** end: this node is told nothing any more, and waits for nothing. */
  end(): void {
    this.#awaiting.end()
  }

  /** status of what is told to each other node; nothing where there is none. */
  get status(): Pick<Status, 'sharing'> {
    const sharing = this.#replicator.status()
    return sharing.length === 0 ? {} : { sharing: [...sharing] }
  }

  problems(): Problem[] {
    const { peers, monotonic, packetPath } = this.#options
    const connected = new Set(
      peers.nodes().flatMap(({ name, state }) => (state === 'connected' ? [name] : [])),
    )
    const stuck = this.#replicator.status().flatMap(({ name, state, why }) => {
      const since = this.#awaySince.get(name)
      const isStuck = state === 'away' && since !== undefined && monotonic() - since > STUCK_MS
      return isStuck && why !== undefined && connected.has(name)
        ? [problem('FLOWS_UNSHARED', `${name} is not told of flows: ${why}`)]
        : []
    })
    const keys = this.#options.clusterKeys()
    const isOwn =
      this.#moving.length > 0 && keys && packetPath.replica.isLive && !sameKeys(keys, packetPath.keys)
    return [
      ...stuck,
      ...(isOwn
        ? [
            problem(
              'HASH_KEYS_OWN',
              'this node spreads flows by hash keys of its own: with those of the cluster they would move now',
            ),
          ]
        : []),
    ]
  }

  [Symbol.dispose](): void {
    this.#expecting[Symbol.dispose]()
    this.#awaiting[Symbol.dispose]()
    this.#replicator[Symbol.dispose]()
  }

  #leads(pool: string): boolean {
    const { roles } = this.#options
    return (this.#setsOf.get(pool) ?? []).some((set) => roles.of(set)?.role === 'active')
  }

  /** #rekey: by the cluster's keys as soon as no clients' packets come here; the next look at drift applies them. */
  #rekey(): void {
    const { clusterKeys, packetPath, roles } = this.#options
    if (roles.isActive() || !packetPath.replica.isLive) return
    const keys = clusterKeys()
    if (keys && !sameKeys(keys, packetPath.keys)) packetPath.rekey(keys)
  }

  /** #hold the sets that move until those who are there have told all there is. */
  #hold(): void {
    const { monotonic } = this.#options
    const now = monotonic()
    if (!this.#isWaiting(now)) {
      if (this.#heldSince === undefined) return
      for (const set of this.#moving) this.#options.hold(set, WHO, 0)
      this.#heldSince = undefined
      return
    }
    this.#heldSince ??= now
    if (now - this.#heldSince > HOLD_MAX_MS || now - this.#heldAt < HOLD_EVERY_MS) return
    this.#heldAt = now
    for (const set of this.#moving) this.#options.hold(set, WHO, HOLD_MS)
  }

  #isWaiting(now: number): boolean {
    const { peers } = this.#options
    if (this.#replicator.unheard().length > 0) return true
    return now - this.#startedAt < PEERS_MS && peers.nodes().some(({ state }) => state !== 'connected')
  }
}

/** setsOfPools: by pool, the address sets that its services listen on. */
function setsOfPools({ addressSets, services }: DesiredState): ReadonlyMap<string, readonly string[]> {
  const setOf = new Map(
    addressSets.flatMap((set) => addressesOf(set).map(({ address }) => [address, set.name] as const)),
  )
  const sets = new Map<string, string[]>()
  for (const { pool, listeners } of services) {
    const known = new Set(sets.get(pool))
    for (const { address } of listeners) {
      const set = setOf.get(address)
      if (set !== undefined) known.add(set)
    }
    sets.set(pool, [...known])
  }
  return sets
}

const sameKeys = (a: BigUint64Array, b: BigUint64Array): boolean =>
  a.length === b.length && a.every((key, i) => key === b[i])
