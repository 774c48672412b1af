// Whether every value is set on every path that reads it. The verifier cannot tell: a variable that one path left
// unset may share its register with a value of before, which is then read instead. Jumps go forward in emission order,
// so one pass is exact: what is set at a label is what is set wherever the code comes from. A loop's jump back brings
// what was set at its beginning and more.

import { isCall, isInstruction, touched, VIRTUAL, type VirtualItem } from './code.ts'
import { EXIT, isGoto, type Label } from './isa.ts'
import { formatLine, type Line } from './line.ts'

/** Sets of virtual registers, a bit each; undefined where no path leads. */
type Assigned = bigint | undefined

const bit = (reg: number): bigint => 1n << BigInt(reg - VIRTUAL)
const both = (a: Assigned, b: Assigned): Assigned => (a === undefined ? b : b === undefined ? a : a & b)

/** unassigned: a message for each line that reads what some path has not set. */
export function unassigned(items: readonly VirtualItem[]): string[] {
  const found = new Set<string>()
  const firstSet = new Map<number, Line | undefined>()
  const arriving = new Map<Label, Assigned>()
  const outside: Assigned[] = []
  let state: Assigned = 0n
  for (const item of items) {
    if ('cold' in item) {
      if (item.cold) outside.push(state)
      state = item.cold ? undefined : outside.pop()
    } else if ('bind' in item) {
      state = both(state, arriving.get(item.bind))
    } else if (!('loop' in item) && state !== undefined) {
      const { reads, writes } = touched(item)
      for (const reg of reads) {
        if (state & bit(reg)) continue
        const set = firstSet.has(reg) ? `; it is set at ${formatLine(firstSet.get(reg))}` : ''
        found.add(`${formatLine(item.line)}: reads a value that some path has not set${set}`)
      }
      for (const reg of writes) {
        state |= bit(reg)
        if (!firstSet.has(reg)) firstSet.set(reg, item.line)
      }
      if (isCall(item) || !isInstruction(item)) continue
      if (item.to) arriving.set(item.to, both(arriving.get(item.to), state))
      if (item.code === EXIT || isGoto(item)) state = undefined
    }
  }
  return [...found]
}
