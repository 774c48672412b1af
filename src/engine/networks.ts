// Client networks of services that persist, for questions: which network a client is of, in words and as the two hashes
// that its record has (dataplane/flow-keys.ts), and what the record says.

import { formatIp, type Ip, type Ip4, type Ip6, isIp4 } from '../base/addresses.ts'
import { flowKeys, TEMPLATE_KEY } from '../dataplane/flow-keys.ts'
import { ALL_FLOW_KEYS } from '../dataplane/memory.ts'
import type { Persistence } from '../dataplane/shape.ts'
import type { Trace } from './engine.ts'
import { type FlowHashes, top, wordsOf } from './flow-hashes.ts'
import type { Live } from './status.ts'

/** networkOf a client: its first address, and how many bits of it count. */
export function networkOf(address: Ip, { network, network6 }: Persistence): { first: Ip; bits: number } {
  if (isIp4(address)) {
    const mask = network === 0 ? 0 : (0xffffffff << (32 - network)) >>> 0
    return { first: ((address & mask) >>> 0) as Ip4, bits: network }
  }
  const host = BigInt(128 - network6)
  return { first: ((address >> host) << host) as Ip6, bits: network6 }
}

/** networkHashes: those of a network by its first address. */
export function networkHashes(keys: BigUint64Array, service: number, first: Ip): FlowHashes {
  const all = flowKeys(keys, ALL_FLOW_KEYS)
  const sum = (at: number): number => {
    let total = all[at]! + all[at + TEMPLATE_KEY.service]! * BigInt(service)
    for (const [i, word] of wordsOf(first).entries())
      total += all[at + TEMPLATE_KEY.source + i]! * BigInt(word)
    return top(total)
  }
  return { hash: sum(TEMPLATE_KEY.first), other: sum(TEMPLATE_KEY.other) }
}

/** KeptNetwork: `id` of the server that gets its new flows; undefined: none does, whoever the table says. */
export interface KeptNetwork {
  readonly told: string
  readonly id?: number
  readonly record?: NonNullable<Trace['network']>
}

/** keptNetwork: what is remembered of a client's network; undefined where its service does not persist. */
export function keptNetwork(
  { prepared, assignment, keeper, known }: Live,
  service: number,
  pool: number,
  client: Ip,
): KeptNetwork | undefined {
  const { plan, keys } = prepared
  const persistence = plan.shape.services[service]?.persistence
  if (!persistence || !keeper) return undefined
  const { first, bits } = networkOf(client, persistence)
  const network = `${formatIp(first)}/${bits}`
  const { hash, other } = networkHashes(keys, service, first)
  const entry = keeper.records.find(hash, other)
  const found = entry < 0 ? undefined : keeper.records.recordAt(entry)
  const server = found && plan.servers[found.server]
  const leftS = found ? persistence.timeout - keeper.secondsOf(keeper.ageOf(found.time)) : 0
  if (!found || server === undefined || leftS < 0)
    return { told: `Client network ${network} is kept with nobody: its next flow decides.` }
  const member = plan.pools[pool]!.members.findIndex(({ name }) => name === server)
  if (member < 0 || !known.isReachable(server) || !assignment.isOpen(pool, member, known))
    return { told: `Client network ${network} was kept with ${server}, which takes no new flows.` }
  return {
    told: `Client network ${network} is kept with ${server} for ${left(leftS)} more.`,
    id: found.server,
    record: { network, server, leftS },
  }
}

const left = (seconds: number): string =>
  seconds < 120 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`
