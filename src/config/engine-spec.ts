// From the file to what an engine is to do on one node. Every node forwards every service, also those whose
// addresses another node holds: what is sent to its own MAC is meant for it. Pools that no service uses and
// servers that no such pool has are left out, so that nothing is resolved or sized for them; but a server of the
// inventory that flows may still be with stays.

import type { EngineSpec } from '../engine/engine.ts'
import { countingOf, type DesiredState, type ListenerState, serversOf } from './state.ts'

/**
 * toEngineSpec: what the engine of a node is to forward, on these of its NICs. `stays`: servers that are in it whoever
 * uses them.
 */
export function toEngineSpec(
  state: DesiredState,
  interfaces: EngineSpec['interfaces'],
  stays: (server: EngineSpec['servers'][number]) => boolean = () => false,
): EngineSpec {
  const used = new Set(state.services.map(({ pool }) => pool))
  const pools = state.pools.filter(({ name }) => used.has(name))
  const members = new Set<string>()
  for (const pool of pools) for (const server of serversOf(pool)) members.add(server)
  return {
    interfaces,
    services: state.services.map(
      ({ forward, serverPort = 0, scheduler, check, slowStartMs, guard, listeners, ...service }) => ({
        ...service,
        ...(countingOf(scheduler) && { scheduler: countingOf(scheduler)! }),
        ...(forward === 'nat' && { nat: { port: serverPort } }),
        listeners: listeners.map(toListener),
      }),
    ),
    pools: pools.map(({ name, members, sorry }) => ({
      ...{ name, members },
      ...(sorry && { sorry: sorry.members }),
    })),
    servers: state.servers.filter((server) => members.has(server.name) || stays(server)),
    limits: state.limits,
    ...(state.nodes.length > 1 && { isTold: true }),
    ...(state.defence && { defence: state.defence }),
  }
}

const toListener = ({ address, port, lastPort, protocol }: ListenerState): EngineListener => ({
  address,
  port,
  ...(lastPort !== port && { lastPort }),
  protocol,
})

type EngineListener = EngineSpec['services'][number]['listeners'][number]
