// The tries of lists while they are in use: what they hold is changed to what they are to hold, entry by entry: what is new
// first, then what is another, then what goes. An entry changes as a whole: the kernel puts a new node in its place.

import { entryBytes, entryOf, type ListEntry, prefixKey } from '../dataplane/list-entries.ts'
import type { BpfMap } from '../kernel/map.ts'
import { listOf } from './generation-maps.ts'

/** Tries: of the families that listeners have. */
export type Tries = ReadonlyMap<'lists4' | 'lists6', Pick<BpfMap, 'update' | 'delete'>>

/** ListTries: `held`: what they hold. */
export class ListTries {
  readonly #tries: Tries
  readonly #held: Map<string, ListEntry>

  constructor(tries: Tries, held: readonly ListEntry[]) {
    this.#tries = tries
    this.#held = byPrefix(held)
  }

  get held(): readonly ListEntry[] {
    return [...this.#held.values()]
  }

  /** set what they are to hold. Throws SyscallError (ENOSPC: no room); then they hold what they did, as far as the kernel lets them. */
  set(entries: readonly ListEntry[]): void {
    const wanted = byPrefix(entries)
    const before = new Map(this.#held)
    try {
      for (const [key, entry] of wanted) this.#put(key, entry)
      for (const key of before.keys()) if (!wanted.has(key)) this.#remove(key)
    } catch (error) {
      this.#undo(before)
      throw error
    }
  }

  /** #undo: what is new goes first: that takes no memory, and nobody is kept out by what was refused. */
  #undo(before: ReadonlyMap<string, ListEntry>): void {
    const attempts = [
      ...[...this.#held.keys()].filter((key) => !before.has(key)).map((key) => () => this.#remove(key)),
      ...[...before].map(
        ([key, entry]) =>
          () =>
            this.#put(key, entry),
      ),
    ]
    for (const attempt of attempts)
      try {
        attempt()
      } catch {
        // it stays as it is, and is known to: the next set tries again
      }
  }

  #put(key: string, entry: ListEntry): void {
    const has = this.#held.get(key)
    if (has?.says === entry.says && has.until === entry.until) return
    const bytes = entryBytes(entry)
    this.#tries.get(listOf(entry))?.update(bytes.key, bytes.value)
    this.#held.set(key, entry)
  }

  #remove(key: string): void {
    const entry = this.#held.get(key)
    if (!entry) return
    this.#tries.get(listOf(entry))?.delete(entryBytes(entry).key)
    this.#held.delete(key)
  }
}

const byPrefix = (entries: readonly ListEntry[]): Map<string, ListEntry> =>
  new Map(entries.map((entry) => [prefixKey(entry.prefix), entry]))

/** heldBy a trie that another daemon has filled. */
export function heldBy(map: BpfMap): readonly ListEntry[] {
  // a key that goes away meanwhile makes the kernel begin again
  const keys = new Map([...map.keys()].map((key) => [key.toString('hex'), key]))
  return [...keys.values()].flatMap((key) => {
    const value = map.lookup(key)
    return value ? [entryOf(key, value)] : []
  })
}
