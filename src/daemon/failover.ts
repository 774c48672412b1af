// Failover, as the daemon has it: what vrrp is told of the file and of operators, what it tells of roles, and what of that
// is wrong. Its idea: vrrp decides and holds addresses; main says what the file wants, listens, tells others and never waits
// for it. Commands about roles are failover-orders.ts's.

import type { Ip } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import type { Peers } from '../cluster/peers.ts'
import { addressesOf, type DesiredState } from '../config/state.ts'
import type { EventSink } from '../events/event.ts'
import type { EventReader } from '../events/event-log.ts'
import type { Network } from '../netlink/network.ts'
import type { SetStatus } from '../vrrp/protocol.ts'
import type { Problem, Status } from './api-schema.ts'
import type { FailoverStore, SaidOfRoles } from './failover-store.ts'
import { peersOf, publishRoles, whoSpeaksFrom } from './peer-roles.ts'
import { problem, problemsOf } from './problem.ts'
import { RoleAlarms } from './role-alarms.ts'
import { findingEvent, roleEvent } from './role-events.ts'
import type { Roles } from './roles.ts'
import { SetRoles } from './set-roles.ts'
import { type SetOfFile, setStatus } from './set-status.ts'
import { SplitBrain } from './split-brain.ts'
import type { FromVrrp, OpenVrrp, Vrrp } from './vrrp.ts'
import { VrrpLife } from './vrrp-life.ts'
import { movingSets, vrrpSpecOf } from './vrrp-spec.ts'
import { VrrpTalk } from './vrrp-talk.ts'

/** FailoverOptions: `hasQuorum`: whether enough servers of a service are up; undefined: not known yet. */
export interface FailoverOptions {
  readonly instance: string
  readonly open: OpenVrrp
  readonly store: FailoverStore
  readonly peers: Peers
  readonly events: EventSink & Pick<EventReader, 'latest'>
  readonly hasQuorum: (service: string) => boolean | undefined
  readonly network: Pick<Network, 'listAddresses'>
  /** now: for people to read, and of what holds over restarts; what is counted is counted by `monotonic`. */
  readonly now: () => Date
  /** monotonic: ms of a clock that nobody sets. */
  readonly monotonic: () => number
}

/** PATIENCE_MS: vrrp may take so long to come before that is a problem. */
const PATIENCE_MS = 10_000
/** LOST_EVERY_MS: so often it is looked whether the addresses of a vrrp that is gone are gone, too. */
const LOST_EVERY_MS = 1000
/** HELD_MAX: as long as a hold can be said to last. */
const HELD_MAX = 2 ** 31 - 1
/** OPERATOR: who holds a set for an operator's `failover`. */
const OPERATOR = 'operator'
/** ALARMS: who holds a set whose active nodes fail in turn. */
const ALARMS = 'alarms'

export class Failover implements Disposable {
  readonly #options: FailoverOptions
  readonly #vrrp: Vrrp
  readonly #talk: VrrpTalk
  readonly #life: VrrpLife
  readonly #roles: SetRoles
  readonly #split: SplitBrain
  readonly #alarms: RoleAlarms
  #said: SaidOfRoles
  #unkept: readonly Problem[] = []
  #sets: readonly SetOfFile[] = []
  #lostLookAt = 0
  /** What vrrp said last, by set. */
  #told: ReadonlyMap<string, SetStatus> = new Map()
  #tracked: readonly { readonly rule: string; readonly service: string }[] = []

  constructor(options: FailoverOptions) {
    this.#roles = new SetRoles((set, address) => whoSpeaksFrom(options.peers, set, address))
    this.#options = options
    this.#said = options.store.read()
    this.#life = new VrrpLife(options)
    this.#split = new SplitBrain(options.peers, options.events)
    this.#vrrp = options.open({
      onPresent: (pid) => {
        this.#life.came(pid)
        this.#talk.reached()
      },
      onMessage: (message) => this.#take(message),
      onAbsent: (why) => {
        this.#life.gone(why)
        publishRoles(options.peers, undefined)
      },
      onEnded: (end) => this.#life.ended(end),
    })
    this.#talk = new VrrpTalk(
      (message) => this.#vrrp.say(message),
      () => options.now().getTime(),
    )
    this.#talk.maintain(this.#said.maintenance !== undefined)
    this.#alarms = new RoleAlarms({
      ...{ peers: options.peers, events: options.events, now: options.now },
      servicesOf: (set) => this.#servicesOf(set),
      hold: (set, ms) => this.#talk.hold(set, ALARMS, ms),
    })
  }

  /** roles of all address sets. */
  get roles(): Roles {
    return this.#roles
  }

  /** sets of the file, in its order. */
  get sets(): readonly SetOfFile[] {
    return this.#sets
  }

  /** told: what vrrp said of a set last. */
  told(set: string): SetStatus | undefined {
    return this.#told.get(set)
  }

  get isPresent(): boolean {
    return this.#life.isPresent
  }

  /** maintenance: since when, ms of the time of day. */
  get maintenance(): number | undefined {
    return this.#said.maintenance
  }

  /** adopt a file that was applied on this node: its packets are handled, so its addresses may be held. */
  adopt(desired: DesiredState, node: string): void {
    const { instance, now } = this.#options
    this.#sets = desired.addressSets.map((set) => ({ set, node, services: servicesOn(set, desired) }))
    this.#roles.adopt(desired, node, now().getTime())
    const moving = movingSets(desired)
    const had = this.#talk.spec.sets.length > 0
    const names = new Set(moving.map(({ name }) => name))
    this.#alarms.adopt([...names], node)
    if (Object.keys(this.#said.heldUntil).some((name) => !names.has(name))) this.#keep(this.#said)
    this.#told = new Map([...this.#told].filter(([name]) => names.has(name)))
    this.#tracked = moving.flatMap(({ failover }) =>
      failover.track.flatMap(({ name: rule, thing }) =>
        thing.kind === 'service' ? [{ rule, service: thing.service }] : [],
      ),
    )
    if (moving.length === 0) {
      this.#talk.order({ sets: [] })
      // One may be left of a file before, or of a daemon before.
      this.#vrrp.end()
      if (had) publishRoles(this.#options.peers, undefined)
      return
    }
    this.#talk.order(vrrpSpecOf(desired, node, instance))
    for (const { name } of moving) this.#hold(name)
    this.#tellTracked()
    this.#life.wanted()
    this.#vrrp.want()
  }

  /** sweep tells what has changed of what is tracked; ten times a second. */
  sweep(): void {
    this.#tellTracked()
    this.#loseRoles()
  }

  /** maintain: whether that could be kept. */
  maintain(isOn: boolean): boolean {
    const { maintenance: _, ...rest } = this.#said
    this.#talk.maintain(isOn)
    return this.#keep(isOn ? { ...rest, maintenance: this.#options.now().getTime() } : rest)
  }

  /** yieldRole of a set, and nobody is preempted for `holdMs`, also over a restart of the daemon. */
  yieldRole(set: string, holdMs: number): boolean {
    const ms = Math.min(holdMs, HELD_MAX)
    this.#talk.yieldRole(set, ms)
    const isKept = this.#keep({
      ...this.#said,
      heldUntil: { ...this.#said.heldUntil, [set]: this.#options.now().getTime() + ms },
    })
    this.#talk.hold(set, OPERATOR, ms)
    return isKept
  }

  /** defer a set to another node, should who has it leave within `ms`; nobody is preempted for `holdMs`, as by yieldRole. */
  defer(set: string, ms: number, holdMs: number): boolean {
    this.#talk.defer(set, ms)
    return this.yieldRole(set, holdMs)
  }

  /** giveUp a set because this daemon stops: it is taken back from nobody before a daemon is there again. */
  giveUp(set: string): void {
    this.#talk.yieldRole(set, HELD_MAX)
  }

  /** hold: a set preempts nobody for `ms`, as `who` wants it; 0: he wants it no more. */
  hold(set: string, who: string, ms: number): void {
    this.#talk.hold(set, who, ms)
  }

  problems(): Problem[] {
    if (this.#moving.length === 0) return []
    return [
      ...this.#unkept,
      ...this.#life.problems(PATIENCE_MS),
      ...this.#moving.flatMap(({ set: { name }, status }) => this.#problemsOf(name, status)),
      ...this.#split.look(
        // Of a vrrp that is gone so are the addresses: what it said last is no role.
        this.#moving.flatMap(({ set: { failover }, services, status }) =>
          status && this.#life.isPresent ? [{ status, services, advertMs: failover!.advertMs }] : [],
        ),
        this.#options.monotonic(),
      ),
    ]
  }

  get status(): Pick<Status, 'sets' | 'vrrp' | 'maintenance'> {
    const { maintenance } = this.#said
    return {
      sets: this.#sets.map((each) =>
        setStatus(each, {
          role: this.#roles.of(each.set.name),
          told: this.#told.get(each.set.name),
          peers: peersOf(this.#options.peers, each.set.name),
        }),
      ),
      ...(this.#moving.length > 0 && { vrrp: this.#life.status }),
      ...(maintenance !== undefined && { maintenance: { since: new Date(maintenance).toISOString() } }),
    }
  }

  /** Dispose: vrrp goes on, and its roles. */
  [Symbol.dispose](): void {
    this.#vrrp[Symbol.dispose]()
  }

  get #moving(): readonly (SetOfFile & { readonly status: SetStatus | undefined })[] {
    return this.#sets
      .filter(({ set }) => set.failover !== undefined)
      .map((each) => ({ ...each, status: this.#told.get(each.set.name) }))
  }

  #problemsOf(name: string, status: SetStatus | undefined): Problem[] {
    if (!this.#life.isPresent || !status) return []
    const { faults, unread, unrouted = [] } = status
    const why = faults.map(({ text }) => text).join('; ')
    const isFaulty = faults.length > 0 && this.#said.maintenance === undefined
    return [
      ...(isFaulty ? [problem('ROLE_FAULT', `${name}: this node may not be active: ${why}`)] : []),
      ...(unread === undefined
        ? []
        : [problem('VRRP_SECRET_INVALID', `${name}: what was read before counts on: ${unread}`)]),
      ...unrouted.map((text) => problem('ROUTE_REFUSED', `${name}: ${text}`)),
    ]
  }

  #take(message: FromVrrp): void {
    const { events, peers } = this.#options
    const about = (set: string) => ({
      services: this.#servicesOf(set),
      nameOf: (address: string) => this.#roles.nameOf(set, address),
    })
    switch (message.kind) {
      case 'status':
        this.#told = new Map(message.sets.map((each) => [each.name, each]))
        this.#life.heard(message.problems)
        this.#roles.heard(message.sets)
        this.#alarms.heard(message.sets)
        publishRoles(peers, message.sets, (set) => this.#alarms.told(set))
        return
      case 'role':
        events.record(roleEvent(message, about(message.set)))
        this.#alarms.changed(message)
        this.#roles.heard([{ name: message.set, role: message.to, since: message.at }])
        return
      case 'finding':
        if (this.#alarms.isNews(message)) events.record(findingEvent(message, about(message.set)))
        this.#split.notice(message, this.#options.monotonic())
        return
      default:
        message satisfies never
    }
  }

  #servicesOf(set: string): readonly string[] {
    return this.#sets.find((each) => each.set.name === set)?.services ?? []
  }

  /** #loseRoles: a set that was active here is not any more when its addresses went after the vrrp process had. */
  #loseRoles(): void {
    const now = this.#options.monotonic()
    if (this.#life.isPresent || now < this.#lostLookAt) return
    const active = this.#moving.filter(({ set }) => this.#roles.of(set.name)?.role === 'active')
    if (active.length === 0) return
    this.#lostLookAt = now + LOST_EVERY_MS
    const present = new Set(this.#addressesHere())
    for (const { set } of active)
      if (!addressesOf(set).some(({ address }) => present.has(address)))
        this.#roles.lost(set.name, this.#options.now().getTime())
  }

  /** #addressesHere: what cannot be read is there. */
  #addressesHere(): readonly Ip[] {
    try {
      return this.#options.network.listAddresses().map(({ address }) => address)
    } catch (error) {
      if (!(error instanceof TenbinError)) throw error
      return this.#moving.flatMap(({ set }) => addressesOf(set).map(({ address }) => address))
    }
  }

  #tellTracked(): void {
    for (const { rule, service } of this.#tracked) {
      const isUp = this.#options.hasQuorum(service)
      if (isUp !== undefined) this.#talk.tracked(rule, isUp)
    }
  }

  /** #hold what an operator's word leaves of a hold. */
  #hold(set: string): void {
    const until = this.#said.heldUntil[set] ?? 0
    this.#talk.hold(set, OPERATOR, Math.min(HELD_MAX, Math.max(0, until - this.#options.now().getTime())))
  }

  #keep(said: SaidOfRoles): boolean {
    const now = this.#options.now().getTime()
    const names = new Set(this.#moving.map(({ set }) => set.name))
    const heldUntil = Object.fromEntries(
      Object.entries(said.heldUntil).filter(([set, until]) => names.has(set) && until > now),
    )
    this.#said = { ...said, heldUntil }
    try {
      this.#options.store.write(this.#said)
      this.#unkept = []
    } catch (error) {
      this.#unkept = problemsOf(error)
    }
    return this.#unkept.length === 0
  }
}

/** servicesOn an address set: those that listen on one of its addresses. */
function servicesOn(set: DesiredState['addressSets'][number], { services }: DesiredState): string[] {
  const addresses = new Set(addressesOf(set).map(({ address }) => address))
  return services
    .filter(({ listeners }) => listeners.some(({ address }) => addresses.has(address)))
    .map(({ name }) => name)
}
