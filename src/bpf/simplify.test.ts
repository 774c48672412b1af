import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VirtualItem } from './code.ts'
import { alu, callHelper, exit, goto, type Insn, jump, Label, load, store } from './isa.ts'
import { formatInsn } from './listing.ts'
import { simplified } from './simplify.ts'

const [a, b, c, d] = [16, 17, 18, 19]
const mov = (dst: number, src: number, bits: 32 | 64 = 64): Insn => alu('mov', dst, { reg: src }, bits)
const set = (dst: number, value: number): Insn => alu('mov', dst, value, 64)
const add = (dst: number, value: number, bits: 32 | 64 = 64): Insn => alu('add', dst, value, bits)
/** Reads all of a register. */
const use = (reg: number): Insn => store(8, 10, -8, { reg })

const call = (args: readonly number[], result: number): VirtualItem => ({
  enter: callHelper(5),
  args: args.map((reg) => ({ reg })),
  result,
  line: { file: 'x.ts', line: 1, text: '' },
})

const text = (items: readonly VirtualItem[]): string[] =>
  items.map((item) => {
    if ('bind' in item) return `${item.bind.name}:`
    if ('loop' in item) return item.loop
    if ('enter' in item)
      return `r${item.result} = call ${item.args.map((arg) => ('reg' in arg ? `r${arg.reg}` : '')).join()}`
    if ('cold' in item) return item.cold ? 'cold' : 'hot'
    return formatInsn(item, () => item.to!.name)
  })

const becomes = (before: readonly VirtualItem[], after: readonly VirtualItem[]): void =>
  assert.deepEqual(text(simplified(before)), text(after))
const stays = (items: readonly VirtualItem[]): void => becomes(items, items)

test('what is computed for a variable is computed in it', () => {
  becomes(
    [set(a, 1), add(a, 2), mov(b, a), use(b), set(b, 0), use(b)],
    [set(b, 1), add(b, 2), use(b), set(b, 0), use(b)],
  )
  becomes([call([], a), mov(b, a), use(b), set(b, 0), use(b)], [call([], b), use(b), set(b, 0), use(b)])
})

test('a variable that counts up does so in place', () => {
  becomes([set(b, 0), mov(a, b), add(a, 1), mov(b, a), use(b)], [set(b, 0), mov(b, b), add(b, 1), use(b)])
})

test('a variable that is looked at before it is set again is not computed in', () => {
  stays([set(b, 0), set(a, 1), use(b), mov(b, a), use(b)])
  const other = new Label('other')
  stays([set(b, 0), set(a, 1), jump('jeq', a, 0, 64, other), mov(b, a), { bind: other }, use(b)])
})

test('a value that is read again keeps a register of its own', () => {
  stays([set(a, 1), mov(b, a), add(b, 1), use(a), use(b)])
  stays([set(b, 0), set(a, 1), mov(b, a), add(b, 1), use(a), use(b)])
})

test('a value that is set on two ways is not computed on one of them alone', () => {
  const [other, done] = [new Label('other'), new Label('done')]
  stays([
    ...[set(b, 9), use(b), jump('jeq', b, 0, 64, other), set(a, 1), goto(done)],
    ...[{ bind: other }, set(a, 2), { bind: done }, mov(b, a), use(b)],
  ])
})

test('a copy of what does not change is no copy', () => {
  becomes([set(a, 1), add(a, 1), mov(b, a), use(b), use(a)], [set(a, 1), add(a, 1), use(a), use(a)])
  becomes([set(a, 1), mov(b, a), mov(c, b), call([b, c], d), use(a)], [set(a, 1), call([a, a], d), use(a)])
})

test('a copy protects from what changes afterwards, on whatever way', () => {
  stays([set(a, 1), mov(b, a), set(a, 2), use(b), use(a)])
  const other = new Label('other')
  stays([set(a, 1), mov(b, a), jump('jeq', a, 0, 64, other), add(a, 2), { bind: other }, use(b), use(a)])
})

test('what changes after the copy was read last does not matter', () => {
  becomes(
    [set(a, 1), use(a), mov(b, a), use(b), add(a, 2), use(a)],
    [set(a, 1), use(a), use(a), add(a, 2), use(a)],
  )
})

test('a copy from before a loop stays', () => {
  const head = new Label('head')
  const back = { ...jump('jlt', a, 9, 32, head), back: true } as const
  stays([
    set(a, 1),
    mov(b, a),
    { loop: 'begin' },
    { bind: head },
    use(b),
    add(a, 1),
    back,
    { loop: 'end' },
    use(a),
  ])
})

test('a lower half of which no more is read than that is a whole copy', () => {
  becomes(
    [
      load(8, a, 10, -8),
      mov(b, a, 32),
      jump('jeq', b, 1, 32, new Label('x')),
      store(4, 10, -4, { reg: b }),
      use(a),
    ],
    [load(8, a, 10, -8), jump('jeq', a, 1, 32, new Label('x')), store(4, 10, -4, { reg: a }), use(a)],
  )
  becomes(
    [load(8, a, 10, -8), mov(b, a, 32), mov(c, b), add(c, 1, 32), use(c), use(a)],
    [load(8, a, 10, -8), mov(c, a), add(c, 1, 32), use(c), use(a)],
  )
})

test('a lower half of which all is read keeps its upper half empty', () => {
  const start = [load(8, a, 10, -8), mov(b, a, 32)]
  const end = [use(a), exit()]
  for (const reads of [
    [use(b)],
    [add(b, 1, 32), use(b)],
    [jump('jeq', b, 1, 64, new Label('x'))],
    [mov(c, b), add(c, 1), use(c)],
    [mov(c, b), add(d, 1, 32), use(c)],
    [load(4, c, b, 0), use(c)],
    [call([b], c), use(c)],
  ])
    assert.match(text(simplified([set(d, 0), ...start, ...reads, ...end])).join('; '), /w1[78] = w16/)
})
