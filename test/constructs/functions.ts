// Functions of a program: what they are given and answer, and ways out that their caller counts for them.

import assert from 'node:assert/strict'
import type { Builder } from '../../src/bpf/builder.ts'
import { array, bytes, direct, wire } from '../../src/bpf/types.ts'
import { eq, ne, part, type Val } from '../../src/bpf/values.ts'
import { answeringFunction, plainFunction, xdpFunction } from '../../src/bpf/xdp.ts'
import { type Construct, put, same, take } from './construct.ts'

const arguments_: Construct = {
  name: 'a function gets the context, a number and a place on its caller’s stack, and answers 64 bits',
  run: (kernel) => {
    const inner = plainFunction('inner', (p) => {
      const [a, pointer] = p.parameters('context', 'u64', 'u64')
      const lent = { base: { is: 'register', reg: pointer.reg }, offset: 0, type: 'u64' } as const
      p.store(lent, p.alu('add', p.load(lent), 1))
      p.exitValue(p.alu('mul', p.alu('add', a, 3), 0x1_0000_0000))
    })
    const it = kernel.plain((p) => {
      const slot = p.slot('u64')
      p.setSlot(slot, take(p, 0))
      put(p, 0, p.callWide(inner, p.ctx, take(p, 1), p.slotPlace(slot)))
      put(p, 1, p.unstash(slot))
      put(p, 2, p.callSub(inner, p.ctx, take(p, 1), p.slotPlace(slot)))
    })
    it.give(0, 41n)
    it.give(1, 0x1_0000_0004n)
    it.run()
    same(it.got(0), 0x7_0000_0000n)
    same(it.got(1), 42)
  },
}

const Kind = wire('kind', { all: bytes(14) })
const outcomes = { first: 'pass', second: 'drop', third: 'tx' } as const
type Path = Builder<keyof typeof outcomes>
const counters = direct('counters', { counts: array('u64', 4) })
const count = (p: Path, index: Val<'u32'>): void =>
  p.increment(p.element(p.memory(counters).counts, index), 1)

const answers: Construct = {
  name: 'a function tells its caller by which outcome to leave, from as deep as it is called, or lets it go on',
  run: (kernel) => {
    const kindOf = (p: Path) => {
      const { data, end } = p.packet()
      return p.load(part(p.headers(data, end, { kind: Kind }, 'second').kind.all, 0, 'u8'))
    }
    const deep = answeringFunction('deep', outcomes, (p) => {
      p.exitIf(eq(kindOf(p), 3), 'third')
      p.resume()
    })
    const called = answeringFunction('called', outcomes, (p) => {
      const kind = kindOf(p)
      p.exitIf(eq(kind, 1), 'first')
      const grow = p.label('grow')
      p.jumpIf(eq(kind, 2), grow)
      const code = p.callSub(deep, p.ctx)
      p.exitIf(ne(code, 0), () => p.leaveAs(code))
      p.resume()
      p.bind(grow)
      p.adjustTail(1, 'first')
      p.leave('second')
    })
    const it = kernel.load(
      xdpFunction('main', { outcomes, count }, (p) => {
        const { data, end } = p.packet()
        const { kind } = p.headers(data, end, { kind: Kind }, 'second')
        const code = p.callSub(called, p.ctx)
        p.exitIf(ne(code, 0), () => p.leaveAs(code))
        // the packet is as it was, which the verifier follows too
        p.store(part(kind.all, 1, 'u8'), 99)
        p.leave('third')
      }),
    )
    const frame = (kind: number) => Uint8Array.from({ length: 14 }, (_, i) => (i === 0 ? kind : 0))
    const ran = [0, 1, 2, 3].map((kind) => it.run(frame(kind)))
    assert.deepEqual(
      ran.map(({ verdict, packet }) => [verdict, packet[1], packet.length]),
      [
        [3, 99, 14],
        [2, 0, 14],
        [1, 0, 15],
        [3, 0, 14],
      ],
    )
    assert.deepEqual([...new BigUint64Array(it.memory('counters').buffer, 0, 4)], [1n, 1n, 2n, 0n])
  },
}

/** functionConstructs. */
export const functionConstructs: readonly Construct[] = [arguments_, answers]
