// Metrics of floods and of what is done against them. Pure.

import type { Status } from './api-schema.ts'
import type { Samples } from './metric-samples.ts'

/** floodSamples: of a status with defence. */
export function floodSamples({ flood }: Pick<Status, 'flood'>): Samples {
  if (!flood) return {}
  const { incidents, underProof, rules } = flood
  return {
    tenbin_flood: incidents.map(({ service, verdict }) => ({ labels: { service, verdict }, value: 1 })),
    tenbin_flood_proof: underProof.map((service) => ({ labels: { service }, value: 1 })),
    tenbin_flood_rule_packets: rules.flatMap(({ name, opening, others }) => [
      { labels: { rule: name, what: 'opening' }, value: opening },
      { labels: { rule: name, what: 'others' }, value: others },
    ]),
  }
}
