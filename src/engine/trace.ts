// Why a packet of a client to a listener goes where it goes: the packet path's own steps, told. It reads the same
// words that the program reads; the listener's look-up and the hash are the model's.

import { type Endpoint, formatEndpoint, isIp4, type Mac, type Protocol } from '../base/addresses.ts'
import { be16, be32, immediate } from '../bpf/values.ts'
import { KEY_PORTS, KEY_SOURCE, KEY_SOURCE6 } from '../dataplane/shape.ts'
import { scaleHash } from '../schedule/hash.ts'
import type { Assignment } from './assignment.ts'
import type { Neighbour, Trace } from './engine.ts'
import type { Plan } from './plan.ts'

/** Traced: what a trace needs of the engine. `neighbourOf` by server name. */
export interface Traced {
  readonly plan: Plan
  readonly keys: BigUint64Array
  readonly assignment: Assignment
  readonly neighbourOf: (server: string) => Neighbour
}

const word32 = (value: number): number => immediate(be32(value)) >>> 0
const word16 = (value: number): number => immediate(be16(value))

/** hashOf: the hash of a flow (docs/packet-path.md, step 15). */
function hashOf(keys: BigUint64Array, { address, port }: Endpoint, toPort: number): number {
  const ports = (word16(port) | (word16(toPort) << 16)) >>> 0
  const words = isIp4(address)
    ? [word32(address)]
    : [96n, 64n, 32n, 0n].map((shift) => word32(Number((address >> shift) & 0xffffffffn)))
  let sum = keys[KEY_SOURCE - 1]! + keys[KEY_PORTS]! * BigInt(ports)
  for (const [i, word] of words.entries())
    sum += keys[i === 0 ? KEY_SOURCE : KEY_SOURCE6 + i - 1]! * BigInt(word)
  return Number(BigInt.asUintN(64, sum) >> 32n)
}

/** trace tells the steps. Nothing is sent. A client and a listener of two families never meet: `no-listener`. */
export function trace(
  { plan, keys, assignment, neighbourOf }: Traced,
  client: Endpoint,
  listener: Endpoint,
  protocol: Protocol = 'tcp',
): Trace {
  const target = `${formatEndpoint(listener)}/${protocol}`
  const found =
    isIp4(client.address) === isIp4(listener.address) &&
    plan.shape.listeners.find(
      (each) =>
        each.address === listener.address && each.port === listener.port && each.protocol === protocol,
    )
  if (!found) {
    return {
      outcome: 'no-listener',
      steps: [`${target} is no listener: it goes to the node’s kernel untouched.`],
    }
  }
  const { name: service } = plan.services[found.service]!
  const { name: pool, table } = plan.pools[found.pool]!
  const hash = hashOf(keys, client, listener.port)
  const slot = { index: scaleHash(hash, table.slots), of: table.slots, hash }
  const id = assignment.wordAt(found.pool, slot.index)
  const owner = table.owner[slot.index]
  const ownerName = owner === undefined ? undefined : table.members[owner]?.name
  const steps = [
    `${target} is a listener of service ${service}, pool ${pool}.`,
    `The flow from ${formatEndpoint(client)} hashes to 0x${hash.toString(16).padStart(8, '0')}: slot ${slot.index} of ${slot.of}.`,
  ]
  if (id === 0) {
    steps.push(`No server of ${pool} is usable: the packet is dropped and counted as no-server.`)
    return { outcome: 'no-server', service, pool, slot, steps }
  }
  const server = plan.servers[id]!
  const neighbour = neighbourOf(server)
  const mac: Mac | undefined = 'mac' in neighbour ? neighbour.mac : undefined
  if (ownerName !== undefined && ownerName !== server) {
    const lost = neighbourOf(ownerName)
    steps.push(
      `The slot is ${ownerName}’s${'why' in lost ? `, which is not usable (${lost.why})` : ''}; ${server} stands in for it.`,
    )
  } else {
    steps.push(`The slot is ${server}’s.`)
  }
  steps.push(
    mac
      ? `${server} has MAC ${mac}: the frame is sent there, TTL less one.`
      : `${server} has no MAC: the packet is dropped.`,
  )
  return { outcome: mac ? 'forwarded' : 'no-server', service, pool, slot, server, ...(mac && { mac }), steps }
}
