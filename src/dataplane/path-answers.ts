// The table of answers (answer-record.ts) in the program: the hash of a flow as its answers tell it, where its record is,
// or where a new one would go, and what a record is sealed with.

import type { Builder } from '../bpf/builder.ts'
import type { Label } from '../bpf/isa.ts'
import { fields, le, neLow, type Place, type Val } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import { type AnswerEntry, SEAL, SPREAD } from './answer-record.ts'
import { FLOW_KEY } from './flow-keys.ts'
import { BUCKET_ENTRIES, MIX, SLACK } from './flow-record.ts'
import type { Family, Memory } from './memory.ts'
import { rankOf } from './path-scan.ts'

/** HELD: the entry holds a record with the key; the bits below are the entry's number. */
export const HELD = 0x8000_0000

/** AnswerEntryPlace: where a record is. */
export type AnswerEntryPlace = Place<typeof AnswerEntry>

/** Answers: the functions that find a record, and the table. */
export interface Answers {
  readonly table: NonNullable<NonNullable<Memory['tracking']>['answers']>
  /** (key, now in ticks) -> an entry's number, with HELD or not. */
  readonly seek: BuiltFunction
}

/** answersOf a memory that has the table. */
export const answersOf = (table: Answers['table']): Answers => ({
  table,
  seek: plainFunction('seek', (p) => {
    const [key, now] = p.parameters('numbers', 'u64', 'u32')
    const { buckets } = p.memory(table)
    const { count } = buckets.type
    const found = p.label('found')
    const ahead = p.alu('add', now, SLACK + 1)
    const number = p.variable('u64', count - 1)
    // of a record that there is not: the least rank (flow-record.ts), with its place in the two lowest bits, and its bucket
    const [best, where] = [p.variable('u32'), p.variable('u64', count - 1)]
    const entryOf = (bucket: Val<'u64'>, place: Val<'u32'>) =>
      p.alu('or', p.alu('lsh', p.narrow(bucket), 2), p.alu('and', place, BUCKET_ENTRIES - 1))
    p.set(number, p.scale(p.narrow(key), count))
    p.set(where, number)
    p.set(best, 0xffff_ffff)
    p.loop(p.constant(2), () => {
      const { entries } = fields(p.pin(p.element(buckets, number)))
      for (let place = 0; place < BUCKET_ENTRIES; place++) {
        const entry = fields(p.element(entries, place))
        const [other, kept] = [p.label('another-answer'), p.label('not-better')]
        const mixed = p.alu('xor', p.load(entry.key), key)
        const half = p.load(entry.stable)
        p.jumpIf(neLow(mixed, half), other)
        p.jumpIf(neLow(p.alu('rsh', mixed, 32), half), other)
        p.set(best, place)
        p.goto(found)
        p.bind(other)
        const rank = rankOf(p, p.load(entry.changing), ahead, place)
        p.jumpIf(le(best, rank), kept)
        p.set(best, rank)
        p.set(where, number)
        p.bind(kept)
      }
      const upper = p.narrow(p.alu('rsh', key, 32))
      p.set(number, p.scale(p.alu('add', p.alu('mul', p.narrow(key), MIX), upper), count))
    })
    p.exitValue(entryOf(where, best))
    p.bind(found)
    p.exitValue(p.alu('or', entryOf(number, best), HELD))
  }),
})

/** entryOf a number that seek answered; `nowhere` is never taken. */
export function entryAt(
  p: Builder,
  { table }: Answers,
  number: Val<'u32'>,
  nowhere: Label,
): AnswerEntryPlace {
  const { buckets } = p.memory(table)
  const place = p.below(p.alu('and', number, HELD - 1), buckets.type.count * BUCKET_ENTRIES, nowhere)
  const bucket = fields(p.element(buckets, p.alu('rsh', place, 2)))
  return p.pin(p.element(bucket.entries, p.alu('and', place, BUCKET_ENTRIES - 1)))
}

/** Word: a word of an address, read when its turn comes. */
export type Word = (index: number) => Val<'u32'>

/** serverSum: what a server's address adds to the sum of a key; of IPv4 the words behind the first are 0, and add nothing. */
export function serverSum(p: Builder, memory: Memory, family: Family, server: Word): Val<'u64'> {
  const terms = [FLOW_KEY.source, ...(family === 6 ? [0, 1, 2].map((i) => FLOW_KEY.source6 + i) : [])]
  return sumOf(
    p,
    memory,
    terms.map((index, word) => [index, () => server(word)]),
  )
}

/** restSum: what all else adds: `ports` has the server's in its lower half; `first` is the key that the sum begins with. */
export function restSum(
  p: Builder,
  memory: Memory,
  family: Family,
  first: number | Val<'u32'>,
  { client, ports }: { readonly client: Word; readonly ports: () => Val<'u32'> },
): Val<'u64'> {
  const words = family === 6 ? [1, 2, 3] : []
  const keys = p.pin(p.memory(memory.tables).flowKeys)
  const begun = p.load(p.element(keys, first))
  const sum = sumOf(p, memory, [
    [FLOW_KEY.ports, ports],
    [FLOW_KEY.destination, () => client(0)],
    ...words.map((i): Term => [FLOW_KEY.destination6 + i - 1, () => client(i)]),
  ])
  return p.alu('add', begun, sum)
}

type Term = readonly [key: number, word: () => Val<'u32'>]

function sumOf(p: Builder, memory: Memory, terms: readonly Term[]): Val<'u64'> {
  const keys = p.pin(p.memory(memory.tables).flowKeys)
  let sum: Val<'u64'> | undefined
  for (const [index, word] of terms) {
    const product = p.alu('mul', p.load(p.element(keys, index)), p.widen(word()))
    sum = sum ? p.alu('add', sum, product) : product
  }
  return sum!
}

/** spread the sum: the bijection that makes a key of it. */
export function spread(p: Builder, sum: Val<'u64'>): Val<'u64'> {
  const once = p.alu('mul', p.alu('xor', sum, p.alu('rsh', sum, 30)), p.const64(SPREAD[0]))
  const twice = p.alu('mul', p.alu('xor', once, p.alu('rsh', once, 27)), p.const64(SPREAD[1]))
  return p.alu('xor', twice, p.alu('rsh', twice, 31))
}

/** sealOf a key and what it stands for, as the upper half of a word, and the port in the lower half. */
export function portAndSeal(
  p: Builder,
  key: Val<'u64'>,
  low: Val<'u64'>,
  high: Val<'u64'> | undefined,
  port: Val<'u64'>,
): Val<'u64'> {
  let sum = p.alu('add', key, p.alu('mul', low, p.const64(SEAL[0])))
  if (high) sum = p.alu('add', sum, p.alu('mul', high, p.const64(SEAL[1])))
  sum = p.alu('add', sum, p.alu('mul', port, p.const64(SEAL[2])))
  return p.alu('or', p.alu('lsh', p.alu('rsh', sum, 32), 32), port)
}

/** Halves of a record that are read and written as one word. */
export const halvesOf = (entry: AnswerEntryPlace) => {
  const { stable, address, port } = fields(entry)
  const at = (place: Place, by = 0): Place<'u64'> => ({
    base: place.base,
    offset: place.offset + by,
    type: 'u64',
  })
  return { value: at(stable), low: at(address), high: at(address, 8), portAndSeal: at(port) }
}
