// Packets and ways out.

import assert from 'node:assert/strict'
import type { Builder } from '../../src/bpf/builder.ts'
import { array, bytes, direct, wire } from '../../src/bpf/types.ts'
import { be16, eq, ge, part } from '../../src/bpf/values.ts'
import { plainFunction, xdpFunction } from '../../src/bpf/xdp.ts'
import { blob, type Construct, packetBytes, put, same, take } from './construct.ts'

const Eth = wire('eth', { dst: bytes(6), src: bytes(6), type: 'be16' })
const Rest = wire('rest', { first: 'u8', second: 'be16' })

const outcomes = { pass: 'pass', drop: 'drop', tx: 'tx', aborted: 'aborted', redirect: 'redirect' } as const
type Path = Builder<keyof typeof outcomes>
const counters = direct('counters', { counts: array('u64', 5), own: 'u64' })
const count: (p: Path, index: Parameters<Path['element']>[1]) => void = (p, index) =>
  p.increment(p.element(p.memory(counters).counts, index), 1)

const exits: Construct = {
  name: 'every way out has its verdict and is counted under its own name, once',
  run: (kernel) => {
    const it = kernel.load(
      xdpFunction('main', { outcomes, count }, (p) => {
        const { data, end } = p.packet()
        const { eth } = p.headers(data, end, { eth: Eth }, 'drop')
        const type = p.toHost(p.load(eth.type))
        p.exitIf(eq(type, 1), 'tx')
        p.exitIf(eq(type, 2), () => p.leave('aborted'))
        const elsewhere = p.label('elsewhere')
        p.jumpIf(eq(type, 3), elsewhere)
        p.exitIf(eq(type, 4), () => {
          p.increment(p.memory(counters).own, 1)
          p.exitCounted('redirect')
        })
        p.exitIf(eq(type, 5), elsewhere)
        p.cold(elsewhere, () => p.leave('drop'))
        p.leave('pass')
      }),
    )
    const frame = (type: number) => Uint8Array.from({ length: 14 }, (_, i) => (i === 13 ? type : 0))
    const verdicts = [2, 3, 0, 1, 4, 1, 2]
    for (const [type, verdict] of verdicts.entries()) assert.equal(it.run(frame(type)).verdict, verdict)
    const words = [...new BigUint64Array(it.memory('counters').buffer, 0, 6)]
    assert.deepEqual(words, [2n, 2n, 1n, 1n, 0n, 1n])
  },
}

const colds: Construct = {
  name: 'cold code comes back to where the hot path goes on, nested too, with the values of both',
  run: (kernel) => {
    const it = kernel.plain((p) => {
      const x = take(p, 0)
      const sum = p.variable('u64')
      const [back, inner] = [p.label('back'), p.label('inner')]
      p.set(sum, 1)
      p.exitIf(ge(x, 10), () => {
        p.set(sum, p.alu('add', sum, 10))
        p.exitIf(ge(x, 20), () => {
          p.set(sum, p.alu('add', sum, x))
          p.leave(inner)
        })
        p.set(sum, p.alu('add', sum, 100))
        p.bind(inner)
        p.leave(back)
      })
      p.bind(back)
      put(p, 0, p.alu('add', sum, x))
    })
    for (const [x, expected] of [
      [9n, 10],
      [10n, 121],
      [20n, 51],
    ] as const) {
      it.give(0, x)
      it.run()
      same(it.got(0), expected)
    }
  },
}

const bounds: Construct = {
  name: 'headers are there when the last byte is, and not when it is missing; length tells how much there is',
  run: (kernel) => {
    const it = kernel.load(
      plainFunction('main', (p) => {
        const { data, end } = p.packet()
        put(p, 0, p.length(data, end))
        const { eth, rest } = p.headers(data, end, { eth: Eth, rest: Rest }, () => p.exitValue(1))
        put(p, 1, p.toHost(p.load(rest.second)))
        put(p, 2, p.load(part(eth.src, 5, 'u8')))
        p.exitValue(2)
      }),
    )
    for (const length of [14, 15, 16]) assert.equal(it.run(blob().subarray(0, length)).verdict, 1)
    same(it.got(0), 16)
    assert.equal(it.run(blob().subarray(0, 17)).verdict, 2)
    same(it.got(0), 17)
    same(it.got(1), 0x1011)
    same(it.got(2), 12)
  },
}

const pointers: Construct = {
  name: 'a pointer variable leads where the path taken has set it, by constants and by values of the packet',
  run: (kernel) => {
    const it = kernel.load(
      plainFunction('main', (p) => {
        const short = () => p.exitValue(1)
        const { data, end } = p.packet()
        const { eth } = p.headers(data, end, { eth: Eth }, short)
        const at = p.pointerVariable()
        const here = p.label('here')
        p.setPointer(at, p.advance(data, Eth.size))
        p.jumpIf(eq(p.load(eth.type), be16(0)), here)
        p.setPointer(at, p.advance(data, p.alu('and', p.load(part(eth.dst, 0, 'u8')), 31)))
        p.bind(here)
        const { rest } = p.headers(at, end, { rest: Rest }, short)
        put(p, 0, p.load(rest.first))
        p.exitValue(2)
      }),
    )
    const frame = blob()
    frame[0] = 29 | 32
    assert.equal(it.run(frame).verdict, 2)
    same(it.got(0), 30)
    frame.fill(0, 12, 14)
    assert.equal(it.run(frame).verdict, 2)
    same(it.got(0), 15)
    frame[12] = 1
    assert.equal(it.run(frame.subarray(0, 31)).verdict, 1)
    assert.equal(it.run(frame.subarray(0, 32)).verdict, 2)
  },
}

const adjusts: Construct = {
  name: 'the frame grows and shrinks at its head and at its tail, or takes the way out',
  run: (kernel) => {
    const adjusted = (head: number, tail: number) =>
      kernel.load(
        plainFunction('main', (p) => {
          if (head) p.adjustHead(head, () => p.exitValue(1))
          if (tail) p.adjustTail(tail, () => p.exitValue(1))
          const { data, end } = p.packet()
          const { eth } = p.headers(data, end, { eth: Eth }, () => p.exitValue(0))
          p.store(eth.type, be16(0xaabb))
          p.exitValue(2)
        }),
      )
    const marked = (frame: Uint8Array) => {
      frame.set([0xaa, 0xbb], 12)
      return Buffer.from(frame)
    }
    const grown = adjusted(-20, 0).run()
    assert.deepEqual([grown.verdict, grown.packet.length], [2, 84])
    assert.deepEqual(grown.packet.subarray(20), Buffer.from(blob()))
    assert.deepEqual(grown.packet.subarray(12, 14), Buffer.of(0xaa, 0xbb))
    assert.deepEqual(adjusted(20, 0).run().packet, marked(blob().subarray(20)))
    assert.deepEqual(adjusted(0, -20).run().packet, marked(blob().subarray(0, 44)))
    assert.deepEqual(
      adjusted(0, 8).run().packet,
      marked(Uint8Array.from([...blob(), 0, 0, 0, 0, 0, 0, 0, 0])),
    )
    assert.deepEqual([adjusted(60, 0).run().verdict, adjusted(0, -60).run().verdict], [1, 1])
    assert.deepEqual(adjusted(60, 0).run().packet, Buffer.from(blob()))
  },
}

const called: Construct = {
  name: 'a function that adjusts the packet leaves it adjusted for its caller, who looks at it anew',
  run: (kernel) => {
    const cutter = plainFunction('cutter', (p) => {
      p.adjustHead(4, () => p.exitValue(0))
      p.exitValue(9)
    })
    const it = kernel.plain((p) => {
      put(p, 0, p.load(part(packetBytes(p), 0, 'u8')))
      put(p, 1, p.callSub(cutter, p.ctx))
      const { data, end } = p.packet()
      const { eth } = p.headers(data, end, { eth: Eth }, () => p.exitValue(0))
      put(p, 2, p.load(part(eth.dst, 0, 'u8')))
    }, cutter)
    it.run()
    assert.deepEqual([it.got(0), it.got(1), it.got(2)], [1n, 9n, 5n])
  },
}

/** packetConstructs: all of them. */
export const packetConstructs: readonly Construct[] = [exits, colds, bounds, pointers, adjusts, called]
