// Ranges of ports found in tables, as a function of the program for each family, called where no listener has the exact
// port. The address' own entry says which ranges of the sorted list are its own; among them a binary search of as many
// steps as the address with most ranges needs. It answers with the range's index plus 1, or 0.

import type { Builder } from '../bpf/builder.ts'
import { eq, fields, ge, gt, lt, type Val } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import { find, type Wanted } from './match.ts'
import { type Family, KIND_ADDRESS, type Memory, tabledRanges } from './memory.ts'
import { hostPort } from './range-tree.ts'
import type { Shape } from './shape.ts'

/** RangeFunctions: by family: IPv4's takes (port and kind << 32 | address), IPv6's (both halves, port and kind). */
export type RangeFunctions = Readonly<Partial<Record<Family, BuiltFunction>>>

/** rangeFunctions of a shape: for each family whose tables have ranges. */
export function rangeFunctions(shape: Shape, memory: Memory): RangeFunctions {
  const of = (family: Family) => tabledRanges(shape, family)
  return {
    ...(of(4).size > 0 && { 4: ranges4(memory, mostOf(of(4))) }),
    ...(of(6).size > 0 && { 6: ranges6(memory, mostOf(of(6))) }),
  }
}

const mostOf = (ranges: ReturnType<typeof tabledRanges>): number =>
  Math.max(...[...ranges.values()].map(({ length }) => length))

const ranges4 = (memory: Memory, most: number): BuiltFunction =>
  plainFunction('ranges4', (p) => {
    const [wanted] = p.parameters('numbers', 'u64')
    const port = p.stash(p.narrow(p.alu('rsh', wanted, 32)))
    search(p, memory, { family: 4, address: () => p.narrow(wanted) }, () => p.unstash(port), most)
  })

const ranges6 = (memory: Memory, most: number): BuiltFunction =>
  plainFunction('ranges6', (p) => {
    const [high, low, wanted] = p.parameters('numbers', 'u64', 'u64', 'u32')
    const port = p.stash(wanted)
    const half = (index: number) => (index < 2 ? high : low)
    const word = (index: number) => p.narrow(index % 2 === 0 ? half(index) : p.alu('rsh', half(index), 32))
    search(p, memory, { family: 6, word, high: () => high, low: () => low }, () => p.unstash(port), most)
  })

/** search: the function's body. */
function search(p: Builder, memory: Memory, address: Wanted, port: () => Val<'u32'>, most: number): void {
  const none = p.label('no-range')
  const { ranges } = p.memory(memory.tables)
  const last = ranges.type.count - 1
  const entry = find(p, memory, address, undefined, p.const64(BigInt(KIND_ADDRESS << 16)), none)
  const count = p.narrow(p.alu('rsh', entry, 32))
  p.exitIf(eq(count, 0), none)
  const end = p.alu('add', p.narrow(entry), count)
  const value = hostPort(p, port(), true)
  const at = p.variable('u32', last)
  p.set(at, p.alu('and', p.narrow(entry), last))
  for (let step = (2 ** Math.ceil(Math.log2(most))) >> 1; step > 0; step >>= 1) {
    const before = p.label('before')
    const ahead = p.alu('add', at, step)
    p.jumpIf(ge(ahead, end), before)
    // the mask changes nothing: it tells the verifier
    const tried = p.alu('and', ahead, last)
    p.jumpIf(gt(p.load(fields(p.element(ranges, tried)).first), value), before)
    p.set(at, tried)
    p.bind(before)
  }
  const range = fields(p.pin(p.element(ranges, at)))
  p.exitIf(lt(value, p.load(range.first)), none)
  p.exitIf(gt(value, p.load(range.last)), none)
  p.exitValue(p.alu('add', at, 1))
  p.bind(none)
  p.exitValue(0)
}
