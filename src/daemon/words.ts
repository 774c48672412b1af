// What operators said of servers, as several nodes have it: each word about a server (of all pools, or of the pool of one
// service) has a version, and the later one counts wherever it is heard. A word that was taken back is remembered by its
// version alone, or a node that was away would bring it back. Versions count words, not time: clocks that differ change
// nothing. Pure.
//
//   lb1: drain web03 (4 lb1)                         enable web03 (6 lb1)
//   lb2:             disable web03 (5 lb2)    <- both hear it: taken back, 6 lb1

import { createHash } from 'node:crypto'
import type { Override, Version } from './overrides.ts'

/** OVERRIDES_LIMIT: so many are kept at most; more are refused. As many that were taken back are remembered. */
export const OVERRIDES_LIMIT = 10_000

/** TakenBack: a word that says nothing more than the file does. */
export interface TakenBack {
  readonly server: string
  readonly service?: string
  readonly said: Version
}

/** Said: all of it. One word for each server and service, among both. */
export interface Said {
  readonly overrides: readonly Override[]
  readonly takenBack: readonly TakenBack[]
}

/** Word: one of either. */
export type Word = Override | TakenBack

export const NOTHING_SAID: Said = { overrides: [], takenBack: [] }
const NEVER: Version = { count: 0, by: '' }

interface About {
  readonly server: string
  readonly service?: string | undefined
}

const keyOf = ({ server, service }: About): string => `${server}\0${service ?? ''}`
const versionOf = ({ said = NEVER }: { readonly said?: Version }): Version => said

/** isLater: whether a version is after another. */
export const isLater = (a: Version, b: Version): boolean =>
  a.count !== b.count ? a.count > b.count : a.by > b.by

/** wordsOf: overrides and what was taken back, by what they are about. */
export const wordsOf = ({ overrides, takenBack }: Said): ReadonlyMap<string, Word> =>
  new Map([...takenBack, ...overrides].map((word) => [keyOf(word), word]))

/** isOverride: it says more than the file. */
export const isOverride = (word: Word): word is Override => 'since' in word

/** overrideOf: with what is there, and nothing that is undefined. */
export const overrideOf = ({
  server,
  service,
  order,
  weight,
  since,
  deadline,
  said,
}: { [Key in keyof Override]: Override[Key] | undefined } & Pick<
  Override,
  'server' | 'since'
>): Override => ({
  server,
  since,
  ...(service !== undefined && { service }),
  ...(order !== undefined && { order }),
  ...(weight !== undefined && { weight }),
  ...(deadline !== undefined && { deadline }),
  ...(said !== undefined && { said }),
})

/** takenBackOf: the same. */
export const takenBackOf = ({ server, service, said }: About & { readonly said: Version }): TakenBack => ({
  server,
  said,
  ...(service !== undefined && { service }),
})

/** spoken: `overrides` are what is left after a command here: what differs from before is a word of `by`, and the latest. */
export function spoken(before: Said, overrides: readonly Override[], by: string): Said {
  const known = wordsOf(before)
  const said = { count: highest(before) + 1, by }
  const old = new Set(before.overrides)
  const kept = new Set(overrides.map(keyOf))
  const gone = before.overrides.filter((each) => !kept.has(keyOf(each)))
  return bounded({
    overrides: overrides.map((each) => {
      const was = known.get(keyOf(each))
      return old.has(each) || (was && isOverride(was) && isSame(each, was)) ? each : { ...each, said }
    }),
    takenBack: [
      ...before.takenBack.filter((each) => !kept.has(keyOf(each))),
      ...gone.map((each) => takenBackOf({ ...each, said })),
    ],
  })
}

/** Merged: what is said now, and the words that were news; the same Said where none was. */
export interface Merged {
  readonly said: Said
  readonly news: readonly Word[]
}

/** merged with another node's words. `isMeant`: whether the file here has what a word is about; others are left out. */
export function merged(said: Said, words: readonly Word[], isMeant: (about: About) => boolean): Merged {
  const all = new Map(wordsOf(said))
  const news: Word[] = []
  let isChanged = false
  for (const word of words) {
    const known = all.get(keyOf(word))
    if (!isMeant(word) || (known && !isLater(versionOf(word), versionOf(known)))) continue
    // what was taken back before it was heard here changes nothing, and is remembered all the same
    if (isOverride(word) || (known && isOverride(known))) news.push(word)
    all.set(keyOf(word), word)
    isChanged = true
  }
  const list = [...all.values()]
  const overrides = list.filter(isOverride)
  if (!isChanged || overrides.length > OVERRIDES_LIMIT) return { said, news: [] }
  const takenBack = list.filter((each): each is TakenBack => !isOverride(each))
  return { said: bounded({ overrides, takenBack }), news }
}

/** later: those of our words that another node, which has sent `words`, has not. */
export function later(said: Said, words: readonly Word[]): Word[] {
  const theirs = new Map(words.map((word) => [keyOf(word), versionOf(word)]))
  return [...wordsOf(said)].flatMap(([key, word]) => {
    const known = theirs.get(key)
    return known === undefined || isLater(versionOf(word), known) ? [word] : []
  })
}

/** digestOf: equal where two nodes have the same words; hex. */
export function digestOf(said: Said): string {
  const lines = [...wordsOf(said)]
    .map(([key, word]) => `${key}\0${versionOf(word).count}\0${versionOf(word).by}\0${isOverride(word)}`)
    .sort()
  return createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 32)
}

const highest = (said: Said): number =>
  [...wordsOf(said).values()].reduce((max, word) => Math.max(max, versionOf(word).count), 0)

/** bounded: of what was taken back the latest are remembered. */
function bounded({ overrides, takenBack }: Said): Said {
  if (takenBack.length <= OVERRIDES_LIMIT) return { overrides, takenBack }
  const latest = [...takenBack].sort((a, b) => (isLater(a.said, b.said) ? -1 : 1)).slice(0, OVERRIDES_LIMIT)
  return { overrides, takenBack: latest }
}

const isSame = ({ said: _, ...a }: Override, { said: __, ...b }: Override): boolean =>
  JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort())
