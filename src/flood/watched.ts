// One service that is watched, or all of them together: what was seen of it, what is usual, and the incident that there is.
// What is usual is learned ten seconds late, when it is known that no flood was beginning. Pure: time is told.

import type { RecordKind } from '../dataplane/record.ts'
import { type Facts, GROUPS, type Group, groupOf, type Seen } from './facts.ts'
import { type Counted, count, countedOf, type Fate } from './fate.ts'
import { type BadKind, type Course, QUIET, type Step, stepped } from './incident.ts'
import { NONE, SlowTally } from './slow.ts'
import { Tally } from './tally.ts'
import { type Rates, type Second, Usual } from './usual.ts'
import { judge, partOf, type Reading, type Servers, type Verdict } from './verdict.ts'

/** OPENINGS: SYNs whose connections may still go on, for what is normal. */
const OPENINGS = 1_024
/** DRAWN: packets of a second that may turn out to be normal, of each group. */
const DRAWN = 16
/** LEARN_AFTER: seconds after which a second is known to have been usual. */
const LEARN_AFTER = 10
/** SEEN: the part of a service's packets that has to be recorded before its connections are called slow: of less they might seem so. */
const SEEN = 0.1
/** LIVE: packets of connections that were seen to go on lately, of each group. */
const LIVE = 256
/** FLOWS: of so many it is known what they sent lately; MIXED: segments of several kinds, as connections do and floods do not. */
const FLOWS = 1_024
const MIXED = -1
/** MAY_BE_USUAL: what looks bad as long as nothing is usual, and is what is usual where it goes on: many idle connections, few servers up. */
const MAY_BE_USUAL: readonly string[] = ['slow', 'overload']

/** Incident: what there is now; `isTold`: as an event. */
export interface Now {
  readonly kind: BadKind
  readonly since: number
  readonly isTold: boolean
}

/** Measured: what is known beside the packets. */
export interface Measured {
  readonly service: string
  readonly rates: Rates
  readonly servers: Servers
  readonly isUnderProof: boolean
  /** The share of SYNs that defence stopped, 0..1. */
  readonly stoppedShare: number
}

interface Calm extends Second {
  readonly drawn: readonly (readonly [Group, Facts])[]
}

export class Watched {
  readonly usual = new Usual()
  readonly #tally: Tally
  readonly #slow: SlowTally
  readonly #openings = new Map<string, Facts>()
  /** The last seconds, of which it is not known yet whether they were usual. */
  readonly #pending: Calm[] = []
  readonly #drawn: Record<Group, Facts[]> = { opening: [], other: [], udp: [] }
  /** Flow -> flags of what it sent beside SYNs, or MIXED; those that sent something last are last. */
  readonly #flows = new Map<string, number>()
  /** Packets of connections, whatever became of them, the latest last. */
  readonly #live: Record<Exclude<Group, 'udp'>, Facts[]> = { opening: [], other: [] }
  /** Recorded packets since the last verdict. */
  #counted = countedOf()
  #course: Course = QUIET
  seenAt: number
  judgedAt: number
  /** Its incident was told. */
  isTold = false
  verdict: Verdict | undefined
  reading: Reading | undefined

  /** `seed`: secret, 32 bits. */
  constructor(seed: number, now: number) {
    this.#tally = new Tally(seed)
    this.#slow = new SlowTally(seed)
    this.seenAt = now
    this.judgedAt = now
  }

  /** isBad: the last verdicts were, or there is an incident. */
  get isBad(): boolean {
    return this.#course.incident !== undefined || this.#course.inARow > 0
  }

  /** incident: that there is. */
  get incident(): Now | undefined {
    const { incident } = this.#course
    return incident && { kind: incident.kind, since: incident.since, isTold: this.isTold }
  }

  /** add a packet that was recorded as one of a kind. */
  add(seen: Seen, fate: Fate, kind: RecordKind, now: number): void {
    const group = groupOf(seen)
    const isDropped = fate === 'refused' || fate === 'limited'
    this.seenAt = now
    count(this.#counted, fate, group, kind)
    // an answer to a challenge is no packet of a connection
    if (fate === 'proven') return
    this.#slow.add(seen)
    const going = this.#tally.add(seen, fate !== 'passed')
    if (group !== 'opening' && !isDropped) this.#mayBeNormal(group, seen.facts)
    if (group === 'udp') return
    const key = `${seen.facts.source} ${seen.facts.sourcePort}`
    if (group === 'opening' && this.#openings.size < OPENINGS) this.#openings.set(key, seen.facts)
    if (group === 'other' && this.#isOfConnection(key, seen.facts.flags, going !== undefined))
      this.#keepLive('other', seen.facts)
    const opening = going === 'first' ? this.#openings.get(key) : undefined
    if (!opening) return
    this.#keepLive('opening', opening)
    this.#mayBeNormal('opening', opening)
  }

  /**
   * established: samples of what clients that mean no harm send, of a group: SYNs whose connections went on, in calm times and
   * lately; packets of connections, which were seen to be opened or send several kinds of segments; UDP of calm times.
   */
  established(group: Group): readonly (readonly Facts[])[] {
    const { normal } = this.usual
    switch (group) {
      case 'opening':
        return [normal.opening, this.#live.opening]
      case 'other':
        return [this.#live.other]
      case 'udp':
        return [normal.udp]
      default:
        return group satisfies never
    }
  }

  /** take what was counted since it was taken last. */
  take(): Counted {
    const taken = this.#counted
    this.#counted = countedOf()
    this.#openings.clear()
    return taken
  }

  /** judge what is now; what of it is to be told. */
  judge(measured: Measured, now: number): Step['told'] {
    const sampled = this.#tally.sampled(now, measured.stoppedShare)
    const known = this.usual.known
    const slow = partOf(sampled, measured.rates) < SEEN ? NONE : this.#slow.slow(now)
    const reading: Reading = {
      ...measured,
      ...{ sampled, slow, normal: this.usual.normal },
      ...(known && { usual: known }),
    }
    this.reading = reading
    this.verdict = judge(reading)
    this.judgedAt = now
    const { course, told } = stepped(this.#course, this.verdict, now)
    this.#course = course
    this.#learn({ rates: measured.rates, slow: slow.count, latencyMs: measured.servers.latencyMs })
    return told
  }

  /** #isOfConnection: its SYN was seen, or it has sent several kinds of segments. */
  #isOfConnection(flow: string, flags: number = MIXED, isKnown: boolean): boolean {
    const before = this.#flows.get(flow) ?? flags
    const now = isKnown || before !== flags ? MIXED : flags
    this.#flows.delete(flow)
    this.#flows.set(flow, now)
    if (this.#flows.size > FLOWS) this.#flows.delete(this.#flows.keys().next().value!)
    return now === MIXED
  }

  #keepLive(group: Exclude<Group, 'udp'>, facts: Facts): void {
    const live = this.#live[group]
    live.push(facts)
    if (live.length > LIVE) live.shift()
  }

  #mayBeNormal(group: Group, facts: Facts): void {
    const drawn = this.#drawn[group]
    if (drawn.length < DRAWN) drawn.push(facts)
    else if (Math.random() < 0.1) drawn[Math.floor(Math.random() * DRAWN)] = facts
  }

  #learn(second: Second): void {
    const drawn = GROUPS.flatMap((group) =>
      this.#drawn[group].splice(0).map((facts) => [group, facts] as const),
    )
    const teaches = this.usual.known === undefined && MAY_BE_USUAL.includes(this.verdict!.kind)
    if (this.isBad && !teaches) {
      this.#pending.length = 0
      return
    }
    this.#pending.push({ ...second, drawn: this.isBad ? [] : drawn })
    const past = this.#pending.length > LEARN_AFTER ? this.#pending.shift() : undefined
    if (!past) return
    this.usual.learn(past)
    for (const [group, facts] of past.drawn) this.usual.draw(group, facts)
  }
}
