// Translation in the program: an address and a port of the packet are replaced, and the checksums that cover them follow
// by RFC 1624, equation 3: HC' = ~(~HC + ~m + m'), over 32-bit words, whose sum folds to the same 16 bits.

import type { Builder } from '../bpf/builder.ts'
import type { Label } from '../bpf/isa.ts'
import type { Bytes } from '../bpf/types.ts'
import { eq, ne, type Place, part, type Val } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import type { Family } from './memory.ts'
import type { Word } from './path-answers.ts'

/** difference: what a 32-bit word's change adds to a checksum's sum. */
function difference(p: Builder, before: Val<'u32'>, after: Val<'u32'>): Val<'u64'> {
  return p.alu('add', p.widen(p.alu('xor', before, 0xffff_ffff)), p.widen(after))
}

/** difference16: the same of 16 bits. */
export const difference16 = (p: Builder, before: Val<'u32'>, after: Val<'u16' | 'u32'>): Val<'u64'> =>
  p.widen(p.alu('add', p.alu('xor', before, 0xffff), after))

/** replaceAddress writes an address's words and gives what that adds to a sum. */
export function replaceAddress(p: Builder, family: Family, place: Place<Bytes>, by: Word): Val<'u64'> {
  let sum: Val<'u64'> | undefined
  for (const index of family === 6 ? [0, 1, 2, 3] : [0]) {
    const word = part(place, 4 * index, 'u32')
    const after = by(index)
    const added = difference(p, p.load(word), after)
    p.store(word, after)
    sum = sum ? p.alu('add', sum, added) : added
  }
  return sum!
}

/** replacePort, likewise. */
export function replacePort(p: Builder, place: Place<'u16'>, by: Val<'u32'>): Val<'u64'> {
  const added = difference(p, p.narrow(p.widen(p.load(place))), by)
  p.storeLow(place, by)
  return added
}

/** fold a sum to 16 bits. */
function fold(p: Builder, sum: Val<'u64'>): Val<'u32'> {
  const low = p.alu('add', p.widen(p.narrow(sum)), p.alu('rsh', sum, 32))
  const once = p.alu('add', p.alu('and', low, 0xffff), p.alu('rsh', low, 16))
  const twice = p.alu('add', p.alu('and', once, 0xffff), p.alu('rsh', once, 16))
  return p.narrow(p.alu('add', p.alu('and', twice, 0xffff), p.alu('rsh', twice, 16)))
}

/** updateFunction: what `updated` does as a function of the program, for where packets are rare: a call costs some ns. */
export const updateFunction = (): BuiltFunction =>
  plainFunction('update', (p) => {
    const [checksum, sum] = p.parameters('numbers', 'u32', 'u64')
    p.exitValue(updated(p, checksum, sum))
  })

/** updated: a checksum after a change of what it covers, by the function given or here. */
function updated(p: Builder, checksum: Val<'u32'>, sum: Val<'u64'>, update?: BuiltFunction): Val<'u32'> {
  if (update) return p.callSub(update, checksum, sum)
  const whole = p.alu('add', p.alu('xor', checksum, 0xffff), fold(p, sum))
  const folded = p.alu('add', p.alu('and', whole, 0xffff), p.alu('rsh', whole, 16))
  return p.alu('xor', folded, 0xffff)
}

/** follow a change by a checksum of IPv4, TCP or ICMP. */
export function follow(p: Builder, place: Place<'u16'>, sum: Val<'u64'>, update?: BuiltFunction): void {
  p.storeLow(place, updated(p, p.narrow(p.widen(p.load(place))), sum, update))
}

/** followUdp: 0 is no checksum, and none becomes 0 (RFC 768). */
export function followUdp(
  p: Builder,
  place: Place<'u16'>,
  sum: Val<'u64'>,
  done: Label,
  update?: BuiltFunction,
): void {
  const before = p.narrow(p.widen(p.load(place)))
  p.jumpIf(eq(before, 0), done)
  const after = p.variable('u32')
  const write = p.label('udp-checksum')
  p.set(after, updated(p, before, sum, update))
  p.jumpIf(ne(after, 0), write)
  p.set(after, 0xffff)
  p.bind(write)
  p.storeLow(place, after)
}

/** hopsLess: what IPv4's TTL, which stands in the lower half of a word with the protocol, adds when it is one less. */
export const hopsLess = (p: Builder, word: Val<'u16'>): Val<'u64'> =>
  p.widen(p.alu('add', p.alu('xor', word, 0xffff), p.alu('sub', word, 1)))
