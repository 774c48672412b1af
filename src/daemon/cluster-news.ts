// What other nodes do, as events and problems: told when a node is connected, refused or lost, once for each change; and
// shown as a problem while it lasts. Right after this daemon's start others are not there yet: that is no news.

import type { PeerState, PeerView } from '../cluster/peers.ts'
import type { EventSink } from '../events/event.ts'
import type { Problem } from './api-schema.ts'
import { problem } from './problem.ts'

/** QUIET_MS: how long after it came into being a peer may be unheard. */
const QUIET_MS = 10_000
/** CLOCK_MS: from what difference of clocks on it is a problem. */
export const CLOCK_MS = 2_000

export class ClusterNews {
  readonly #events: EventSink
  readonly #told = new Map<string, PeerState>()

  constructor(events: EventSink) {
    this.#events = events
  }

  /** tell what is new since the last call. */
  tell(views: readonly PeerView[], now: Date): void {
    for (const name of [...this.#told.keys()])
      if (!views.some((view) => view.name === name)) this.#told.delete(name)
    for (const view of views) {
      const { name, state, version, why } = view
      const before = this.#told.get(name)
      if (before === state || (before === undefined && isStillQuiet(view, now))) continue
      this.#told.set(name, state)
      const isGood = state === 'connected'
      const again = before === undefined ? '' : ' again'
      this.#events.record({
        kind: 'node.peer',
        severity: isGood ? 'notice' : view.hasLeft ? 'warning' : 'error',
        text: isGood ? `node ${name} is connected${again}: tenbin ${version}` : badText(view),
        data: {
          peer: name,
          state,
          ...(version !== undefined && { version }),
          ...(why !== undefined && { cause: why }),
        },
      })
    }
  }
}

/** peerProblems: of nodes that are not connected, and of clocks that differ. */
export const peerProblems = (views: readonly PeerView[], now: Date): readonly Problem[] =>
  views.flatMap((view) => {
    const { name, state, clockAheadMs = 0 } = view
    if (state !== 'connected') {
      const code = state === 'refused' ? 'PEER_REFUSED' : 'PEER_UNREACHABLE'
      return isStillQuiet(view, now) ? [] : [problem(code, badText(view))]
    }
    if (Math.abs(clockAheadMs) < CLOCK_MS) return []
    const by = `${(Math.abs(clockAheadMs) / 1000).toFixed(1)} s`
    const side = clockAheadMs > 0 ? 'ahead of' : 'behind'
    return [problem('CLOCKS_DIFFER', `the clock of node ${name} is ${by} ${side} this one`)]
  })

const isStillQuiet = ({ state, protocol, since }: PeerView, now: Date): boolean =>
  state === 'unreachable' && protocol === undefined && now.getTime() - since.getTime() < QUIET_MS

const badText = ({ name, state, why }: PeerView): string =>
  `node ${name} is ${state === 'refused' ? 'refused' : 'not connected'}: ${why}`
