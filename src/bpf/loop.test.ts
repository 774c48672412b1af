import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interpret } from './interpret.ts'
import { array, direct } from './types.ts'
import { plainFunction, program } from './xdp.ts'

const memory = direct('memory', { words: array('u32', 8), total: 'u64' })

test('a loop keeps what was there before it through all of its rounds', () => {
  const main = plainFunction('t', (p) => {
    const twice = p.alu('add', p.load(p.memory(memory).total), 1)
    const sum = p.variable('u64')
    p.set(sum, 0)
    p.loop(p.narrow(p.alu('and', twice, 7)), (index) => {
      const here = p.alu('mul', p.widen(index), 10)
      p.set(sum, p.alu('add', sum, p.alu('add', here, twice)))
    })
    p.store(p.memory(memory).total, sum)
    p.exitValue(2)
  })
  const total = new Uint8Array(memory.type.size)
  const at = memory.type.offsets.total
  new DataView(total.buffer).setBigUint64(at, 3n, true)
  interpret(program('t', main).assembled, { memories: { [memory.name]: total } })
  assert.equal(new DataView(total.buffer).getBigUint64(at, true), BigInt(4 + 14 + 24 + 34))
})

test('a loop’s next round reads what the last one set', () => {
  const main = plainFunction('t', (p) => {
    const { total } = p.memory(memory)
    const previous = p.variable('u64')
    p.set(previous, 100)
    p.loop(p.alu('and', p.narrow(p.load(total)), 7), (index) => {
      p.increment(total, previous)
      p.set(previous, p.alu('mul', p.widen(index), 10))
    })
    p.exitValue(2)
  })
  const total = new Uint8Array(memory.type.size)
  const at = memory.type.offsets.total
  new DataView(total.buffer).setBigUint64(at, 3n, true)
  interpret(program('t', main).assembled, { memories: { [memory.name]: total } })
  assert.equal(new DataView(total.buffer).getBigUint64(at, true), BigInt(3 + 100 + 0 + 10))
})

test('a loop without a known end is refused with the line', () => {
  assert.throws(
    () => plainFunction('t', (p) => p.loop(p.load(p.element(p.memory(memory).words, 0)), () => {})),
    /loop\.test\.ts:\d+: a loop is gone round 4294967295 times at most/,
  )
})
