// What is kept on the stack or set on several paths, and functions of the program that take numbers.

import assert from 'node:assert/strict'
import { eq, fields, neLow, part } from '../../src/bpf/values.ts'
import { plainFunction } from '../../src/bpf/xdp.ts'
import { blob, type Construct, memory, packetBytes, put, same, take } from './construct.ts'

const places: Construct = {
  name: 'a place variable is where the path taken has set it, and steps on from where it is',
  run: (kernel) => {
    const it = kernel.plain((p) => {
      const { triples } = p.memory(memory)
      const place = p.placeVariable(triples.type.element)
      const set = p.label('set')
      p.setPlace(place, p.element(triples, 1))
      p.jumpIf(eq(take(p, 0), 0), set)
      p.setPlace(place, p.element(triples, p.alu('and', take(p, 0), 7)))
      p.bind(set)
      put(p, 0, p.load(fields(place).b))
      p.setPlace(place, { ...place, offset: triples.type.element.size })
      put(p, 1, p.load(fields(place).b))
    })
    const view = it.memory()
    for (let i = 0; i < 8; i++) view.setUint32(memory.type.offsets.triples + 12 * i + 4, 100 + i, true)
    it.run()
    assert.deepEqual([it.got(0), it.got(1)], [101n, 102n])
    it.give(0, 5n)
    it.run()
    assert.deepEqual([it.got(0), it.got(1)], [105n, 106n])
  },
}

const stashed: Construct = {
  name: 'a place and the context wait on the stack, over calls, and lead where they led',
  run: (kernel) => {
    const it = kernel.plain((p) => {
      const context = p.stashContext()
      const place = p.stashPlace(p.element(p.memory(memory).in, p.alu('and', take(p, 0), 3)))
      const constant = p.slot('u32')
      p.setSlot(constant, 77)
      const vague = p.vagueSlot(6)
      p.setSlot(vague, p.alu('and', p.narrow(take(p, 0)), 7))
      put(p, 3, p.call('get_prandom_u32'))
      put(p, 0, p.load(p.unstashPlace(place)))
      put(p, 2, p.unstash(constant))
      put(p, 4, p.unstash(vague))
      const { data, end } = p.packet(p.contextOf(context))
      put(p, 1, p.length(data, end))
    })
    it.give(0, 2n)
    it.give(2, 4711n)
    it.run()
    assert.deepEqual([it.got(0), it.got(1), it.got(2), it.got(4)], [4711n, 64n, 77n, 2n])
  },
}

const numbers: Construct = {
  name: 'a function takes numbers, or the context and numbers, and answers one',
  run: (kernel) => {
    const sum = plainFunction('sum', (p) => {
      const [a, b, c, d, e] = p.parameters('numbers', 'u64', 'u32', 'u64', 'u32', 'u64')
      const [first, second] = [p.alu('add', a, b), p.alu('add', c, d)]
      p.exitValue(p.narrow(p.alu('add', p.alu('add', first, second), e)))
    })
    const length = plainFunction('length', (p) => {
      const [a, b] = p.parameters('context', 'u64', 'u32')
      const { data, end } = p.packet()
      const held = p.length(data, end)
      p.exitValue(p.narrow(p.alu('add', p.alu('add', held, a), b)))
    })
    const it = kernel.plain(
      (p) => {
        put(p, 0, p.callSub(sum, take(p, 0), take(p, 1), take(p, 2), take(p, 3), take(p, 4)))
        put(p, 1, p.callSub(length, p.ctx, take(p, 0), take(p, 1)))
      },
      sum,
      length,
    )
    for (const [i, value] of [1n, 20n, 300n, (7n << 32n) | 4_000n, 50_000n].entries()) it.give(i, value)
    it.run()
    assert.deepEqual([it.got(0), it.got(1)], [54_321n, 85n])
  },
}

const halves: Construct = {
  name: 'neLow compares lower halves only, and toWire turns four bytes',
  run: (kernel) => {
    const it = kernel.plain((p) => {
      const differ = p.label('differ')
      const packet = packetBytes(p)
      p.store(part(packet, 8, 'be32'), p.toWire(p.narrow(take(p, 2))))
      put(p, 0, p.constant(1))
      p.jumpIf(neLow(take(p, 0), take(p, 1)), differ)
      put(p, 0, p.constant(2))
      p.bind(differ)
    })
    it.give(0, 0x1_0000_0005n)
    it.give(1, 0x2_0000_0005n)
    it.give(2, 0x0102_0304n)
    const { packet } = it.run()
    same(it.got(0), 2)
    assert.deepEqual([...packet.subarray(7, 13)], [8, 1, 2, 3, 4, 13])
    it.give(1, 0x1_0000_0006n)
    it.run()
    same(it.got(0), 1)
  },
}

const cuts: Construct = {
  name: 'the frame is cut at its tail by a value',
  run: (kernel) => {
    const it = kernel.plain((p) => {
      const { data, end } = p.packet()
      p.adjustTail(p.alu('sub', p.widen(p.constant(20)), p.length(data, end)), () => p.exitValue(1))
    })
    const { verdict, packet } = it.run()
    assert.deepEqual([verdict, ...packet], [2, ...blob().subarray(0, 20)])
  },
}

/** keptConstructs: all of them. */
export const keptConstructs: readonly Construct[] = [places, stashed, numbers, halves, cuts]
