// The model's client networks: both hashes of the network that a source address is of (flow-keys.ts).

import { hashWords, splitMultipliers } from '../schedule/hash.ts'
import { flowKeys } from './flow-keys.ts'
import type { FlowId } from './flow-table.ts'
import { ALL_FLOW_KEYS } from './memory.ts'
import type { Shape } from './shape.ts'

/** leading: a word of an address in whose octets so many leading bits are set; none for less than 1, all for 32. */
function leading(bits: number): number {
  const set = Math.min(32, Math.max(0, bits))
  const word = set === 0 ? 0 : (0xffffffff << (32 - set)) >>> 0
  return ((word >>> 24) | ((word >>> 8) & 0xff00) | ((word & 0xff00) << 8) | (word << 24)) >>> 0
}

/** createNetworkOf: the network of a source address, given by its words; undefined where the service does not persist. */
export function createNetworkOf(
  { services }: Pick<Shape, 'services'>,
  keys: BigUint64Array,
): (service: number, words: readonly number[]) => FlowId | undefined {
  const all = flowKeys(keys, ALL_FLOW_KEYS)
  const [first, other] = [splitMultipliers(all.slice(12, 18)), splitMultipliers(all.slice(18, 24))]
  return (service, words) => {
    const persistence = services[service]?.persistence
    if (!persistence) return undefined
    const bits = words.length === 1 ? persistence.network : persistence.network6
    const cut = [service, ...words.map((word, i) => (word & leading(bits - 32 * i)) >>> 0)]
    return { hash: hashWords(first, 0, cut), other: hashWords(other, 0, cut) }
  }
}
