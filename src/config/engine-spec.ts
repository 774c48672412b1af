// From the file to what an engine is to do on one node. Every node forwards every service, also those whose
// addresses another node holds: what is sent to its own MAC is meant for it. Pools that no service uses and
// servers that no such pool has are left out, so that nothing is resolved or sized for them.

import type { EngineSpec } from '../engine/engine.ts'
import { countingOf, type DesiredState, type ListenerState } from './state.ts'

/** toEngineSpec: what the engine of a node is to forward, on these of its NICs. */
export function toEngineSpec(state: DesiredState, interfaces: EngineSpec['interfaces']): EngineSpec {
  const used = new Set(state.services.map(({ pool }) => pool))
  const pools = state.pools.filter(({ name }) => used.has(name))
  const members = new Set(pools.flatMap((pool) => pool.members.map(({ server }) => server)))
  return {
    interfaces,
    services: state.services.map(({ forward, serverPort = 0, scheduler, check, listeners, ...service }) => ({
      ...service,
      ...(countingOf(scheduler) && { scheduler: countingOf(scheduler)! }),
      ...(forward === 'nat' && { nat: { port: serverPort } }),
      listeners: listeners.flatMap(portByPort),
    })),
    pools: pools.map(({ name, members }) => ({ name, members })),
    servers: state.servers.filter(({ name }) => members.has(name)),
    limits: state.limits,
  }
}

/** portByPort: a listener for each port of a range: load() has bounded how many they are. */
const portByPort = ({ address, port, lastPort, protocol }: ListenerState): EngineListener[] =>
  Array.from({ length: lastPort - port + 1 }, (_, i) => ({ address, port: port + i, protocol }))

type EngineListener = EngineSpec['services'][number]['listeners'][number]
