// Who has something for a time (docs/packet-path.md, D1, D6): functions of the program over tables whose words have the tick
// from which on it is over (source-table.ts): sources that are banned, and flows of UDP that are known.

import type { Builder } from '../bpf/builder.ts'
import { eq, fields, lt, type Place, type Val } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import { ticksOf } from './flow-clock.ts'
import { type Memory, timeOf } from './memory.ts'
import { tickNow } from './path-clock.ts'
import { find, leastOf, lineOf, printOf, type Words } from './path-ways.ts'
import { type Shape, TIMEOUTS } from './shape.ts'

/** leftOf a word: ticks, or 0. */
function leftOf(p: Builder, word: Val<'u64'>, now: Val<'u32'>): Val<'u32'> {
  const left = p.variable('u32')
  const live = p.label('live')
  p.set(left, p.alu('sub', p.narrow(word), now))
  p.jumpIf(lt(left, 2 ** 31), live)
  p.set(left, 0)
  p.bind(live)
  return left
}

/** isOf: a word of the source that has this print. */
const isOf = (p: Builder, print: Val<'u32'>) => (word: Val<'u64'>) =>
  eq(p.narrow(p.alu('rsh', word, 32)), print)

/** wordOf a print and a tick. */
const wordOf = (p: Builder, print: Val<'u32'>, until: Val<'u32'>): Val<'u64'> =>
  p.alu('or', p.alu('lsh', p.widen(print), 32), until)

/** put the word where the source has one, or else in place of the one that is over first; `then` answers. */
function put(
  p: Builder,
  words: Words,
  source: Val<'u64'>,
  times: { readonly now: Val<'u32'>; readonly until: Val<'u32'> },
  then: () => void,
): void {
  const ways = lineOf(p, words, source)
  const print = printOf(p, source)
  const word = wordOf(p, print, times.until)
  find(p, ways, isOf(p, print), (entry) => {
    p.store(entry, word)
    p.exitValue(0)
  })
  p.store(
    leastOf(p, ways, print, (each) => p.alu('rsh', leftOf(p, each, times.now), 3)),
    word,
  )
  then()
  p.exitValue(0)
}

/** bannedFunction: (source) -> 1 where it is banned. */
export const bannedFunction = (shape: Shape, memory: Memory): BuiltFunction =>
  plainFunction('banned', (p) => {
    const [source] = p.parameters('numbers', 'u64')
    const ways = lineOf(p, p.memory(memory.defence!.banned!).words, source)
    const none = p.label('not-banned')
    find(p, ways, isOf(p, printOf(p, source)), (entry) => {
      p.jumpIf(eq(leftOf(p, p.load(entry), tickNow(p, shape, memory)), 0), none)
      p.exitValue(1)
    })
    p.bind(none)
    p.exitValue(0)
  })

/** banFunction: (source) -> 0: banned from now on, in the place of an older ban of its own, or of the one that ends first. */
export const banFunction = (shape: Shape, memory: Memory): BuiltFunction =>
  plainFunction('ban', (p) => {
    const [source] = p.parameters('numbers', 'u64')
    const { settings } = p.memory(memory.defence!.settings)
    const { banTicks, banned } = fields(settings)
    const now = tickNow(p, shape, memory)
    const until = p.alu('add', now, p.load(banTicks))
    put(p, p.memory(memory.defence!.banned!).words, source, { now, until }, () => p.store(banned, 1))
  })

/** knownUntil: how long a flow of UDP is known from now on, whatever its service: LVS's time-out of UDP. */
const knownUntil = (p: Builder, shape: Shape, now: Val<'u32'>): Val<'u32'> =>
  p.alu('add', now, ticksOf(timeOf(shape), TIMEOUTS.udp))

/** knownFunction: (flow) -> 1 where it is known, and from now on for as long again. */
export const knownFunction = (shape: Shape, memory: Memory): BuiltFunction =>
  plainFunction('known', (p) => {
    const [flow] = p.parameters('numbers', 'u64')
    const ways = lineOf(p, p.memory(memory.defence!.known!).words, flow)
    const print = printOf(p, flow)
    const [none, same] = [p.label('not-known'), p.label('same-tick')]
    find(p, ways, isOf(p, print), (entry: Place<'u64'>) => {
      const now = tickNow(p, shape, memory)
      const was = p.load(entry)
      p.jumpIf(eq(leftOf(p, was, now), 0), none)
      // once a tick, not once a packet
      const word = wordOf(p, print, knownUntil(p, shape, now))
      p.jumpIf(eq(was, word), same)
      p.store(entry, word)
      p.bind(same)
      p.exitValue(1)
    })
    p.bind(none)
    p.exitValue(0)
  })

/** knowFunction: (flow) -> 0: known from now on, in the place of the one that was seen least lately. */
export const knowFunction = (shape: Shape, memory: Memory): BuiltFunction =>
  plainFunction('know', (p) => {
    const [flow] = p.parameters('numbers', 'u64')
    const now = tickNow(p, shape, memory)
    const until = knownUntil(p, shape, now)
    put(p, p.memory(memory.defence!.known!).words, flow, { now, until }, () => {})
  })
