// Rehearsal: an engine on a veth pair in a namespace of its own, with a clock that a test sets, and packets of clients
// that go through the program that is attached. For kernel tests of what happens to flows over time.

import { execFileSync } from 'node:child_process'
import { type Mac, type Protocol, parseIp4, parseMac } from '../base/addresses.ts'
import {
  type Clock,
  type CountingScheduler,
  HASH_KEYS,
  type Persistence,
  TIMEOUTS,
  type Timeouts,
} from '../dataplane/shape.ts'
import { mapsOfProgram } from '../kernel/program-maps.ts'
import { programById } from '../kernel/query.ts'
import { testRun } from '../kernel/test-run.ts'
import { KernelNetwork } from '../netlink/kernel-network.ts'
import { jiffiesPerSecond } from '../sys/clock.ts'
import { NetworkNamespace } from '../sys/namespace.ts'
import type { Layer } from '../wire/layer.ts'
import { ether, ipv4, packet, tcp, udp } from '../wire/packet.ts'
import { tcpFlag } from '../wire/tcp.ts'
import type { DefenceSpec, ServiceDefence } from './defence-spec.ts'
import { type EngineSpec, LIMITS, type Neighbour, type Views } from './engine.ts'
import { downXdp } from './hook.ts'
import { openXdpEngine, type XdpEngine } from './xdp.ts'

/** Where every client sends to; port 80 of TCP and 53 of UDP. */
export const SERVICE = parseIp4('10.0.0.100')
export const CLIENT = parseIp4('10.0.0.50')
const keys = BigUint64Array.from({ length: HASH_KEYS }, (_, i) => 0x9e3779b97f4a7c15n * BigInt(2 * i + 1))

/** Plan of a rehearsal: servers by number, and how flows are remembered. */
export interface Cast {
  readonly servers: readonly number[]
  readonly track?: 'none' | 'changes' | 'all'
  readonly onFailure?: 'keep' | 'reset'
  readonly timeouts?: Timeouts
  readonly flows?: number
  readonly pool?: string
  readonly persistence?: Persistence
  /** Who picks the servers of new flows, if not their slots. */
  readonly scheduler?: CountingScheduler
  /** What services are defended by, and what is said of `www`. */
  readonly defence?: DefenceSpec
  readonly ofWww?: ServiceDefence
  /** More services than `www` and `dns`. */
  readonly more?: number
  /** Of servers, in order; 10 each. */
  readonly weights?: readonly number[]
  /** Packets leave word of records that they make, for other nodes. */
  readonly isTold?: boolean
}

export const nameOf = (server: number): string => `web${String(server).padStart(2, '0')}`
export const macOf = (server: number): Mac =>
  parseMac(`02:00:00:00:01:${server.toString(16).padStart(2, '0')}`)
const serverOf = new Map(Array.from({ length: 200 }, (_, server) => [macOf(server) as string, server]))

/** Kind of a packet: what of a TCP flow, or UDP. */
export type Kind = 'syn' | 'ack' | 'fin' | 'udp'
/** Piece of a datagram: the first fragment, which has its ports, or one behind it. */
export type Piece = 'first' | 'later'
const IPPROTO_UDP = 17
const FLAGS = { syn: tcpFlag.SYN, ack: tcpFlag.ACK, fin: tcpFlag.FIN | tcpFlag.ACK } as const

export class Rehearsal implements Disposable {
  readonly instance: string
  /** The namespace made for it, and the one to go back to. */
  readonly #made: { readonly home: NetworkNamespace; readonly namespace: NetworkNamespace } | undefined
  readonly #clock: Clock['source']
  readonly #hz = jiffiesPerSecond()
  #engine: XdpEngine
  /** Seconds since it began. */
  #seconds = 0

  /**
   * `where`: in a namespace of its own, or here, where another rehearsal made one. `clock`: `word` is set by pass(), and
   * `jiffies` go by.
   */
  constructor(instance: string, where: 'apart' | 'here' = 'apart', clock: Clock['source'] = 'word') {
    this.instance = instance
    this.#clock = clock
    if (where === 'apart') {
      this.#made = { home: NetworkNamespace.current(), namespace: NetworkNamespace.create() }
      this.#made.namespace.enter()
      execFileSync('ip', 'link add eth0 type veth peer name peer0'.split(' '))
      execFileSync('ip', 'link set eth0 up'.split(' '))
    }
    this.#engine = this.#open()
  }

  /** within its namespace, where another rehearsal has been made since. */
  within<Result>(use: (rehearsal: this) => Result): Result {
    this.#made?.namespace.enter()
    return use(this)
  }

  get engine(): XdpEngine {
    return this.#engine
  }

  #open(): XdpEngine {
    const options = { instance: this.instance, keys, clock: this.#clock }
    return openXdpEngine(this.#clock === 'word' ? { ...options, now: () => this.#seconds * 1_000 } : options)
  }

  /** restart: the daemon dies, and another takes its place. */
  restart(): XdpEngine {
    this.#engine[Symbol.dispose]()
    this.#engine = this.#open()
    return this.#engine
  }

  spec({
    servers,
    track = 'changes',
    onFailure = 'keep',
    timeouts = TIMEOUTS,
    flows = 4_096,
    pool = 'web',
    persistence,
    scheduler,
    weights = [],
    defence,
    ofWww,
    more = 0,
    isTold = false,
  }: Cast): EngineSpec {
    using network = new KernelNetwork()
    const { index, mac, mtu } = network.getLink('eth0')!
    const does = {
      ...({ pool, track, onFailure, hash: 'flow', timeouts } as const),
      ...(scheduler && { scheduler }),
      ...(persistence && { persistence, track: 'all' as const }),
    }
    return {
      interfaces: [{ name: 'eth0', index, mac: mac!, mtu }],
      services: [
        {
          name: 'www',
          ...does,
          listeners: [{ address: SERVICE, port: 80, protocol: 'tcp' }],
          ...(ofWww && { defence: ofWww }),
        },
        { name: 'dns', ...does, listeners: [{ address: SERVICE, port: 53, protocol: 'udp' }] },
        ...Array.from({ length: more }, (_, i) => ({
          name: `more${i}`,
          ...does,
          listeners: [{ address: SERVICE, port: 1_000 + i, protocol: 'tcp' as const }],
        })),
      ],
      pools: [
        {
          name: pool,
          members: servers.map((server, i) => ({ server: nameOf(server), weight: weights[i] ?? 10 })),
        },
      ],
      servers: servers.map((server) => ({
        name: nameOf(server),
        address: parseIp4(`10.0.0.${100 + server}`),
      })),
      limits: { ...LIMITS, flows, newFlows: 1_000_000 },
      ...(defence && { defence }),
      ...(isTold && { isTold }),
    }
  }

  apply(cast: Cast, views?: Views) {
    const neighbours = new Map<string, Neighbour>(
      cast.servers.map((server) => [nameOf(server), { mac: macOf(server), on: 'eth0' }]),
    )
    return this.#engine.apply(this.spec(cast), neighbours, views)
  }

  /** pass so many seconds, for the packet path as for the engine, which ticks once a minute and at the end. */
  pass(seconds: number): void {
    for (let left = seconds; left > 0; left -= 60) {
      const step = Math.min(60, left)
      this.#seconds += step
      this.#withMaps((maps) => {
        const word = new BigUint64Array(maps.get('clock')!.memory, 0, 1)
        word[0]! += BigInt(Math.round(step * this.#hz))
      })
      this.#engine.tick()
    }
  }

  /** setClock of the packet path: jiffies. */
  setJiffies(jiffies: bigint): void {
    this.#withMaps((maps) => {
      new BigUint64Array(maps.get('clock')!.memory, 0, 1)[0] = jiffies
    })
  }

  /** spoil the memory of a map of what is attached. */
  spoil(map: string, change: (bytes: Uint8Array) => void): void {
    this.#withMaps((maps) => change(new Uint8Array(maps.get(map)!.memory)))
  }

  /** words of the slots now: a copy. */
  words(): Uint32Array {
    return this.#withMaps((maps) => new Uint32Array(maps.get('slots')!.memory).slice())
  }

  /** mapId of one of the maps of what is attached. */
  mapId(name: string): number {
    return this.#withMaps((maps) => maps.get(name)!.info.id)
  }

  /** send a packet of a client's port: the server that gets it, `reset` when the client is answered, or `drop`. */
  send(kind: Kind, port: number, client = CLIENT): number | 'reset' | 'drop' {
    const protocol: Protocol = kind === 'udp' ? 'udp' : 'tcp'
    const ports = { source: port, destination: protocol === 'udp' ? 53 : 80 }
    return this.#run(
      ipv4({ source: client, destination: SERVICE }),
      kind === 'udp' ? udp(ports) : tcp({ ...ports, flags: FLAGS[kind] }),
    )
  }

  /** sendPiece of a datagram of a client's port, which has a number. */
  sendPiece(piece: Piece, port: number, identification: number): number | 'reset' | 'drop' {
    const addresses = { source: CLIENT, destination: SERVICE, identification, protocol: IPPROTO_UDP }
    return piece === 'first'
      ? this.#run(ipv4({ ...addresses, moreFragments: true }), udp({ source: port, destination: 53 }))
      : this.#run(ipv4({ ...addresses, fragmentOffset: 64 }), new Uint8Array(64))
  }

  #run(...layers: readonly Layer[]): number | 'reset' | 'drop' {
    using network = new KernelNetwork()
    const link = network.getLink('eth0')!
    using program = programById(link.xdp[0]!.programId)!
    const source = parseMac('02:00:00:00:00:fe')
    const frame = packet(ether({ destination: link.mac!, source }), ...layers)
    const { verdict, packet: out } = testRun(program, { packet: frame })
    if (verdict !== 3) return 'drop'
    const to = [...out.subarray(0, 6)].map((octet) => octet.toString(16).padStart(2, '0')).join(':')
    return to === source ? 'reset' : serverOf.get(to)!
  }

  /** all of these ports send: the server of each. */
  sendAll(kind: Kind, ports: Iterable<number>): Map<number, number | 'reset' | 'drop'> {
    return new Map([...ports].map((port) => [port, this.send(kind, port)]))
  }

  #withMaps<Result>(use: (maps: ReturnType<typeof mapsOfProgram>) => Result): Result {
    using network = new KernelNetwork()
    using program = programById(network.getLink('eth0')!.xdp[0]!.programId)!
    const maps = mapsOfProgram(program)
    try {
      return use(maps)
    } finally {
      for (const map of maps.values()) map[Symbol.dispose]()
    }
  }

  [Symbol.dispose](): void {
    this.#engine[Symbol.dispose]()
    if (!this.#made) return
    const { home, namespace } = this.#made
    downXdp(this.instance)
    home.enter()
    namespace[Symbol.dispose]()
    home[Symbol.dispose]()
  }
}
