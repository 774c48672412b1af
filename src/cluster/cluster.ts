// The cluster of a running daemon: Peers over real connections. It is there from the daemon's start to its end, whatever
// the file and the keys say: without keys, or where the file does not name this node, it is in no cluster and has no peers.
//
//   follow(file) ──┐
//                  ├──> hall: door, reception ──> handlers <── handle()
//   tick() ─ keys ─┘    peers, one each ──> exchange of documents, requests
//
// What of it changes is replaced, and nothing else: another port opens another door, another node gets a peer, other keys
// begin new connections.

import { randomBytes } from 'node:crypto'
import { formatEndpoint, formatIp } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { HEARTBEAT, NEXT_KEY } from './cluster-paths.ts'
import { type ClusterSpec, endpointsOf, sameSpec, waysFrom } from './cluster-spec.ts'
import { type Document, HEARTBEAT_MAX, PROTOCOLS } from './document.ts'
import type { Turned } from './door.ts'
import { Hall } from './hall.ts'
import { Handlers } from './handlers.ts'
import type { Identity } from './identity.ts'
import { answerJoin, type Invitations } from './invitations.ts'
import { type Fault, Keeper } from './keeper.ts'
import { KeyExchange } from './key-exchange.ts'
import { SEED } from './key-file.ts'
import { Parts } from './parts.ts'
import { Peer, RHYTHM, type Rhythm, readDocument } from './peer.ts'
import type { Moment } from './peer-record.ts'
import {
  DOCUMENT_MAX,
  type HandleOptions,
  type Handler,
  type Json,
  type Peers,
  type PeerView,
} from './peers.ts'

/** TICK_MS: how often `tick` is to be called. */
export const TICK_MS = 2_000

/** ClusterOptions: `keys`: the file of keys; `moment`: now, on both clocks. */
export interface ClusterOptions {
  readonly keys: string
  readonly invitations: Invitations
  readonly version: string
  readonly moment: () => Moment
  /** rhythm: {@link RHYTHM} if absent. */
  readonly rhythm?: Rhythm
}

/** Standing: of this node in its cluster, for `status`. */
export interface Standing {
  readonly self: string | undefined
  /** hasKeys, though the file may not name this node. */
  readonly hasKeys: boolean
  readonly at: readonly string[]
  readonly rotates: boolean
  /** without: nodes that keys were exchanged without. */
  readonly without: readonly string[]
  readonly turned: Turned
}

export class Cluster implements Peers, Disposable {
  readonly #options: ClusterOptions
  readonly #keeper: Keeper
  readonly #handlers = new Handlers()
  readonly #listeners = new Set<() => void>()
  readonly #parts = new Parts()
  readonly #run = randomBytes(8).toString('hex')
  readonly #peers = new Map<string, Peer>()
  /** By node: the run of its daemon that was heard last. */
  readonly #heardRuns = new Map<string, string>()
  readonly #exchange: KeyExchange
  #spec: ClusterSpec | undefined
  #hall: Hall | undefined
  #told = ''
  #isLeaving = false

  constructor(options: ClusterOptions) {
    this.#options = options
    this.#keeper = new Keeper(options.keys, () => options.moment().date)
    this.#exchange = new KeyExchange({
      keeper: this.#keeper,
      peers: () => [...this.#peers.values()],
      changed: () => this.#identify(),
    })
    this.#handlers.add(HEARTBEAT, (from, body) => this.#heard(from, body), { maxBytes: HEARTBEAT_MAX })
    this.#handlers.add(NEXT_KEY, (from, body) => this.#offered(from, body), { maxBytes: SEED })
  }

  get self(): string | undefined {
    return this.#hall ? this.#keeper.keys?.node : undefined
  }

  get astray(): string | undefined {
    if (this.self !== undefined) return undefined
    const { keys, fault } = this.#keeper
    return keys ? this.#unknown(keys.node) : fault?.message
  }

  /** follow: the file counts from now on; it may be the same. */
  follow(spec: ClusterSpec): void {
    if (sameSpec(spec, this.#spec)) return
    this.#spec = spec
    this.#arrange()
  }

  /** tick, every {@link TICK_MS}: keys that came or changed, certificates that are a day old. */
  tick(): void {
    const hadKeys = this.#keeper.keys !== undefined
    const before = this.#keeper.keys?.node
    if (!this.#keeper.look()) return
    if (!hadKeys || this.#keeper.keys?.node !== before) this.#arrange()
    else this.#identify()
  }

  nodes(): readonly PeerView[] {
    const now = this.#options.moment()
    return [...this.#peers.values()].map(({ record }) => record.view(now))
  }

  async request(node: string, path: string, body: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const peer = this.#peers.get(node)
    if (peer) return peer.request(path, body, timeoutMs)
    const detail =
      this.self === undefined ? 'this node is in no cluster' : `${node} is no other node of the file`
    throw new TenbinError('PEER_UNKNOWN', `${path} of ${node}`, { detail })
  }

  handle(path: string, handler: Handler, options?: HandleOptions): Disposable {
    return this.#handlers.add(path, handler, options)
  }

  publish(part: string, value: Json | undefined): void {
    if (this.#parts.set(part, value)) this.#beatSoon()
  }

  onChange(listener: () => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  /** faults: what keeps this node from being in its cluster; what is wrong with others is in nodes(). */
  faults(): readonly Fault[] {
    const { keys, fault } = this.#keeper
    const unknown = keys && this.#unknown(keys.node)
    return [
      ...(fault ? [fault] : []),
      ...(unknown === undefined ? [] : [{ code: 'CLUSTER_NODE_UNKNOWN', message: unknown } as const]),
      ...(this.#hall?.faults() ?? []).map((message) => ({ code: 'CLUSTER_UNHEARD', message }) as const),
      ...(this.#hall ? [...this.#parts.tooLarge] : []).map(
        ([part, bytes]) =>
          ({
            code: 'CLUSTER_UNTOLD',
            message: `what is to be said of ${part} has ${bytes} bytes, and all together may have ${DOCUMENT_MAX}`,
          }) as const,
      ),
    ]
  }

  standing(): Standing {
    const { self } = this
    return {
      self,
      hasKeys: this.#keeper.keys !== undefined,
      at: self === undefined || !this.#spec ? [] : endpointsOf(this.#spec, self).map(formatEndpoint),
      rotates: this.#exchange.isUnderWay,
      without: this.#exchange.without,
      turned: this.#hall?.turned ?? { strangers: 0, tooMany: 0 },
    }
  }

  /**
   * rotate begins to exchange the authority that signs certificates for another one; standing() says when it is done.
   * One that was begun goes on. `without`: nodes that are not there and not waited for. Throws CLUSTER_ROTATION_REFUSED,
   * PEER_UNKNOWN.
   */
  rotate(without: readonly string[] = []): void {
    this.#exchange.begin(without)
  }

  /** leave: peers are told that this node goes, and need not find out. Dispose of it then. */
  async leave(): Promise<void> {
    this.#isLeaving = true
    await Promise.all([...this.#peers.values()].map((peer) => peer.tell()))
  }

  /**
   * depart from the cluster: peers are told that this node goes, `remove` takes its keys off the disk, and from then on it is in
   * none. Throws CLUSTER_NONE, and what `remove` throws; then it is in the cluster as before.
   */
  async depart(remove: () => void): Promise<void> {
    if (!this.#keeper.keys)
      throw new TenbinError('CLUSTER_NONE', 'cluster leave', { detail: 'this node has no keys of one' })
    await this.leave()
    this.#isLeaving = false
    try {
      remove()
    } catch (error) {
      this.#beatSoon()
      throw error
    }
    this.#keeper.forget()
    this.#arrange()
  }

  [Symbol.dispose](): void {
    this.#spec = undefined
    this.#close()
  }

  /** unknown: what is wrong where the keys are of no node of the file. */
  #unknown(node: string): string | undefined {
    if (!this.#spec || this.#isNode(node)) return undefined
    const names = this.#spec.nodes.map(({ name }) => name).join(', ') || 'none'
    return `the keys of this machine are those of node ${node}, and the file's nodes are ${names}`
  }

  #isNode(name: string): boolean {
    return this.#spec?.nodes.some((node) => node.name === name) ?? false
  }

  /** arrange: door, reception and peers as keys and file have them. */
  #arrange(): void {
    const spec = this.#spec
    const self = this.#keeper.keys?.node
    // A file of one node says that there is nobody to meet.
    if (!spec || spec.nodes.length < 2 || self === undefined || !this.#isNode(self)) {
      this.#close()
    } else {
      const others = spec.nodes.filter(({ name }) => name !== self)
      this.#listen(spec, self, others)
      this.#arrangePeers(spec, self, others)
    }
    this.#changed()
  }

  #listen(spec: ClusterSpec, self: string, others: ClusterSpec['nodes']): void {
    const { moment, invitations } = this.#options
    const now = () => moment().date
    this.#hall ??= new Hall({
      identity: () => this.#keeper.identity!,
      handlers: this.#handlers,
      now,
      refusal: (node, from) => this.#refusal(node, from),
      join: answerJoin(invitations, () => this.#keeper.keys!, now),
    })
    this.#hall.identify()
    const addresses = others.flatMap((other) => other.addresses)
    this.#hall.open(endpointsOf(spec, self), addresses, (name) => others.some((other) => other.name === name))
  }

  #arrangePeers(spec: ClusterSpec, self: string, others: ClusterSpec['nodes']): void {
    const { moment, rhythm = RHYTHM } = this.#options
    const identity = (): Identity => this.#keeper.identity!
    const document = () => this.#document()
    const changed = () => this.#changed()
    const before = new Map(this.#peers)
    this.#peers.clear()
    for (const { name } of others) {
      const ways = waysFrom(spec, self, name)
      const peer = before.get(name)
      if (peer?.goes(ways)) {
        before.delete(name)
        peer.reconnect()
        this.#peers.set(name, peer)
        continue
      }
      this.#peers.set(name, new Peer({ name, ways, identity, document, moment, rhythm, changed }))
    }
    for (const peer of before.values()) peer[Symbol.dispose]()
  }

  #close(): void {
    this.#hall?.[Symbol.dispose]()
    this.#hall = undefined
    for (const peer of this.#peers.values()) peer[Symbol.dispose]()
    this.#peers.clear()
  }

  /** identify: other certificates or keys, of the same node. */
  #identify(): void {
    this.#hall?.identify()
    for (const peer of this.#peers.values()) peer.reconnect()
    this.#beatSoon()
  }

  #refusal(node: string, from: string): string | undefined {
    const self = this.#keeper.keys?.node
    if (node === self) return `two machines have the keys of ${node}`
    const known = this.#spec?.nodes.find(({ name }) => name === node)
    if (!known) return `${node} is no node of the file of ${self}`
    const addresses = known.addresses.map(formatIp)
    if (addresses.includes(from)) return undefined
    return `${node} comes from ${from}, and the file of ${self} has it at ${addresses.join(' and ')}`
  }

  #document(): Document {
    return {
      node: this.#keeper.keys!.node,
      version: this.#options.version,
      protocols: PROTOCOLS,
      run: this.#run,
      clock: this.#options.moment().date.getTime(),
      keys: this.#keeper.ids!,
      ...(this.#isLeaving && { leaving: true as const }),
      parts: this.#parts.all(),
    }
  }

  async #heard(from: string, body: Uint8Array): Promise<Uint8Array> {
    const document = readDocument(body, from, `heartbeat from ${from}`)
    // A word is for the daemon to come: the one that was there when it was given out does not use it up.
    if (this.#heardRuns.get(from) !== document.run) this.#options.invitations.joined(from)
    this.#heardRuns.set(from, document.run)
    const peer = this.#peers.get(from)
    const now = this.#options.moment()
    if (document.leaving) peer?.record.left(document, now)
    else peer?.record.heard(document, now)
    // It has just come up: we need not wait for our next beat.
    if (peer && !document.leaving && peer.record.state !== 'connected') peer.beatSoon()
    this.#changed()
    return Buffer.from(JSON.stringify(this.#document()))
  }

  async #offered(from: string, seed: Uint8Array): Promise<Uint8Array> {
    this.#exchange.offered(from, seed)
    return Buffer.alloc(0)
  }

  #beatSoon(): void {
    for (const peer of this.#peers.values()) peer.beatSoon()
  }

  /** changed: rotation goes on where the file names this node; whoever listens is told, unless all is as it was. */
  #changed(): void {
    const self = this.#keeper.keys?.node
    if (self !== undefined && this.#isNode(self)) this.#exchange.goOn()
    const seen = this.nodes().map(({ clockAheadMs: _, ...view }) => view)
    const now = JSON.stringify([this.self, seen])
    if (now === this.#told) return
    this.#told = now
    for (const listener of this.#listeners) listener()
  }
}
