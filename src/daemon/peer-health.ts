// Where nodes disagree about a server: each says which servers its checks find down, and which of those that others find down
// it finds up (part `health`). Its idea: a server that only one node reaches fails those clients whose node is the other one,
// also later; so it is a problem on both, once it has lasted longer than checks take to agree. What a node has not looked at, or
// does not check, says nothing.

import { z } from 'zod'
import { type Peers, type PeerView, partOf } from '../cluster/peers.ts'
import type { Problem } from './api-schema.ts'
import { problem } from './problem.ts'

const PART = 'health'
/** TOLD: servers that are told of at most, those that are down first; the part has to stay small. WHY: characters of each reason. */
const TOLD = 100
const WHY = 80
/** PATIENCE_MS: more than checks of several nodes need to agree. */
const PATIENCE_MS = 15_000
/** NAMED: servers that a problem names. */
const NAMED = 3

const served = z.object({ pool: z.string(), server: z.string() })
const healthPart = z.object({
  down: z.array(served.extend({ why: z.exactOptional(z.string()) })),
  /** Those that another node finds down, and this one up; a version that does not say it finds none. */
  up: z.array(served).default([]),
})

/** Standing: what this node's checks find of a server of a pool. */
export type Standing = 'up' | 'down' | 'unknown'

/** Down: a server of a pool that checks find down. */
export interface Down {
  readonly pool: string
  readonly server: string
  readonly why?: string
}

/** PeerHealthOptions: `down`: all that are; `standingOf`: undefined: not checked. `monotonic`: ms of a clock that nobody sets. */
export interface PeerHealthOptions {
  readonly peers: Peers
  readonly down: () => readonly Down[]
  readonly standingOf: (pool: string, server: string) => Standing | undefined
  readonly monotonic: () => number
}

export class PeerHealth {
  readonly #options: PeerHealthOptions
  /** By node, pool and server: since when it is found otherwise. */
  #since: ReadonlyMap<string, number> = new Map()

  constructor(options: PeerHealthOptions) {
    this.#options = options
  }

  /** problems: tells other nodes what is down here, and what is not; where they disagree. */
  problems(): Problem[] {
    const { peers, monotonic } = this.#options
    if (peers.nodes().length === 0) return []
    const down = this.#options.down()
    const told = down.slice(0, TOLD)
    const up = new Map(
      peers.nodes().flatMap((peer) => this.#downThere(peer).map((each) => [keyOf(each), each])),
    )
    peers.publish(PART, {
      down: told.map(({ pool, server, why }) => ({
        ...{ pool, server },
        ...(why !== undefined && { why: why.slice(0, WHY) }),
      })),
      up: [...up.values()].slice(0, TOLD - told.length).map(({ pool, server }) => ({ pool, server })),
    })
    const now = monotonic()
    const since = new Map<string, number>()
    const problems = peers.nodes().flatMap((peer) => {
      const lasting = this.#differences(peer, down).filter(({ pool, server }) => {
        const key = `${peer.name} ${pool} ${server}`
        const first = this.#since.get(key) ?? now
        since.set(key, first)
        return now - first >= PATIENCE_MS
      })
      return lasting.length === 0 ? [] : [differs(peer.name, lasting)]
    })
    this.#since = since
    return problems
  }

  #differences(peer: PeerView, down: readonly Down[]): Difference[] {
    const up = new Set(saidBy(peer)?.up.map(keyOf))
    const here = down.filter((each) => up.has(keyOf(each)))
    return [
      ...this.#downThere(peer).map((each) => ({ ...each, isDownHere: false })),
      ...here.map((each) => ({ ...each, isDownHere: true })),
    ]
  }

  /** #downThere: what a peer finds down, and this node up. */
  #downThere(peer: PeerView): readonly Down[] {
    const { standingOf } = this.#options
    return saidBy(peer)?.down.filter(({ pool, server }) => standingOf(pool, server) === 'up') ?? []
  }
}

const saidBy = (peer: PeerView) => (peer.state === 'connected' ? partOf(peer, PART, healthPart) : undefined)

const keyOf = ({ pool, server }: { readonly pool: string; readonly server: string }): string =>
  `${pool} ${server}`

interface Difference extends Down {
  readonly isDownHere: boolean
}

function differs(node: string, some: readonly Difference[]): Problem {
  const words = some.slice(0, NAMED).map(({ pool, server, isDownHere, why }) => {
    const [down, up] = isDownHere ? ['here', `on ${node}`] : [`on ${node}`, 'here']
    return `${server} in ${pool} is down ${down}${why === undefined ? '' : ` (${why})`}, and not ${up}`
  })
  const more = some.length > NAMED ? [`${some.length - NAMED} more`] : []
  return problem('HEALTH_DIFFERS', [...words, ...more].join('; '))
}
