// Which pools have lost their quorum, as the packet path knows it, and whose sorry servers answer. Its idea: what checks
// and operators say of single servers is told first, then this; what could not be told is a problem, and tried again.
// Whether sorry servers answer is asked of the packet path, which has more reasons than a quorum (a neighbour that is gone).

import type { EventSink } from '../events/event.ts'
import type { Problem } from './api-schema.ts'
import type { UsedPool } from './overrides.ts'
import { sorryEvent } from './pool-events.ts'
import type { PacketPath } from './ports.ts'
import { problemsOf } from './problem.ts'

/** LostPoolsOptions: `lost`: those that have lost it now. */
export interface LostPoolsOptions {
  readonly packetPath: Pick<PacketPath, 'setLost' | 'sorry'>
  readonly events: EventSink
  readonly lost: () => ReadonlySet<string>
}

export class LostPools {
  readonly #options: LostPoolsOptions
  #told: ReadonlySet<string> = new Set()
  #problems: readonly Problem[] = []
  #sorry: ReadonlySet<string> = new Set()

  constructor(options: LostPoolsOptions) {
    this.#options = options
  }

  /** adopt: those that an apply is given. */
  adopt(): ReadonlySet<string> {
    this.#told = this.#options.lost()
    return this.#told
  }

  /** tell the packet path what it does not know yet. */
  tell(): void {
    const lost = this.#options.lost()
    const told = new Set(this.#told)
    this.#problems = []
    for (const pool of new Set([...told, ...lost])) {
      const isLost = lost.has(pool)
      if (isLost === told.has(pool)) continue
      try {
        this.#options.packetPath.setLost(pool, isLost)
      } catch (error) {
        this.#problems = [...this.#problems, ...problemsOf(error)]
        continue
      }
      if (isLost) told.add(pool)
      else told.delete(pool)
    }
    this.#told = told
  }

  /** watch tells of sorry servers that answer now, or no longer do. */
  watch(pools: readonly UsedPool[]): void {
    const before = this.#sorry
    const now = this.#options.packetPath.sorry()
    if (before.size === 0 && now.size === 0) return
    this.#sorry = now
    for (const { name: pool, services, sorry = [] } of pools) {
      if (now.has(pool) === before.has(pool)) continue
      const names = sorry.map(({ server }) => server)
      this.#options.events.record(sorryEvent({ pool, services }, names, now.has(pool)))
    }
  }

  /** settle tries again, and says what is wrong. */
  settle(): readonly Problem[] {
    if (this.#problems.length > 0) this.tell()
    return this.#problems
  }
}
