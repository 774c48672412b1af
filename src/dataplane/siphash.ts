// SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012), the keyed hash of what must not be
// foreseen by one who sees some of its answers: proofs of source (proof-cookie.ts, proof-table.ts). The multilinear hash of
// the rest of the packet path is faster, but whoever sees a few of its answers can solve it for its key. This is the plain
// form, for the model; path-siphash.ts is the program's.

/** Secret: 128 bits. */
export type Secret = readonly [bigint, bigint]

/** SIP_START: what the four words of the state begin as, xored with the secret's two in turn. */
export const SIP_START = [
  0x736f6d6570736575n,
  0x646f72616e646f6dn,
  0x6c7967656e657261n,
  0x7465646279746573n,
] as const
/** SIP_ROUNDS: so many for each block, and at the end. */
export const SIP_ROUNDS = { block: 1, end: 3 } as const
/** SIP_END: xored into the third word before the end. */
export const SIP_END = 0xff

const MASK = 0xffff_ffff_ffff_ffffn
const rotate = (word: bigint, by: bigint): bigint => ((word << by) | (word >> (64n - by))) & MASK

type State = [bigint, bigint, bigint, bigint]

function round(v: State): void {
  v[0] = (v[0] + v[1]) & MASK
  v[2] = (v[2] + v[3]) & MASK
  v[1] = rotate(v[1], 13n) ^ v[0]
  v[3] = rotate(v[3], 16n) ^ v[2]
  v[0] = rotate(v[0], 32n)
  v[2] = (v[2] + v[1]) & MASK
  v[0] = (v[0] + v[3]) & MASK
  v[1] = rotate(v[1], 17n) ^ v[2]
  v[3] = rotate(v[3], 21n) ^ v[0]
  v[2] = rotate(v[2], 32n)
}

/** sipBlocks: a message's blocks: whole words as a little-endian machine reads them, the last one with the length in its upper byte. */
export function sipBlocks(message: Uint8Array): bigint[] {
  const padded = new Uint8Array((message.length & ~7) + 8)
  padded.set(message)
  padded[padded.length - 1] = message.length & 0xff
  const view = new DataView(padded.buffer)
  return Array.from({ length: padded.length / 8 }, (_, i) => view.getBigUint64(8 * i, true))
}

/** sipHash: 64 bits of a message. */
export function sipHash([k0, k1]: Secret, message: Uint8Array): bigint {
  const v = SIP_START.map((word, i) => word ^ (i % 2 === 0 ? k0 : k1)) as State
  for (const block of sipBlocks(message)) {
    v[3] ^= block
    for (let i = 0; i < SIP_ROUNDS.block; i++) round(v)
    v[0] ^= block
  }
  v[2] ^= BigInt(SIP_END)
  for (let i = 0; i < SIP_ROUNDS.end; i++) round(v)
  return v[0] ^ v[1] ^ v[2] ^ v[3]
}
