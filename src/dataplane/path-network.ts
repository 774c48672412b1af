// The client network of a packet, where its service persists, for the function that asks about a flow: its address put
// into a number while it is at hand, which is F of the network's record (flow-keys.ts); and what is asked about the
// network before and after the flow is decided about (path-template.ts).

import type { Builder } from '../bpf/builder.ts'
import type { Stashed } from '../bpf/emitter.ts'
import type { Bytes } from '../bpf/types.ts'
import { anyBits, eq, fields, type Place, part, type Val, type View } from '../bpf/values.ts'
import type { BuiltFunction } from '../bpf/xdp.ts'
import { TEMPLATE_KEY } from './flow-keys.ts'
import type { Memory, Persists } from './memory.ts'
import { ABOUT } from './path-asked.ts'
import { ASK, KEEP } from './path-decide.ts'
import { SERVER_MASK } from './shape.ts'

type How = View<(typeof Persists)['fields']>
/** Words: an address' words, each cut to the network as it is read. */
type Words = (how: How) => readonly (() => Val<'u32'>)[]

/** network4 of an IPv4 address. */
export const network4 =
  (p: Builder, source: Place<'be32'>): Words =>
  ({ mask }) => [() => p.alu('and', p.bits(p.load(source)), p.load(mask))]

/** network6 of an IPv6 address. */
export const network6 =
  (p: Builder, source: Place<Bytes<16>>): Words =>
  ({ high }) =>
    [0, 4, 8, 12].map((at) => () => {
      // the halves of the mask lie one behind the other
      const mask: Place<'u32'> = { ...high, offset: high.offset + at, type: 'u32' }
      return p.alu('and', p.load(part(source, at, 'u32')), p.load(mask))
    })

/** hashNetwork puts F into `into`, which is left as it was where the service does not persist. */
export function hashNetwork(
  p: Builder,
  memory: Memory,
  about: () => Val<'u64'>,
  wordsOf: Words,
  into: Stashed<'u64'>,
): void {
  const { flowKeys, persists } = p.memory(memory.tables)
  const key = (index: number) => p.load(p.element(flowKeys, index))
  const alone = p.label('does-not-persist')
  const service = () => p.alu('and', p.narrow(about()), memory.serviceCapacity - 1)
  const how = fields(p.pin(p.element(persists, service())))
  p.jumpIf(eq(p.load(how.ticks), 0), alone)
  const hash = (first: number): Val<'u64'> => {
    const times = (index: number, word: Val<'u32'>) => p.alu('mul', p.widen(word), key(first + index))
    let sum = p.alu('add', times(TEMPLATE_KEY.service, service()), key(first))
    for (const [i, word] of wordsOf(how).entries())
      sum = p.alu('add', sum, times(TEMPLATE_KEY.source + i, word()))
    return p.alu('rsh', sum, 32)
  }
  p.setSlot(into, p.alu('lsh', hash(TEMPLATE_KEY.first), 32))
  p.setSlot(into, p.alu('or', p.unstash(into), hash(TEMPLATE_KEY.other)))
  p.bind(alone)
}

/** Ask: the functions that are asked. */
export interface Ask {
  readonly decide: BuiltFunction
  readonly template: BuiltFunction
}

/** Slots: the question, and a slot for the answer. */
export interface Slots {
  readonly flow: Stashed<'u64'>
  readonly word: Stashed<'u32'>
  readonly about: Stashed<'u64'>
  readonly answer: Stashed<'u64'>
}

/**
 * askWithNetwork: what `decide` answers to the question. Where no record of the flow holds, it answers ASK first: then the
 * network's server, if it has one, takes the word's place. `client` is the network's F, or 0. Nothing is on the stack but
 * the slots: functions below have not much of it left.
 */
export function askWithNetwork(
  p: Builder,
  { decide, template }: Ask,
  client: Stashed<'u64'>,
  { flow, word, about, answer }: Slots,
): Val<'u32'> {
  const [fixed, decided, unkept, settled] = [
    p.label('fixed'),
    p.label('decided'),
    p.label('unkept'),
    p.label('settled'),
  ]
  const ask = () =>
    p.setSlot(answer, p.widen(p.callSub(decide, p.unstash(flow), p.unstash(word), p.unstash(about))))
  const answered = () => p.narrow(p.unstash(answer))
  const bits = p.variable('u64')
  p.set(bits, p.unstash(about))
  p.jumpIf(eq(p.unstash(client), 0), fixed)
  p.set(bits, p.alu('or', bits, ABOUT.network))
  p.jumpIf(anyBits(bits, ABOUT.moves), fixed)
  p.set(bits, p.alu('or', bits, ABOUT.asks))
  p.bind(fixed)
  p.setSlot(about, bits)
  ask()
  p.jumpIf(eq(p.alu('and', answered(), ASK), 0), decided)

  p.setSlot(about, p.alu('xor', p.unstash(about), ABOUT.asks | ABOUT.again))
  const server = p.callSub(template, p.unstash(client), p.constant(0), p.unstash(about))
  p.jumpIf(eq(server, 0), unkept)
  p.setSlot(word, server)
  p.setSlot(about, p.alu('or', p.unstash(about), ABOUT.kept))
  p.bind(unkept)
  ask()

  p.bind(decided)
  p.jumpIf(eq(p.alu('and', answered(), KEEP), 0), settled)
  p.callSub(template, p.unstash(client), p.alu('and', answered(), SERVER_MASK), p.unstash(about))
  p.bind(settled)
  return p.alu('and', answered(), ASK - 1)
}
