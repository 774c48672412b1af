// What of a TCP segment its cookie is made of, read from the packet onto the stack, and the cookie, as a function of the
// program (proof-cookie.ts says what it is). IPv4 addresses are a block of the hash together, IPv6 addresses four; the last
// block holds ports, epoch and the message's length.

import type { Builder, StashedContext } from '../bpf/builder.ts'
import type { Stashed } from '../bpf/emitter.ts'
import type { Label } from '../bpf/isa.ts'
import { eq, part, type Val } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import type { DefenceMemory } from './defence-memory.ts'
import { Ipv4, Ipv6, Tcp } from './headers.ts'
import { has, type Memory, timeOf } from './memory.ts'
import { jiffies } from './path-clock.ts'
import { sipHash } from './path-siphash.ts'
import { WHERE } from './path-where.ts'
import { COOKIE_MASK, EPOCH_MASK, epochShift } from './proof-cookie.ts'
import { SECRETS } from './proof-secrets.ts'
import type { Shape } from './shape.ts'

/** LENGTH: of a cookie's message, by family, in a block's upper byte. */
const LENGTH = { 4: 15n << 56n, 6: 39n << 56n } as const

/** Opening: on the stack: the addresses' blocks, of IPv4 the first alone; the last block without its epoch. */
export interface Opening {
  readonly blocks: readonly Stashed<'u64'>[]
  readonly last: Stashed<'u64'>
  readonly isIpv6: Stashed<'u32'>
}

/** cookieFunction: (four blocks of addresses, the last block) -> 31 bits. */
export const cookieFunction = (shape: Shape, { settings }: DefenceMemory): BuiltFunction =>
  plainFunction('cookie', (p) => {
    const taken = p.parameters('numbers', 'u64', 'u64', 'u64', 'u64', 'u64')
    const blocks = taken.map((block) => p.stash(block))
    const { keys } = p.memory(settings)
    const answer = (...which: readonly number[]) => {
      const hash = sipHash(
        p,
        keys,
        SECRETS.cookie,
        which.map((i) => () => p.unstash(blocks[i]!)),
      )
      p.exitValue(p.alu('and', p.narrow(hash), COOKIE_MASK))
    }
    const six = p.label('cookie-ipv6')
    if (has(shape, 4)) {
      if (has(shape, 6)) p.jumpIf(eq(p.alu('rsh', p.unstash(blocks[4]!), 56), Number(LENGTH[6] >> 56n)), six)
      answer(0, 4)
    }
    if (has(shape, 6)) {
      p.bind(six)
      answer(0, 1, 2, 3, 4)
    }
  })

/** readOpening of the segment that `where` says; goes on behind its TCP header's check, with a view of it. */
export function readOpening(
  p: Builder,
  shape: Shape,
  context: StashedContext,
  where: Val<'u64'>,
  missing: Label,
) {
  const { data, end } = p.packet(p.contextOf(context))
  const opening: Opening = {
    blocks: [p.slot('u64'), p.slot('u64'), p.slot('u64'), p.slot('u64')],
    last: p.slot('u64'),
    isIpv6: p.slot('u32', 1),
  }
  const network = p.advance(data, p.alu('and', where, WHERE.network))
  const at = p.advance(data, p.alu('and', p.alu('rsh', where, WHERE.offset), WHERE.mask))
  const length = p.variable('u64')
  const [six, read] = [p.label('opening-ipv6'), p.label('opening-read')]
  if (has(shape, 4)) {
    const { ip } = p.headers(network, end, { ip: Ipv4 }, missing)
    if (has(shape, 6)) p.jumpIf(eq(p.alu('rsh', p.load(ip.versionIhl), 4), 6), six)
    p.setSlot(opening.blocks[0]!, p.load({ ...ip.source, type: 'u64' }))
    for (const block of opening.blocks.slice(1)) p.setSlot(block, 0)
    p.setSlot(opening.isIpv6, 0)
    p.set(length, p.const64(LENGTH[4]))
    if (has(shape, 6)) p.goto(read)
  }
  if (has(shape, 6)) {
    p.bind(six)
    const { ip } = p.headers(network, end, { ip: Ipv6 }, missing)
    for (const [i, place] of [ip.source, ip.destination].entries())
      for (const half of [0, 1])
        p.setSlot(opening.blocks[2 * i + half]!, p.load(part(place, 8 * half, 'u64')))
    p.setSlot(opening.isIpv6, 1)
    p.set(length, p.const64(LENGTH[6]))
  }
  p.bind(read)
  const { tcp } = p.headers(at, end, { tcp: Tcp }, missing)
  p.setSlot(opening.last, p.alu('or', length, p.load(part(tcp.ports, 0, 'u32'))))
  return { opening, tcp }
}

/** epochNow: of cookies, all of its bits. */
export const epochNow = (p: Builder, shape: Shape, memory: Memory): Val<'u32'> =>
  p.narrow(p.alu('rsh', jiffies(p, memory), epochShift(timeOf(shape))))

/** askCookie of an opening in an epoch. */
export function askCookie(
  p: Builder,
  cookie: BuiltFunction,
  { blocks, last }: Opening,
  epoch: Val<'u32'>,
): Val<'u32'> {
  const time = p.alu('lsh', p.widen(p.alu('and', epoch, EPOCH_MASK)), 32)
  const ending = p.alu('or', p.unstash(last), time)
  const [a, b, c, d] = blocks.map((block) => p.unstash(block)) as [
    Val<'u64'>,
    Val<'u64'>,
    Val<'u64'>,
    Val<'u64'>,
  ]
  return p.callSub(cookie, a, b, c, d, ending)
}

/** sourceOf an opening: what of it is proved. */
export function sourceOf(p: Builder, shape: Shape, { blocks, isIpv6 }: Opening): Val<'u64'> {
  const source = p.variable('u64')
  const whole = p.label('whole-source')
  p.set(source, p.unstash(blocks[0]!))
  if (!has(shape, 4)) return source
  if (has(shape, 6)) p.jumpIf(eq(p.unstash(isIpv6), 1), whole)
  p.set(source, p.widen(p.narrow(source)))
  p.bind(whole)
  return source
}
