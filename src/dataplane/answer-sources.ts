// Which addresses may be those of servers with nat: a bit for each hash of an address, 64 times as many as servers have
// room. Who is among them by chance has his fragments looked at, and nothing else comes of it (docs/packet-path.md, N6).

import { type Ip, isIp4 } from '../base/addresses.ts'
import { be32, immediate } from '../bpf/values.ts'
import { FLOW_KEY } from './flow-keys.ts'
import { SOURCE_BITS } from './memory.ts'

/** wordsOfAddress: an address in 32-bit words, as they lie in a packet. */
export const wordsOfAddress = (address: Ip): number[] =>
  (isIp4(address)
    ? [Number(address)]
    : [96n, 64n, 32n, 0n].map((by) => Number((address >> by) & 0xffffffffn))
  ).map((word) => immediate(be32(word)) >>> 0)

/** sourceBit: the bit of an address by its words, of SOURCE_BITS for each of so many servers, a power of two. */
export function sourceBit(flowKeys: BigUint64Array, words: readonly number[], servers: number): number {
  let sum = 0n
  for (const [i, word] of words.entries())
    sum += flowKeys[i === 0 ? FLOW_KEY.source : FLOW_KEY.source6 + i - 1]! * BigInt(word)
  return Number(BigInt.asUintN(64, sum) >> BigInt(64 - Math.log2(SOURCE_BITS * servers)))
}
