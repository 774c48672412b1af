// SipHash-1-3 as the program has it (siphash.ts is the plain form): emitted where it is needed, for a number of blocks that is
// known when the program is built. It takes five registers.

import type { Builder } from '../bpf/builder.ts'
import type { ArrayOf } from '../bpf/types.ts'
import type { Place, Val } from '../bpf/values.ts'
import { SIP_END, SIP_ROUNDS, SIP_START } from './siphash.ts'

type State = readonly [Val<'u64'>, Val<'u64'>, Val<'u64'>, Val<'u64'>]

/** rotate a word's bits to the left. */
function rotate(p: Builder, word: Val<'u64'>, by: number): void {
  const upper = p.alu('rsh', word, 64 - by)
  p.set(word, p.alu('or', p.alu('lsh', word, by), upper))
}

function round(p: Builder, [v0, v1, v2, v3]: State): void {
  const mix = (a: Val<'u64'>, b: Val<'u64'>, by: number) => {
    p.set(a, p.alu('add', a, b))
    rotate(p, b, by)
    p.set(b, p.alu('xor', b, a))
  }
  mix(v0, v1, 13)
  mix(v2, v3, 16)
  rotate(p, v0, 32)
  mix(v2, v1, 17)
  mix(v0, v3, 21)
  rotate(p, v2, 32)
}

/** sipHash of blocks, the last of which has the message's length in its upper byte; `secret`: two words at `first`. */
export function sipHash(
  p: Builder,
  secrets: Place<ArrayOf<'u64'>>,
  first: number,
  blocks: readonly (() => Val<'u64'>)[],
): Val<'u64'> {
  const state = SIP_START.map((start, i) => {
    const word = p.variable('u64')
    p.set(word, p.alu('xor', p.const64(start), p.load(p.element(secrets, first + (i % 2)))))
    return word
  }) as unknown as State
  const [v0, v1, v2, v3] = state
  for (const block of blocks) {
    // read again, not kept: a register less
    p.set(v3, p.alu('xor', v3, block()))
    for (let i = 0; i < SIP_ROUNDS.block; i++) round(p, state)
    p.set(v0, p.alu('xor', v0, block()))
  }
  p.set(v2, p.alu('xor', v2, SIP_END))
  for (let i = 0; i < SIP_ROUNDS.end; i++) round(p, state)
  return p.alu('xor', p.alu('xor', v0, v1), p.alu('xor', v2, v3))
}
