// How nodes come to have the same revision again, whatever was lost between them. Its idea: revisions know their past. A
// node whose revision is in another's past has missed something and follows; one whose revision is not has another past,
// which somebody has to decide about (`tenbin sync`). A change that whoever began it does not end is asked about, and given
// up when nobody can say; what waits to be confirmed counts when another node says that it was.

import { BackOff } from '../base/back-off.ts'
import { TenbinError } from '../base/errors.ts'
import { handleJson, type Peers, type PeerView, partOf, requestJson } from '../cluster/peers.ts'
import type { Answering } from './answering.ts'
import type { Coordinator } from './coordinator.ts'
import type { LocalRevisions } from './local.ts'
import {
  adoptBody,
  adoptedSchema,
  outcomeSchema,
  PART,
  partSchema,
  pastSchema,
  paths,
  type RevisionPart,
} from './peer-words.ts'
import { decodeRevision, FIRST, type Head, type Revision, ROOT, refOf } from './revision.ts'
import type { RevisionStore } from './revision-store.ts'
import type { Clock } from './runner.ts'

/** ASK_MS: so long after the last word of who began a trial it is asked. */
const ASK_MS = 3_000
/** GIVE_UP_MS: so long after, if it does not answer, the trial is over. */
const GIVE_UP_MS = 15_000
const TIMEOUT_MS = 5_000
const READ_MS = 30_000
const ADOPT_MS = 90_000
/** FETCH_LIMIT: so many revisions of the past are fetched at most; what is older is not needed to follow. */
const FETCH_LIMIT = 50

export interface FollowerOptions {
  readonly peers: Peers
  readonly local: LocalRevisions
  readonly coordinator: Coordinator
  readonly store: RevisionStore
  readonly clock: Clock
  readonly answering: Answering
  /** followed: this node runs now what another one runs. */
  readonly followed: (node: string, head: Head) => void
}

/** Difference: a node that does not have this node's revision. */
export interface Difference {
  readonly node: string
  readonly current: { readonly number: number; readonly id: string } | undefined
  /** `behind`: it will follow this one; `ahead`: this node will follow it; `other`: of another past. */
  readonly kind: 'behind' | 'ahead' | 'other' | 'busy'
  readonly why?: string
}

export class Follower implements Disposable {
  readonly #options: FollowerOptions
  readonly #adopting: Disposable
  #differences: readonly Difference[] = []
  #why: string | undefined
  /** By what is followed: it is tried again later each time. */
  readonly #backOff = new BackOff()

  constructor(options: FollowerOptions) {
    this.#options = options
    this.#adopting = handleJson(options.peers, paths.adopt, adoptBody, async (_, { from }) => ({
      number: (await this.adopt(from)).number,
    }))
  }

  /** differences: nodes that are connected and do not have this node's revision, at the last look. */
  get differences(): readonly Difference[] {
    return this.#differences
  }

  /** why this node does not follow the others. */
  get why(): string | undefined {
    return this.#why
  }

  /** tick looks after all of it; about twice a second. */
  async tick(): Promise<void> {
    const { local } = this.#options
    this.#publish()
    await this.#askAboutTrial()
    await this.#hearOfConfirmation()
    const others = this.#others()
    const mine = local.current?.id
    const different = others.filter(({ part }) => part.current?.id !== mine)
    const found: Difference[] = []
    for (const { node, part } of different) found.push(await this.#compare(node, part))
    this.#differences = found
    if (found.every(({ kind }) => kind !== 'ahead')) this.#why = undefined
    if (local.state === 'settled') await this.#followLatest(found)
    this.#publish()
  }

  /**
   * adopt makes this node run what another one runs, whatever its own past is. `isAgain`: as of Runner.run. Throws what
   * following throws.
   */
  async adopt(node: string, isAgain = false): Promise<Head> {
    const { local, store } = this.#options
    const { heads } = await this.#pastOf(node, ROOT)
    const last = heads.at(-1)
    if (!last) throw new TenbinError('REVISION_UNKNOWN', 'sync', { detail: `nothing counts on ${node} yet` })
    if (local.current?.id === last.id) return last
    const missing = heads.slice(-FETCH_LIMIT).filter((head) => !store.has(head))
    const isMissing = missing.some(({ id }) => id === last.id)
    await this.#follow(node, isMissing ? missing : [...missing, last], isAgain)
    return last
  }

  /**
   * sync makes all nodes that are connected run what `from` runs; by default what has the highest number. Throws
   * REVISION_DIFFERS where two have it and somebody has to say which; APPLY_BUSY; NODES_MISSING (`from` is not there).
   */
  async sync(from: string | undefined, self: string): Promise<{ from: string; nodes: readonly string[] }> {
    const { local, peers } = this.#options
    const others = this.#others()
    const mine: RevisionPart = { state: local.state, ...(local.current && { current: refOf(local.current) }) }
    const all = [{ node: self, part: mine }, ...others]
    const busy = all.find(({ part }) => part.state !== 'settled')
    if (busy) {
      const detail = `a change is under way on ${busy.node}: confirm it, or take it back first`
      throw new TenbinError('APPLY_BUSY', 'sync', { detail })
    }
    const source = all.find(({ node }) => node === (from ?? latestOf(all)))
    if (!source) throw new TenbinError('NODES_MISSING', 'sync', { detail: `${from} is not connected` })
    const done: string[] = []
    if (source.node !== self && mine.current?.id !== source.part.current?.id) {
      await this.adopt(source.node)
      done.push(self)
    }
    for (const { node, part } of others) {
      if (node === source.node || part.current?.id === source.part.current?.id) continue
      await requestJson(peers, {
        ...{
          node,
          path: paths.adopt,
          body: { from: source.node },
          reply: adoptedSchema,
          timeoutMs: ADOPT_MS,
        },
      })
      done.push(node)
    }
    return { from: source.node, nodes: done }
  }

  [Symbol.dispose](): void {
    this.#adopting[Symbol.dispose]()
  }

  #publish(): void {
    const { local, peers } = this.#options
    const { current, state } = local
    const why = this.#why?.slice(0, 300)
    peers.publish(PART, {
      ...(current && { current: refOf(current) }),
      state,
      ...(why !== undefined && { why }),
    })
  }

  #others(): { node: string; part: RevisionPart }[] {
    return this.#options.peers.nodes().flatMap((view: PeerView) => {
      const part = view.state === 'connected' ? partOf(view, PART, partSchema) : undefined
      return part ? [{ node: view.name, part }] : []
    })
  }

  async #askAboutTrial(): Promise<void> {
    const { local, coordinator, peers, clock, answering } = this.#options
    const { attempt, tried } = local
    if (!attempt || !tried || attempt.node === peers.self || coordinator.isDeciding(attempt.id)) return
    const silentMs = clock.bootMs() - answering.heardMs()
    if (silentMs < ASK_MS) return
    const body = { id: attempt.id, revision: tried.id }
    const request = {
      node: attempt.node,
      path: paths.outcome,
      body,
      reply: outcomeSchema,
      timeoutMs: TIMEOUT_MS,
    }
    const answer = await requestJson(peers, request).catch((error: unknown) => {
      if (!(error instanceof TenbinError)) throw error
      return undefined
    })
    // Meanwhile it may have been heard.
    if (local.attempt?.id !== attempt.id) return
    if (answer?.outcome === 'running') answering.hear()
    else if (answer?.outcome === 'settled' || answer?.outcome === 'confirming')
      await local.settle(attempt.id, answer.leftMs)
    else if (answer || silentMs >= GIVE_UP_MS) {
      const why = answer ? `${attempt.node} took it back` : `nothing was heard of ${attempt.node} any more`
      await local.abort(attempt.id, why)
    }
  }

  async #hearOfConfirmation(): Promise<void> {
    const { local } = this.#options
    if (local.state !== 'confirming') return
    const id = local.current?.id
    const other = this.#others().find(({ part }) => part.state === 'settled' && part.current?.id === id)
    if (other) await local.confirm(`it was confirmed on ${other.node}`)
  }

  async #compare(node: string, { current, state, why }: RevisionPart): Promise<Difference> {
    const { local } = this.#options
    const of = { node, current, ...(why !== undefined && { why }) }
    if (state !== 'settled' || local.state !== 'settled') return { ...of, kind: 'busy' }
    if (!current || local.hasInPast(current.id)) return { ...of, kind: 'behind' }
    const mine = local.current
    try {
      const { isPast } = await this.#pastOf(node, mine?.id ?? ROOT)
      if (isPast || !mine) return { ...of, kind: 'ahead' }
    } catch (error) {
      if (!(error instanceof TenbinError)) throw error
      return { ...of, kind: 'busy', why: error.message }
    }
    // A first start is nobody's decision: what somebody applied counts more.
    if (mine.parent === ROOT && mine.who === FIRST && current.number > mine.number)
      return { ...of, kind: 'ahead' }
    return { ...of, kind: 'other' }
  }

  async #followLatest(found: readonly Difference[]): Promise<void> {
    const { clock } = this.#options
    const ahead = found.filter(({ kind }) => kind === 'ahead')
    const [latest] = ahead.toSorted((a, b) => b.current!.number - a.current!.number)
    if (!latest || !this.#backOff.isDue(latest.current!.id, clock.bootMs())) return
    try {
      await this.adopt(latest.node, this.#why !== undefined)
      this.#why = undefined
      this.#backOff.forget(latest.current!.id)
    } catch (error) {
      if (!(error instanceof TenbinError)) throw error
      this.#backOff.done(latest.current!.id, clock.bootMs())
      this.#why = `it cannot follow ${latest.node} to revision ${latest.current!.number}: ${error.message}`
    }
  }

  async #follow(node: string, heads: readonly Head[], isAgain: boolean): Promise<void> {
    const { local, peers, store, followed } = this.#options
    const revisions: Revision[] = []
    for (const wanted of heads) {
      const { id } = wanted
      if (store.has(wanted)) revisions.push(store.read(id))
      else {
        const body = Buffer.from(JSON.stringify({ id }))
        const revision = decodeRevision(await peers.request(node, paths.read, body, READ_MS))
        if (revision.head.id !== id)
          throw new TenbinError('REVISION_DAMAGED', 'follow', { detail: `${node} sent another one` })
        revisions.push(revision)
      }
    }
    const { head } = revisions.at(-1)!
    await local.follow(revisions, `revision ${head.number} of ${node}`, isAgain)
    followed(node, head)
  }

  #pastOf(node: string, id: string) {
    const { peers } = this.#options
    return requestJson(peers, {
      node,
      path: paths.past,
      body: { id },
      reply: pastSchema,
      timeoutMs: TIMEOUT_MS,
    })
  }
}

/** latestOf: the node with the highest number. Throws REVISION_DIFFERS where several have it, with different ids. */
function latestOf(
  all: readonly { readonly node: string; readonly part: RevisionPart }[],
): string | undefined {
  const known = all.flatMap(({ node, part }) => (part.current ? [{ node, ...part.current }] : []))
  const highest = Math.max(...known.map(({ number }) => number))
  const latest = known.filter(({ number }) => number === highest)
  if (new Set(latest.map(({ id }) => id)).size <= 1) return latest[0]?.node
  const detail = `${latest.map(({ node }) => node).join(' and ')} have different revisions ${highest}: say --from NODE`
  throw new TenbinError('REVISION_DIFFERS', 'sync', { detail })
}
