// The memory of defence (docs/packet-path.md, D): all of it fixed in size, and all of it survives generations. What CPUs
// write together has a line (64 bytes) of its own; what they only read shares lines.
//
//   defence   settings | the node's new flows | keys | services, two lines each: settings, counts
//   proven    sources that have proved themselves: 8 words of 64 bits a line (proof-table.ts)
//   sources   how much sources have sent in this second: likewise (source-table.ts)
//   banned    sources that are banned for a time: likewise
//   known     flows of UDP that have been let in: likewise
//   lists4/6  the kernel's LPM tries: prefixes that are allowed, denied, or banned by hand
//   openings  SYNs of each service that came as far as to be counted, a block a CPU
//   rules     what rules matched, a block a CPU and one that only the daemon writes (carry) | what rules limit

import type { Protocol } from '../base/addresses.ts'
import { array, bytes, direct, kernelMap, struct } from '../bpf/types.ts'
import type { DefenceShape } from './defence-shape.ts'

/** Window: how often something happened in a second of the clock, and in which. */
export const Window = struct('window', { second: 'u32', count: 'u32' })

/**
 * DefenceSettings: `listed`: not 0 where the tries drop anything, or `only` is set; `banned`: not 0 where the table may
 * hold somebody. Both together are 0 where a packet of an established flow has nothing to fear. `tries`: not 0 where they hold
 * anything. Limits are those of a
 * window, 0: none. `banTicks`, `rememberTicks`: how long.
 */
export const DefenceSettings = struct('defence_settings', {
  listed: 'u32',
  banned: 'u32',
  only: 'u32',
  ceiling: 'u32',
  sourceNew: 'u32',
  sourceUdp: 'u32',
  banTicks: 'u32',
  rememberTicks: 'u32',
  tries: 'u32',
  fill: bytes(28),
})

/** DefenceService: `proof` is a number of PROOF; `proofUntil`: the tick until which proof is asked for, 0: it is not. */
export const DefenceService = struct('defence_service', {
  ceiling: 'u32',
  proof: 'u32',
  above: 'u32',
  below: 'u32',
  holdTicks: 'u32',
  fill: bytes(44),
  flows: Window,
  unproven: Window,
  proofUntil: 'u32',
  spare: bytes(44),
})

/** Line: a window that CPUs share. */
export const WindowLine = struct('window_line', { window: Window, fill: bytes(56) })

/** RuleHits: packets that a rule matched: SYNs without ACK, and all others. */
export const RuleHits = struct('rule_hits', { opening: 'u64', others: 'u64' })

/** LINE: a cache line. */
const LINE = 64
/** WAYS: entries of a line. */
export const WAYS = 8
/** DEFENCE_KEYS: multipliers, made of the hash keys (defence-keys.ts). */
export const DEFENCE_KEYS = 32

/** LIST_BYTES: what a prefix takes in the kernel at most: a node of 64 bytes, and another where its way parts from others'. */
export const LIST_BYTES = 128
/** LIST: what a prefix of the tries says. */
export const LIST = { allow: 1, deny: 2, ban: 3 } as const
/** ListValue: `until`: of a ban the tick from which on it has ended. */
export const ListValue = struct('list_value', { says: 'u32', until: 'u32' })
export const ListKey4 = struct('list_key4', { length: 'u32', address: 'be32' })
export const ListKey6 = struct('list_key6', { length: 'u32', address: bytes(16) })

const table = <const N extends string>(name: N, entries: number) =>
  direct(name, { words: array('u64', entries) })

/** ruleBlocks: the bytes of what a CPU counts of so many rules: whole lines. */
export const ruleBlocks = (count: number): { readonly block: number } => ({
  block: LINE * Math.ceil((RuleHits.size * count) / LINE),
})

/** OpeningBlock: of so many services, whole lines. */
const openingBlock = (services: number) =>
  struct('opening_block', { services: array('u64', (LINE / 8) * Math.ceil((8 * services) / LINE)) })

/** rulesMapOf so many rules. */
function rulesMapOf(count: number, cpus: number) {
  const Block = struct('rule_block', { hits: array(RuleHits, ruleBlocks(count).block / RuleHits.size) })
  return direct('rules', {
    blocks: array(Block, cpus),
    carry: Block,
    limits: array(WindowLine, count),
  })
}

/** DefenceMemory: the maps of one shape. */
export type DefenceMemory = ReturnType<typeof defenceMemoryOf>

/** defenceMemoryOf a shape; `services`: how many have room; `has`: whether it has listeners of a family or a protocol. */
export function defenceMemoryOf(
  { rules, lists, proof, sources, known }: DefenceShape,
  services: number,
  cpus: number,
  has: (what: 4 | 6 | Protocol) => boolean,
) {
  return {
    settings: direct('defence', {
      settings: DefenceSettings,
      node: WindowLine,
      keys: array('u64', DEFENCE_KEYS),
      services: array(DefenceService, services),
    }),
    proven: proof && has('tcp') ? table('proven', proof.sources) : undefined,
    sources: sources && table('sources', sources.entries),
    banned: sources?.ban ? table('banned', sources.entries) : undefined,
    known: known && has('udp') ? table('known', known.flows) : undefined,
    openings: has('tcp') ? direct('openings', { blocks: array(openingBlock(services), cpus) }) : undefined,
    lists4: has(4) ? kernelMap('lists4', 'lpm_trie', ListKey4, ListValue, lists.entries) : undefined,
    lists6: has(6) ? kernelMap('lists6', 'lpm_trie', ListKey6, ListValue, lists.entries) : undefined,
    rules: rules.some(({ match: { protocol } }) => protocol === undefined || has(protocol))
      ? rulesMapOf(rules.length, cpus)
      : undefined,
  }
}
