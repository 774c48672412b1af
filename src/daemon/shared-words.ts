// Words of operators on all nodes of a cluster: told at once to whoever is there, and compared from then on by a digest that
// every node publishes. Where two differ, one asks the other with all its words and gets those that are later there; so
// either of them mends both, and a node that was away has everything a moment after it is back. What words are, and which of
// two is later, is whoever's who uses it.

import { z } from 'zod'
import { TenbinError } from '../base/errors.ts'
import { handleJson, type Json, type Peers, partOf, requestJson } from '../cluster/peers.ts'

/** ASK_MS: two nodes that differ compare so often: their files may differ, and then their words do. */
const ASK_MS = 5_000
/** FULL_MS: and so often where the one asking has no room for the other's, unless either says something. */
export const FULL_MS = 600_000
const [TELL_MS, TIMEOUT_MS] = [1_000, 5_000]
/** BYTES_MAX: of all words that a node may have. */
const BYTES_MAX = 16 * 1024 * 1024

/** SharedWordsOptions: `topic` names the request and the digest. Words are JSON; `words` is the same object while none is new. */
export interface SharedWordsOptions<Word> {
  readonly topic: string
  readonly peers: Peers
  readonly words: () => readonly Word[]
  readonly word: z.ZodType<Word>
  /** limit: of words in one message. */
  readonly limit: number
  readonly digest: () => string
  /** later: those of ours that who has sent `theirs` has not. */
  readonly later: (theirs: readonly Word[]) => readonly Word[]
  /** shifted: a word whose times of day are so many ms later. */
  readonly shifted: (word: Word, byMs: number) => Word
  /** hear takes another node's words in; false: some of them have no room. */
  readonly hear: (words: readonly Word[], from: string) => Promise<unknown>
  readonly now: () => Date
  /** monotonic: ms of a clock that nobody sets. */
  readonly monotonic: () => number
}

/** Told: another node, and whether it has heard. */
export interface Told {
  readonly node: string
  readonly isTold: boolean
}

export class SharedWords<Word> implements Disposable {
  readonly #options: SharedWordsOptions<Word>
  readonly #handler: Disposable
  /** `now`: the sender's time of day: what ends, ends at one moment, whatever the clocks say. */
  readonly #schema: z.ZodType<{ now: number; words: Word[] }>
  readonly #askedAt = new Map<string, number>()
  /** What this node, and another one, had when there was no room for the other's. */
  readonly #full = new Map<string, { readonly words: readonly Word[]; readonly digest: string | undefined }>()
  #published: { readonly words: readonly Word[]; readonly digest: string } | undefined

  constructor(options: SharedWordsOptions<Word>) {
    this.#options = options
    this.#schema = z.strictObject({ now: z.int(), words: z.array(options.word).max(options.limit) })
    this.#handler = handleJson(
      options.peers,
      options.topic,
      this.#schema,
      async (from, asked) => {
        const words = this.#here(asked)
        const answer = options.later(words)
        await options.hear(words, from)
        return this.#message(answer)
      },
      { maxBytes: BYTES_MAX },
    )
  }

  /** tell who is there of what was said here just now; whom, and whether each has heard it. */
  async tell(): Promise<readonly Told[]> {
    this.#publish()
    return Promise.all(
      this.#options.peers.nodes().map(async ({ name, state }) => ({
        node: name,
        isTold: state === 'connected' && (await this.#exchange(name, TELL_MS)),
      })),
    )
  }

  /** told: the answer to a command, when others have been told of what it changed. */
  async told<Answer extends { readonly changed: boolean; readonly notes: readonly string[] }>(
    answer: Answer,
  ): Promise<Answer> {
    const untold = answer.changed ? (await this.tell()).filter(({ isTold }) => !isTold) : []
    const notes = untold.map(({ node }) => `${node} could not be told: it hears of it when it is there again`)
    return { ...answer, notes: [...answer.notes, ...notes] }
  }

  /** sweep: compare with who is there. */
  sweep(): void {
    const { peers, monotonic, topic } = this.#options
    this.#publish()
    for (const peer of peers.nodes()) {
      const digest = partOf(peer, topic, z.string())
      const full = this.#full.get(peer.name)
      const isSame = full !== undefined && full.digest === digest && full.words === this.#options.words()
      const wait = isSame ? FULL_MS : ASK_MS
      const isDue = monotonic() >= (this.#askedAt.get(peer.name) ?? Number.NEGATIVE_INFINITY) + wait
      if (peer.state !== 'connected' || digest === undefined || digest === this.#published?.digest || !isDue)
        continue
      void this.#exchange(peer.name, TIMEOUT_MS)
    }
  }

  [Symbol.dispose](): void {
    this.#handler[Symbol.dispose]()
  }

  #publish(): void {
    const { words: wordsOf, digest, peers, topic } = this.#options
    const words = wordsOf()
    if (this.#published?.words === words) return
    this.#published = { words, digest: digest() }
    peers.publish(topic, this.#published.digest)
  }

  async #exchange(node: string, timeoutMs: number): Promise<boolean> {
    const { peers, words, hear, monotonic, topic } = this.#options
    this.#askedAt.set(node, monotonic())
    try {
      const answer = await requestJson(peers, {
        ...{ node, path: topic, body: this.#message(words()), reply: this.#schema, timeoutMs },
      })
      const peer = peers.nodes().find(({ name }) => name === node)
      const digest = peer && partOf(peer, topic, z.string())
      if ((await hear(this.#here(answer), node)) === false) this.#full.set(node, { words: words(), digest })
      else this.#full.delete(node)
      return true
    } catch (error) {
      if (error instanceof TenbinError) return false
      throw error
    }
  }

  #message(words: readonly Word[]): Json {
    return { now: this.#options.now().getTime(), words: words as unknown as Json[] }
  }

  /** #here: their words by this node's clock. */
  #here({ now, words }: { readonly now: number; readonly words: readonly Word[] }): Word[] {
    const behind = this.#options.now().getTime() - now
    return words.map((word) => this.#options.shifted(word, behind))
  }
}
