// What this node publishes: small values by name, replaced as wholes. All of them together are bounded, because they go out
// every second: one that does not fit is not said, and takes back what it said before, which nobody may go on believing.

import { DOCUMENT_MAX, type Json } from './peers.ts'

export class Parts {
  readonly #parts = new Map<string, { readonly value: Json; readonly text: string }>()
  /** Those that do not fit, and how many bytes they have. */
  readonly #tooLarge = new Map<string, number>()

  /** tooLarge: the parts that are not said, because with them it would be more than {@link DOCUMENT_MAX} bytes; their sizes. */
  get tooLarge(): ReadonlyMap<string, number> {
    return this.#tooLarge
  }

  /** set one, or take it back (undefined); whether what is said is something new. */
  set(name: string, value: Json | undefined): boolean {
    const text = value === undefined ? undefined : JSON.stringify(value)
    const before = this.#parts.get(name)
    this.#tooLarge.delete(name)
    if (before?.text === text) return false
    this.#parts.delete(name)
    if (value === undefined || text === undefined) return true
    const bytes = Buffer.byteLength(text)
    if (this.#bytes + bytes > DOCUMENT_MAX) {
      this.#tooLarge.set(name, bytes)
      return before !== undefined
    }
    this.#parts.set(name, { value: structuredClone(value) as Json, text })
    return true
  }

  all(): Readonly<Record<string, Json>> {
    return Object.fromEntries([...this.#parts].map(([name, { value }]) => [name, value]))
  }

  get #bytes(): number {
    return [...this.#parts.values()].reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
  }
}
