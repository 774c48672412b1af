// Whether a check fits the service whose servers it looks at: a port that the listeners say, addresses of the servers'
// family, a way that tells something.

import { formatIp, isIp4, tryIp4 } from '../base/addresses.ts'
import { serviceTarget } from './check-via.ts'
import type { Check } from './checks.ts'
import type { Findings } from './findings.ts'
import type { Place } from './source.ts'
import { ALL_PORTS, type Forward, type ListenerState, type ServerState } from './state.ts'

/** VIA_WITH_NAT: of a check through the service, whatever else is wrong with it. */
export const VIA_WITH_NAT =
  'with nat clients’ packets come to the server’s own address, and so do checks: remove via: service'

/** Fit: what a check is to fit. `at`: where the file says something of it; `server`: one of those that it looks at. */
export interface Fit {
  readonly at: (...path: readonly string[]) => Place
  readonly listeners: readonly ListenerState[]
  readonly forward: Forward
  readonly server: ServerState | undefined
}

/** checkFits adds what does not fit, each with its remedy. */
export function checkFits(check: Check, fit: Fit, findings: Findings): void {
  if (check === 'none') return
  const { at, listeners, server } = fit
  if (listeners.length > 0 && listeners.every(isAllPorts) && wantsPort(check))
    findings.add(
      at(),
      'all ports of an address say none that could be looked at: write check: { tcp: {}, port: 80 }, ping or none',
    )
  for (const key of ['address', 'source'] as const) {
    const text = check[key]
    if (text === undefined || !server || (tryIp4(text) !== undefined) === isIp4(server.address)) continue
    if (key === 'source' && check.address !== undefined) continue
    findings.add(
      at(key),
      `the check's ${key} ${text} is of another family than ${server.name} (${formatIp(server.address)}): write one of the same`,
    )
  }
  checkVia(check, fit, findings)
}

/** A check through the service goes to one of its listeners, and tells something of dsr only. */
function checkVia(check: Exclude<Check, 'none'>, { at, listeners, forward }: Fit, findings: Findings): void {
  if (check.via === undefined || listeners.length === 0) return
  if (forward === 'nat') findings.add(at('via'), VIA_WITH_NAT)
  else if (!serviceTarget(check, listeners))
    findings.add(
      at('via'),
      'via: service looks at what clients use, which no one address of listen has: write a port of listen',
    )
}

const isAllPorts = ({ port, lastPort }: ListenerState): boolean =>
  port === ALL_PORTS.port && lastPort === ALL_PORTS.lastPort

/** wantsPort: some look of it needs a port that the check does not say. */
function wantsPort({ probe, port }: Exclude<Check, 'none'>): boolean {
  const isWanted = (kind: string) => kind !== 'ping' && kind !== 'script'
  if (port !== undefined) return false
  if (!('of' in probe)) return isWanted(probe.kind)
  return probe.of.some((part) => part.port === undefined && isWanted(part.probe.kind))
}
