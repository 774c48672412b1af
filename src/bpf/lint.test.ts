import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Item } from './assemble.ts'
import {
  alu,
  atomicAdd,
  callFunction,
  callHelper,
  exit,
  goto,
  helpers,
  type Insn,
  jump,
  Label,
  load,
  loadImm64,
  store,
} from './isa.ts'
import { lint } from './lint.ts'

const r = (reg: number) => ({ reg })
const at = (line: number, insn: Insn): Insn => ({ ...insn, line: { file: 'src/x.ts', line, text: '' } })
const check = (...items: Item[]) => lint({ name: 'main', entry: new Label('main'), items })
const zero = (reg: number) => alu('mov', reg, 0, 32)

test('a function that sets what it reads and leaves on every path has no findings', () => {
  const [cold, back] = [new Label('cold'), new Label('back')]
  const items = [
    alu('mov', 6, r(1), 64),
    store(8, 10, -16, 0),
    store(4, 10, -8, 1),
    store(4, 10, -4, 1),
    load(8, 2, 10, -8),
    jump('jne', 2, 0, 64, cold),
    { bind: back },
    zero(0),
    exit(),
    { bind: cold }, // moved to the end, jumps back, closes no cycle
    load(4, 3, 6, 0),
    goto(back),
  ]
  assert.deepEqual(check(...items), [])
})

test('a register that no path, or only some path, has set is named with the line', () => {
  assert.deepEqual(check(at(12, alu('add', 3, 1, 64)), zero(0), exit()), [
    'src/x.ts:12: reads r3 that no path has set',
  ])
  const skip = new Label('skip')
  assert.deepEqual(
    check(jump('jeq', 1, 0, 64, skip), zero(7), { bind: skip }, at(13, alu('mov', 0, r(7), 64)), exit()),
    ['src/x.ts:13: reads r7 that some path has not set'],
  )
  assert.deepEqual(check(zero(0), at(14, store(8, 10, -8, r(9))), exit()), [
    'src/x.ts:14: reads r9 that no path has set',
  ])
  assert.deepEqual(check(at(15, jump('jeq', 4, 0, 64, skip)), { bind: skip }, zero(0), exit()), [
    'src/x.ts:15: reads r4 that no path has set',
  ])
})

test('a path that jumps back brings its own ignorance along', () => {
  const [cold, back] = [new Label('cold'), new Label('back')]
  const items = [
    jump('jeq', 1, 0, 64, cold),
    zero(7),
    { bind: back },
    at(20, alu('mov', 0, r(7), 64)),
    exit(),
    { bind: cold },
    goto(back),
  ]
  assert.deepEqual(check(...items), ['src/x.ts:20: reads r7 that some path has not set'])
})

test('a call sets r0 and leaves r1 to r5 unset', () => {
  const call = callHelper(helpers.get_smp_processor_id)
  assert.deepEqual(check(call, exit()), [])
  assert.deepEqual(check(zero(5), call, at(3, alu('add', 0, r(5), 64)), exit()), [
    'src/x.ts:3: reads r5 that no path has set',
  ])
  assert.deepEqual(check(zero(2), callFunction(new Label('f')), at(4, alu('add', 0, r(2), 64)), exit()), [
    'src/x.ts:4: reads r2 that no path has set',
  ])
})

test('an exit without r0 is found', () => {
  assert.deepEqual(check(at(5, exit())), ['src/x.ts:5: returns r0 that no path has set'])
  const out = new Label('out')
  assert.deepEqual(check(jump('jeq', 1, 0, 64, out), zero(0), { bind: out }, at(6, exit())), [
    'src/x.ts:6: returns r0 that some path has not set',
  ])
})

test('code that runs off the end is found, by falling and by a jump', () => {
  assert.deepEqual(check(at(7, zero(0))), ['src/x.ts:7: runs off the end'])
  const end = new Label('end')
  assert.deepEqual(check(zero(0), at(8, jump('jeq', 1, 0, 64, end)), exit(), { bind: end }), [
    'src/x.ts:8: runs off the end',
  ])
  assert.deepEqual(check(), ['main, instruction 0: has no instruction'])
})

test('unreachable code is found once a run', () => {
  const end = new Label('end')
  const items = [zero(0), goto(end), at(9, zero(1)), at(10, zero(1)), { bind: end }, exit(), at(11, exit())]
  assert.deepEqual(check(...items), ['src/x.ts:9: cannot be reached', 'src/x.ts:11: cannot be reached'])
})

test('a jump that closes a cycle is found, also a cycle over the end of the code', () => {
  const again = new Label('again')
  assert.deepEqual(check(zero(0), { bind: again }, at(30, jump('jne', 1, 0, 64, again)), exit()), [
    'src/x.ts:30: jumps back and closes a cycle',
  ])
  const start = new Label('start')
  assert.deepEqual(check({ bind: start }, zero(0), at(32, jump('jne', 1, 0, 64, start)), exit()), [
    'src/x.ts:32: jumps back and closes a cycle',
  ])
  const cold = new Label('cold')
  const items = [
    zero(0),
    { bind: again },
    jump('jne', 1, 0, 64, cold),
    exit(),
    { bind: cold },
    at(31, goto(again)),
  ]
  assert.deepEqual(check(...items), ['src/x.ts:31: jumps back and closes a cycle'])
})

test('a loop may jump back', () => {
  const again = new Label('again')
  const back = { ...jump('jne', 1, 0, 64, again), back: true } as const
  assert.deepEqual(check(zero(0), { bind: again }, back, exit()), [])
})

test('writes to the frame pointer are found', () => {
  assert.deepEqual(check(zero(0), at(1, alu('add', 10, 8, 64)), exit()), ['src/x.ts:1: writes r10'])
  assert.deepEqual(check(zero(0), at(2, loadImm64(10, 1n)), exit()), ['src/x.ts:2: writes r10'])
  assert.deepEqual(check(zero(0), at(3, load(8, 10, 1, 0)), exit()), ['src/x.ts:3: writes r10'])
})

test('stack bytes that some path has not written are found, also through a copy of r10', () => {
  const skip = new Label('skip')
  const finding = 'reads 8 bytes at r10-8 that some path has not written'
  assert.deepEqual(check(store(4, 10, -8, 0), at(1, load(8, 0, 10, -8)), exit()), [`src/x.ts:1: ${finding}`])
  assert.deepEqual(
    check(
      jump('jeq', 1, 0, 64, skip),
      store(8, 10, -8, 0),
      { bind: skip },
      at(2, load(8, 0, 10, -8)),
      exit(),
    ),
    [`src/x.ts:2: ${finding}`],
  )
  const viaCopy = [alu('mov', 2, r(10), 64), alu('sub', 2, 24, 64), at(3, load(8, 0, 2, 16)), exit()]
  assert.deepEqual(check(...viaCopy), [`src/x.ts:3: ${finding}`])
  assert.deepEqual(check(zero(0), at(4, atomicAdd(8, 10, -8, 1)), exit()), [`src/x.ts:4: ${finding}`])
})

test('what a copy of r10 or a callee may have written is not reported', () => {
  const viaCopy = [
    alu('mov', 2, r(10), 64),
    alu('add', 2, -16, 64),
    store(8, 2, 8, 0),
    load(8, 0, 10, -8),
    exit(),
  ]
  assert.deepEqual(check(...viaCopy), [])
  const callee = [
    alu('mov', 2, r(10), 64),
    alu('add', 2, -16, 64),
    callHelper(helpers.fib_lookup),
    load(8, 0, 10, -8),
    exit(),
  ]
  assert.deepEqual(check(...callee), [])
  const overwritten = [
    alu('mov', 0, r(10), 64),
    callHelper(helpers.map_lookup_elem),
    load(8, 0, 0, -8), // what the call returned, no longer r10
    exit(),
  ]
  assert.deepEqual(check(...overwritten), [])
  const somewhere = [
    load(4, 3, 1, 16),
    alu('mov', 2, r(10), 64),
    alu('sub', 2, r(3), 64),
    store(8, 2, 0, 0),
    load(8, 0, 10, -8),
    exit(),
  ]
  assert.deepEqual(check(...somewhere), [])
})

test('stack accesses outside of 512 bytes, or not aligned, are found', () => {
  assert.deepEqual(check(zero(0), at(1, store(8, 10, -520, 0)), exit()), [
    'src/x.ts:1: accesses 8 bytes at r10-520, outside the stack',
  ])
  assert.deepEqual(check(zero(0), at(2, store(2, 10, 0, 0)), exit()), [
    'src/x.ts:2: accesses 2 bytes at r10+0, outside the stack',
  ])
  assert.deepEqual(check(zero(0), at(2, store(2, 10, -1, 0)), exit()), [
    'src/x.ts:2: accesses 2 bytes at r10-1, outside the stack',
  ])
  assert.deepEqual(check(zero(0), at(3, store(8, 10, -12, 0)), exit()), [
    'src/x.ts:3: accesses 8 bytes at r10-12, which is not aligned',
  ])
  assert.deepEqual(check(zero(0), store(8, 10, -512, 0), store(1, 10, -1, 0), exit()), [])
})

test('without a line the instruction is named by its place', () => {
  assert.deepEqual(check(zero(1), exit()), ['main, instruction 1: returns r0 that no path has set'])
})
