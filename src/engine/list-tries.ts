// The tries of lists while they are in use: what they hold is changed to what they are to hold, entry by entry: what is new
// first, then what is another, then what goes. An entry changes as a whole: the kernel puts a new node in its place.

import { entryBytes, entryOf, type ListEntry, prefixKey } from '../dataplane/list-entries.ts'
import type { BpfMap } from '../kernel/map.ts'
import { listOf } from './generation-maps.ts'

/** Tries: of the families that listeners have. */
export type Tries = ReadonlyMap<'lists4' | 'lists6', BpfMap>

/** ListTries: `held`: what they hold. */
export class ListTries {
  readonly #tries: Tries
  #held: ReadonlyMap<string, ListEntry>

  constructor(tries: Tries, held: readonly ListEntry[]) {
    this.#tries = tries
    this.#held = byPrefix(held)
  }

  get held(): readonly ListEntry[] {
    return [...this.#held.values()]
  }

  /** set what they are to hold. Throws SyscallError (ENOSPC: no room). */
  set(entries: readonly ListEntry[]): void {
    const wanted = byPrefix(entries)
    for (const [key, entry] of wanted) {
      const has = this.#held.get(key)
      if (has?.says === entry.says && has.until === entry.until) continue
      const bytes = entryBytes(entry)
      this.#tries.get(listOf(entry))?.update(bytes.key, bytes.value)
    }
    for (const [key, entry] of this.#held)
      if (!wanted.has(key)) this.#tries.get(listOf(entry))?.delete(entryBytes(entry).key)
    this.#held = wanted
  }
}

const byPrefix = (entries: readonly ListEntry[]): ReadonlyMap<string, ListEntry> =>
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
