// Lines of eight words of 64 bits in direct memory, in which a source has one or takes one over (source-table.ts): how the
// program finds them. A source is a number: where it is << 32 | what it is told by.

import type { Builder } from '../bpf/builder.ts'
import type { ArrayOf } from '../bpf/types.ts'
import { type Cond, ge, type Place, type Val } from '../bpf/values.ts'
import { WAYS } from './defence-memory.ts'

/** Words of a table: eight a line. */
export type Words = Place<ArrayOf<'u64'>>

/** lineOf a source: its eight words. */
export function lineOf(p: Builder, words: Words, source: Val<'u64'>): readonly Place<'u64'>[] {
  const lines = words.type.count / WAYS
  const line = p.scale(p.alu('rsh', source, 32), lines)
  return p.window(words, p.alu('lsh', line, Math.log2(WAYS)), WAYS)
}

/** printOf a source. */
export const printOf = (p: Builder, source: Val<'u64'>): Val<'u32'> =>
  p.narrow(p.alu('and', source, 0xffffffff))

/**
 * leastOf a line: the way with the least rank; of equal ranks the first behind the one that the print says, so that none of
 * them is put out sooner than the others. `rank` is below 2^28.
 */
export function leastOf(
  p: Builder,
  ways: readonly Place<'u64'>[],
  print: Val<'u32'>,
  rank: (word: Val<'u64'>) => Val<'u32'>,
): Place<'u64'> {
  const place = p.placeVariable('u64')
  const least = p.variable('u32')
  p.setPlace(place, ways[0]!)
  p.set(least, 0xffffffff)
  for (const [index, way] of ways.entries()) {
    const next = p.label('next-way')
    const turn = p.alu('and', p.alu('add', print, index), WAYS - 1)
    const full = p.alu('or', p.alu('lsh', rank(p.load(way)), 3), turn)
    p.jumpIf(ge(full, least), next)
    p.set(least, full)
    p.setPlace(place, way)
    p.bind(next)
  }
  return place
}

/** find the way that `isOwn` says; falls out where none is the source's. */
export function find(
  p: Builder,
  ways: readonly Place<'u64'>[],
  isOwn: (word: Val<'u64'>) => Cond,
  own: (entry: Place<'u64'>) => void,
): void {
  const entry = p.placeVariable('u64')
  const [found, none] = [p.label('own-way'), p.label('no-way')]
  for (const way of ways) {
    p.setPlace(entry, way)
    p.jumpIf(isOwn(p.load(way)), found)
  }
  p.goto(none)
  p.bind(found)
  own(entry)
  p.bind(none)
}
