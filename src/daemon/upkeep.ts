// What was applied, kept so: the packet path on its NICs, service addresses, kernel settings. The machine is read as it is,
// what differs is put right, in an order in which no address is up before its packets are handled, and looked at again;
// what was found and what was done is told. Where it cannot be put right, that is a problem, the rest is kept up all the
// same, and it is tried again, later each time. What is compared how: docs/decisions/0019-reconcile.md.

import { formatIp } from '../base/addresses.ts'
import { BackOff } from '../base/back-off.ts'
import type { Applied } from '../engine/engine.ts'
import type { EventSink } from '../events/event.ts'
import { isDefendedAlike } from '../flood/alike.ts'
import { isUsable, type Link } from '../netlink/links.ts'
import type { Network } from '../netlink/network.ts'
import type { Problem } from './api-schema.ts'
import type { Flood } from './flood.ts'
import type { Healing } from './healing.ts'
import type { Log } from './log.ts'
import { leaveOtherLinks, recordLinks } from './managed-links.ts'
import { crowdedNeighbours, neighbourRoom } from './neighbour-room.ts'
import {
  changesOf,
  defendedSpec,
  type EthernetLink,
  type Facts,
  findLink,
  forwardingNics,
  type Placement,
  specOn,
} from './placement.ts'
import type { PacketPath } from './ports.ts'
import { Problems, problem, problemsOf } from './problem.ts'
import type { RecordStore } from './record.ts'
import { type Running, wantedSysctls } from './running.ts'
import type { ServerNeighbours } from './server-neighbours.ts'
import type { ServerOrders } from './server-orders.ts'
import { ownedText, type ServiceAddresses, settleAddresses, wantedOf } from './service-addresses.ts'
import type { Sysctls } from './sysctls.ts'
import { tellApplied } from './tell.ts'

/** UpkeepOptions: what is kept up, and by what. `monotonic`: ms of a clock that nobody sets. */
export interface UpkeepOptions {
  readonly network: Network
  readonly packetPath: PacketPath
  readonly store: RecordStore
  readonly events: EventSink
  readonly log: Log
  readonly monotonic: () => number
  readonly neighbours: ServerNeighbours
  readonly orders: ServerOrders
  readonly addresses: ServiceAddresses
  readonly sysctls: Sysctls
  /** Stands in for /proc/sys. */
  readonly sysctlRoot?: string
  readonly healing: Healing
  readonly flood: Pick<Flood, 'defended' | 'adopt'>
  readonly facts: () => Facts
}

/** Kept: what runs now, and what is not as it should be. */
export interface Kept {
  readonly running: Running
  readonly problems: readonly Problem[]
}

export class Upkeep {
  readonly #options: UpkeepOptions
  #backOff = new BackOff()
  /** NICs that forward since the last apply, or would if they were there. */
  #forwards: ReadonlySet<string> = new Set()
  /** Service addresses that were on their NICs, and settings that were made: without them now is somebody's doing. */
  #addressesHeld: ReadonlySet<string> = new Set()
  #isUnrepaired: readonly Problem[] = []
  /** What of NICs, packet path and addresses was not as applied at the last look, and could not be made so. */
  #differences: readonly Problem[] = []

  constructor(options: UpkeepOptions) {
    this.#options = options
  }

  /** adopt what has just been applied: what follows from it outside the packet path. */
  adopt(running: Running, cause: string): readonly Problem[] {
    const { placement } = running
    this.#forwards = new Set([...placement.links.map(({ name }) => name), ...placement.absent])
    this.#isUnrepaired = []
    this.#backOff = new BackOff()
    const tell = (text: string) => this.#tellChanged(cause, text)
    return [
      ...this.#settleAddresses(placement, cause),
      ...this.#options.sysctls.settle(wantedSysctls(running), tell),
      ...this.#crowded(running),
    ]
  }

  /** requireWhole throws what was not as applied at the last look, and could not be made so. */
  requireWhole(): void {
    if (this.#differences.length > 0) throw new Problems('verify', this.#differences)
  }

  /** keep what runs, once. Throws where it cannot even be looked at. */
  keep(running: Running, cause: string): Kept {
    try {
      return this.#keep(running, cause)
    } catch (error) {
      this.#differences = problemsOf(error)
      throw error
    }
  }

  #keep(running: Running, cause: string): Kept {
    const { neighbours, sysctls, healing } = this.#options
    const { links, problems } = this.#present(running)
    const now = this.#repair(running, links, cause)
    neighbours.resync()
    // While nothing handles its packets, an address that is missing had better stay away.
    const isWhole = this.#isUnrepaired.length === 0
    const unsettled = isWhole ? this.#settleAddresses(now.placement, cause) : []
    this.#differences = [...problems, ...this.#isUnrepaired, ...unsettled]
    return {
      running: now,
      problems: [
        ...problems,
        ...this.#isUnrepaired,
        ...this.#doubts(links),
        ...this.#crowded(now),
        ...unsettled,
        ...sysctls.mend(wantedSysctls(now), {
          mayMend: (name) => this.#mayMend(name),
          onSet: (name, value, was) => this.#tellChanged(cause, `set ${name} to ${value}, which was ${was}`),
          onMended: (name, value, was) =>
            healing.healed(name, `somebody had set ${name} to ${was}`, `set to ${value} again`),
        }),
        ...healing.problems(),
      ],
    }
  }

  /** defend what runs by what is said of floods now: by another program where it takes one, and what is live in any case. */
  defend(running: Running): Running {
    const { flood, packetPath, neighbours, orders } = this.#options
    const { desired, placement } = running
    const spec = defendedSpec(placement.spec, flood.defended(desired))
    if (!isDefendedAlike(spec, placement.spec)) {
      packetPath.apply(spec, neighbours.view, ...orders.viewsFor(desired))
      orders.adopt(desired)
    }
    flood.adopt(desired)
    return { ...running, placement: { ...placement, spec } }
  }

  #repair(running: Running, links: readonly EthernetLink[], cause: string): Running {
    const { monotonic, network, packetPath, store, neighbours, orders, healing } = this.#options
    const spec = specOn(running.placement.spec, running.desired, links, network.listAddresses())
    const why = [...changesOf(running.placement, links, spec), ...packetPath.drift()]
    const reason = why.join('; ')
    if (why.length === 0) {
      this.#isUnrepaired = []
      return running
    }
    if (!this.#backOff.isDue(reason, monotonic())) return running
    const { nics } = running.placement
    const indexes = network.listLinks().flatMap(({ name, index }) => (nics.includes(name) ? [index] : []))
    let applied: Applied
    try {
      recordLinks(store, network, indexes)
      applied = packetPath.apply(spec, neighbours.view, ...orders.viewsFor(running.desired))
      const left = packetPath.drift()
      if (left.length > 0) throw new Unhealed(left)
    } catch (error) {
      this.#backOff.done(reason, monotonic())
      const because = error instanceof Unhealed ? [] : problemsOf(error)
      const what = error instanceof Unhealed ? error.left.join('; ') : reason
      this.#isUnrepaired = [
        problem('NOT_HEALED', `${what}: this could not be put right, and is tried again, later each time`),
        ...because,
      ]
      return running
    }
    this.#backOff.forget(reason)
    this.#isUnrepaired = []
    orders.adopt(running.desired)
    this.#options.flood.adopt(running.desired)
    leaveOtherLinks(store, network, indexes)
    if (healing.isNews(reason))
      tellApplied(this.#options, 'node.healed', applied, `applied again: ${reason}`, cause)
    return { ...running, placement: { ...running.placement, links, spec } }
  }

  /**
   * #present: the NICs that are to forward now: those of before, and any by which a server is reached since. What is not
   * there is a problem, and the others forward without it. Throws what is wrong with the last of them.
   */
  #present({ desired, placement }: Running): { links: EthernetLink[]; problems: readonly Problem[] } {
    const facts = this.#options.facts()
    const nics = new Set([...this.#forwards, ...forwardingNics(desired, placement.node, facts)])
    const links: EthernetLink[] = []
    const errors: unknown[] = []
    for (const nic of placement.nics.filter((each) => nics.has(each))) {
      try {
        links.push(findLink(nic, facts.links))
      } catch (error) {
        errors.push(error)
      }
    }
    if (links.length === 0) throw errors[0]
    this.#forwards = nics
    return { links, problems: errors.flatMap(problemsOf) }
  }

  /** #doubts: NICs that are down; and of those that are not, servers that may not be where they were. */
  #doubts(links: readonly Link[]): Problem[] {
    const usable = new Set(links.filter(isUsable).map(({ name }) => name))
    const down = links.filter(({ name }) => !usable.has(name))
    const doubts = this.#options.neighbours.doubts().filter(({ on }) => usable.has(on))
    return [
      ...down.map(({ name }) => problem('INTERFACE_DOWN', `${name} is down or has no carrier`)),
      ...doubts.map(({ server, why }) =>
        problem('SERVER_DOUBTFUL', `server ${server.name} ${formatIp(server.address)}: ${why}`),
      ),
    ]
  }

  /** #crowded: servers beside this node whom its kernel has no room for. */
  #crowded({ placement }: Running): Problem[] {
    const { facts, sysctlRoot } = this.#options
    return crowdedNeighbours(placement.spec.servers, () => facts().addresses, neighbourRoom([], sysctlRoot))
  }

  #settleAddresses(placement: Placement, cause: string): Problem[] {
    const { addresses, healing } = this.#options
    const wanted = wantedOf(placement)
    const problems = settleAddresses(addresses, wanted, (done, owned) => {
      const what = ownedText(owned)
      if (done === 'added' && this.#addressesHeld.has(what))
        healing.healed(`address ${what}`, `${what} was gone`, 'added again')
      else this.#tellChanged(cause, `${done} ${what}`)
    })
    const missing = addresses.missing(wanted)
    this.#addressesHeld = new Set(
      wanted
        .filter((each) => !missing.includes(each))
        .map(({ address, prefix, link }) =>
          ownedText({ address, prefix, ifindex: link.index, interface: link.name }),
        ),
    )
    return problems
  }

  /** #mayMend: a setting that somebody sets again and again is left to him for a while, a problem then. */
  #mayMend(name: string): boolean {
    const now = this.#options.monotonic()
    if (!this.#backOff.isDue(name, now)) return false
    this.#backOff.done(name, now)
    return true
  }

  #tellChanged(cause: string, text: string): void {
    this.#options.events.record({ kind: 'node.changed', severity: 'info', text, data: { cause } })
  }
}

/** Unhealed: it was done, and looks the same. */
class Unhealed extends Error {
  readonly left: readonly string[]

  constructor(left: readonly string[]) {
    super(left.join('; '))
    this.left = left
  }
}
