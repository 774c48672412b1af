// Whom the packet path has banned, by name. Its table knows sources by a keyed hash alone, so they are told by recorded packets of
// theirs that were dropped: who is banned and still sends is seen, a bounded number of them, the latest.

import type { Ip } from '../base/addresses.ts'
import { formatPrefix } from '../base/prefix.ts'
import type { Earned, EarnedBan } from '../engine/defence-status.ts'

/** SOURCES_LIMIT: so many are remembered, the latest. */
const SOURCES_LIMIT = 256

export class BannedSources {
  /** In the order in which they were seen last. */
  readonly #seen = new Set<Ip>()

  /** see a source whose packet was dropped as banned. */
  see(source: Ip): void {
    this.#seen.delete(source)
    this.#seen.add(source)
    if (this.#seen.size <= SOURCES_LIMIT) return
    const [oldest] = this.#seen
    this.#seen.delete(oldest!)
  }

  /** bans of them, the latest seen first; of who is not banned any more nothing is kept. */
  bans(earned: Earned | undefined): EarnedBan[] {
    const bans = new Map<string, EarnedBan>()
    for (const source of [...this.#seen].reverse()) {
      const ban = earned?.of(source)
      if (ban) bans.set(formatPrefix(ban.source), ban)
      else this.#seen.delete(source)
    }
    return [...bans.values()]
  }
}
