import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assemble } from './assemble.ts'
import {
  alu,
  atomicAdd,
  atomicFetchAdd,
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
  loadRef,
  store,
  swap,
} from './isa.ts'
import { formatInsn, listing } from './listing.ts'

test('instructions read as the kernel’s disassembler prints them', () => {
  const to = new Label('slow')
  const cases: readonly (readonly [string, Insn])[] = [
    ['r2 = *(u16 *)(r1 +12)', load(2, 2, 1, 12)],
    ['r2 = *(u64 *)(r10 -8)', load(8, 2, 10, -8)],
    ['*(u8 *)(r1 +0) = r3', store(1, 1, 0, { reg: 3 })],
    ['*(u32 *)(r10 -4) = -7', store(4, 10, -4, -7)],
    ['lock *(u64 *)(r1 +16) += r3', atomicAdd(8, 1, 16, 3)],
    ['r3 = atomic64_fetch_add((u64 *)(r1 +16), r3)', atomicFetchAdd(8, 1, 16, 3)],
    ['r3 = atomic_fetch_add((u32 *)(r1 -4), r3)', atomicFetchAdd(4, 1, -4, 3)],
    ['w3 &= 7', alu('and', 3, 7, 32)],
    ['r3 = r4', alu('mov', 3, { reg: 4 }, 64)],
    ['w3 = w4', alu('mov', 3, { reg: 4 }, 32)],
    ['r3 s>>= 3', alu('arsh', 3, 3, 64)],
    ['r3 <<= r1', alu('lsh', 3, { reg: 1 }, 64)],
    ['w3 %= 10', alu('mod', 3, 10, 32)],
    ['r3 = -r3', alu('neg', 3, 0, 64)],
    ['r3 = be16 r3', swap(3, 16)],
    ['r3 = le32 r3', { ...swap(3, 32), code: 0xd4 }],
    ['r1 = 0xdeadbeef00', loadImm64(1, 0xdeadbeef00n)],
    ['r1 = map_value(tables, 4096)', loadRef(1, { kind: 'map-value', map: 'tables', offset: 4096 })],
    ['r1 = map(flows)', loadRef(1, { kind: 'map-fd', map: 'flows', offset: 0 })],
    ['if w2 != 0x8 goto slow', jump('jne', 2, 8, 32, to)],
    ['if r2 s< 0xffffffff goto slow', jump('jslt', 2, -1, 64, to)],
    ['if r2 & r3 goto slow', jump('jset', 2, { reg: 3 }, 64, to)],
    ['goto slow', goto(to)],
    ['call get_smp_processor_id', callHelper(helpers.get_smp_processor_id)],
    ['call helper 9999', callHelper(9999)],
    ['call slow', callFunction(to)],
    ['exit', exit()],
  ]
  for (const [text, insn] of cases)
    assert.equal(
      formatInsn(insn, () => 'slow'),
      text,
    )
})

const at = (insn: Insn, line: number, text = '', file = 'src/dataplane/x.ts'): Insn => ({
  ...insn,
  line: { file, line, text },
})

function sample() {
  const [first, second, end, choose] = ['slow', 'slow', 'end', 'choose'].map((name) => new Label(name))
  return assemble([
    {
      name: 'main',
      entry: new Label('main'),
      items: [
        at(alu('mov', 6, { reg: 1 }, 64), 3, 'const a = 1'),
        at(loadImm64(2, 1n), 3, 'const a = 1'),
        at(jump('jeq', 2, 1, 64, first!), 4),
        at(callFunction(choose!), 5),
        at(goto(second!), 5),
        { bind: first! },
        alu('mov', 0, 1, 32),
        at(goto(end!), 4),
        { bind: second! },
        { bind: end! },
        at(exit(), 1, '', 'src/bpf/y.ts'),
      ],
    },
    { name: 'choose', entry: choose!, items: [at(alu('mov', 0, 0, 32), 9), at(exit(), 9)] },
  ])
}

test('a program shows functions, labels, slots and the TypeScript that each run of instructions is from', () => {
  const expected = `main:
      ; src/dataplane/x.ts:3  const a = 1
    0 r6 = r1
    1 r2 = 0x1
      ; src/dataplane/x.ts:4
    3 if r2 == 0x1 goto slow
      ; src/dataplane/x.ts:5
    4 call choose
    5 goto slow.2
  slow:
    6 w0 = 1
      ; src/dataplane/x.ts:4
    7 goto end
  slow.2:
  end:
      ; src/bpf/y.ts:1
    8 exit

choose:
      ; src/dataplane/x.ts:9
    9 w0 = 0
   10 exit
`
  assert.equal(listing(sample()), expected)
})

test('a function shows its line again, also where the one before ended on the same', () => {
  const other = new Label('other')
  const assembled = assemble([
    { name: 'main', entry: new Label('main'), items: [at(callFunction(other), 7), at(exit(), 7)] },
    { name: 'other', entry: other, items: [at(alu('mov', 0, 0, 64), 7), at(exit(), 7)] },
  ])
  assert.equal(listing(assembled).match(/x\.ts:7/g)?.length, 2)
})

test('without lines only changes of the file are shown', () => {
  const expected = `main:
      ; src/dataplane/x.ts
    0 r6 = r1
    1 r2 = 0x1
    3 if r2 == 0x1 goto slow
    4 call choose
    5 goto slow.2
  slow:
    6 w0 = 1
    7 goto end
  slow.2:
  end:
      ; src/bpf/y.ts
    8 exit

choose:
      ; src/dataplane/x.ts
    9 w0 = 0
   10 exit
`
  assert.equal(listing(sample(), { lines: false }), expected)
})
