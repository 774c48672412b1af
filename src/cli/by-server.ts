// The pools of each server, the other way round than a status has them. Pure.

import type { Status } from '../daemon/api-schema.ts'
import type { PoolServer } from './condition.ts'

/** InPool: a server in one of its pools. */
export interface InPool {
  readonly pool: string
  readonly services: readonly string[]
  readonly server: PoolServer
}

/** byServer: the pools of each server, by its name. */
export function byServer({ pools }: Pick<Status, 'pools'>): ReadonlyMap<string, readonly InPool[]> {
  const found = new Map<string, InPool[]>()
  for (const { name, services, servers } of pools) {
    for (const server of servers) {
      const list = found.get(server.name) ?? []
      list.push({ pool: name, services, server })
      found.set(server.name, list)
    }
  }
  return found
}
