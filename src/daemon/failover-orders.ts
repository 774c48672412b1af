// Commands about roles: failover and maintenance. Its idea: whoever is active gives its role up, on whichever node the
// command runs; before that it is asked, over the cluster, whether somebody can take it. Where no node says (no cluster, or
// another implementation of VRRP), the active node yields all the same: if nobody takes over it is active again after an
// Active_Down_Interval, and the answer says so.

import { z } from 'zod'
import { TenbinError } from '../base/errors.ts'
import { handleJson, type Json, type Peers, requestJson } from '../cluster/peers.ts'
import type { EventSink } from '../events/event.ts'
import { type FailoverAnswer, failoverSchema, type MaintenanceAnswer } from './api-schema-roles.ts'
import type { Failover } from './failover.ts'
import { type Deferral, deferMs, handleDefer, haveDeferred } from './failover-defer.ts'
import { mayTake, type PeerOfSet, peersOf } from './peer-roles.ts'

/** FailoverOrder: `set` undefined: every set that moves; `to` undefined: whoever is next. */
export interface FailoverOrder {
  readonly set?: string | undefined
  readonly to?: string | undefined
  readonly holdMs?: number | undefined
}

/** FailoverOrdersOptions: as the daemon's; `node`: this one, while a file is applied. */
export interface FailoverOrdersOptions {
  readonly failover: Failover
  readonly peers: Peers
  readonly events: EventSink
  /**
   * tellFlows: whatever packets have left behind is told to the other nodes, which await it: before a role is given up, and again
   * when it has gone, since clients' packets came here until then. `advertMs`: of the set, the longest of several.
   */
  readonly tellFlows: (advertMs: number) => Promise<void>
}

/** HOLD_MS: so long nobody is taken back from, unless it is said. */
export const HOLD_MS = 3_600_000
const PATH = 'roles/failover'
/** SETTLE_MS: more than a takeover takes, behind the adverts that it waits for. */
const SETTLE_MS = 2_000
/** PEER_MS: more than another node takes to move a set, for adverts of up to 40 s. */
const PEER_MS = 200_000

type Moved = FailoverAnswer['sets'][number]
/** IsSettled: whether a set is, whose role here is this one, and who is active for it. */
type IsSettled = (role: string | undefined, active: string | undefined) => boolean

const orderSchema = z.object({
  set: z.string(),
  to: z.string().optional(),
  holdMs: z.number().optional(),
})

export class FailoverOrders implements Disposable {
  readonly #options: FailoverOrdersOptions
  readonly #handlers: readonly Disposable[]

  constructor(options: FailoverOrdersOptions) {
    this.#options = options
    const { peers } = options
    this.#handlers = [
      handleJson(peers, PATH, orderSchema, (_, order) => this.#asked(order)),
      handleDefer(peers, (order) => this.#defer(order)),
    ]
  }

  /**
   * failover: the sets that are meant are active elsewhere, as soon as somebody has taken them. Throws SET_UNKNOWN,
   * PEER_UNKNOWN, ROLE_REFUSED and what a peer answers, if that is so of all of them; otherwise notes say of which and why.
   * `isAsked`: by another node, so that nobody asks in a circle.
   */
  async failover(order: FailoverOrder, isAsked = false): Promise<FailoverAnswer> {
    const meant = this.#meant(order.set)
    const answers: FailoverAnswer[] = []
    const refusals: TenbinError[] = []
    for (const set of meant) {
      try {
        answers.push(await this.#move(set, order, isAsked))
      } catch (error) {
        if (!(error instanceof TenbinError)) throw error
        refusals.push(error)
        answers.push({ sets: [{ set, changed: false }], notes: [`${set}: ${error.detail ?? error.message}`] })
      }
    }
    if (refusals.length === meant.length) throw refusals[0]
    return {
      sets: answers.flatMap(({ sets }) => sets),
      notes: [...new Set(answers.flatMap(({ notes }) => notes))],
    }
  }

  /** maintain: this node gives all roles up and takes none, or may have roles again. Throws ROLE_REFUSED unless `isForced`. */
  async maintain(isOn: boolean, isForced: boolean): Promise<MaintenanceAnswer> {
    const { failover, events, peers } = this.#options
    const moving = this.#movingSets()
    const isOther = (failover.maintenance !== undefined) !== isOn
    const active = moving.filter((set) => failover.roles.of(set)?.role === 'active')
    if (isOn && isOther && !isForced)
      for (const set of active) {
        const others = peersOf(peers, set)
        if (others.length > 0 && !others.some(mayTake))
          throw refused(
            `maintenance`,
            `nobody could take ${set}: ${others.map(stateText).join('; ')}; --force does it all the same`,
          )
      }
    if (isOn && isOther && active.length > 0) await this.#tellFlows(active)
    const kept = isOther ? failover.maintain(isOn) : true
    if (isOther)
      events.record({
        ...{ kind: 'role.ordered', severity: 'notice' },
        text: isOn
          ? 'maintenance: this node has no role from now on'
          : 'maintenance is over: this node may have roles again',
        data: { order: isOn ? 'maintenance' : 'resume' },
      })
    if (isOther && isOn && active.length > 0) await this.#gone(active, (role) => role !== 'active', 0)
    const staying = failover.sets.filter(({ set }) => set.failover === undefined).map(({ set }) => set.name)
    return {
      ...{ on: isOn, changed: isOther, kept },
      sets: moving.map((set) => {
        const role = failover.roles.of(set)
        return {
          set,
          ...(role && { role: role.role }),
          ...(role?.active !== undefined && { active: role.active }),
        }
      }),
      notes: [
        ...(kept
          ? []
          : ['this cannot be kept, and a restart of the daemon will forget it: see tenbin status']),
        ...(isOn && staying.length > 0 ? [`${staying.join(', ')} cannot move: no vrid`] : []),
      ],
    }
  }

  /**
   * handOver what this node is active for, where another node of the cluster says that it can take it: this daemon stops.
   * Which sets.
   */
  async handOver(): Promise<string[]> {
    const { failover, peers, events } = this.#options
    const sets = this.#movingSets().filter(
      (set) => failover.roles.of(set)?.role === 'active' && peersOf(peers, set).some(mayTake),
    )
    if (sets.length > 0) await this.#tellFlows(sets)
    for (const set of sets) {
      failover.giveUp(set)
      events.record({
        ...{ kind: 'role.ordered', severity: 'notice', set },
        text: `${set}: handed over, because the daemon stops`,
        data: { order: 'stop' },
      })
    }
    if (sets.length > 0) await this.#gone(sets, (role) => role !== 'active', 0)
    return sets
  }

  /** #asked by another node, and so as JSON. */
  async #asked(order: FailoverOrder): Promise<Json> {
    const { sets, notes } = await this.failover(order, true)
    return {
      sets: sets.map(({ set, from, to, changed }) => ({
        ...{ set, changed },
        ...(from !== undefined && { from }),
        ...(to !== undefined && { to }),
      })),
      notes,
    }
  }

  [Symbol.dispose](): void {
    for (const handler of this.#handlers) handler[Symbol.dispose]()
  }

  #movingSets(): string[] {
    return this.#options.failover.sets.flatMap(({ set }) => (set.failover ? [set.name] : []))
  }

  #meant(name: string | undefined): string[] {
    const { sets } = this.#options.failover
    const moving = this.#movingSets()
    if (name === undefined) {
      if (moving.length > 0) return moving
      throw refused('failover', 'no address set of the file moves: give one a vrid')
    }
    if (moving.includes(name)) return [name]
    if (sets.some(({ set }) => set.name === name))
      throw refused(`failover ${name}`, `${name} has no vrid, and stays on the first node`)
    throw new TenbinError('SET_UNKNOWN', `failover ${name}`, {
      detail: `the file has no address set ${name}: it has ${sets.map(({ set }) => set.name).join(', ')}`,
    })
  }

  async #move(set: string, order: FailoverOrder, isAsked: boolean): Promise<FailoverAnswer> {
    const { failover, peers } = this.#options
    const op = `failover ${set}`
    if (!failover.isPresent) throw refused(op, 'the vrrp process is not there: see tenbin status')
    const role = failover.roles.of(set)
    const { to } = order
    const self = failover.sets.find((each) => each.set.name === set)!.node
    const others = peersOf(peers, set)
    const names = [self, ...others.map(({ peer }) => peer.name)]
    if (to !== undefined && others.length > 0 && !names.includes(to))
      throw new TenbinError('PEER_UNKNOWN', op, {
        detail: `there is no node ${to}: there are ${names.join(', ')}`,
      })
    if (to !== undefined && role?.active === to) return unchanged(set, to)
    if (role?.role === 'active') return this.#giveUp(set, self, order, others)
    const active = role?.active
    if (active === undefined) throw refused(op, 'nobody is active that could give it up')
    if (isAsked || !others.some(({ peer }) => peer.name === active && peer.state === 'connected'))
      throw refused(op, `${active} is active, and cannot be asked from here: run this there`)
    return requestJson(peers, {
      ...{ node: active, path: PATH, reply: failoverSchema, timeoutMs: PEER_MS },
      body: {
        set,
        ...(to !== undefined && { to }),
        ...(order.holdMs !== undefined && { holdMs: order.holdMs }),
      },
    })
  }

  async #giveUp(
    set: string,
    self: string,
    { to, holdMs = HOLD_MS }: FailoverOrder,
    others: readonly PeerOfSet[],
  ): Promise<FailoverAnswer> {
    const { failover, events } = this.#options
    const op = `failover ${set}`
    const able = others.filter(mayTake).toSorted((a, b) => b.role!.priority - a.role!.priority)
    const target = able.find(({ peer }) => peer.name === to)
    const next = (target ?? able.at(0))?.peer.name
    if (others.length > 0 && next === undefined && others.every(({ peer }) => peer.state === 'connected'))
      throw refused(op, `nobody could take it: ${others.map(stateText).join('; ')}`)
    if (to !== undefined && next !== undefined && next !== to)
      throw refused(op, stateText(others.find(({ peer }) => peer.name === to)!))
    const { advertMs } = failover.sets.find((each) => each.set.name === set)!.set.failover!
    if (target)
      await haveDeferred(
        this.#options.peers,
        able.slice(0, able.indexOf(target)).map(({ peer }) => peer.name),
        { set, deferMs: deferMs(advertMs), holdMs },
      )
    await this.#tellFlows([set])
    const kept = failover.yieldRole(set, holdMs)
    events.record({
      ...{ kind: 'role.ordered', severity: 'notice', set },
      text: `${set}: an operator has it moved${next === undefined ? '' : ` to ${next}`}`,
      data: { order: 'failover', ...(next !== undefined && { to: next }) },
    })
    await this.#gone(
      [set],
      (role, active) => role !== 'active' && active !== undefined && active !== self,
      4 * advertMs,
    )
    const now = failover.roles.of(set)
    const moved: Moved = {
      ...{ set, from: self, changed: now?.active !== self },
      ...(now?.active !== undefined && { to: now.active }),
    }
    return {
      sets: [moved],
      notes: [
        ...(moved.changed ? [] : [`${set}: nobody took it, so it is active here again`]),
        ...(kept
          ? []
          : ['this cannot be kept, and a restart of the daemon will forget it: see tenbin status']),
      ],
    }
  }

  /** #gone: these sets have settled elsewhere, and what clients sent here until then is told. */
  async #gone(sets: readonly string[], is: IsSettled, moreMs: number): Promise<void> {
    await this.#settled(sets, is, moreMs)
    await this.#tellFlows(sets)
  }

  /** #tellFlows, as a role of these sets moves; one may have gone from the file meanwhile. */
  #tellFlows(sets: readonly string[]): Promise<void> {
    const adverts = this.#options.failover.sets.flatMap(({ set: { name, failover } }) =>
      failover && sets.includes(name) ? [failover.advertMs] : [],
    )
    return this.#options.tellFlows(Math.max(0, ...adverts))
  }

  /** #defer as another node asks; whether it could be kept that nobody is preempted. Throws SET_UNKNOWN, ROLE_REFUSED. */
  #defer({ set, deferMs, holdMs }: Deferral): boolean {
    const { failover, events } = this.#options
    this.#meant(set)
    if (!failover.isPresent) throw refused(`failover ${set}`, 'the vrrp process is not there')
    events.record({
      ...{ kind: 'role.ordered', severity: 'info', set },
      text: `${set}: left to another node, as an operator wants it`,
      data: { order: 'defer' },
    })
    return failover.defer(set, deferMs, holdMs)
  }

  /** #settled resolves when all of these sets are as `is` says, or it has taken too long. */
  async #settled(sets: readonly string[], is: IsSettled, moreMs: number): Promise<void> {
    const { roles } = this.#options.failover
    const isDone = () =>
      sets.every((set) => {
        const role = roles.of(set)
        return is(role?.role, role?.active)
      })
    if (isDone()) return
    await new Promise<void>((resolve) => {
      const listening = roles.onChange(() => isDone() && end())
      const timer = setTimeout(() => end(), SETTLE_MS + moreMs)
      const end = () => {
        listening[Symbol.dispose]()
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

const unchanged = (set: string, active: string): FailoverAnswer => ({
  sets: [{ set, from: active, to: active, changed: false }],
  notes: [`${set}: ${active} is active already`],
})

const refused = (op: string, detail: string): TenbinError => new TenbinError('ROLE_REFUSED', op, { detail })

/** stateText: why a node cannot take a set, or that it can. */
function stateText({ peer, role }: PeerOfSet): string {
  if (peer.state !== 'connected') return `${peer.name} is ${peer.state}`
  if (!role) return `${peer.name} does not know of it`
  if (role.faults.length > 0) return `${peer.name} has ${role.faults.join(', ')}`
  return `${peer.name} is ${role.role}`
}
