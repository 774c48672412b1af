// The program that sends an attack: it is run on live frames (BPF_F_TEST_XDP_LIVE_FRAMES) as if they had come in by an
// interface, and answers XDP_TX, so that they leave by it. Whoever got a frame may have written to it, or cut it, before it
// came back: each time the whole frame is written, from a template that the process may change meanwhile, then random bits
// and the checksums over them; and it is handed in a byte too long and cut, as only then the kernel takes its length from
// here (net/bpf/test_run.c, ctx_was_changed). Words are the machine's, and sums of them with them: a ones' complement sum
// does not mind (RFC 1071, 2).

import type { Builder } from '../bpf/builder.ts'
import { bytes, direct, wire } from '../bpf/types.ts'
import { part, type Val } from '../bpf/values.ts'
import { type Built, plainFunction, program } from '../bpf/xdp.ts'
import type { AttackFrame } from './attack-shape.ts'

/** XDP_ABORTED, XDP_TX (enum xdp_action). */
const [XDP_ABORTED, XDP_TX] = [0, 3]

/** attackMemory: `frame`: the template, which begins with the MAC that it goes to. */
export const attackMemory = ({ frame }: AttackFrame) =>
  direct('attack', { sent: 'u64', frame: bytes(Math.ceil(frame.length / 8) * 8) })

/** attackInput: the frame as the program takes it. */
export const attackInput = ({ frame }: AttackFrame): Uint8Array => Uint8Array.from([...frame, 0])

/** attackProgram: for frames of attackInput. Its maps: attackMemory's. */
export const attackProgram = (
  { frame, varied, sums }: AttackFrame,
  memory: ReturnType<typeof attackMemory>,
): Built =>
  program(
    'attack',
    plainFunction('attack', (p) => {
      const { sent, frame: template } = p.memory(memory)
      const { data, end } = p.packet()
      const Frame = wire('attack_frame', { bytes: bytes(frame.length) })
      const { whole } = p.headers(data, end, { whole: Frame }, () => p.exitValue(XDP_ABORTED))
      p.copy(whole.bytes, { ...template, type: bytes(frame.length) })
      const random = randomWords(p)
      const totals = sums.map(({ start }) => p.constant(swapped(start)))
      for (const { at, mask } of varied) {
        const place = part(whole.bytes, at, 'u16')
        const word = mask === 0xffff ? random() : p.alu('and', random(), swapped(mask))
        const fixed = swapped((frame[at]! << 8) | frame[at + 1]!)
        p.storeLow(place, fixed === 0 ? word : p.alu('or', word, fixed))
        for (const [index, { covers }] of sums.entries())
          if (covers(at)) totals[index] = p.alu('add', totals[index]!, word)
      }
      for (const [index, { at }] of sums.entries())
        p.storeLow(part(whole.bytes, at, 'u16'), p.alu('xor', fold(p, totals[index]!), 0xffff))
      const stuck = p.label('stuck')
      p.increment(sent, 1)
      p.adjustTail(-1, stuck)
      p.exitValue(XDP_TX)
      p.bind(stuck)
      p.exitValue(XDP_ABORTED)
    }),
  )

/** randomWords gives 16 random bits at a time, two of each call of the helper. */
function randomWords(p: Builder): () => Val<'u32'> {
  let rest: Val<'u32'> | undefined
  return () => {
    if (rest) {
      const high = rest
      rest = undefined
      return high
    }
    const both = p.narrow(p.call('get_prandom_u32'))
    rest = p.alu('rsh', both, 16)
    return p.alu('and', both, 0xffff)
  }
}

/** fold a sum of at most 2^16 words to 16 bits. */
function fold(p: Builder, sum: Val<'u32'>): Val<'u32'> {
  const once = p.alu('add', p.alu('and', sum, 0xffff), p.alu('rsh', sum, 16))
  return p.alu('add', p.alu('and', once, 0xffff), p.alu('rsh', once, 16))
}

/** swapped: a word of the wire as the machine's, which is little-endian. */
const swapped = (word: number): number => ((word & 0xff) << 8) | (word >>> 8)
