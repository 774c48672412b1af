// An address set's addresses and routes on this node's NICs: taken, renewed before their lifetime is over, left, and told to
// neighbours. Its idea: the addresses of all members are taken and left together, since they move together; that is asked of
// the rtnl process, and an answer that does not come before their time would be over is a failure. Neighbours are told when
// they are there, so that nobody who still answers is left for one who does not yet, but no later than the other one goes on
// answering: the packet path forwards what is for services whether the node has their address or not. Left out: when, which
// the machine says (event.ts).

import { formatIp } from '../base/addresses.ts'
import { announcement } from './announcement.ts'
import type { Lease } from './held-addresses.ts'
import { LINGER } from './linger.ts'
import type { MemberSpec } from './members.ts'
import type { Held } from './rtnl-client.ts'
import type { SetHost } from './set-host.ts'
import type { SetRoute } from './spec.ts'
import type { Tallies } from './tallies.ts'
import type { Unsent } from './unsent.ts'

/** ANNOUNCE_MS: so long it is tried to announce; neighbours are told again later (announcing.ts). */
const ANNOUNCE_MS = 1000
/** TELL_WITHIN_MS: neighbours are told at the latest when whoever is followed has the addresses no longer. */
const TELL_WITHIN_MS = LINGER.followedMs

/** SetAddressesOptions: `onFailed`: they are not held; why. It comes outside of all calls. */
export interface SetAddressesOptions {
  readonly set: string
  readonly host: SetHost
  readonly tallies: Tallies
  readonly unsent: Unsent
  readonly onFailed: (why: string) => void
}

/** Belongings: what an active node has of a set. */
export interface Belongings {
  readonly members: readonly MemberSpec[]
  readonly routes: readonly SetRoute[]
}

/** Taken: what is to be held. */
interface Taken {
  readonly what: Belongings
  readonly lease: Lease
  /** All but the first of them are renewals. */
  readonly how: 'take' | 'renew'
  /** An order's: the latest one counts. */
  readonly order: number
  /** Its answer is to come; undefined: it has come. */
  readonly answerBy: number | undefined
  readonly renewAt: number
}

export class SetAddresses {
  readonly #options: SetAddressesOptions
  #taken: Taken | undefined
  #orders = 0
  /** By announcementOf: what neighbours are told when the addresses are there, or at `#tellAt`. */
  readonly #untold = new Map<string, () => boolean>()
  #tellAt = 0
  #unrouted: readonly string[] = []

  constructor(options: SetAddressesOptions) {
    this.#options = options
  }

  /** nextAt: when tick() has something to do. */
  get nextAt(): number | undefined {
    if (!this.#taken) return undefined
    const dueAt = dueAtOf(this.#taken)
    return this.#untold.size === 0 ? dueAt : Math.min(dueAt, this.#tellAt)
  }

  /** isHeld: they are there, for all that is known. */
  get isHeld(): boolean {
    return this.#taken !== undefined && !this.#isTaking
  }

  /** unrouted: routes that could not be made when that was tried last, and why. */
  get unrouted(): readonly string[] {
    return this.#unrouted
  }

  /** isOther: something is held, and something else than this. */
  isOther(what: Belongings): boolean {
    if (this.#taken === undefined || this.#taken.what === what) return false
    return textOf(this.#taken.what) !== textOf(what)
  }

  /** take these, and no others. */
  take(what: Belongings, lease: Lease): void {
    this.#order('take', what, lease)
  }

  /** retake: somebody took one away, or all are gone with the rtnl process; neighbours are told again. */
  retake(): void {
    if (!this.#taken) return
    const { what, lease } = this.#taken
    this.#order('take', what, lease)
    for (const member of what.members) this.announce(member)
  }

  /** tick: what is due at `now`: renewal, for so long from now on. Gives why they are not held any more. */
  tick(now: number, lease: () => Lease): string | undefined {
    if (now >= this.#tellAt) this.#tellUntold()
    const taken = this.#taken
    if (!taken || now < dueAtOf(taken)) return undefined
    if (taken.answerBy !== undefined) {
      this.leave()
      return `the kernel did not answer for ${taken.lease.validS} s`
    }
    this.#order('renew', taken.what, lease())
    return undefined
  }

  leave(): void {
    if (!this.#taken) return
    this.hush()
    this.#taken = undefined
    this.#unrouted = []
    this.#options.host.rtnl.release(this.#options.set)
  }

  /** hush: neighbours are told no more of what waits to be told. */
  hush(): void {
    this.#untold.clear()
    for (const member of this.#taken?.what.members ?? []) this.#options.unsent.drop(announcementOf(member))
  }

  /** clear: nothing that a set made beside addresses stays: of this process, or of one before. */
  clear(members: readonly MemberSpec[]): void {
    this.#options.host.rtnl.clear(members)
  }

  /** announce a member's addresses to its neighbours, as soon as they are there. */
  announce(member: MemberSpec): void {
    const { host } = this.#options
    const { nic, addresses, virtualMac } = member
    const view = host.nic(nic)
    const mac = virtualMac ?? view?.mac
    if (!view || mac === undefined) return
    const isRouter = host.isRouter(nic)
    const frames = addresses.map(({ ip }) => announcement(ip, mac, isRouter))
    const attempt = () => {
      while (frames[0] !== undefined && this.#send(frames[0], view.index)) frames.shift()
      return frames.length === 0
    }
    const name = announcementOf(member)
    if (this.#isTaking && host.now() < this.#tellAt) this.#untold.set(name, attempt)
    else this.#tell(name, attempt)
  }

  get #isTaking(): boolean {
    return this.#taken?.how === 'take' && this.#taken.answerBy !== undefined
  }

  #tellUntold(): void {
    for (const [name, attempt] of this.#untold) this.#tell(name, attempt)
    this.#untold.clear()
  }

  /** #tell neighbours what there is room for; the rest a little later. */
  #tell(name: string, attempt: () => boolean): void {
    const { host, unsent } = this.#options
    const now = host.now()
    if (attempt()) unsent.drop(name)
    else unsent.retry(name, attempt, now, now + ANNOUNCE_MS)
  }

  /** #order: `by`: until when it has to be answered, where that is not as long as they would be held. */
  #order(how: 'take' | 'renew', what: Belongings, lease: Lease, by?: number): void {
    const { host, set } = this.#options
    const now = host.now()
    const order = ++this.#orders
    const answerBy = by ?? now + lease.validS * 1000
    if (how === 'take' && by === undefined) this.#tellAt = now + TELL_WITHIN_MS
    this.#taken = { what, lease, how, order, answerBy, renewAt: now + lease.renewMs }
    const { validS, takenMs } = lease
    host.rtnl.hold({ set, how, ...what, validS, takenMs, at: now }, (held) => this.#answered(order, held))
  }

  #answered(order: number, held: Held): void {
    const taken = this.#taken
    if (taken?.order !== order) return
    switch (held.kind) {
      case 'held':
        this.#taken = { ...taken, answerBy: undefined }
        this.#unrouted = held.unrouted
        this.#tellUntold()
        return
      case 'late':
        // Whoever is late again and again holds nothing either.
        this.#order(taken.how, taken.what, taken.lease, taken.answerBy)
        return
      case 'failed':
        this.#untold.clear()
        this.#taken = undefined
        this.#unrouted = []
        this.#options.onFailed(held.why)
        return
      default:
        held satisfies never
    }
  }

  /** #send: false: no room now. */
  #send(frame: Uint8Array, ifindex: number): boolean {
    const { host, tallies } = this.#options
    try {
      if (!host.sendFrame(frame, ifindex)) return false
      tallies.count('announced')
    } catch {
      // The NIC went down just now: that is a fault of its own.
    }
    return true
  }
}

/** dueAtOf: when its order must have been answered, or else it is renewed. */
const dueAtOf = ({ answerBy, renewAt }: Taken): number => answerBy ?? renewAt

/** announcementOf a member: its name among what is unsent. */
const announcementOf = ({ name }: MemberSpec): string => `announcement ${name}`

const textOf = ({ members, routes }: Belongings): string =>
  JSON.stringify([
    members.map(({ nic, addresses }) => [
      nic,
      addresses.map(({ ip, prefix }) => `${formatIp(ip)}/${prefix}`),
    ]),
    routes,
  ])
