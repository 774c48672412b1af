// How much may be remembered: bounds that the schema has checked, or what suits most sites. A record is one flow; what
// of them is needed is arithmetic (`tenbin check` does it): new flows a second x share moved x life.

import { LIMITS, type Limits } from '../engine/engine.ts'
import type { Merged } from './merge.ts'

/** resolveLimits: the file's, one by one. */
export function resolveLimits({ limits }: Merged): Limits {
  const of = (name: string) => limits.find((entry) => entry.name === name)?.value
  return { flows: of('flows') ?? LIMITS.flows, newFlows: of('new_flows') ?? LIMITS.newFlows }
}
