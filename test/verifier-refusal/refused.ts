// A program that the verifier refuses: it reads a byte of the packet that no bounds check covers, which the builder's
// types do not allow; the place is made by hand.

import type { ProgramSpec } from '../../src/bpf/program.ts'
import { bytes, wire } from '../../src/bpf/types.ts'
import { part } from '../../src/bpf/values.ts'
import { plainFunction, program } from '../../src/bpf/xdp.ts'

const Eth = wire('eth', { dst: bytes(6), src: bytes(6), type: 'be16' })

/** refused: it passes the builder and its lint. */
export function refused(): ProgramSpec {
  const main = plainFunction('main', (p) => {
    const { data, end } = p.packet()
    const { eth } = p.headers(data, end, { eth: Eth }, () => p.exitValue(1))
    const inside = part(eth.dst, 0, 'u32')
    const behind = { ...inside, offset: inside.offset + 11 }
    p.exitValue(p.load(behind))
  })
  return program('refused', main).spec
}
