// Where an answer of nat leaves: by the interface that its client's packets came in by, to the MAC that they came from
// (docs/packet-path.md, N4). A record's hop says both; a node with one interface does not look at the first.

import type { Builder } from '../bpf/builder.ts'
import type { Stashed } from '../bpf/emitter.ts'
import type { Label } from '../bpf/isa.ts'
import { eq, fields, ne, part, type Val } from '../bpf/values.ts'
import { HOP_VIA } from './answer-record.ts'
import { macWord } from './path.ts'
import type { Record } from './path-answer.ts'
import type { EthernetView } from './path-forward.ts'
import type { Shape } from './shape.ts'

/** ANSWER: what functions that turn answers back answer: nothing that it knows, an answer on its way, by another interface, one whose TTL has run out. */
export const ANSWER = { unknown: 0, answered: 1, ttl: 2, redirected: 3 } as const

/** Way: by which of several interfaces: its MAC, and its index, 0 for our own. */
export interface Way {
  readonly from: Stashed<'u64'>
  readonly ifindex: Stashed<'u32'>
}

/** wayOut by the hop: an interface that there is not makes the answer an unknown one. undefined: there is but one. */
export function wayOut(p: Builder, shape: Shape, { at }: Record, unknown: Label): Way | undefined {
  if (shape.others.length === 0) return undefined
  const way: Way = { from: p.slot('u64'), ifindex: p.slot('u32') }
  const known = p.label('answer-way')
  const via = p.alu('rsh', p.load(fields(p.unstashPlace(at)).hop), HOP_VIA)
  for (const [number, ifindex, mac] of [
    [shape.own, 0, shape.mac] as const,
    ...shape.others.map((other) => [other.number, other.ifindex, other.mac] as const),
  ]) {
    const next = p.label('answer-next-way')
    p.jumpIf(ne(via, number), next)
    p.setSlot(way.ifindex, p.constant(ifindex))
    p.setSlot(way.from, p.const64((BigInt(macWord(mac, 4)) << 32n) | BigInt(macWord(mac, 0))))
    p.goto(known)
    p.bind(next)
  }
  p.goto(unknown)
  p.bind(known)
  return way
}

/** turnMacs: to the hop, from the interface that it leaves by. */
export function turnMacs(
  p: Builder,
  shape: Shape,
  { at }: Record,
  way: Way | undefined,
  { dst, src }: EthernetView,
): void {
  const put = (mac: typeof dst, value: Val<'u64'>) => {
    p.storeLow(part(mac, 0, 'u32'), value)
    p.storeLow(part(mac, 4, 'u16'), p.alu('rsh', value, 32))
  }
  put(dst, p.load(fields(p.unstashPlace(at)).hop))
  if (way) put(src, p.unstash(way.from))
  else {
    p.store(part(src, 0, 'u32'), macWord(shape.mac, 0))
    p.store(part(src, 4, 'u16'), macWord(shape.mac, 4))
  }
}

/** leaveBy ends the function: the answer is on its way. */
export function leaveBy(p: Builder, way: Way | undefined): void {
  if (way) {
    const own = p.label('answer-by-own')
    p.jumpIf(eq(p.unstash(way.ifindex), 0), own)
    p.call('redirect', p.unstash(way.ifindex), 0)
    p.exitValue(ANSWER.redirected)
    p.bind(own)
  }
  p.exitValue(ANSWER.answered)
}
