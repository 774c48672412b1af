// The table of proven sources, as functions of the program (proof-table.ts says what is in it). Both take numbers: a source,
// which is an IPv4 address or the first half of an IPv6 one; whether it is IPv6; now, in ticks.

import type { Builder } from '../bpf/builder.ts'
import { fields, gt, le, ne, type Place, type Val } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import type { DefenceMemory } from './defence-memory.ts'
import { has } from './memory.ts'
import { sipHash } from './path-siphash.ts'
import { SECRETS } from './proof-secrets.ts'
import { PROVEN_WAYS } from './proof-table.ts'
import type { Shape } from './shape.ts'

/** ProvenFunctions: (source, is it IPv6, now) -> 1 where it is proven, else 0; and the same to prove it. */
export interface ProvenFunctions {
  readonly isProven: BuiltFunction
  readonly prove: BuiltFunction
}

export const provenFunctions = (shape: Shape, defence: DefenceMemory): ProvenFunctions => ({
  isProven: plainFunction('proven', (p) => {
    const [source, six, now] = p.parameters('numbers', 'u64', 'u32', 'u32')
    const at = p.stash(now)
    const { ways, print } = placeOf(p, shape, defence, source, six)
    const tick = p.variable('u32')
    const [found, stranger] = [p.label('proven-found'), p.label('stranger')]
    for (const way of ways) {
      const next = p.label('next-way')
      p.jumpIf(ne(p.load(printIn(way)), print), next)
      p.set(tick, p.load(tickIn(way)))
      p.goto(found)
      p.bind(next)
    }
    p.goto(stranger)
    p.bind(found)
    const { rememberTicks } = fields(p.memory(defence.settings).settings)
    p.jumpIf(gt(p.alu('sub', p.unstash(at), tick), p.load(rememberTicks)), stranger)
    p.exitValue(1)
    p.bind(stranger)
    p.exitValue(0)
  }),
  prove: plainFunction('prove', (p) => {
    const [source, six, now] = p.parameters('numbers', 'u64', 'u32', 'u32')
    const at = p.stash(now)
    const { ways, print } = placeOf(p, shape, defence, source, six)
    const best = p.placeVariable('u64')
    const most = p.variable('u64')
    const write = p.label('write-proof')
    p.setPlace(best, ways[0]!)
    p.set(most, 0)
    for (const way of ways) {
      const [next, used, older] = [p.label('next-way'), p.label('used'), p.label('older')]
      const age = p.variable('u64')
      const other = p.label('of-another')
      p.jumpIf(ne(p.load(printIn(way)), print), other)
      p.setPlace(best, way)
      p.goto(write)
      p.bind(other)
      p.set(age, p.const64(EMPTY))
      p.jumpIf(ne(p.load(way), 0), used)
      p.goto(older)
      p.bind(used)
      p.set(age, p.widen(p.alu('sub', p.unstash(at), p.load(tickIn(way)))))
      p.bind(older)
      p.jumpIf(le(age, most), next)
      p.set(most, age)
      p.setPlace(best, way)
      p.bind(next)
    }
    p.bind(write)
    p.store(best, p.alu('or', p.alu('lsh', p.widen(print), 32), p.unstash(at)))
    p.exitValue(1)
  }),
})

/** EMPTY: older than any age. */
const EMPTY = 1n << 33n

/** placeOf a source: the words of its set, and its print. */
function placeOf(
  p: Builder,
  shape: Shape,
  { settings, proven }: DefenceMemory,
  source: Val<'u64'>,
  six: Val<'u32'>,
): { readonly ways: readonly Place<'u64'>[]; readonly print: Val<'u32'> } {
  const { words } = p.memory(proven!)
  const { keys } = p.memory(settings)
  const kept = p.stash(source)
  const hash = p.variable('u64')
  const [wide, hashed] = [p.label('hash-ipv6'), p.label('hashed')]
  // their messages have 4 bytes and 8
  const short = () => p.alu('or', p.unstash(kept), p.const64(4n << 56n))
  const long = [() => p.unstash(kept), () => p.const64(8n << 56n)]
  if (has(shape, 4)) {
    if (has(shape, 6)) p.jumpIf(ne(six, 0), wide)
    p.set(hash, sipHash(p, keys, SECRETS.source, [short]))
    if (has(shape, 6)) p.goto(hashed)
  }
  if (has(shape, 6)) {
    p.bind(wide)
    p.set(hash, sipHash(p, keys, SECRETS.source, long))
  }
  p.bind(hashed)
  const print = p.variable('u32')
  const some = p.label('some-print')
  p.set(print, p.narrow(p.alu('rsh', hash, 32)))
  p.jumpIf(ne(print, 0), some)
  p.set(print, 1)
  p.bind(some)
  const set = p.scale(p.widen(p.narrow(hash)), words.type.count / PROVEN_WAYS)
  return { ways: p.window(words, p.alu('mul', set, PROVEN_WAYS), PROVEN_WAYS), print }
}

/** The halves of a word. */
const tickIn = (way: Place<'u64'>): Place<'u32'> => ({ ...way, type: 'u32' })
const printIn = (way: Place<'u64'>): Place<'u32'> => ({ ...way, offset: way.offset + 4, type: 'u32' })
