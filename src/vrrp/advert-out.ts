// Adverts of an address set on their way out: made into bytes, signed where keys say so, sent to the group or to each peer,
// counted. Its idea: a node whose adverts do not leave is replaced by others without noticing, so three intervals without
// one that left are a failure, in the kernel's words. The last one, of priority 0, is tried again until nobody waits for it.

import { type Ip, isIp4 } from '../base/addresses.ts'
import { PRIORITY, vrrpGroup } from '../wire/vrrp.ts'
import { composeAdvert, type Sender } from './compose.ts'
import type { MemberSpec } from './members.ts'
import { deadMs } from './router.ts'
import type { Secrets } from './secrets.ts'
import type { SetHost } from './set-host.ts'
import type { Tallies } from './tallies.ts'
import type { Unsent } from './unsent.ts'

const NO_ROOM = 'the kernel has no room for adverts'

export class AdvertOut {
  readonly #host: SetHost
  readonly #tallies: Tallies
  readonly #unsent: Unsent
  /** By member: when one has left, or sending began. */
  readonly #lastAt = new Map<string, number>()

  constructor(host: SetHost, tallies: Tallies, unsent: Unsent) {
    this.#host = host
    this.#tallies = tallies
    this.#unsent = unsent
  }

  /** begin: a member is active from `now` on. */
  begin({ name }: Pick<MemberSpec, 'name'>, now: number): void {
    this.#lastAt.set(name, now)
  }

  /** send: undefined: it has left, or it is too early to despair; else why none has for three intervals. */
  send(member: MemberSpec, sender: Sender & Secrets, priority: number, now: number): string | undefined {
    const destinations = [...destinationsOf(member, sender.router.primary)]
    const attempt = () => this.#trySend(member, sender, priority, destinations)
    this.#unsent.drop(member.name)
    const why = attempt()
    if (why === undefined) {
      this.#tallies.count('sent')
      this.#lastAt.set(member.name, now)
      return undefined
    }
    this.#tallies.count('unsent')
    const silentMs = deadMs(sender.router)
    if (priority === PRIORITY.leaving) {
      const again = () => {
        if (attempt() === undefined) this.#tallies.count('sent')
        return destinations.length === 0
      }
      // Then silence has said it.
      if (destinations.length > 0) this.#unsent.retry(member.name, again, now, now + silentMs)
      return undefined
    }
    const lastAt = this.#lastAt.get(member.name) ?? now
    return now >= lastAt + silentMs ? why : undefined
  }

  /** #trySend to all of `destinations`: those that there was no room for are left in it. Gives why not to all of them. */
  #trySend(
    member: MemberSpec,
    sender: Sender & Secrets,
    priority: number,
    destinations: Ip[],
  ): string | undefined {
    const { primary } = sender.router
    const port = this.#host.port(member)
    const mac = member.virtualMac ?? this.#host.nic(member.nic)?.mac
    if (!port || mac === undefined) return `${member.nic} is not there`
    let why: string | undefined
    for (const destination of destinations.splice(0))
      try {
        const [key] = sender.keys
        const signature = key && { key, number: this.#host.numbers.next() }
        const bytes = composeAdvert(sender, priority, destination, signature)
        if (port.send({ bytes, source: primary, destination, mac })) continue
        destinations.push(destination)
        why ??= NO_ROOM
      } catch (error) {
        why ??= (error as Error).message
      }
    return why
  }
}

const destinationsOf = ({ unicast }: MemberSpec, primary: Ip): readonly Ip[] =>
  unicast?.peers ?? [vrrpGroup[isIp4(primary) ? 4 : 6]]
