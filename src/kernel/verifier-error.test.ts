import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VerifierError } from './verifier-error.ts'

type Record = readonly [slot: number, file: string, line: number, text: string]

/** debug information of a program with these line records. */
function debug(...records: readonly Record[]) {
  const strings = `\0${records.flatMap(([, file, , text]) => [file, text]).join('\0')}\0`
  const offset = (text: string): number => (text === '' ? 0 : strings.indexOf(`\0${text}\0`) + 1)
  const words = records.flatMap(([slot, file, line, text]) => [
    slot,
    offset(file),
    offset(text),
    (line << 10) | 7,
  ])
  const header = [0x1eb9f, 24, 0, 0, 0, strings.length]
  return {
    blob: Buffer.concat([bytes(header), Buffer.from(strings)]),
    funcInfo: new Uint8Array(),
    lineInfo: bytes(words),
  }
}

const bytes = (words: readonly number[]): Buffer => Buffer.from(Uint32Array.from(words).buffer)

const log618 = `0: R1=ctx() R10=fp0
; const ports = p.load(tcp.ports) @ match.ts:42
0: (61) r2 = *(u32 *)(r1 +0)          ; R1=ctx() R2=pkt(r=0)
1: (b7) r0 = 2                        ; R0=2
; p.exitIf(ge(port, 1), 'short') @ match.ts:43
5: (71) r3 = *(u8 *)(r2 +0)
invalid access to packet, off=0 size=1, R2(id=0,off=0,r=0)
R2 offset is outside of the packet
processed 3 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`
const log61 = log618.replace(/ @ \S+:\d+$/gm, '')
const btf = debug(
  [0, 'src/dataplane/headers.ts', 7, 'p.headers(Ethernet)'],
  [2, 'src/dataplane/match.ts', 43, 'p.load(port)'],
  [6, 'src/dataplane/match.ts', 99, 'p.leave()'],
)

test('the message starts with our source line, whole path, on kernels that print lines and on those that do not', () => {
  for (const log of [log618, log61]) {
    const error = new VerifierError({ name: 'dsr', btf }, log)
    assert.equal(
      error.message,
      'src/dataplane/match.ts:43: load dsr: R2 offset is outside of the packet (instruction 5: p.load(port))',
    )
    assert.equal(error.code, 'VERIFIER_REFUSED')
    assert.deepEqual(error.source, { file: 'src/dataplane/match.ts', line: 43, text: 'p.load(port)' })
    assert.deepEqual(
      [error.instruction, error.sentence, error.log],
      [5, 'R2 offset is outside of the packet', log],
    )
  }
})

test("without records of our own the log's last source line is told", () => {
  const error = new VerifierError({ name: 'dsr' }, log618)
  assert.equal(
    error.message,
    "match.ts:43: load dsr: R2 offset is outside of the packet (instruction 5: p.exitIf(ge(port, 1), 'short'))",
  )
})

test('without any source line the message starts with what was loaded', () => {
  const error = new VerifierError({ name: 'dsr' }, log61)
  assert.equal(error.message, 'load dsr: R2 offset is outside of the packet (instruction 5)')
  assert.equal(error.source, undefined)
})

test('an instruction that the sentence names is the one, whatever was looked at before', () => {
  const log = '0: (b7) r0 = 0\nback-edge from insn 7 to 3\nverification time 4 usec\nstack depth 0\n'
  const error = new VerifierError({ name: 'loop', btf }, log)
  assert.deepEqual(
    [error.instruction, error.source?.line, error.sentence],
    [7, 99, 'back-edge from insn 7 to 3'],
  )
})

test('lines about states, registers and precision are not taken for instructions', () => {
  const log = `3: (bf) r1 = r2
from 3 to 9: R0=1 R10=fp0
12: R1=scalar()
mark_precise: frame0: regs=r2 stack= before 77: (bf) r2 = r1
math between pkt pointer and register with unbounded min value is not allowed
`
  assert.equal(new VerifierError({ name: 'x' }, log).instruction, 3)
})

test('an instruction before the first record, or a record without a file, has no source line', () => {
  const late = debug([3, 'src/a.ts', 1, 'late'])
  assert.equal(new VerifierError({ name: 'x', btf: late }, '1: (95) exit\nR0 !read_ok\n').source, undefined)
  const unknown = debug([0, '', 0, ''])
  assert.equal(
    new VerifierError({ name: 'x', btf: unknown }, '1: (95) exit\nR0 !read_ok\n').source,
    undefined,
  )
})

test('a log that says nothing still makes an error', () => {
  const error = new VerifierError({ name: 'x', btf: debug() }, 'processed 0 insns (limit 1000000)\n')
  assert.deepEqual([error.message, error.sentence], ['load x: it gave no reason', ''])
})
