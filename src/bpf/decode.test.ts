import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TenbinError } from '../base/errors.ts'
import { assemble } from './assemble.ts'
import { decode } from './decode.ts'
import {
  ALU,
  type AluOp,
  alu,
  atomicAdd,
  atomicFetchAdd,
  callFunction,
  callHelper,
  exit,
  goto,
  type Insn,
  JMP,
  type JmpOp,
  jump,
  Label,
  load,
  loadImm64,
  loadRef,
  store,
  swap,
  type Width,
} from './isa.ts'

const bytes = (text: string) => Uint8Array.from(text.split(' ').map((byte) => Number.parseInt(byte, 16)))
const assembleOne = (...insns: Insn[]) => assemble([{ name: 'f', entry: new Label('f'), items: insns }]).code

// By hand from instruction-set.rst: opcode, src << 4 | dst, offset, immediate, all little-endian.
const golden: readonly (readonly [string, Insn])[] = [
  ['07 03 00 00 07 00 00 00', alu('add', 3, 7, 64)],
  ['0f 21 00 00 00 00 00 00', alu('add', 1, { reg: 2 }, 64)],
  ['b4 09 00 00 ff ff ff ff', alu('mov', 9, -1, 32)],
  ['67 00 00 00 20 00 00 00', alu('lsh', 0, 32, 64)],
  ['cc 54 00 00 00 00 00 00', alu('arsh', 4, { reg: 5 }, 32)],
  ['87 06 00 00 00 00 00 00', alu('neg', 6, 0, 64)],
  ['dc 02 00 00 10 00 00 00', swap(2, 16)],
  ['69 12 0c 00 00 00 00 00', load(2, 2, 1, 12)],
  ['71 87 ff ff 00 00 00 00', load(1, 7, 8, -1)],
  ['7b 6a f8 ff 00 00 00 00', store(8, 10, -8, { reg: 6 })],
  ['62 0a fc ff 2a 00 00 00', store(4, 10, -4, 42)],
  ['db 31 10 00 00 00 00 00', atomicAdd(8, 1, 16, 3)],
  ['c3 31 10 00 01 00 00 00', atomicFetchAdd(4, 1, 16, 3)],
  ['85 00 00 00 08 00 00 00', callHelper(8)],
  ['95 00 00 00 00 00 00 00', exit()],
  ['18 01 00 00 ef be ad de 00 00 00 00 0d f0 ad 0b', loadImm64(1, 0x0badf00ddeadbeefn)],
]

test('instructions have the bytes that the instruction set gives them, and read back as they were', () => {
  for (const [text, insn] of golden) {
    assert.deepEqual(assembleOne(insn), bytes(text), text)
    assert.deepEqual(decode(bytes(text)), [{ slot: 0, insn }], text)
  }
})

test('jumps and calls count slots from the next instruction, a 64-bit load taking two', () => {
  const [end, other] = [new Label('end'), new Label('other')]
  const main = [
    jump('jne', 2, 8, 32, end),
    loadRef(1, { kind: 'map-value', map: 'm', offset: 4 }),
    callFunction(other),
    { bind: end },
    exit(),
  ]
  const { code } = assemble([
    { name: 'main', entry: new Label('main'), items: main },
    { name: 'other', entry: other, items: [jump('jsgt', 1, { reg: 2 }, 64, other), goto(other), exit()] },
  ])
  const expected = [
    '56 02 03 00 08 00 00 00',
    '18 21 00 00 00 00 00 00 00 00 00 00 00 00 00 00',
    '85 10 00 00 01 00 00 00',
    '95 00 00 00 00 00 00 00',
    '6d 21 ff ff 00 00 00 00',
    '05 00 fe ff 00 00 00 00',
    '95 00 00 00 00 00 00 00',
  ]
  assert.deepEqual(code, bytes(expected.join(' ')))
  assert.deepEqual(
    decode(code).map(({ slot }) => slot),
    [0, 1, 3, 4, 5, 6, 7],
  )
})

const register = fc.nat(10)
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const off = fc.integer({ min: -32768, max: 32767 })
const operand = fc.oneof(
  int32,
  register.map((reg) => ({ reg })),
)
const width = fc.constantFrom<Width>(1, 2, 4, 8)
const bits = fc.constantFrom<32 | 64>(32, 64)
const binary = (Object.keys(ALU) as AluOp[]).filter((op) => op !== 'end' && op !== 'neg')
const comparisons = (Object.keys(JMP) as JmpOp[]).filter((op) => op !== 'ja')
const anyInsn = (to: Label) =>
  fc.oneof(
    fc.tuple(fc.constantFrom(...binary), register, operand, bits).map((args) => alu(...args)),
    fc.tuple(register, bits).map(([dst, width]) => alu('neg', dst, 0, width)),
    fc.tuple(register, fc.constantFrom<16 | 32 | 64>(16, 32, 64)).map((args) => swap(...args)),
    fc.tuple(width, register, register, off).map((args) => load(...args)),
    fc.tuple(width, register, off, operand).map((args) => store(...args)),
    fc.tuple(fc.constantFrom<4 | 8>(4, 8), register, off, register).map((args) => atomicAdd(...args)),
    fc.tuple(fc.constantFrom<4 | 8>(4, 8), register, off, register).map((args) => atomicFetchAdd(...args)),
    fc.tuple(register, fc.bigInt(0n, 2n ** 64n - 1n)).map((args) => loadImm64(...args)),
    fc
      .tuple(fc.constantFrom(...comparisons), register, operand, bits)
      .map(([op, dst, value, width]) => jump(op as 'jeq', dst, value, width, to)),
    fc.constant(goto(to)),
    fc.constant(callFunction(to)),
    int32.map(callHelper),
    fc.constant(exit()),
  )

test('what assembles decodes, and what decodes assembles to the same bytes', () => {
  const to = new Label('to')
  fc.assert(
    fc.property(fc.array(anyInsn(to), { maxLength: 60 }), fc.array(anyInsn(to)), (before, after) => {
      const items = [...before, { bind: to }, exit(), ...after]
      const { code, insns } = assemble([{ name: 'f', entry: new Label('f'), items }])
      const decoded = decode(code)
      assert.deepEqual(assembleOne(...decoded.map(({ insn }) => insn)), code)
      for (const [i, { slot, insn }] of decoded.entries()) {
        const { to, ...plain } = insns[i]!.insn
        assert.equal(slot, insns[i]!.slot)
        if (!to) assert.deepEqual(insn, plain)
      }
    }),
  )
})

const refused = (text: string, why: RegExp) =>
  assert.throws(
    () => decode(bytes(text)),
    (e) => e instanceof TenbinError && e.code === 'BPF_CODE_INVALID' && why.test(e.message),
    `${text} ${why}`,
  )

test('bytes that encode nothing are refused with the slot and the reason', () => {
  refused('95 00 00 00 00 00 00', /7 bytes/)
  refused('95 00 00 00 00 00 00 00 8d 00 00 00 00 00 00 00', /slot 1 .*8d 00.*unknown code/)
  refused('d7 01 00 00 10 00 00 00', /unknown code/) // bswap, which isa.ts leaves out
  refused('07 0b 00 00 07 00 00 00', /destination r11/)
  refused('0f b1 00 00 00 00 00 00', /source 11/)
  refused('07 13 00 00 07 00 00 00', /source 1/)
  refused('0f 21 00 00 01 00 00 00', /immediate 1/)
  refused('3f 21 01 00 00 00 00 00', /offset 1/) // signed division
  refused('dc 02 00 00 08 00 00 00', /immediate 8/)
  refused('db 31 10 00 40 00 00 00', /immediate 64/) // atomic or
  refused('db 31 10 00 e1 00 00 00', /immediate 225/) // atomic exchange
  refused('85 20 00 00 01 00 00 00', /source 2/) // kernel function
  refused('95 01 00 00 00 00 00 00', /destination r1/)
  refused('18 01 00 00 01 00 00 00', /second half is missing/)
  refused('18 01 00 00 01 00 00 00 95 00 00 00 00 00 00 00', /no such half/)
  refused('18 31 00 00 01 00 00 00 00 00 00 00 00 00 00 00', /source 3/)
})

test('jumps and calls that lead to no instruction are refused', () => {
  const imm64 = '18 01 00 00 01 00 00 00 00 00 00 00 00 00 00 00'
  refused('05 00 01 00 00 00 00 00 95 00 00 00 00 00 00 00', /slot 0 leads to slot 2/)
  refused('05 00 fe ff 00 00 00 00', /leads to slot -1/)
  refused(`05 00 01 00 00 00 00 00 ${imm64}`, /leads to slot 2/)
  refused('85 10 00 00 07 00 00 00', /leads to slot 8/)
})

test('no bytes make the decoder fail in another way, and what it takes assembles to the same bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (code) => {
      try {
        const decoded = decode(code)
        assert.deepEqual(assembleOne(...decoded.map(({ insn }) => insn)), code)
      } catch (e) {
        if (!(e instanceof TenbinError)) throw e
      }
    }),
    { numRuns: 2000 },
  )
})
