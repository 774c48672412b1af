import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allocate } from './allocate.ts'
import { type Assembled, assemble, type FunctionCode } from './assemble.ts'
import { VIRTUAL, type VirtualItem } from './code.ts'
import { interpret } from './interpret.ts'
import {
  alu,
  CALL,
  callFunction,
  callHelper,
  EXIT,
  exit,
  goto,
  helpers,
  jump,
  Label,
  loadImm64,
} from './isa.ts'
import { layout } from './layout.ts'
import { listing } from './listing.ts'
import { randomBuilder } from './random-builder.ts'
import { randomMemory } from './random-memory.ts'

const v = (n: number) => VIRTUAL + n
const r = (reg: number) => ({ reg })
const line = { file: 'src/x.ts', line: 1, text: '' }

function build(items: readonly VirtualItem[], ...others: FunctionCode[]): Assembled {
  const main = { name: 'main', entry: new Label('main'), items: layout('main', allocate('main', items)) }
  return assemble([main, ...others])
}

test('random programs do what they mean, whatever the registers', () => {
  let run = 0
  for (let seed = 10_001; seed <= 10_150; seed++) {
    let random: ReturnType<typeof randomBuilder>
    try {
      random = randomBuilder(seed)
    } catch (e) {
      assert.match(String(e), /out of registers/, `seed ${seed}`)
      continue
    }
    const { built, packet, memory, verdict, memoryAfter } = random
    const { r0 } = interpret(built.assembled, {
      packet,
      memories: { [randomMemory.name]: memory },
      helpers: { [helpers.get_smp_processor_id]: () => 0n },
    })
    const context = `seed ${seed}:\n${listing(built.assembled)}`
    assert.equal(Number(r0), verdict, context)
    assert.deepEqual(memory, memoryAfter, context)
    run++
  }
  assert.ok(run > 120, `${run} programs could be built`)
})

/** A function that writes its five arguments down as decimal digits, in order. */
const digits: FunctionCode = {
  name: 'digits',
  entry: new Label('digits'),
  items: [
    alu('mov', 0, 0, 64),
    ...[1, 2, 3, 4, 5].flatMap((reg) => [alu('mul', 0, 10, 64), alu('add', 0, r(reg), 64)]),
    exit(),
  ],
}

test('arguments reach a call in every order, over cycles and repeats', () => {
  // The first call leaves 1 to 5 in registers hinted to r1..r5; the second asks for them in another order.
  const orders = [
    [1, 2, 3, 4, 5],
    [2, 1, 3, 4, 5],
    [5, 4, 3, 2, 1],
    [2, 3, 4, 5, 1],
    [1, 1, 1, 1, 1],
    [5, 1, 1, 5, 5],
    [2, 3, 1, 5, 4],
    [3, 3, 4, 5, 2],
  ]
  for (const order of orders) {
    const enter = callFunction(digits.entry)
    const items: VirtualItem[] = [
      ...[1, 2, 3, 4, 5].map((n) => alu('mov', v(n), n, 64)),
      { enter, args: order.map((n) => r(v(n))), result: v(6), line },
      alu('mov', 0, r(v(6)), 64),
      exit(),
    ]
    assert.equal(interpret(build(items, digits)).r0, BigInt(order.join('')), order.join())
  }
})

test('arguments that sit in each other’s registers change places through r0', () => {
  const items: VirtualItem[] = [
    alu('mov', v(8), 8, 64), // r1
    alu('mov', v(9), 9, 64), // r2
    alu('sub', v(9), r(v(8)), 64), // r1 is free
    alu('mov', v(1), 3, 64), // wanted as second argument, r2 is taken: r1
    alu('sub', v(1), r(v(9)), 64), // r2 is free
    alu('mov', v(2), 5, 64), // wanted as first argument, r1 is taken: r2
    {
      enter: callFunction(digits.entry),
      args: [r(v(2)), r(v(1)), { imm: 7 }, r(v(2)), r(v(1))],
      result: v(6),
      line,
    },
    alu('mov', 0, r(v(6)), 64),
    exit(),
  ]
  const assembled = build(items, digits)
  assert.match(listing(assembled), /r0 = r2\n.*r2 = r1\n.*r1 = r0\n/)
  assert.equal(interpret(assembled).r0, 52752n)
})

test('values over a call survive in r6 to r9, and a fifth is refused with all their lines', () => {
  const call = { enter: callHelper(helpers.get_smp_processor_id), args: [], line: { ...line, line: 99 } }
  const items = (count: number): VirtualItem[] => [
    ...Array.from({ length: count }, (_, i) => ({
      ...loadImm64(v(i), BigInt(i + 1)),
      line: { ...line, line: i + 1 },
    })),
    call,
    alu('mov', v(20), 0, 64),
    ...Array.from({ length: count }, (_, i) => alu('add', v(20), r(v(i)), 64)),
    alu('mov', 0, r(v(20)), 64),
    exit(),
  ]
  const world = { helpers: { [helpers.get_smp_processor_id]: () => 0n } }
  assert.equal(interpret(build(items(4)), world).r0, 10n)
  assert.throws(
    () => build(items(5)),
    /main: out of registers that survive a call at src\/x\.ts:5: stash a value; taken: r6 from src\/x\.ts:1, r7 from src\/x\.ts:2, r8 from src\/x\.ts:3, r9 from src\/x\.ts:4/,
  )
})

test('a value that a calling cold block never comes back with may lie in a register that the call clobbers', () => {
  const [aside, back] = [new Label('aside'), new Label('back')]
  const call = { enter: callHelper(helpers.get_smp_processor_id), args: [], result: v(30), line }
  const items = (leaves: boolean): VirtualItem[] => [
    ...Array.from({ length: 6 }, (_, i) => ({ ...loadImm64(v(i), BigInt(i + 1)), line })),
    jump('jeq', v(0), 7, 64, aside),
    { cold: true },
    { bind: aside },
    call,
    ...(leaves
      ? [alu('mov', 0, r(v(30)), 64), exit()]
      : [...Array.from({ length: 6 }, (_, i) => alu('mov', v(i), 9, 64)), goto(back)]),
    { cold: false },
    { bind: back },
    alu('mov', v(20), 0, 64),
    ...Array.from({ length: 6 }, (_, i) => alu('add', v(20), r(v(i)), 64)),
    alu('mov', 0, r(v(20)), 64),
    exit(),
  ]
  const world = { helpers: { [helpers.get_smp_processor_id]: () => 0n } }
  assert.equal(interpret(build(items(true)), world).r0, 21n)
  assert.equal(interpret(build(items(false)), world).r0, 21n)
  const needed = items(false).filter((item) => !('code' in item) || item.imm !== 9)
  assert.throws(() => build(needed), /out of registers that survive a call/)
})

test('ten values at a time fit, eleven are refused', () => {
  const items = (count: number): VirtualItem[] => [
    ...Array.from({ length: count }, (_, i) => ({ ...alu('mov', v(i), i, 64), line })),
    ...Array.from({ length: count - 1 }, (_, i) => alu('add', v(0), r(v(i + 1)), 64)),
    alu('mov', 0, r(v(0)), 64),
    exit(),
  ]
  assert.equal(interpret(build(items(10))).r0, 45n)
  assert.throws(() => build(items(11)), /out of registers at src\/x\.ts:1/)
})

test('a value that is set on two paths keeps its register between them', () => {
  const [other, end] = [new Label('other'), new Label('end')]
  const items = (a: number): VirtualItem[] => [
    alu('mov', v(1), a, 64),
    alu('mov', v(2), 0, 64),
    jump('jeq', v(1), 1, 64, other),
    alu('mov', v(3), 30, 64), // a short value in a hole of nobody
    alu('add', v(3), r(v(1)), 64),
    alu('mov', v(2), r(v(3)), 64),
    { bind: other },
    alu('add', v(2), 5, 64),
    { bind: end },
    alu('mov', 0, r(v(2)), 64),
    exit(),
  ]
  assert.equal(interpret(build(items(0))).r0, 35n)
  assert.equal(interpret(build(items(1))).r0, 5n)
})

test('what nobody reads is dropped, calls and stores are not', () => {
  const kept = allocate('main', [
    loadImm64(v(1), 1n),
    alu('add', v(1), 1, 64),
    { enter: callHelper(helpers.ktime_get_ns), args: [], result: v(2), line },
    alu('mov', 0, 0, 64),
    exit(),
  ])
  assert.deepEqual(
    kept.map((item) => 'code' in item && item.code),
    [CALL, 0xb7, EXIT],
  )
})

test('a value that is read before any write is a bug that is told', () => {
  assert.throws(
    () => build([alu('mov', 0, r(v(1)), 64), exit()]),
    /main: a value is read before it is written/,
  )
})
