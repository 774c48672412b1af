// Who sends most, in fixed memory: Space-Saving (Metwally and others, 2005). A newcomer takes the place of whoever has least
// and inherits his count, so who really sends much is always there, and counts are too high by no more than that least.

/** PLACES: so many are counted. */
const PLACES = 256

/** Share: somebody's part of all. */
export interface Share {
  readonly key: string
  readonly share: number
}

export class Top {
  readonly #counts = new Map<string, number>()
  #total = 0

  add(key: string): void {
    this.#total++
    const known = this.#counts.get(key)
    if (known !== undefined || this.#counts.size < PLACES) {
      this.#counts.set(key, (known ?? 0) + 1)
      return
    }
    const [least, count] = this.#least()
    this.#counts.delete(least)
    this.#counts.set(key, count + 1)
  }

  /** halve what was counted: what is older counts less. */
  halve(): void {
    this.#total = Math.floor(this.#total / 2)
    for (const [key, count] of this.#counts)
      if (count < 2) this.#counts.delete(key)
      else this.#counts.set(key, Math.floor(count / 2))
  }

  /** most: those that send at least a hundredth for certain, at most ten, the first sends most. */
  get most(): Share[] {
    const error = this.#counts.size < PLACES ? 0 : this.#least()[1]
    return [...this.#counts]
      .filter(([, count]) => count - error >= Math.max(1, this.#total / 100))
      .sort((a, b) => b[1] - a[1])
      .slice(0, 10)
      .map(([key, count]) => ({ key, share: Math.min(1, count / this.#total) }))
  }

  #least(): [string, number] {
    let least: [string, number] = ['', Number.POSITIVE_INFINITY]
    for (const each of this.#counts) if (each[1] < least[1]) least = each
    return least
  }
}
