// What a pool's slots take over from the generation before, when the file was edited or another daemon ran: each new
// word from the old ones of the same hashes. Where the table has another size, a new slot takes the place of parts of
// several old ones, which may have had several servers: then its settled server is ASK_BEFORE and the old table goes
// along as the table `before`, which packets are looked up in by the same hash. While a table of before is still asked,
// it is the one that goes along again: it knows who had a hash before the oldest change.

import { ASK_BEFORE, currentOf, SLOT_LEARN, SLOT_RECORDS, settledOf, slotWord } from '../dataplane/shape.ts'
import { scaleHash } from '../schedule/hash.ts'

/** OldPool: words of a pool, and of its table before if any asks it; `idOf`: an old id's meaning now, 0 where it is gone. */
export interface OldPool {
  readonly words: Uint32Array
  readonly before: Uint32Array | undefined
  readonly idOf: (id: number) => number
}

/** Inherited: new words; the words of the table before, if any slot asks it; which slots changed hands, and from whom. */
export interface Inherited {
  readonly words: Uint32Array
  readonly before: Uint32Array | undefined
  readonly changed: { readonly slots: Uint32Array; readonly from: Uint16Array }
  /** Slots whose UDP flows are to be learned from now on. */
  readonly learned: Uint32Array
}

/** inherit: `current` by slot, the ids of those who take new flows; `learns`: some flows are UDP. */
export function inherit(old: OldPool, current: Uint16Array, learns: boolean): Inherited {
  return old.words.length === current.length
    ? sameSize(old, current, learns)
    : otherSize(old, current, learns)
}

const FLAGS = SLOT_LEARN | SLOT_RECORDS

/** Collects what all slots of a pool become. */
class Heir {
  readonly words: Uint32Array
  readonly #learns: boolean
  /** A table before goes along. */
  readonly #asks: boolean
  readonly #slots: number[] = []
  readonly #from: number[] = []
  readonly #learned: number[] = []

  constructor(slots: number, learns: boolean, asks: boolean) {
    this.words = new Uint32Array(slots)
    this.#learns = learns
    this.#asks = asks
  }

  /**
   * take: `flags` are those of the old words, `settled` is an id of now, 0 where that server is gone; `had`: who took
   * new flows, or undefined where that cannot be said of the whole slot.
   */
  take(slot: number, current: number, settled: number, had: number | undefined, flags: number): void {
    const isChanged = had !== current
    // Flows of a server that is gone have nowhere to go but to the current one. While a table before is asked, it must
    // have the truth about every slot, for a generation of a third size: so all slots have records, and settle at once.
    const now = settled === 0 ? (this.#asks ? ASK_BEFORE : current) : settled
    const matters = flags !== 0 || this.#asks || (settled !== 0 && (isChanged || settled !== current))
    const learns = this.#learns && (flags & SLOT_RECORDS) === 0 && settled !== 0 && isChanged
    const kept = (matters ? SLOT_RECORDS : 0) | (flags & SLOT_LEARN) | (learns ? SLOT_LEARN : 0)
    this.words[slot] = slotWord(current, now, kept)
    if (!matters || !isChanged) return
    this.#slots.push(slot)
    this.#from.push(had ?? now)
    if (learns) this.#learned.push(slot)
  }

  inherited(before: Uint32Array | undefined): Inherited {
    return {
      words: this.words,
      before: this.#asks ? before : undefined,
      changed: { slots: Uint32Array.from(this.#slots), from: Uint16Array.from(this.#from) },
      learned: Uint32Array.from(this.#learned),
    }
  }
}

/** Words of a table before, with the ids of now: the settled server in both places. */
const asBefore = (words: Uint32Array, idOf: (id: number) => number): Uint32Array =>
  words.map((word) => slotWord(idOf(settledOf(word)), idOf(settledOf(word))))

function sameSize({ words, before, idOf }: OldPool, current: Uint16Array, learns: boolean): Inherited {
  const heir = new Heir(current.length, learns, before !== undefined)
  for (let slot = 0; slot < current.length; slot++) {
    const word = words[slot]!
    const settled = settledOf(word) === ASK_BEFORE ? ASK_BEFORE : idOf(settledOf(word))
    const had = idOf(currentOf(word))
    heir.take(slot, current[slot]!, settled || had, had, word & FLAGS)
  }
  return heir.inherited(before && asBefore(before, idOf))
}

/** firstHash: the least hash that has this slot. Exact: a quotient by one of tableSizes is whole, or a fifth away. */
const firstHash = (slot: number, slots: number): number => Math.ceil((slot * 0x100000000) / slots)

/** joined: what all of the old slots from..to have in common; undefined where they differ. */
function joined(
  words: Uint32Array,
  from: number,
  to: number,
  idIn: (word: number) => number,
): number | undefined {
  const id = idIn(words[from]!)
  for (let at = from + 1; at <= to; at++) if (idIn(words[at]!) !== id) return undefined
  return id
}

function otherSize({ words, before, idOf }: OldPool, current: Uint16Array, learns: boolean): Inherited {
  // the old table's words have the truth where they are settled; where one asks its table before, that has it for all
  const source = before ?? words
  const count = current.length
  const settled = new Uint16Array(count)
  for (let slot = 0; slot < count; slot++) {
    const from = scaleHash(firstHash(slot, count), source.length)
    const to = scaleHash(firstHash(slot + 1, count) - 1, source.length)
    settled[slot] = joined(source, from, to, (word) => idOf(settledOf(word))) ?? ASK_BEFORE
  }
  const heir = new Heir(count, learns, settled.includes(ASK_BEFORE))
  for (let slot = 0; slot < count; slot++) {
    const from = scaleHash(firstHash(slot, count), words.length)
    const to = scaleHash(firstHash(slot + 1, count) - 1, words.length)
    const had = joined(words, from, to, (word) => idOf(currentOf(word)))
    let flags = 0
    for (let at = from; at <= to; at++) flags |= words[at]! & FLAGS
    heir.take(slot, current[slot]!, settled[slot]!, had, flags)
  }
  return heir.inherited(asBefore(source, idOf))
}
