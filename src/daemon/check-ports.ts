// Whether this machine's own connections may get source ports that are those of checks through service addresses: one to a
// service address that another node holds would then fail now and then (docs/decisions/0016). Linux's own range ends below
// them; where it was widened, `tenbin check` warns.

import { readFileSync } from 'node:fs'
import type { DesiredState } from '../config/state.ts'
import { FIRST_PORT, PORTS } from '../dataplane/turn.ts'
import type { Problem } from './api-schema.ts'
import { problem } from './problem.ts'

/** LocalPorts: net.ipv4.ip_local_port_range and ip_local_reserved_ports, as the kernel writes them; for IPv6 too. */
export interface LocalPorts {
  readonly range: string
  readonly reserved: string
}

const LAST_PORT = FIRST_PORT + PORTS - 1

/** localPorts of this network namespace. */
export const localPorts = (folder = '/proc/sys/net/ipv4'): LocalPorts => ({
  range: readFileSync(`${folder}/ip_local_port_range`, 'utf8').trim(),
  reserved: readFileSync(`${folder}/ip_local_reserved_ports`, 'utf8').trim(),
})

/** sharedPorts: a warning where some check goes through a service address and its ports may be others' too. */
export function sharedPorts(
  { services, pools }: Pick<DesiredState, 'services' | 'pools'>,
  { range, reserved }: LocalPorts,
): Problem[] {
  const checks = [...services.map(({ check }) => check), ...pools.flatMap(({ sorry }) => sorry?.check ?? [])]
  if (!checks.some((check) => check !== 'none' && check.via === 'service')) return []
  const [first = 0, last = 0] = range.split(/\s+/).map(Number)
  const from = Math.max(first, FIRST_PORT)
  const to = Math.min(last, LAST_PORT)
  const kept = reserved.split(',').map((each) => each.split('-').map(Number))
  const isKept = (port: number) => kept.some(([low = 0, high = low]) => low <= port && port <= high)
  for (let port = from; port <= to; port++)
    if (!isKept(port))
      return [
        problem(
          'CHECK_PORTS_SHARED',
          `net.ipv4.ip_local_port_range is ${first}..${last}: ports ${FIRST_PORT}..${LAST_PORT} are those of checks with via: service`,
        ),
      ]
  return []
}
