// Where the daemon is asked for metrics: an address of the node and a port, which no service has, since its packets would go
// to servers. Absent: nowhere.

import { type Endpoint, formatIp, tryEndpoint } from '../base/addresses.ts'
import { describe } from './check-shape.ts'
import type { Findings } from './findings.ts'
import { parseListener } from './listener.ts'
import type { Merged } from './merge.ts'
import type { ServiceState } from './state.ts'

/** resolveMetrics: the file's `metrics.listen`. */
export function resolveMetrics(
  { metrics }: Merged,
  services: readonly ServiceState[],
  findings: Findings,
): Endpoint | undefined {
  const entry = metrics.find(({ name }) => name === 'listen')
  if (entry?.value === undefined) return undefined
  const { value, place } = entry
  const endpoint = tryEndpoint(value)
  if (endpoint === undefined) {
    const read = parseListener(value)
    findings.add(
      place,
      typeof read === 'string' ? read : `${describe(value)} is no address and port such as 127.0.0.1:9102`,
    )
    return undefined
  }
  const { address, port } = endpoint
  const owner = services.find(({ listeners }) =>
    listeners.some(
      (each) =>
        each.address === address && each.protocol === 'tcp' && each.port <= port && port <= each.lastPort,
    ),
  )
  if (owner === undefined) return endpoint
  findings.add(
    place,
    `port ${port} of ${formatIp(address)} is service ${owner.name}'s: its packets go to servers; write another port`,
  )
  return undefined
}
