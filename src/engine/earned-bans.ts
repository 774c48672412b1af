// Sources that the packet path has banned (docs/packet-path.md, D3): its table as the daemon reads it. The table knows sources
// by a keyed hash and not by name, so it can be asked of an address, and says how many there are; who they are is found
// by those who still send.

import type { Ip } from '../base/addresses.ts'
import { bitsOf, type Prefix, prefixOf } from '../base/prefix.ts'
import { sourceKeys } from '../dataplane/defence-keys.ts'
import { WAYS } from '../dataplane/defence-memory.ts'
import type { SourcesShape } from '../dataplane/defence-shape.ts'
import { sourceOf } from '../dataplane/source-table.ts'
import type { Earned, EarnedBan } from './defence-status.ts'
import type { Ticks } from './jiffies.ts'

/** EarnedBansOptions: `words`: of the table, each a tick and a print of 32 bits; `keys`: those that packets go by. */
export interface EarnedBansOptions {
  readonly words: Uint32Array
  readonly keys: BigUint64Array
  readonly shape: SourcesShape
  readonly banMs: number
  readonly ticks: Ticks
  readonly epochMs: () => number
}

export class EarnedBans implements Earned {
  readonly #options: EarnedBansOptions
  readonly #words: Uint32Array
  readonly #keys: BigUint64Array

  constructor(options: EarnedBansOptions) {
    this.#options = options
    this.#words = options.words
    this.#keys = sourceKeys(options.keys)
  }

  get count(): number {
    const now = this.#now
    let count = 0
    for (let at = 0; at < this.#words.length; at += 2) if (this.#left(at, now) > 0) count++
    return count
  }

  of(address: Ip): EarnedBan | undefined {
    const { ticks, epochMs, banMs } = this.#options
    const source = prefixOf(address, this.#bits(address))
    const at = this.#find(source)
    if (at === undefined) return undefined
    const until = epochMs() + ticks.msOf(this.#left(at, this.#now))
    return { source, since: until - banMs, until }
  }

  release({ address, length }: Prefix): boolean {
    if (length < this.#bits(address)) return false
    const at = this.#find(prefixOf(address, this.#bits(address)))
    if (at === undefined) return false
    // over as of now: a store of the tick alone, whatever the packet path does meanwhile
    Atomics.store(this.#words, at, this.#now)
    return true
  }

  get #now(): number {
    return this.#options.ticks.now()
  }

  #bits(address: Ip): number {
    const { prefix, prefix6 } = this.#options.shape
    return bitsOf(address) === 32 ? prefix : prefix6
  }

  #find({ address, length }: Prefix): number | undefined {
    const { place, print } = sourceOf(this.#keys, address, length)
    const now = this.#now
    const lines = this.#words.length / 2 / WAYS
    const line = 2 * WAYS * Math.floor((place * lines) / 2 ** 32)
    for (let at = line; at < line + 2 * WAYS; at += 2)
      if (this.#words[at + 1] === print && this.#left(at, now) > 0) return at
    return undefined
  }

  /** #left of a word: ticks, or 0. */
  #left(at: number, now: number): number {
    if (this.#words[at + 1] === 0) return 0
    const left = (this.#words[at]! - now) >>> 0
    return left < 2 ** 31 ? left : 0
  }
}
