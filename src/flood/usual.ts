// What is usual for a service: averages over about half an hour of calm, and some packets of normal traffic, drawn evenly from
// all there were lately: of SYNs those whose connections went on, of others what came in calm seconds. Seconds of a flood
// teach nothing.

import { byGroup, type Facts, type Group } from './facts.ts'

/** TAU_S: how long what is usual takes to become something else. */
const TAU_S = 1_800
/** LEARNED_S: calm seconds after which it is known. */
const LEARNED_S = 60
/** NORMAL: packets that are kept of each group. */
export const NORMAL = 256

/** Rates of one second: packets of each kind. */
export interface Rates {
  /** SYNs. */
  readonly openingsPerS: number
  /** TCP packets that open nothing. */
  readonly othersPerS: number
  readonly udpPerS: number
}

/** Known: what is usual. */
export interface Known extends Rates {
  /** Connections that are open and send next to nothing. */
  readonly slow: number
  /** ms; absent: not known. */
  readonly latencyMs?: number
}

/** Second: a calm one. */
export interface Second {
  readonly rates: Rates
  readonly slow: number
  readonly latencyMs?: number | undefined
}

/** Normal: packets of normal traffic. */
export type Normal = Readonly<Record<Group, readonly Facts[]>>
/** UNKNOWN: of who knows none. */
export const UNKNOWN: Normal = byGroup(() => [])

export class Usual {
  #seconds = 0
  #average: Omit<Known, 'latencyMs'> = { openingsPerS: 0, othersPerS: 0, udpPerS: 0, slow: 0 }
  #latencyMs: number | undefined
  readonly #normal: Record<Group, Facts[]> = { opening: [], other: [], udp: [] }
  readonly #drawn: Record<Group, number> = { opening: 0, other: 0, udp: 0 }
  readonly #random: () => number

  /** `random`: 0..1. */
  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  /** learn a calm second. */
  learn({ rates, slow, latencyMs }: Second): void {
    this.#seconds++
    const share = 1 / Math.min(this.#seconds, TAU_S)
    const towards = (before: number, now: number) => before + (now - before) * share
    const before = this.#average
    this.#average = {
      openingsPerS: towards(before.openingsPerS, rates.openingsPerS),
      othersPerS: towards(before.othersPerS, rates.othersPerS),
      udpPerS: towards(before.udpPerS, rates.udpPerS),
      slow: towards(before.slow, slow),
    }
    if (latencyMs !== undefined)
      this.#latencyMs = this.#latencyMs === undefined ? latencyMs : towards(this.#latencyMs, latencyMs)
  }

  /** draw a packet of normal traffic; some are kept, older ones go by chance. */
  draw(group: Group, facts: Facts): void {
    const normal = this.#normal[group]
    const drawn = ++this.#drawn[group]
    if (normal.length < NORMAL) normal.push(facts)
    else if (this.#random() < Math.max(NORMAL / drawn, 0.01))
      normal[Math.floor(this.#random() * NORMAL)] = facts
  }

  /** known: undefined before a minute of calm. */
  get known(): Known | undefined {
    if (this.#seconds < LEARNED_S) return undefined
    return { ...this.#average, ...(this.#latencyMs !== undefined && { latencyMs: this.#latencyMs }) }
  }

  /** normal: packets of normal traffic. */
  get normal(): Normal {
    return this.#normal
  }
}
