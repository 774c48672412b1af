// What became of servers in pools, in a line each, however many pools it is in: thousands may have the same server.

import type { Changed, ServerView } from '../engine/engine.ts'

/** PoolLine: `text` names the server, what became of it, and the pools, or some of many. */
export interface PoolLine {
  readonly server: string
  readonly pools: readonly string[]
  readonly slots: number
  readonly text: string
}

export class PoolLines {
  readonly #lines = new Map<string, { readonly server: string; readonly pools: string[]; slots: number }>()

  add(pool: string, server: string, { up }: ServerView, { slots, weight }: Changed): void {
    const text = `server ${server} ${up ? `has weight ${weight}` : 'is out'}`
    const line = this.#lines.get(text) ?? { server, pools: [], slots: 0 }
    line.pools.push(pool)
    line.slots += slots
    this.#lines.set(text, line)
  }

  all(): PoolLine[] {
    return [...this.#lines].map(([text, line]) => {
      const what = line.pools.length === 1 ? 'pool' : 'pools'
      return { ...line, text: `${text} in ${what} ${someOf(line.pools)}` }
    })
  }
}

/** someOf names: all of up to three, else three and how many more. */
export const someOf = (names: readonly string[]): string =>
  names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
