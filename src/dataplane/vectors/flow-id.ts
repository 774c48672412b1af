// Both hashes of a frame's flow, by their definitions (docs/packet-path.md), in whole numbers.

import { type Ip6, isIp4, parseIp } from '../../base/addresses.ts'
import { ip6Bytes } from '../../wire/ipv6.ts'
import { flowKeys } from '../flow-keys.ts'
import type { FlowId } from '../flow-table.ts'
import { ALL_FLOW_KEYS } from '../memory.ts'
import { client, client6, type Fixture, vip, vip6 } from './fixture.ts'
import type { Parts } from './vector.ts'

/** The words of an address as a little-endian machine reads them from a packet. */
function wordsOf(address: string): bigint[] {
  const ip = parseIp(address)
  const octets = isIp4(ip) ? ip6Bytes(BigInt(ip) as Ip6).subarray(12) : ip6Bytes(ip)
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  return Array.from({ length: octets.length / 4 }, (_, i) => BigInt(view.getUint32(4 * i, true)))
}

const swapped = (port: number): bigint => BigInt(((port & 0xff) << 8) | (port >> 8))
const top = (sum: bigint): number => Number(BigInt.asUintN(64, sum) >> 32n)

const sourceOf = ({ ip, ip6 }: Parts): bigint[] =>
  wordsOf(ip6 ? textOf(ip6.source, client6) : textOf(ip?.source, client))
const textOf = (given: unknown, absent: string): string => (typeof given === 'string' ? given : absent)

/** networkIdOf the client network of the packet that is made of these parts; of all its bits where none persists. */
export function networkIdOf({ shape, tables }: Fixture, parts: Parts, service = 0): FlowId {
  const { network = 32, network6 = 128 } = shape.services[service]?.persistence ?? {}
  const bits = parts.ip6 ? network6 : network
  const mask = new DataView(new ArrayBuffer(16))
  for (let bit = 0; bit < bits; bit++) mask.setUint8(bit >> 3, mask.getUint8(bit >> 3) | (0x80 >> (bit & 7)))
  const keys = flowKeys(tables.keys, ALL_FLOW_KEYS)
  const sum = (first: number): bigint =>
    sourceOf(parts).reduce(
      (total, word, i) => total + keys[first + 2 + i]! * (word & BigInt(mask.getUint32(4 * i, true))),
      keys[first]! + keys[first + 1]! * BigInt(service),
    )
  return { hash: top(sum(12)), other: top(sum(18)) }
}

/** flowIdOf the packet that is made of these parts. */
export function flowIdOf({ shape, tables }: Fixture, { ip, ip6, tcp, udp }: Parts, service = 0): FlowId {
  const source = sourceOf({ ...(ip && { ip }), ...(ip6 && { ip6 }) })
  const target = wordsOf(ip6 ? textOf(ip6.destination, vip6) : textOf(ip?.destination, vip))
  const from = (udp ?? tcp)?.source ?? 40_000
  const to = (udp ?? tcp)?.destination ?? (udp ? 53 : 80)
  const ports = swapped(from) | (swapped(to) << 16n)
  const k = tables.keys
  const b = flowKeys(k)
  const isBySource = shape.services[service]?.hash === 'source'
  let hash = k[0]! + k[1]! * source[0]! + (isBySource ? 0n : k[2]! * ports)
  let other = (udp ? b[10]! : b[0]!) + b[1]! * source[0]! + b[2]! * ports + b[3]! * target[0]!
  for (const i of [1, 2, 3].slice(0, source.length - 1)) {
    hash += k[5 + i]! * source[i]!
    other += b[3 + i]! * source[i]! + b[6 + i]! * target[i]!
  }
  other = BigInt.asUintN(64, other)
  return { hash: top(hash), other: top((other ^ (other >> 32n)) * b[11]!) }
}
