// Alarms about address sets that do not stay where they are, one at a time for a set whoever of the nodes raises it. Two
// things raise one: the active node failed too often lately (takeovers.ts), which is told by who took over last; and one
// node took over too often while it lived, which its vrrp finds (vrrp/flapping.ts). Its idea: an alarm that a node has
// raised is told to the others with its roles, so that they raise none. While nodes fail in turn nobody preempts; silence
// waits for nothing, so the last node that lives takes what nobody has.

import type { Peers } from '../cluster/peers.ts'
import type { Event, EventSink } from '../events/event.ts'
import type { FindingTold, RoleChange, SetStatus } from '../vrrp/protocol.ts'
import { saidLast } from './peer-roles.ts'
import {
  FAILURES,
  type Failures,
  isSilence,
  mergeTakeovers,
  type Takeover,
  takeoversKept,
  tooMany,
} from './takeovers.ts'

/** RoleAlarmsOptions: `hold`: for so long a set preempts nobody. `now`: of the time of day: takeovers outlive a boot. */
export interface RoleAlarmsOptions {
  readonly peers: Peers
  readonly events: EventSink & { latest(): readonly Event[] }
  readonly servicesOf: (set: string) => readonly string[]
  readonly hold: (set: string, ms: number) => void
  readonly now: () => Date
}

/** Alarm: one that this node has raised, and not ended. */
interface Alarm {
  readonly why: 'failures' | 'flapping'
  readonly at: number
}

interface Known {
  readonly takeovers: readonly Takeover[]
  readonly alarm: Alarm | undefined
  /** When others raised theirs, by node; 0: theirs is over. */
  readonly elsewhere: ReadonlyMap<string, number>
  /** Until when preemption was put off. */
  readonly heldUntil: number
}

export class RoleAlarms {
  readonly #options: RoleAlarmsOptions
  #node = ''
  #sets: ReadonlyMap<string, Known> = new Map()

  constructor(options: RoleAlarmsOptions) {
    this.#options = options
  }

  /** adopt these sets, for this node: of new ones what was kept is known. */
  adopt(sets: readonly string[], node: string): void {
    const before = this.#sets
    this.#node = node
    this.#sets = new Map(sets.map((set) => [set, before.get(set) ?? this.#kept(set)]))
  }

  /** changed: a role, as it is told. */
  changed({ set, to, why, at }: RoleChange): void {
    if (to === 'active') this.#look(set, [{ node: this.#node, at, isSilence: isSilence(why.name) }])
  }

  /** heard: how sets are, again and again; who became active unseen did for a reason that nobody knows. */
  heard(sets: readonly Pick<SetStatus, 'name' | 'role' | 'since'>[]): void {
    for (const { name, role, since } of sets)
      this.#look(name, role === 'active' ? [{ node: this.#node, at: since, isSilence: true }] : [])
  }

  /** isNews: a finding of vrrp's is to be told: what it finds of flapping is not where there is an alarm already. */
  isNews({ set, name }: Pick<FindingTold, 'set' | 'name'>): boolean {
    const known = this.#sets.get(set)
    if (!known || (name !== 'flapping' && name !== 'flapping-over')) return true
    if (name === 'flapping-over') {
      if (known.alarm?.why !== 'flapping') return false
      this.#sets = new Map(this.#sets).set(set, { ...known, alarm: undefined })
      return true
    }
    const now = this.#options.now().getTime()
    if (isAlarmed(known, now)) return false
    this.#sets = new Map(this.#sets).set(set, { ...known, alarm: { why: 'flapping', at: now } })
    return true
  }

  /** told: what others are told of a set. */
  told(set: string): { readonly takeovers: readonly Takeover[]; readonly alarmedAt: number } {
    const known = this.#sets.get(set)
    return { takeovers: known?.takeovers ?? [], alarmedAt: known?.alarm?.at ?? 0 }
  }

  #kept(set: string): Known {
    const events = this.#options.events.latest()
    const last = events.findLast((each) => each.kind === 'role.flapping' && each.set === set)
    const isOn = last?.severity === 'error' && last.data.name === 'failures'
    return {
      takeovers: mergeTakeovers([], takeoversKept(events, set, this.#node), this.#options.now().getTime()),
      alarm: isOn ? { why: 'failures', at: Date.parse(last.time) } : undefined,
      elsewhere: new Map(),
      heldUntil: 0,
    }
  }

  /** #look at a set, with what this node has just seen of itself. */
  #look(set: string, own: readonly Takeover[]): void {
    const known = this.#sets.get(set)
    if (!known) return
    const now = this.#options.now().getTime()
    const others = saidLast(this.#options.peers, set)
    const theirs = [...others.values()].flatMap((role) => role.takeovers)
    // Why this node took over is known best to itself, then to those that it told; who has only seen it knows least.
    const takeovers = mergeTakeovers(mergeTakeovers(known.takeovers, theirs, now), own, now)
    const elsewhere = new Map(known.elsewhere)
    for (const [node, { alarmedAt }] of others) elsewhere.set(node, alarmedAt)
    const failures = tooMany(takeovers, now)
    const heldUntil = failures?.heldUntil ?? 0
    if (heldUntil !== known.heldUntil) this.#options.hold(set, Math.max(0, heldUntil - now))
    const next = { ...known, takeovers, elsewhere, heldUntil }
    this.#sets = new Map(this.#sets).set(set, { ...next, alarm: this.#alarm(set, next, failures, now) })
  }

  /** #alarm of a set from now on, told where it begins or is over. */
  #alarm(set: string, known: Known, failures: Failures | undefined, now: number): Alarm | undefined {
    const { alarm, takeovers } = known
    if (failures === undefined) {
      if (alarm?.why !== 'failures') return alarm
      this.#tell('notice', set, `${set}: no active node has failed for long enough`)
      return undefined
    }
    if (takeovers.at(-1)!.node !== this.#node || isAlarmed(known, now)) return alarm
    this.#tell('error', set, failuresText(set, failures), { failures: failures.count })
    return { why: 'failures', at: now }
  }

  #tell(severity: 'error' | 'notice', set: string, text: string, more: { failures?: number } = {}): void {
    const services = this.#options.servicesOf(set)
    const data = { name: severity === 'error' ? 'failures' : 'failures-over', ...more }
    this.#options.events.record({ kind: 'role.flapping', severity, set, services, text, data })
  }
}

/** isAlarmed: by this node or another one, as it said last; an alarm that is half an hour old is raised again. */
const isAlarmed = ({ alarm, elsewhere }: Known, now: number): boolean =>
  [alarm?.at ?? 0, ...elsewhere.values()].some((at) => now - at < FAILURES.withinMs)

const failuresText = (set: string, { count, nodes, forMs, heldUntil }: Failures): string =>
  `${set}: its active node failed ${count} times within ${Math.max(1, Math.round(forMs / 1000))} s: ${nodes.join(', ')}; nobody preempts until ${new Date(heldUntil).toISOString()}`
