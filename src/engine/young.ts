// The young changes of one pool's slots: who had them before, for as long as flows of then may still send. What a slot
// is settled with is who had it before its oldest young change; when that change is young no longer, it is who had it
// before the next one, or who has it now. Kept are changed slots only, six bytes each; changes that follow each other
// within a grain are one, as old as its last part, so that a server that comes and goes cannot make this grow.
//
//   slot 7:  A ──┬── B ──┬── A ─────        settled:  A until t1 + life, B until t2 + life, then A, the current one
//                t1      t2

/** A grain is this part of the life of a change, so there are about so many changes at most. */
const GRAINS = 64

/** Change: slots, ascending, with the id that each had before. `opened`: when its first part happened, `at`: its last. */
export interface Change {
  readonly opened: number
  readonly at: number
  readonly slots: Uint32Array
  readonly from: Uint16Array
}

/** merge two changes of a grain: what a slot had before the older one counts. */
function merge(older: Change, newer: Change): Change {
  const slots = new Uint32Array(older.slots.length + newer.slots.length)
  const from = new Uint16Array(slots.length)
  let [left, right, count] = [0, 0, 0]
  while (left < older.slots.length || right < newer.slots.length) {
    const a = older.slots[left] ?? Number.POSITIVE_INFINITY
    const b = newer.slots[right] ?? Number.POSITIVE_INFINITY
    const isOlder = a <= b
    slots[count] = isOlder ? a : b
    from[count++] = isOlder ? older.from[left]! : newer.from[right]!
    if (isOlder) left++
    if (b <= a) right++
  }
  return { opened: older.opened, at: newer.at, slots: slots.slice(0, count), from: from.slice(0, count) }
}

/** Young: times are milliseconds of a clock that never goes back. */
export class Young {
  readonly #life: number
  #changes: Change[]

  /** `life`: how long a change is young. */
  constructor(life: number, changes: readonly Change[] = []) {
    this.#life = life
    this.#changes = [...changes]
  }

  /** with another life, and ids of before as `idOf` tells them now. */
  renewed(life: number, idOf: (id: number) => number): Young {
    return new Young(
      life,
      this.#changes.map((change) => ({ ...change, from: change.from.map(idOf) })),
    )
  }

  /** add: `slots`, ascending, had the servers `from` until now. */
  add(now: number, slots: Uint32Array, from: Uint16Array): void {
    if (slots.length === 0) return
    const change = { opened: now, at: now, slots, from }
    const last = this.#changes.at(-1)
    if (last && now - last.opened < this.#life / GRAINS) this.#changes.splice(-1, 1, merge(last, change))
    else this.#changes.push(change)
  }

  /** expire what is no longer young: `settle` gets each slot concerned with what it is settled with from now on. */
  expire(now: number, settle: (slot: number, id: number | 'current') => void): void {
    while (this.#changes.length > 0 && this.#changes[0]!.at + this.#life <= now) {
      const [gone, ...later] = this.#changes
      this.#changes = later
      const places = new Uint32Array(later.length)
      for (const slot of gone!.slots) {
        let settled: number | 'current' = 'current'
        for (let i = 0; i < later.length && settled === 'current'; i++) {
          const { slots, from } = later[i]!
          while (slots[places[i]!]! < slot) places[i]!++
          if (slots[places[i]!] === slot) settled = from[places[i]!]!
        }
        settle(slot, settled)
      }
    }
  }

  /** changes: those that are young, the oldest first. */
  get changes(): readonly Change[] {
    return this.#changes
  }

  /** marks: by slot, 1 where it has a young change. */
  marks(slots: number): Uint8Array {
    const marks = new Uint8Array(slots)
    for (const change of this.#changes) for (const slot of change.slots) marks[slot] = 1
    return marks
  }

  get isEmpty(): boolean {
    return this.#changes.length === 0
  }

  /** changedAt: when the last young change was. */
  get changedAt(): number | undefined {
    return this.#changes.at(-1)?.at
  }
}
