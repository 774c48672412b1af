// Both hashes of a frame's flow, by their definitions (docs/packet-path.md), in whole numbers.

import { type Ip6, isIp4, parseIp } from '../../base/addresses.ts'
import { ip6Bytes } from '../../wire/ipv6.ts'
import { flowKeys } from '../flow-keys.ts'
import type { FlowId } from '../flow-table.ts'
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

/** flowIdOf the packet that is made of these parts. */
export function flowIdOf({ shape, tables }: Fixture, { ip, ip6, tcp, udp }: Parts, service = 0): FlowId {
  const text = (given: unknown, absent: string) => (typeof given === 'string' ? given : absent)
  const source = wordsOf(ip6 ? text(ip6.source, client6) : text(ip?.source, client))
  const target = wordsOf(ip6 ? text(ip6.destination, vip6) : text(ip?.destination, vip))
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
  return { hash: top(hash), other: top(other) }
}
