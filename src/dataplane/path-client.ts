// The client's address of a packet whose headers have been found: the source of its IP header, or of an error and a later
// fragment what the flow that they belong to has (path-where.ts). It is read again from the packet by whoever needs it.

import type { Builder } from '../bpf/builder.ts'
import type { Label } from '../bpf/isa.ts'
import type { Bytes } from '../bpf/types.ts'
import { wire } from '../bpf/types.ts'
import { anyBits, eq, type Place, type Val } from '../bpf/values.ts'
import { Source4, Source6 } from './headers.ts'
import { has } from './memory.ts'
import { WHERE } from './path-where.ts'
import type { Shape } from './shape.ts'

/** Client: where the address is. */
export type Client =
  | { readonly family: 4; readonly source: Place<'be32'> }
  | { readonly family: 6; readonly source: Place<Bytes<16>> }

/** clientOf a packet: `use` is emitted for each family of the shape, and ends by leaving. `missing`: a label ahead. */
export function clientOf<C extends string>(
  p: Builder<C>,
  shape: Shape,
  where: Val<'u64'>,
  missing: Label,
  use: (client: Client) => void,
): void {
  const { data, end } = p.packet()
  const network = p.advance(data, p.alu('and', where, WHERE.network))
  const client = p.pointerVariable()
  const [elsewhere, found, six] = [
    p.label('client-elsewhere'),
    p.label('client-found'),
    p.label('client-ipv6'),
  ]
  const { first } = p.headers(network, end, { first: wire('first', { byte: 'u8' }) }, missing)
  const version = p.alu('rsh', p.load(first.byte), 4)
  p.setPointer(client, network)
  p.jumpIf(anyBits(where, WHERE.peek), elsewhere)
  p.cold(elsewhere, () => {
    const offset = p.alu('and', p.alu('rsh', where, WHERE.offset), WHERE.mask)
    p.setPointer(client, p.advance(data, offset))
    p.goto(found)
  })
  p.bind(found)
  if (has(shape, 4) && has(shape, 6)) p.jumpIf(eq(version, 6), six)
  if (has(shape, 4)) {
    const { who } = p.headers(client, end, { who: Source4 }, missing)
    use({ family: 4, source: who.source })
  }
  if (has(shape, 6)) {
    p.bind(six)
    const { who } = p.headers(client, end, { who: Source6 }, missing)
    use({ family: 6, source: who.source })
  }
}
