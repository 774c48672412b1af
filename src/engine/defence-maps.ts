// The maps of defence from one generation to the next: which of them go on being used, what is taken along where one is made
// anew, and what rules have counted. Rules are known by their names, services by their numbers.

import { DefenceService, RuleHits, ruleBlocks } from '../dataplane/defence-memory.ts'
import { prefixKey } from '../dataplane/list-entries.ts'
import type { BpfMap } from '../kernel/map.ts'
import type { RuleReading } from './defence-status.ts'
import type { EngineSpec } from './engine.ts'
import type { Generation, Prepared } from './generation.ts'
import type { GenerationMaps } from './generation-maps.ts'
import type { Meta } from './meta.ts'
import { fingerprint } from './plan.ts'

/** DEFENCE_FORMAT: raised when what a word of these maps means changes: others are not taken over. */
export const DEFENCE_FORMAT = 2

/** RECORDED: maps of defence that packets write, and that go on being used while the keys stay. */
export const RECORDED = ['defence', 'proven', 'sources', 'banned', 'known'] as const
/** TRIES go on being used while the lists stay. */
export const TRIES = ['lists4', 'lists6'] as const

/** listsOf a spec: equal for equal lists; empty where there is none. */
export function listsOf({ defence }: EngineSpec): string {
  const { allow = [], deny = [] } = defence ?? {}
  if (allow.length + deny.length === 0) return ''
  return fingerprint(allow.map(prefixKey).join(), '\n', deny.map(prefixKey).join())
}

/** keptMaps: the names of those that a generation takes over from one that is described so. */
export function keptMaps(before: Meta, spec: EngineSpec): readonly string[] {
  if (before.defence?.format !== DEFENCE_FORMAT) return []
  return [...RECORDED, ...(before.defence.lists === listsOf(spec) ? TRIES : [])]
}

/** carryCounts: what was counted of services, into a map that has room for another number of them. */
export function carryCounts(
  before: Generation | undefined,
  { maps }: Generation,
  { layout }: Prepared,
  shared: ReadonlyMap<string, BpfMap>,
): void {
  const [from, to] = [before?.maps.words('defence'), maps.words('defence')]
  if (!from || !to || shared.has('defence') || before?.meta?.defence?.format !== DEFENCE_FORMAT) return
  const start = layout.memory.defence!.settings.type.offsets.services
  const { size, offsets } = DefenceService
  const count = Math.floor((4 * Math.min(from.length, to.length) - start) / size)
  for (let service = 0; service < count; service++) {
    const [at, end] = [offsets.flows, size].map((offset) => (start + size * service + offset) / 4)
    to.set(from.subarray(at, end), at)
  }
}

/** forgetServices: what was counted of numbers that were somebody else's, or nobody's. */
export function forgetServices(words: Uint32Array, servicesAt: number, was: Meta, is: Meta): void {
  for (const [index, { name }] of is.services.entries()) {
    if (was.services[index]?.name === name) continue
    const at = (servicesAt + DefenceService.size * index + DefenceService.offsets.flows) / 4
    words.fill(0, at, at + (DefenceService.size - DefenceService.offsets.flows) / 4)
  }
}

/** readRules: what rules have matched, all blocks together; in their order. */
export function readRules(maps: GenerationMaps, { defence, counters }: Meta): readonly RuleReading[] {
  const words = maps.words('rules')
  if (!words || !defence) return []
  const hits = new BigUint64Array(words.buffer, words.byteOffset, Math.floor(words.length / 2))
  const { block } = ruleBlocks(defence.rules.length)
  const sum = (offset: number) => {
    let total = 0n
    for (let at = 0; at <= counters.blocks; at++) total += hits[(at * block + offset) / 8]!
    return total
  }
  return defence.rules.map((name, index) => ({
    name,
    opening: sum(RuleHits.size * index + RuleHits.offsets.opening),
    others: sum(RuleHits.size * index + RuleHits.offsets.others),
  }))
}

/** carryRules: what rules of the same names had matched, into the block that no CPU writes. */
export function carryRules(
  maps: GenerationMaps,
  { defence, counters }: Meta,
  before: readonly RuleReading[],
): void {
  const words = maps.words('rules')
  if (!words || !defence) return
  const hits = new BigUint64Array(words.buffer, words.byteOffset, Math.floor(words.length / 2))
  const start = counters.blocks * ruleBlocks(defence.rules.length).block
  for (const [index, name] of defence.rules.entries()) {
    const had = before.find((each) => each.name === name)
    const at = (start + RuleHits.size * index) / 8
    hits[at] = had?.opening ?? 0n
    hits[at + 1] = had?.others ?? 0n
  }
}
