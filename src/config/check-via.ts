// `via: service`: a check that goes the way clients' packets go: to a listener's address and port, at one server. Which
// listener that is, and what such a check cannot be.

import type { Ip, Protocol } from '../base/addresses.ts'
import type { CheckSpec, Probe, SingleProbe } from './check-spec.ts'
import type { ListenerState } from './state.ts'

type Asked = Pick<CheckSpec, 'probe' | 'port'>

/** protocolOf a probe that could go through a service address; undefined: it could not. */
const protocolOf = (probe: SingleProbe): Protocol | undefined => {
  if (probe.kind === 'ping' || probe.kind === 'script') return undefined
  return probe.kind === 'udp' || (probe.kind === 'dns' && probe.transport === 'udp') ? 'udp' : 'tcp'
}

const partsOf = (probe: Probe): readonly { readonly probe: SingleProbe; readonly port?: number }[] =>
  'of' in probe ? probe.of : [{ probe }]

/** whyNotThrough: what of a probe cannot go through a service address, and the remedy; undefined: all of it can. */
export function whyNotThrough(probe: Probe): string | undefined {
  for (const { probe: each } of partsOf(probe)) {
    if (!protocolOf(each))
      return `via: service carries TCP and UDP, and ${each.kind} is neither: remove via, or write tcp`
    if (each.kind === 'udp' && each.expect === undefined)
      return 'through a service address nobody is told that a UDP port is closed: write what to expect, or remove via'
  }
  return undefined
}

/** serviceTarget: the address and port that a check goes to: of the first listener with which all of it can be done. */
export function serviceTarget(
  { probe, port }: Asked,
  listeners: readonly ListenerState[],
): { readonly address: Ip; readonly port: number } | undefined {
  const parts = partsOf(probe).map((part) => ({ protocol: protocolOf(part.probe), port: part.port ?? port }))
  const listens = (address: Ip, protocol: Protocol | undefined, wanted: number): boolean =>
    listeners.some(
      (each) =>
        each.address === address &&
        each.protocol === protocol &&
        each.port <= wanted &&
        wanted <= each.lastPort,
    )
  for (const { address, port: first, lastPort } of listeners) {
    const usual = port ?? (first === lastPort ? first : undefined)
    const isDone = parts.every((part) => {
      const wanted = part.port ?? usual
      return wanted !== undefined && listens(address, part.protocol, wanted)
    })
    if (isDone) return { address, port: usual ?? parts[0]!.port! }
  }
  return undefined
}
