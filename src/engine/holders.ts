// Who gets new flows of a packet path that runs, as a daemon that comes later finds it: read from the words of the slots,
// so that it does not matter who put them there, or why.

import { currentOf } from '../dataplane/shape.ts'
import type { Meta } from './meta.ts'

/** FoundPool: a pool of what runs already. */
export interface FoundPool {
  readonly name: string
  readonly services: readonly string[]
  /** Servers that hold slots, by name: their addresses. */
  readonly holders: ReadonlyMap<string, string>
}

/** foundPools: `slots` are the words of all pools, as the description says. */
export function foundPools(
  { pools, services, servers }: Pick<Meta, 'pools' | 'services' | 'servers'>,
  slots: Uint32Array,
): FoundPool[] {
  let base = 0
  return pools.map(({ name, slots: count }, pool) => {
    const ids = new Set(Array.from(slots.subarray(base, base + count), currentOf))
    base += count
    return {
      name,
      // Numbers that nobody has have an empty name.
      services: services.flatMap((service) => (service.pool === pool && service.name) || []),
      holders: new Map(
        servers.flatMap((server, id) =>
          server.name !== '' && ids.has(id) ? [[server.name, server.address] as const] : [],
        ),
      ),
    }
  })
}
