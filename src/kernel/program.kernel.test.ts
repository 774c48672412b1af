import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BtfBuilder } from '../bpf/btf.ts'
import type { MapSpec, ProgramSpec } from '../bpf/program.ts'
import { counting, handCode, returning, type Slot } from './hand-code.ts'
import { BpfMap } from './map.ts'
import { BpfProgram, loadProgram } from './program.ts'
import { mapsOfProgram } from './program-maps.ts'
import { testRun } from './test-run.ts'
import { VerifierError } from './verifier-error.ts'

const specOf = (slots: readonly Slot[], rest: Partial<ProgramSpec> = {}): ProgramSpec => ({
  name: 'tb_test',
  code: handCode(...slots),
  relocations: [],
  maps: [],
  flags: 0,
  ...rest,
})
const memory: MapSpec = {
  name: 'tb_mem',
  type: 'array',
  keySize: 4,
  valueSize: 64,
  maxEntries: 1,
  mmapable: true,
}
const packet = Buffer.alloc(64)

const refusalOf = (spec: ProgramSpec): VerifierError => {
  try {
    loadProgram(spec).program[Symbol.dispose]()
  } catch (error) {
    assert.ok(error instanceof VerifierError, String(error))
    return error
  }
  return assert.fail('it was accepted')
}

test('a program loads and tells what it is', () => {
  const { program, loadMs } = loadProgram(specOf(returning(2), { flags: 1 << 5 }))
  using loaded = program
  assert.ok(loadMs > 0)
  const { id, tag, jitedBytes, ...info } = loaded.info
  assert.ok(id > 0 && jitedBytes >= 0)
  assert.match(tag, /^[0-9a-f]{16}$/)
  assert.deepEqual(info, { name: 'tb_test', type: 6, instructions: 2, verifiedInstructions: 2, mapIds: [] })
})

test('the same instructions have the same tag, others another', () => {
  using first = loadProgram(specOf(returning(2))).program
  using second = loadProgram(specOf(returning(2))).program
  using third = loadProgram(specOf(returning(1))).program
  assert.equal(first.info.tag, second.info.tag)
  assert.notEqual(first.info.tag, third.info.tag)
})

test('what a program adds to direct memory is read through the mapping without a call, at the offset named', () => {
  using map = BpfMap.create(memory)
  const words = new BigUint64Array(map.memory)
  words[5] = 100n
  const relocations = [{ insn: 0, kind: 'map-value', map: 'tb_mem', offset: 40 }] as const
  using program = loadProgram(specOf(counting(1), { relocations }), new Map([['tb_mem', map]])).program
  for (const count of [101n, 102n, 103n]) {
    assert.equal(testRun(program, { packet }).verdict, 1)
    assert.equal(words[5], count)
  }
  assert.deepEqual([...words.filter((word) => word !== 0n)], [103n])
  assert.deepEqual(program.info.mapIds, [map.info.id])
})

test('a map named by descriptor is looked up by the program', () => {
  using map = BpfMap.create({ name: 'tb_hash', type: 'hash', keySize: 4, valueSize: 4, maxEntries: 4 })
  // *(u32 *)(r10 - 4) = 7; r2 = r10 - 4; r1 = map; call map_lookup_elem; if !r0 return 1; return *(u32 *)r0
  const lookup: readonly Slot[] = [
    [0x62, 10, -4, 7],
    [0xbf, 0xa2, 0, 0],
    [0x07, 2, 0, -4],
    [0x18, 1, 0, 0],
    [0, 0, 0, 0],
    [0x85, 0, 0, 1],
    [0x55, 0, 2, 0],
    ...returning(1),
    [0x61, 0x00, 0, 0],
    [0x95, 0, 0, 0],
  ]
  const relocations = [{ insn: 3, kind: 'map-fd', map: 'tb_hash', offset: 0 }] as const
  using program = loadProgram(specOf(lookup, { relocations }), new Map([['tb_hash', map]])).program
  assert.equal(testRun(program, { packet }).verdict, 1)
  map.update(Buffer.from([7, 0, 0, 0]), Buffer.from([3, 0, 0, 0]))
  assert.equal(testRun(program, { packet }).verdict, 3)
})

test('the maps of a program are found from the program, and outlive those who made them', () => {
  const map = BpfMap.create(memory)
  const relocations = [{ insn: 0, kind: 'map-value', map: 'tb_mem', offset: 0 }] as const
  using program = loadProgram(specOf(counting(2), { relocations }), new Map([['tb_mem', map]])).program
  map[Symbol.dispose]()
  testRun(program, { packet })
  const maps = mapsOfProgram(program)
  assert.deepEqual([...maps.keys()], ['tb_mem'])
  using found = maps.get('tb_mem')!
  assert.equal(new BigUint64Array(found.memory)[0], 1n)
})

test('a refusal keeps the whole log and tells the instruction and the sentence of the verifier', () => {
  const error = refusalOf(specOf([[0x95, 0, 0, 0]]))
  assert.equal(error.code, 'VERIFIER_REFUSED')
  assert.equal(error.message, 'load tb_test: R0 !read_ok (instruction 0)')
  assert.match(error.log, /^(.*\n)*0: \(95\) exit\nR0 !read_ok\nprocessed 1 insns/)
})

test('a program with debug information loads, and a refusal of one starts with the source line', () => {
  const builder = new BtfBuilder()
  const func = builder.func('tb_main', 1, 'global')
  const record = (slot: number, line: number, text: string): number[] => {
    return [slot, builder.string('src/dataplane/far/match.ts'), builder.string(text), (line << 10) | 3]
  }
  const lines = [record(0, 41, 'p.set(r, 2)'), record(1, 42, 'p.leave(r)')]
  const blob = builder.blob()
  const words = (values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer)
  const btf = { blob, funcInfo: words([0, func]), lineInfo: words(lines.flat()) }
  using program = loadProgram(specOf(returning(2), { btf })).program
  assert.equal(program.info.instructions, 2)
  const error = refusalOf(
    specOf(
      [
        [0xb7, 1, 0, 2],
        [0x95, 0, 0, 0],
      ],
      { btf },
    ),
  )
  assert.equal(
    error.message,
    'src/dataplane/far/match.ts:42: load tb_test: R0 !read_ok (instruction 1: p.leave(r))',
  )
  assert.match(error.log, /; p\.leave\(r\)/)
  const cut = { ...btf, lineInfo: btf.lineInfo.subarray(16) }
  assert.throws(() => loadProgram(specOf(returning(2), { btf: cut })), { code: 'VERIFIER_REFUSED' })
  const broken = { ...btf, blob: blob.subarray(0, blob.length - 1) }
  assert.throws(() => loadProgram(specOf(returning(2), { btf: broken })), { code: 'BTF_REFUSED' })
})

test('a refusal of a program with a log of many megabytes keeps all of it', () => {
  // 60,000 instructions on the way to the one that is refused, each with the state of a register behind it.
  const steps = Array.from({ length: 60_000 }, (_, index): Slot => [0x07, 3, 0, index & 0x7fff])
  const error = refusalOf(specOf([[0xb7, 3, 0, 0], ...steps, [0xbf, 0x90, 0, 0], [0x95, 0, 0, 0]]))
  assert.ok(error.log.length > 1 << 20)
  assert.match(error.log, /^0: \(b7\) r3 = 0/m)
  assert.deepEqual([error.sentence, error.instruction], ['R9 !read_ok', 60_001])
})

test('code that was cut short, or has no load where a map belongs, is refused before the kernel sees it', () => {
  using map = BpfMap.create(memory)
  const maps = new Map([['tb_mem', map]])
  const whole = handCode(...counting(2))
  const at = (insn: number) => [{ insn, kind: 'map-value', map: 'tb_mem', offset: 0 }] as const
  for (let length = 0; length < 16; length++)
    assert.throws(
      () => loadProgram(specOf([], { code: whole.subarray(0, length), relocations: at(0) }), maps),
      {
        code: 'BPF_CODE_INVALID',
      },
    )
  for (const insn of [-1, 0.5, 1, 6, 7, 1e9])
    assert.throws(() => loadProgram(specOf([], { code: whole, relocations: at(insn) }), maps), {
      code: 'BPF_CODE_INVALID',
    })
  for (let length = 16; length < whole.length - 8; length += 8)
    assert.throws(
      () => loadProgram(specOf([], { code: whole.subarray(0, length), relocations: at(0) }), maps),
      {
        code: 'VERIFIER_REFUSED',
      },
    )
})

test('a relocation whose map was not given is a bug of the caller', () => {
  const relocations = [{ insn: 0, kind: 'map-fd', map: 'tb_mem', offset: 0 }] as const
  assert.throws(() => loadProgram(specOf(counting(2), { relocations })), /invariant broken: .* no map tb_mem/)
})

test('the caller keeps the code as it was: loading changes a copy', () => {
  using map = BpfMap.create(memory)
  const relocations = [{ insn: 0, kind: 'map-value', map: 'tb_mem', offset: 8 }] as const
  const spec = specOf(counting(2), { relocations })
  const before = Buffer.from(spec.code)
  loadProgram(spec, new Map([['tb_mem', map]])).program[Symbol.dispose]()
  assert.deepEqual(spec.code, before)
})

test('a flag that the kernel does not know is a refusal with its errno', () => {
  assert.throws(() => loadProgram(specOf(returning(2), { flags: 1 << 30 })), {
    code: 'SYSCALL_FAILED',
    errno: 'EINVAL',
    op: 'load tb_test',
  })
})

test('a map is not taken for a program', () => {
  const map = BpfMap.create(memory)
  assert.throws(() => BpfProgram.adopt(map.fd), { code: 'BPF_OBJECT_UNEXPECTED' })
})
