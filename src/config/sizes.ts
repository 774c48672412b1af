// What a file may ask of the packet path at most: services, listeners and tables that its memory has room for. What the
// memory comes to is daemon/preview.ts's, from the very maps that the engine makes.

import { tableSize } from '../schedule/table-size.ts'
import type { Findings } from './findings.ts'
import type { Source } from './source.ts'
import { type DesiredState, serversOf } from './state.ts'

const SLOT_BYTES = 4

/** SLOTS_LIMIT: bytes of all pools' tables: as far as a program reaches into one map. */
export const SLOTS_LIMIT = 512 * 1024 * 1024
/** SERVICES_LIMIT and LISTENERS_LIMIT: what the listeners' table has room for. */
export const SERVICES_LIMIT = 65_535
/** SERVERS_LIMIT: ids have 15 bits in a slot's word, and two mean nobody. */
export const SERVERS_LIMIT = 32_766
export const LISTENERS_LIMIT = 100_000

/** checkSizes: a file that asks for more than the packet path can have is refused here, not when it is applied. */
export function checkSizes(state: DesiredState, source: Source, findings: Findings): void {
  const tooMany = (count: number, limit: number, what: string): void => {
    if (count <= limit) return
    const message = `${count} ${what}, at most ${limit} are possible: split them over several balancers`
    findings.addAt(source, 0, message)
  }
  tooMany(state.services.length, SERVICES_LIMIT, 'services')
  const members = new Set<string>()
  for (const pool of state.pools) for (const server of serversOf(pool)) members.add(server)
  tooMany(members.size, SERVERS_LIMIT, 'servers in pools')
  const listeners = state.services.reduce((sum, service) => sum + service.listeners.length, 0)
  tooMany(listeners, LISTENERS_LIMIT, 'listeners')
  const bytes = tableBytes(state)
  if (bytes <= SLOTS_LIMIT) return
  const [mebibytes, limit] = [bytes, SLOTS_LIMIT].map((each) => Math.ceil(each / 2 ** 20))
  const message = `the tables of ${state.pools.length} pools take ${mebibytes} MiB, at most ${limit} are possible: let services share pools`
  findings.addAt(source, 0, message)
}

function tableBytes({ pools, services }: DesiredState): number {
  const used = new Set(services.map(({ pool }) => pool))
  return pools
    .filter(({ name }) => used.has(name))
    .reduce((sum, { members }) => sum + tableSize(members.length) * SLOT_BYTES, 0)
}
