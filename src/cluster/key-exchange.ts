// The exchange of keys on this node: what rotation.ts says is to be done is done, when it is begun, when another node offers
// its key, and after each exchange of documents. What cannot be done now, because a disk is full or a node does not answer,
// is tried again after the next one.

import { randomBytes } from 'node:crypto'
import { TenbinError } from '../base/errors.ts'
import { authorityOf } from './certificate.ts'
import { NEXT_KEY } from './cluster-paths.ts'
import type { Keeper } from './keeper.ts'
import { type ClusterKeys, SEED } from './key-file.ts'
import type { Peer } from './peer.ts'
import { leftOut, rotationStep, takes } from './rotation.ts'

const OFFER_MS = 5_000

/** KeyExchangeOptions: `changed`: this node shows other keys from now on. */
export interface KeyExchangeOptions {
  readonly keeper: Keeper
  readonly peers: () => readonly Peer[]
  readonly changed: () => void
}

export class KeyExchange {
  readonly #options: KeyExchangeOptions

  constructor(options: KeyExchangeOptions) {
    this.#options = options
  }

  /** isUnderWay: this node has more than one key. */
  get isUnderWay(): boolean {
    const { ids } = this.#options.keeper
    return ids?.next !== undefined || ids?.previous !== undefined
  }

  /** without: nodes that are left without the newest key, until they have joined anew. */
  get without(): readonly string[] {
    return this.#options.keeper.keys?.without ?? []
  }

  /**
   * begin, unless it is under way, and go on `without` these nodes, which are not there. Throws CLUSTER_ROTATION_REFUSED,
   * PEER_UNKNOWN.
   */
  begin(without: readonly string[]): void {
    const { keeper } = this.#options
    const { keys } = keeper
    const refused = (detail: string) => new TenbinError('CLUSTER_ROTATION_REFUSED', 'rotate keys', { detail })
    const peers = this.#options.peers()
    if (!keys || peers.length === 0) throw refused('this node is in no cluster')
    const unknown = without.find((node) => !peers.some(({ name }) => name === node))
    if (unknown !== undefined)
      throw new TenbinError('PEER_UNKNOWN', 'rotate keys', {
        detail: `${unknown} is none of the other nodes of the file: ${peers.map(({ name }) => name).join(', ')}`,
      })
    const isThere = (name: string) =>
      peers.some(({ name: node, record }) => node === name && record.state === 'connected')
    const there = without.filter(isThere)
    if (there.length > 0) throw refused(`connected, so not to be left without the key: ${there.join(', ')}`)
    const missing = peers.map(({ name }) => name).filter((name) => !isThere(name) && !without.includes(name))
    if (missing.length > 0)
      throw refused(
        `not connected: ${missing.join(', ')}; a node that is not there would be left with the old keys`,
      )
    if (
      this.#keep(this.isUnderWay ? alsoWithout(keys, without) : { ...keys, next: randomBytes(SEED), without })
    )
      return
    throw refused(keeper.fault?.message ?? 'keys cannot be kept')
  }

  /** offered: the next key of another node, which counts if that one is not left out. Throws PEER_REQUEST. */
  offered(from: string, seed: Uint8Array): void {
    if (this.without.includes(from)) return
    const { keys, ids } = this.#options.keeper
    if (seed.length !== SEED)
      throw new TenbinError('PEER_REQUEST', 'next key', { detail: `${seed.length} bytes: expected ${SEED}` })
    if (keys && ids && takes(ids, authorityOf(seed).id))
      this.#keep({ ...keys, next: new Uint8Array(seed), without: [] })
  }

  /** goOn with what is under way. */
  goOn(): void {
    const { keys, ids } = this.#options.keeper
    if (!keys || !ids || !(this.isUnderWay || this.without.length > 0)) return
    const peers = this.#options.peers()
    const others = peers.map(({ name, record }) => ({
      node: name,
      isConnected: record.state === 'connected',
      keys: record.document?.keys,
    }))
    const without = leftOut(ids, others)
    if (without.join() !== this.without.join() && !this.#keep({ ...keys, without })) return
    const { next, previous: _, ...rest } = { ...keys, without }
    const step = rotationStep({ ...ids, without }, others)
    if (step.kind === 'promote' && next) this.#keep({ ...rest, current: next, previous: keys.current })
    if (step.kind === 'forget') this.#keep(rest)
    if (step.kind === 'offer' && next)
      for (const peer of peers.filter(({ name }) => step.to.includes(name)))
        peer.request(NEXT_KEY, next, OFFER_MS).then(
          () => peer.beatSoon(),
          () => undefined,
        )
  }

  #keep(keys: ClusterKeys): boolean {
    if (!this.#options.keeper.keep(keys)) return false
    this.#options.changed()
    return true
  }
}

const alsoWithout = (keys: ClusterKeys, more: readonly string[]): ClusterKeys => ({
  ...keys,
  without: [...new Set([...(keys.without ?? []), ...more])],
})
