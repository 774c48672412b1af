// What one packet costs in the packet path, measured in this kernel without a network: wrapper programs that give
// each run another flow, one with the packet path in it and one with an empty subject, run in turn. Maps are of
// their own: what is attached is neither used nor disturbed.

import { isIp4 } from '../base/addresses.ts'
import type { BuiltFunction } from '../bpf/xdp.ts'
import { layoutOf } from '../dataplane/fill.ts'
import { outcomeNames } from '../dataplane/outcomes.ts'
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
import { BPF_F_ANY_ALIGNMENT, type BpfProgram, loadProgram } from '../kernel/program.ts'
import { runLive, testRun } from '../kernel/test-run.ts'
import { ether, ipv4, ipv6, packet, tcp, udp } from '../wire/packet.ts'
import { GenerationMaps } from './generation-maps.ts'

/** Subject: what the wrapper calls. */
export type Subject = 'empty' | 'reference' | 'path'

const TX = 3

/** CostMeter: the programs and maps of one measurement. Owned: dispose it. */
export class CostMeter implements Disposable {
  readonly #shape: Shape
  readonly #maps: GenerationMaps
  readonly #wrapper: BpfMap
  readonly #words: BigUint64Array
  readonly #programs: Readonly<Record<Subject, BpfProgram>>
  readonly #layout: ReturnType<typeof layoutOf>

  constructor(shape: Shape, tables: Tables, { anyAlignment = false } = {}) {
    this.#shape = shape
    this.#layout = layoutOf(shape, tables.keys)
    const memory = wrapperMemory(Math.max(1, shape.listeners.length))
    const wrap = (subject: BuiltFunction) => wrapped(shape, memory, subject).spec
    const specs = {
      empty: wrap(emptySubject()),
      reference: wrap(referenceSubject()),
      path: wrap(packetPath(shape, this.#layout.memory)),
    }
    const own = specs.path.maps.filter(({ name }) => name !== memory.name)
    this.#maps = GenerationMaps.create(own, this.#layout, shape, tables)
    this.#wrapper = BpfMap.create(specs.path.maps.find(({ name }) => name === memory.name)!)
    this.#words = new BigUint64Array(this.#wrapper.memory, 0, Math.floor(this.#wrapper.memory.byteLength / 8))
    fillListeners(memory, shape, new DataView(this.#wrapper.memory))
    const maps = new Map([...this.#maps.all, [memory.name, this.#wrapper]])
    const flags = anyAlignment ? BPF_F_ANY_ALIGNMENT : 0
    const load = (subject: Subject) =>
      loadProgram({ ...specs[subject], flags: specs[subject].flags | flags }, maps).program
    this.#programs = { empty: load('empty'), reference: load('reference'), path: load('path') }
  }

  /**
   * run the subject on `packets` packets of `flows` flows (a power of two) and give the nanoseconds a packet, the
   * wrapper included, with how many were answered XDP_TX.
   */
  run(
    subject: Subject,
    packets: number,
    flows: number,
    flags = 0x10,
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
    const packet = this.#frame(0x10)
    const start = performance.now()
    runLive(this.#programs[subject], { packet, repeat: packets, ingressIfindex: ifindex })
    const ms = performance.now() - start
    return { ns: (ms * 1e6) / packets, tx: Number(this.#words[2 + TX]) }
  }

  /** counted: packets that the path counted as forwarded since it was made, and servers that got any. */
  counted(): { readonly forwarded: number; readonly servers: number } {
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
    }
  }

  [Symbol.dispose](): void {
    for (const program of Object.values(this.#programs)) program[Symbol.dispose]()
    this.#wrapper[Symbol.dispose]()
    this.#maps[Symbol.dispose]()
  }

  #frame(flags: number): Uint8Array {
    const { mac, listeners } = this.#shape
    const { address, port, protocol } = listeners[0]!
    const inner = isIp4(address)
      ? ipv4({ destination: address, checksum: 0 })
      : ipv6({ destination: address })
    const upper = protocol === 'tcp' ? tcp({ destination: port, flags }) : udp({ destination: port })
    return packet(ether({ destination: mac, source: mac }), inner, upper, 'twelve bytes')
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
