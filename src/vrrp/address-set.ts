// One address set of this node, as it runs: a group of virtual routers (group.ts), what weighs on it, the addresses that it
// holds. Its idea: whatever happens becomes one step of the group at one time, and the effects of that step are executed at
// once: addresses are ordered first, since that takes another process a moment and this one next to none; then all adverts, then
// what is done on this node (event.ts). A failure becomes a fault, and a fault a shutdown. Left out: sockets and NICs, which sets
// share (set-host.ts).

import { formatIp, type Ip } from '../base/addresses.ts'
import type { IpPacket } from '../sys/ip-socket.ts'
import { VRRP_TTL } from '../wire/vrrp.ts'
import { AdvertOut } from './advert-out.ts'
import type { Event, RoleName, Why } from './event.ts'
import { FitnessWatch, nicRule, type Verdict } from './fitness-watch.ts'
import {
  deferringGroup,
  type Group,
  type GroupEffect,
  groupNextAt,
  groupOf,
  groupRole,
  type Happened,
  heldGroup,
  heldUntil,
  patientGroup,
  stepGroup,
  withRouters,
} from './group.ts'
import { type Lease, leaseOf } from './held-addresses.ts'
import { type Linger, type Lingering, lingering } from './linger.ts'
import { type MemberSpec, membersOf, routerOf } from './members.ts'
import type { SetStatus } from './protocol.ts'
import type { VirtualRouter } from './router.ts'
import { isSameRouter } from './same-set.ts'
import { type Belongings, SetAddresses } from './set-addresses.ts'
import type { SetHost } from './set-host.ts'
import { SetSecrets } from './set-secrets.ts'
import { activeOf, type Heard, statusOf } from './set-status.ts'
import type { SetSpec } from './spec.ts'
import { Tallies } from './tallies.ts'
import { Unsent } from './unsent.ts'
import { findingText, whyText } from './words.ts'

/** NO_SOURCE: the primary address of a member whose NIC has none yet; such a set has no role. */
const NO_SOURCE = 0 as Ip
/** STEPS_MOST: a fault, and what follows; more would be a bug that must not hold up adverts. */
const STEPS_MOST = 8

const belongingsOf = (spec: SetSpec): Belongings => ({ members: membersOf(spec), routes: spec.routes ?? [] })

/**
 * Before: what this node's set of that name `was` until now, as another one. `patienceMs`: for so long from now on nobody's silence
 * counts, unless somebody is heard.
 */
export interface Before {
  readonly was?: RoleName | undefined
  readonly patienceMs?: number
}

/** Made: routers, and what they were made of. */
interface Made {
  readonly spec: SetSpec
  readonly priority: number
  readonly advertMs: number
  readonly primaries: readonly Ip[]
  readonly routers: ReadonlyMap<string, VirtualRouter>
}

export class AddressSet implements Disposable {
  readonly #host: SetHost
  readonly #fitness = new FitnessWatch()
  readonly #tallies = new Tallies()
  readonly #unsent = new Unsent()
  readonly #secrets: SetSecrets
  readonly #addresses: SetAddresses
  readonly #out: AdvertOut
  #spec: SetSpec
  #belongings: Belongings
  #group: Group
  #verdict: Verdict
  #made: Made | undefined
  #heard: Heard | undefined
  #since = Date.now()
  #lingering: Lingering | undefined
  #isOver = false
  readonly #patientUntil: number
  /** Until then it may begin as active: others have not missed an advert yet. */
  #heirUntil: number | undefined
  /** Who comes after it goes on with its role: priority 0 would be heard as an end of it. */
  #isSucceeded = false

  constructor(spec: SetSpec, withPacketPath: boolean, host: SetHost, { was, patienceMs = 0 }: Before = {}) {
    this.#host = host
    this.#patientUntil = host.now() + patienceMs
    if (was === 'active') this.#heirUntil = host.now() + spec.advertMs
    this.#addresses = new SetAddresses({
      ...{ set: spec.name, host, tallies: this.#tallies, unsent: this.#unsent },
      onFailed: (why) => this.#failAddresses(why),
    })
    this.#out = new AdvertOut(host, this.#tallies, this.#unsent)
    this.#secrets = new SetSecrets(host.numbers)
    this.#spec = spec
    this.#belongings = belongingsOf(spec)
    this.#fitness.follow(spec, withPacketPath, was === 'active')
    this.#secrets.read(spec)
    this.#fitness.hold('secret', this.#secrets.fault)
    this.#lookAtNics(host.now())
    this.#verdict = this.#fitness.verdict(spec.priority, host.now())
    this.#group = groupOf(this.#routers())
    this.#addresses.clear(this.#members)
  }

  get spec(): SetSpec {
    return this.#spec
  }

  get members(): readonly MemberSpec[] {
    return this.#members
  }

  /** moving: all addresses of the set. */
  get moving(): readonly Ip[] {
    return this.#members.flatMap(({ addresses }) => addresses.map(({ ip }) => ip))
  }

  /** change: other parameters of the same set (isSameSet). */
  change(spec: SetSpec, withPacketPath: boolean): void {
    this.#spec = spec
    this.#belongings = belongingsOf(spec)
    this.#fitness.follow(spec, withPacketPath, groupRole(this.#group) !== 'initialize')
    this.#exchangeSecrets()
    this.networkChanged()
  }

  /** nextAt: when tick() has something to do at the latest. */
  nextAt(): number | undefined {
    const times = [
      groupNextAt(this.#group),
      this.#fitness.nextAt(this.#host.now()),
      this.#addresses.nextAt,
      this.#unsent.nextAt,
      this.#lingering?.until,
    ]
    const set = times.filter((at) => at !== undefined)
    return set.length === 0 ? undefined : Math.min(...set)
  }

  /** tick: time has passed; call it when all packets that wait were handed in. */
  tick(): void {
    const now = this.#host.now()
    const due = this.#dueAdverts(now)
    this.#step({ to: undefined, event: { kind: 'tick' } }, now)
    for (const at of due) this.#tallies.late(this.#host.now() - at)
    this.#unsent.tick(now)
    const failed = this.#addresses.tick(now, () => this.#lease())
    if (failed !== undefined) this.#fitness.fail('addresses', failed, now)
    if (this.#lingering && now >= this.#lingering.until) this.#leaveAddresses()
    this.#settle(now)
  }

  /** receive a packet for one of the members. */
  receive(member: MemberSpec, packet: IpPacket): void {
    const { router, state } = this.#group.members.get(member.name)!
    const isBackup = state.phase.role === 'backup'
    const expected = {
      ...{ router, form: this.#spec.checksum, peers: member.unicast?.peers },
      minTtl: member.unicast?.minTtl ?? VRRP_TTL,
    }
    const judged = this.#secrets.judge({ member: member.name, isBackup }, expected, packet, this.#host.now())
    const { source: from } = packet
    const happen = (event: Exclude<Event, { kind: 'tick' }>) =>
      this.#step({ to: member.name, event }, this.#host.now(), { linger: 'followed' })
    if (judged.kind === 'refused') {
      this.#tallies.refused(judged.refusal)
      happen({ kind: 'finding', finding: judged.refusal, from })
      return
    }
    this.#tallies.count('received')
    this.#heard = { ...judged.heard, at: Date.now() }
    if (judged.heard.priority > 0) this.#heirUntil = undefined
    if (this.isLingering && judged.heard.priority > 0) this.#linger('followed', this.#host.now())
    happen({ kind: 'advert', ...judged.heard })
    for (const finding of judged.remarks) {
      this.#tallies.remarked(finding)
      happen({ kind: 'finding', finding, from })
    }
    this.#settle(this.#host.now())
  }

  /** see: how a tracked thing looks. */
  see(name: string, isUp: boolean, text: string): void {
    const now = this.#host.now()
    this.#fitness.see(name, isUp, text, now)
    this.#settle(now)
  }

  /** networkChanged: NICs or addresses are others, or may be. */
  networkChanged(): void {
    const now = this.#host.now()
    this.#lookAtNics(now)
    this.#settle(now)
  }

  /** yieldRole: an operator's word. */
  yieldRole(why: string, holdMs: number): void {
    const now = this.#host.now()
    this.#step({ to: undefined, event: { kind: 'yield', why, holdMs } }, now, { linger: 'left' })
    this.#settle(now)
  }

  /** maintain: no role until it is taken back. */
  maintain(isMaintained: boolean): void {
    this.#fitness.hold('maintenance', isMaintained ? 'this node is in maintenance' : undefined)
    this.#settle(this.#host.now())
  }

  /** holdUntil: nobody is preempted before, by the host's clock. */
  holdUntil(until: number): void {
    this.#group = heldGroup(this.#group, until)
  }

  /** deferFor: a node that leaves within so long from now on is left to another one until that is over. */
  deferFor(ms: number): void {
    this.#group = deferringGroup(this.#group, this.#host.now() + ms)
  }

  /** checkSecrets: read again if their files have changed, or could not be read. */
  checkSecrets(): void {
    if (!this.#secrets.isStale) return
    this.#exchangeSecrets()
    this.#settle(this.#host.now())
  }

  /**
   * addressesGone: somebody took addresses away, ours or some of his own that were used: those that the set is to have are there
   * again at once, and told to neighbours. Whoever is followed by another node has none from then on.
   */
  addressesGone(): void {
    if (this.#lingering?.isFollowed) this.#leaveAddresses()
    else this.#addresses.retake()
  }

  /** leave: gives the role up for good, with priority 0. It is over when it does not linger any more. */
  leave(why: string): void {
    this.#isOver = true
    this.#step({ to: undefined, event: { kind: 'shutdown', why } }, this.#host.now(), { linger: 'left' })
  }

  /** isLingering: the role is given up, and the addresses are held yet. */
  get isLingering(): boolean {
    return this.#lingering !== undefined
  }

  status(): SetStatus {
    return statusOf({
      name: this.#spec.name,
      since: this.#since,
      group: this.#group,
      members: this.#members,
      verdict: this.#verdict,
      tracks: this.#fitness.tracks,
      tallies: this.#tallies,
      active: activeOf(groupRole(this.#group), this.#heard),
      unread: this.#secrets.unread,
      unrouted: this.#addresses.unrouted,
      heldForMs: heldUntil(this.#group) - this.#host.now(),
    })
  }

  /** end: it is over; `heir` is what comes after it on this node. */
  end(heir: SetSpec | undefined): void {
    this.#isSucceeded = heir !== undefined && isSameRouter(heir, this.#spec)
    this[Symbol.dispose]()
  }

  [Symbol.dispose](): void {
    this.leave('it is over')
    this.#leaveAddresses()
    this.#addresses.clear(this.#members)
  }

  /** #settle what follows of faults and parameters: until nothing does. */
  #settle(now: number): void {
    for (let steps = 0; steps < STEPS_MOST; steps++) {
      this.#verdict = this.#fitness.verdict(this.#spec.priority, now)
      // Whoever cannot serve any more serves nobody by what it holds.
      const canServe = this.#verdict.faults.every(({ name }) => this.#isOfFile(name))
      if (this.isLingering && !canServe) this.#leaveAddresses()
      if (this.#isOver) return
      this.#reparametrize(now)
      const [fault] = this.#verdict.faults
      const role = groupRole(this.#group)
      if (fault && role !== 'initialize')
        this.#step({ to: undefined, event: { kind: 'shutdown', why: fault.text } }, now, { linger: 'left' })
      else if (!fault && role === 'initialize') this.#startUp(now)
      else return
    }
  }

  #startUp(now: number): void {
    const isHeir = now < (this.#heirUntil ?? now)
    this.#heirUntil = undefined
    this.#step({ to: undefined, event: { kind: isHeir ? 'succeed' : 'startup' } }, now)
    this.#group = patientGroup(this.#group, this.#patientUntil)
  }

  /** #reparametrize: what the routers are now, where that is something else. */
  #reparametrize(now: number): void {
    const routers = this.#routers()
    const before = this.#group
    const isSame = [...before.members].every(([name, { router }]) => same(router, routers.get(name)!))
    const addresses = this.#addresses.isOther(this.#belongings)
    if (isSame && !addresses) return
    this.#group = withRouters(before, routers)
    this.#step({ to: undefined, event: { kind: 'changed', addresses } }, now)
  }

  /** #routers: the same ones as long as nothing has changed: this is asked at each advert, and garbage costs time later. */
  #routers(): ReadonlyMap<string, VirtualRouter> {
    const { priority } = this.#verdict
    const primaries = this.#members.map((member) => this.#primaryOf(member) ?? NO_SOURCE)
    // Each advert, sent or heard, looks whether it is another one.
    const advertMs = this.#secrets.advertMs(this.#host.now())
    const made = this.#made
    const isSame =
      made?.spec === this.#spec &&
      made.priority === priority &&
      made.advertMs === advertMs &&
      primaries.every((primary, at) => primary === made.primaries[at])
    if (isSame) return made.routers
    const routers = new Map(
      this.#members.map((member, at) => [
        member.name,
        routerOf({ ...this.#spec, advertMs }, member, priority, primaries[at]!),
      ]),
    )
    this.#made = { spec: this.#spec, priority, advertMs, primaries, routers }
    return routers
  }

  get #members(): readonly MemberSpec[] {
    return this.#belongings.members
  }

  #primaryOf({ nic, family, unicast }: MemberSpec): Ip | undefined {
    return unicast?.self ?? this.#host.nic(nic)?.primary[family]
  }

  #lookAtNics(now: number): void {
    const look = (name: string, nic: string): void => {
      if (!this.#host.isKnown(nic)) return
      const view = this.#host.nic(nic)
      const text =
        view === undefined ? `there is no ${nic}` : view.isUsable ? `${nic} is up` : `${nic} is down`
      this.#fitness.see(name, view?.isUsable === true && view.mac !== undefined, text, now)
    }
    for (const { nic } of this.#members) look(nicRule(nic), nic)
    for (const { name, thing } of this.#spec.track) if (thing.kind === 'link') look(name, thing.nic)
    // Of a NIC that is down or gone that says it all.
    const without = this.#members.find(
      (member) =>
        this.#host.nic(member.nic)?.isUsable &&
        (this.#primaryOf(member) === undefined || this.#host.port(member) === undefined),
    )
    this.#fitness.hold('source', without && sourceText(without))
  }

  #exchangeSecrets(): void {
    this.#secrets.exchange(this.#spec, this.#host.now())
    this.#fitness.hold('secret', this.#secrets.fault)
  }

  /** #dueAdverts: when adverts were due that a tick at `now` will send. */
  #dueAdverts(now: number): number[] {
    return [...this.#group.members.values()].flatMap(({ state: { phase } }) =>
      phase.role === 'active' && now >= phase.adverAt ? [phase.adverAt] : [],
    )
  }

  /** #isOfFile: a fault that does not mean that the node cannot serve any more: somebody wants it to leave. */
  #isOfFile(name: string): boolean {
    return name === 'maintenance' || this.#spec.track.some((rule) => rule.name === name)
  }

  #step(happened: Happened, now: number, { linger }: { readonly linger?: Linger } = {}): void {
    const before = groupRole(this.#group)
    const [group, effects] = stepGroup(this.#group, happened, now)
    this.#group = group
    // All members' addresses and the routes, once: they move together.
    if (effects.some(({ effect }) => effect.kind === 'take')) this.#take()
    for (const { member, effect } of effects)
      if (effect.kind === 'send') this.#send(member, effect.priority, now)
    const hasOverslept = effects.some(
      ({ effect }) => effect.kind === 'role' && effect.why.name === 'overslept',
    )
    for (const each of effects) this.#execute(each, now, hasOverslept ? undefined : linger)
    const to = groupRole(group)
    if (to !== before) this.#tellRole(before, to, effects)
  }

  #execute({ member, effect }: GroupEffect, now: number, linger: Linger | undefined): void {
    switch (effect.kind) {
      case 'take':
      case 'send':
        return
      case 'leave':
        this.#linger(linger, now)
        return
      case 'announce':
        this.#addresses.announce(this.#member(member))
        return
      case 'role':
        if (effect.to === 'active') this.#out.begin(this.#member(member), now)
        return
      case 'report':
        this.#host.onFinding({
          ...{ set: this.#spec.name, router: member, name: effect.finding.name },
          ...(effect.from !== undefined && { from: formatIp(effect.from) }),
          ...{ text: findingText(effect.finding), left: effect.left, at: Date.now() },
        })
        return
      default:
        effect satisfies never
    }
  }

  #send(name: string, priority: number, now: number): void {
    if (this.#isSucceeded) return
    const member = this.#member(name)
    const router = this.#group.members.get(name)!.router
    const failed = this.#out.send(
      member,
      { router, form: this.#spec.checksum, ...this.#secrets.sending(now) },
      priority,
      now,
    )
    if (failed !== undefined) this.#fitness.fail('sending', failed, now)
  }

  #take(): void {
    this.#lingering = undefined
    this.#addresses.take(this.#belongings, this.#lease())
  }

  #failAddresses(why: string): void {
    const now = this.#host.now()
    this.#fitness.fail('addresses', why, now)
    this.#settle(now)
  }

  #leaveAddresses(): void {
    this.#lingering = undefined
    this.#addresses.leave()
  }

  /** #linger: the addresses are held a while longer; not what is not there yet, nor by a MAC that the other one has already. */
  #linger(how: Linger | undefined, now: number): void {
    const isVirtual = this.#spec.mac === 'virtual'
    if (how === undefined || !this.#addresses.isHeld || (how === 'followed' && isVirtual)) {
      this.#leaveAddresses()
      return
    }
    this.#addresses.hush()
    this.#lingering = lingering(this.#lingering, how, this.#spec, now)
  }

  #tellRole(from: SetStatus['role'], to: SetStatus['role'], effects: readonly GroupEffect[]): void {
    this.#since = Date.now()
    if (to === 'active') {
      this.#tallies.count('takeovers')
      this.#heard = undefined
    }
    const why = effects.flatMap(({ effect }) => (effect.kind === 'role' ? [effect.why] : [])).find(isCause)
    this.#host.onRole({
      ...{ set: this.#spec.name, from, to, at: this.#since },
      why: why ? { name: why.name, text: whyText(why) } : { name: 'group', text: whyText({ name: 'group' }) },
    })
  }

  #lease(): Lease {
    return leaseOf(Math.max(...[...this.#group.members.values()].map(({ router }) => router.adverMs)))
  }

  #member(name: string): MemberSpec {
    return this.#members.find((each) => each.name === name)!
  }
}

const sourceText = ({ nic, family, unicast }: MemberSpec): string =>
  unicast === undefined
    ? `${nic} has no IPv${family} address of its own to speak from`
    : `${nic} does not have ${formatIp(unicast.self)}, which it is to speak from`

/** isCause: not that others of the group moved. */
const isCause = (why: Why): boolean => why.name !== 'group' && !(why.name === 'yield' && why.text === 'group')

const same = (a: VirtualRouter, b: VirtualRouter): boolean => a === b || textOf(a) === textOf(b)
const textOf = (some: object): string =>
  JSON.stringify(some, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
