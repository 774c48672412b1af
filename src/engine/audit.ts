// Memory that packets are handled by, compared with what the daemon wrote there, a slice at a time, and mended. Compared is
// what only the daemon writes; it is one thread, so that whatever differs was written by somebody else. A word is mended by
// one store, as it was written; each is then right by itself, whatever its neighbours are for the moment.
//
// What a slice costs: two memories are read once; see docs/decisions/0019-reconcile.md.

/** Region: memory of one map. `live` and `own` are of equal length; `unit` bytes are stored at once. */
export interface Region {
  readonly live: Uint8Array
  readonly own: Uint8Array
  readonly unit: 4 | 8
  /** what the word at a byte is of, for people: `slots of pool www`. */
  readonly what: (at: number) => string
}

/** Rewritten: somebody else wrote there, and how many words; isMended: they read as they should again. */
export interface Rewritten {
  readonly what: string
  readonly words: number
  readonly isMended: boolean
}

/** LEAST_SLICE: bytes that are compared in a step at least, ROUND_STEPS: in so many all are. */
export const LEAST_SLICE = 2 ** 20
export const ROUND_STEPS = 32
/** CHUNK: bytes that are compared by one call. */
const CHUNK = 2 ** 16

export class Audit {
  readonly #regions: readonly Compared[]
  readonly #slice: number
  readonly #mendOthers: () => readonly Rewritten[]
  #region = 0
  #at = 0

  /** `mendOthers`: what is not compared as bytes, once a round. */
  constructor(regions: readonly Region[], mendOthers: () => readonly Rewritten[] = () => []) {
    this.#regions = regions.filter(({ own }) => own.length > 0).map(comparedOf)
    const total = this.#regions.reduce((sum, { own }) => sum + own.length, 0)
    this.#slice = Math.max(LEAST_SLICE, CHUNK * Math.ceil(total / ROUND_STEPS / CHUNK))
    this.#mendOthers = mendOthers
  }

  /** step: one slice; a round ends with a step at the latest. What was found is mended. */
  step(): readonly Rewritten[] {
    const found: Rewritten[] = []
    for (let left = this.#slice; left > 0; ) {
      const region = this.#regions[this.#region]
      if (!region) {
        this.#region = 0
        found.push(...this.#mendOthers())
        break
      }
      // whole chunks, of which a slice may have one more: what is left of it may end within a word
      const end = Math.min(region.own.length, this.#at + CHUNK)
      if (!isSame(region, this.#at, end)) found.push(...mend(region, this.#at, end))
      left -= end - this.#at
      this.#at = end
      if (end < region.own.length) continue
      this.#region++
      this.#at = 0
    }
    return together(found)
  }
}

interface Compared extends Region {
  readonly live: Buffer
  readonly own: Buffer
}

const comparedOf = ({ live, own, ...rest }: Region): Compared => ({
  ...rest,
  live: Buffer.from(live.buffer, live.byteOffset, live.byteLength),
  own: Buffer.from(own.buffer, own.byteOffset, own.byteLength),
})

const isSame = ({ live, own }: Compared, from: number, to: number): boolean =>
  own.compare(live, from, to, from, to) === 0

/** mend the words of a chunk that differ. */
function mend(region: Compared, from: number, to: number): Rewritten[] {
  const words = new Map<string, number>()
  const { live, own, unit } = region
  const over = ({ buffer, byteOffset, byteLength }: Buffer) =>
    unit === 8
      ? new BigUint64Array(buffer, byteOffset, byteLength / unit)
      : new Uint32Array(buffer, byteOffset, byteLength / unit)
  const [is, should] = [over(live), over(own)]
  for (let at = from / unit; at < to / unit; at++) {
    if (is[at] === should[at]) continue
    if (is instanceof BigUint64Array) Atomics.store(is, at, should[at] as bigint)
    else Atomics.store(is, at, should[at] as number)
    const what = region.what(at * unit)
    words.set(what, (words.get(what) ?? 0) + 1)
  }
  const isMended = isSame(region, from, to)
  return [...words].map(([what, count]) => ({ what, words: count, isMended }))
}

/** together: each thing once. */
function together(found: readonly Rewritten[]): readonly Rewritten[] {
  const all = new Map<string, Rewritten>()
  for (const { what, words, isMended } of found) {
    const known = all.get(what)
    all.set(what, {
      what,
      words: words + (known?.words ?? 0),
      isMended: isMended && known?.isMended !== false,
    })
  }
  return [...all.values()]
}
