// What the tries of lists hold (docs/packet-path.md, D1). The kernel finds the longest prefix that holds an address, and
// that entry alone: so each says what holds once a ban has ended, without anybody being there to take the ban away.
//
//   says   what the list says that is the longest around the prefix, or is it
//   until  the last tick of the bans between that list's prefix and this one; 0: there is none

import type { Ip } from '../base/addresses.ts'
import { bitsOf, type Prefix, prefixOf } from '../base/prefix.ts'
import { LIST } from './defence-memory.ts'
import type { DefenceTables } from './defence-shape.ts'

/** ListEntry: a prefix of a trie and its value. */
export interface ListEntry {
  readonly prefix: Prefix
  readonly says: number
  /** A tick; 0: no ban. */
  readonly until: number
}

/** keyOf a prefix: equal for equal ones. */
export const prefixKey = ({ address, length }: Prefix): string => `${typeof address} ${address}/${length}`

/** later of two ticks, of which only the difference counts. */
const later = (a: number, b: number): number => (a === 0 || (b - a) >>> 0 < 2 ** 31 ? b : a)

/** listEntries of lists and bans: one for each prefix that any of them has. */
export function listEntries({
  allow,
  deny,
  bans,
}: Pick<DefenceTables, 'allow' | 'deny' | 'bans'>): readonly ListEntry[] {
  const all = new Map<string, { readonly prefix: Prefix; says?: number; until: number }>()
  const entryOf = (prefix: Prefix) => {
    const key = prefixKey(prefix)
    const entry = all.get(key) ?? { prefix, until: 0 }
    all.set(key, entry)
    return entry
  }
  for (const prefix of allow) entryOf(prefix).says = LIST.allow
  for (const prefix of deny) entryOf(prefix).says = LIST.deny
  for (const { prefix, until } of bans) {
    const entry = entryOf(prefix)
    // a tick of 0 would be no ban
    entry.until = later(entry.until, until >>> 0 || 1)
  }
  if (bans.length === 0) return [...all.values()].map(({ prefix, says = 0 }) => ({ prefix, says, until: 0 }))

  const lengths = new Set([...all.values()].map(({ prefix }) => prefix.length))
  const shorter = [...lengths].sort((a, b) => b - a)
  return [...all.values()].map(({ prefix, says, until }) => {
    let [last, said] = [until, says]
    for (const length of shorter) {
      if (said !== undefined) break
      if (length >= prefix.length) continue
      const around = all.get(prefixKey(prefixOf(prefix.address, length)))
      if (!around) continue
      if (around.until !== 0) last = later(last, around.until)
      said = around.says
    }
    return { prefix, says: said ?? 0, until: last }
  })
}

/** bytesOfAddress in wire order. */
const bytesOfAddress = (address: Ip): Uint8Array => {
  const bytes = new Uint8Array(bitsOf(address) / 8)
  let rest = BigInt(address)
  for (let at = bytes.length - 1; at >= 0; at--, rest >>= 8n) bytes[at] = Number(rest & 0xffn)
  return bytes
}

/** entryOf: what entryBytes made. A trie looks a key up by its longest prefix, so `value` must be of this very one. */
export function entryOf(key: Buffer, value: Buffer): ListEntry {
  const digits = key.subarray(4).toString('hex')
  const address = (digits.length === 8 ? Number(`0x${digits}`) : BigInt(`0x${digits}`)) as Ip
  const length = key.readUInt32LE(0)
  return { prefix: { address, length }, says: value.readUInt32LE(0), until: value.readUInt32LE(4) }
}

/** entryBytes: key and value as the trie of its family has them. */
export function entryBytes({ prefix, says, until }: ListEntry): {
  readonly key: Buffer
  readonly value: Buffer
} {
  const [key, value] = [Buffer.alloc(4 + bitsOf(prefix.address) / 8), Buffer.alloc(8)]
  key.writeUInt32LE(prefix.length, 0)
  key.set(bytesOfAddress(prefix.address), 4)
  value.writeUInt32LE(says, 0)
  value.writeUInt32LE(until, 4)
  return { key, value }
}
