// An address set on a fake kernel and a clock of the test's. Whoever uses it removes `folder` at its end.

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatIp, type Ip, parseIp, parseMac } from '../base/addresses.ts'
import { FakeNetwork } from '../netlink/fake.ts'
import { AddressSet, type Before } from './address-set.ts'
import type { Outgoing } from './advert-port.ts'
import { composeAdvert } from './compose.ts'
import { membersOf, routerOf } from './members.ts'
import { viewNic } from './nic-view.ts'
import type { RoleChange } from './protocol.ts'
import { type Held, type HoldOrder, howOf } from './rtnl-client.ts'
import { toMember } from './rtnl-protocol.ts'
import { RtnlWork } from './rtnl-work.ts'
import type { SetHost } from './set-host.ts'
import { setSpec } from './spec.fixture.ts'
import type { NetworkSpec, SetSpec } from './spec.ts'
import { TrailerNumbers } from './trailer-numbers.ts'

/** folder of what a set keeps. */
export const folder = mkdtempSync(join(tmpdir(), 'tenbin-set-'))

export const US = parseIp('10.0.0.2')
export const PEER = parseIp('10.0.0.3')
export const INTERVAL = 100
/** Active_Down_Interval at priority 100: 3 intervals and 156/256 of one. */
export const DOWN = 361

/** SetWorld: a set, and what is around it. */
export class SetWorld {
  readonly network = new FakeNetwork()
  readonly sent: Outgoing[] = []
  readonly roles: RoleChange[] = []
  readonly announced: Uint8Array[] = []
  now = 1_000_000
  portFails: string | undefined
  unreachable: Ip | undefined
  /** The kernel has no room, for so many packets less than it is asked to send. */
  room = Number.POSITIVE_INFINITY
  readonly link = this.network.addLink({ name: 'eth0', mac: parseMac('02:00:0a:00:00:02') })
  readonly spec: SetSpec
  readonly set: AddressSet
  /** What the rtnl process has to do yet. */
  #orders: (() => void)[] = []
  #isAbsent: boolean
  /** It does nothing. */
  isRtnlStuck = false
  /** What it says to all that it is asked to hold, without doing it. */
  rtnlSays: Held | undefined

  constructor(
    more: Partial<SetSpec> = {},
    before: Before = {},
    {
      counter = join(folder, 'counter'),
      network = {},
      isAbsent = false,
    }: { counter?: string; network?: Partial<NetworkSpec>; isAbsent?: boolean } = {},
  ) {
    this.#isAbsent = isAbsent
    this.network.addAddress({ ifindex: this.link.index, address: US, prefix: 24, protocol: 0 })
    this.spec = setSpec(more, network)
    const moving = new Set(membersOf(this.spec).flatMap(({ addresses }) => addresses.map(({ ip }) => ip)))
    const port = {
      send: (outgoing: Outgoing) => {
        if (this.portFails !== undefined) throw new Error(this.portFails)
        if (outgoing.destination === this.unreachable) throw new Error('no way there')
        return this.room-- > 0 && this.sent.push(outgoing) > 0
      },
    }
    const work = new RtnlWork({
      ...{ network: this.network, links: { request: () => [], dump: () => [] } },
      ...{ record: '/nowhere/macvlans', now: () => this.now },
    })
    const later = (order: () => void) => void this.#orders.push(order)
    const host: SetHost = {
      rtnl: {
        hold: ({ members, routes, ...order }: HoldOrder, done: (how: Held) => void) =>
          later(() => {
            if (this.rtnlSays) return done(this.rtnlSays)
            const said = { members: members.map(toMember), routes: [...routes] }
            done(howOf(work.hold({ kind: 'hold', id: 0, ...order, ...said })))
          }),
        release: (set) => later(() => work.release(set)),
        clear: (members) => later(() => work.clear(members.map(toMember))),
      },
      isKnown: () => true,
      now: () => this.now,
      nic: (name) => (this.#isAbsent ? undefined : viewNic(this.network, name, moving)),
      port: () => port,
      sendFrame: (frame) => this.room-- > 0 && this.announced.push(frame) > 0,
      isRouter: () => false,
      numbers: new TrailerNumbers(counter),
      onRole: (change) => this.roles.push(change),
      onFinding: () => {},
    }
    this.set = new AddressSet(this.spec, false, host, before)
    this.set.networkChanged()
  }

  /** appear: its NIC is there. */
  appear(): void {
    this.#isAbsent = false
    this.set.networkChanged()
  }

  /** settle: the rtnl process does what it was told. */
  settle(): void {
    if (this.isRtnlStuck) return
    if (this.rtnlSays) {
      // What is asked for anew waits its turn.
      for (const order of this.#orders.splice(0)) order()
      return
    }
    for (let order = this.#orders.shift(); order; order = this.#orders.shift()) order()
  }

  /** pass time, with each tick when it is due. */
  pass(ms: number): void {
    const end = this.now + ms
    this.settle()
    for (let at = this.set.nextAt(); at !== undefined && at <= end; at = this.set.nextAt()) {
      this.now = Math.max(this.now, at)
      this.set.tick()
      this.settle()
    }
    this.now = end
  }

  hear(priority: number): void {
    const [member] = this.set.members
    const router = routerOf(this.spec, member!, priority, PEER)
    const destination = parseIp('224.0.0.18')
    const sender = { router, form: this.spec.checksum, password: undefined }
    const bytes = composeAdvert(sender, priority, destination)
    this.set.receive(member!, { source: PEER, destination, ttl: 255, bytes })
    this.settle()
  }

  get held(): string[] {
    this.settle()
    return this.network
      .listAddresses(this.link.index)
      .flatMap(({ address, lifetime }) =>
        lifetime ? [`${formatIp(address as Ip)} ${lifetime.validS}s`] : [],
      )
  }

  get priorities(): (number | undefined)[] {
    return this.sent.map(({ bytes }) => bytes[2])
  }

  get last(): string {
    const { to, why } = this.roles.at(-1)!
    return `${to}: ${why.name}`
  }
}
