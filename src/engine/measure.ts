// What one packet costs in the packet path, measured in this kernel without a network: wrapper programs that give
// each run another flow, one with the packet path in it and one with an empty subject, run in turn. Maps are of
// their own: what is attached is neither used nor disturbed.

import { isIp4, parseMac } from '../base/addresses.ts'
import type { MapSpec } from '../bpf/program.ts'
import type { BuiltFunction } from '../bpf/xdp.ts'
import { layoutOf } from '../dataplane/fill.ts'
import { type EventName, eventNames, outcomeNames } from '../dataplane/outcomes.ts'
import { packetPath } from '../dataplane/packet-path.ts'
import type { Shape, Tables } from '../dataplane/shape.ts'
import {
  emptySubject,
  fillListeners,
  referenceSubject,
  wrapped,
  wrapperMemory,
} from '../dataplane/wrapper.ts'
import { BpfMap } from '../kernel/map.ts'
import { type BpfProgram, loadProgram } from '../kernel/program.ts'
import { runLive, testRun } from '../kernel/test-run.ts'
import { ether, ipv4, ipv6, packet, tcp, udp } from '../wire/packet.ts'
import { tcpFlag } from '../wire/tcp.ts'
import { GenerationMaps } from './generation-maps.ts'

/** Subject: what the wrapper calls. */
export type Subject = 'empty' | 'reference' | 'path'

const TX = 3

/** CostMeter: the programs and maps of one measurement. Owned: dispose it. */
export class CostMeter implements Disposable {
  readonly #shape: Shape
  readonly #layout: ReturnType<typeof layoutOf>
  readonly #owned: Disposable[] = []
  readonly #maps: GenerationMaps
  readonly #words: BigUint64Array
  readonly #programs: Readonly<Record<Subject, BpfProgram>>

  constructor(shape: Shape, tables: Tables) {
    this.#shape = shape
    this.#layout = layoutOf(shape, tables.keys)
    const memory = wrapperMemory(shape.listeners.length)
    const wrap = (subject: BuiltFunction) => wrapped(shape, memory, subject).spec
    const specs = {
      empty: wrap(emptySubject()),
      reference: wrap(referenceSubject()),
      path: wrap(packetPath(shape, this.#layout.memory)),
    }
    const isWrappers = ({ name }: MapSpec) => name === memory.name
    try {
      const own = specs.path.maps.filter((map) => !isWrappers(map))
      this.#maps = this.#own(GenerationMaps.create(own, this.#layout, shape, tables))
      const wrapper = this.#own(BpfMap.create(specs.path.maps.find(isWrappers)!))
      this.#words = new BigUint64Array(wrapper.memory, 0, Math.floor(wrapper.memory.byteLength / 8))
      fillListeners(memory, shape, new DataView(wrapper.memory))
      const maps = new Map([...this.#maps.all, [memory.name, wrapper]])
      const load = (subject: Subject) => this.#own(loadProgram(specs[subject], maps).program)
      this.#programs = { empty: load('empty'), reference: load('reference'), path: load('path') }
    } catch (error) {
      this[Symbol.dispose]()
      throw error
    }
  }

  /**
   * run the subject on `packets` packets of `flows` flows (a power of two) and give the nanoseconds a packet, the
   * wrapper included, with how many were answered XDP_TX.
   */
  run(
    subject: Subject,
    packets: number,
    flows: number,
    flags: number = tcpFlag.ACK,
  ): { readonly ns: number; readonly tx: number } {
    this.#words.fill(0n, 0, 10)
    this.#words[1] = BigInt(flows - 1)
    const { durationNs } = testRun(this.#programs[subject], { packet: this.#frame(flags), repeat: packets })
    return { ns: durationNs, tx: Number(this.#words[2 + TX]) }
  }

  /** runLive: the same with frames that are really sent, back out of an interface; nanoseconds by the clock. */
  runLive(
    subject: Subject,
    packets: number,
    flows: number,
    ifindex: number,
  ): { readonly ns: number; readonly tx: number } {
    this.#words.fill(0n, 0, 10)
    this.#words[1] = BigInt(flows - 1)
    const packet = this.#frame(tcpFlag.ACK)
    const start = performance.now()
    runLive(this.#programs[subject], { packet, repeat: packets, ingressIfindex: ifindex })
    const ms = performance.now() - start
    return { ns: (ms * 1e6) / packets, tx: Number(this.#words[2 + TX]) }
  }

  /** counted: packets that the path counted as forwarded since it was made, servers that got any, and events. */
  counted(): {
    readonly forwarded: number
    readonly servers: number
    readonly events: Readonly<Record<EventName, number>>
  } {
    const { Block, counters } = this.#layout.memory
    const words = this.#maps.counters
    const { count } = counters.type.fields.blocks
    const sum = (offset: number) => {
      let total = 0
      for (let block = 0; block < count; block++) total += Number(words[(block * Block.size + offset) / 8])
      return total
    }
    const servers = Array.from({ length: this.#shape.servers }, (_, i) =>
      sum(Block.offsets.servers + 16 * (i + 1)),
    )
    return {
      forwarded: sum(8 * outcomeNames.indexOf('forwarded')),
      servers: servers.filter((packets) => packets > 0).length,
      events: Object.fromEntries(
        eventNames.map((name, i) => [name, sum(Block.offsets.events + 8 * i)]),
      ) as Record<EventName, number>,
    }
  }

  [Symbol.dispose](): void {
    for (const owned of this.#owned) owned[Symbol.dispose]()
  }

  #own<T extends Disposable>(made: T): T {
    this.#owned.push(made)
    return made
  }

  #frame(flags: number): Uint8Array {
    const { mac, listeners } = this.#shape
    const { address, port, protocol } = listeners[0]!
    const inner = isIp4(address)
      ? ipv4({ destination: address, checksum: 0 })
      : ipv6({ destination: address })
    const upper = protocol === 'tcp' ? tcp({ destination: port, flags }) : udp({ destination: port })
    const source = parseMac('02:00:00:00:00:fe')
    return packet(ether({ destination: mac, source }), inner, upper, 'twelve bytes')
  }
}

/** median of numbers; of an even count the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** nsPerPacket: the packet path's own cost for established flows; the median of paired differences, about a second. */
export function nsPerPacket(shape: Shape, tables: Tables, flows = 65_536): number {
  using meter = new CostMeter(shape, tables)
  const differences = Array.from({ length: 9 }, () => {
    const empty = meter.run('empty', 500_000, flows).ns
    return meter.run('path', 500_000, flows).ns - empty
  })
  return median(differences)
}
