// A change of all nodes, led by the one that was asked: prepare everywhere, then try one node after another, those without
// traffic first, then decide, then say so. Its idea: the decision is one entry in the journal of this node. Before it,
// any trouble anywhere takes everything back; after it, who did not hear of it asks, or catches up. On one node alone
// the same steps are taken with nobody else.
//
//   this node   prepare ─ try ───────────┬─ settle (decided) ─┐
//   others      prepare ─ try (first) ───┘                    └─ settle
//
// Nodes are asked in the order of the file everywhere, so that of two who apply at once one is refused at the first node.

import { randomUUID } from 'node:crypto'
import { TenbinError } from '../base/errors.ts'
import { type Content, loadContent } from './content.ts'
import type { Attempt, LocalRevisions } from './local.ts'
import { type Head, idOf, type Revision, ROOT } from './revision.ts'
import type { RevisionStore } from './revision-store.ts'
import type { Clock, Ran, Runner } from './runner.ts'

/** Participant: another node in a change. All throw TenbinError; `node` is in no message yet. */
export interface Participant {
  readonly node: string
  /** Whether clients' packets come to it. */
  prepare(attempt: Attempt, revision: Revision): Promise<{ readonly isActive: boolean }>
  try(id: string): Promise<Ran>
  settle(id: string, confirmMs: number | undefined): Promise<void>
  abort(id: string, why: string): Promise<void>
  confirm(revision: string, why: string): Promise<void>
  revert(revision: string, why: string): Promise<void>
}

/** Request: what somebody wants applied. */
export interface ApplyRequest {
  readonly content: Content
  readonly who: string
  readonly why: string
  readonly confirmMs?: number
  /** without: nodes that need not take part; they catch up. */
  readonly without?: readonly string[]
}

/** Outcome: what came of it. `unheard`: nodes that run it and could not be told that it counts. */
export interface Outcome {
  readonly head: Head
  readonly isChanged: boolean
  readonly ran: Ran
  readonly nodes: readonly string[]
  readonly unheard: readonly string[]
}

export interface CoordinatorOptions {
  readonly local: LocalRevisions
  readonly store: RevisionStore
  readonly runner: Runner
  readonly clock: Clock
  /** self: this node's name, '' without nodes. */
  readonly self: () => string
  /** order: all nodes, in the order of the file. */
  readonly order: () => readonly string[]
  /** others: those that take part, of all but some. Throws NODES_MISSING where one cannot. */
  readonly others: (without: readonly string[]) => readonly Participant[]
}

/** Member: this node or another one, alike. */
type Member = Omit<Participant, 'confirm' | 'revert'>

export class Coordinator {
  readonly #options: CoordinatorOptions
  /** Attempts of this node that are neither settled nor aborted: one that will be refused is no end of the one under way. */
  readonly #deciding = new Set<string>()

  constructor(options: CoordinatorOptions) {
    this.#options = options
  }

  /** isDeciding: an attempt of this node is under way, neither settled nor aborted. */
  isDeciding(id: string): boolean {
    return this.#deciding.has(id)
  }

  /**
   * apply makes all nodes run a content; the one that counts already is run once more, here. Throws APPLY_BUSY, NODES_MISSING,
   * ConfigError, REVISION_DIFFERS (a node has another past) and APPLY_FAILED with the node and its words; then nothing is
   * changed, or changed back, anywhere.
   */
  async apply({ content, who, why, confirmMs, without = [] }: ApplyRequest): Promise<Outcome> {
    const { local, store, runner, clock, self, others } = this.#options
    const nodes = this.#options.order()
    const { current } = local
    if (current && local.state === 'settled' && local.isSame(content)) {
      return {
        head: current,
        isChanged: false,
        ran: await local.rerun(why || 'asked for'),
        nodes: [],
        unheard: [],
      }
    }
    const desired = loadContent(content)
    runner.check(desired)
    const parent = current?.id ?? ROOT
    const number = Math.max(0, ...store.heads.map((head) => head.number)) + 1
    const at = clock.now().toISOString()
    const head: Head = { number, id: idOf(parent, content), parent, at, node: self(), who, why }
    const attempt: Attempt = { id: randomUUID(), node: self(), who, since: at }
    // A node that the new file does not have any more goes on as it is.
    const gone = nodes.filter((node) => !desired.nodes.some(({ name }) => name === node))
    const remote = others([...without, ...gone])
    const asked = new Set([self(), ...remote.map(({ node }) => node), ...without, ...gone])
    const alone = nodes.filter((node) => !asked.has(node))
    this.#deciding.add(attempt.id)
    const done: Member[] = []
    try {
      const members = inOrder([this.#me(), ...remote], nodes)
      const active = new Map<Member, boolean>()
      for (const member of members) {
        const { isActive } = await this.#about(member, () => member.prepare(attempt, { head, content }))
        active.set(member, isActive)
        done.push(member)
      }
      let ran: Ran | undefined
      for (const member of members.toSorted((a, b) => Number(active.get(a)) - Number(active.get(b)))) {
        const each = await this.#about(member, () => member.try(attempt.id))
        if (member.node === self()) ran = each
      }
      await local.settle(attempt.id, confirmMs)
      const unheard = await this.#tell(remote, (member) => member.settle(attempt.id, confirmMs))
      const run = { ...ran!, notes: [...ran!.notes, ...aloneNotes(alone), ...goneNotes(gone)] }
      return { head, isChanged: true, ran: run, nodes: members.map(({ node }) => node), unheard }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      // A node whose answer was lost may have prepared all the same: it is told, too.
      await this.#tell([...remote].reverse(), (member) => member.abort(attempt.id, reason))
      if (done.some(({ node }) => node === self())) await local.abort(attempt.id, reason)
      throw error
    } finally {
      this.#deciding.delete(attempt.id)
    }
  }

  /** confirm: what waits for it counts for good, on all nodes. Throws CONFIRM_NOTHING. */
  async confirm(why: string): Promise<{ readonly head: Head; readonly unheard: readonly string[] }> {
    const head = await this.#options.local.confirm(why)
    const unheard = await this.#tell(this.#reachable(), (member) => member.confirm(head.id, why))
    return { head, unheard }
  }

  /** revert: what waits to be confirmed goes back, on all nodes. Throws CONFIRM_NOTHING. */
  async revert(
    why: string,
  ): Promise<{ readonly head: Head | undefined; readonly unheard: readonly string[] }> {
    const { current } = this.#options.local
    const head = await this.#options.local.revert(why)
    const unheard = current
      ? await this.#tell(this.#reachable(), (member) => member.revert(current.id, why))
      : []
    return { head, unheard }
  }

  /** #reachable: others that can be told; who cannot will ask, or let the time run out. */
  #reachable(): readonly Participant[] {
    const { order, others, self } = this.#options
    return order().flatMap((node) => {
      if (node === self()) return []
      try {
        return others(order().filter((each) => each !== node))
      } catch (error) {
        if (!(error instanceof TenbinError)) throw error
        return []
      }
    })
  }

  #me(): Member {
    const { local, runner, self } = this.#options
    return {
      node: self(),
      prepare: async (attempt, revision) => {
        await local.prepare(attempt, revision)
        return { isActive: runner.isActive() }
      },
      try: (id) => local.try(id),
      settle: (id, confirmMs) => local.settle(id, confirmMs),
      abort: (id, why) => local.abort(id, why),
    }
  }

  /** #about: what another node throws is told with its name. */
  async #about<Result>({ node }: Member, step: () => Promise<Result>): Promise<Result> {
    try {
      return await step()
    } catch (cause) {
      if (node === this.#options.self() || !(cause instanceof TenbinError)) throw cause
      const detail = cause.detail ?? cause.message
      if (cause.code === 'APPLY_BUSY') throw new TenbinError(cause.code, 'apply', { detail, cause })
      // A node of another past needs no other file, but `tenbin sync`.
      const code = cause.code === 'REVISION_DIFFERS' ? cause.code : 'APPLY_FAILED'
      throw new TenbinError(code, 'apply', { detail: `${node}: ${detail}`, cause })
    }
  }

  /** #tell all of them, and say who could not be told; they ask by themselves. */
  async #tell<Each extends { readonly node: string }>(
    members: readonly Each[],
    how: (member: Each) => Promise<unknown>,
  ): Promise<string[]> {
    const told = await Promise.all(
      members.map(async (member) => {
        try {
          await how(member)
          return []
        } catch (error) {
          if (!(error instanceof TenbinError)) throw error
          return [member.node]
        }
      }),
    )
    return told.flat()
  }
}

/** aloneNotes: a node without keys of a cluster has nobody to ask. */
const aloneNotes = (nodes: readonly string[]): readonly string[] =>
  nodes.length === 0
    ? []
    : [
        `${nodes.join(', ')} ${nodes.length === 1 ? 'was' : 'were'} not asked: this node is in no cluster (tenbin cluster init)`,
      ]

/** goneNotes: who is in no file any more goes on with the one it has, address sets and all. */
const goneNotes = (nodes: readonly string[]): readonly string[] =>
  nodes.map((node) => `${node} is no node of the file any more, and goes on as it is: stop tenbin there`)

function inOrder(members: readonly Member[], nodes: readonly string[]): Member[] {
  const place = (member: Member) => {
    const index = nodes.indexOf(member.node)
    return index < 0 ? nodes.length : index
  }
  return members.toSorted((a, b) => place(a) - place(b))
}
