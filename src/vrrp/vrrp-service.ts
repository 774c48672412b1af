// The address sets of a node as a service: runs what main orders, with main or without, and tells what changes. Its idea:
// one alarm for whatever is due first; before time passes for a set, all that has come in is handed to it (event.ts), since
// an advert that waits unread is no silence. What it was told is kept, so that its next start goes on. Left out: the talk
// with main (vrrp-server.ts), what the process is (vrrp-process.ts).

import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { formatIp } from '../base/addresses.ts'
import { Alarm, bootMs } from '../sys/alarm.ts'
import type { Reactor } from '../sys/reactor.ts'
import { AddressSet } from './address-set.ts'
import { FrameSocket } from './advert-port.ts'
import { PACKET_PATH } from './fitness-watch.ts'
import { membersOf } from './members.ts'
import { type Arrived, isPortOf, NicTable } from './nic-table.ts'
import { Orders } from './orders.ts'
import type { FindingTold, RoleChange, SetStatus, ToVrrp } from './protocol.ts'
import { vridOf } from './receive.ts'
import { rehearse } from './rehearsal.ts'
import { RtnlClient } from './rtnl-client.ts'
import type { FromRtnl, Watched } from './rtnl-protocol.ts'
import { isSameSet } from './same-set.ts'
import type { SetHost } from './set-host.ts'
import type { VrrpSpec } from './spec.ts'
import { openTracker, type See } from './trackers.ts'
import { TrailerNumbers } from './trailer-numbers.ts'
import { macvlanRecord } from './virtual-macs.ts'

/** VrrpServiceOptions: `kept` and `counter` are paths. */
export interface VrrpServiceOptions {
  readonly reactor: Reactor
  readonly kept: string
  readonly counter: string
  readonly onRole: (change: RoleChange) => void
  readonly onFinding: (told: FindingTold) => void
  /** onOther: this process cannot go on with what is installed now, and is to be replaced: why. */
  readonly onOther: (why: string) => void
  readonly log: (text: string) => void
}

/** PATH_EVERY_MS: how often the packet path is asked. */
const PATH_EVERY_MS = 200
/** LEAVING_MS: how often it is looked whether all have left. */
const LEAVING_MS = 5
/** SECRETS_EVERY_MS: how often files of secrets are looked at. */
const SECRETS_EVERY_MS = 5000
/**
 * OTHERS_MS: so long a backup waits for the node that was active, when its set is another one (VRID, version, NICs): a change
 * of all nodes reaches the active one last, and until then its adverts are of another virtual router.
 */
const OTHERS_MS = 10_000

export class VrrpService implements Disposable {
  readonly #options: VrrpServiceOptions
  readonly #rtnl: RtnlClient
  readonly #frames = new FrameSocket()
  readonly #nics: NicTable
  readonly #alarm: Alarm
  readonly #numbers: TrailerNumbers
  readonly #timers: readonly NodeJS.Timeout[]
  readonly #orders: Orders
  readonly #host: SetHost
  #sets: readonly AddressSet[] = []
  /** By set, rule and thing. */
  #trackers = new Map<string, Disposable>()
  #isLeaving = false
  /** Why NICs could not be read. */
  #blind: string | undefined

  /** Goes on with what an earlier process was told, when what that left is taken away. Throws SyscallError. */
  constructor(options: VrrpServiceOptions) {
    const { reactor, kept, log } = options
    this.#options = options
    this.#orders = new Orders(kept)
    this.#numbers = new TrailerNumbers(options.counter)
    const onReady = () => this.#wake()
    this.#nics = new NicTable({ reactor, frames: this.#frames, onReady })
    this.#alarm = new Alarm(reactor, onReady)
    const rtnl = new RtnlClient(
      {
        record: macvlanRecord(kept),
        onBegan: (texts) => {
          for (const text of texts) log(text)
          this.#wake()
          this.#each((set) => set.addressesGone())
        },
        onViews: (views, watched) => {
          this.#blind = undefined
          this.#nics.saw(views, watched)
          this.#each((set) => set.networkChanged())
        },
        onBlind: (why) => {
          this.#blind = why
        },
        // Who overslept has no right to them any more.
        onGone: (name) => {
          this.#wake()
          this.#each((set) => set.addressesGone(), name)
        },
        onSeen: (seen) => this.#seePacketPath(seen),
        onOther: options.onOther,
        log,
      },
      watchedOf(this.#orders.spec),
    )
    this.#rtnl = rtnl
    this.#host = {
      rtnl: {
        hold: (order, done) =>
          rtnl.hold(order, (how) => {
            this.#wake()
            done(how)
            this.#setAlarm()
          }),
        release: (set) => rtnl.release(set),
        clear: (members) => rtnl.clear(members),
      },
      now: bootMs,
      isKnown: (name) => this.#nics.isKnown(name),
      nic: (name) => this.#nics.nic(name),
      port: (member) => this.#nics.port(member),
      sendFrame: (frame, ifindex) => this.#frames.send(frame, ifindex),
      isRouter,
      numbers: this.#numbers,
      onRole: options.onRole,
      onFinding: options.onFinding,
    }
    this.#timers = [
      setInterval(() => {
        if (!rtnl.look(this.#pathNics)) rtnl.miss()
      }, PATH_EVERY_MS),
      setInterval(() => this.#each((set) => set.checkSecrets()), SECRETS_EVERY_MS),
    ]
    this.#rehearse()
    this.#run(this.#orders.spec)
  }

  /** obey main; nothing follows when all roles are being given up. */
  obey(message: Exclude<ToVrrp, { kind: 'stop' }>): void {
    if (this.#isLeaving) return
    switch (message.kind) {
      case 'spec':
        this.#orders.respec(message.spec)
        this.#run(message.spec)
        return
      case 'order':
        this.#order(message)
        return
      case 'tracked':
        this.#orders.track(message.name, message.isUp)
        this.#each((set) => this.#seeService(set, message.name))
        return
      case 'hold':
        this.#orders.hold(message.set, message.ms > 0 ? bootMs() + message.ms : 0)
        this.#each((set) => set.holdUntil(this.#orders.heldUntil(set.spec.name)), message.set)
        return
      default:
        message satisfies never
    }
  }

  status(): readonly SetStatus[] {
    return this.#sets.map((set) => set.status())
  }

  /** problems: of the process itself. */
  problems(): string[] {
    const { unkept } = this.#orders
    const { problem } = this.#rtnl
    return [
      ...(problem === undefined ? [] : [problem]),
      ...(unkept === undefined ? [] : [`what main ordered cannot be kept: ${unkept}`]),
      ...(this.#blind === undefined ? [] : [`the network cannot be read: ${this.#blind}`]),
    ]
  }

  /** end: all roles are given up, with priority 0; resolves when others have them, or should have, and nothing is held. */
  async end(): Promise<void> {
    this.#isLeaving = true
    this.#each((set) => set.leave('it was told to end'))
    while (this.#sets.some((set) => set.isLingering)) await delay(LEAVING_MS)
    this.#close()
    await this.#rtnl.end()
  }

  /** Dispose: all roles are given up, with priority 0. */
  [Symbol.dispose](): void {
    this.#close()
    this.#rtnl[Symbol.dispose]()
  }

  /** #rehearse while the rtnl process starts, which takes longer. Nothing ends of it. */
  #rehearse(): void {
    try {
      rehearse({ frames: this.#frames, isRouter })
    } catch (error) {
      this.#options.log(`a takeover could not be rehearsed, and may take longer: ${(error as Error).message}`)
    }
  }

  #close(): void {
    for (const timer of this.#timers) clearInterval(timer)
    for (const tracker of this.#trackers.values()) tracker[Symbol.dispose]()
    for (const set of this.#sets) set[Symbol.dispose]()
    this.#sets = []
    this.#alarm[Symbol.dispose]()
    this.#nics[Symbol.dispose]()
    this.#frames[Symbol.dispose]()
  }

  /** #run these sets from now on: others end first, so that what they hold is free. */
  #run(spec: VrrpSpec): void {
    const withPath = spec.packetPath !== undefined
    const before = this.#sets
    const going = before.filter((set) => spec.sets.some((each) => isSameSet(each, set.spec)))
    const roles = new Map(before.map((set) => [set.spec.name, set.status().role]))
    for (const set of before)
      if (!going.includes(set)) set.end(spec.sets.find(({ name }) => name === set.spec.name))
    const kept = new Map(spec.sets.map((each) => [each, going.find((set) => isSameSet(set.spec, each))]))
    this.#rtnl.watch(watchedOf(spec))
    this.#nics.follow(spec.sets.flatMap(membersOf))
    this.#sets = spec.sets.map((each) => {
      const was = roles.get(each.name)
      const patienceMs = was === 'backup' ? OTHERS_MS : 0
      return kept.get(each) ?? new AddressSet(each, withPath, this.#host, { was, patienceMs })
    })
    for (const [index, set] of this.#sets.entries()) {
      set.maintain(this.#orders.isMaintained(set.spec.name))
      if (going.includes(set)) set.change(spec.sets[index]!, withPath)
      else set.holdUntil(this.#orders.heldUntil(set.spec.name))
      for (const name of this.#orders.services) this.#seeService(set, name)
    }
    this.#track(spec)
    this.#rtnl.look(this.#pathNics)
    this.#each((set) => set.networkChanged())
    this.#setAlarm()
  }

  /** #track: trackers of things that are asked for still go on. */
  #track({ sets }: VrrpSpec): void {
    const before = this.#trackers
    this.#trackers = new Map()
    for (const { name: set, track } of sets)
      for (const { name, thing } of track) {
        const key = JSON.stringify([set, name, thing])
        const see: See = (isUp, text) => this.#each((each) => each.see(name, isUp, text), set)
        this.#trackers.set(key, before.get(key) ?? openTracker(thing, this.#options.reactor, see))
      }
    for (const [key, tracker] of before) if (!this.#trackers.has(key)) tracker[Symbol.dispose]()
  }

  #order({ set, order, holdMs }: Extract<ToVrrp, { kind: 'order' }>): void {
    if (order === 'yield') {
      this.#each((each) => each.yieldRole('an operator has it moved', holdMs), set)
      return
    }
    if (order === 'defer') {
      this.#each((each) => each.deferFor(holdMs), set)
      return
    }
    const isMaintained = order === 'maintenance'
    this.#orders.maintain(set, isMaintained)
    this.#each((each) => each.maintain(isMaintained), set)
  }

  #seeService(set: AddressSet, name: string): void {
    const isUp = this.#orders.isUp(name)
    const isService = set.spec.track.some((each) => each.name === name && each.thing.kind === 'service')
    if (isService && isUp !== undefined)
      set.see(name, isUp, isUp ? 'it has its quorum' : 'it is below its quorum')
  }

  /** #pathNics: on which the packet path is to be. */
  get #pathNics(): string[] {
    if (this.#orders.spec.packetPath === undefined) return []
    return [...new Set(this.#sets.flatMap(({ members }) => members.map(({ nic }) => nic)))]
  }

  #seePacketPath(seen: Extract<FromRtnl, { kind: 'looked' }>['seen']): void {
    for (const set of this.#sets) {
      const [worst] = seen
        .filter(({ nic }) => set.members.some((member) => member.nic === nic))
        .toSorted((a, b) => Number(a.isUp) - Number(b.isUp))
      if (worst) set.see(PACKET_PATH, worst.isUp, worst.text)
    }
    this.#setAlarm()
  }

  /** #wake: something has come in, or the alarm has gone off: first what came in, then time. */
  #wake(): void {
    for (const arrived of this.#nics.read()) this.#receive(arrived)
    const now = bootMs()
    for (const set of this.#sets) if ((set.nextAt() ?? Number.POSITIVE_INFINITY) <= now) set.tick()
    this.#setAlarm()
  }

  #receive({ port, packet }: Arrived): void {
    const vrid = vridOf(packet.bytes)
    const here = this.#sets.flatMap((set) =>
      set.members.flatMap((member) => (isPortOf(port, member) ? [{ set, member }] : [])),
    )
    const meant = here.filter(({ set }) => set.spec.vrid === vrid)
    // Others on the link have VRIDs of their own; a peer that was named should have ours.
    const mistaken = here.filter(({ member }) => member.unicast?.peers.includes(packet.source))
    for (const { set, member } of meant.length > 0 ? meant : mistaken) set.receive(member, packet)
  }

  #each(work: (set: AddressSet) => void, name?: string): void {
    for (const set of this.#sets) if (name === undefined || set.spec.name === name) work(set)
    this.#setAlarm()
  }

  #setAlarm(): void {
    const times = this.#sets.map((set) => set.nextAt()).filter((at) => at !== undefined)
    this.#alarm.set(times.length === 0 ? undefined : Math.min(...times))
  }
}

/** watchedOf a spec: NICs of members, and those that are tracked. */
function watchedOf({ sets, packetPath }: VrrpSpec): Watched {
  const members = sets.flatMap(membersOf)
  const others = sets.flatMap(({ track }) =>
    track.flatMap(({ thing }) => (thing.kind === 'link' ? [thing.nic] : [])),
  )
  return {
    nics: [...new Set([...members.map(({ nic }) => nic), ...others])],
    moving: members.flatMap(({ addresses }) => addresses.map(({ ip }) => formatIp(ip))),
    ...(packetPath && { packetPath: packetPath.instance }),
  }
}

/** isRouter: the Router flag is what the kernel says of itself (net/ipv6/ndisc.c). */
function isRouter(nic: string): boolean {
  try {
    return readFileSync(`/proc/sys/net/ipv6/conf/${nic}/forwarding`, 'latin1').trim() === '1'
  } catch {
    return false
  }
}
