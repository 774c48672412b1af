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
  /** Servers that are not marked as failed there, whoever's they are; nobody where there are no marks. */
  readonly unfailed: ReadonlyMap<string, string>
}

/** foundPools: `slots` are the words of all pools, `failed` their marks, as the description says. */
export function foundPools(
  {
    pools,
    services,
    servers,
    serverCapacity,
  }: Pick<Meta, 'pools' | 'services' | 'servers' | 'serverCapacity'>,
  slots: Uint32Array,
  failed: Uint32Array | undefined,
): FoundPool[] {
  let base = 0
  const named = (is: (id: number) => boolean) =>
    new Map(
      servers.flatMap(({ name, address }, id) => (name !== '' && is(id) ? [[name, address] as const] : [])),
    )
  return pools.map(({ name, slots: count }, pool) => {
    const ids = new Set(Array.from(slots.subarray(base, base + count), currentOf))
    base += count
    return {
      name,
      // Numbers that nobody has have an empty name.
      services: services.flatMap((service) => (service.pool === pool && service.name) || []),
      holders: named((id) => ids.has(id)),
      unfailed: named((id) => {
        const bit = pool * serverCapacity + id
        return failed !== undefined && (failed[bit >>> 5]! & (1 << (bit & 31))) === 0
      }),
    }
  })
}
