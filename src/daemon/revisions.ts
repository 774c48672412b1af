// Changes of the file, as the daemon makes them: what `tenbin apply` and its sisters ask for, SIGHUP, and the start. Its
// idea: what counts is the last revision that somebody applied, on all nodes; the file on this disk is only where the next
// one may come from. So a restart, whoever caused it, never runs an edit that nobody applied; that there is one is shown.

import { uptime } from 'node:os'
import { join } from 'node:path'
import type { z } from 'zod'
import { TenbinError } from '../base/errors.ts'
import type { Peers } from '../cluster/peers.ts'
import type { DesiredState } from '../config/state.ts'
import type { EventSink } from '../events/event.ts'
import { type Answering, answerPeers } from '../revisions/answering.ts'
import { type Content, encodeContent, loadContent, readContent } from '../revisions/content.ts'
import { type ApplyRequest, Coordinator, type Outcome } from '../revisions/coordinator.ts'
import { Follower } from '../revisions/follower.ts'
import { JOURNAL, type Journal, openJournal } from '../revisions/journal.ts'
import { LocalRevisions } from '../revisions/local.ts'
import { othersOf } from '../revisions/peer-others.ts'
import { FIRST, type Head, idOf, type Revision, ROOT, shortId, WHY_LIMIT } from '../revisions/revision.ts'
import { RevisionStore } from '../revisions/revision-store.ts'
import type { Clock } from '../revisions/runner.ts'
import type {
  AppliedAnswer,
  applyQuery,
  HistoryAnswer,
  PlanAnswer,
  RevisionAnswer,
  rollbackQuery,
  ShowAnswer,
  SyncAnswer,
} from './api-revisions.ts'
import type { RevisionOperations } from './api-routes.ts'
import type { Problem, ReloadAnswer } from './api-schema.ts'
import type { Controller } from './controller.ts'
import { type Counting, FileOnDisk } from './file-on-disk.ts'
import { planOf } from './plan.ts'
import { problem, problemsOf } from './problem.ts'
import { tellFollowed, tellOnDisk, tellRevision } from './tell-revision.ts'

/** RevisionsOptions: `folder`: where they are kept; `file`: what SIGHUP and a first start read. */
export interface RevisionsOptions {
  readonly folder: string
  readonly file: string
  readonly controller: Controller
  readonly events: EventSink
  readonly now: () => Date
  readonly boot: string
  readonly peers: Peers
  /** isActive: clients' packets come to this node. */
  readonly isActive: () => boolean
}

export class Revisions implements RevisionOperations, Disposable {
  readonly #options: RevisionsOptions
  readonly #store: RevisionStore
  readonly #journal: Journal
  readonly #local: LocalRevisions
  readonly #coordinator: Coordinator
  readonly #clock: Clock
  readonly #onDisk: FileOnDisk
  /** So many times the file on this disk is just being applied. */
  #reloading = 0
  readonly #answering: Answering
  readonly #follower: Follower
  /** What a first start runs, until it does: then it is kept. */
  #first: { readonly content: Content; readonly desired: DesiredState } | undefined
  #fault: TenbinError | undefined
  #isTicking = false

  /** Throws NOT_PERMITTED, STATE_UNUSABLE. */
  constructor(options: RevisionsOptions) {
    this.#options = options
    const { controller, events, folder, now, boot } = options
    this.#store = new RevisionStore(folder)
    this.#journal = openJournal(join(folder, JOURNAL))
    this.#clock = { boot, now, bootMs: () => uptime() * 1000 }
    // A large file takes a tenth of a second: who leads a change asks twice for the same one.
    let checked: DesiredState | undefined
    const runner = {
      check(desired: DesiredState): void {
        if (checked !== desired) controller.check(desired)
        checked = desired
      },
      run: (desired: DesiredState, cause: string, isAgain?: boolean) =>
        controller.reload(cause, () => desired, isAgain),
      verify: (desired: DesiredState) => controller.verifyRuns(desired),
      isActive: () => options.isActive(),
    }
    const common = { store: this.#store, clock: this.#clock, runner }
    this.#local = new LocalRevisions({
      ...common,
      journal: this.#journal,
      tell: (told) => tellRevision(events, told),
    })
    const names = () => controller.running?.desired.nodes.map(({ name }) => name) ?? []
    this.#coordinator = new Coordinator({
      ...common,
      local: this.#local,
      self: () => this.#self,
      order: names,
      others: (without) =>
        othersOf(
          options.peers,
          names().filter((name) => name !== this.#self),
          without,
        ),
    })
    this.#onDisk = new FileOnDisk(options.file, () => tellOnDisk(events, options.file, this.#local.current!))
    const between = { ...common, peers: options.peers, local: this.#local, coordinator: this.#coordinator }
    this.#answering = answerPeers(between)
    this.#follower = new Follower({
      ...between,
      answering: this.#answering,
      followed: (node, head) => {
        this.#first = undefined
        tellFollowed(events, node, head)
      },
    })
  }

  [Symbol.dispose](): void {
    this.#follower[Symbol.dispose]()
    this.#answering[Symbol.dispose]()
  }

  /**
   * start runs the revision that counts, or the file where there is none, or where it cannot be read any more. Throws what
   * keeps a daemon from starting.
   */
  async start(): Promise<void> {
    const { controller, file } = this.#options
    const start = this.#kept()
    if (start) return controller.start(() => start.desired)
    this.#first = readContent(file)
    await controller.start(() => this.#first!.desired)
    this.#fault = this.#keepFirst()
  }

  /** tick does what comes with time: what is not confirmed goes back, what could not be written is tried again. */
  async tick(): Promise<void> {
    if (this.#isTicking) return
    this.#isTicking = true
    let fault = this.#keepFirst()
    try {
      const left = this.#local.leftMs
      if (left !== undefined && left <= 0) await this.#local.revert('it was not confirmed in time')
      await this.#local.tick()
      await this.#follower.tick()
      this.#onDisk.look(this.#counting())
    } catch (error) {
      if (!(error instanceof TenbinError)) throw error
      fault = error
    } finally {
      this.#fault = fault
      this.#isTicking = false
    }
  }

  #lookAtDisk(): void {
    try {
      this.#onDisk.look(this.#counting())
    } catch (error) {
      if (!(error instanceof TenbinError)) throw error
      this.#fault = error
    }
  }

  #counting(): Counting | undefined {
    const { current, state } = this.#local
    if (!current) return undefined
    return { id: current.id, isSettled: state === 'settled', content: () => this.#local.content() }
  }

  /** problems: what is not as it should be, now. */
  problems(): Problem[] {
    const { current, fault } = this.#local
    return [
      ...(fault ? problemsOf(fault) : []),
      ...(this.#fault ? [problem('REVISIONS_UNKEPT', this.#fault.message)] : []),
      ...(this.#journal.isDamaged
        ? [problem('REVISION_DAMAGED', 'what counted before could not be read: the file was run instead')]
        : []),
      ...this.#store.damaged.map((path) => problem('REVISION_DAMAGED', `${path} is not a whole revision`)),
      ...differenceProblems(this.#follower, current),
      ...(current && this.#onDisk.isOther && this.#reloading === 0
        ? [unappliedProblem(this.#options.file, current)]
        : []),
    ]
  }

  /** reload: what SIGHUP asks for: the daemon's file as it is now, on all nodes. */
  async reload(cause: string, who: string): Promise<ReloadAnswer> {
    this.#reloading++
    try {
      const outcome = await this.#telling(cause, () => {
        const { content } = readContent(this.#options.file)
        return this.#change({ content, who, why: cause })
      })
      return { ...outcome.ran, notes: [...outcome.ran.notes] }
    } finally {
      this.#reloading--
    }
  }

  plan(content: Content): PlanAnswer {
    const { controller } = this.#options
    const desired = loadContent(content)
    controller.check(desired)
    return planOf(controller.running?.desired, desired, controller.engine, this.#local.current?.id)
  }

  async apply(content: Content, query: z.output<typeof applyQuery>, who: string): Promise<AppliedAnswer> {
    this.#mustFollow(query.base)
    const request = { content, who, why: query.why, ...trialOf(query) }
    return this.#answer(await this.#telling('apply', () => this.#change(request)))
  }

  async confirm(who: string): Promise<AppliedAnswer> {
    const { head, unheard } = await this.#coordinator.confirm(`${who} confirmed it`)
    return { changed: true, revision: this.#revisionOf(head), nodes: [], unheard: [...unheard] }
  }

  async rollback(query: z.output<typeof rollbackQuery>, who: string): Promise<AppliedAnswer> {
    const { to, why } = query
    if (to === undefined && this.#local.state === 'confirming') {
      const { head, unheard } = await this.#coordinator.revert(
        `${who} took it back${why === '' ? '' : `: ${why}`}`,
      )
      return {
        changed: true,
        ...(head && { revision: this.#revisionOf(head) }),
        nodes: [],
        unheard: [...unheard],
      }
    }
    const before = this.#store.past(this.#local.current?.id)[1]
    const head = to === undefined ? before : this.#find(String(to))
    if (!head) {
      const detail = 'there is none before the one that counts'
      throw new TenbinError('REVISION_UNKNOWN', 'rollback', { detail })
    }
    const { content } = this.#store.read(head.id)
    const said = why === '' ? `back to revision ${head.number}` : `back to revision ${head.number}: ${why}`
    const request = { content, who, why: said.slice(0, WHY_LIMIT), ...trialOf(query) }
    return this.#answer(await this.#telling('rollback', () => this.#change(request)))
  }

  async sync(from: string | undefined): Promise<SyncAnswer> {
    const done = await this.#follower.sync(from, this.#self)
    const { current } = this.#local
    return {
      from: done.from,
      nodes: [...done.nodes],
      ...(current && { revision: this.#revisionOf(current) }),
    }
  }

  history(): HistoryAnswer {
    const revisions = this.#store.heads.map((head) => this.#revisionOf(head)).reverse()
    return { revisions, damaged: [...this.#store.damaged] }
  }

  show(revision: string): ShowAnswer {
    const head = this.#find(revision)
    return { revision: this.#revisionOf(head), content: encodeContent(this.#store.read(head.id).content) }
  }

  /** status: which revision counts, for `tenbin status`; undefined: none yet. */
  get status(): (RevisionAnswer & { readonly confirmUntil?: string }) | undefined {
    const { current, deadline } = this.#local
    return current && { ...this.#revisionOf(current), ...(deadline && { confirmUntil: deadline.time }) }
  }

  get #self(): string {
    return this.#options.controller.running?.node ?? ''
  }

  /** #kept: the revision that counts; one that this version cannot read is told, and is as if it were not there. */
  #kept(): { readonly desired: DesiredState } | undefined {
    try {
      return this.#local.start()
    } catch (error) {
      this.#options.controller.refuse('start', error)
      return undefined
    }
  }

  /** #keepFirst: what a first start runs becomes revision 1; why it could not be kept. */
  #keepFirst(): TenbinError | undefined {
    const first = this.#first
    if (!first || this.#options.controller.running?.desired !== first.desired) return undefined
    const { content } = first
    const at = this.#clock.now().toISOString()
    // Also where others were kept and cannot be read: whatever somebody applied elsewhere counts more.
    const head = {
      number: 1,
      id: idOf(ROOT, content),
      parent: ROOT,
      at,
      node: this.#self,
      who: FIRST,
      why: 'first start',
    }
    const revision: Revision = { head, content }
    try {
      this.#local.adoptFirst(revision)
      this.#first = undefined
      return undefined
    } catch (error) {
      if (!(error instanceof TenbinError)) throw error
      return error
    }
  }

  async #change(request: ApplyRequest): Promise<Outcome> {
    this.#mustKnow(request)
    const outcome = await this.#coordinator.apply(request)
    this.#first = undefined
    // Whoever asks next is not told of a file that was another one until just now.
    this.#lookAtDisk()
    return outcome
  }

  async #telling<Result>(cause: string, body: () => Promise<Result>): Promise<Result> {
    try {
      return await body()
    } catch (error) {
      this.#options.controller.refuse(cause, error)
      throw error
    }
  }

  /** #mustKnow who is left out: a node of the file, that runs or that is to, and not this one. */
  #mustKnow({ content, without = [] }: ApplyRequest): void {
    if (without.length === 0) return
    const files = [this.#options.controller.running?.desired, loadContent(content)]
    const names = files.flatMap((desired) => desired?.nodes ?? []).map(({ name }) => name)
    const others = new Set(names.filter((name) => name !== this.#self))
    const unknown = without.find((name) => !others.has(name))
    if (unknown === undefined) return
    const detail = `${unknown} is none of the other nodes of the file: ${[...others].join(', ') || 'there are none'}`
    throw new TenbinError('PEER_UNKNOWN', 'apply', { detail })
  }

  #mustFollow(base: string | undefined): void {
    const here = this.#local.current?.id ?? ROOT
    if (base === undefined || base === here) return
    const detail = `revision ${this.#local.current?.number ?? 'none'} counts now, not the one that the plan was made from`
    throw new TenbinError('REVISION_DIFFERS', 'apply', { detail })
  }

  #answer({ head, isChanged, ran, nodes, unheard }: Outcome): AppliedAnswer {
    const { deadline } = this.#local
    return {
      changed: isChanged,
      revision: this.#revisionOf(head),
      ...(deadline && { confirmUntil: deadline.time }),
      nodes: [...nodes],
      unheard: [...unheard],
      reloaded: { ...ran, notes: [...ran.notes] },
    }
  }

  #find(name: string): Head {
    const past = this.#store.past(this.#local.current?.id)
    const matches = (head: Head) =>
      String(head.number) === name || (name.length >= 8 && head.id.startsWith(name))
    const head = past.find(matches) ?? this.#store.heads.findLast(matches)
    if (head) return head
    throw new TenbinError('REVISION_UNKNOWN', 'find revision', { detail: `there is no revision ${name}` })
  }

  #revisionOf(head: Head): RevisionAnswer {
    const { current, state } = this.#local
    if (head.id === current?.id) return { ...head, state: state === 'confirming' ? 'confirming' : 'current' }
    return { ...head, state: this.#local.hasInPast(head.id) ? 'applied' : 'not-applied' }
  }
}

/** trialOf a request: for how long, and without whom. */
const trialOf = ({ confirm, without }: Pick<z.output<typeof applyQuery>, 'confirm' | 'without'>) => ({
  ...(confirm !== undefined && { confirmMs: confirm }),
  ...(without && { without }),
})

/** differenceProblems: nodes that have another revision and will not have the same by themselves at once. */
function differenceProblems({ differences, why }: Follower, current: Head | undefined): Problem[] {
  const mine = current ? `revision ${current.number} ${shortId(current.id)}` : 'no revision'
  return [
    ...(why === undefined ? [] : [problem('REVISION_DIFFERS', why)]),
    ...differences.flatMap((each) => {
      const theirs = each.current
        ? `revision ${each.current.number} ${shortId(each.current.id)}`
        : 'no revision'
      const said = `${each.node} has ${theirs}, this node has ${mine}`
      if (each.kind === 'other')
        return [problem('REVISION_DIFFERS', `${said}: one did not come of the other`)]
      return each.kind !== 'ahead' && each.why !== undefined
        ? [problem('REVISION_DIFFERS', `${said}: ${each.why}`)]
        : []
    }),
  ]
}

function unappliedProblem(file: string, { number }: Head): Problem {
  return problem(
    'FILE_NOT_APPLIED',
    `${file} is not what runs, which is revision ${number}: nobody applied it`,
  )
}
