// Both hashes of a flow by its ends, as the packet path has them of its packets (docs/packet-path.md): the one that
// chooses the slot, and the other that tells records apart. For questions, not for packets: in big integers.

import { type Endpoint, type Ip, isIp4, type Protocol } from '../base/addresses.ts'
import { be16, be32, immediate } from '../bpf/values.ts'
import { FLOW_KEY, flowKeys } from '../dataplane/flow-keys.ts'
import { KEY_MIX, KEY_PORTS, KEY_SOURCE, KEY_SOURCE6 } from '../dataplane/shape.ts'

const word32 = (value: number): number => immediate(be32(value)) >>> 0
const word16 = (value: number): number => immediate(be16(value))

/** wordsOf: the 32-bit words of an address as a little-endian machine loads them from a packet. */
export const wordsOf = (address: Ip): number[] =>
  isIp4(address)
    ? [word32(address)]
    : [96n, 64n, 32n, 0n].map((shift) => word32(Number((address >> shift) & 0xffffffffn)))

/** top: the upper half of a sum modulo 2^64: a hash. */
export const top = (sum: bigint): number => Number(BigInt.asUintN(64, sum) >> 32n)

/** mixed: a sum modulo 2^64, its halves folded and multiplied once more: a hash. */
function mixed(sum: bigint, key: bigint): number {
  const word = BigInt.asUintN(64, sum)
  return top((word ^ (word >> 32n)) * key)
}

/** FlowHashes: `hash` chooses the slot. */
export interface FlowHashes {
  readonly hash: number
  readonly other: number
}

/** hashesOf a flow. `by`: what of it chooses the slot: all, or the client's address alone. */
export function hashesOf(
  keys: BigUint64Array,
  client: Endpoint,
  listener: Endpoint,
  protocol: Protocol,
  by: 'flow' | 'source',
): FlowHashes {
  const ports = BigInt((word16(client.port) | (word16(listener.port) << 16)) >>> 0)
  const source = wordsOf(client.address)
  const target = wordsOf(listener.address)
  let hash = keys[KEY_SOURCE - 1]! + keys[KEY_PORTS]! * (by === 'source' ? 0n : ports)
  for (const [i, word] of source.entries())
    hash += keys[i === 0 ? KEY_SOURCE : KEY_SOURCE6 + i - 1]! * BigInt(word)
  const others = flowKeys(keys)
  let other = others[protocol === 'udp' ? FLOW_KEY.udp : FLOW_KEY.tcp]! + others[FLOW_KEY.ports]! * ports
  for (const [i, word] of source.entries())
    other += others[i === 0 ? FLOW_KEY.source : FLOW_KEY.source6 + i - 1]! * BigInt(word)
  for (const [i, word] of target.entries())
    other += others[i === 0 ? FLOW_KEY.destination : FLOW_KEY.destination6 + i - 1]! * BigInt(word)
  return { hash: mixed(hash, keys[KEY_MIX]!), other: mixed(other, others[FLOW_KEY.mix]!) }
}
