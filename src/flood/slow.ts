// Slow connections of one service: those that are open for a while and go on sending, but next to nothing (Slowloris: a line of
// a request now and then, which never ends; or a window that takes next to no answer). A connection is known by its SYN and
// counts when it is seen to send later: what is not recorded is missing here, never too much. One that sends nothing at all
// is not seen; servers have time-outs for that. However many there are, some are followed: each stands for so many (distinct
// sampling, Gibbons 2001: by the bits of a secret hash, of which one more counts whenever there is no room).
//
//   SYN ......... 5 s ......... a line ......... a line     counts from the first line on, for 20 s after each
//   SYN  request  FIN                                       does not

import { bitsOf, type Prefix, prefixOf } from '../base/prefix.ts'
import { type Facts, groupOf, type Seen } from './facts.ts'
import { hashOf } from './sketch.ts'

/** FOLLOWED: so many connections are followed. */
const FOLLOWED = 1_024
/** HELD_MS: open for so long. */
const HELD_MS = 5_000
/** SILENT_MS: one that was not seen to send for so long is none that goes on. */
const SILENT_MS = 20_000
/** NEXT_TO_NOTHING: bytes a second of it, headers included: a packet a second has 40 at least. */
const NEXT_TO_NOTHING = 100

/** Crowd: where slow connections come from; `share`: of all. */
export interface Crowd {
  readonly prefix: Prefix
  readonly share: number
}

/** Slow: connections that are slow now. */
export interface Slow {
  readonly count: number
  /** Different sources of those that were followed. */
  readonly sources: number
  /** Bytes a second of one, as far as they were recorded. */
  readonly bytesPerS: number
  /** The source, and the network (/24, /64), that most come from. */
  readonly source?: Crowd
  readonly network?: Crowd
}

interface Flow {
  readonly source: Facts['source']
  readonly openedAt: number
  lastAt: number
  bytes: number
  /** For how many connections it stands. */
  stands: number
}

export class SlowTally {
  readonly #seed: number
  readonly #flows = new Map<number, Flow>()
  /** Flows are followed whose hash has as many last bits 0. */
  #bits = 0
  #sweptAt = 0

  /** `seed`: secret, 32 bits. */
  constructor(seed: number) {
    this.#seed = seed
  }

  /** add a packet. Packets come about in the order of time. */
  add(seen: Seen): void {
    const { at, facts } = seen
    const group = groupOf(seen)
    if (group === 'udp') return
    const hash = hashOf(facts.source, facts.sourcePort, this.#seed)
    if (group === 'opening') {
      // one that was not seen to end, and a SYN that is sent again, are the same here: it begins anew
      if (!this.#isFollowed(hash)) return
      const { source, length } = facts
      this.#flows.set(hash, { source, openedAt: at, lastAt: at, bytes: length, stands: 2 ** this.#bits })
      while (this.#flows.size > FOLLOWED) this.#thin(at)
      return
    }
    const flow = this.#flows.get(hash)
    if (!flow) return
    if (((facts.flags ?? 0) & ENDS) !== 0) this.#flows.delete(hash)
    flow.lastAt = at
    flow.bytes += facts.length
  }

  /** slow: at a time. */
  slow(now: number): Slow {
    this.#sweep(now)
    const slow = [...this.#flows.values()].filter(
      ({ openedAt, lastAt, bytes }) =>
        lastAt - openedAt >= HELD_MS && bytes <= (NEXT_TO_NOTHING * (lastAt - openedAt)) / 1000,
    )
    const count = slow.reduce((sum, { stands }) => sum + stands, 0)
    if (count === 0) return NONE
    const seconds = slow.reduce((sum, { openedAt, lastAt }) => sum + (lastAt - openedAt) / 1000, 0)
    const bytes = slow.reduce((sum, each) => sum + each.bytes, 0)
    return {
      count,
      sources: new Set(slow.map(({ source }) => source)).size,
      bytesPerS: bytes / seconds,
      source: crowdOf(slow, count, (source) => prefixOf(source, bitsOf(source))),
      network: crowdOf(slow, count, (source) => prefixOf(source, bitsOf(source) === 32 ? 24 : 64)),
    }
  }

  #isFollowed(hash: number): boolean {
    return (hash & (2 ** this.#bits - 1)) === 0
  }

  /** #thin: those that are over go; where there is no room still, each that stays stands for twice as many. */
  #thin(now: number): void {
    this.#sweep(now)
    if (this.#flows.size <= FOLLOWED) return
    this.#bits++
    for (const [hash, flow] of this.#flows)
      if (!this.#isFollowed(hash)) this.#flows.delete(hash)
      else flow.stands = Math.max(flow.stands, 2 ** this.#bits)
  }

  #sweep(now: number): void {
    if (now - this.#sweptAt < 1_000) return
    this.#sweptAt = now
    for (const [hash, { lastAt }] of this.#flows) if (now - lastAt > SILENT_MS) this.#flows.delete(hash)
    if (this.#flows.size < FOLLOWED / 4) this.#bits = Math.max(0, this.#bits - 1)
  }
}

/** ENDS: FIN, RST. */
const ENDS = 0b101
/** NONE: no connection is slow. */
export const NONE: Slow = { count: 0, sources: 0, bytesPerS: 0 }

function crowdOf(flows: readonly Flow[], all: number, of: (source: Facts['source']) => Prefix): Crowd {
  const crowds = new Map<Prefix['address'], { readonly prefix: Prefix; count: number }>()
  for (const { source, stands } of flows) {
    const prefix = of(source)
    const crowd = crowds.get(prefix.address) ?? { prefix, count: 0 }
    crowd.count += stands
    crowds.set(prefix.address, crowd)
  }
  const [most] = [...crowds.values()].sort((a, b) => b.count - a.count)
  return { prefix: most!.prefix, share: most!.count / all }
}
