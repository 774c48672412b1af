// What was seen of one service in the last ten seconds, one bucket a second, each of fixed size however much arrives: how the
// fields of SYNs, of other TCP packets and of UDP are distributed, how many sources there are, and which of the connections
// that were asked for went on. A connection went on when a later packet of its client was seen; since only some packets are
// recorded, what share of them is, is taken into account (Reading.completed). SYNs that defence stopped and those that passed
// are recorded by budgets of their own: apart here, and together as the counters say, which are exact.

import type { Ip } from '../base/addresses.ts'
import { byGroup, type Facts, FIELDS, type Field, type Group, groupOf, type Seen } from './facts.ts'
import { hashOf, Sketch } from './sketch.ts'

/** SECONDS: how long ago a bucket may be. */
export const SECONDS = 10
/** OPENED: so many connections a second are followed. */
const OPENED = 1_024
/** VALUES: so many different values of a field, or destinations, are counted in a second. */
const VALUES = 256
/** SETTLE: seconds that a connection is given to go on. */
const SETTLE = 2

type Values = Map<Field, Map<number | string, number>>

interface Bucket {
  readonly second: number
  /** Packets of each group. */
  readonly counts: Record<Group, number>
  readonly values: Readonly<Record<Group, Values>>
  /** SYNs that defence stopped, of all SYNs; their values are here alone. */
  stopped: number
  readonly stoppedValues: Values
  readonly sources: Readonly<Record<Group, Sketch>>
  readonly destinations: Map<Ip, number>
  /** Flow -> whether it went on. */
  readonly opened: Map<number, boolean>
  /** Flows of TCP packets that open nothing. */
  readonly flows: Sketch
}

/** Mode: the value of a field that most have, and what share. */
export interface Mode {
  readonly field: Field
  readonly value: number | string
  readonly share: number
}

/** Going: what a packet shows of a connection whose SYN was seen and passed: it goes on, seen for the first time or again. */
export type Going = 'first' | 'again'

/** Sampled: what the packets that were recorded say. */
export interface Sampled {
  /** Seconds of the window in which something was seen. */
  readonly seconds: number
  readonly counts: Readonly<Record<Group, number>>
  readonly modes: Readonly<Record<Group, readonly Mode[]>>
  /** Different sources in the window: at least so many, since not all packets were recorded. */
  readonly sources: Readonly<Record<Group, number>>
  /** Addresses that packets went to, as far as known, and the largest share of one; of many not all are counted. */
  readonly destinations: number
  readonly destinationShare: number
  /** SYNs that defence stopped: how many were recorded, and what share of all SYNs they are, 0..1. */
  readonly stopped: number
  readonly stoppedShare: number
  /** Connections that were followed, of SYNs that passed, and which of them were seen to go on. */
  readonly followed: number
  readonly wentOn: number
  /** Different flows of TCP packets that open nothing. */
  readonly flows: number
}

export class Tally {
  readonly #seed: number
  #buckets: Bucket[] = []

  /** `seed`: secret, 32 bits. */
  constructor(seed: number) {
    this.#seed = seed
  }

  /**
   * add a packet; `isStopped`: a SYN that defence stopped. Packets come about in the order of time. Returns what it shows of its
   * connection; undefined: nothing.
   */
  add(seen: Seen, isStopped = false): Going | undefined {
    const { at, facts } = seen
    const group = groupOf(seen)
    const bucket = this.#bucketOf(Math.floor(at / 1000))
    bucket.counts[group]++
    bucket.sources[group].add(hashOf(facts.source, 0, this.#seed))
    count(bucket.destinations, facts.destination)
    const isKept = group === 'opening' && isStopped
    const values = isKept ? bucket.stoppedValues : bucket.values[group]
    for (const field of FIELDS[group]) count(valuesOf(values, field), facts[field])
    if (isKept) bucket.stopped++
    if (isKept || group === 'udp') return undefined
    const flow = hashOf(facts.source, facts.sourcePort, this.#seed)
    if (group === 'other') {
      bucket.flows.add(flow)
      const opened = this.#buckets.find((each) => each.opened.has(flow))?.opened
      const isAgain = opened?.get(flow)
      opened?.set(flow, true)
      return opened && (isAgain ? 'again' : 'first')
    }
    if (bucket.opened.size < OPENED && !this.#buckets.some(({ opened }) => opened.has(flow)))
      bucket.opened.set(flow, false)
    return undefined
  }

  /** sampled: the window that ends at a time; `share` of all SYNs that defence stopped, 0..1: absent: as recorded. */
  sampled(now: number, share?: number): Sampled {
    const last = Math.floor(now / 1000)
    const buckets = this.#buckets.filter(({ second }) => second > last - SECONDS)
    const sum = (of: (bucket: Bucket) => number) => buckets.reduce((total, bucket) => total + of(bucket), 0)
    const different = (of: (bucket: Bucket) => Sketch) => {
      const all = new Sketch()
      for (const bucket of buckets) all.merge(of(bucket))
      return all.count
    }
    const counts = byGroup((group) => sum((bucket) => bucket.counts[group]))
    const stopped = sum((bucket) => bucket.stopped)
    const passed = counts.opening - stopped
    const stoppedShare = stopped === 0 ? 0 : passed === 0 ? 1 : (share ?? stopped / counts.opening)
    const weighed = (group: Group): readonly Weighed[] =>
      group === 'opening'
        ? [
            {
              values: buckets.map(({ values }) => values.opening),
              weight: (1 - stoppedShare) / Math.max(1, passed),
            },
            {
              values: buckets.map(({ stoppedValues }) => stoppedValues),
              weight: stoppedShare / Math.max(1, stopped),
            },
          ]
        : [{ values: buckets.map(({ values }) => values[group]), weight: 1 / Math.max(1, counts[group]) }]
    const settled = buckets.filter(({ second }) => second <= last - SETTLE)
    let wentOn = 0
    for (const { opened } of settled) for (const each of opened.values()) if (each) wentOn++
    const destinations = merged(buckets.map((bucket) => bucket.destinations))
    const most = Math.max(0, ...destinations.values())
    return {
      seconds: buckets.length,
      counts,
      modes: byGroup((group) => FIELDS[group].flatMap((field) => modeOf(field, weighed(group)) ?? [])),
      ...{ stopped, stoppedShare },
      // of few the sketch counts some too many
      sources: byGroup((group) =>
        counts[group] === 0
          ? 0
          : Math.min(
              different((bucket) => bucket.sources[group]),
              counts[group],
            ),
      ),
      destinations: destinations.size,
      destinationShare:
        most /
        Math.max(
          1,
          [...destinations.values()].reduce((total, each) => total + each, 0),
        ),
      followed: settled.reduce((total, { opened }) => total + opened.size, 0),
      wentOn,
      flows: counts.other === 0 ? 0 : different((bucket) => bucket.flows),
    }
  }

  #bucketOf(second: number): Bucket {
    const known = this.#buckets.find((bucket) => bucket.second === second)
    if (known) return known
    const bucket: Bucket = {
      second,
      counts: { opening: 0, other: 0, udp: 0 },
      values: byGroup(() => new Map()),
      ...{ stopped: 0, stoppedValues: new Map() },
      sources: byGroup(() => new Sketch()),
      destinations: new Map(),
      opened: new Map(),
      flows: new Sketch(),
    }
    this.#buckets = [...this.#buckets, bucket].sort((a, b) => a.second - b.second).slice(-SECONDS - SETTLE)
    return bucket
  }
}

function valuesOf(values: Values, field: Field): Map<number | string, number> {
  const known = values.get(field)
  if (known) return known
  const made = new Map<number | string, number>()
  values.set(field, made)
  return made
}

function count<Value extends Facts[keyof Facts]>(values: Map<Value, number>, value: Value | undefined): void {
  if (value === undefined || (values.size >= VALUES && !values.has(value))) return
  values.set(value, (values.get(value) ?? 0) + 1)
}

/** merged: counts of several seconds together. */
function merged<Value>(counts: readonly ReadonlyMap<Value, number>[]): Map<Value, number> {
  const all = new Map<Value, number>()
  for (const values of counts)
    for (const [value, times] of values) all.set(value, (all.get(value) ?? 0) + times)
  return all
}

/** Weighed: values of some packets, by second; `weight` of one packet, of all together 1. */
interface Weighed {
  readonly values: readonly Values[]
  readonly weight: number
}

function modeOf(field: Field, all: readonly Weighed[]): Mode | undefined {
  const shares = new Map<number | string, number>()
  for (const { values, weight } of all)
    for (const [value, times] of merged(values.flatMap((each) => each.get(field) ?? [])))
      shares.set(value, (shares.get(value) ?? 0) + times * weight)
  const [most] = [...shares].sort((a, b) => b[1] - a[1])
  return most && { field, value: most[0], share: most[1] }
}
