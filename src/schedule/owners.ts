// Who owns which slot, all being up. The hash's range is cut into cells, as many in a table of any size. Members race for
// each cell, with chances by their weights, and the winner takes its slots until it has its share of the table: what is
// left of the cell, and later cells, go on to whoever comes next in their race. Cells have their turns in ascending order.
//
// So shares are exact, and nothing depends on how many slots a cell has or who else there is, but for who is full already
// when a cell has its turn. That is why an edit moves little beyond its share: about 1/sqrt(cells) = 2.2 % of all slots,
// for any number of members (members gain or lose whole cells by chance, so become full that much earlier or later).
// Maglev (Eisenbud et al., NSDI 2016) moves more with as few cells, and everything where the size changes.
//
// The table is a pure function of names, weights and size.

import type { Member } from './members.ts'
import { hashName, mix32 } from './mix.ts'
import { equalWinner, lotOf, raceOrder, raceTime, raceWinner } from './race.ts'
import { sharesOf } from './shares.ts'
import { CELLS } from './table-size.ts'

/**
 * ownersOf slots: for each the index in `members` of its owner. `members` are sorted, at least one with a weight, and no
 * more than `slots`, which are one of tableSizes.
 */
export function ownersOf(members: readonly Member[], slots: number): Uint16Array<ArrayBuffer> {
  const left = sharesOf(members, slots)
  const race = new Race(members)
  const owner = new Uint16Array(slots)
  const cells = Math.min(CELLS, slots)
  const width = slots / cells
  for (let slot = 0, cell = 0; cell < cells; cell++) {
    const drawn = mix32((cell * CELLS) / cells)
    for (const end = slot + width; slot < end; ) {
      // where many share a cell they are found at once; where one was too few, the others race again
      const likely = Math.ceil((width * race.count) / (slots - slot))
      const full: number[] = []
      for (const place of race.first(likely, drawn)) {
        if (slot === end) break
        const member = race.memberAt(place)
        const upTo = Math.min(end, slot + left[member]!)
        owner.fill(member, slot, upTo)
        left[member]! -= upTo - slot
        slot = upTo
        if (left[member] === 0) full.push(place)
      }
      if (full.length > 0) race.leave(full)
    }
  }
  return owner
}

/** Equals: runners of one weight, by their places in the order of all. */
interface Equals {
  readonly weight: number
  readonly marks: Int32Array
  readonly places: Uint16Array
}

/** EQUALS_MOST: of more weights than that a race of all is sooner over than one of each weight. */
const EQUALS_MOST = 4

/** Race: those that have not had their share yet, in the order of members; referred to by their places among them. */
class Race {
  #members: Uint16Array
  #marks: Int32Array
  #weights: Float64Array
  /** By weight, as long as nobody has left; undefined: there are too many. */
  #equals: readonly Equals[] | undefined

  constructor(members: readonly Member[]) {
    const able = [...members.entries()].filter(([, { weight }]) => weight > 0)
    this.#members = Uint16Array.from(able, ([member]) => member)
    this.#marks = Int32Array.from(able, ([, { name }]) => hashName(name, 1))
    this.#weights = Float64Array.from(able, ([, { weight }]) => weight)
    this.#equals = this.#byWeight()
  }

  get count(): number {
    return this.#members.length
  }

  memberAt(place: number): number {
    return this.#members[place]!
  }

  /** first so many of a race, in the order in which they come in. */
  first(count: number, drawn: number): readonly number[] {
    if (count === 1) return [this.#winner(drawn)]
    return raceOrder(drawn, this.#marks, this.#weights, count)
  }

  /** leave: who has one of these places runs no more. */
  leave(places: readonly number[]): void {
    for (const place of places) this.#weights[place] = 0
    let kept = Math.min(...places)
    for (let place = kept; place < this.#members.length; place++) {
      if (this.#weights[place] === 0) continue
      this.#members[kept] = this.#members[place]!
      this.#marks[kept] = this.#marks[place]!
      this.#weights[kept] = this.#weights[place]!
      kept++
    }
    this.#members = this.#members.subarray(0, kept)
    this.#marks = this.#marks.subarray(0, kept)
    this.#weights = this.#weights.subarray(0, kept)
    // near the end one after the other leaves
    this.#equals = undefined
  }

  #winner(drawn: number): number {
    if (!this.#equals) return raceWinner(drawn, this.#marks, this.#weights)
    let best = Number.POSITIVE_INFINITY
    let winner = -1
    for (const { weight, marks, places } of this.#equals) {
      const at = equalWinner(drawn, marks)
      const time = raceTime(lotOf(drawn, marks[at]!), weight)
      if (time > best || (time === best && places[at]! > winner)) continue
      best = time
      winner = places[at]!
    }
    return winner
  }

  #byWeight(): readonly Equals[] | undefined {
    const weights = new Set(this.#weights)
    if (weights.size > EQUALS_MOST) return undefined
    return [...weights].map((weight) => {
      const places = Uint16Array.from(this.#weights.keys()).filter((place) => this.#weights[place] === weight)
      return { weight, marks: Int32Array.from(places, (place) => this.#marks[place]!), places }
    })
  }
}
