// What a check asks, in a few words, as it stands in lines about it: `GET /s/health.jsp`, `tcp`, `dns example.net AAAA`.

import type { Probe } from '../config/check-spec.ts'

/** labelOf: of a probe. */
export function labelOf(probe: Probe): string {
  switch (probe.kind) {
    case 'all':
    case 'any':
      return `${probe.kind} of ${probe.of.length}`
    case 'http':
      return `${probe.method} ${probe.tls ? 'https ' : ''}${probe.path}`
    case 'dns':
      return `dns ${probe.name || '.'} ${probe.type}`
    case 'script':
      return `script ${probe.command[0]}`
    case 'grpc':
      return probe.service === '' ? 'grpc' : `grpc ${probe.service}`
    default:
      return probe.kind
  }
}
