// One node's half of every change: it keeps a revision, tries it, and settles it or goes back. Its idea: each step is
// written to the journal before it is done, and what the journal says is what a start runs; so a node that ends at any
// step has either the revision of before or the new one, whole. Who decides is not said here: the same node's
// coordinator, another node's, or a clock that ran out. One step at a time.

import { BackOff } from '../base/back-off.ts'
import { TenbinError } from '../base/errors.ts'
import { Serial } from '../base/serial.ts'
import type { DesiredState } from '../config/state.ts'
import { type Content, digestOf, loadContent } from './content.ts'
import type { Deadline, Journal } from './journal.ts'
import { type Head, type Ref, type Revision, ROOT, refOf, shortId } from './revision.ts'
import type { RevisionStore } from './revision-store.ts'
import type { Clock, Ran, Runner } from './runner.ts'

/** Attempt: somebody's try to apply something. `id` is its own; `node` has decided about it, or will. */
export interface Attempt {
  readonly id: string
  readonly node: string
  readonly who: string
  readonly since: string
}

/** Told: what changed without anybody here asking for it, for the log of events. */
export type Told =
  | { readonly kind: 'awaits'; readonly head: Head; readonly deadline: Deadline }
  | { readonly kind: 'confirmed'; readonly head: Head; readonly why: string }
  | { readonly kind: 'reverted'; readonly head: Head; readonly to: Head | undefined; readonly why: string }

interface Trial {
  readonly attempt: Attempt
  readonly revision: Revision
  readonly desired: DesiredState
  hasRun: boolean
}

export interface LocalOptions {
  readonly store: RevisionStore
  readonly journal: Journal
  readonly runner: Runner
  readonly clock: Clock
  readonly tell: (told: Told) => void
}

/** Start: what a daemon that starts is to run. */
export interface Start {
  readonly head: Head
  readonly content: Content
  readonly desired: DesiredState
}

export class LocalRevisions {
  readonly #options: LocalOptions
  readonly #serial = new Serial()
  #trial: Trial | undefined
  /** A revision that has to be run again, since going back to it failed. */
  #owed: Ref | undefined
  readonly #backOff = new BackOff()
  #fault: TenbinError | undefined

  constructor(options: LocalOptions) {
    this.#options = options
  }

  /** current: the revision that counts here; one that is tried does not yet. */
  get current(): Head | undefined {
    return this.#head(this.#counting)
  }

  get #counting(): Ref | undefined {
    const { entry } = this.#options.journal
    return entry.state === 'trying' ? entry.before : entry.current
  }

  get state(): 'settled' | 'trying' | 'confirming' {
    return this.#trial ? 'trying' : this.#options.journal.entry.state
  }

  get attempt(): Attempt | undefined {
    return this.#trial?.attempt
  }

  /** tried: the revision that is prepared or tried. */
  get tried(): Head | undefined {
    return this.#trial?.revision.head
  }

  /** deadline until which the current revision is to be confirmed; undefined: it need not be. */
  get deadline(): Deadline | undefined {
    const { entry } = this.#options.journal
    return entry.state === 'confirming' ? entry.deadline : undefined
  }

  /** leftMs until the deadline; below zero behind it. */
  get leftMs(): number | undefined {
    const { deadline } = this
    return (
      deadline &&
      (deadline.boot === this.#options.clock.boot ? deadline.atMs : 0) - this.#options.clock.bootMs()
    )
  }

  /** fault: what went wrong and is tried again. */
  get fault(): TenbinError | undefined {
    return this.#fault ?? this.#options.journal.unwritten
  }

  /** hasInPast: whether what counts here came after the revision `id`, or is it. */
  hasInPast(id: string): boolean {
    return this.#options.store.past(this.current?.id).some((head) => head.id === id)
  }

  /**
   * start: the revision that a daemon that starts is to run; undefined: none was ever applied. A trial that nobody settled
   * is over, and so is one that was not confirmed in time, or before a boot. Throws REVISION_DAMAGED, ConfigError.
   */
  start(): Start | undefined {
    const { journal, store } = this.#options
    const { entry } = journal
    if (entry.state === 'trying') {
      this.#tellReverted(entry.next, entry.before, 'the daemon ended while it was applied')
      this.#settle(entry.before)
    } else if (entry.state === 'confirming' && this.leftMs! <= 0) {
      this.#tellReverted(entry.current, entry.before, 'it was not confirmed in time')
      this.#settle(entry.before)
    }
    const ref = this.#counting
    if (!ref) return undefined
    if (!store.head(ref.id)) {
      const detail = `revision ${ref.number} counts, and there is no such whole file in ${store.folder} any more`
      throw new TenbinError('REVISION_DAMAGED', 'start', { detail })
    }
    const { head, content } = store.read(ref.id)
    return { head, content, desired: loadContent(content) }
  }

  /** adoptFirst keeps what was run before there was any revision. Throws NOT_PERMITTED, STATE_UNUSABLE. */
  adoptFirst(revision: Revision): void {
    this.#options.store.add(revision, this.#needed())
    this.#options.journal.write({ state: 'settled', current: refOf(revision.head) })
  }

  /**
   * prepare keeps a revision that is to follow `head.parent`, and lets nobody else try one until it is settled or aborted.
   * Throws APPLY_BUSY, REVISION_DIFFERS (another one counts here), ConfigError and what the runner's check throws,
   * NOT_PERMITTED, STATE_UNUSABLE.
   */
  prepare(attempt: Attempt, revision: Revision): Promise<void> {
    return this.#serial.run(async () => {
      this.#mustBeFree()
      const { parent } = revision.head
      if (parent !== (this.current?.id ?? ROOT)) {
        const here = this.current ? `revision ${this.current.number} ${shortId(this.current.id)}` : 'none'
        const detail = `it follows ${parent === ROOT ? 'none' : `revision ${shortId(parent)}`}, and ${here} counts here`
        throw new TenbinError('REVISION_DIFFERS', 'prepare', { detail })
      }
      const desired = loadContent(revision.content)
      this.#options.runner.check(desired)
      this.#options.store.add(revision, this.#needed())
      this.#trial = { attempt, revision, desired, hasRun: false }
    })
  }

  /** try runs what was prepared and looks whether it runs. Throws what the runner throws; abort goes back. */
  try(id: string): Promise<Ran> {
    return this.#serial.run(async () => {
      const trial = this.#trialOf(id)
      const { journal, runner } = this.#options
      const { head } = trial.revision
      journal.write({ state: 'trying', ...this.#before(), next: refOf(head) })
      // From here on something may be changed: going back is never wrong.
      trial.hasRun = true
      const ran = await this.#run(trial.desired, `revision ${head.number}`)
      await runner.verify(trial.desired)
      return ran
    })
  }

  /** settle: what was tried counts from now on; with `confirmMs` until then, unless it is confirmed. Throws as write. */
  settle(id: string, confirmMs?: number): Promise<void> {
    return this.#serial.run(async () => {
      const { revision } = this.#trialOf(id)
      const { journal, clock, tell } = this.#options
      const current = refOf(revision.head)
      if (confirmMs === undefined) journal.write({ state: 'settled', current })
      else {
        const time = new Date(clock.now().getTime() + confirmMs).toISOString()
        const deadline = { boot: clock.boot, atMs: clock.bootMs() + confirmMs, time }
        journal.write({ state: 'confirming', ...this.#before(), current, deadline })
        tell({ kind: 'awaits', head: revision.head, deadline })
      }
      this.#trial = undefined
    })
  }

  /** abort goes back to what counted before. Never throws for what it can try again later. */
  abort(id: string, why: string): Promise<void> {
    return this.#serial.run(async () => {
      const trial = this.#trialOf(id)
      this.#trial = undefined
      if (!trial.hasRun) return
      const { before } = this.#before()
      this.#tellReverted(trial.revision.head, before, why)
      this.#settle(before)
      await this.#runAgain(before, why)
    })
  }

  /** confirm: the revision that waits for it counts for good. Throws CONFIRM_NOTHING, NOT_PERMITTED, STATE_UNUSABLE. */
  confirm(why: string): Promise<Head> {
    return this.#serial.run(async () => {
      const { journal, tell } = this.#options
      if (journal.entry.state !== 'confirming') throw nothingToConfirm()
      const head = this.current!
      journal.write({ state: 'settled', current: journal.entry.current })
      tell({ kind: 'confirmed', head, why })
      return head
    })
  }

  /** revert goes back from a revision that is not confirmed yet. Throws CONFIRM_NOTHING. */
  revert(why: string): Promise<Head | undefined> {
    return this.#serial.run(async () => {
      const { entry } = this.#options.journal
      if (entry.state !== 'confirming') throw nothingToConfirm()
      this.#tellReverted(entry.current, entry.before, why)
      this.#settle(entry.before)
      await this.#runAgain(entry.before, why)
      return this.current
    })
  }

  /**
   * follow runs what counts on another node; `revisions` are its past that is not kept here, oldest first. `isAgain`: as of
   * Runner.run.
   */
  follow(revisions: readonly Revision[], why: string, isAgain: boolean): Promise<Ran> {
    return this.#serial.run(async () => {
      this.#mustBeFree()
      const { journal, runner, store } = this.#options
      const { head, content } = revisions.at(-1)!
      const desired = loadContent(content)
      runner.check(desired)
      for (const each of revisions) store.add(each, this.#needed())
      const before = this.#before()
      journal.write({ state: 'trying', ...before, next: refOf(head) })
      let hasRun = false
      try {
        const ran = await this.#run(desired, why, isAgain)
        hasRun = true
        journal.write({ state: 'settled', current: refOf(head) })
        return ran
      } catch (error) {
        this.#settle(before.before)
        if (hasRun) await this.#runAgain(before.before, 'the revision of another node cannot be kept here')
        throw error
      }
    })
  }

  /** rerun runs what counts once more, whatever of the kernel somebody changed. Throws what the runner throws. */
  rerun(cause: string): Promise<Ran> {
    return this.#serial.run(async () => {
      this.#mustBeFree()
      return this.#run(loadContent(this.content()), cause)
    })
  }

  /** tick does what comes with time: whatever could not be done before is tried again, what is run later each time. */
  tick(): Promise<void> {
    return this.#serial.run(async () => {
      const { journal, clock } = this.#options
      if (journal.unwritten) journal.insist(journal.entry)
      if (this.#owed && this.#backOff.isDue(this.#owed.id, clock.bootMs()))
        await this.#runAgain(this.#owed, 'tried again', true)
    })
  }

  /** content of the revision that counts. Throws REVISION_DAMAGED. */
  content(): Content {
    return this.#options.store.read(this.current!.id).content
  }

  /** isSame: whether a content is the one that counts here. */
  isSame(content: Content): boolean {
    return this.current !== undefined && digestOf(this.content()) === digestOf(content)
  }

  /** needed: ids of what must stay on disk. */
  #needed(): Set<string> {
    const { entry } = this.#options.journal
    const refs = [
      entry.state === 'trying' ? entry.next : entry.current,
      entry.state === 'settled' ? undefined : entry.before,
    ]
    return new Set(refs.flatMap((ref) => (ref ? [ref.id] : [])))
  }

  #mustBeFree(): void {
    if (this.#trial) {
      const { who, node, since } = this.#trial.attempt
      const where = node === '' ? '' : ` on ${node}`
      const detail = `${who}${where} has been applying revision ${this.#trial.revision.head.number} since ${since}`
      throw new TenbinError('APPLY_BUSY', 'apply', { detail })
    }
    if (this.#options.journal.entry.state !== 'confirming') return
    const { number, who } = this.current!
    const detail = `revision ${number} of ${who} waits to be confirmed until ${this.deadline!.time}`
    throw new TenbinError('APPLY_BUSY', 'apply', { detail })
  }

  #trialOf(id: string): Trial {
    if (this.#trial?.attempt.id === id) return this.#trial
    throw new TenbinError('APPLY_OVER', 'apply', { detail: 'this attempt is not under way here any more' })
  }

  #before(): { before?: Ref } {
    const { current } = this
    return current ? { before: refOf(current) } : {}
  }

  #head(ref: Ref | undefined): Head | undefined {
    return ref && this.#options.store.head(ref.id)
  }

  /** #settle: what counts is written, at once or later; a start that finds the old entry decides the same. */
  #settle(current: Ref | undefined): void {
    this.#options.journal.insist({ state: 'settled', ...(current && { current }) })
  }

  /** #run a file: whatever is owed of before is over with it. */
  async #run(desired: DesiredState, cause: string, isAgain = false): Promise<Ran> {
    const ran = await this.#options.runner.run(desired, cause, isAgain)
    this.#owed = undefined
    this.#fault = undefined
    return ran
  }

  async #runAgain(ref: Ref | undefined, why: string, isAgain = false): Promise<void> {
    this.#owed = ref
    if (!ref) return
    const { clock, store } = this.#options
    try {
      const { content } = store.read(ref.id)
      await this.#run(loadContent(content), `revision ${ref.number} again: ${why}`, isAgain)
      this.#backOff.forget(ref.id)
    } catch (error) {
      if (!(error instanceof TenbinError)) throw error
      this.#backOff.done(ref.id, clock.bootMs())
      this.#fault = error
    }
  }

  #tellReverted(from: Ref, to: Ref | undefined, why: string): void {
    const head = this.#head(from)
    if (head) this.#options.tell({ kind: 'reverted', head, to: this.#head(to), why })
  }
}

const nothingToConfirm = (): TenbinError => new TenbinError('CONFIRM_NOTHING', 'confirm')
