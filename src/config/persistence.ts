// `persistence: 10m`, or with networks instead of single addresses `{ timeout: 10m, network: 24, network6: 64 }`. What is
// left out is as LVS has it: five minutes, and the whole address.

import type { Persistence } from '../dataplane/shape.ts'
import { secondsOf } from './behaviour.ts'
import type { Findings } from './findings.ts'
import type { ServiceShape } from './schema-services.ts'
import { inside, type Place } from './source.ts'

/** PERSISTENCE: what is not said. Seconds; bits of an address. */
export const PERSISTENCE: Persistence = { timeout: 300, network: 32, network6: 128 }

/** resolvePersistence: of a service whose place is `at`; undefined where it has none, or a wrong one. */
export function resolvePersistence(
  { persistence: value, track }: Pick<ServiceShape, 'persistence' | 'track'>,
  at: Place,
  findings: Findings,
): Persistence | undefined {
  if (value === undefined) return undefined
  const place = inside(at, 'persistence')
  if (track !== undefined && track !== 'all')
    findings.add(
      inside(at, 'track'),
      `track ${track} with persistence: all of the service’s flows are remembered, remove track`,
    )
  const { timeout, ...bits } = typeof value === 'string' ? { timeout: value } : value
  const where = typeof value === 'string' ? place : inside(place, 'timeout')
  const seconds = timeout === undefined ? PERSISTENCE.timeout : secondsOf(timeout, where, findings)
  return seconds === undefined ? undefined : { ...PERSISTENCE, ...defined(bits), timeout: seconds }
}

const defined = ({ network, network6 }: { network?: number | undefined; network6?: number | undefined }) => ({
  ...(network !== undefined && { network }),
  ...(network6 !== undefined && { network6 }),
})
