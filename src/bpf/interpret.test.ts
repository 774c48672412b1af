import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { assemble, type Item } from './assemble.ts'
import { interpret, type World } from './interpret.ts'
import {
  type AluOp,
  alu,
  atomicAdd,
  callFunction,
  callHelper,
  exit,
  goto,
  helpers,
  type Insn,
  type JmpOp,
  jump,
  Label,
  load,
  loadImm64,
  loadRef,
  store,
  swap,
} from './isa.ts'

const run = (items: readonly Item[], world?: World) =>
  interpret(assemble([{ name: 'main', entry: new Label('main'), items }]), world)
const r = (reg: number) => ({ reg })
const faults = (items: readonly Item[], why: RegExp, world?: World) =>
  assert.throws(
    () => run(items, world),
    (e) => e instanceof TenbinError && e.code === 'BPF_FAULT' && why.test(e.message),
    String(why),
  )

test('arithmetic is that of the instruction set, in 64 and in 32 bits', () => {
  const big = 0x8000_0001_8000_0002n
  const cases: readonly (readonly [AluOp, bigint, bigint, bigint, bigint])[] = [
    // op, a, b, result in 64 bits, result in 32 bits
    ['add', big, 0xffff_ffffn, 0x8000_0002_8000_0001n, 0x8000_0001n],
    ['sub', 1n, 2n, 0xffff_ffff_ffff_ffffn, 0xffff_ffffn],
    ['mul', big, 2n, 0x0000_0003_0000_0004n, 4n],
    ['div', big, 3n, 0x2aaa_aaab_2aaa_aaabn, 0x2aaa_aaabn],
    ['div', big, 0n, 0n, 0n],
    ['mod', big, 7n, big % 7n, 0x8000_0002n % 7n],
    ['mod', big, 0n, big, 0x8000_0002n],
    ['or', big, 1n, 0x8000_0001_8000_0003n, 0x8000_0003n],
    ['and', big, 0xffff_0000_ffff_0000n, 0x8000_0000_8000_0000n, 0x8000_0000n],
    ['xor', big, big, 0n, 0n],
    ['lsh', big, 4n, 0x0000_0018_0000_0020n, 0x20n],
    ['lsh', 1n, 33n, 0x2_0000_0000n, 2n],
    ['rsh', big, 4n, 0x0800_0000_1800_0000n, 0x0800_0000n],
    ['arsh', big, 4n, 0xf800_0000_1800_0000n, 0xf800_0000n],
    ['arsh', 0x7fff_ffff_ffff_ffffn, 63n, 0n, 0xffff_ffffn],
    ['mov', 0n, big, big, 0x8000_0002n],
  ]
  for (const [op, a, b, wide, narrow] of cases) {
    const in64 = [loadImm64(0, a), loadImm64(1, b), alu(op, 0, r(1), 64), exit()]
    const in32 = [loadImm64(0, a), loadImm64(1, b), alu(op, 0, r(1), 32), exit()]
    assert.equal(run(in64).r0, wide, `${op} in 64 bits`)
    assert.equal(run(in32).r0, narrow, `${op} in 32 bits`)
  }
  assert.equal(run([alu('mov', 0, -2, 64), exit()]).r0, 0xffff_ffff_ffff_fffen)
  assert.equal(run([alu('mov', 0, -2, 32), exit()]).r0, 0xffff_fffen)
  assert.equal(run([loadImm64(0, big), alu('neg', 0, 0, 64), exit()]).r0, 0x7fff_fffe_7fff_fffen)
  assert.equal(run([loadImm64(0, big), alu('neg', 0, 0, 32), exit()]).r0, 0x7fff_fffen)
})

test('swaps change the byte order of the low bits and clear the rest', () => {
  const value = loadImm64(0, 0x0123_4567_89ab_cdefn)
  assert.equal(run([value, swap(0, 16), exit()]).r0, 0xefcdn)
  assert.equal(run([value, swap(0, 32), exit()]).r0, 0xefcd_ab89n)
  assert.equal(run([value, swap(0, 64), exit()]).r0, 0xefcd_ab89_6745_2301n)
  const toLittle: Insn = { ...swap(0, 32), code: 0xd4 }
  assert.equal(run([value, toLittle, exit()]).r0, 0x89ab_cdefn)
})

test('every comparison jumps exactly when it holds, in both widths and signs', () => {
  const high = 0xffff_ffff_0000_0001n
  const cases: readonly (readonly [Exclude<JmpOp, 'ja'>, bigint, bigint, boolean, boolean])[] = [
    ['jeq', high, 1n, false, true],
    ['jne', high, 1n, true, false],
    ['jgt', high, 1n, true, false],
    ['jge', 1n, high, false, true],
    ['jlt', 1n, high, true, false],
    ['jle', 1n, 1n, true, true],
    ['jle', high, 1n, false, true],
    ['jset', high, 0xf0_0000_0000n, true, false],
    ['jsgt', 1n, high, true, false],
    ['jsge', high, 1n, false, true],
    ['jslt', high, 1n, true, false],
    ['jsle', high, 0n, true, false],
    ['jsgt', 0xffff_fffen, 0xffff_ffffn, false, false],
    ['jslt', 0xffff_fffen, 1n, false, true],
  ]
  for (const [op, a, b, wide, narrow] of cases) {
    for (const [bits, expected] of [
      [64, wide],
      [32, narrow],
    ] as const) {
      const taken = new Label('taken')
      const items = [
        loadImm64(2, a),
        loadImm64(3, b),
        alu('mov', 0, 1, 32),
        jump(op, 2, r(3), bits, taken),
        alu('mov', 0, 0, 32),
        { bind: taken },
        exit(),
      ]
      assert.equal(run(items).r0, expected ? 1n : 0n, `${op} in ${bits} bits`)
    }
  }
})

test('an immediate is sign-extended for 64-bit comparison', () => {
  const yes = new Label('yes')
  const items = [
    alu('mov', 0, -1, 64),
    jump('jeq', 0, -1, 64, yes),
    alu('mov', 0, 5, 64),
    { bind: yes },
    exit(),
  ]
  assert.equal(run(items).r0, 0xffff_ffff_ffff_ffffn)
})

test('the packet is read and written through the context, little-endian, and given back', () => {
  const packet = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
  const items = [
    load(4, 2, 1, 0),
    load(4, 3, 1, 4),
    alu('sub', 3, r(2), 64),
    load(4, 0, 2, 4),
    store(2, 2, 0, 0x1234),
    store(1, 2, 2, r(3)),
    exit(),
  ]
  const { r0, packet: after, steps } = run(items, { packet })
  assert.equal(r0, 0x0807_0605n)
  assert.deepEqual([...after], [0x34, 0x12, 8, 4, 5, 6, 7, 8])
  assert.deepEqual([...packet], [1, 2, 3, 4, 5, 6, 7, 8])
  assert.equal(steps, 7)
  const queue = run([load(4, 0, 1, 16), exit()], { context: { rxQueueIndex: 7 } })
  assert.equal(queue.r0, 7n)
})

test('direct memory is written in place, at the relocation’s offset, and added to atomically', () => {
  const table = new Uint8Array(16)
  const items = [
    loadRef(1, { kind: 'map-value', map: 'table', offset: 8 }),
    alu('mov', 2, 3, 64),
    atomicAdd(8, 1, 0, 2),
    atomicAdd(4, 1, 0, 2),
    load(8, 0, 1, 0),
    exit(),
  ]
  assert.equal(run(items, { memories: { table } }).r0, 6n)
  assert.equal(table[8], 6)
  faults(items, /no memory is named table/)
})

test('helpers get arguments and memory, and clobber r1 to r5', () => {
  const items = [
    store(4, 10, -4, 99),
    alu('mov', 2, r(10), 64),
    alu('add', 2, -4, 64),
    loadRef(1, { kind: 'map-fd', map: 'flows', offset: 0 }),
    callHelper(helpers.map_lookup_elem),
    load(4, 0, 0, 0),
    exit(),
  ]
  const lookup: World['helpers'] = {
    [helpers.map_lookup_elem]: (arg, memory) => {
      assert.equal(memory.name(arg(1)), 'flows')
      assert.deepEqual([...memory.read(arg(2), 4)], [99, 0, 0, 0])
      return memory.add('value', Uint8Array.of(7, 1, 0, 0)).base
    },
  }
  assert.equal(run(items, { helpers: lookup }).r0, 0x107n)
  faults(items, /slot 5 calls helper 1/)
  faults([...items.slice(0, 5), alu('mov', 0, r(2), 64), exit()], /slot 6 reads r2/, { helpers: lookup })
  faults([alu('mov', 1, 5, 64), callHelper(1), exit()], /slot 1 0x5 is an address of nothing/, {
    helpers: lookup,
  })
})

test('a helper that moves the packet moves what the context says', () => {
  const items = [alu('mov', 2, -4, 64), alu('mov', 6, r(1), 64), callHelper(helpers.xdp_adjust_head)]
  const world: World = {
    packet: new Uint8Array(20).fill(9),
    helpers: {
      [helpers.xdp_adjust_head]: (arg, memory) =>
        memory.adjustPacket(Number(BigInt.asIntN(32, arg(2))), 0) ? 0n : -22n,
    },
  }
  const grown = run([...items, load(4, 1, 6, 0), store(4, 1, 0, 1), exit()], world)
  assert.deepEqual([...grown.packet], [1, 0, 0, 0, ...new Array(20).fill(9)])
  const refused = [alu('mov', 2, 7, 64), ...items.slice(1)]
  assert.equal(run([...refused, exit()], world).r0, 2n ** 64n - 22n)
})

test('functions have their own stack and keep r6 to r9 of their caller', () => {
  const callee = new Label('callee')
  const main = [
    alu('mov', 6, 40, 64),
    alu('mov', 1, 2, 64),
    store(8, 10, -8, 5),
    callFunction(callee),
    alu('add', 0, r(6), 64),
    load(8, 1, 10, -8),
    alu('add', 0, r(1), 64),
    exit(),
  ]
  const inner = [alu('mov', 6, r(1), 64), store(8, 10, -8, 1000), alu('mov', 0, r(6), 64), exit()]
  const program = assemble([
    { name: 'main', entry: new Label('main'), items: main },
    { name: 'callee', entry: callee, items: inner },
  ])
  assert.equal(interpret(program).r0, 47n)
})

test('what the verifier would refuse is a fault that names the slot', () => {
  const end = new Label('end')
  faults([exit()], /slot 0 reads r0/)
  faults([alu('mov', 0, r(6), 64), exit()], /slot 0 reads r6/)
  faults([alu('mov', 10, 0, 64), exit()], /slot 0 writes r10/)
  faults([alu('mov', 0, 0, 64)], /slot 1 is behind the last instruction/)
  faults([load(8, 0, 10, -8), exit()], /slot 0 reads 8 bytes at r10-8 that nothing has written/)
  faults([store(4, 10, -8, 0), load(8, 0, 10, -8), exit()], /slot 1 reads 8 bytes at r10-8/)
  faults([store(8, 10, -520, 0), exit()], /slot 0 writes 8 bytes at stack-8, of 512/)
  faults([store(8, 10, 0, 0), exit()], /slot 0 writes 8 bytes at stack\+512/)
  faults([store(8, 10, -12, 0), exit()], /slot 0 accesses the stack unaligned, at r10-12/)
  faults([load(4, 2, 1, 0), load(8, 0, 2, 1), exit()], /slot 1 reads 8 bytes at packet\+1, of 8/, {
    packet: new Uint8Array(8),
  })
  faults([load(8, 0, 1, 0), exit()], /slot 0 reads 8 bytes at context\+0/)
  faults([store(4, 1, 12, 0), exit()], /slot 0 writes the context/)
  faults([alu('mov', 2, 0, 64), load(4, 0, 2, 0), exit()], /slot 1 reads 4 bytes at 0x0/)
  faults(
    [load(4, 2, 1, 0), alu('mov', 3, 1, 64), atomicAdd(8, 2, 1, 3), exit()],
    /slot 2 adds to an unaligned/,
    {
      packet: new Uint8Array(16),
    },
  )
  faults([{ bind: end }, goto(end)], /slot 0 is reached after 50 instructions/, { maxSteps: 50 })
  const self = new Label('self')
  const recursion = assemble([{ name: 'self', entry: self, items: [callFunction(self), exit()] }])
  assert.throws(() => interpret(recursion), /deeper than 8/)
})

test('a function leaves r1 to r5 of its caller unset', () => {
  const callee = new Label('callee')
  const main = [callFunction(callee), alu('mov', 0, r(1), 64), exit()]
  const program = assemble([
    { name: 'main', entry: new Label('main'), items: main },
    { name: 'callee', entry: callee, items: [alu('mov', 0, 0, 64), exit()] },
  ])
  assert.throws(() => interpret(program), /slot 1 reads r1, which is not set/)
})

test('a pointer into the stack of a function that has returned leads nowhere', () => {
  const callee = new Label('callee')
  const main = [callFunction(callee), load(8, 0, 0, -8), exit()]
  const inner = [store(8, 10, -8, 1), alu('mov', 0, r(10), 64), exit()]
  const program = assemble([
    { name: 'main', entry: new Label('main'), items: main },
    { name: 'callee', entry: callee, items: inner },
  ])
  assert.throws(() => interpret(program), /slot 1 reads 8 bytes at 0x/)
})
