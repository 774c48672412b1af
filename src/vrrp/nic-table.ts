// The NICs of all address sets, as they were seen last, and a port for adverts on each where members ask for it. Its idea:
// sets share ports; a port whose NIC went and came back is opened anew, one that could not be opened is tried again when
// something has changed. Left out: who looks at NICs (rtnl-process.ts).

import type { IpPacket } from '../sys/ip-socket.ts'
import type { Reactor } from '../sys/reactor.ts'
import { SyscallError } from '../sys/syscall.ts'
import { type Hearing, hearingOf } from './advert-filter.ts'
import { AdvertPort, type FrameSocket } from './advert-port.ts'
import type { MemberSpec } from './members.ts'
import type { NicView } from './nic-view.ts'

/** PortKey: which port a member uses. */
type PortKey = string
const portOf = ({ nic, family, unicast }: MemberSpec): PortKey =>
  `${nic} ${family} ${unicast === undefined ? 'group' : unicast.self}`

/** Arrived: a packet, and the port that it came in by (`isPortOf`). */
export interface Arrived {
  readonly port: PortKey
  readonly packet: IpPacket
}
export const isPortOf = (port: PortKey, member: MemberSpec): boolean => portOf(member) === port

interface OpenPort {
  readonly port: AdvertPort
  readonly ifindex: number
}

export interface NicTableOptions {
  readonly reactor: Reactor
  readonly frames: FrameSocket
  /** onReady: something is there to read. */
  readonly onReady: () => void
}

export class NicTable implements Disposable {
  readonly #options: NicTableOptions
  #members: readonly MemberSpec[] = []
  #views: ReadonlyMap<string, NicView> = new Map()
  #known: ReadonlySet<string> = new Set()
  readonly #ports = new Map<PortKey, OpenPort>()

  constructor(options: NicTableOptions) {
    this.#options = options
  }

  /** follow these members from now on. */
  follow(members: readonly MemberSpec[]): void {
    this.#members = members
    this.#openPorts()
    for (const [key, { port }] of this.#ports) this.#attempt(key, () => port.hear(this.#hearing(key)))
  }

  /** saw: the NICs that are there, of those that were looked at. Ports that could not be opened are tried again. */
  saw(views: readonly NicView[], known: readonly string[]): void {
    this.#views = new Map(views.map((view) => [view.name, view]))
    this.#known = new Set(known)
    this.#openPorts()
  }

  isKnown(name: string): boolean {
    return this.#known.has(name)
  }

  nic(name: string): NicView | undefined {
    return this.#views.get(name)
  }

  port(member: MemberSpec): AdvertPort | undefined {
    return this.#ports.get(portOf(member))?.port
  }

  /** read what has come in by all ports, up to a bound. */
  read(): Arrived[] {
    return [...this.#ports].flatMap(([port, open]) => open.port.read().map((packet) => ({ port, packet })))
  }

  [Symbol.dispose](): void {
    for (const { port } of this.#ports.values()) port[Symbol.dispose]()
    this.#ports.clear()
  }

  #openPorts(): void {
    const wanted = new Map(this.#members.map((member) => [portOf(member), member]))
    for (const [key, { port, ifindex }] of this.#ports) {
      const nic = wanted.get(key)?.nic
      if (nic !== undefined && this.#views.get(nic)?.index === ifindex) continue
      port[Symbol.dispose]()
      this.#ports.delete(key)
    }
    for (const [key, member] of wanted) if (!this.#ports.has(key)) this.#open(key, member)
  }

  #open(key: PortKey, { nic, family, unicast }: MemberSpec): void {
    const view = this.#views.get(nic)
    if (!view) return
    const options = { ...this.#options, nic: view, family, self: unicast?.self, hearing: this.#hearing(key) }
    this.#attempt(key, () => this.#ports.set(key, { port: new AdvertPort(options), ifindex: view.index }))
  }

  #hearing(key: PortKey): Hearing {
    return hearingOf(this.#members.filter((member) => portOf(member) === key))
  }

  /** #attempt: a port that fails is not there: it went just now, this node does not have the address yet, or has no memory. */
  #attempt(key: PortKey, work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error
      this.#ports.delete(key)
    }
  }
}
