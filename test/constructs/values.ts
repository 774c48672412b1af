// Arithmetic, comparisons, variables and the stack.

import assert from 'node:assert/strict'
import { compute, holds } from '../../src/bpf/arithmetic.ts'
import { ALU, JMP } from '../../src/bpf/isa.ts'
import { array, direct } from '../../src/bpf/types.ts'
import { anyBits, eq, ge, gt, le, lt, ne } from '../../src/bpf/values.ts'
import { type Construct, memory, put, same, take } from './construct.ts'

const operations = ['add', 'sub', 'mul', 'div', 'mod', 'and', 'or', 'xor', 'lsh', 'rsh', 'arsh'] as const
const corners = [
  1n,
  0x7fff_ffffn,
  0x8000_0001n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0xffff_ffff_ffff_fffdn,
] as const

const arithmetic: readonly Construct[] = ([32, 64] as const).map((bits) => ({
  name: `alu computes in ${bits} bits, with constants and with values`,
  run: (kernel) => {
    for (const op of operations) {
      const it = kernel.plain((p) => {
        const [x, y] = [take(p, 0), take(p, 1)]
        const [a, b] = bits === 64 ? [x, y] : [p.narrow(x), p.narrow(y)]
        put(p, 0, p.alu(op, a, 13))
        put(p, 1, p.alu(op, a, op.endsWith('sh') ? p.alu('and', b, bits - 1) : b))
      })
      for (const x of corners)
        for (const y of corners) {
          it.give(0, x)
          it.give(1, y)
          it.run()
          const [a, b] = [BigInt.asUintN(bits, x), BigInt.asUintN(bits, y)]
          same(it.got(0), compute(ALU[op], a, 13n, bits), `0x${x.toString(16)} ${op} 13`)
          same(it.got(1), compute(ALU[op], a, b, bits), `0x${x.toString(16)} ${op} 0x${y.toString(16)}`)
        }
    }
  },
}))

const comparisons = { jeq: eq, jne: ne, jgt: gt, jge: ge, jlt: lt, jle: le, jset: anyBits } as const
const names = Object.keys(comparisons) as (keyof typeof comparisons)[]

const conditions: readonly Construct[] = ([32, 64] as const).map((bits) => ({
  name: `every comparison holds when it should in ${bits} bits, with constants and with values`,
  run: (kernel) => {
    const constant = bits === 32 ? 0x8000_0001 : 0x7fff_ffff
    const it = kernel.plain((p) => {
      const [x, y] = [take(p, 0), take(p, 1)]
      for (const [i, name] of names.entries()) {
        const answer = p.variable('u32')
        const compare = comparisons[name] as typeof ge
        const [first, second] = [p.label('first'), p.label('second')]
        p.set(answer, 0)
        p.jumpIf(bits === 64 ? compare(x, constant) : compare(p.narrow(x), constant), first)
        p.set(answer, 1)
        p.bind(first)
        p.jumpIf(bits === 64 ? compare(x, y) : compare(p.narrow(x), p.narrow(y)), second)
        p.set(answer, p.alu('or', answer, 2))
        p.bind(second)
        put(p, i, answer)
      }
    })
    for (const x of corners)
      for (const y of corners) {
        it.give(0, x)
        it.give(1, y)
        it.run()
        for (const [i, name] of names.entries()) {
          const answer =
            (holds(JMP[name], x, BigInt(constant), bits) ? 0 : 1) + (holds(JMP[name], x, y, bits) ? 0 : 2)
          same(it.got(i), answer, `0x${x.toString(16)} ${name} 0x${y.toString(16)}`)
        }
      }
  },
}))

const widths: Construct = {
  name: 'narrow keeps the low half, widen the value, scale spreads a hash over n, below bounds an index',
  run: (kernel) => {
    const it = kernel.plain((p) => {
      const x = take(p, 0)
      const low = p.narrow(x)
      put(p, 0, low)
      put(p, 1, p.scale(low, 1_021))
      put(p, 2, p.load(p.element(p.memory(memory).narrow, p.scale(low, 8))))
      const small = p.below(low, 8, () => p.exitValue(1))
      put(p, 3, p.load(p.element(p.memory(memory).narrow, small)))
    })
    for (let i = 0; i < 8; i++) it.memory().setUint32(memory.type.offsets.narrow + 4 * i, 100 + i, true)
    it.give(0, 0xabcd_ffff_ffffn)
    assert.equal(it.run().verdict, 1)
    same(it.got(0), 0xffff_ffff)
    same(it.got(1), 1_020)
    same(it.got(2), 107)
    it.give(0, 0x1_0000_0008n)
    assert.equal(it.run().verdict, 1)
    it.give(0, 0x1_0000_0007n)
    assert.equal(it.run().verdict, 2)
    same(it.got(1), 0)
    same(it.got(3), 107)
  },
}

const variables: Construct = {
  name: 'a variable holds what the path taken has put in, and what was made of it before stays',
  run: (kernel) => {
    const it = kernel.plain((p) => {
      const x = take(p, 0)
      const v = p.variable('u32', 1_000)
      p.set(v, 7)
      const before = [p.widen(v), p.widen(p.below(v, 8, () => p.exitValue(1)))] as const
      const done = p.label('done')
      p.jumpIf(eq(x, 0), done)
      p.set(v, 1_000)
      p.exitIf(eq(x, 2), () => {
        p.set(v, 500)
        p.leave(done)
      })
      p.bind(done)
      put(p, 0, v)
      put(p, 1, before[0])
      put(p, 2, p.load(p.element(p.memory(memory).in, before[1])))
    })
    it.give(7, 77n)
    for (const [x, expected] of [
      [0n, 7],
      [1n, 1_000],
      [2n, 500],
    ] as const) {
      it.give(0, x)
      assert.equal(it.run().verdict, 2)
      same(it.got(0), expected)
      same(it.got(1), 7)
      same(it.got(2), 77)
    }
  },
}

const ROUNDS = 1_024
const row = direct('row', { words: array('u64', ROUNDS), count: 'u64' })

const loops: Construct = {
  name: 'a loop goes as often round as memory says, up to 1,024 times, and keeps what it found',
  run: (kernel) => {
    const it = kernel.plain((p) => {
      const { words, count } = p.memory(row)
      const rounds = p.below(p.narrow(p.load(count)), ROUNDS + 1, () => p.exitValue(1))
      const least = p.variable('u64')
      p.set(least, 1_000_000)
      p.loop(rounds, (index) => {
        const skip = p.label('skip')
        const word = p.load(p.element(words, index))
        p.jumpIf(ge(word, least), skip)
        p.set(least, word)
        p.bind(skip)
      })
      put(p, 0, least)
      put(p, 1, p.widen(rounds))
    })
    const view = it.memory(row.name)
    for (let i = 0; i < ROUNDS; i++) view.setBigUint64(8 * i, BigInt(5_000 - i), true)
    for (const [count, verdict, least] of [
      [0, 2, 1_000_000],
      [1, 2, 5_000],
      [3, 2, 4_998],
      [ROUNDS, 2, 5_000 - ROUNDS + 1],
      [ROUNDS + 1, 1, 5_000 - ROUNDS + 1],
    ] as const) {
      view.setBigUint64(row.type.offsets.count, BigInt(count), true)
      assert.equal(it.run().verdict, verdict)
      same(it.got(0), least)
    }
    same(it.got(1), ROUNDS)
  },
}

const stashed: Construct = {
  name: 'more values than registers live over a call when they are stashed',
  run: (kernel) => {
    const it = kernel.plain((p) => {
      const kept = Array.from({ length: 8 }, (_, i) => p.stash(take(p, i)))
      p.call('get_smp_processor_id')
      for (const [i, each] of kept.entries()) put(p, i, p.unstash(each))
    })
    for (let i = 0; i < 8; i++) it.give(i, 0xffff_ffff_0000_0000n + BigInt(i))
    it.run()
    for (let i = 0; i < 8; i++) same(it.got(i), 0xffff_ffff_0000_0000n + BigInt(i))
  },
}

/** valueConstructs: all of them. */
export const valueConstructs: readonly Construct[] = [
  ...arithmetic,
  ...conditions,
  widths,
  variables,
  loops,
  stashed,
]
