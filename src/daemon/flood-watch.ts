// Looks out for floods: reads what the recorder keeps, a bounded part of it ten times a second, puts what it says of each
// service beside what is counted, and judges once a second. What follows is told as events. Nothing here is per packet of
// the wire: however much arrives, so many recorded packets are looked at and no more.

import type { Ip } from '../base/addresses.ts'
import { formatPrefix, prefixOf } from '../base/prefix.ts'
import type { RuleSpec } from '../engine/defence-spec.ts'
import type { DefenceReading } from '../engine/defence-status.ts'
import type { Cursor } from '../engine/recorded.ts'
import type { EventSink } from '../events/event.ts'
import { type Arrivals, arrivalsOf } from '../flood/arrivals.ts'
import { Strays } from '../flood/carpet.ts'
import { byGroup, type Facts, GROUPS, type Group, groupOf } from '../flood/facts.ts'
import { type Counted, count, countedOf, fateOf } from '../flood/fate.ts'
import { type Harm, harmOf } from '../flood/harm.ts'
import { type Course, QUIET, type Step, stepped } from '../flood/incident.ts'
import { see } from '../flood/see.ts'
import { groupsOf } from '../flood/suggest.ts'
import { type Share, Top } from '../flood/top.ts'
import { isUnanswered, type Kind, type Reading, type Servers, type Verdict } from '../flood/verdict.ts'
import { ALL, NOBODY } from '../flood/verdict-words.ts'
import { type Now, Watched } from '../flood/watched.ts'
import type { PacketPath } from './ports.ts'
import type { RateView } from './rates.ts'

/** READS: recorded packets that are looked at in a sweep. */
const READS = 512
/** JUDGE_MS: from one verdict to the next. */
const JUDGE_MS = 1_000
/** JUDGED: so many services in one go, some tens of milliseconds' work; the others have their turn a second later. */
const JUDGED = 48
/** WATCHED: services that are watched at once; those that were silent longest make room. */
const WATCHED = 512
/** COMPARED: services that a rule is compared with at once; of more others have their turn the next time. */
const COMPARED = 16
/** HALVE_MS: how often what is known of sources counts half. */
const HALVE_MS = 10_000

/** secondsOf so many ms from one verdict to the next. */
const secondsOf = (ms: number): number => Math.min(60, Math.max(1, ms / 1000))

/** Round of verdicts: what is known of all services: recorded packets, in how many seconds, and what defence has counted. */
interface Round {
  readonly all: Counted
  readonly allSeconds: number
  readonly defence: DefenceReading | undefined
}

/** FloodWatchOptions: the outside world. */
export interface FloodWatchOptions {
  readonly packetPath: Pick<PacketPath, 'recorder' | 'defence'>
  readonly events: EventSink
  readonly now: () => Date
  /** rates of services and of outcomes, by their counters. */
  readonly rates: () => Pick<RateView, 'services' | 'outcomes'>
  /** strays: packets that the node's kernel has found nobody for, ever. */
  readonly strays: () => number
  /** servers of a service's pool. */
  readonly servers: (service: string) => Servers
  /** banned: a source whose packet was dropped as banned was recorded. */
  readonly banned?: (source: Ip) => void
  /** seed: secret: what is counted is hashed by it. */
  readonly seed: number
}

/** GROUP_OF: packets that a flood consists of; of others SYNs. */
const GROUP_OF: Partial<Record<Kind, Group>> = { 'udp-flood': 'udp', 'packet-flood': 'other' }

/** Most: who sends most packets of a group. */
export interface Most {
  readonly group: Group
  readonly sources: readonly Share[]
  readonly networks: readonly Share[]
}

/** Shown: a service, for who asks; of what is no service's there is no reading. */
export interface Shown {
  readonly verdict: Verdict
  readonly reading?: Reading
  readonly incident?: Now
}

export class FloodWatch {
  readonly #options: FloodWatchOptions
  readonly #services = new Map<string, Watched>()
  readonly #sources = byGroup(() => new Top())
  readonly #networks = byGroup(() => new Top())
  readonly #strays = new Strays()
  #strayCourse: Course = QUIET
  #strayVerdict: Verdict | undefined
  #strayCount: number | undefined
  #cursor: Cursor | undefined
  #judgedAt: number | undefined
  #halvedAt = 0
  #compared = 0
  #under: ReadonlySet<string> = new Set()
  /** Recorded packets of all services since the last verdicts. */
  #all = countedOf()

  constructor(options: FloodWatchOptions) {
    this.#options = options
  }

  /** sweep: ten times a second. */
  sweep(): void {
    const now = this.#options.now().getTime()
    this.#read(now)
    const since = now - (this.#judgedAt ?? 0)
    if (since < JUDGE_MS && since >= 0) return
    this.#judgeStrays(this.#judgedAt === undefined ? 0 : since / 1000, now)
    const allSeconds = this.#judgedAt === undefined ? 1 : secondsOf(since)
    this.#judgedAt = now
    const defence = this.#options.packetPath.defence?.reading()
    this.#tellProof(defence)
    const round = { all: this.#all, allSeconds, defence }
    for (const [service, watched] of this.#due()) this.#judge(service, watched, round, now)
    this.#all = countedOf()
    if (now - this.#halvedAt >= HALVE_MS) {
      this.#halvedAt = now
      for (const group of GROUPS) {
        this.#sources[group].halve()
        this.#networks[group].halve()
      }
    }
  }

  /** shown: services of which something was seen lately, the worst first. */
  get shown(): Shown[] {
    const { incident } = this.#strayCourse
    const strays = this.#strayVerdict && incident
    return [
      ...(strays
        ? [
            {
              verdict: this.#strayVerdict!,
              incident: { kind: strays.kind, since: strays.since, isTold: true },
            },
          ]
        : []),
      ...[...this.#services.values()].flatMap(({ verdict, reading, incident: at }): Shown[] =>
        verdict && reading ? [{ verdict, reading, ...(at && { incident: at }) }] : [],
      ),
    ].sort(
      (a, b) =>
        Number(b.incident !== undefined) - Number(a.incident !== undefined) ||
        b.verdict.perS - a.verdict.perS,
    )
  }

  /** straysPerS: packets that the node's kernel finds nobody for, a second. */
  get straysPerS(): number {
    return this.#strayVerdict?.perS ?? 0
  }

  /** most: sources, and networks of them, that most packets come from of the group that floods; where none does, most SYNs. */
  get most(): Most {
    const flooded = this.shown.find(({ incident, reading }) => incident && reading)
    const group = (flooded && GROUP_OF[flooded.incident!.kind]) ?? 'opening'
    return { group, sources: this.#sources[group].most, networks: this.#networks[group].most }
  }

  /** normalOf a rule: packets of normal traffic of its services, of all where it names none, of the groups that it can match. */
  normalOf({ services, match }: Pick<RuleSpec, 'services' | 'match'>): Facts[] {
    const named = services ?? [...this.#services.keys()].filter((name) => name !== ALL)
    const groups = groupsOf(match)
    return named.flatMap((name) =>
      groups.flatMap((group) => this.#services.get(name)?.usual.normal[group] ?? []),
    )
  }

  /** harmOf a rule: what it would take of traffic that is no flood; a rule of no service is compared with all together. */
  harmOf({ services = [ALL], match }: Pick<RuleSpec, 'services' | 'match'>): Harm | undefined {
    const known = services.flatMap((service) => {
      const watched = this.#services.get(service)
      return watched ? [{ service, samples: (group: Group) => watched.established(group) }] : []
    })
    const from = known.length <= COMPARED ? 0 : this.#compared % known.length
    this.#compared = from + COMPARED
    return harmOf(match, [...known.slice(from), ...known.slice(0, from)].slice(0, COMPARED))
  }

  #read(now: number): void {
    const { recorder } = this.#options.packetPath
    if (!recorder) return
    const { packets, cursor, more } = recorder.since(this.#cursor ?? recorder.end(), READS)
    // what arrives faster than it is looked at is sampled
    this.#cursor = more ? recorder.end() : cursor
    for (const packet of packets) {
      const seen = see(packet)
      if (!seen) continue
      const group = groupOf(seen)
      if (packet.outcome === 'banned') this.#options.banned?.(seen.facts.source)
      if (packet.service !== undefined) {
        const fate = fateOf(packet.outcome)
        count(this.#all, fate, group, packet.kind)
        this.#watched(packet.service, now).add(seen, fate, packet.kind, now)
        this.#watched(ALL, now).add(seen, fate, packet.kind, now)
      }
      const { source } = seen.facts
      const isIp4 = typeof source === 'number'
      this.#sources[group].add(formatPrefix(prefixOf(source, isIp4 ? 32 : 64)))
      this.#networks[group].add(formatPrefix(prefixOf(source, isIp4 ? 24 : 48)))
    }
  }

  #watched(service: string, now: number): Watched {
    const known = this.#services.get(service)
    if (known) return known
    if (this.#services.size >= WATCHED) {
      const [silent] = [...this.#services]
        .filter(([name]) => name !== ALL)
        .sort((a, b) => a[1].seenAt - b[1].seenAt)
      if (silent) this.#services.delete(silent[0])
    }
    const watched = new Watched(this.#options.seed, now)
    this.#services.set(service, watched)
    return watched
  }

  /** #due: those that are judged now: all together, those of which something bad is known, and of the others the next. */
  #due(): readonly (readonly [string, Watched])[] {
    const all = [...this.#services].sort(([a, one], [b, other]) => {
      const rank = (name: string, { isBad }: Watched) => (name === ALL ? 0 : isBad ? 1 : 2)
      return rank(a, one) - rank(b, other) || one.judgedAt - other.judgedAt
    })
    const due = all.slice(0, JUDGED)
    // all together are judged last: a flood of one service is told of that one
    return due.sort(([a], [b]) => Number(a === ALL) - Number(b === ALL))
  }

  #judge(service: string, watched: Watched, round: Round, now: number): void {
    const told = watched.judge(
      {
        service,
        ...this.#arrivalsOf(service, watched.take(), secondsOf(now - watched.judgedAt), round),
        servers: service === ALL ? { up: 0, of: 0 } : this.#options.servers(service),
        isUnderProof: this.#under.has(service),
      },
      now,
    )
    // one service's flood is that of all of them, too, and is told once
    if (!told || (told.what === 'began' ? service === ALL && this.#isElsewhere() : !watched.isTold)) return
    watched.isTold = told.what === 'began'
    this.#tell(service, told, now)
  }

  #judgeStrays(seconds: number, now: number): void {
    const count = this.#options.strays()
    const before = this.#strayCount
    this.#strayCount = count
    if (before === undefined || seconds === 0) return
    this.#strayVerdict = this.#strays.judge(Math.max(0, count - before) / seconds)
    const { course, told } = stepped(this.#strayCourse, this.#strayVerdict, now)
    this.#strayCourse = course
    if (told) this.#tell(NOBODY, told, now)
  }

  #tell(service: string, { what, incident }: NonNullable<Step['told']>, now: number): void {
    const { kind, first, since, most } = incident
    const about = service === ALL || service === NOBODY ? {} : { services: [service] }
    if (what === 'ended') {
      const unit = kind === 'slow' ? ' connections' : '/s'
      const text = `${service}: ${kind} is over after ${Math.round((now - since) / 1000)} s, at most ${Math.round(most).toLocaleString('en-US')}${unit}`
      const data = { verdict: kind }
      this.#options.events.record({ kind: 'flood.ended', severity: 'notice', ...about, text, data })
      return
    }
    const { advice, sources, completed, perS } = first
    this.#options.events.record({
      kind: 'flood.began',
      severity: 'error',
      ...about,
      text: first.text,
      data: {
        ...{ verdict: kind, perS: Math.round(perS), sources },
        ...(completed !== undefined && { completed }),
        ...(advice?.command !== undefined && { command: advice.command }),
      },
    })
  }

  #isElsewhere(): boolean {
    return [...this.#services].some(
      ([name, { isBad, reading }]) => name !== ALL && (isBad || (reading && isUnanswered(reading))),
    )
  }

  /** #arrivalsOf a service, or of all of them, of which so much was recorded in so many seconds. */
  #arrivalsOf(
    service: string,
    counted: Counted,
    seconds: number,
    { all, allSeconds, defence }: Round,
  ): Arrivals {
    const { services, outcomes } = this.#options.rates()
    const names = service === ALL ? [...services.keys()] : [service]
    const total = (of: (name: string) => number | undefined) =>
      names.reduce((sum, name) => sum + (of(name) ?? 0), 0)
    return arrivalsOf({
      ...{ counted, seconds, all, allSeconds, outcomes },
      packets: total((name) => services.get(name)?.packets),
      exact: total((name) => defence?.services.find((each) => each.name === name)?.openingsPerS),
      isProofAsked: names.some((name) => this.#under.has(name)),
      isUnderProof: this.#under.has(service),
    })
  }

  #tellProof(reading: DefenceReading | undefined): void {
    const under = new Set(reading?.services.flatMap((each) => (each.isUnderProof ? [each.name] : [])))
    const tell = (service: string, text: string) =>
      this.#options.events.record({ kind: 'flood.proof', severity: 'notice', services: [service], text })
    for (const each of under)
      if (!this.#under.has(each)) tell(each, `${each}: sources of SYNs have to prove that they are real`)
    for (const each of this.#under)
      if (!under.has(each)) tell(each, `${each}: sources of SYNs need not prove that they are real any more`)
    this.#under = under
  }
}
