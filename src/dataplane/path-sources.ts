// What one source sends (docs/packet-path.md, D4, D5): functions of the program over a table of direct memory
// (source-table.ts). A source is a number: where it is << 32 | what it is told by; a flow of UDP is one, too.
//
// A source that is new in a line takes the place of the one that has sent least in this second: so whoever sends much stays,
// and is limited, however many others come once; and it begins with one, so nobody pays for another.

import type { Builder } from '../bpf/builder.ts'
import type { Label } from '../bpf/isa.ts'
import { eq, ge, ne, part, type Val } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import { SOURCE_KEY } from './defence-keys.ts'
import { Udp } from './headers.ts'
import type { Memory } from './memory.ts'
import { type Client, clientOf } from './path-client.ts'
import { secondNow } from './path-clock.ts'
import { find, leastOf, lineOf, printOf } from './path-ways.ts'
import { WHERE } from './path-where.ts'
import { maskWords } from './prefix-words.ts'
import type { Shape } from './shape.ts'
import { COUNT_BITS, MOST, PRINT_SHIFT, SECOND_BITS } from './source-table.ts'

/** sumOf a client's address, its network's bits alone: how many of each family. */
function sumOf(
  p: Builder,
  memory: Memory,
  client: Client,
  bits: { readonly prefix: number; readonly prefix6: number },
): Val<'u64'> {
  const { keys } = p.memory(memory.defence!.settings)
  const key = (index: number) => p.load(p.element(keys, index))
  const places =
    client.family === 4
      ? [{ ...client.source, type: 'u32' as const }]
      : [0, 4, 8, 12].map((at) => part(client.source, at, 'u32'))
  const masks = maskWords(client.family === 4 ? bits.prefix : bits.prefix6, places.length)
  let sum = key(client.family === 4 ? SOURCE_KEY.four : SOURCE_KEY.six)
  for (const [index, place] of places.entries()) {
    const mask = masks[index]!
    if (mask === 0) continue
    const word = p.load(place)
    const kept = mask === 0xffffffff ? word : p.alu('and', word, mask)
    sum = p.alu('add', sum, p.alu('mul', key(SOURCE_KEY.word + index), p.widen(kept)))
  }
  return sum
}

/** giveSource: answers with the source that a sum is. */
function giveSource(p: Builder, memory: Memory, sum: Val<'u64'>): void {
  const { keys } = p.memory(memory.defence!.settings)
  const folded = p.alu('xor', sum, p.alu('rsh', sum, 32))
  const mixed = (key: number) => p.alu('rsh', p.alu('mul', folded, p.load(p.element(keys, key))), 32)
  p.exitValue(p.alu('or', p.alu('lsh', mixed(SOURCE_KEY.place), 32), mixed(SOURCE_KEY.print)))
}

/** giveNothing: behind the ways that have answered: headers are not there. */
function giveNothing(p: Builder, missing: Label): void {
  p.bind(missing)
  p.exitValue(0)
}

/** sourceFunction: (struct xdp_md *, where its headers are) -> the client's source by the shape's prefixes; 0: not there. */
export const sourceFunction = (shape: Shape, memory: Memory): BuiltFunction =>
  plainFunction('source_of', (p) => {
    const [where] = p.parameters('context', 'u64')
    const missing = p.label('no-source')
    const { sources } = shape.defence!
    clientOf(p, shape, where, missing, (client) => giveSource(p, memory, sumOf(p, memory, client, sources!)))
    giveNothing(p, missing)
  })

/** flowFunction: (struct xdp_md *, where its headers are, service) -> the flow of a datagram, as a source; 0: not there. */
export const flowFunction = (shape: Shape, memory: Memory): BuiltFunction =>
  plainFunction('flow_of', (p) => {
    const [where, service] = p.parameters('context', 'u64', 'u32')
    const missing = p.label('no-flow')
    const { keys } = p.memory(memory.defence!.settings)
    const times = (key: number, value: Val<'u32'>) =>
      p.alu('mul', p.load(p.element(keys, key)), p.widen(value))
    const { data, end } = p.packet()
    const at = p.advance(data, p.alu('and', p.alu('rsh', where, WHERE.offset), WHERE.mask))
    const { udp } = p.headers(at, end, { udp: Udp }, missing)
    const ports = times(SOURCE_KEY.ports, p.load(part(udp.ports, 0, 'u32')))
    const rest = p.stash(p.alu('add', ports, times(SOURCE_KEY.service, service)))
    clientOf(p, shape, where, missing, (client) => {
      const whole = sumOf(p, memory, client, { prefix: 32, prefix6: 128 })
      giveSource(p, memory, p.alu('add', whole, p.unstash(rest)))
    })
    giveNothing(p, missing)
  })

/** meterFunction: (source, most) -> 1: it has sent so many in this second already; 0: this one has been counted. */
export const meterFunction = (shape: Shape, memory: Memory): BuiltFunction =>
  plainFunction('meter', (p) => {
    const [source, most] = p.parameters('numbers', 'u64', 'u32')
    const ways = lineOf(p, p.memory(memory.defence!.sources!).words, source)
    const print = p.alu('rsh', printOf(p, source), 32 - (64 - PRINT_SHIFT))
    const second = p.alu('and', secondNow(p, shape, memory), 2 ** SECOND_BITS - 1)
    const secondOf = (word: Val<'u64'>) =>
      p.alu('and', p.narrow(p.alu('rsh', word, COUNT_BITS)), 2 ** SECOND_BITS - 1)
    const anew = p.alu(
      'or',
      p.alu('lsh', p.alu('or', p.alu('lsh', p.widen(print), SECOND_BITS), second), COUNT_BITS),
      1,
    )
    find(
      p,
      ways,
      (word) => eq(p.narrow(p.alu('rsh', word, PRINT_SHIFT)), print),
      (entry) => {
        const [other, above] = [p.label('other-second'), p.label('above')]
        const word = p.load(entry)
        p.jumpIf(ne(secondOf(word), second), other)
        p.jumpIf(ge(p.alu('and', p.narrow(word), MOST), most), above)
        p.store(entry, p.alu('add', word, 1))
        p.exitValue(0)
        p.bind(above)
        p.exitValue(1)
        p.bind(other)
        p.store(entry, anew)
        p.exitValue(0)
      },
    )
    const entry = leastOf(p, ways, print, (word) => {
      const count = p.variable('u32', MOST)
      const stale = p.label('stale')
      p.set(count, 0)
      p.jumpIf(ne(secondOf(word), second), stale)
      p.set(count, p.alu('and', p.narrow(word), MOST))
      p.bind(stale)
      return count
    })
    p.store(entry, anew)
    p.exitValue(0)
  })
