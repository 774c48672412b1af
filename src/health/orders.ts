// From the file to what the checker is to look at: each service's check for each server of its pool; those that ask the
// same of the same address are one order with several users. A key says all that is asked, so it is the same in every
// process and after every restart, whatever the services and servers are called. Pure but for the hash.

import { createHash } from 'node:crypto'
import { formatIp } from '../base/addresses.ts'
import type { CheckSpec } from '../config/check-spec.ts'
import { serviceTarget } from '../config/check-via.ts'
import type { Check } from '../config/checks.ts'
import { type DesiredState, nicOf, type ServiceState } from '../config/state.ts'
import type { Weighed } from '../engine/engine.ts'
import type { Order } from './protocol.ts'

/** User: whose standing a check decides; `isObserved`: it is only told of. */
export interface User {
  readonly service: string
  readonly pool: string
  readonly server: string
  readonly isObserved: boolean
}

/** Ordered: one order and who shares it. */
export interface Ordered {
  readonly order: Order
  readonly users: readonly User[]
}

/** ordersOf: what the file asks to be looked at on a node; services with `check: none` ask for nothing. */
export function ordersOf(state: DesiredState, node: string): Ordered[] {
  const addresses = new Map(state.servers.map(({ name, address }) => [name, formatIp(address)]))
  const pools = new Map(state.pools.map((pool) => [pool.name, pool]))
  const found = new Map<string, { order: Order; users: User[] }>()
  const look = (
    { name: service, pool, listeners, serverPort }: ServiceState,
    check: Check,
    servers: readonly Weighed[],
  ): void => {
    if (check === 'none') return
    const { interface: role, observe, port: _, via, ...rest } = check
    const target = via && serviceTarget(check, listeners)
    const placed: CheckSpec = {
      ...rest,
      // What is the same but for this is the same look.
      observe: false,
      ...(role !== undefined && { interface: nicOf(state, role, node) }),
    }
    const listener = listeners.find(({ protocol }) => protocol === 'tcp') ?? listeners[0]
    // A check that names its port does not depend on the service's.
    const port = target?.port ?? check.port ?? serverPort ?? listener?.port ?? 0
    for (const { server } of servers) {
      const address = addresses.get(server)
      if (address === undefined) continue
      const asked = { check: placed, address, port, ...(target && { through: formatIp(target.address) }) }
      const key = keyOf(asked)
      const entry = found.get(key) ?? { order: { key, ...asked }, users: [] }
      entry.users.push({ service, pool, server, isObserved: observe })
      found.set(key, entry)
    }
  }
  for (const service of state.services) {
    const { members, sorry } = pools.get(service.pool)!
    look(service, service.check, members)
    if (sorry) look(service, sorry.check ?? service.check, sorry.members)
  }
  return [...found.values()]
}

/** keyOf: by content; the order of keys does not matter. */
function keyOf(asked: Omit<Order, 'key' | 'seed'>): string {
  return createHash('sha256').update(canonical(asked)).digest('base64url').slice(0, 22)
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`
}
