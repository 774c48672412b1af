// Why a packet of a client to a listener goes where it goes: the packet path's own steps, told. It reads the same
// words and records that the program reads, and changes none.

import {
  type Endpoint,
  formatEndpoint,
  formatIp,
  formatListener,
  type Ip,
  isIp4,
  type Protocol,
} from '../base/addresses.ts'
import { FLOW, type FlowRecord } from '../dataplane/flow-record.ts'
import { isRange, narrowest } from '../dataplane/port-ranges.ts'
import { ASK_BEFORE, currentOf, SLOT_LEARN, SLOT_RECORDS, settledOf } from '../dataplane/shape.ts'
import { covers } from '../netlink/routes.ts'
import { scaleHash } from '../schedule/hash.ts'
import type { Trace } from './engine.ts'
import { hashesOf } from './flow-hashes.ts'
import { type KeptNetwork, keptNetwork } from './networks.ts'
import type { Plan } from './plan.ts'
import type { Next } from './service-schedule.ts'
import type { Live } from './status.ts'

const STATES = { [FLOW.closed]: 'closed', [FLOW.syn]: 'syn', [FLOW.established]: 'established' } as const
const STATE_WORDS = {
  closed: 'closed (FIN or RST seen)',
  syn: 'SYN only',
  established: 'established',
} as const

/** Where a packet of an established flow goes, why, and what is remembered of it. */
interface Decided {
  readonly id: number
  readonly why: readonly string[]
  /** The client is answered by a RST. */
  readonly resets?: boolean
  readonly record?: NonNullable<Trace['record']>
}

/** trace tells the steps. Nothing is sent. A client and a listener of two families never meet: `no-listener`. */
export function trace(live: Live, client: Endpoint, listener: Endpoint, protocol: Protocol = 'tcp'): Trace {
  const { prepared, assignment, known } = live
  const { plan, keys } = prepared
  const target = `${formatEndpoint(listener)}/${protocol}`
  const found =
    isIp4(client.address) === isIp4(listener.address) &&
    narrowest(
      plan.shape.listeners.filter((each) => each.address === listener.address && each.protocol === protocol),
      listener.port,
    )
  if (!found) {
    return {
      outcome: 'no-listener',
      steps: [`${target} is no listener: it goes to the node’s kernel untouched.`],
    }
  }
  const { name: service, at } = plan.services[found.service]!
  const { hash: hashed } = plan.spec.services[at]!
  const { name: pool, table } = plan.pools[found.pool]!
  const { hash, other } = hashesOf(keys, client, listener, protocol, hashed)
  const slot = { index: scaleHash(hash, table.slots), of: table.slots, hash }
  const word = assignment.wordsOf(found.pool)[slot.index]!
  const nameOf = (id: number) => plan.servers[id]
  const next = live.schedules?.next(found.service)
  const current = nameOf(next ? next.id : currentOf(word))
  const settled = nameOf(settledIn(live, found.pool, word, hash))
  const steps = [
    isRange(found)
      ? `${target} is within listener ${formatListener(found)} of service ${service}, pool ${pool}.`
      : `${target} is a listener of service ${service}, pool ${pool}.`,
    `${hashed === 'source' ? `The address of ${formatEndpoint(client)}` : `The flow from ${formatEndpoint(client)}`} hashes to 0x${hash.toString(16).padStart(8, '0')}: slot ${slot.index} of ${slot.of}.`,
    ...slotSteps(live, found.pool, slot.index, nameOf(currentOf(word))),
    ...pickSteps(next, current),
  ]
  const network = keptNetwork(live, found.service, found.pool, client.address)
  if (network) steps.push(network.told)
  const decided = decide(live, found, { word, hash, other, next: next?.id }, protocol, network)
  steps.push(...decided.why)
  const server = nameOf(decided.id)
  const neighbour = server === undefined ? undefined : known.neighbourOf(server)
  const reach = neighbour && 'mac' in neighbour ? neighbour : undefined
  const hairpin =
    reach && server !== undefined ? hairpinSteps(plan, found.service, server, client.address) : []
  if (decided.resets) steps.push('It is counted as reset, and no server sees the packet.')
  else if (server === undefined) steps.push('The packet is dropped and counted as no-server.')
  else if (hairpin.length > 0) steps.push(...hairpin)
  else if (reach) {
    steps.push(`${server} has MAC ${reach.mac} on ${reach.on}: the frame is sent there, TTL less one.`)
    if (plan.interfaces.length > 1)
      steps.push(`It is counted as forwarded if it came in by ${reach.on}, and as redirected if by another.`)
  } else {
    const why = neighbour && 'why' in neighbour ? ` (${neighbour.why})` : ''
    steps.push(`${server} has no MAC${why}: the packet is dropped and counted as no-server.`)
  }
  return {
    outcome: decided.resets ? 'reset' : hairpin.length > 0 ? 'hairpin' : reach ? 'forwarded' : 'no-server',
    service,
    pool,
    slot,
    ...(current !== undefined && { current }),
    ...(settled !== undefined && settled !== current && { settled }),
    ...(decided.record && { record: decided.record }),
    ...(network?.record && { network: network.record }),
    ...(server !== undefined && { server }),
    ...(reach && { mac: reach.mac, interface: reach.on }),
    steps,
  }
}

/** hairpinSteps: why a server that is the client's neighbour, or the client itself, gets nothing of it; none: it does. */
function hairpinSteps({ spec, services }: Plan, service: number, server: string, client: Ip): string[] {
  const { address, network } = spec.servers.find(({ name }) => name === server)!
  const { nat } = spec.services[services[service]!.at]!
  if (nat && network !== undefined && covers({ destination: address, prefix: network }, client))
    return [
      `The client is on ${server}’s own network, ${formatIp(address)}/${network}: it would be answered directly, past this node, from an address that it has not asked. What begins a flow is dropped and counted as hairpin.`,
      `With forward: dsr servers may have clients on their own network.`,
    ]
  if (client !== address) return []
  if (nat) return [`The client is ${server} itself: what begins a flow is dropped and counted as hairpin.`]
  return [
    `The client is ${server} itself: what comes from its MAC is dropped and counted as hairpin, for it would take that for its own.`,
    `A server that has the service’s address on lo, as dsr needs it, answers itself and asks nobody.`,
  ]
}

/** settledIn a slot's word, or in the table before if the word says so: an id. */
function settledIn({ assignment }: Live, pool: number, word: number, hash: number): number {
  const settled = settledOf(word)
  if (settled !== ASK_BEFORE) return settled
  const before = assignment.before?.[pool] ?? new Uint32Array(0)
  return before.length === 0 ? 0 : settledOf(before[scaleHash(hash, before.length)]!)
}

/** slotSteps: whose the slot is, and why somebody else has it. */
function slotSteps(
  { prepared, assignment, known }: Live,
  pool: number,
  slot: number,
  current: string | undefined,
): string[] {
  const { name, table: own, sorry } = prepared.plan.pools[pool]!
  if (current === undefined) return [`No server of ${name} can take new flows.`]
  const { isSorry } = assignment.poolAt(pool)
  const table = isSorry ? sorry! : own
  const reason = known.isLost(name) ? 'has lost its quorum' : 'has no server that can take new flows'
  const sorryStep = isSorry ? [`Pool ${name} ${reason}: its sorry servers answer.`] : []
  const owner = table.members[table.owner[slot]!]
  if (!owner || owner.name === current) return [...sorryStep, `The slot is ${current}’s.`]
  const neighbour = known.neighbourOf(owner.name)
  const state = known.stateOf(name, owner.name, owner.weight)
  const why =
    state === 'failed'
      ? ', which has failed'
      : state === 'draining'
        ? ', which drains'
        : 'why' in neighbour
          ? `, which is not usable (${neighbour.why})`
          : `, which has a weight of ${known.weightOf(name, owner.name, owner.weight)} instead of ${owner.weight} now`
  return [...sorryStep, `The slot is ${owner.name}’s${why}; ${current} stands in for it.`]
}

/** Question: a flow, the word of its slot, and whom a scheduler that counts would pick for a new one. */
interface Question {
  readonly word: number
  readonly hash: number
  readonly other: number
  readonly next: number | undefined
}

/** pickSteps: who gets new flows, where that is not told by the slot. */
function pickSteps(next: Next | undefined, server: string | undefined): string[] {
  if (!next) return []
  const who = server ?? 'nobody'
  return [`New flows are picked for by ${next.kind}, not by slot: ${who} gets the next one (${next.why}).`]
}

/** decide as the packet path does for a packet that begins no flow (docs/packet-path.md, Flows). */
function decide(
  live: Live,
  { service, pool }: { readonly service: number; readonly pool: number },
  { word, hash, other, next }: Question,
  protocol: Protocol,
  network: KeptNetwork | undefined,
): Decided {
  const { prepared, known, keeper } = live
  const { plan } = prepared
  const { track, onFailure } = plan.spec.services[plan.services[service]!.at]!
  const current = currentOf(word)
  const begins = next ?? current
  if (!keeper || track === 'none') return { id: current, why: [] }
  if (track === 'changes' && (word & SLOT_RECORDS) === 0)
    return { id: current, why: ['Nothing of late has changed the slot: its flows are not looked up.'] }
  const name = (id: number) => plan.servers[id] ?? 'nobody'
  const hasFailed = (id: number) => !known.viewOf(plan.pools[pool]!.name, name(id)).up
  const isHealthy = (id: number) => id !== 0 && !hasFailed(id) && known.isReachable(name(id))
  const tcp = (id: number, why: readonly string[], record?: Decided['record']): Decided => {
    const base = { id, ...(record && { record }) }
    if (!hasFailed(id)) return { ...base, why }
    if (onFailure === 'keep')
      return { ...base, why: [...why, `${name(id)} has failed; its flows stay with it (on_failure: keep).`] }
    return { ...base, resets: true, why: [...why, `${name(id)} has failed: the client gets a RST.`] }
  }
  const entry = keeper.records.find(hash, other)
  const found = entry < 0 ? undefined : keeper.records.recordAt(entry)
  const record = found && plan.servers[found.server] !== undefined ? recordOf(live, found) : undefined
  const told = record
    ? `A record says that the flow is ${record.server}’s: ${STATE_WORDS[record.state]}, last seen ${record.ageS.toFixed(1)} s ago.`
    : 'No record is there of the flow.'
  const ofNetwork = (id: number): Decided => ({
    id,
    ...(record && { record }),
    why: [told, `It goes to ${name(id)}, its network’s server.`],
  })
  const settled = settledIn(live, pool, word, hash)
  if (protocol === 'udp') {
    if (record && isHealthy(found!.server)) return { id: found!.server, record, why: [told] }
    if (network?.id !== undefined) return ofNetwork(network.id)
    const isLearned = next === undefined && (word & SLOT_LEARN) !== 0 && isHealthy(settled)
    const freed = record ? [`${record.server} is not usable: UDP leaves it.`] : []
    const to = isLearned
      ? `${name(settled)} had the slot before, and its UDP flows are being learned: it gets this one.`
      : `It goes to ${name(begins)}.`
    return { id: isLearned ? settled : begins, ...(record && { record }), why: [told, ...freed, to] }
  }
  if (record) return tcp(found!.server, [told], record)
  if (network?.id !== undefined) return ofNetwork(network.id)
  if (settled === 0)
    return { id: current, why: [told, `Nobody had the slot before: it goes to ${name(current)}.`] }
  if (settled === current) return tcp(current, [told, `${name(current)} had the slot before, too.`])
  return tcp(settled, [
    told,
    `A SYN goes to ${name(begins)}; a flow of before is ${name(settled)}’s, which had the slot then.`,
  ])
}

function recordOf(
  { prepared, keeper }: Live,
  { server, state, time }: FlowRecord,
): NonNullable<Trace['record']> {
  const ticks = keeper!.ageOf(time)
  return {
    server: prepared.plan.servers[server]!,
    state: STATES[state as keyof typeof STATES],
    ageS: keeper!.secondsOf(ticks),
  }
}
