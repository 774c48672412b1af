// World: a machine in memory, with one NIC, web servers that answer, a file, and a daemon's controller that a
// test starts and kills. The network is netlink's fake, the packet path ours; nothing else is pretended.

import { setImmediate as turn } from 'node:timers/promises'
import { formatIp, parseIp, parseMac } from '../base/addresses.ts'
import type { TenbinError } from '../base/errors.ts'
import { fakeCluster } from '../cluster/fake-peers.ts'
import type { Peers } from '../cluster/peers.ts'
import { load } from '../config/load.ts'
import type { Reader } from '../config/reader.ts'
import type { DesiredState } from '../config/state.ts'
import { EventLog, memoryStore } from '../events/event-log.ts'
import type { FloodWord } from '../flood/said.ts'
import { FakeNetwork } from '../netlink/fake.ts'
import type { Link } from '../netlink/links.ts'
import type { Problem } from './api-schema.ts'
import { Controller } from './controller.ts'
import { Failover } from './failover.ts'
import { FailoverOrders } from './failover-orders.ts'
import type { SaidOfRoles } from './failover-store.ts'
import { FakeChecker } from './fake-checker.ts'
import { FakePacketPath } from './fake-packet-path.ts'
import { FakeVrrp } from './fake-vrrp.ts'
import { Flood } from './flood.ts'
import type { FloodStore } from './flood-store.ts'
import { openLog } from './log.ts'
import type { MachineMemory } from './memory.ts'
import type { OverrideStore } from './override-store.ts'
import type { Override } from './overrides.ts'
import { emptyRecord, type Record } from './record.ts'
import type { Roles } from './roles.ts'
import { Sharing } from './sharing.ts'
import type { Said, TakenBack } from './words.ts'

export const FILE = '/etc/tenbin/tenbin.yaml'

/** fileText: the text of a tenbin.yaml with `servers` servers and the listeners given. */
export const fileText = ({
  servers = 2,
  listen = '10.0.0.100:80',
  ips = '10.0.0.100/24',
  nic = 'eth0',
  more = '',
  check = 'none',
  set = '',
} = {}) => `
nodes: { lb1: 10.0.0.2, lb2: 10.0.0.3 }
interfaces: { lan: ${nic} }
addresses: { front: { on: lan, ips: [${ips}]${set} } }
servers: { web1..${servers}: 10.0.0.11..${10 + servers} }
services:
  www: { listen: [${listen}], servers: web1..${servers}, check: ${check} }
${more}`

/** FakeOverrideStore keeps overrides in memory, and fails as a test says. */
export class FakeFloodStore implements FloodStore {
  kept: readonly FloodWord[] = []
  /** refusal: writes throw this. */
  refusal: TenbinError | undefined

  read(): readonly FloodWord[] {
    return this.kept
  }

  write(words: readonly FloodWord[]): void {
    if (this.refusal) throw this.refusal
    this.kept = words
  }

  problems(): readonly Problem[] {
    return []
  }
}

export class FakeOverrideStore implements OverrideStore {
  kept: readonly Override[] = []
  /** takenBack: what other nodes must not bring back. */
  takenBack: readonly TakenBack[] = []
  /** refusal: writes throw this. */
  refusal: TenbinError | undefined
  open: readonly Problem[] = []

  read(): Said {
    return { overrides: this.kept, takenBack: this.takenBack }
  }

  write({ overrides, takenBack }: Said): void {
    if (this.refusal) throw this.refusal
    this.kept = overrides
    this.takenBack = takenBack
  }

  problems(): readonly Problem[] {
    return this.open
  }
}

export class World {
  readonly network = new FakeNetwork()
  packetPath = new FakePacketPath()
  record: Record = emptyRecord
  text = fileText()
  logged: string[] = []
  /** adopted: the files that count, or counted, for what is not the loop's. */
  readonly adopted: DesiredState[] = []
  /** Stands in for /proc/sys; a test that names settings has one. */
  sysctlRoot: string | undefined
  kept: BigUint64Array | undefined
  memory: MachineMemory = { cpus: 2, total: 2 ** 32, available: 2 ** 31, held: [] }
  readonly overrides = new FakeOverrideStore()
  readonly checker = new FakeChecker()
  readonly vrrp = new FakeVrrp()
  saidOfRoles: SaidOfRoles = { heldUntil: {} }
  /** peers: what the daemon has of other nodes; a test that has some makes them. */
  peers: Peers = fakeCluster(['lb1']).node('lb1')
  /** events: of the controller that was made last. */
  events: EventLog | undefined
  now = new Date('2024-01-02T03:04:05Z')
  monotonicMs = 1_000_000
  readonly eth0: Link
  #controller: Controller | undefined
  #failover: Failover | undefined
  /** flood: of the controller that was made last. */
  flood: Flood | undefined
  readonly floods = new FakeFloodStore()
  /** orders: commands about roles. */
  orders: FailoverOrders | undefined
  /** onTellFlows: flows are to be told, and expected, as a role moves. */
  onTellFlows: (advertMs: number) => void = () => undefined

  constructor() {
    this.eth0 = this.network.addLink({ name: 'eth0', mac: parseMac('02:00:0a:00:00:02') })
    this.address('10.0.0.2/24')
    for (const host of [11, 12, 13]) this.host(`10.0.0.${host}`, `02:00:0a:00:00:${host}`)
  }

  /** roles of the daemon. */
  get roles(): Roles {
    return this.#failover!.roles
  }

  get controller(): Controller {
    return this.#controller!
  }

  address(text: string, link = this.eth0, protocol = 0): void {
    const [address, prefix] = text.split('/')
    this.network.addAddress({
      ifindex: link.index,
      address: parseIp(address!),
      prefix: Number(prefix),
      protocol,
    })
  }

  host(address: string, mac: string | undefined, link = this.eth0): void {
    this.network.setHost(link.index, parseIp(address), mac === undefined ? undefined : parseMac(mac))
  }

  /** held: the addresses on the machine, as text. */
  get held(): string[] {
    return this.network.listAddresses().map(({ address, prefix, ifindex }) => {
      const name = this.network.getLink(ifindex)!.name
      return `${formatIp(address)}/${prefix} ${name}`
    })
  }

  make(): Controller {
    const reader: Reader = { read: () => Buffer.from(this.text), list: () => [] }
    const log = openLog({
      level: 'debug',
      pretty: false,
      colour: false,
      write: (line) => this.logged.push(line),
    })
    const now = () => this.now
    this.events = new EventLog({ store: memoryStore(), log, now })
    const failover = new Failover({
      ...{ instance: 'test', open: this.vrrp.open, peers: this.peers, events: this.events, now },
      network: this.network,
      monotonic: () => this.monotonicMs,
      hasQuorum: (service) => this.controller.health.hasQuorum(service),
      store: {
        read: () => this.saidOfRoles,
        write: (said) => {
          this.saidOfRoles = said
        },
      },
    })
    this.#failover = failover
    // nobody is told of flows that there are not
    const sharing = new Sharing({
      peers: fakeCluster(['lb1']).node('lb1'),
      packetPath: this.packetPath,
      roles: failover.roles,
      hold: (...of) => failover.hold(...of),
      clusterKeys: () => undefined,
      monotonic: () => this.monotonicMs,
    })
    this.orders = new FailoverOrders({
      ...{ failover, peers: this.peers, events: this.events },
      tellFlows: (advertMs) => {
        this.onTellFlows(advertMs)
        return Promise.resolve()
      },
    })
    this.flood = new Flood({
      ...{ now, packetPath: this.packetPath, events: this.events, self: () => this.peers.self ?? '' },
      store: this.floods,
      strays: () => 0,
      controller: () => this.controller,
    })
    this.#controller = new Controller({
      flood: this.flood,
      instance: 'test',
      file: FILE,
      load: (path) => load(path, reader),
      network: this.network,
      packetPath: this.packetPath,
      store: {
        read: () => this.record,
        write: (record) => {
          this.record = record
        },
      },
      overrides: this.overrides,
      memory: () => this.memory,
      keepKeys: (keys) => {
        this.kept = keys
      },
      log,
      events: this.events,
      notifications: { apply: () => undefined, test: () => Promise.resolve({ results: [] }) },
      elsewhere: () => [],
      now,
      monotonic: () => this.monotonicMs,
      gapMs: 0,
      settleMs: 150,
      adopted: (desired) => this.adopted.push(desired),
      openChecker: this.checker.open,
      failover,
      sharing,
      self: () => this.peers.self ?? '',
      checkerPatienceMs: 50,
      promote: (_, body) => body(),
      ...(this.sysctlRoot !== undefined && { sysctlRoot: this.sysctlRoot }),
      found: this.packetPath.found(),
    })
    return this.#controller
  }

  async start(): Promise<Controller> {
    const controller = this.make()
    await controller.start()
    return controller
  }

  /** pass lets time pass, on both clocks; then what comes with it happens. */
  pass(ms: number): void {
    this.now = new Date(this.now.getTime() + ms)
    this.monotonicMs += ms
    this.controller.sweep()
  }

  /** problemCodes: what status says is wrong. */
  async problemCodes(): Promise<string[]> {
    return (await this.controller.status()).problems.map(({ code }) => code)
  }

  /** settle lets events arrive and everything that follows from them happen. */
  async settle(): Promise<void> {
    for (let i = 0; i < 5; i++) {
      await turn()
      await this.#controller?.idle()
    }
  }

  /** kill ends the daemon without a chance to do anything. */
  kill(): void {
    this.#controller?.[Symbol.dispose]()
    this.orders?.[Symbol.dispose]()
    this.#failover?.[Symbol.dispose]()
    this.logged = []
  }
}
