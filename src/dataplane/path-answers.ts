// The table of answers (answer-record.ts) in the program: the hash of a flow as its answers tell it, where its record is,
// or where a new one would go, and what a record is sealed with.

import type { Builder } from '../bpf/builder.ts'
import type { Label } from '../bpf/isa.ts'
import { anyBits, fields, ge, type Place, type Val } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import { type AnswerEntry, SEAL, SPREAD } from './answer-record.ts'
import { FLOW_KEY } from './flow-keys.ts'
import { BUCKET_ENTRIES, MIX } from './flow-record.ts'
import type { Family, Memory } from './memory.ts'
import { FOUND, scanFunction } from './path-scan.ts'

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
export function answersOf(table: Answers['table']): Answers {
  const scan = scanFunction(table, 'scan_answers')
  const seek = plainFunction('seek', (p) => {
    const [key, now] = p.parameters('numbers', 'u64', 'u32')
    const { count } = p.memory(table).buckets.type
    const [inFirst, inSecond] = [p.label('in-first'), p.label('in-second')]
    const lower = p.narrow(key)
    const first = p.stash(p.scale(lower, count))
    const mixed = p.alu('add', p.alu('mul', lower, MIX), p.narrow(p.alu('rsh', key, 32)))
    const second = p.stash(p.scale(mixed, count))
    const entryOf = (bucket: typeof first, rank: Val<'u32'>) =>
      p.alu('or', p.alu('lsh', p.narrow(p.unstash(bucket)), 2), p.alu('and', rank, BUCKET_ENTRIES - 1))
    const one = p.stash(p.callSub(scan, key, now, p.unstash(first)))
    p.jumpIf(anyBits(p.unstash(one), FOUND), inFirst)
    const two = p.callSub(scan, key, now, p.unstash(second))
    p.jumpIf(anyBits(two, FOUND), inSecond)
    // no record: of equals the place nearer to its bucket's start, so that the emptier bucket is filled
    const nearer = p.label('in-first-place')
    p.jumpIf(ge(two, p.unstash(one)), nearer)
    p.exitValue(entryOf(second, two))
    p.bind(nearer)
    p.exitValue(entryOf(first, p.unstash(one)))
    p.bind(inFirst)
    p.exitValue(p.alu('or', entryOf(first, p.unstash(one)), HELD))
    p.bind(inSecond)
    p.exitValue(p.alu('or', entryOf(second, two), HELD))
  })
  return { table, seek }
}

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
