// The part of the `table` bench that tells what it costs to compare what packets are handled by with what the daemon
// wrote: a whole round, and the step that took longest, of which the daemon takes ten a second. In memory of the same
// size, nothing rewritten.

import { Audit } from '../src/engine/audit.ts'
import type { Row } from './runner/row.ts'
import { must, row } from './table-row.ts'

const bytes = (words: Uint32Array) => new Uint8Array(words.buffer)

function rounds(name: string, slots: number, runs: number): Row[] {
  const [own, live] = [new Uint32Array(slots).fill(7), new Uint32Array(slots).fill(7)]
  let isOver = false
  const audit = new Audit([{ own: bytes(own), live: bytes(live), unit: 4, what: () => 'slots' }], () => {
    isOver = true
    return []
  })
  const [whole, steps]: [number[], number[]] = [[], []]
  for (let run = -1; run < runs; run++) {
    isOver = false
    let [sum, longest] = [0, 0]
    while (!isOver) {
      const start = performance.now()
      const found = audit.step()
      const took = performance.now() - start
      must(found.length === 0, 'something was found where nothing was rewritten')
      sum += took
      longest = Math.max(longest, took)
    }
    if (run < 0) continue
    whole.push(sum)
    steps.push(longest)
  }
  return [
    row(`table.audit.${name}`, 'ms', whole, { slots }),
    row(`table.audit.${name}.step`, 'ms', steps, { slots }),
  ]
}

/** audit: one pool of the largest size, and 1,000 services with 100 servers each. */
export const audit = (quick: boolean): Row[] => [
  ...rounds('655360', 655_360, quick ? 11 : 51),
  ...rounds('1000-services', 1_000 * 65_536, quick ? 3 : 11),
]
