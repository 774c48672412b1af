// The client network of a packet's source address, where its service persists, put into a number: F of the network's
// record (flow-keys.ts). Read while the address is at hand, by the function that asks about a flow.

import type { Builder } from '../bpf/builder.ts'
import type { Stashed } from '../bpf/emitter.ts'
import type { Bytes } from '../bpf/types.ts'
import { eq, fields, type Place, part, type Val, type View } from '../bpf/values.ts'
import { TEMPLATE_KEY } from './flow-keys.ts'
import type { Memory, Persists } from './memory.ts'

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
