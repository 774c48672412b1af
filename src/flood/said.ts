// What operators say of floods: rules added for a time, other actions for rules of the file, bans, networks that are allowed and
// whether they are let in alone, proof of source on, off or by itself. Each word is about one thing and has a version; the later one counts wherever it is heard, as with what is said of
// servers, and one that was taken back is remembered, or a node that was away would bring it back. A word with an end is
// over at that moment on every node. Pure.
//
//   lb1: add night (4 lb1)                      remove night (6 lb1)
//   lb2:            ban 203.0.113.7 (5 lb2)  <- both hear all of it: the ban is left

import { createHash } from 'node:crypto'
import type { RuleShape } from '../config/schema-defence.ts'
import type { ProofMode, RuleAction } from '../engine/defence-spec.ts'

/** Version: the higher count is the later word; of equals that of the later name. */
export interface Version {
  readonly count: number
  /** The node's name; empty: it was in no cluster. */
  readonly by: string
}

/** What is said. A rule's words are those of the file; `isObserved`: it counts, whatever its action is. */
export type Order =
  | { readonly kind: 'rule'; readonly name: string; readonly rule: RuleShape; readonly isObserved: boolean }
  | { readonly kind: 'action'; readonly name: string; readonly action: Exclude<RuleAction, 'limit'> | 'off' }
  /** `prefix`: as formatPrefix writes it. */
  | { readonly kind: 'ban'; readonly prefix: string }
  /** Likewise of a network that no limit and no ban holds for. */
  | { readonly kind: 'allow'; readonly prefix: string }
  /** Whether who is not allowed is dropped, where the file says otherwise. */
  | { readonly kind: 'only'; readonly isOn: boolean }
  /** `service` absent: all that none is said of. */
  | { readonly kind: 'proof'; readonly service?: string; readonly mode: ProofMode }

/** FloodWord: without `order` it was taken back. Times are ms of the epoch. */
export interface FloodWord {
  /** What it is about (aboutOf). */
  readonly about: string
  readonly version: Version
  readonly since: number
  readonly until?: number
  readonly order?: Order
}

/** ORDERS_LIMIT: so many are in force at most, and as many that are over are remembered. */
export const ORDERS_LIMIT = 2_000

/** aboutOf an order: orders about the same replace each other. */
export function aboutOf(order: Order): string {
  switch (order.kind) {
    case 'rule':
    case 'action':
      return `rule ${order.name}`
    case 'ban':
      return `ban ${order.prefix}`
    case 'allow':
      return `allow ${order.prefix}`
    case 'only':
      return 'only'
    case 'proof':
      return order.service === undefined ? 'proof' : `proof ${order.service}`
  }
}

/** releasedBy a word: whose ban is taken back; undefined: nobody's. */
export const releasedBy = ({ about, order }: Pick<FloodWord, 'about' | 'order'>): string | undefined =>
  order === undefined && about.startsWith('ban ') ? about.slice('ban '.length) : undefined

/** isLater: whether a version is after another. */
const isLater = (a: Version, b: Version): boolean => (a.count !== b.count ? a.count > b.count : a.by > b.by)

/** InForce: a word that counts. */
export type InForce = FloodWord & { readonly order: Order }

/** isInForce: it counts now. */
export const isInForce = (word: FloodWord, now: number): word is InForce =>
  word.order !== undefined && (word.until === undefined || word.until > now)

/** inForce: those that count now, the oldest first. */
export const inForce = (words: readonly FloodWord[], now: number): InForce[] =>
  words.filter((word): word is InForce => isInForce(word, now)).sort((a, b) => a.since - b.since)

/** nextEnd: when the next word is over, if any has an end that has not passed. */
export function nextEnd(words: readonly FloodWord[], now: number): number | undefined {
  const ends = words.flatMap((word) => (isInForce(word, now) ? (word.until ?? []) : []))
  return ends.length === 0 ? undefined : ends.reduce((first, each) => Math.min(first, each))
}

/** Saying: a new word; `order` absent: what was said of `about` is taken back. */
export interface Saying {
  readonly about: string
  readonly order?: Order
  readonly until?: number
}

/** say: the words after a new one of `by`. */
export function say(words: readonly FloodWord[], saying: Saying, by: string, now: number): FloodWord[] {
  const count = words.reduce((max, { version }) => Math.max(max, version.count), 0) + 1
  const word: FloodWord = { ...saying, version: { count, by }, since: now }
  return bounded([...words.filter(({ about }) => about !== saying.about), word], now)
}

/** Heard: the words with another node's, those of them that were news, and how many more had no room; the same list where none was. */
export interface Heard {
  readonly words: readonly FloodWord[]
  readonly news: readonly FloodWord[]
  readonly left: number
}

/** heard: another node's words beside ours. Of those in force the latest are taken in, as many as have room. */
export function heard(words: readonly FloodWord[], theirs: readonly FloodWord[], now: number): Heard {
  const all = new Map(words.map((word) => [word.about, word]))
  const newest = new Map<string, FloodWord>()
  for (const word of theirs) {
    const known = newest.get(word.about) ?? all.get(word.about)
    if (known && !isLater(word.version, known.version)) continue
    newest.set(word.about, word)
  }
  const later = [...newest.values()]
  // what takes the place of one in force, or is over, takes no room
  const isMore = (word: FloodWord) => {
    const known = all.get(word.about)
    return isInForce(word, now) && !(known && isInForce(known, now))
  }
  const more = later.filter(isMore).sort((a, b) => (isLater(a.version, b.version) ? -1 : 1))
  const others = later.filter((word) => !isMore(word))
  for (const word of others) all.set(word.about, word)
  const had = [...all.values()].filter((word) => isInForce(word, now)).length
  const taken = more.slice(0, Math.max(0, ORDERS_LIMIT - had))
  for (const word of taken) all.set(word.about, word)
  const news = later.filter((word) => all.get(word.about) === word)
  const left = more.length - taken.length
  return news.length === 0 ? { words, news, left } : { words: bounded([...all.values()], now), news, left }
}

/** later: those of our words that another node, which has sent `theirs`, has not. */
export function later(words: readonly FloodWord[], theirs: readonly FloodWord[]): FloodWord[] {
  const known = new Map(theirs.map(({ about, version }) => [about, version]))
  return words.filter(({ about, version }) => {
    const other = known.get(about)
    return other === undefined || isLater(version, other)
  })
}

/** digestOf: equal where two nodes have the same words; hex. */
export function digestOf(words: readonly FloodWord[]): string {
  const lines = words.map(
    ({ about, version, order }) => `${about}\0${version.count}\0${version.by}\0${order ? 1 : 0}`,
  )
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex').slice(0, 32)
}

/** bounded: of those that are over the latest are remembered. */
function bounded(words: readonly FloodWord[], now: number): FloodWord[] {
  const over = words.filter((word) => !isInForce(word, now))
  if (over.length <= ORDERS_LIMIT) return [...words]
  const latest = new Set(over.sort((a, b) => (isLater(a.version, b.version) ? -1 : 1)).slice(0, ORDERS_LIMIT))
  return words.filter((word) => isInForce(word, now) || latest.has(word))
}
