// The packet path in plain TypeScript: docs/packet-path.md, step by step, on one frame at a time. It is the oracle
// that the generated program is compared with, so it shares nothing with it but Shape, Tables and the hash. It is
// written to be read beside that page. Left out: which CPU counts.

import { macBytes } from '../base/addresses.ts'
import { invariant } from '../base/errors.ts'
import { hashWords, scaleHash, splitMultipliers } from '../schedule/hash.ts'
import { updateChecksum } from '../wire/checksum.ts'
import type { OutcomeName } from './outcomes.ts'
import { HASH_KEYS, type ListenerShape, SERVER_MASK, type Shape, type Tables } from './shape.ts'

/** Outcome: what becomes of a frame. */
export interface Outcome {
  readonly outcome: OutcomeName
  /** The frame afterwards: a new one if it was forwarded, else the very one that came in. */
  readonly frame: Uint8Array
  /** What was counted beside the outcome, if it was forwarded: a service's index, a server's id, IP bytes. */
  readonly service?: number
  readonly server?: number
  readonly bytes?: number
}

/** Model: the packet path of one shape and its tables. */
export type Model = (frame: Uint8Array) => Outcome

const ETH_P_IP = 0x0800
const ETH_P_8021Q = 0x8100
const ETH_P_8021AD = 0x88a8
const IPPROTO_TCP = 6

const isTag = (type: number): boolean => type === ETH_P_8021Q || type === ETH_P_8021AD
/** A listener's address and port as one whole number below 2^48. */
const listenerKey = (address: number, port: number): number => address * 0x10000 + port

const be16 = (frame: Uint8Array, at: number): number => frame[at]! * 0x100 + frame[at + 1]!
const be32 = (frame: Uint8Array, at: number): number => be16(frame, at) * 0x10000 + be16(frame, at + 2)
const le32 = (frame: Uint8Array, at: number): number =>
  frame[at]! + frame[at + 1]! * 0x100 + frame[at + 2]! * 0x10000 + frame[at + 3]! * 0x1000000

/**
 * createModel prepares look-ups once. Slots that change afterwards are seen, as the program sees them; listeners,
 * keys and servers are those of now.
 */
export function createModel(shape: Shape, tables: Tables): Model {
  invariant(tables.keys.length === HASH_KEYS, `${tables.keys.length} hash keys`)
  invariant(
    shape.pools.every((slots, pool) => tables.slots[pool]?.length === slots),
    'every pool has its slots',
  )
  const own = macBytes(shape.mac)
  const multipliers = splitMultipliers(tables.keys)
  const addresses = new Set<number>()
  const listeners = new Map<number, ListenerShape>()
  for (const listener of shape.listeners) {
    addresses.add(listener.address)
    listeners.set(listenerKey(listener.address, listener.port), listener)
  }
  const servers = tables.servers.map(({ mac, usable }) => ({ mac: macBytes(mac), usable }))

  return (frame) => {
    const end = (outcome: OutcomeName): Outcome => ({ outcome, frame })
    const length = frame.length

    // 1
    if (length < 34) return end('short')

    // 2, 3: where the IP header is, behind up to two tags
    let type = be16(frame, 12)
    let ip = 14
    const tagged = isTag(type)
    if (tagged) {
      type = be16(frame, 16)
      ip = 18
      if (isTag(type)) {
        type = be16(frame, 20)
        ip = 22
      }
      if (length < ip + 20) return end('short')
    }
    if (type !== ETH_P_IP) return end('not-ipv4')

    // 4
    if (own.some((octet, i) => frame[i] !== octet)) return end('other-host')

    // 5
    const version = frame[ip]! >> 4
    const ihl = frame[ip]! & 0xf
    if (version !== 4 || ihl < 5) return end('malformed')

    // 6
    if (frame[ip + 9] !== IPPROTO_TCP) return end('not-tcp')

    // 7: bit 13 of the word is MF, below it is the offset
    const destination = be32(frame, ip + 16)
    const isServiceAddress = addresses.has(destination)
    if ((be16(frame, ip + 6) & 0x3fff) !== 0) return end(isServiceAddress ? 'fragment' : 'no-listener')

    // 8
    const tcp = ip + 4 * ihl
    if (length < tcp + 20) return end(isServiceAddress ? 'truncated' : 'no-listener')

    // 9
    const listener = listeners.get(listenerKey(destination, be16(frame, tcp + 2)))
    if (listener === undefined) return end('no-listener')

    // 10, 11: from here on the IP header is at 14 and has 20 bytes
    if (tagged) return end('vlan')
    if (ihl > 5) return end('ip-options')

    // 12
    const totalLength = be16(frame, 16)
    if (totalLength < 40 || totalLength > length - 14) return end('bad-length')

    // 13
    const ttl = frame[22]!
    if (ttl <= 1) return end('ttl')

    // 14
    const hash = hashWords(multipliers, 0, [le32(frame, 26), le32(frame, 34)])
    const slot = scaleHash(hash, shape.pools[listener.pool]!)
    const id = tables.slots[listener.pool]![slot]! & SERVER_MASK
    const server = servers[id]
    if (!server?.usable) return end('no-server')

    // 15
    const sent = new Uint8Array(frame)
    sent.set(server.mac, 0)
    sent.set(own, 6)
    sent[22] = ttl - 1
    const checksum = updateChecksum(be16(frame, 24), be16(frame, 22), be16(sent, 22))
    sent[24] = checksum >> 8
    sent[25] = checksum & 0xff
    return { outcome: 'forwarded', frame: sent, service: listener.service, server: id, bytes: totalLength }
  }
}
