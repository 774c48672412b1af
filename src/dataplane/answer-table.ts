// The table of answers in plain TypeScript, for the model: the same layout in memory as the program's (answer-record.ts),
// the same places tried in the same order. Left out: other CPUs.

import { ANSWER_WORDS as AT, SEAL, SPREAD } from './answer-record.ts'
import { FLOW_KEY } from './flow-keys.ts'
import {
  BUCKET_ENTRIES,
  bucketsOfFlow,
  type FlowState,
  rankOf,
  SERVICE_SHIFT,
  TIME_MASK,
} from './flow-record.ts'
import type { FlowId } from './flow-table.ts'

const MASK = 0xffff_ffff_ffff_ffffn

/** AnswerKey: a flow as its answers tell it: words as they lie in an answer's packet. */
export interface AnswerKey {
  readonly protocol: 'tcp' | 'udp'
  readonly server: readonly number[]
  readonly client: readonly number[]
  /** The server's port in the lower half, the client's above it. */
  readonly ports: number
}

/** Origin: what the client had sent its packets to: 16 bytes as words, the port in wire order. */
export interface Origin {
  readonly address: readonly number[]
  readonly port: number
}

/** Answer: a record. */
export interface Answer extends Origin {
  readonly server: number
  readonly service: number
  readonly time: number
  readonly state: FlowState
  readonly hop: bigint
}

/** createAnswerKey: the 64-bit hash of a flow as its answers tell it. */
export function createAnswerKey(keys: BigUint64Array): (flow: AnswerKey) => bigint {
  return ({ protocol, server, client, ports }) => {
    const first = keys[protocol === 'udp' ? FLOW_KEY.udp : FLOW_KEY.tcp]!
    let sum = first + keys[FLOW_KEY.source]! * BigInt(server[0]!)
    sum += keys[FLOW_KEY.ports]! * BigInt(ports) + keys[FLOW_KEY.destination]! * BigInt(client[0]!)
    for (const i of server.keys())
      if (i > 0)
        sum +=
          keys[FLOW_KEY.source6 + i - 1]! * BigInt(server[i]!) +
          keys[FLOW_KEY.destination6 + i - 1]! * BigInt(client[i]!)
    let z = sum & MASK
    z = ((z ^ (z >> 30n)) * SPREAD[0]) & MASK
    z = ((z ^ (z >> 27n)) * SPREAD[1]) & MASK
    return z ^ (z >> 31n)
  }
}

const wide = (low: number, high: number): bigint => BigInt(low >>> 0) | (BigInt(high >>> 0) << 32n)

function sealOf(key: bigint, { address, port }: Origin): number {
  const [a = 0, b = 0, c = 0, d = 0] = address
  const sum = wide(a, b) * SEAL[0] + wide(c, d) * SEAL[1] + BigInt(port) * SEAL[2] + key
  return Number((sum & MASK) >> 32n)
}

const idOf = (key: bigint): FlowId => ({ hash: Number(key >> 32n), other: Number(key & 0xffff_ffffn) })

export class AnswerTable {
  /** words: the table as the kernel has it, twelve words an entry. */
  readonly words: Uint32Array
  readonly #buckets: number

  constructor(buckets: number) {
    this.#buckets = buckets
    this.words = new Uint32Array(buckets * BUCKET_ENTRIES * AT.count)
  }

  /** find the entry with a key. */
  find(key: bigint): number | undefined {
    const { hash, other } = idOf(key)
    for (const entry of this.entriesOf(key)) {
      const at = AT.count * entry
      const stable = this.words[at + AT.stable]!
      if ((this.words[at + AT.keyHigh]! ^ stable) >>> 0 !== hash) continue
      if ((this.words[at + AT.keyLow]! ^ stable) >>> 0 === other) return entry
    }
    return undefined
  }

  /** at: the record in an entry. */
  at(entry: number): Answer {
    const at = AT.count * entry
    const word = (offset: number): number => this.words[at + offset]!
    return {
      server: word(AT.stable) & 0x7fff,
      service: (word(AT.stable) >>> SERVICE_SHIFT) & 0xffff,
      time: word(AT.changing) & TIME_MASK,
      state: (word(AT.changing) >>> 30) as FlowState,
      address: [0, 1, 2, 3].map((i) => word(AT.address + i)),
      port: word(AT.port) & 0xffff,
      hop: wide(word(AT.hop), word(AT.hop + 1)),
    }
  }

  /** isWhole: whether an entry's seal is that of its key and contents. */
  isWhole(entry: number, key: bigint): boolean {
    return this.words[AT.count * entry + AT.seal] === sealOf(key, this.at(entry))
  }

  /** candidate: the entry that a new record goes to: of the least rank, as FlowTable.candidate has it. */
  candidate(key: bigint, now: number): number {
    let best = -1
    let least = Number.POSITIVE_INFINITY
    for (const entry of this.entriesOf(key)) {
      const rank = rankOf(this.words[AT.count * entry + AT.changing]!, now) + (entry % BUCKET_ENTRIES)
      if (rank >= least) continue
      least = rank
      best = entry
    }
    return best
  }

  /** write a record. */
  write(entry: number, key: bigint, answer: Answer): void {
    const stable = answer.server | (answer.service << SERVICE_SHIFT)
    const { hash, other } = idOf(key)
    const [a = 0, b = 0, c = 0, d = 0] = answer.address
    const { port, hop } = answer
    const hops = [Number(hop & 0xffff_ffffn), Number(hop >> 32n)]
    const changing = (answer.state << 30) | answer.time
    this.words.set(
      [other ^ stable, hash ^ stable, stable, changing, a, b, c, d, port, sealOf(key, answer), ...hops],
      AT.count * entry,
    )
  }

  /** touch: a packet of the record's flow came. */
  touch(entry: number, state: FlowState, now: number): void {
    this.words[AT.count * entry + AT.changing] = (state << 30) | now
  }

  /** setHop: answers go there from now on. */
  setHop(entry: number, hop: bigint): void {
    this.words.set([Number(hop & 0xffff_ffffn), Number(hop >> 32n)], AT.count * entry + AT.hop)
  }

  *entriesOf(key: bigint): Generator<number> {
    const { hash, other } = idOf(key)
    for (const bucket of bucketsOfFlow(hash, other, this.#buckets))
      for (let place = 0; place < BUCKET_ENTRIES; place++) yield bucket * BUCKET_ENTRIES + place
  }
}
